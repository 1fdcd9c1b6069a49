"""shell (threads): what goes wrong on purpose, to test clients against.

A fault is an answer that takes the place of the right one: `{"action": "RunInstances", "code": "RequestLimitExceeded",
"status": 503, "count": 2}`. Capacity says how many instances of a type may live at once. Ailments wait for instances.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from localec2.ailments import Ailment, dealt
from localec2.errors import Ec2Error

ANY = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    action: str = ANY
    code: str = ""  # none: only a delay
    message: str = ""
    status: int = 503
    count: int = 1  # how many requests it still meets
    match: str = ""  # what the request's body must contain
    delay_s: float = 0.0
    after: bool = False  # the request is carried out and its answer lost
    is_empty: bool = False  # instead of an error: a list with nothing in it, as of what EC2 has just made

    def meets(self, action: str, body: str) -> bool:
        return self.count > 0 and self.action in (ANY, action) and self.match in body

    def error(self) -> Ec2Error:
        return Ec2Error(self.code, self.message or f"{self.code} (by request)", self.status)


def fault(described: Mapping[str, Any]) -> Fault:
    """From JSON. Raises `ValueError` for what is no fault."""
    known = {each.name for each in fields(Fault)}
    unknown = sorted(set(described) - known)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r} in a fault; known are {', '.join(sorted(known))}")
    return Fault(**described)


class Faults:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._capacity: dict[str, int] = {}
        self._ailments: list[Ailment] = []

    def set(self, faults: Iterable[Fault]) -> list[Fault]:
        """In place of those before."""
        with self._lock:
            self._faults = list(faults)
            return list(self._faults)

    def take(self, action: str, body: str) -> Fault | None:
        """The fault that this request meets, which is then used up once."""
        with self._lock:
            for at, each in enumerate(self._faults):
                if each.meets(action, body):
                    self._faults[at] = replace(each, count=each.count - 1)
                    return each
        return None

    def pending(self) -> list[Fault]:
        with self._lock:
            return [each for each in self._faults if each.count > 0]

    def set_capacity(self, capacity: Mapping[str, int]) -> None:
        """By instance type, `*` for any type."""
        with self._lock:
            self._capacity = dict(capacity)

    def capacity(self) -> dict[str, int]:
        with self._lock:
            return dict(self._capacity)

    def set_ailments(self, ailments: Iterable[Ailment]) -> list[Ailment]:
        """In place of those that still waited."""
        with self._lock:
            self._ailments = list(ailments)
            return list(self._ailments)

    def ailments(self) -> list[Ailment]:
        with self._lock:
            return list(self._ailments)

    def befall(self, instance_type: str, tags: Mapping[str, str]) -> tuple[Ailment, ...]:
        """What is wrong with an instance that is launched now."""
        with self._lock:
            mine, self._ailments = dealt(self._ailments, instance_type, tags)
            return mine

    def room(self, instance_type: str, alive: Iterable[str]) -> int | None:
        """How many more of this type may be launched, given the types that live; None: any number."""
        types = list(alive)
        capacity = self.capacity()
        rooms = [
            *([capacity[instance_type] - types.count(instance_type)] if instance_type in capacity else []),
            *([capacity[ANY] - len(types)] if ANY in capacity else []),
        ]
        return max(0, min(rooms)) if rooms else None
