"""pure: HTCondor's event log -> Progress: where each job is, each attempt with its times, its instance and its bytes.

The log is the one that all jobs of a run share; chunks are folded as they arrive, cut anywhere. DAGMan's own messages
(`dagman.out`) tell the end of the DAG. Times are seconds since the epoch; the access point writes UTC.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType

from roost.workflow.planner import ExecutableWorkflow

_END_OF_EVENT = "\n...\n"  # a line of its own: text may end in dots
_HEAD = re.compile(r"(\d{3}) \((\d+)\.(\d+)\.\d+\) (\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?)Z? ?(.*)")
_NODE = re.compile(r"^\s+DAG Node: (\S+)", re.MULTILINE)
_ATTRIBUTE = re.compile(r'^\t(\w+)(?: = |: )"?([^"\n]*)"?$', re.MULTILINE)
_RETURN = re.compile(r"\(1\) Normal termination \(return value (-?\d+)\)")
_SIGNAL = re.compile(r"\(0\) Abnormal termination \(signal (\d+)\)")
_SENT = re.compile(r"^\t(\d+)  -  Run Bytes Sent By Job", re.MULTILINE)
_RECEIVED = re.compile(r"^\t(\d+)  -  Run Bytes Received By Job", re.MULTILINE)
_EXIT = re.compile(r"EXITING WITH STATUS (\d+)")


class JobState(StrEnum):
    WAITING = "waiting"  # for a parent
    READY = "ready"  # DAGMan will submit it
    SUBMITTED = "submitted"  # HTCondor looks for a slot
    RUNNING = "running"
    RETRYING = "retrying"  # failed, and DAGMan will submit it again
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


class Outcome(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EVICTED = "evicted"  # its slot went away: HTCondor runs the job again, which is no retry
    HELD = "held"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One time that a job had a slot. `started_at` is when it executed; transfers before belong to `received_bytes`."""

    cluster: int
    started_at: float
    ended_at: float | None = None
    outcome: Outcome = Outcome.RUNNING
    slot: str = ""  # slot1_1@host
    instance_id: str = ""  # of the execution point, where it says so
    exit_code: int | None = None  # 128 + signal for a job that a signal ended
    sent_bytes: int = 0  # by the job: outputs
    received_bytes: int = 0  # inputs

    @property
    def host(self) -> str:
        """
        >>> Attempt(cluster=1, started_at=0, slot="slot1_1@ip-172-31-0-5").host
        'ip-172-31-0-5'
        """
        return self.slot.rpartition("@")[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class JobProgress:
    name: str
    state: JobState
    parents: tuple[str, ...] = ()
    retries: int = 0
    submits: int = 0
    submitted_at: float | None = None  # the last time
    attempts: tuple[Attempt, ...] = ()
    hold_reason: str = ""
    hold_code: int = 0
    transferring: bool = False

    @property
    def exit_code(self) -> int | None:
        """Of the last attempt."""
        return self.attempts[-1].exit_code if self.attempts else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    jobs: Mapping[str, JobProgress]
    children: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    clusters: Mapping[int, str] = field(default_factory=dict)  # HTCondor's ClusterId: name
    started_at: float | None = None  # first and last event
    last_at: float | None = None
    dag_exit_code: int | None = None  # None: DAGMan has not ended
    rest: str = ""  # of the log: an event that is not complete

    @property
    def totals(self) -> Mapping[JobState, int]:
        """How many jobs are in each state; every state is there."""
        counts = dict.fromkeys(JobState, 0)
        for job in self.jobs.values():
            counts[job.state] += 1
        return counts

    @property
    def is_over(self) -> bool:
        return self.dag_exit_code is not None

    @property
    def is_success(self) -> bool:
        return self.dag_exit_code == 0

    @property
    def failed(self) -> tuple[JobProgress, ...]:
        return tuple(job for job in self.jobs.values() if job.state in (JobState.FAILED, JobState.HELD))


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One entry of an event log."""

    kind: int  # HTCondor's manual, "Job Event Log Codes"
    cluster: int
    at: float
    text: str


def begin(executable: ExecutableWorkflow) -> Progress:
    """Nothing has happened yet."""
    parents: dict[str, list[str]] = {job.name: [] for job in executable.jobs}
    children: dict[str, list[str]] = {job.name: [] for job in executable.jobs}
    for parent, child in executable.edges:
        parents[child].append(parent)
        children[parent].append(child)
    jobs = {
        job.name: JobProgress(
            name=job.name,
            state=JobState.WAITING if parents[job.name] else JobState.READY,
            parents=tuple(parents[job.name]),
            retries=job.retries,
        )
        for job in executable.jobs
    }
    below = {name: tuple(names) for name, names in children.items()}
    return Progress(jobs=MappingProxyType(jobs), children=MappingProxyType(below))


def fold(progress: Progress, text: str) -> Progress:
    """`progress` after the next piece of the jobs' event log, which may end anywhere."""
    log = progress.rest + text
    end = log.rfind(_END_OF_EVENT) + len(_END_OF_EVENT) if _END_OF_EVENT in log else 0
    events = parse_events(log[:end])
    if not events:
        return replace(progress, rest=log)
    jobs, clusters = dict(progress.jobs), dict(progress.clusters)
    for event in events:
        _apply(jobs, clusters, progress.children, event)
    started_at = progress.started_at if progress.started_at is not None else events[0].at
    return replace(
        progress,
        jobs=MappingProxyType(jobs),
        clusters=MappingProxyType(clusters),
        started_at=started_at,
        last_at=max(event.at for event in events),
        rest=log[end:],
    )


def fold_end(progress: Progress, dagman_out: str) -> Progress:
    """`progress` after what DAGMan wrote last: when it has ended, nothing is tried again."""
    code = dag_exit_code(dagman_out)
    if code is None:
        return progress
    jobs = {
        name: replace(job, state=JobState.FAILED) if job.state is JobState.RETRYING else job
        for name, job in progress.jobs.items()
    }
    return replace(progress, jobs=MappingProxyType(jobs), dag_exit_code=code)


def dag_exit_code(dagman_out: str) -> int | None:
    """DAGMan's exit code in (the end of) its `dagman.out`; None while it runs.

    >>> dag_exit_code("11/20/26 20:02:50 **** condor_scheduniv_exec.1.0 (condor_DAGMAN) pid 215 EXITING WITH STATUS 1")
    1
    >>> dag_exit_code("11/20/26 20:02:50 Writing Rescue DAG") is None
    True
    """
    found = _EXIT.findall(dagman_out)
    return int(found[-1]) if found else None


def parse_events(text: str) -> list[Event]:
    """The complete events of a piece of an event log.

    >>> parse_events("001 (7.000.000) 2026-11-20 20:02:43 Job executing on host: <a>\\n...\\n001 (8.0")
    [Event(kind=1, cluster=7, at=1795204963.0, text='Job executing on host: <a>\\n')]
    """
    events = []
    for chunk in re.split(r"^\.\.\.\n", text, flags=re.MULTILINE)[:-1]:
        first, _, below = chunk.partition("\n")
        if head := _HEAD.fullmatch(first.rstrip()):
            kind, cluster, _, at, said = head.groups()
            seconds = datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()
            events.append(Event(kind=int(kind), cluster=int(cluster), at=seconds, text=f"{said}\n{below}"))
    return events


def attributes(text: str) -> dict[str, str]:
    """The attributes of the slot in an execute event.

    >>> attributes('Job executing on host: <x>\\n\\tSlotName: slot1_1@a\\n\\tRoostInstanceId = "i-0a"\\n')
    {'SlotName': 'slot1_1@a', 'RoostInstanceId': 'i-0a'}
    """
    return dict(_ATTRIBUTE.findall(text))


def _apply(
    jobs: dict[str, JobProgress], clusters: dict[int, str], children: Mapping[str, tuple[str, ...]], event: Event
) -> None:
    if event.kind == 0 and (node := _NODE.search(event.text)):
        clusters[event.cluster] = node[1]
    name = clusters.get(event.cluster)
    if name is None or name not in jobs:
        return
    jobs[name] = job = _after(jobs[name], event)
    if job.state is not JobState.DONE:
        return
    for child in (jobs[one] for one in children.get(name, ())):
        is_ready = all(jobs[parent].state is JobState.DONE for parent in child.parents)
        if is_ready and child.state is JobState.WAITING:
            jobs[child.name] = replace(child, state=JobState.READY)


def _after(job: JobProgress, event: Event) -> JobProgress:
    match event.kind:
        case 0:  # submitted
            return replace(job, state=JobState.SUBMITTED, submits=job.submits + 1, submitted_at=event.at)
        case 1:  # executing
            slot = attributes(event.text)
            attempt = Attempt(
                cluster=event.cluster,
                started_at=event.at,
                slot=slot.get("SlotName", ""),
                instance_id=slot.get("RoostInstanceId", ""),
            )
            closed = _closed(job, event, Outcome.EVICTED).attempts
            return replace(job, state=JobState.RUNNING, attempts=(*closed, attempt), transferring=False)
        case 4 | 7 | 24:  # evicted; its shadow failed; its execution point was lost for good
            return replace(_closed(job, event, Outcome.EVICTED), state=JobState.SUBMITTED)
        case 5:  # terminated
            code = _exit_code(event.text)
            if code == 0:
                return replace(_closed(job, event, Outcome.DONE, code), state=JobState.DONE)
            return _failed(_closed(job, event, Outcome.FAILED, code))
        case 9:  # removed
            return _failed(_closed(job, event, Outcome.REMOVED))
        case 12:  # held
            lines = [line.strip() for line in event.text.splitlines()[1:] if line.strip()]
            codes = re.search(r"Code (\d+) Subcode", event.text)
            held = _closed(job, event, Outcome.HELD)
            reason = " ".join(line for line in lines if not line.startswith("Code "))
            return replace(held, state=JobState.HELD, hold_reason=reason, hold_code=int(codes[1]) if codes else 0)
        case 13:  # released
            return replace(job, state=JobState.SUBMITTED, hold_reason="", hold_code=0)
        case 40:  # a file transfer
            return replace(job, transferring=event.text.startswith("Started"))
        case _:
            return job


def _failed(job: JobProgress) -> JobProgress:
    """DAGMan submits a job `retries` times more than once."""
    return replace(job, state=JobState.RETRYING if job.submits <= job.retries else JobState.FAILED)


def _closed(job: JobProgress, event: Event, outcome: Outcome, exit_code: int | None = None) -> JobProgress:
    """The job with its running attempt ended by `event`; as it is when none runs."""
    if not job.attempts or job.attempts[-1].ended_at is not None:
        return replace(job, transferring=False)
    sent, received = _SENT.search(event.text), _RECEIVED.search(event.text)
    last = replace(
        job.attempts[-1],
        ended_at=event.at,
        outcome=outcome,
        exit_code=exit_code,
        sent_bytes=int(sent[1]) if sent else 0,
        received_bytes=int(received[1]) if received else 0,
    )
    return replace(job, attempts=(*job.attempts[:-1], last), transferring=False)


def _exit_code(text: str) -> int:
    if found := _RETURN.search(text):
        return int(found[1])
    found = _SIGNAL.search(text)
    return 128 + int(found[1]) if found else 1
