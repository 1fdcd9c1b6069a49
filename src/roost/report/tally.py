"""pure: what changed in a run -> tasks by transformation and state, and when it will end. A look costs what changed.

The estimate: what is left to do, by the mean times of the tasks that ended well in jobs of the same transformations (or
what profiles say, or the mean of all), over the cores that were seen at work; never less than the longest chain of jobs
that are left, each with the delay that every job has before it starts. Unknown to it: failures to come, instances to
come or to go.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from roost.workflow.attempts import Attempt, JobProgress, JobState, Outcome
from roost.workflow.progress import Progress

_DELAYS_KEPT = 200
_DELAY_S = 2.0  # before a job of a level starts; until one has been seen
_DELAY_SHARE = 0.1  # of the delays: so short are those of jobs that no slot was missing for
_CHAIN_AGAIN = 20.0  # times what it cost to look along all chains, until that is done again
_OVER = frozenset({JobState.DONE, JobState.FAILED})


@dataclass(frozen=True, kw_only=True, slots=True)
class Planned:
    """A job, beforehand."""

    name: str
    tasks: tuple[tuple[str, int], ...]  # its transformations, each with the number of its tasks
    stated_s: float = 0.0  # all of it, by profiles; 0: nobody says

    @property
    def many(self) -> int:
        return sum(number for _, number in self.tasks)


@dataclass(kw_only=True, slots=True)
class Group:
    """The jobs that run tasks of the same transformations."""

    tasks_left: int = 0
    done_tasks: int = 0
    done_s: float = 0.0  # they had their slots for
    stated_tasks: int = 0
    stated_s: float = 0.0

    @property
    def mean_s(self) -> float | None:
        """Of a task that is done."""
        return self.done_s / self.done_tasks if self.done_tasks else None


@dataclass(kw_only=True, slots=True)
class Kind:
    """A transformation's tasks by state."""

    transformation: str
    waiting: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    by_itself: Group | None = None  # the jobs that run tasks of no other one

    @property
    def total(self) -> int:
        return self.waiting + self.running + self.done + self.failed

    @property
    def mean_s(self) -> float | None:
        """Of a task that is done; None where tasks of other transformations are in the same jobs."""
        return self.by_itself.mean_s if self.by_itself else None


@dataclass(slots=True)
class Tally:
    planned: Mapping[str, Planned]
    children: Mapping[str, Sequence[str]]
    clock: Callable[[], float]  # for what the tally itself costs
    kinds: dict[str, Kind] = field(default_factory=dict)
    groups: dict[tuple[str, ...], Group] = field(default_factory=dict)
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
        work = sum(group.tasks_left * means[key] for key, group in self.groups.items() if group.tasks_left)
        ran = 0.0
        for job in running:
            if job.name in self.planned and job.attempts:
                planned = self.planned[job.name]
                ran += min(means[_key(planned)] * planned.many, max(0.0, now - job.attempts[-1].started_at))
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
        for transformation, many in planned.tasks:
            _count(self.kinds[transformation], before, -many)
            _count(self.kinds[transformation], job.state, many)
        self._states[job.name] = job.state
        group, many = self.groups[_key(planned)], planned.many
        group.tasks_left += many * ((job.state not in _OVER) - (before not in _OVER))
        if job.state is JobState.DONE and job.attempts and job.attempts[-1].ended_at is not None:
            last = job.attempts[-1]
            begin = last.inputs_at if last.inputs_at is not None else last.started_at
            group.done_tasks += many
            group.done_s += job.attempts[-1].ended_at - begin
        if job.state is JobState.RUNNING and len(job.attempts) == 1 and job.ready_at is not None:
            self._delays_s.append(max(0.0, job.attempts[0].started_at - job.ready_at))
        if before is JobState.RUNNING and job.attempts and job.attempts[-1].outcome is Outcome.EVICTED:
            self.evictions += 1

    def _means(self) -> dict[tuple[str, ...], float]:
        """Seconds of a task, of each group; empty as long as nothing is known of any."""
        known = {key: group.mean_s for key, group in self.groups.items() if group.mean_s is not None}
        stated = {key: group.stated_s / group.stated_tasks for key, group in self.groups.items() if group.stated_tasks}
        found = {**stated, **known}
        if not found:
            return {}
        tasks = sum(group.done_tasks for group in self.groups.values())
        seconds = sum(group.done_s for group in self.groups.values())
        mean = seconds / tasks if tasks else sum(found.values()) / len(found)
        return {key: found.get(key, mean) for key in self.groups}

    def _chain(self, means: Mapping[tuple[str, ...], float], now: float) -> float:
        """Seconds of the longest chain that is left. Looking along all of them costs, so it is done now and then."""
        if self._chain_at is None or now - self._chain_at > self._chain_cost_s * _CHAIN_AGAIN:
            began = self.clock()
            self._chain_s, self._chain_at = self._longest(means), now
            self._chain_cost_s = self.clock() - began
        return max(0.0, self._chain_s - (now - self._chain_at))

    def _longest(self, means: Mapping[tuple[str, ...], float]) -> float:
        delays = sorted(self._delays_s)
        delay = delays[int(len(delays) * _DELAY_SHARE)] if delays else _DELAY_S
        below: dict[str, float] = {}
        for name in self._children_first:
            if name not in self.planned or self._states.get(name) in _OVER:
                continue
            tail = max((below.get(child, 0.0) for child in self.children.get(name, ())), default=0.0)
            waits = 0.0 if self._states.get(name) is JobState.RUNNING else delay
            planned = self.planned[name]
            below[name] = tail + waits + means[_key(planned)] * planned.many
        return max(below.values(), default=0.0)


def tally(planned: Iterable[Planned], children: Mapping[str, Sequence[str]], *, clock: Callable[[], float]) -> Tally:
    """Of a run in which nothing has happened."""
    jobs = {one.name: one for one in planned}
    kinds: dict[str, Kind] = {}
    groups: dict[tuple[str, ...], Group] = {}
    for one in jobs.values():
        key, many = _key(one), one.many
        if (group := groups.get(key)) is None:
            group = groups[key] = Group()
        for transformation, number in one.tasks:
            if (kind := kinds.get(transformation)) is None:
                kind = kinds[transformation] = Kind(transformation=transformation)
            kind.waiting += number
        if len(key) == 1:
            kinds[key[0]].by_itself = group
        group.tasks_left += many
        if one.stated_s:
            group.stated_s += one.stated_s
            group.stated_tasks += many
    return Tally(
        planned=jobs,
        children=children,
        clock=clock,
        kinds=kinds,
        groups=groups,
        _children_first=_children_first(jobs, children),
    )


def _key(planned: Planned) -> tuple[str, ...]:
    return tuple([transformation for transformation, _ in planned.tasks])


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
