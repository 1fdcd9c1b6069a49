"""Workflows of workflows, written for a test: what is in them are scripts of sh."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Job:
    """A script, or (`inner`: a file's logical name) a workflow; its files are there by their names."""

    script: str = ""
    inner: str = ""
    kind: str = "pegasusWorkflow"
    arguments: Sequence[str] = ()
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    results: Sequence[str] = ()  # outputs that come home
    profiles: Mapping[str, Mapping[str, Any]] | None = None


def described(name: str, jobs: Mapping[str, Job], programs: Path) -> dict[str, Any]:
    """An abstract workflow, as YAML has it. `programs`: where its scripts go."""
    entries, transformations = [], []
    for number, (job_name, job) in enumerate(jobs.items(), start=1):
        about: dict[str, Any]
        if job.inner:
            about = {"type": job.kind, "file": job.inner, "arguments": list(job.arguments)}
        else:
            program = programs / f"{name}-{job_name}"
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text(f"#!/bin/sh\n{job.script}\n")
            about = {"type": "job", "name": job_name, "arguments": list(job.arguments)}
            site = {"name": "local", "pfn": str(program), "type": "stageable"}
            transformations.append({"name": job_name, "sites": [site]})
        uses: list[dict[str, Any]] = [{"lfn": lfn, "type": "input"} for lfn in job.inputs]
        uses += [{"lfn": lfn, "type": "output", "stageOut": False} for lfn in job.outputs]
        uses += [{"lfn": lfn, "type": "output"} for lfn in job.results]
        profiles = {"profiles": job.profiles} if job.profiles else {}
        entries.append({**about, "id": f"ID{number}", "uses": uses, **profiles})
    return {
        "pegasus": "5.0.4",
        "name": name,
        "jobs": entries,
        "transformationCatalog": {"transformations": transformations},
    }


def written(directory: Path, workflows: Mapping[str, Mapping[str, Job]], *, retries: int = 0) -> Path:
    """`workflow.yml` is the first of them; the others are NAME.yml, and replicas of it."""
    directory.mkdir(exist_ok=True)
    first, *others = workflows
    for name in others:
        text = json.dumps(described(name, workflows[name], directory / "programs"), indent=1)
        (directory / f"{name}.yml").write_text(text)
    top = described(first, workflows[first], directory / "programs")
    pfns = [{"lfn": f"{one}.yml", "pfns": [{"site": "local", "pfn": str(directory / f"{one}.yml")}]} for one in others]
    top["replicaCatalog"] = {"replicas": pfns}
    path = directory / "workflow.yml"
    path.write_text(json.dumps(top, indent=1))
    (directory / "pegasus.properties").write_text(f"dagman.retry = {retries}\n")
    return path
