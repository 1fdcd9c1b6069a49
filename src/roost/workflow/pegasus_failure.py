"""pure: the submit directory of a run that Pegasus planned, read back -> its failed jobs, ready to be shown.

PegasusLite's stderr tells of its own doings; what the task wrote is in kickstart's record.
"""

import re
from pathlib import PurePath, PurePosixPath

from roost.workflow.attempts import JobProgress
from roost.workflow.failure import SHOWN_LINES, Failure, reason
from roost.workflow.history import RunHistory
from roost.workflow.progress import Progress
from roost.workflow.records import Invocation


def failures(history: RunHistory, progress: Progress, submit: PurePosixPath) -> tuple[Failure, ...]:
    """`submit`: where that directory is on the access point."""
    return tuple(_failure(history, job, submit) for job in progress.failed)


def _failure(history: RunHistory, progress: JobProgress, submit: PurePosixPath) -> Failure:
    job = next(job for job in history.plan.jobs if job.name == progress.name)
    failed = _failed_task(history, progress.name)
    files = history.files.get(progress.name, ())
    last = progress.attempts[-1] if progress.attempts else None
    lite = history.stderr.get(progress.name, "")
    code = failed.exit_code if failed is not None else lite_exit_code(lite)
    said = failed.stderr if failed is not None and failed.stderr.strip() else lite
    return Failure(
        job=progress.name,
        transformation=history.plan.transformation(job),
        at=", ".join(history.plan.tasks_of.get(progress.name, ())) or job.kind,
        reason=reason(progress, "") if code is None else f"exit code {code}",
        exit_code=progress.exit_code if code is None else code,
        attempts=max(len(progress.attempts), progress.submits),
        instance_id=(last.instance_id or last.host) if last else "",
        stderr=tuple(line for line in said.splitlines() if line.strip())[-SHOWN_LINES:],
        files=tuple(submit / PurePath(one).relative_to(history.directory) for one in files),
    )


def lite_exit_code(stderr: str) -> int | None:
    """The exit code that PegasusLite ended with; a job of which HTCondor says nothing more may have it.

    >>> lite_exit_code("User task failed with exitcode 1\\nPegasusLite: exitcode 1\\n"), lite_exit_code("")
    (1, None)
    """
    found = re.findall(r"^PegasusLite: exitcode (\d+)$", stderr, re.MULTILINE)
    return int(found[-1]) if found and found[-1] != "0" else None


def _failed_task(history: RunHistory, name: str) -> Invocation | None:
    """Of the last try: the first of its tasks that did not end well."""
    tries = history.records.get(name, ())
    return next((one for one in tries[-1].invocations if one.exit_code != 0), None) if tries else None
