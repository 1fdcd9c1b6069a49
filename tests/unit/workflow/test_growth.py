"""Ten times the tasks are ten times the work: what looks at all tasks for each of them shows in the number of calls."""

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path, PurePosixPath
from types import FrameType
from typing import Any

import pytest

from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.planner import plan
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.submit_dir import texts

HEAD = """\
pegasus: 5.0.4
name: many
transformationCatalog:
  transformations:
  - name: t
    sites:
    - name: condorpool
      pfn: /bin/true
      type: installed
jobs:
"""


def written(directory: Path, tasks: int) -> Path:
    """Chains of ten tasks, each with a file for the next."""
    lines = [HEAD]
    edges = ["jobDependencies:\n"]
    for n in range(tasks):
        lines.append(f"- type: job\n  name: t\n  id: ID{n}\n  arguments:\n  - -n\n  - file{n}\n  uses:\n")
        lines.append(f"  - lfn: file{n}\n    type: output\n    stageOut: {str(n % 10 == 9).lower()}\n")
        if n % 10:
            lines.append(f"  - lfn: file{n - 1}\n    type: input\n")
            edges.append(f"- id: ID{n - 1}\n  children:\n  - ID{n}\n")
    path = directory / f"{tasks}.yml"
    path.write_text("".join([*lines, *edges]))
    return path


def planned(path: Path) -> ExecutableWorkflow:
    paths = RunPaths(run=PurePosixPath("/runs/many"))
    return plan(load(path), Site(), paths, uuid="u", planned_at=datetime(2026, 11, 21, tzinfo=UTC))


def all_lines(executable: ExecutableWorkflow) -> list[list[str]]:
    return [list(pieces) for pieces in texts(executable).values()]


def calls(work: Callable[[], object]) -> int:
    """How often Python code is entered: functions, and generators for each of their items."""
    count = 0

    def event(_frame: FrameType, kind: str, _argument: Any) -> None:
        nonlocal count
        count += kind == "call"

    before = sys.getprofile()
    sys.setprofile(event)
    try:
        work()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("stage", ["read", "plan", "write"])
def test_work_grows_as_the_tasks_do(tmp_path: Path, stage: str) -> None:
    found = {}
    for tasks in (300, 3000):
        path = written(tmp_path, tasks)
        work: dict[str, Callable[[], object]] = {
            "read": partial(load, path),
            "plan": partial(planned, path),
            "write": partial(all_lines, planned(path)),
        }
        found[tasks] = calls(work[stage])
    assert found[3000] < 11 * found[300], found
