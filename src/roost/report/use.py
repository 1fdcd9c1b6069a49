"""pure: RunHistory -> what each instance did, and what the cores that were there were used for."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from roost.workflow.attempts import Attempt, Outcome
from roost.workflow.history import RunHistory

SUBMIT_MACHINE = "submit machine"  # where jobs of HTCondor's local universe run, that have no slot


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One machine that ran jobs."""

    name: str  # instance id, or the host's name where that is not known
    host: str
    cores: int
    cores_are_told: bool  # or the most that was seen in use at once
    attempts: int
    failed: int  # attempts that were for nothing
    first_at: float | None  # when its first job came; None: it had none
    last_at: float | None
    here_from: float  # in the pool; where only its jobs are known, as long as they were there
    here_to: float
    busy_core_s: float
    instance_type: str = ""
    usd: float | None = None

    @property
    def busy(self) -> float | None:
        """Share of its core time, from its first job to its last."""
        if self.first_at is None or self.last_at is None or self.last_at <= self.first_at or not self.cores:
            return None
        return self.busy_core_s / (self.last_at - self.first_at) / self.cores


@dataclass(frozen=True, kw_only=True, slots=True)
class CoreSeconds:
    """Cores times seconds from the run's start to its end. Together the four parts are all there were."""

    total_s: float
    useful_s: float  # tasks that ended well
    overhead_s: float  # the rest of their jobs' time in a slot: transfers, wrappers, integrity checks
    badput_s: float  # attempts that were for nothing
    idle_s: float


def instances(history: RunHistory, *, now: float, receipt: Mapping[str, Any] | None = None) -> tuple[Instance, ...]:
    """In the order in which they began to work; last, those that had no job, of which only the receipt tells."""
    by_name: dict[str, list[Attempt]] = {}
    for job in history.progress.jobs.values():
        for attempt in job.attempts:
            by_name.setdefault(place(attempt), []).append(attempt)
    found = [_instance(name, attempts, now) for name, attempts in by_name.items()]
    found = _as_billed(found, receipt or {})
    return tuple(sorted(found, key=lambda one: (one.name == SUBMIT_MACHINE, one.first_at or now, one.name)))


def place(attempt: Attempt) -> str:
    return attempt.instance_id or attempt.host or SUBMIT_MACHINE


def cores(machines: Iterable[Instance]) -> int:
    """The most that were there at once: an instance that took another's place adds nothing."""
    spans = [(one.here_from, one.here_to, one.cores) for one in machines if one.name != SUBMIT_MACHINE]
    return peak(spans)


def peak(spans: Iterable[tuple[float, float, int]]) -> int:
    """The highest sum of the numbers of all (from, to, number) that overlap; one that ends makes room for the next.

    >>> peak([(0, 2, 1), (1, 3, 2), (2, 3, 1)])
    3
    """
    steps = [step for begin, end, many in spans for step in ((begin, many), (max(begin, end), -many))]
    level = highest = 0
    for _, change in sorted(steps):
        level += change
        highest = max(highest, level)
    return highest


def core_seconds(history: RunHistory, *, useful_s: float, span_s: float, many_cores: int, now: float) -> CoreSeconds:
    busy = bad = 0.0
    for job in history.progress.jobs.values():
        for attempt in job.attempts:
            if place(attempt) != SUBMIT_MACHINE:
                seconds = _held_s(attempt, now)
                busy += seconds if _is_good(attempt) else 0.0
                bad += 0.0 if _is_good(attempt) else seconds
    total = span_s * many_cores
    useful = min(useful_s, busy)
    return CoreSeconds(
        total_s=total,
        useful_s=useful,
        overhead_s=busy - useful,
        badput_s=bad,
        idle_s=max(0.0, total - busy - bad),
    )


def _instance(name: str, attempts: list[Attempt], now: float) -> Instance:
    told = max((one.instance_cpus or 0 for one in attempts), default=0)
    spans = [(_from(one), one.ended_at if one.ended_at is not None else now, one.cpus) for one in attempts]
    return Instance(
        name=name,
        host=next((one.host for one in attempts if one.host), ""),
        cores=told or peak(spans),
        cores_are_told=bool(told),
        attempts=len(attempts),
        failed=sum(not _is_good(one) for one in attempts),
        first_at=min(begin for begin, _, _ in spans),
        last_at=max(end for _, end, _ in spans),
        here_from=min(begin for begin, _, _ in spans),
        here_to=max(end for _, end, _ in spans),
        busy_core_s=sum(_held_s(one, now) for one in attempts),
    )


def _as_billed(found: list[Instance], receipt: Mapping[str, Any]) -> list[Instance]:
    """With types and costs, and with the instances that never had a job: as many cores as others of their type."""
    by_name = {one.name: one for one in found}
    billed = {one["instance_id"]: one for one in receipt.get("instances", ()) if one.get("role") == "execution-point"}
    cores_of: dict[str, int] = {}
    for name, one in billed.items():
        if name in by_name:
            kind = one["instance_type"]
            cores_of[kind] = max(cores_of.get(kind, 0), by_name[name].cores)
    for name, one in billed.items():
        life = {
            "here_from": one["joined_at_s"] or one["launched_at_s"],
            "here_to": one["ended_at_s"],
            "instance_type": one["instance_type"],
            "usd": one["usd"],
        }
        if name in by_name:
            by_name[name] = replace(by_name[name], **life)
        elif one["instance_type"] in cores_of:
            by_name[name] = Instance(
                name=name,
                host="",
                cores=cores_of[one["instance_type"]],
                cores_are_told=True,
                attempts=0,
                failed=0,
                first_at=None,
                last_at=None,
                busy_core_s=0.0,
                **life,
            )
    return list(by_name.values())


def _is_good(attempt: Attempt) -> bool:
    return attempt.outcome in (Outcome.DONE, Outcome.RUNNING)


def _from(attempt: Attempt) -> float:
    return attempt.inputs_at if attempt.inputs_at is not None else attempt.started_at


def _held_s(attempt: Attempt, now: float) -> float:
    """Core seconds that it had its slot for."""
    end = attempt.ended_at if attempt.ended_at is not None else now
    return max(0.0, end - _from(attempt)) * attempt.cpus
