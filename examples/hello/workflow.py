#!/usr/bin/env python3
"""The diamond of workflow.yml as a script for Pegasus.api: writes workflow.yml and its catalogs where it is called.

pip install pegasus-wms.api
python workflow.py
"""

from pathlib import Path

from Pegasus.api import (
    OS,
    Arch,
    File,
    Job,
    ReplicaCatalog,
    Site,
    SiteCatalog,
    Transformation,
    TransformationCatalog,
    Workflow,
)

HERE = Path(__file__).resolve().parent
PROGRAMS = ("preprocess", "findrange", "analyze")


def workflow() -> Workflow:
    numbers, odd, even = File("numbers.txt"), File("odd.txt"), File("even.txt")
    odd_range, even_range, everything = File("odd-range.txt"), File("even-range.txt"), File("range.txt")
    preprocess = Job("preprocess").add_args("-i", numbers, "-o", odd, even).add_inputs(numbers)
    preprocess.add_outputs(odd, even, stage_out=False, register_replica=False)
    ranges = []
    for source, target in ((odd, odd_range), (even, even_range)):
        job = Job("findrange").add_args("-i", source, "-o", target).add_inputs(source)
        ranges.append(job.add_outputs(target, stage_out=False, register_replica=False))
    analyze = Job("analyze").add_args("-i", odd_range, even_range, "-o", everything)
    analyze.add_inputs(odd_range, even_range).add_outputs(everything, stage_out=True, register_replica=False)
    return Workflow("hello").add_jobs(preprocess, *ranges, analyze)


def here(name: str) -> str:
    """A file of this directory: relative to the catalogs where they are beside it."""
    return name if Path.cwd() == HERE else str(HERE / name)


def transformations() -> TransformationCatalog:
    platform = {"arch": Arch.X86_64, "os_type": OS.LINUX}
    python = Transformation("python3", site="condorpool", pfn="/usr/bin/python3", is_stageable=False, **platform)
    catalog = TransformationCatalog().add_transformations(python)
    for name in PROGRAMS:
        program = Transformation(name, site="local", pfn=here(f"tools/{name}"), is_stageable=True, **platform)
        catalog.add_transformations(program.add_requirement(python))
    return catalog


def main() -> None:
    ReplicaCatalog().add_replica("local", "numbers.txt", here("input/numbers.txt")).write("replicas.yml")
    transformations().write("transformations.yml")
    pool = Site("condorpool", arch=Arch.X86_64, os_type=OS.LINUX)
    pool.add_pegasus_profile(style="condor").add_condor_profile(universe="vanilla")
    SiteCatalog().add_sites(pool).write("sites.yml")
    workflow().write("workflow.yml")


if __name__ == "__main__":
    main()
