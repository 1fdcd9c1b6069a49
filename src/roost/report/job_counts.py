"""pure: where the jobs of a run are, as numbers and as a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from roost.report.figures import duration, many, usd


@dataclass(frozen=True, kw_only=True, slots=True)
class KindCounts:
    """The tasks of one transformation."""

    transformation: str
    waiting: int
    running: int
    done: int
    failed: int
    mean_s: float | None = None  # that one had its slot for, of those that are done

    @property
    def total(self) -> int:
        return self.waiting + self.running + self.done + self.failed


@dataclass(frozen=True, kw_only=True, slots=True)
class JobCounts:
    total: int
    done: int = 0
    running: int = 0
    held: int = 0
    failed: int = 0
    usd: float | None = None  # spent so far
    running_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # instance id -> names of jobs
    retries: int = 0
    evictions: int = 0
    transferring: int = 0  # jobs whose files move just now
    kinds: tuple[KindCounts, ...] = ()
    seconds_left: float | None = None  # an estimate; None: nothing can be said
    usd_at_end: float | None = None  # the same

    @property
    def waiting(self) -> int:
        return max(0, self.total - self.done - self.running - self.held - self.failed)

    @property
    def states(self) -> str:
        """Of the jobs."""
        states = [(self.running, "running"), (self.waiting, "waiting"), (self.held, "held"), (self.failed, "failed")]
        shown = [f"{self.done:,} of {self.total:,} jobs done"]
        return ", ".join([*shown, *(f"{number:,} {state}" for number, state in states if number)])

    @property
    def trouble(self) -> str:
        """What was done again, and what moves."""
        parts = [many(self.retries, "retry")] if self.retries else []
        parts += [many(self.evictions, "eviction")] if self.evictions else []
        return ", ".join(parts)

    @property
    def outlook(self) -> str:
        """When it will be over, and what it costs."""
        left = f"about {about(self.seconds_left)} left" if self.seconds_left else ""
        cost = "" if self.usd is None else f"{usd(self.usd)} so far"
        if cost and left and self.usd_at_end is not None:
            cost += f", about {usd(self.usd_at_end)} at the end"
        return "; ".join(part for part in (left, cost) if part)

    def __str__(self) -> str:
        return "; ".join(part for part in (self.states, self.trouble, self.outlook) if part)


def about(seconds: float) -> str:
    """An estimate is not known to the second.

    >>> [about(s) for s in (0.4, 7.3, 44, 318, 1270, 4000)]
    ['1 s', '7 s', '45 s', '5 min 20 s', '21 min', '1 h 07 min']
    """
    step = 1 if seconds < 20 else 5 if seconds < 100 else 10 if seconds < 600 else 60
    rounded = max(step, round(seconds / step) * step)
    return f"{rounded} s" if rounded < 100 else duration(rounded).replace(" 00 s", "")
