"""pure: an instance's record after something happened to it."""

from dataclasses import replace
from datetime import UTC, datetime

from localec2.lifecycle import Event, State, next_state
from localec2.model import Instance, Reason

USER_INITIATED = Reason(
    code="Client.UserInitiatedShutdown", message="Client.UserInitiatedShutdown: User initiated shutdown"
)
SPOT_TERMINATION = Reason(
    code="Server.SpotInstanceTermination", message="Server.SpotInstanceTermination: Spot instance termination"
)
HOST_FAILED = Reason(code="Server.InternalError", message="Server.InternalError: Internal error on the host")
_ENDS = (State.STOPPING, State.SHUTTING_DOWN)


def with_event(instance: Instance, event: Event, now: float, *, reason: Reason | None = None) -> Instance:
    """The record after `event`. Raises `ValueError` where the table has no such transition.

    A state that is kept keeps its time and reason. What starts has no reason; what ends by itself keeps the one it has.
    """
    state = next_state(instance.state, event)
    if state is None:
        raise ValueError(f"{instance.id} is {instance.state}: {event} does not apply")
    if state is instance.state:
        return instance
    changed = replace(instance, state=state, state_since=now)
    if state in (State.PENDING, State.RUNNING):
        changed = replace(changed, reason=Reason(), reason_text="")
    elif state in _ENDS:
        given = reason or USER_INITIATED
        stamp = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M:%S GMT")
        changed = replace(changed, reason=given, reason_text=f"{_words(given)} ({stamp})")
    if state in (State.STOPPED, State.TERMINATED):
        changed = replace(changed, public_ip=None, booted_ok=False)
    return changed


def is_interruption_due(instance: Instance, now: float) -> bool:
    """Whether a spot instance's notice has run out: it is to be terminated with `SPOT_TERMINATION`."""
    at = instance.spot_interruption_at
    return at is not None and at <= now and instance.state in (State.PENDING, State.RUNNING)


def _words(reason: Reason) -> str:
    return "User initiated" if reason == USER_INITIATED else reason.code
