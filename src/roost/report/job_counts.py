"""pure: where the jobs of a run are, as numbers and as a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class JobCounts:
    total: int
    done: int = 0
    running: int = 0
    held: int = 0
    failed: int = 0
    usd: float | None = None  # spent so far
    running_on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # instance id -> names of jobs

    @property
    def waiting(self) -> int:
        return max(0, self.total - self.done - self.running - self.held - self.failed)

    def __str__(self) -> str:
        states = [(self.running, "running"), (self.waiting, "waiting"), (self.held, "held"), (self.failed, "failed")]
        shown = [f"{self.done} of {self.total} jobs done", *(f"{many} {state}" for many, state in states if many)]
        return ", ".join(shown) + ("" if self.usd is None else f"; ${self.usd:.4f} so far")
