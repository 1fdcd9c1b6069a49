"""The committed examples: whole, loadable, what their scripts for Pegasus.api write, and checks that can say no."""

import os
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.spec import parse
from roost.workflow.image_check import missing_executables
from roost.workflow.source import load

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ("hello", "variants", "montage")
Document = dict[str, Any]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory, pegasus_api: Any) -> Path:
    """What the examples' scripts write, each in a directory of its own. They are run here: nothing is started."""
    assert pegasus_api.Workflow  # the scripts import it
    for_all = tmp_path_factory.mktemp("written")
    before, argv = Path.cwd(), sys.argv
    for name in NAMES:
        (for_all / name).mkdir()
        os.chdir(for_all / name)
        sys.argv = ["workflow.py"]
        try:
            runpy.run_path(str(EXAMPLES / name / "workflow.py"), run_name="__main__")
        finally:
            os.chdir(before)
            sys.argv = argv
    return for_all


@pytest.mark.parametrize("name", NAMES)
def test_script_writes_the_same_workflow(written: Path, name: str) -> None:
    assert abstract(written / name) == abstract(EXAMPLES / name)


@pytest.mark.parametrize("name", NAMES)
def test_script_writes_the_same_catalogs(written: Path, name: str) -> None:
    assert transformations(written / name) == transformations(EXAMPLES / name)
    assert replicas(written / name) == replicas(EXAMPLES / name)
    assert document(written / name / "sites.yml") == document(EXAMPLES / name / "sites.yml")


def document(path: Path) -> Document:
    found: Document = yaml.safe_load(path.read_text())
    found.pop("x-pegasus", None)  # who and when
    return found


def abstract(directory: Path) -> Document:
    """The files of a task, and the children of a task, are sets: Pegasus.api writes them in any order."""
    found = document(directory / "workflow.yml")
    for job in found["jobs"]:
        job["uses"] = {use.pop("lfn"): use for use in job["uses"]}
    found["jobDependencies"] = {one["id"]: set(one["children"]) for one in found["jobDependencies"]}
    return found


def transformations(directory: Path) -> Document:
    return {
        one["name"]: (
            {"requires": set(one.get("requires", ()))},
            [
                {**site, "pfn": str(directory / site["pfn"]).replace(str(directory), str(EXAMPLES / directory.name))}
                for site in one["sites"]
            ],
        )
        for one in document(directory / "transformations.yml")["transformations"]
    }


def replicas(directory: Path) -> Document:
    """By name: what is in the file."""
    path = directory / "replicas.yml"
    rows = document(path)["replicas"] if path.exists() else []
    return {row["lfn"]: (directory / row["pfns"][0]["pfn"]).read_bytes() for row in rows}


@pytest.mark.parametrize(("name", "tasks", "results"), [("hello", 4, 1), ("variants", 30, 3), ("montage", 223, 10)])
def test_example_loads(name: str, tasks: int, results: int) -> None:
    found = load(EXAMPLES / name / "workflow.yml")
    assert len(found.jobs) == tasks
    assert sum(use.stage_out for job in found.jobs for use in job.outputs) == results


@pytest.mark.parametrize("name", NAMES)
def test_pool_of_example_is_valid(name: str) -> None:
    path = EXAMPLES / name / "pool.yml"
    assert parse(path.read_text(), path).workers.count == 2


def test_variants_needs_its_packages() -> None:
    found = missing_executables(load(EXAMPLES / "variants" / "workflow.yml"), frozenset({"/usr/bin/python3.13"}))
    assert {Path(one.pfn).name for one in found} == {"bwa", "samtools", "bcftools", "wgsim", "python3"}
