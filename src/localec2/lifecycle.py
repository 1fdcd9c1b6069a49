"""pure: an instance's life cycle, as one table.

In: a state and an event. Out: the next state, or `None` where the event does not apply.
The table is EC2's diagram "Instance lifecycle" (EC2 User Guide, "Amazon EC2 instance state changes").
"""

from enum import StrEnum


class State(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def code(self) -> int:
        """The number that goes with the name (API reference, `InstanceState`)."""
        return _CODES[self]


_CODES = {
    State.PENDING: 0,
    State.RUNNING: 16,
    State.SHUTTING_DOWN: 32,
    State.TERMINATED: 48,
    State.STOPPING: 64,
    State.STOPPED: 80,
}


class Event(StrEnum):
    # asked for through the API
    START = "start"
    STOP = "stop"
    REBOOT = "reboot"
    TERMINATE = "terminate"
    # done by the engine
    BOOTED = "booted"
    HALTED = "halted"
    FAILED = "failed"
    # done by the instance itself (InstanceInitiatedShutdownBehavior says which)
    POWEROFF_TO_STOP = "poweroff-to-stop"
    POWEROFF_TO_TERMINATE = "poweroff-to-terminate"


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.PENDING, Event.BOOTED): State.RUNNING,
    (State.PENDING, Event.FAILED): State.SHUTTING_DOWN,
    (State.PENDING, Event.TERMINATE): State.SHUTTING_DOWN,
    (State.RUNNING, Event.REBOOT): State.RUNNING,
    (State.RUNNING, Event.STOP): State.STOPPING,
    (State.RUNNING, Event.TERMINATE): State.SHUTTING_DOWN,
    (State.RUNNING, Event.POWEROFF_TO_STOP): State.STOPPING,
    (State.RUNNING, Event.POWEROFF_TO_TERMINATE): State.SHUTTING_DOWN,
    (State.STOPPING, Event.STOP): State.STOPPING,
    (State.STOPPING, Event.HALTED): State.STOPPED,
    (State.STOPPING, Event.TERMINATE): State.SHUTTING_DOWN,
    (State.STOPPED, Event.START): State.PENDING,
    (State.STOPPED, Event.STOP): State.STOPPED,
    (State.STOPPED, Event.TERMINATE): State.SHUTTING_DOWN,
    (State.SHUTTING_DOWN, Event.TERMINATE): State.SHUTTING_DOWN,
    (State.SHUTTING_DOWN, Event.HALTED): State.TERMINATED,
    (State.TERMINATED, Event.TERMINATE): State.TERMINATED,
    # Starting what already starts or runs changes nothing and is no error.
    (State.PENDING, Event.START): State.PENDING,
    (State.RUNNING, Event.START): State.RUNNING,
}


def next_state(state: State, event: Event) -> State | None:
    """The state after `event`, or None where EC2 answers IncorrectInstanceState.

    >>> next_state(State.RUNNING, Event.STOP)
    <State.STOPPING: 'stopping'>
    >>> next_state(State.TERMINATED, Event.START) is None
    True
    """
    return TRANSITIONS.get((state, event))
