"""Small workflows of shell scripts, written for a test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Task:
    """A script of sh; its inputs and outputs are there by their names."""

    name: str
    script: str
    inputs: Sequence[str] = ()
    outputs: Sequence[str] = ()
    results: Sequence[str] = ()  # outputs that come home
    checkpoints: Sequence[str] = ()
    profiles: str = "{}"
    hooks: str = ""


def write_workflow(
    directory: Path,
    *tasks: Task,
    name: str = "small",
    retries: int = 0,
    replicas: Mapping[str, Path] | None = None,
    hooks: str = "",
) -> Path:
    """workflow.yml and its programs, in `directory`; their files make the edges."""
    lines = ['pegasus: "5.0.4"', f"name: {name}", *([f"hooks: {hooks}"] if hooks else []), "jobs:"]
    programs = []
    for number, task in enumerate(tasks, start=1):
        program = directory / task.name
        program.write_text(f"#!/bin/sh\n{task.script}\n")
        programs.append(
            f"  - {{name: {task.name}, sites: [{{name: local, pfn: '{program.absolute()}', type: stageable}}]}}"
        )
        uses = [f"{{lfn: '{lfn}', type: input}}" for lfn in task.inputs]
        uses += [f"{{lfn: '{lfn}', type: output, stageOut: false}}" for lfn in task.outputs]
        uses += [f"{{lfn: '{lfn}', type: output}}" for lfn in task.results]
        uses += [f"{{lfn: '{lfn}', type: checkpoint, stageOut: false}}" for lfn in task.checkpoints]
        lines += [
            f"- type: job\n  name: {task.name}\n  id: ID{number}\n  arguments: []\n  uses: [{', '.join(uses)}]",
            f"  profiles: {task.profiles}",
            *([f"  hooks: {task.hooks}"] if task.hooks else []),
        ]
    lines += ["transformationCatalog:", "  transformations:", *programs]
    if replicas:
        lines += ["replicaCatalog:", "  replicas:"]
        lines += [f"  - {{lfn: '{lfn}', pfns: [{{site: local, pfn: '{path}'}}]}}" for lfn, path in replicas.items()]
    path = directory / "workflow.yml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (directory / "pegasus.properties").write_text(f"dagman.retry = {retries}\n")
    return path
