"""Receipts by hand, and for any pool: the parts are the whole."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.boot.roles import Role
from roost.report.receipt import Attempt, Life, Outcome, Receipt, Split, receipt, text, to_json, united

PRICES = {"t3.medium": 0.0416, "c7i.large": 0.08925}


def _life(
    name: str = "i-1",
    *,
    role: Role = Role.EXECUTION_POINT,
    launched: float = 0,
    joined: float | None = 10,
    ended: float = 100,
    instance_type: str = "t3.medium",
    ending: float | None = None,
) -> Life:
    return Life(
        instance_id=name,
        instance_type=instance_type,
        role=role,
        launched_at_s=launched,
        joined_at_s=joined,
        ended_at_s=ended,
        ending_at_s=ending,
    )


def _ran(started: float, ended: float, outcome: Outcome = Outcome.OK, on: str = "i-1") -> Attempt:
    return Attempt(instance_id=on, started_at_s=started, ended_at_s=ended, outcome=outcome)


@pytest.mark.parametrize(
    ("life", "attempts", "expected"),
    [
        (_life(), [], (10, 0, 0, 90, 0)),
        (_life(joined=None), [], (100, 0, 0, 0, 0)),
        (_life(), [_ran(20, 50)], (10, 30, 0, 60, 0)),
        (_life(), [_ran(20, 50), _ran(40, 60)], (10, 40, 0, 50, 0)),  # two at once on one instance
        (_life(), [_ran(20, 50, Outcome.FAILED)], (10, 0, 30, 60, 0)),
        (_life(), [_ran(20, 50), _ran(40, 60, Outcome.EVICTED)], (10, 30, 10, 50, 0)),  # beside a good one: busy
        (_life(joined=30), [_ran(20, 50)], (20, 30, 0, 50, 0)),  # seen joining after the first job began
        (_life(), [_ran(90, 150)], (10, 10, 0, 80, 0)),  # still running when the instance went
        (_life(), [_ran(20, 50, on="i-2")], (10, 0, 0, 90, 0)),
        (_life(ending=80), [_ran(20, 50)], (10, 30, 0, 40, 20)),
        (_life(ending=80), [_ran(70, 95, Outcome.EVICTED)], (10, 0, 10, 60, 20)),  # it was running when the pool ended
        (_life(ending=80), [_ran(85, 95)], (10, 0, 0, 70, 20)),
        (_life(ending=80, joined=None), [], (80, 0, 0, 0, 20)),
        (_life(ending=5), [], (5, 0, 0, 0, 95)),  # before it joined
        (_life(ending=150), [], (10, 0, 0, 90, 0)),  # clocks differ
        (_life(ended=-5), [], (0, 0, 0, 0, 0)),  # clocks differ
    ],
)
def test_split(life: Life, attempts: list[Attempt], expected: tuple[float, ...]) -> None:
    boot, busy, badput, idle, shutdown = expected
    assert receipt([life], attempts, usd_per_hour=PRICES).split == Split(
        access_point_s=0, boot_s=boot, busy_s=busy, badput_s=badput, idle_s=idle, shutdown_s=shutdown
    )


@pytest.mark.parametrize(
    ("lived_s", "expected_usd"),
    [(3600, 0.0416), (7200, 0.0832), (60, 0.0416 / 60), (1, 0.0416 / 60), (90, 0.0416 / 40)],
)
def test_cost_by_the_second_at_least_a_minute(lived_s: float, expected_usd: float) -> None:
    assert receipt([_life(ended=lived_s)], [], usd_per_hour=PRICES).usd == pytest.approx(expected_usd)


def test_the_minimum_counts_for_each_instance() -> None:
    lives = [_life("i-1", ended=10), _life("i-2", ended=10)]
    assert receipt(lives, [], usd_per_hour=PRICES).usd == pytest.approx(2 * 0.0416 / 60)


def test_no_price_is_not_no_cost() -> None:
    unknown = receipt([_life(), _life("i-2", instance_type="x9.huge")], [], usd_per_hour=PRICES)
    assert unknown.usd is None
    assert "no price known" in text(unknown)


POOL: Receipt = receipt(
    [
        _life("i-0", role=Role.ACCESS_POINT, ended=120),
        _life("i-1"),
        _life("i-2", instance_type="c7i.large", ended=60),
    ],
    [_ran(20, 50), _ran(20, 30, Outcome.FAILED, on="i-2")],
    usd_per_hour=PRICES,
    price_note="on-demand, us-east-1, 2026-11-01",
)


def test_text() -> None:
    assert text(POOL) == (
        "instances        type       count  seconds     cost\n"
        "access point     t3.medium      1      120  $0.0014\n"
        "execution point  c7i.large      1       60  $0.0015\n"
        "execution point  t3.medium      1      100  $0.0012\n"
        "total                           3      280  $0.0040\n"
        "on-demand, us-east-1, 2026-11-01\n"
        "execution points: boot 20 s (12%), busy 30 s (19%), badput 10 s (6%), idle 100 s (62%), shutdown 0 s (0%)\n"
        "job attempts that ended well: 1; that did not: 1\n"
        "0 billable resources\n"
    )


def test_a_long_note_is_wrapped() -> None:
    noted = text(receipt([_life()], [], usd_per_hour=PRICES, price_note="word " * 60))
    assert max(len(line) for line in noted.splitlines() if "word" in line) <= 78
    assert noted.count("word") == 60


def test_json() -> None:
    told = json.loads(to_json(POOL))
    assert told["schema"] == "roost/receipt/1"
    assert told["split"] == {
        "access_point_s": 120,
        "boot_s": 20,
        "busy_s": 30,
        "badput_s": 10,
        "idle_s": 100,
        "shutdown_s": 0,
    }
    assert told["attempts"] == {"ok": 1, "failed": 1, "evicted": 0}
    assert [item["role"] for item in told["items"]] == ["access-point", "execution-point", "execution-point"]
    assert told["instances"][1] == {
        "instance_id": "i-1",
        "instance_type": "t3.medium",
        "role": "execution-point",
        "launched_at_s": 0,
        "joined_at_s": 10,
        "ended_at_s": 100,
        "usd": pytest.approx(100 * 0.0416 / 3600),
    }
    assert sum(one["usd"] for one in told["instances"]) == pytest.approx(told["usd"])


def test_attempts_on_other_instances_are_not_ours() -> None:
    made = receipt([_life()], [_ran(20, 50), _ran(20, 50, Outcome.FAILED, on="i-2")], usd_per_hour=PRICES)
    assert made.attempts == {Outcome.OK: 1, Outcome.FAILED: 0, Outcome.EVICTED: 0}


MOMENT = st.floats(0, 1e5)
LIVES = st.lists(
    st.builds(
        Life,
        instance_id=st.sampled_from(["i-1", "i-2", "i-3"]),
        instance_type=st.sampled_from(list(PRICES)),
        role=st.sampled_from(Role),
        launched_at_s=MOMENT,
        ended_at_s=MOMENT,
        joined_at_s=st.none() | MOMENT,
        ending_at_s=st.none() | MOMENT,
    ),
    unique_by=lambda life: life.instance_id,
)
ATTEMPTS = st.lists(
    st.builds(
        Attempt,
        instance_id=st.sampled_from(["i-1", "i-2", "i-3", "i-4"]),
        started_at_s=MOMENT,
        ended_at_s=MOMENT,
        outcome=st.sampled_from(Outcome),
    )
)


@given(LIVES, ATTEMPTS)
def test_the_parts_are_the_whole(lives: list[Life], attempts: list[Attempt]) -> None:
    made = receipt(lives, attempts, usd_per_hour=PRICES)
    split = made.split
    parts = [split.access_point_s, split.boot_s, split.busy_s, split.badput_s, split.idle_s, split.shutdown_s]
    assert min(parts) >= 0
    assert sum(parts) == pytest.approx(made.instance_seconds, abs=1e-6)
    assert sum(item.count for item in made.items) == len(lives)
    assert made.usd is not None
    assert made.usd >= 0


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50))))
def test_united_covers_the_same_seconds(intervals: list[tuple[int, int]]) -> None:
    whole = {second for start, end in intervals for second in range(start, end)}
    result = united(intervals)
    assert [second for start, end in result for second in range(int(start), int(end))] == sorted(whole)
