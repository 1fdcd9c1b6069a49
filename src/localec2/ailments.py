"""pure: what is wrong with an instance on purpose, from its launch on.

An ailment waits for the next instances that it fits and becomes part of their records; the engine makes it true.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any


class Ill(StrEnum):
    NO_BOOT = "no-boot"  # the kernel panics: nothing answers, and the console says why
    MASKED_UNIT = "masked-unit"  # a service that systemd will not start; `value`: its name
    CLOCK = "clock"  # of a service and of who logs in; `value`: name=seconds ahead, or behind with a minus
    SMALL_DISK = "small-disk"  # a directory with a disk of its own; `value`: /path=MiB


# What EC2's own console shows of an image whose kernel does not find its disk.
PANIC = "Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ailment:
    kind: Ill
    value: str = ""
    count: int = 1  # how many instances it still befalls
    match: str = ""  # an instance type, or a tag as key=value; none: any instance

    def befalls(self, instance_type: str, tags: Mapping[str, str]) -> bool:
        wanted = {"", instance_type, *(f"{key}={value}" for key, value in tags.items())}
        return self.count > 0 and self.match in wanted


def ailment(described: Mapping[str, Any]) -> Ailment:
    """From JSON. Raises `ValueError` for what is none.

    >>> ailment({"kind": "small-disk", "value": "/scratch=64"}).count
    1
    """
    known = {each.name for each in fields(Ailment)}
    unknown = sorted(set(described) - known)
    if unknown:
        raise ValueError(f"unknown key {unknown[0]!r} in an ailment; known are {', '.join(sorted(known))}")
    if described.get("kind") not in list(Ill):
        raise ValueError(f"an ailment's kind is one of {', '.join(Ill)}")
    made = Ailment(**{**described, "kind": Ill(described["kind"])})
    match made.kind:
        case Ill.CLOCK:
            clock(made.value)
        case Ill.SMALL_DISK:
            disk(made.value)
        case Ill.MASKED_UNIT if not made.value:
            raise ValueError("a masked unit has a name, such as ssh.service")
    return made


def disk(value: str) -> tuple[str, int]:
    """A small disk's directory and size in MiB.

    >>> disk("/scratch=64")
    ('/scratch', 64)
    """
    path, _, mib = value.partition("=")
    if not path.startswith("/") or not mib.isdigit():
        raise ValueError(f"a small disk is written /path=MiB, not {value!r}")
    return path, int(mib)


def clock(value: str) -> tuple[str, int]:
    """The service that sees another time, and by how many seconds.

    >>> clock("ssh.service=-60")
    ('ssh.service', -60)
    """
    unit, _, seconds = value.partition("=")
    if not unit or not seconds.removeprefix("-").isdigit():
        raise ValueError(f"a clock is written unit=seconds, not {value!r}")
    return unit, int(seconds)


def dealt(
    waiting: Iterable[Ailment], instance_type: str, tags: Mapping[str, str]
) -> tuple[tuple[Ailment, ...], list[Ailment]]:
    """What befalls an instance that is launched now, one thing at most, and what waits for the next one.

    >>> first, second = Ailment(kind=Ill.NO_BOOT), Ailment(kind=Ill.CLOCK, value="60", count=2)
    >>> dealt([first, second], "t3.micro", {}) == ((first,), [second])
    True
    """
    left = list(waiting)
    for at, each in enumerate(left):
        if each.befalls(instance_type, tags):
            left[at : at + 1] = [replace(each, count=each.count - 1)] if each.count > 1 else []
            return (replace(each, count=1),), left
    return (), left


def clock_files(value: str, library: str) -> dict[str, str]:
    """Files of a system on which a service and logins see another time. Monotonic time stays: it is no date.

    A kernel has one clock; what reads it can be told otherwise (libfaketime). Not all of a system stands that: systemd
    and its journal do not start.
    """
    unit, offset_s = clock(value)
    seen = {"LD_PRELOAD": library, "FAKETIME": f"{offset_s:+d}", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    quoted = " ".join(f'"{name}={text}"' for name, text in seen.items())
    return {
        f"etc/systemd/system/{unit}.d/50-clock.conf": f"[Service]\nEnvironment={quoted}\n",
        "etc/environment": "".join(f"{name}={text}\n" for name, text in seen.items()),
    }
