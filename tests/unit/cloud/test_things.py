"""What is left on EC2: what it costs, and how it goes."""

from datetime import UTC, datetime, timedelta

import pytest

from roost.cloud.things import KEPT, SELDOM, Kind, Thing, in_order, left_after, usd_per_day

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def thing(
    kind: Kind, *, id: str = "", state: str = "", type: str = "", size_gib: int = 0, goes_with: str = ""
) -> Thing:
    return Thing(
        kind=kind,
        id=id or f"{kind.name.lower()}-1",
        region="us-east-1",
        state=state,
        type=type,
        size_gib=size_gib,
        goes_with=goes_with,
    )


@pytest.mark.parametrize(
    ("of", "usd_per_hour", "expected"),
    [
        (thing(Kind.INSTANCE, state="running"), 0.1, 2.4),
        (thing(Kind.INSTANCE, state="running"), None, None),
        (thing(Kind.INSTANCE, state="stopped"), 0.1, 0.0),
        (thing(Kind.INSTANCE, state="shutting-down"), 0.1, 0.0),
        (thing(Kind.INSTANCE, state="terminated"), 0.1, 0.0),
        (thing(Kind.VOLUME, type="gp3", size_gib=30), None, 0.08),
        (thing(Kind.VOLUME, type="something-new", size_gib=30), None, None),
        (thing(Kind.SNAPSHOT, size_gib=30), None, 0.05),
        (thing(Kind.ADDRESS), None, 0.12),
        *((thing(kind), None, 0.0) for kind in (Kind.GROUP, Kind.KEY, Kind.INTERFACE, Kind.TEMPLATE, Kind.IMAGE)),
    ],
)
def test_price_of_a_day(of: Thing, usd_per_hour: float | None, expected: float | None) -> None:
    assert usd_per_day(of, usd_per_hour=usd_per_hour) == (None if expected is None else pytest.approx(expected))


def test_what_holds_others_back_goes_first() -> None:
    every = [thing(kind) for kind in reversed(Kind)]
    order = [one.kind for one in in_order(every)]
    assert order == list(Kind)
    for first, then in (
        (Kind.SPOT_REQUEST, Kind.INSTANCE),
        (Kind.INSTANCE, Kind.GROUP),
        (Kind.INTERFACE, Kind.GROUP),
        (Kind.IMAGE, Kind.SNAPSHOT),
    ):
        assert order.index(first) < order.index(then)


def test_an_instance_takes_its_own_along() -> None:
    instance = thing(Kind.INSTANCE, id="i-1")
    taken = thing(Kind.VOLUME, id="vol-1", goes_with="i-1")
    kept = thing(Kind.VOLUME, id="vol-2")
    orphan = thing(Kind.VOLUME, id="vol-3", goes_with="i-2")
    assert in_order([orphan, taken, kept, instance]) == [instance, kept, orphan]


def test_what_is_terminated_is_gone_and_what_shuts_down_goes() -> None:
    gone, going = (
        thing(Kind.INSTANCE, id="i-1", state="terminated"),
        thing(Kind.INSTANCE, id="i-2", state="shutting-down"),
    )
    assert in_order([gone, going]) == [going]
    assert left_after([gone, going]) == []


@pytest.mark.parametrize(("ends", "expected"), [(None, False), (timedelta(0), True), (timedelta(seconds=1), False)])
def test_expiry(ends: timedelta | None, expected: bool) -> None:
    expires_at = None if ends is None else NOW + ends
    one = Thing(kind=Kind.KEY, id="k", region="us-east-1", expires_at=expires_at)
    assert one.is_expired(NOW) is expected


def test_what_is_kept_is_not_swept() -> None:
    assert not set(KEPT) & set(SELDOM)
