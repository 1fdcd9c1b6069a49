"""What an event makes of a record."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localec2_records import instance

from localec2.instances import SPOT_TERMINATION, USER_INITIATED, is_interruption_due, with_event
from localec2.lifecycle import TRANSITIONS, Event, State, next_state
from localec2.model import Reason

NOW = 1_800_000_000.0
GUEST = Reason(code="Client.InstanceInitiatedShutdown", message="Client.InstanceInitiatedShutdown: by itself")


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_events_follow_the_table(state: State, event: Event) -> None:
    before = replace(instance(), state=state)
    if (state, event) not in TRANSITIONS:
        with pytest.raises(ValueError, match=f"{event} does not apply"):
            with_event(before, event, NOW)
        return
    assert with_event(before, event, NOW).state is TRANSITIONS[state, event]


@pytest.mark.parametrize(
    ("event", "reason", "expected", "words"),
    [
        (Event.STOP, None, USER_INITIATED, "User initiated (2027-01-15 08:00:00 GMT)"),
        (Event.TERMINATE, SPOT_TERMINATION, SPOT_TERMINATION, f"{SPOT_TERMINATION.code} (2027-01-15 08:00:00 GMT)"),
        (Event.POWEROFF_TO_STOP, GUEST, GUEST, f"{GUEST.code} (2027-01-15 08:00:00 GMT)"),
    ],
)
def test_the_reason_stays_to_the_end(event: Event, reason: Reason | None, expected: Reason, words: str) -> None:
    ending = with_event(replace(instance(), state=State.RUNNING), event, NOW, reason=reason)
    ended = with_event(ending, Event.HALTED, NOW + 5)
    assert [(each.reason, each.reason_text) for each in (ending, ended)] == [(expected, words)] * 2
    assert (ended.state_since, ended.public_ip, ended.booted_ok) == (NOW + 5, None, False)


def test_asking_again_keeps_the_first_time_and_reason() -> None:
    first = with_event(replace(instance(), state=State.RUNNING), Event.TERMINATE, NOW, reason=SPOT_TERMINATION)
    assert with_event(first, Event.TERMINATE, NOW + 60, reason=USER_INITIATED) == first


def test_a_start_has_no_reason() -> None:
    stopped = replace(instance(), state=State.STOPPED, reason=USER_INITIATED, reason_text="User initiated")
    started = with_event(stopped, Event.START, NOW)
    assert (started.state, started.reason, started.reason_text) == (State.PENDING, Reason(), "")


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_what_is_terminated_stays_so(events: list[Event]) -> None:
    record = replace(instance(), state=State.TERMINATED)
    for event in events:
        if next_state(record.state, event) is not None:
            record = with_event(record, event, NOW)
    assert record.state is State.TERMINATED


@pytest.mark.parametrize(
    ("at", "state", "due"),
    [
        (None, State.RUNNING, False),
        (NOW, State.RUNNING, True),
        (NOW + 1, State.RUNNING, False),
        (NOW, State.PENDING, True),
        (NOW, State.SHUTTING_DOWN, False),
        (NOW, State.TERMINATED, False),
    ],
)
def test_when_an_interruption_is_due(at: float | None, state: State, due: bool) -> None:
    assert is_interruption_due(replace(instance(), state=state, spot_interruption_at=at), NOW) is due
