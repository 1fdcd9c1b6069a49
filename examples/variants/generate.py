#!/usr/bin/env python3
"""Writes workflow.yml and transformations.yml: variant calling on simulated reads, as a Pegasus 5 workflow.

The reference, the samples' mutations and their reads are made by the first tasks, on the instances, from a seed; the
last task compares what was found with what was put in.

    examples/variants/generate.py --samples 3 --parts 4 --bases 60000 --depth 20
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
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


class Tasks:
    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []

    def add(
        self, name: str, arguments: list[object], inputs: list[str], outputs: list[str], *, final: bool = False
    ) -> None:
        uses: list[dict[str, Any]] = [{"lfn": lfn, "type": "input"} for lfn in inputs]
        for lfn in outputs:
            uses.append({"lfn": lfn, "type": "output", "stageOut": final, "registerReplica": False})
        self.jobs.append(
            {
                "type": "job",
                "name": name,
                "id": f"ID{len(self.jobs) + 1:07d}",
                "arguments": [str(one) for one in arguments],
                "uses": uses,
            }
        )


def workflow(size: Size) -> dict[str, Any]:
    tasks = Tasks()
    chromosomes = [f"chr{number + 1}" for number in range(size.chromosomes)]
    samples = [f"sample{number + 1}" for number in range(size.samples)]
    reference, index = "reference.fa", [f"reference.fa.{one}" for one in INDEX]
    tasks.add("make-reference", [reference, size.seed, size.bases, *chromosomes], [], [reference])
    tasks.add("index", [reference], [reference], [*index, f"{reference}.fai"])
    pairs = size.bases * size.chromosomes * size.depth // (2 * READ_LENGTH)
    for number, sample in enumerate(samples):
        _sample(tasks, size, sample, seed=size.seed * 1000 + number, pairs=pairs, index=[reference, *index])
    bams = [file for sample in samples for file in (f"{sample}.bam", f"{sample}.bam.bai")]
    for one in chromosomes:
        called = f"{one}.vcf.gz"
        tasks.add("call", [reference, one, called, *bams[::2]], [reference, f"{reference}.fai", *bams], [called])
    parts = [f"{one}.vcf.gz" for one in chromosomes]
    tasks.add("concat", ["variants.vcf.gz", *parts], parts, ["variants.vcf.gz"], final=True)
    tasks.add("stats", ["variants.vcf.gz", "stats.txt"], ["variants.vcf.gz"], ["stats.txt"], final=True)
    truths = [f"{sample}.truth.txt" for sample in samples]
    tasks.add(
        "accuracy",
        ["variants.vcf.gz", "accuracy.json", *truths],
        ["variants.vcf.gz", *truths],
        ["accuracy.json"],
        final=True,
    )
    return {
        "pegasus": "5.0.4",
        "name": "variants",
        "jobs": tasks.jobs,
        "jobDependencies": _dependencies(tasks.jobs),
    }


def _sample(tasks: Tasks, size: Size, sample: str, *, seed: int, pairs: int, index: list[str]) -> None:
    reads = [f"{sample}_1.fq", f"{sample}_2.fq"]
    truth = f"{sample}.truth.txt"
    tasks.add("simulate", [index[0], seed, pairs, READ_LENGTH, *reads, truth], [index[0]], [*reads, truth])
    parts = [(f"{sample}.{number}_1.fq", f"{sample}.{number}_2.fq") for number in range(size.parts)]
    files = [file for pair in parts for file in pair]
    tasks.add("split", [*reads, *files], reads, files)
    for number, pair in enumerate(parts):
        bam = f"{sample}.{number}.bam"
        tasks.add("align", [index[0], sample, *pair, bam], [*index, *pair], [bam])
    bams = [f"{sample}.{number}.bam" for number in range(size.parts)]
    tasks.add("merge", [f"{sample}.bam", *bams], bams, [f"{sample}.bam", f"{sample}.bam.bai"])


def _dependencies(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As Pegasus.api infers them from the files."""
    makers = {use["lfn"]: job["id"] for job in jobs for use in job["uses"] if use["type"] == "output"}
    children: dict[str, list[str]] = {job["id"]: [] for job in jobs}
    for job in jobs:
        for parent in dict.fromkeys(makers[use["lfn"]] for use in job["uses"] if use["type"] == "input"):
            children[parent].append(job["id"])
    return [{"id": parent, "children": below} for parent, below in children.items() if below]


def transformations() -> dict[str, Any]:
    platform = {"arch": "x86_64", "os.type": "linux"}
    found: list[dict[str, Any]] = []
    for name, needs in TOOLS.items():
        site = {"name": "local", "pfn": f"tools/{name}", "type": "stageable", **platform}
        found.append({"name": name, "requires": list(needs), "sites": [site]})
    for name in INSTALLED:
        site = {"name": "condorpool", "pfn": f"/usr/bin/{name}", "type": "installed", **platform}
        found.append({"name": name, "sites": [site]})
    return {"pegasus": "5.0.4", "transformations": found}


def as_yaml(value: dict[str, Any]) -> str:
    head = "# Written by generate.py; run it again instead of editing this.\n"
    return head + yaml.safe_dump(value, sort_keys=False, default_flow_style=None, width=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in vars(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    size = Size(**vars(parser.parse_args()))
    (HERE / "workflow.yml").write_text(as_yaml(workflow(size)), encoding="utf-8")
    (HERE / "transformations.yml").write_text(as_yaml(transformations()), encoding="utf-8")


if __name__ == "__main__":
    main()
