"""pure: what changed in a run -> tasks by transformation and state, and when it will end. A look costs what changed.

The estimate: what is left to do, by the mean times of the jobs that ended well (or what profiles say, or the mean of
all), over the cores that were seen at work; never less than the longest chain of jobs that are left, each with the
delay that every job has before it starts. Unknown to it: failures to come, instances to come or to go.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from roost.workflow.attempts import Attempt, JobProgress, JobState, Outcome
from roost.workflow.progress import Progress

_DELAYS_KEPT = 200
_DELAY_SHARE = 0.1  # of the delays: so short are those of jobs that no slot was missing for
_CHAIN_AGAIN = 20.0  # times what it cost to look along all chains, until that is done again
_OVER = frozenset({JobState.DONE, JobState.FAILED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A job, beforehand."""

    name: str
    transformation: str
    tasks: int = 1
    stated_s: float = 0.0  # all of it, by profiles; 0: nobody says


@dataclass(kw_only=True, slots=True)
class Kind:
    """A transformation's tasks by state."""

    transformation: str
    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    jobs_left: int = 0
    done_jobs: int = 0
    done_s: float = 0.0  # they had their slots for
    stated_s: float = 0.0  # of the jobs that are left

    @property
    def total(self) -> int:
        return self.waiting + self.running + self.done + self.failed

    @property
    def mean_s(self) -> float | None:
        """Of a job that is done."""
        return self.done_s / self.done_jobs if self.done_jobs else None


@dataclass(slots=True)
class Tally:
    planned: Mapping[str, Planned]
    children: Mapping[str, Sequence[str]]
    clock: Callable[[], float]  # for what the tally itself costs
    kinds: dict[str, Kind] = field(default_factory=dict)
    retries: int = 0
    evictions: int = 0
    transferring: set[str] = field(default_factory=set)
    _cores: dict[str, dict[str, int]] = field(default_factory=dict)  # of each instance that had a job, by slot
    _children_first: tuple[str, ...] = ()
    _states: dict[str, JobState] = field(default_factory=dict)
    _tries: dict[str, int] = field(default_factory=dict)  # submissions, of jobs with more than one
    _delays_s: deque[float] = field(default_factory=lambda: deque(maxlen=_DELAYS_KEPT))
    _chain_s: float = 0.0
    _chain_at: float | None = None
    _chain_cost_s: float = 0.0

    def update(self, changed: Iterable[JobProgress]) -> list[JobProgress]:
        """The jobs among them that are in another state than before."""
        moved = []
        for job in changed:
            planned = self.planned.get(job.name)
            if planned is None:
                continue
            before = self._states.get(job.name, JobState.WAITING)
            if job.state is not before:
                self._move(planned, before, job)
                moved.append(job)
            if job.attempts:
                self._see(job.attempts[-1])
            if job.transferring:
                self.transferring.add(job.name)
            else:
                self.transferring.discard(job.name)
            if job.submits > 1 and job.submits > self._tries.get(job.name, 1):
                self.retries += job.submits - self._tries.get(job.name, 1)
                self._tries[job.name] = job.submits
        return moved

    def seconds_left(self, progress: Progress, now: float) -> float | None:
        """Until the last job ends, as far as can be known; None while nothing can."""
        running = [progress.jobs[name] for name in progress.in_state[JobState.RUNNING]]
        means, cores = self._means(), self.cores
        if not means or not cores:
            return None
        work = sum(kind.jobs_left * means[kind.transformation] for kind in self.kinds.values() if kind.jobs_left)
        ran = 0.0
        for job in running:
            if job.name in self.planned and job.attempts:
                mean = means[self.planned[job.name].transformation]
                ran += min(mean, max(0.0, now - job.attempts[-1].started_at))
        chain_s = self._chain(means, now)
        return max((work - ran) / cores, chain_s)

    @property
    def cores(self) -> int:
        """Of the instances that had a job so far; where they do not say how many they have, those seen at work."""
        return sum(slots.get("", 0) or sum(slots.values()) for slots in self._cores.values())

    def _see(self, attempt: Attempt) -> None:
        slots = self._cores.setdefault(attempt.instance_id or attempt.host, {})
        if attempt.instance_cpus:
            slots[""] = attempt.instance_cpus
        elif attempt.slot:
            slots[attempt.slot] = attempt.cpus

    def _move(self, planned: Planned, before: JobState, job: JobProgress) -> None:
        kind = self.kinds[planned.transformation]
        _count(kind, before, -planned.tasks)
        _count(kind, job.state, planned.tasks)
        self._states[job.name] = job.state
        was_left, is_left = (
            before not in (JobState.DONE, JobState.FAILED),
            job.state
            not in (
                JobState.DONE,
                JobState.FAILED,
            ),
        )
        kind.jobs_left += is_left - was_left
        if job.state is JobState.DONE and job.attempts and job.attempts[-1].ended_at is not None:
            last = job.attempts[-1]
            begin = last.inputs_at if last.inputs_at is not None else last.started_at
            kind.done_jobs += 1
            kind.done_s += job.attempts[-1].ended_at - begin
        if job.state is JobState.RUNNING and len(job.attempts) == 1 and job.ready_at is not None:
            self._delays_s.append(max(0.0, job.attempts[0].started_at - job.ready_at))
        if before is JobState.RUNNING and job.attempts and job.attempts[-1].outcome is Outcome.EVICTED:
            self.evictions += 1

    def _means(self) -> dict[str, float]:
        """Of each transformation; empty as long as nothing is known of any."""
        known = {name: kind.mean_s for name, kind in self.kinds.items() if kind.mean_s is not None}
        stated = {name: kind.stated_s for name, kind in self.kinds.items() if kind.stated_s}
        found = {**stated, **known}
        if not found:
            return {}
        jobs = sum(kind.done_jobs for kind in self.kinds.values())
        seconds = sum(kind.done_s for kind in self.kinds.values())
        mean = seconds / jobs if jobs else sum(found.values()) / len(found)
        return {name: found.get(name, mean) for name in self.kinds}

    def _chain(self, means: Mapping[str, float], now: float) -> float:
        """Seconds of the longest chain that is left. Looking along all of them costs, so it is done now and then."""
        if self._chain_at is None or now - self._chain_at > self._chain_cost_s * _CHAIN_AGAIN:
            began = self.clock()
            self._chain_s, self._chain_at = self._longest(means), now
            self._chain_cost_s = self.clock() - began
        return max(0.0, self._chain_s - (now - self._chain_at))

    def _longest(self, means: Mapping[str, float]) -> float:
        delays = sorted(self._delays_s)
        delay = delays[int(len(delays) * _DELAY_SHARE)] if delays else 0.0
        below: dict[str, float] = {}
        for name in reversed(tuple(self.planned)):  # parents come before children
            if name not in self.planned or self._states.get(name) in _OVER:
                continue
            tail = max((below.get(child, 0.0) for child in self.children.get(name, ())), default=0.0)
            waits = 0.0 if self._states.get(name) is JobState.RUNNING else delay
            below[name] = tail + waits + means[self.planned[name].transformation]
        return max(below.values(), default=0.0)


def tally(planned: Iterable[Planned], children: Mapping[str, Sequence[str]], *, clock: Callable[[], float]) -> Tally:
    """Of a run in which nothing has happened."""
    jobs = {one.name: one for one in planned}
    kinds: dict[str, Kind] = {}
    for one in jobs.values():
        kind = kinds.setdefault(one.transformation, Kind(transformation=one.transformation))
        kind.waiting += one.tasks
        kind.jobs_left += 1
        kind.stated_s = max(kind.stated_s, one.stated_s)
    return Tally(
        planned=jobs, children=children, clock=clock, kinds=kinds, _children_first=_children_first(jobs, children)
    )


def _children_first(names: Iterable[str], children: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """
    >>> _children_first(["b", "c", "a"], {"a": ["b"], "b": ["c"]})
    ('c', 'b', 'a')
    """
    waits_for = dict.fromkeys(names, 0)
    for below in children.values():
        for child in below:
            waits_for[child] = waits_for.get(child, 0) + 1
    order = [name for name, many in waits_for.items() if not many]
    for name in order:  # grows while it is gone through
        for child in children.get(name, ()):
            waits_for[child] -= 1
            if not waits_for[child]:
                order.append(child)
    return tuple(reversed(order))


def _count(kind: Kind, state: JobState, tasks: int) -> None:
    match state:
        case JobState.RUNNING:
            kind.running += tasks
        case JobState.DONE:
            kind.done += tasks
        case JobState.FAILED | JobState.HELD:
            kind.failed += tasks
        case _:
            kind.waiting += tasks
