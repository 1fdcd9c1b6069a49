"""Runs a script that uses Pegasus.api under the user's Python, and writes down which workflow it made.

Standard library only, and the Pegasus.api that the script uses. Planning, and everything that comes after it, is what
`roost run` does: there the script is at its end.

    api_script.py RECORD SCRIPT [ARGUMENT...]            runs the script
    api_script.py RECORD --called NAME [ARGUMENT...]     stands for a pegasus-* command that a script calls by itself

RECORD gets one JSON object a line: what happened, in its order.
"""

from __future__ import annotations

import functools
import json
import runpy
import sys
import traceback
import types
from pathlib import Path
from typing import Any, NoReturn

VERSION = "5.1.3"  # what pegasus-version answers
# Methods of Pegasus.api.Workflow that are about a run
ABOUT_A_RUN = ("run", "status", "get_status", "wait", "remove", "analyze", "statistics")


class Record:
    def __init__(self, path: str) -> None:
        self._path = path

    def add(self, event: str, **values: Any) -> None:
        with Path(self._path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"event": event, **values}) + "\n")


def run(record: Record, script: str, arguments: list[str]) -> int:
    try:
        import Pegasus.api
        from Pegasus.client import _client
    except ImportError as error:
        record.add("missing", said=str(error))
        return 1
    _watch(record, script, Pegasus.api.Workflow, _client)
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).parent)
    try:
        runpy.run_path(script, run_name="__main__")
    except Exception as error:  # noqa: BLE001 (the script's own)
        _print_as_its_own(error, script)
        return 1
    return 0


def _watch(record: Record, script: str, workflow: Any, client: Any) -> None:
    """Which files workflows are written to, and how they are to be planned, is written down where it happens."""
    write, plan_it = workflow.write, workflow.plan
    typed: list[dict[str, Any]] = []  # what the script says itself: Workflow.plan has defaults of its own

    @functools.wraps(write)
    def written(self: Any, *arguments: Any, **named: Any) -> Any:
        result = write(self, *arguments, **named)
        if isinstance(self._path, str) and Path(self._path).is_file():
            record.add("written", workflow=str(Path(self._path).absolute()))
        elif sys.stdout in (*arguments, *named.values()):
            record.add("printed")
        return result

    @functools.wraps(plan_it)
    def planned(self: Any, **options: Any) -> Any:
        typed.append(options)
        return plan_it(self, **options)

    def plan(self: Any, abstract_workflow: str | None = None, **options: Any) -> Any:  # noqa: ARG001
        names = typed.pop() if typed else options
        argv = client.get_planner_args(**{name: value for name, value in options.items() if name in names})
        path = str(Path(abstract_workflow or "workflow.yml").absolute())
        record.add("planned", argv=argv, workflow=path, cwd=str(Path.cwd()), line=_line_of(script))
        if options.get("submit"):
            raise SystemExit(0)
        here = Path.cwd()
        return types.SimpleNamespace(_submit_dir=str(here), braindump=types.SimpleNamespace(submit_dir=here))

    def hand_over(self: Any, *arguments: Any, **named: Any) -> NoReturn:  # noqa: ARG001
        raise SystemExit(0)

    workflow.write = written
    workflow.plan = planned
    client.Client.plan = plan
    for name in ABOUT_A_RUN:
        if hasattr(workflow, name):
            setattr(workflow, name, hand_over)


def _line_of(script: str) -> int:
    """The line of the script that is being executed."""
    lines = [frame.lineno for frame in traceback.extract_stack() if frame.filename == script]
    return (lines[-1] or 0) if lines else 0


def _print_as_its_own(error: BaseException, script: str) -> None:
    """The traceback as Python prints it for the script, without what runs it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    traceback.print_exception(type(error), error, trace)


def called(record: Record, name: str, arguments: list[str]) -> int:
    if name == "pegasus-version":
        print(VERSION)
        return 0
    here = str(Path.cwd())
    if name != "pegasus-plan":
        print(f"{name}: not before `roost run` has run the workflow", file=sys.stderr)
        return 0
    record.add("called", argv=arguments, cwd=here)
    if "--json" in arguments:
        print(json.dumps({"submit_dir": here, "message": "roost run plans it"}))
    else:
        print("roost run plans it, and runs it.")
    return 0


def main() -> int:
    record = Record(sys.argv[1])
    if sys.argv[2] == "--called":
        return called(record, sys.argv[3], sys.argv[4:])
    return run(record, sys.argv[2], sys.argv[3:])


if __name__ == "__main__":
    sys.exit(main())
