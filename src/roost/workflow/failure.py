"""pure: what to show of a job that failed or is held: why, in words, the end of its stderr, and where the rest is.

In: the plan, the job's progress, the text of its stderr file. The caller fetches that text from `files(...)[0]`.
"""

import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from roost.workflow.attempts import JobProgress, JobState, Outcome
from roost.workflow.dag_parts import planning_log
from roost.workflow.executable import ExecutableWorkflow, PlannedJob
from roost.workflow.nesting import located

SHOWN_LINES = 20
_SHOWN_CHARACTERS = 500  # of each line: some programs print all their file names into one
_OF_TASK = re.compile(r"roost: task .*: says")  # what one of a job's tasks wrote follows
_REFUSED = re.compile(r"Submitting node (\S+) from [^\n]*\n\S+ \S+ ERROR: ([^\n]*)")
_OURS = ("PegasusLite: exitcode", "roost: ")

EXIT_CODES: Mapping[int, str] = {
    74: "it did not write a file that it declares as its output",
    126: "its executable cannot be executed",
    127: "its executable was not found",
    137: "it was killed (SIGKILL); often the memory was used up",
}
# HTCondor's manual, "HoldReasonCode".
HOLD_CODES: Mapping[int, str] = {
    1: "somebody held it (condor_hold)",
    3: "its own policy held it",
    6: "its program could not be started on the execution point",
    12: "its outputs could not be brought back to the access point",
    13: "its inputs could not be sent to the execution point",
    14: "its directory on the access point is not there",
    26: "the pool's policy held it",
    34: "it used more memory than it asked for",
    46: "it ran longer than it may",
    47: "it used more disk than it asked for",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """One job that did not end well, ready to be shown."""

    job: str
    transformation: str
    at: str  # file:line of the task in the workflow
    reason: str  # a sentence
    exit_code: int | None
    attempts: int
    instance_id: str
    stderr: tuple[str, ...]  # its last lines
    files: tuple[PurePosixPath, ...]  # on the access point: the whole stderr, the invocation record

    @property
    def sentence(self) -> str:
        times = f"after {self.attempts} attempts" if self.attempts != 1 else "at the first attempt"
        place = f" ({self.at})" if self.at else ""
        return f"{self.job}{place}: {self.reason}, {times}"


def failure(executable: ExecutableWorkflow, progress: JobProgress, stderr: str) -> Failure:
    executable, job = located(executable, progress.name)
    reason, lines = why(progress, stderr)
    last = progress.attempts[-1] if progress.attempts else None
    named = (one for one in job.tasks if reason.startswith(f"task {one.id}: "))
    task = next(named, job.tasks[0] if job.tasks else None)
    return Failure(
        job=progress.name,
        transformation=task.transformation if task else job.shape.transformation,
        at=task.at if task else "",
        reason=reason,
        exit_code=progress.exit_code,
        attempts=max(len(progress.attempts), progress.submits),
        instance_id=(last.instance_id or last.host) if last else "",
        stderr=lines,
        files=files(executable, job, progress),
    )


def why(progress: JobProgress, stderr: str) -> tuple[str, tuple[str, ...]]:
    """(a sentence, the last lines of the task's stderr) of a job that failed or is held."""
    lines = [line for line in stderr.splitlines() if line.strip()]
    lines = lines[max([place for place, line in enumerate(lines) if _OF_TASK.fullmatch(line)], default=0) :]
    said = next((line.removeprefix("roost: ") for line in reversed(lines) if _is_reason(line)), "")
    of_task = [line for line in lines if not line.startswith(_OURS)][-SHOWN_LINES:]
    return _shortened(reason(progress, said)), tuple(_shortened(line) for line in of_task)


def _shortened(line: str) -> str:
    """
    >>> _shortened("x" * 600) == "x" * 500 + "... (600 characters)"
    True
    """
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[:_SHOWN_CHARACTERS]}... ({len(line):,} characters)"


def _is_reason(line: str) -> bool:
    return line.startswith("roost: ") and not _OF_TASK.fullmatch(line)


def files(executable: ExecutableWorkflow, job: PlannedJob, progress: JobProgress) -> tuple[PurePosixPath, ...]:
    """Where the stderr and the invocation record of a job's last try are, on the access point."""
    submit, tries = executable.paths.submit, max(progress.submits, 1)
    if job.name in executable.deferred:
        return (submit / planning_log(job.name),)
    return submit / job.stderr(tries), submit / job.stdout(tries)


def reason(progress: JobProgress, said: str) -> str:
    """`said`: what the job's wrapper says of it, where it says something."""
    last = progress.attempts[-1] if progress.attempts else None
    # A policy of the execution point's evicts a job and then holds it.
    was_held = progress.state is JobState.HELD or last is None or last.outcome in (Outcome.HELD, Outcome.EVICTED)
    if progress.hold_reason and was_held:
        words = HOLD_CODES.get(progress.hold_code, f"HoldReasonCode {progress.hold_code}")
        return f"held: {words} ({progress.hold_reason})"
    if last is None and said:  # of a workflow that could not be planned: it never began
        return said
    if last is None and not progress.submits:
        return "HTCondor did not take it: the messages of DAGMan (*.dagman.out) say why"
    if last is None or last.outcome is Outcome.REMOVED:
        return "removed from the queue"
    if said:
        return said
    code = last.exit_code or 0
    return f"exit code {code}" + (f": {words}" if (words := _exit_words(code)) else "")


def refused_jobs(dagman_out: str) -> dict[str, str]:
    """The jobs that HTCondor did not take when DAGMan ran last, each with what it said; from DAGMan's messages.

    >>> refused_jobs("11/21/26 18:26:43 Submitting node a from file inline\\n11/21/26 18:26:43 ERROR: on Line 3 ...\\n")
    {'a': 'on Line 3 ...'}
    """
    return dict(_REFUSED.findall(dagman_out.rpartition("STARTING UP")[2]))


def _exit_words(code: int) -> str:
    """
    >>> _exit_words(143), _exit_words(3)
    ('it was ended by SIGTERM', '')
    """
    if code in EXIT_CODES:
        return EXIT_CODES[code]
    try:
        return f"it was ended by {signal.Signals(code - 128).name}" if code > 128 else ""
    except ValueError:
        return ""
