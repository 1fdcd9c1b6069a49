#!/usr/bin/env python3
"""Variant calling on simulated reads, as a Pegasus 5 workflow: writes workflow.yml and its catalogs where it is called.

The reference, the samples' mutations and their reads are made by the first tasks, on the instances, from a seed; the
last task compares what was found with what was put in.

    python workflow.py --samples 3 --parts 4 --bases 60000 --depth 20
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from Pegasus.api import OS, Arch, File, Job, Site, SiteCatalog, Transformation, TransformationCatalog, Workflow

HERE = Path(__file__).resolve().parent
READ_LENGTH = 100
INDEX = ("amb", "ann", "bwt", "pac", "sa")
# What each program in tools/ needs on the image.
TOOLS = {
    "make-reference": ["python3"],
    "index": ["bwa", "samtools"],
    "simulate": ["wgsim"],
    "split": ["python3"],
    "align": ["bwa", "samtools"],
    "merge": ["samtools"],
    "call": ["bcftools"],
    "concat": ["bcftools"],
    "stats": ["bcftools"],
    "accuracy": ["python3"],
}
INSTALLED = ("bwa", "samtools", "bcftools", "wgsim", "python3")


@dataclass(frozen=True)
class Size:
    samples: int = 3
    chromosomes: int = 4
    parts: int = 4  # of each sample's reads, aligned side by side
    bases: int = 60_000  # of each chromosome
    depth: int = 20  # reads over each base
    seed: int = 7


class Calling:
    """Adds the tasks to a workflow, in the order in which they will run."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.workflow = Workflow("variants")
        self.reference = File("reference.fa")
        self.index = [File(f"reference.fa.{one}") for one in INDEX]
        self.lines = File("reference.fa.fai")

    def add(self, name: str, *arguments: object, inputs: list[File], outputs: list[File], final: bool = False) -> None:
        job = Job(name, _id=f"ID{len(self.workflow.jobs) + 1:07d}").add_args(*arguments)
        job.add_inputs(*inputs).add_outputs(*outputs, stage_out=final, register_replica=False)
        self.workflow.add_jobs(job)

    def called(self) -> Workflow:
        size = self.size
        chromosomes = [f"chr{number + 1}" for number in range(size.chromosomes)]
        words = [self.reference, size.seed, size.bases, *chromosomes]
        self.add("make-reference", *words, inputs=[], outputs=[self.reference])
        self.add("index", self.reference, inputs=[self.reference], outputs=[*self.index, self.lines])
        bams, truths = [], []
        for number in range(size.samples):
            bam, truth = self.sample(f"sample{number + 1}", size.seed * 1000 + number)
            bams.append(bam)
            truths.append(truth)
        both = [file for bam in bams for file in (bam, File(f"{bam.lfn}.bai"))]
        parts = []
        for one in chromosomes:
            parts.append(File(f"{one}.vcf.gz"))
            inputs = [self.reference, self.lines, *both]
            self.add("call", self.reference, one, parts[-1], *bams, inputs=inputs, outputs=[parts[-1]])
        variants, stats, accuracy = File("variants.vcf.gz"), File("stats.txt"), File("accuracy.json")
        self.add("concat", variants, *parts, inputs=parts, outputs=[variants], final=True)
        self.add("stats", variants, stats, inputs=[variants], outputs=[stats], final=True)
        found = [variants, *truths]
        self.add("accuracy", variants, accuracy, *truths, inputs=found, outputs=[accuracy], final=True)
        return self.workflow

    def sample(self, name: str, seed: int) -> tuple[File, File]:
        """One genome, read, and its reads put where they belong: the reads, and the mutations."""
        size = self.size
        reads, truth = [File(f"{name}_{mate}.fq") for mate in (1, 2)], File(f"{name}.truth.txt")
        pairs = size.bases * size.chromosomes * size.depth // (2 * READ_LENGTH)
        words = [self.reference, seed, pairs, READ_LENGTH, *reads, truth]
        self.add("simulate", *words, inputs=[self.reference], outputs=[*reads, truth])
        parts = [[File(f"{name}.{part}_{mate}.fq") for mate in (1, 2)] for part in range(size.parts)]
        files = [file for pair in parts for file in pair]
        self.add("split", *reads, *files, inputs=reads, outputs=files)
        bams = [File(f"{name}.{part}.bam") for part in range(size.parts)]
        for pair, bam in zip(parts, bams, strict=True):
            inputs = [self.reference, *self.index, *pair]
            self.add("align", self.reference, name, *pair, bam, inputs=inputs, outputs=[bam])
        merged = File(f"{name}.bam")
        self.add("merge", merged, *bams, inputs=bams, outputs=[merged, File(f"{name}.bam.bai")])
        return merged, truth


def transformations() -> TransformationCatalog:
    """Relative to the catalog's own directory where that is this one."""
    tools = Path("tools") if Path.cwd() == HERE else HERE / "tools"
    platform = {"arch": Arch.X86_64, "os_type": OS.LINUX}
    installed = {
        name: Transformation(name, site="condorpool", pfn=f"/usr/bin/{name}", is_stageable=False, **platform)
        for name in INSTALLED
    }
    catalog = TransformationCatalog().add_transformations(*installed.values())
    for name, needs in TOOLS.items():
        ours = Transformation(name, site="local", pfn=str(tools / name), is_stageable=True, **platform)
        for one in needs:
            ours.add_requirement(installed[one])
        catalog.add_transformations(ours)
    return catalog


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in vars(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    size = Size(**vars(parser.parse_args()))
    transformations().write("transformations.yml")
    pool = Site("condorpool", arch=Arch.X86_64, os_type=OS.LINUX)
    pool.add_pegasus_profile(style="condor").add_condor_profile(universe="vanilla")
    SiteCatalog().add_sites(pool).write("sites.yml")
    Calling(size).called().write("workflow.yml")


if __name__ == "__main__":
    main()
