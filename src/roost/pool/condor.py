"""shell (HTCondor's commands): the pool's collector and queue, asked and told through its access point.

In: an AccessPoint. Out: slots and jobs as values, cluster ids. HTCondor's failures are translated here, once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from roost.errors import NotFoundError, RefusedError, RoostError, UsageError, WaitTimeoutError
from roost.pool.access_point import AccessPoint
from roost.pool.ads import (
    HISTORY_ATTRIBUTES,
    JOB_ATTRIBUTES,
    SLOT_ATTRIBUTES,
    VERIFY_ATTRIBUTE,
    EndedJob,
    Job,
    JobStatus,
    Slot,
    ended_jobs,
    jobs,
    slots,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Failure:
    said: str  # a pattern
    error: type[RoostError]
    hint: str


# What HTCondor prints -> what the user can do about it. The first that fits counts.
_FAILURES = (
    # Connection and authorisation first: their words often end in the reason of a system call (`No such file`).
    _Failure(
        said=r"(?i)can't find (address|collector)|failed to connect|unable to connect|couldn't contact",
        error=WaitTimeoutError,
        hint="HTCondor on the access point does not answer: `roost ssh`, then `systemctl status condor`",
    ),
    _Failure(
        said=r"(?i)AUTHENTICATE:|not authorized|permission denied|MAX_JOBS|number of jobs submitted would exceed",
        error=RefusedError,
        hint="the schedd's own log says why: /var/log/condor/SchedLog on the access point",
    ),
    _Failure(
        said=r"Couldn't find/remove|no jobs in the queue", error=NotFoundError, hint="`roost status` lists the jobs"
    ),
    _Failure(said=r"already exists", error=UsageError, hint="give the run another name, or remove the old one"),
    _Failure(
        said=r"No such file|does not exist|can't cd to",
        error=NotFoundError,
        hint="check the path, as the access point sees it",
    ),
    _Failure(said=r"(?i)submit file|parse", error=UsageError, hint="correct the submit description"),
)


class Condor:
    def __init__(self, access_point: AccessPoint) -> None:
        self._access_point = access_point

    def slots(self) -> list[Slot]:
        """Every slot that the collector lists, the dynamic ones too."""
        # without -startd, which since 23.x lists the daemons rather than their slots
        argv = ["condor_status", "-attributes", ",".join(SLOT_ATTRIBUTES), "-json"]
        return slots(self._printed(argv, "list the slots"))

    def jobs(self, cluster: int | None = None) -> list[Job]:
        """The jobs in the queue: all, or those of a cluster."""
        which = [] if cluster is None else [str(cluster)]
        argv = ["condor_q", "-allusers", *which, "-attributes", ",".join(JOB_ATTRIBUTES), "-json"]
        return jobs(self._printed(argv, "list the jobs"))

    def held(self) -> list[Job]:
        """Jobs on hold; each says why in `hold_reason`."""
        return [job for job in self.jobs() if job.status is JobStatus.HELD]

    def ended(self, *, since_s: float = 0.0) -> list[EndedJob]:
        """The jobs that have left the queue, as long as the schedd's history goes back; no verification's."""
        return ended_jobs(self._printed(history_argv(since_s), "list the jobs of the past"))

    def submit(self, text: str, *, directory: str = ".") -> int:
        """Queue what a submit description says, its relative paths below `directory`. The cluster id."""
        argv = _inside(directory, ["condor_submit", "-terse", "-"])
        return submitted_cluster(self._printed(argv, "submit the job", input=text.encode()))

    def remove(self, cluster: int) -> None:
        """Take a cluster out of the queue, running or not; NotFoundError when it is not in it."""
        argv, doing = ["condor_rm", str(cluster)], f"remove the jobs {cluster}"
        # condor_rm of an empty queue says so and exits with 0
        self._printed(argv, doing, complaint="no jobs in the queue")

    def _printed(
        self, argv: Sequence[str], doing: str, *, input: bytes | None = None, complaint: str | None = None
    ) -> str:
        """Standard output; an error for an exit code, and for a `complaint` on standard error."""
        done = self._access_point.run(argv, input=input)
        if done.exit_code != 0 or (complaint is not None and complaint in done.stderr):
            raise failure(doing, done.stderr + "\n" + done.stdout)
        return done.stdout


def history_argv(since_s: float) -> list[str]:
    """From the newest back to `since_s` (epoch s): the schedd of a whole institute remembers millions.

    An old job has no such attribute at all: =!= is true then, != would be undefined."""
    constraint = f"{VERIFY_ATTRIBUTE} =!= true"
    since = ["-since", f"EnteredCurrentStatus < {int(since_s)}"] if since_s else []
    return ["condor_history", *since, "-constraint", constraint, "-attributes", ",".join(HISTORY_ATTRIBUTES), "-json"]


def submitted_cluster(printed: str) -> int:
    """The cluster id in what condor_submit or condor_submit_dag printed.

    >>> submitted_cluster("12.0 - 12.7\\n")
    12
    >>> submitted_cluster("Submitting job(s).\\n1 job(s) submitted to cluster 5.\\n")
    5
    """
    found = re.search(r"^(\d+)\.\d+ - |submitted to cluster (\d+)\.", printed, re.MULTILINE)
    if found is None:
        raise RoostError(f"HTCondor took the job and gave no cluster id: {printed.strip()!r}")
    return int(found[1] or found[2])


def failure(doing: str, words: str) -> RoostError:
    """What HTCondor said, as the error whose class says what can be done.

    >>> failure("remove the jobs 9", "\\nCouldn't find/remove all jobs in cluster 9\\n")
    NotFoundError("cannot remove the jobs 9: Couldn't find/remove all jobs in cluster 9")
    """
    said = "; ".join(dict.fromkeys(line.strip() for line in words.splitlines() if line.strip()))
    message = f"cannot {doing}: {said[:500] or 'HTCondor said nothing'}"
    for known in _FAILURES:
        if re.search(known.said, words):
            return known.error(message, known.hint)
    return RoostError(message, "`roost ssh` takes you to the access point to look")


def _inside(directory: str, argv: Sequence[str]) -> list[str]:
    return ["sh", "-c", 'cd -- "$1" && shift && exec "$@"', "sh", directory, *argv]
