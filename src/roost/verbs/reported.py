"""shell (files): the report of a run, from its directory: read, and written beside it."""

import json
import time
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from roost.errors import NotFoundError, RoostError, UsageError
from roost.report.gantt import gantt
from roost.report.page import page
from roost.report.receipt import merged
from roost.report.run_report import RunReport, run_report, to_json
from roost.workflow import run_files
from roost.workflow.flattening import flattened
from roost.workflow.history import RunHistory

RUNS = Path("runs")


def newest() -> str:
    """The name of the run below ./runs that began last. Raises NotFoundError where there is none."""
    began = {one: (one / "run.json").stat().st_mtime for one in RUNS.glob("*") if (one / "run.json").is_file()}
    if not began:
        raise NotFoundError(
            f"there is no run below ./{RUNS}", "name the directory that roost run, or pegasus-plan, made"
        )
    return max(began, key=lambda one: began[one]).name


def directory_of(run: str) -> Path:
    """A run's name below ./runs, or a path. NotFoundError says what is there instead."""
    named = RUNS / run
    if "/" not in run and run not in (".", "..") and named.is_dir():
        return named
    path = Path(run)
    if path.is_dir():
        return path
    if path.exists():
        raise UsageError(f"{path} is a file, not the directory of a run", "roost report NAME: a run below ./runs")
    there = sorted(one.name for one in RUNS.iterdir() if one.is_dir()) if RUNS.is_dir() else []
    near = get_close_matches(run, there, n=1) or there[-1:]
    hint = f"roost report {near[0]}" if near else "name the directory that roost run, or pegasus-plan, made"
    raise NotFoundError(f"there is no run '{run}', neither below ./{RUNS} nor as a path", hint)


def read(directory: Path) -> tuple[RunHistory, RunReport]:
    history = run_files.read(directory)
    return history, run_report(history, now=time.time(), receipt=_receipt(directory))


def html(history: RunHistory, report: RunReport) -> str:
    ours = resources.files("roost.report")
    return page(
        report,
        gantt(flattened(history), began_at=report.started_at, ended_at=report.ended_at),
        style=ours.joinpath("page.css").read_text(encoding="utf-8"),
        script=ours.joinpath("page.js").read_text(encoding="utf-8"),
    )


def written(directory: Path) -> str:
    """`report.json` and `report.html` go into a run's directory; what there is to say of that."""
    try:
        history, report = read(directory)
        write_text(directory / "report.json", to_json(report))
        write_text(directory / "report.html", html(history, report))
    except RoostError as error:  # of a run whose files did not come here; how it went is told all the same
        return f"no report: {error.message}"
    return f"{directory / 'report.html'}  what was done, how long it took and why"


def write_text(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", f"ls -ld {path.parent}") from error


def _receipt(directory: Path) -> dict[str, Any] | None:
    """Of the run, whether its directory was named or the submit directory in it. One that was resumed has several."""
    for place in (directory, directory.parent):
        found = [given for path in sorted(place.glob("receipt*.json")) if (given := _read_receipt(path))]
        if found:
            return merged(found)
    return None


def _read_receipt(path: Path) -> dict[str, Any] | None:
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return given if isinstance(given, dict) and str(given.get("schema", "")).startswith("roost/receipt/") else None
