"""shell (files): what was typed as WORKFLOW and is none: a directory, a wrong name, another file of a project."""

import re
from pathlib import Path

from roost.errors import NotFoundError, UsageError
from roost.workflow.old.kinds import Kind, kind_of
from roost.yaml_lines import nearest

_BEGINNING = 1 << 16  # bytes
_KEY = re.compile(rb"^([A-Za-z_]+):", re.MULTILINE)
_OTHERS = {
    "sites": "a site catalog",
    "transformations": "a transformation catalog",
    "replicas": "a replica catalog",
    "workers": "a pool.yml",
    "cloud": "a pool.yml",
    "image": "a pool.yml",
    "market": "a pool.yml",
}
_USUAL = "workflow.yml"
_ENDINGS = (".yml", ".yaml", ".py")


def refuse(typed: Path) -> None:
    """Raises NotFoundError or UsageError with what it is, and what to type instead. What is unclear is told later."""
    beside = typed / _USUAL if typed.is_dir() else typed.with_name(_USUAL)
    there = f"roost run {beside}" if beside.is_file() and beside != typed else "name a Pegasus 5 workflow.yml"
    if typed.is_dir():
        raise UsageError(f"{typed} is a directory, not a workflow", there)
    if not typed.exists():
        directory = typed.parent
        names = [one.name for one in directory.iterdir() if one.suffix in _ENDINGS] if directory.is_dir() else []
        if near := nearest(typed.name, names):
            raise NotFoundError(f"there is no workflow {typed}; did you mean {near}?", f"roost run {directory / near}")
        raise NotFoundError(f"there is no workflow {typed}", there)
    with typed.open("rb") as file:
        beginning = file.read(_BEGINNING)
    if typed.suffix == ".dax" or kind_of(beginning) is Kind.DAX:
        # What of it has no counterpart is to be seen once, not run.
        directory = typed.parent
        raise UsageError(
            f"{typed} is a workflow of Pegasus 4 or older (DAX)",
            f"roost import {typed if directory == Path() else directory}, and then: roost run imported/workflow.yml",
        )
    keys = [key.decode() for key in _KEY.findall(beginning)]
    if "jobs" not in keys and (kinds := [_OTHERS[key] for key in keys if key in _OTHERS]):
        raise UsageError(f"{typed} is {kinds[0]}, not a workflow", there)
