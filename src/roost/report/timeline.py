"""pure: how long each instance took to be of use, from what EC2, its console and the pool tell.

In: moments as epoch seconds, the text of a console, the lines of an instance's boot log. Out: rows and text lines.
"""

import dataclasses
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Milestone(StrEnum):
    """In the order in which an instance reaches them."""

    REQUESTED = "requested"  # RunInstances was called
    RUNNING = "running"  # EC2 says so
    BOOTED = "booted"  # its boot program started
    CONDOR_STARTED = "HTCondor started"
    JOINED = "joined"  # the collector lists it
    FIRST_JOB = "first job"  # started executing


# What `roost.boot.node.timeline` notes -> what it means here.
_NOTED = {
    "first boot": Milestone.BOOTED,
    "booted again": Milestone.BOOTED,
    "condor started": Milestone.CONDOR_STARTED,
    "joined": Milestone.JOINED,
}
BOOT_FAILED = "failed reason="  # how it notes that it gave up
_CONSOLE_LINE = re.compile(r"\broost: (?P<seconds>\d+(?:\.\d+)?)s (?P<event>[^\r\n]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Moments:
    """What is known of one instance: epoch seconds of the milestones that it has reached."""

    instance_id: str
    role: str
    at_s: Mapping[Milestone, float] = dataclasses.field(default_factory=dict)

    def at(self, milestone: Milestone, at_s: float | None) -> "Moments":
        """The same with one more, unless it is known already: the first time counts."""
        if at_s is None or milestone in self.at_s:
            return self
        return dataclasses.replace(self, at_s={**self.at_s, milestone: at_s})


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """Seconds from the request to each milestone; None for what has not happened or is not known."""

    instance_id: str
    role: str
    seconds: tuple[float | None, ...]  # one per Milestone

    @property
    def latest(self) -> Milestone:
        reached = [milestone for milestone, s in zip(Milestone, self.seconds, strict=True) if s is not None]
        return reached[-1] if reached else Milestone.REQUESTED


@dataclass(frozen=True, kw_only=True, slots=True)
class Noted:
    """One line that an instance wrote about itself."""

    seconds: float  # on a console: since its system started; in a boot log: epoch seconds
    event: str


def rows(instances: Iterable[Moments]) -> tuple[Row, ...]:
    return tuple(
        Row(instance_id=known.instance_id, role=known.role, seconds=tuple(_since_request(known, m) for m in Milestone))
        for known in instances
    )


def line(row: Row) -> str:
    """
    >>> line(Row(instance_id="i-1", role="access-point", seconds=(0.0, 0.4, 1.26, None, None, None)))
    'i-1 access-point: requested, running 0.4 s, booted 1.3 s'
    """
    reached = [
        milestone.value + (f" {seconds:.1f} s" if milestone is not Milestone.REQUESTED else "")
        for milestone, seconds in zip(Milestone, row.seconds, strict=True)
        if seconds is not None
    ]
    return f"{row.instance_id} {row.role}: {', '.join(reached) or 'nothing is known'}"


def noted_on_console(text: str) -> list[Noted]:
    """Our lines among all that a console holds.

    >>> noted_on_console("[  OK  ] Started x\\r\\nroost: 3.2s condor started\\r\\n")
    [Noted(seconds=3.2, event='condor started')]
    """
    return [
        Noted(seconds=float(found["seconds"]), event=found["event"].strip()) for found in _CONSOLE_LINE.finditer(text)
    ]


def noted_in_boot_log(text: str) -> list[Noted]:
    """The lines of /var/log/roost/boot.jsonl; one that is being written, or was torn by a crash, is left out.

    >>> noted_in_boot_log('{"at": 1795205152.5, "seconds": 3.2, "event": "joined"}\\n{"at": 17')
    [Noted(seconds=1795205152.5, event='joined')]
    """
    whole = text[: text.rfind("\n") + 1].splitlines()
    return [noted for noted in map(_noted, whole) if noted is not None]


def _noted(one_line: str) -> Noted | None:
    try:
        match json.loads(one_line):
            case {"at": int() | float() as at, "event": str() as event}:
                return Noted(seconds=float(at), event=event)
    except json.JSONDecodeError:
        pass
    return None


def with_noted(known: Moments, noted: Sequence[Noted], *, system_started_at_s: float = 0.0) -> Moments:
    """Add what the instance wrote. A console counts from the start of its system: say when that was."""
    for entry in noted:
        milestone = next((m for words, m in _NOTED.items() if re.match(rf"{words}\b", entry.event)), None)
        if milestone is not None:
            known = known.at(milestone, system_started_at_s + entry.seconds)
    return known


def _since_request(known: Moments, milestone: Milestone) -> float | None:
    """Never negative: EC2 tells whole seconds, so that what follows may seem to come first."""
    at_s, requested_at_s = known.at_s.get(milestone), known.at_s.get(Milestone.REQUESTED)
    if at_s is None or requested_at_s is None:
        return None
    return max(0.0, at_s - requested_at_s)
