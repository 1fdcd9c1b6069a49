"""shell (all stages): which of the two planners a run has: Roost's own, or Pegasus' on the access point."""

from dataclasses import replace
from pathlib import Path

from roost.errors import UsageError
from roost.verbs import pegasus_runs, planned_runs
from roost.verbs.ground import Ground
from roost.verbs.loading import Loaded, Planner, load
from roost.verbs.run_directory import RunDirectory, RunRecord
from roost.verbs.runs import Run
from roost.workflow.abstract import Workflow
from roost.workflow.image_check import missing_executables
from roost.workflow.needs import Outline


def loaded(record: RunRecord) -> Loaded:
    """The workflow of a run that was begun, as its planner wants it."""
    return load(Path(record.workflow), record.planner, record.options)


def require_programs(workflow: Loaded, executables: frozenset[str]) -> None:
    """Raises an error where an image with these `executables` lacks the workflow's programs, or its planner."""
    if isinstance(workflow, Outline):
        pegasus_runs.require_planner(executables)
        return
    missing = missing_executables(workflow, executables)
    if missing:
        raise UsageError(
            "\n".join(str(one) for one in missing),
            "name the Debian packages that bring them: `image: {packages: [...]}` in the pool.yml",
        )


def begin(ground: Ground, directory: RunDirectory, record: RunRecord, workflow: Loaded) -> Run:
    if (ours := _ours(ground, record, workflow)) is None:
        return pegasus_runs.begin_run(ground, directory, record)
    return planned_runs.begin_run(ground, directory, replace(record, planner=Planner.ROOST), ours)


def again(ground: Ground, directory: RunDirectory, workflow: Loaded) -> Run:
    if (ours := _ours(ground, directory.record, workflow)) is None:
        return pegasus_runs.again(ground, directory)
    return planned_runs.resume_run(ground, directory, ours)


def follow(ground: Ground, directory: RunDirectory, workflow: Loaded) -> Run:
    if (ours := _ours(ground, directory.record, workflow)) is None:
        return pegasus_runs.attach(ground, directory)
    return planned_runs.attach_run(ground, directory, ours)


def _ours(ground: Ground, record: RunRecord, workflow: Loaded) -> Workflow | None:
    """What Roost's planner plans; None where Pegasus' does."""
    return None if isinstance(workflow, Outline) or pegasus_runs.is_planner(ground, record) else workflow
