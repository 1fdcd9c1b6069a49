"""pure: what a pool used, what that costs, and what it was used for.

In: the instances' lives, the job attempts on them, prices. Out: a Receipt; as JSON and as text.

An execution point's time is split into five: boot (launch until joined), busy (an attempt was running that ended
well), badput (only attempts were running that did not), idle, and shutdown (termination asked until it was seen).
Many jobs run at once on one instance, so intervals are united, never added up. An access point runs no jobs: its time
stands apart.
"""

import json
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from roost.boot.roles import Role

SCHEMA = "roost/receipt/1"
_MINIMUM_S = 60.0  # EC2 bills by the second, at least a minute for each launch
_HOUR_S = 3600.0
_TEXT_WIDTH = 78

Interval = tuple[float, float]


class Outcome(StrEnum):
    OK = "ok"
    FAILED = "failed"
    EVICTED = "evicted"


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """One instance, in epoch seconds."""

    instance_id: str
    instance_type: str
    role: Role
    launched_at_s: float
    ended_at_s: float
    joined_at_s: float | None  # None: never
    ending_at_s: float | None  # termination was asked; None: it ended by itself


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One start of one job."""

    instance_id: str
    started_at_s: float
    ended_at_s: float
    outcome: Outcome


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    """One line of the JSON, in epoch seconds."""

    instance_id: str
    instance_type: str
    role: Role
    launched_at_s: float
    joined_at_s: float | None
    ended_at_s: float
    usd: float | None  # None: no price is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """The instances of one role and type."""

    role: Role
    instance_type: str
    count: int
    seconds: float
    usd: float | None  # None: no price is known


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """Instance-seconds; together they are all there were."""

    access_point_s: float
    boot_s: float
    busy_s: float
    badput_s: float
    idle_s: float
    shutdown_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    items: tuple[Item, ...]
    instances: tuple[Instance, ...]
    instance_seconds: float
    usd: float | None
    price_note: str  # where prices are from, and of which day
    split: Split
    attempts: Mapping[Outcome, int]
    billable_resources: int  # left when everything was taken down


def receipt(
    lives: Sequence[Life],
    attempts: Sequence[Attempt],
    *,
    usd_per_hour: Mapping[str, float],
    price_note: str = "",
    billable_resources: int = 0,
) -> Receipt:
    """Attempts on instances that are not among `lives` are somebody else's: they count nowhere."""
    known_ids = {life.instance_id for life in lives}
    attempts = [attempt for attempt in attempts if attempt.instance_id in known_ids]
    kinds = dict.fromkeys((life.role, life.instance_type) for life in lives)
    items = tuple(_item(kind, lives, usd_per_hour) for kind in sorted(kinds))
    prices = [item.usd for item in items]
    return Receipt(
        items=items,
        instances=tuple(_instance(life, usd_per_hour) for life in lives),
        instance_seconds=sum(item.seconds for item in items),
        usd=sum(usd for usd in prices if usd is not None) if None not in prices else None,
        price_note=price_note,
        split=_split(lives, attempts),
        attempts={outcome: sum(a.outcome is outcome for a in attempts) for outcome in Outcome},
        billable_resources=billable_resources,
    )


def to_json(given: Receipt) -> str:
    return json.dumps({"schema": SCHEMA, **asdict(given)}, indent=2) + "\n"


def merged(given: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The receipts, as JSON, of one run that was resumed: one of them all.

    >>> merged([{"usd": 0.5, "items": [1], "split": {"idle_s": 1}}, {"usd": 0.25, "items": [2], "split": {}}])
    {'usd': 0.75, 'items': [1, 2], 'split': {'idle_s': 1}}
    >>> merged([{"usd": 0.5}, {"usd": None}])  # one of which no price is known
    {'usd': None}
    """
    found = dict(given[0])
    for one in given[1:]:
        for key, value in one.items():
            found[key] = _sum(found.get(key), value)
    return found


def _sum(before: Any, after: Any) -> Any:
    match before, after:
        case (dict(), dict()):
            return {**before, **{key: _sum(before.get(key, 0), value) for key, value in after.items()}}
        case (list(), list()):
            return [*before, *after]
        case (int() | float(), int() | float()):
            return before + after
        case (str(), str()):
            return after
        case _:
            return None


def text(given: Receipt) -> str:
    rows = [
        (_plural(i.role, i.count), i.instance_type, str(i.count), f"{i.seconds:.0f}", _usd(i.usd)) for i in given.items
    ]
    count = sum(item.count for item in given.items)
    rows = [
        ("instances", "type", "count", "seconds", "cost"),
        *rows,
        ("total", "", str(count), f"{given.instance_seconds:.0f}", _usd(given.usd)),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    left = f"{given.billable_resources} billable resource{'' if given.billable_resources == 1 else 's'}"
    return "\n".join([*lines, *textwrap.wrap(given.price_note, _TEXT_WIDTH), *_split_lines(given), left, ""])


def united(intervals: Iterable[Interval]) -> list[Interval]:
    """
    >>> united([(5, 6), (1, 3), (2, 4), (9, 9)])
    [(1, 4), (5, 6)]
    """
    result: list[Interval] = []
    for start, end in sorted(interval for interval in intervals if interval[1] > interval[0]):
        if result and start <= result[-1][1]:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return result


def _item(kind: tuple[Role, str], lives: Iterable[Life], usd_per_hour: Mapping[str, float]) -> Item:
    role, instance_type = kind
    seconds = [_lived_s(life) for life in lives if (life.role, life.instance_type) == kind]
    return Item(
        role=role,
        instance_type=instance_type,
        count=len(seconds),
        seconds=sum(seconds),
        usd=_cost(seconds, usd_per_hour.get(instance_type)),
    )


def _instance(life: Life, usd_per_hour: Mapping[str, float]) -> Instance:
    return Instance(
        instance_id=life.instance_id,
        instance_type=life.instance_type,
        role=life.role,
        launched_at_s=life.launched_at_s,
        joined_at_s=life.joined_at_s,
        ended_at_s=life.ended_at_s,
        usd=_cost([_lived_s(life)], usd_per_hour.get(life.instance_type)),
    )


def _cost(seconds: Iterable[float], price: float | None) -> float | None:
    return None if price is None else sum(max(_MINIMUM_S, lived) for lived in seconds) * price / _HOUR_S


def _split(lives: Sequence[Life], attempts: Sequence[Attempt]) -> Split:
    parts = [
        _life_split(life, [attempt for attempt in attempts if attempt.instance_id == life.instance_id])
        for life in lives
        if life.role is Role.EXECUTION_POINT
    ]
    boot, busy, badput, idle, shutdown = (sum(part[i] for part in parts) for i in range(5))
    apart = sum(_lived_s(life) for life in lives if life.role is not Role.EXECUTION_POINT)
    return Split(access_point_s=apart, boot_s=boot, busy_s=busy, badput_s=badput, idle_s=idle, shutdown_s=shutdown)


def _life_split(life: Life, attempts: Sequence[Attempt]) -> tuple[float, float, float, float, float]:
    """Seconds of boot, busy, badput, idle, shutdown."""
    start, gone = life.launched_at_s, life.launched_at_s + _lived_s(life)
    # What runs once termination is asked is lost, however it ends.
    end = gone if life.ending_at_s is None else min(max(life.ending_at_s, start), gone)
    # Joining is seen when somebody looks, which may be after the first job began.
    known = [a.started_at_s for a in attempts] + ([] if life.joined_at_s is None else [life.joined_at_s])
    joined = min(max(min(known, default=end), start), end)

    def seconds(outcomes: set[Outcome]) -> float:
        ran = ((max(a.started_at_s, joined), min(a.ended_at_s, end)) for a in attempts if a.outcome in outcomes)
        return sum(b - a for a, b in united(ran))

    busy = seconds({Outcome.OK})
    any_job = seconds(set(Outcome))
    badput = max(0.0, any_job - busy)
    idle = max(0.0, end - joined - busy - badput)
    return joined - start, busy, badput, idle, gone - end


def _lived_s(life: Life) -> float:
    return max(0.0, life.ended_at_s - life.launched_at_s)


def _split_lines(given: Receipt) -> list[str]:
    split = given.split
    parts = {
        "boot": split.boot_s,
        "busy": split.busy_s,
        "badput": split.badput_s,
        "idle": split.idle_s,
        "shutdown": split.shutdown_s,
    }
    whole = sum(parts.values())
    if whole <= 0:
        return []
    shares = ", ".join(f"{name} {seconds:.0f} s ({seconds / whole:.0%})" for name, seconds in parts.items())
    bad = given.attempts[Outcome.FAILED] + given.attempts[Outcome.EVICTED]
    jobs = f"job attempts that ended well: {given.attempts[Outcome.OK]}" + (f"; that did not: {bad}" if bad else "")
    return [f"execution points: {shares}", jobs]


def _plural(role: Role, count: int) -> str:
    return role.value.replace("-", " ") + ("s" if count != 1 else "")


def _usd(amount: float | None) -> str:
    return "no price known" if amount is None else f"${amount:.4f}"
