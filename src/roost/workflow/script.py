"""shell (python): runs a script that uses Pegasus.api, and takes the workflow that it makes.

The script runs in its own directory, as the user's `python3` runs it; what it prints goes to standard error. Where it
plans, submits or asks about a run, it is at its end (`node/api_script.py`): the rest is Roost's.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from roost.errors import NotFoundError, RoostError, UsageError
from roost.workflow.plan_options import Wanted, plan_options

_RUNNER = Path(__file__).parent / "node" / "api_script.py"
_COMMANDS = (
    *("version", "plan", "run", "status", "remove", "analyzer", "statistics", "graphviz", "metadata", "plots"),
)
_BEGINNING = 200  # bytes in which a #! line is


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """What a script made."""

    workflow: Path
    output_dir: Path | None  # where it wants the results to be
    wanted: Wanted  # what it asked of the plan; `reuse`: absolute paths of directories
    at: str  # its line that says so
    notes: tuple[str, ...]  # what it asked for and is done in another way, each a sentence


def is_script(path: Path) -> bool:
    """By its name, or by its first line."""
    if path.suffix == ".py":
        return True
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.read(_BEGINNING).splitlines()[:1]
    return bool(first) and first[0].startswith(b"#!") and b"python" in first[0]


def take(script: Path, arguments: Sequence[str]) -> Taken:
    """Run `script` and find the workflow that it wrote or wanted to be planned.

    Raises NotFoundError where there is no script, and UsageError where it fails or makes no workflow.
    """
    if not script.is_file():
        raise NotFoundError(f"there is no script {script}", "name a script that uses Pegasus.api, or a workflow.yml")
    with tempfile.TemporaryDirectory(prefix="roost-script-") as directory:
        python, events, code = _run(script, arguments, Path(directory))
    if code != 0:
        again = shlex.join([python, script.name, *arguments])
        raise UsageError(
            f"{script} failed (exit code {code}) under {python}; what it said is above",
            f"cd {shlex.quote(str(script.parent))} && {again}",
        )
    return _taken(script, events)


def _run(script: Path, arguments: Sequence[str], directory: Path) -> tuple[str, list[dict[str, Any]], int]:
    """Under the user's Python where it has Pegasus.api, else under Roost's own, which has."""
    theirs = shutil.which("python3")
    pythons = [python for python in (theirs, sys.executable) if python]
    reason = ""
    for python in pythons:
        record = directory / "record"
        record.write_text("")
        code = _call(python, script, arguments, directory, record)
        events = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        if not (missing := [event for event in events if event["event"] == "missing"]):
            if reason:
                print(f"{script.name} runs under {python}: {reason}", file=sys.stderr)
            return python, events, code
        reason = f"{python}: {missing[0]['said']}"
    raise RoostError(f"no Python here can run {script}: {reason}", "pip install pegasus-wms.api")


def _call(python: str, script: Path, arguments: Sequence[str], directory: Path, record: Path) -> int:
    """The exit code of the script, in its own directory. Its pegasus-* commands are ours."""
    home = directory / "pegasus"
    commands = home / "bin"
    commands.mkdir(parents=True, exist_ok=True)
    for name in (f"pegasus-{word}" for word in _COMMANDS):
        words = shlex.join([python, str(_RUNNER), str(record), "--called", name])
        (commands / name).write_text(f'#!/bin/sh\nexec {words} "$@"\n')
        (commands / name).chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PEGASUS_HOME": str(home),
    }
    absolute = script.absolute()
    argv = [python, str(_RUNNER), str(record), str(absolute), *arguments]
    sys.stderr.flush()
    # What it prints goes to standard error (2), for standard output is for results; the user may answer its questions.
    done = subprocess.run(argv, cwd=absolute.parent, env=environment, stdout=2, check=False)
    return done.returncode


def _taken(script: Path, events: Sequence[dict[str, Any]]) -> Taken:
    """The workflow that was planned last, else the one that was written last: inner ones are written before."""
    here = script.absolute().parent
    notes: list[str] = []
    output_dir, wanted, where = None, Wanted(), script.name
    planned = [event for event in events if event["event"] in ("planned", "called")]
    written = [Path(event["workflow"]) for event in events if event["event"] == "written"]
    if planned:
        event = planned[-1]
        options = plan_options(event["argv"])
        workflow = Path(event.get("workflow") or Path(event["cwd"]) / options.workflow)
        where = f"{script.name}:{event['line']}" if event.get("line") else script.name
        notes += [f"{where}: {said}" for said in options.notes]
        reused = tuple(str(Path(event["cwd"]) / one) for one in options.wanted.reuse)
        wanted = replace(options.wanted, reuse=reused)
        if options.output_dir:
            output_dir = _as_typed(Path(event["cwd"]) / options.output_dir, script, here)
        if len(planned) > 1:
            notes.append(f"{script.name} plans {len(planned)} workflows: the last one is run, {workflow.name}")
    elif written:
        workflow = written[-1]
    elif any(event["event"] == "printed" for event in events):
        raise UsageError(
            f"{script} writes its workflow to standard output",
            f"python3 {script} > workflow.yml, and then: roost run workflow.yml",
        )
    else:
        raise UsageError(
            f"{script} ended well, and neither wrote nor planned a workflow",
            "end it with Workflow(...).write(), or .plan(submit=True)",
        )
    if not workflow.is_file():
        raise UsageError(f"{script} wants {workflow} to be planned, which it has not written", f"edit {script}")
    return Taken(
        workflow=_as_typed(workflow, script, here), output_dir=output_dir, wanted=wanted, at=where, notes=tuple(notes)
    )


def _as_typed(path: Path, script: Path, here: Path) -> Path:
    """Named from where the user is, when the script is."""
    return script.parent / path.relative_to(here) if path.is_relative_to(here) else path
