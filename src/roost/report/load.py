"""pure: RunHistory -> how many jobs were waiting, running and done at each moment of a run, in equal steps."""

from dataclasses import dataclass

from roost.workflow.attempts import Outcome
from roost.workflow.history import RunHistory

STEPS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Load:
    """Each list has STEPS + 1 numbers: at the begin, and at the end of each step."""

    step_s: float
    running: tuple[int, ...]
    waiting: tuple[int, ...]  # submitted, without a slot
    done: tuple[int, ...]


def load(history: RunHistory, *, began_at: float, ended_at: float) -> Load:
    step_s = max(ended_at - began_at, 0.001) / STEPS

    def step(at: float) -> int:
        return min(max(0, round((at - began_at) / step_s)), STEPS)

    running, waiting, done = ([0] * (STEPS + 2) for _ in range(3))
    for job in history.progress.jobs.values():
        for attempt in job.attempts:
            if attempt.queued_at is not None:
                waiting[step(attempt.queued_at)] += 1
                waiting[step(attempt.started_at)] -= 1
            running[step(attempt.started_at)] += 1
            if attempt.ended_at is not None:
                running[step(attempt.ended_at)] -= 1
                done[step(attempt.ended_at)] += attempt.outcome is Outcome.DONE
    return Load(step_s=step_s, running=_sums(running), waiting=_sums(waiting), done=_sums(done))


def _sums(changes: list[int]) -> tuple[int, ...]:
    level, levels = 0, []
    for change in changes[: STEPS + 1]:
        level += change
        levels.append(level)
    return tuple(levels)
