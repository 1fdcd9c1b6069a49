"""shell (files): the report of a run, from its directory: read, and written beside it."""

import json
import time
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from roost.errors import NotFoundError
from roost.report.run_report import RunReport, run_report, to_json
from roost.workflow import run_files

RUNS = Path("runs")


def directory_of(run: str) -> Path:
    """A run's name below ./runs, or a path. NotFoundError says what is there instead."""
    named = RUNS / run
    if "/" not in run and run not in (".", "..") and named.is_dir():
        return named
    path = Path(run)
    if path.is_dir():
        return path
    there = sorted(one.name for one in RUNS.iterdir() if one.is_dir()) if RUNS.is_dir() else []
    near = get_close_matches(run, there, n=1) or there[-1:]
    hint = f"roost report {near[0]}" if near else "name the directory that roost run, or pegasus-plan, made"
    raise NotFoundError(f"there is no run '{run}', neither below ./{RUNS} nor as a path", hint)


def report(directory: Path) -> RunReport:
    return run_report(run_files.read(directory), now=time.time(), receipt=_receipt(directory))


def write(directory: Path) -> tuple[Path, ...]:
    """`report.json` into a run's directory."""
    found = report(directory)
    json_file = directory / "report.json"
    json_file.write_text(to_json(found), encoding="utf-8")
    return (json_file,)


def _receipt(directory: Path) -> dict[str, Any] | None:
    """Of the run, whether its directory was named or the submit directory in it."""
    for place in (directory, directory.parent):
        try:
            given = json.loads((place / "receipt.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(given, dict) and str(given.get("schema", "")).startswith("roost/receipt/"):
            return given
    return None
