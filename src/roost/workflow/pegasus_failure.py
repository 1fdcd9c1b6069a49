"""pure: the submit directory of a run that Pegasus planned, read back -> its failed jobs, ready to be shown.

PegasusLite's stderr tells of its own doings; what the task wrote is in kickstart's record.
"""

from pathlib import PurePosixPath

from roost.workflow.failure import SHOWN_LINES, Failure, reason
from roost.workflow.history import RunHistory
from roost.workflow.progress import JobProgress, Progress
from roost.workflow.records import Invocation


def failures(history: RunHistory, progress: Progress, submit: PurePosixPath) -> tuple[Failure, ...]:
    """`submit`: where that directory is on the access point."""
    return tuple(_failure(history, job, submit) for job in progress.failed)


def _failure(history: RunHistory, progress: JobProgress, submit: PurePosixPath) -> Failure:
    job = next(job for job in history.plan.jobs if job.name == progress.name)
    failed = _failed_task(history, progress.name)
    last = progress.attempts[-1] if progress.attempts else None
    said = failed.stderr if failed is not None and failed.stderr.strip() else history.stderr.get(progress.name, "")
    return Failure(
        job=progress.name,
        transformation=history.plan.transformation(job),
        at=", ".join(history.plan.tasks_of.get(progress.name, ())) or job.kind,
        reason=f"exit code {failed.exit_code}" if failed is not None else reason(progress, ""),
        exit_code=failed.exit_code if failed is not None else progress.exit_code,
        attempts=max(len(progress.attempts), progress.submits),
        instance_id=(last.instance_id or last.host) if last else "",
        stderr=tuple(line for line in said.splitlines() if line.strip())[-SHOWN_LINES:],
        files=tuple(submit / one for one in history.files.get(progress.name, ())),
    )


def _failed_task(history: RunHistory, name: str) -> Invocation | None:
    """Of the last try: the first of its tasks that did not end well."""
    tries = history.records.get(name, ())
    return next((one for one in tries[-1].invocations if one.exit_code != 0), None) if tries else None
