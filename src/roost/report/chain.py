"""pure: why a run took as long as it did: the chain of jobs that ended last, and where its time went.

From the job that ended last back to whichever of its parents ended last, to a job without parents. Every second of the
run belongs to one part of one link, so the parts add up to the run's length.
"""

from collections.abc import Iterator, Mapping
from dataclasses import astuple, dataclass, fields
from itertools import pairwise

from roost.workflow.attempts import Attempt, JobProgress, Outcome
from roost.workflow.history import DagRun, RunHistory


@dataclass(frozen=True, kw_only=True, slots=True)
class Parts:
    """Seconds of a stretch of time, by what was waited for."""

    dagman_s: float = 0.0  # DAGMan: it saw that the parents had ended, and submitted the job
    queued_s: float = 0.0  # a slot
    inputs_s: float = 0.0  # files to the slot
    running_s: float = 0.0  # the job's program
    outputs_s: float = 0.0  # files from the slot
    script_s: float = 0.0  # a POST script
    lost_s: float = 0.0  # attempts that were for nothing, from the queue to their end
    stopped_s: float = 0.0  # between two runs of DAGMan

    def __add__(self, other: "Parts") -> "Parts":
        return Parts(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})

    @property
    def total_s(self) -> float:
        return float(sum(astuple(self)))


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    job: str
    transformation: str
    began_at: float  # when the link before it had ended
    ended_at: float
    attempts: int
    host: str
    parts: Parts


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    links: tuple[Link, ...]  # the first one first
    parts: Parts  # of the whole run, what comes after the last link included


def chain(history: RunHistory, *, began_at: float, ended_at: float) -> Chain:
    """Of what has ended until `ended_at`; without links when nothing has."""
    jobs = history.progress.jobs
    ends = {name: end for name, job in jobs.items() if (end := ended(job)) is not None}
    parents: dict[str, str] = {}  # of each job the one that ended last
    for parent, child in history.plan.edges:
        if parent in ends and (child not in parents or ends[parent] > ends[parents[child]]):
            parents[child] = parent
    names: list[str] = []
    at = max(ends, key=lambda name: ends[name], default=None)
    while at is not None and at not in names[-1:]:
        names.append(at)
        at = parents.get(at)
    static = {job.name: job for job in history.plan.jobs}
    pauses = tuple(_pauses(history.dag_runs))
    links: list[Link] = []
    cursor = began_at
    for name in reversed(names):
        job = jobs[name]
        links.append(
            Link(
                job=name,
                transformation=history.plan.transformation(static[name]),
                began_at=cursor,
                ended_at=max(cursor, ends[name]),
                attempts=len(job.attempts),
                host=_host(job),
                parts=_parts(job, cursor, ends[name], pauses),
            )
        )
        cursor = links[-1].ended_at
    last = _Cursor(cursor, pauses)
    last.to(ended_at, "dagman_s")
    whole = last.parts
    for link in links:
        whole += link.parts
    return Chain(links=tuple(links), parts=whole)


def ended(job: JobProgress) -> float | None:
    """When the last of its attempts, or its POST script, ended."""
    ends = [one.ended_at for one in job.attempts[-1:] if one.ended_at is not None]
    ends += [job.script_ended_at] if job.script_ended_at is not None else []
    return max(ends, default=None)


@dataclass(slots=True)
class _Cursor:
    """Moves on through time; what lies behind it is accounted for."""

    at: float
    pauses: tuple[tuple[float, float], ...]
    parts: Parts = Parts()

    def to(self, at: float | None, part: str) -> None:
        if at is None or at <= self.at:
            return
        seconds = at - self.at
        stopped = sum(max(0.0, min(at, end) - max(self.at, begin)) for begin, end in self.pauses)
        self.parts += Parts(**{part: seconds - stopped, "stopped_s": stopped})
        self.at = at


def _parts(job: JobProgress, began_at: float, ended_at: float, pauses: tuple[tuple[float, float], ...]) -> Parts:
    cursor = _Cursor(began_at, pauses)
    for attempt in job.attempts[:-1]:
        cursor.to(attempt.queued_at, "dagman_s")
        cursor.to(attempt.ended_at, "lost_s")
    for attempt in job.attempts[-1:]:
        _last_attempt(cursor, attempt)
    cursor.to(job.script_ended_at, "script_s")
    cursor.to(ended_at, "dagman_s")
    return cursor.parts


def _last_attempt(cursor: _Cursor, attempt: Attempt) -> None:
    cursor.to(attempt.queued_at, "dagman_s")
    if attempt.outcome not in (Outcome.DONE, Outcome.RUNNING):
        cursor.to(attempt.ended_at, "lost_s")
        return
    cursor.to(attempt.inputs_at if attempt.inputs_at is not None else attempt.started_at, "queued_s")
    cursor.to(attempt.started_at, "inputs_s")
    cursor.to(attempt.outputs_at if attempt.outputs_at is not None else attempt.ended_at, "running_s")
    cursor.to(attempt.ended_at, "outputs_s")


def _pauses(runs: tuple[DagRun, ...]) -> Iterator[tuple[float, float]]:
    for before, after in pairwise(runs):
        if before.ended_at is not None:
            yield before.ended_at, after.started_at


def _host(job: JobProgress) -> str:
    return (job.attempts[-1].instance_id or job.attempts[-1].host) if job.attempts else ""


def longest_path(weights: Mapping[str, float], edges: tuple[tuple[str, str], ...]) -> float:
    """The most that one path weighs; edges to what has no weight are left out.

    >>> longest_path({"a": 1.0, "b": 2.0, "c": 5.0}, (("a", "b"),))
    5.0
    """
    children: dict[str, list[str]] = {}
    waits_for = dict.fromkeys(weights, 0)
    for parent, child in edges:
        if parent in weights and child in weights:
            children.setdefault(parent, []).append(child)
            waits_for[child] += 1
    finish = dict(weights)
    ready = [name for name, many in waits_for.items() if many == 0]
    while ready:
        name = ready.pop()
        for child in children.get(name, ()):
            finish[child] = max(finish[child], finish[name] + weights[child])
            waits_for[child] -= 1
            if waits_for[child] == 0:
                ready.append(child)
    return max(finish.values(), default=0.0)
