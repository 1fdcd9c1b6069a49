"""pure: RunHistory -> who worked when: a bar for each attempt; where those are too many, how busy each instance was."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from roost.report.use import place
from roost.workflow.attempts import Attempt, Outcome
from roost.workflow.history import RunHistory

BARS_AT_MOST = 1000
LANES_AT_MOST = 48
STEPS = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """One attempt. Shares are of the run's length."""

    job: str
    transformation: str
    outcome: Outcome
    row: int  # in its lane
    begin: float
    runs_from: float  # before that, files come
    runs_to: float  # after that, files go
    end: float
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """A stretch of a lane's time."""

    begin: int  # of STEPS
    end: int
    busy: float  # share of its cores
    transformation: str  # that took most of it
    has_lost: bool  # attempts that were for nothing took most of it


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    name: str  # an instance, or several
    attempts: int
    rows: int
    bars: tuple[Bar, ...] = ()
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Gantt:
    lanes: tuple[Lane, ...]
    are_bars: bool


_Told = tuple[Attempt, str, str]  # with the names of its job and its transformation


def gantt(history: RunHistory, *, began_at: float, ended_at: float) -> Gantt:
    named = {job.name: history.plan.transformation(job) for job in history.plan.jobs}
    lanes: dict[str, list[_Told]] = {}
    for job in history.progress.jobs.values():
        for attempt in job.attempts:
            lanes.setdefault(place(attempt), []).append((attempt, job.name, named[job.name]))
    order = sorted(lanes.items(), key=lambda one: min(told[0].started_at for told in one[1]))
    span = max(ended_at - began_at, 0.001)
    if sum(map(len, lanes.values())) <= BARS_AT_MOST:
        return Gantt(lanes=tuple(_bars(name, told, began_at, span) for name, told in order), are_bars=True)
    return Gantt(lanes=tuple(_steps(name, told, began_at, span) for name, told in _grouped(order)), are_bars=False)


def _bars(name: str, attempts: list[_Told], began_at: float, span: float) -> Lane:
    free_at: list[float] = []  # of each row
    bars: list[Bar] = []

    def share(at: float) -> float:
        return min(max(0.0, (at - began_at) / span), 1.0)

    for attempt, job, transformation in sorted(attempts, key=lambda told: _begin(told[0])):
        begin, end = _begin(attempt), _end(attempt, began_at + span)
        row = next((number for number, at in enumerate(free_at) if at <= begin), len(free_at))
        free_at[row : row + 1] = [end]
        bars.append(
            Bar(
                job=job,
                transformation=transformation,
                outcome=attempt.outcome,
                row=row,
                begin=share(begin),
                runs_from=share(attempt.started_at),
                runs_to=share(attempt.outputs_at if attempt.outputs_at is not None else end),
                end=share(end),
                seconds=end - begin,
            )
        )
    return Lane(name=name, attempts=len(attempts), rows=max(1, len(free_at)), bars=tuple(bars))


def _grouped(order: list[tuple[str, list[_Told]]]) -> Iterable[tuple[str, list[_Told]]]:
    """So many lanes that they can be told apart, each of instances that began one after the other."""
    each = -(-len(order) // LANES_AT_MOST)
    for first in range(0, len(order), each):
        group = order[first : first + each]
        name = group[0][0] if len(group) == 1 else f"{len(group)} instances, {group[0][0]} ..."
        yield name, [told for _, attempts in group for told in attempts]


def _steps(name: str, attempts: list[_Told], began_at: float, span: float) -> Lane:
    step_s = span / STEPS
    used: list[Counter[tuple[str, bool]]] = [Counter() for _ in range(STEPS)]
    for attempt, _, transformation in attempts:
        begin, end = (_begin(attempt) - began_at) / step_s, (_end(attempt, began_at + span) - began_at) / step_s
        is_lost = attempt.outcome not in (Outcome.DONE, Outcome.RUNNING)
        for step in range(max(0, int(begin)), min(STEPS, int(end) + 1)):
            share = min(end, step + 1) - max(begin, step)
            if share > 0:
                used[step][transformation, is_lost] += share * attempt.cpus  # type: ignore[assignment]
    full = max((sum(one.values()) for one in used), default=0) or 1
    steps: list[Step] = []
    for number, one in enumerate(used):
        if not one:
            continue
        (transformation, is_lost), _ = one.most_common(1)[0]
        busy = max(0.125, round(sum(one.values()) / full * 8) / 8)
        last = steps[-1] if steps else None
        if last and (last.end, last.busy, last.transformation, last.has_lost) == (
            number,
            busy,
            transformation,
            is_lost,
        ):
            steps[-1] = Step(
                begin=last.begin, end=number + 1, busy=busy, transformation=transformation, has_lost=is_lost
            )
        else:
            steps.append(Step(begin=number, end=number + 1, busy=busy, transformation=transformation, has_lost=is_lost))
    return Lane(name=name, attempts=len(attempts), rows=1, steps=tuple(steps))


def _begin(attempt: Attempt) -> float:
    return attempt.inputs_at if attempt.inputs_at is not None else attempt.started_at


def _end(attempt: Attempt, until: float) -> float:
    return attempt.ended_at if attempt.ended_at is not None else until
