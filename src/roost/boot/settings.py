"""pure: what the other stages tell an instance through its user data, as values and as JSON.

Travels to the instance with the node programs: standard library only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from roost.boot.roles import Role

PROGRAMS = "/usr/local/lib/roost"  # where an instance keeps what it runs


class Intervals(StrEnum):
    """Who decides how often HTCondor looks around."""

    ROOST = "roost"
    HTCONDOR_DEFAULT = "htcondor-default"  # nothing is set: the yardstick of `bench/`


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What an instance type has: a guest may see its host's figures, so it is told."""

    cpus: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class BootSettings:
    lease_s: int  # the instance powers itself off this long after its first boot, whatever happens
    idle_s: int  # ... and an execution point after this long without a job; 0: never for that reason
    workers: int  # execution points expected: picks the row of the interval table
    condor_config: str = ""  # verbatim, last on execution points
    intervals: Intervals = Intervals.ROOST


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """What an execution point needs to enter a pool."""

    central_manager: str  # private address
    token: str  # short-lived; may advertise an execution point, nothing else


@dataclass(frozen=True, kw_only=True, slots=True)
class Instructions:
    """Everything one launch tells its instances."""

    pool: str
    role: Role
    types: Mapping[str, Shape]
    settings: BootSettings
    joining: Joining | None


def instructions_json(instructions: Instructions) -> str:
    return json.dumps(asdict(instructions), sort_keys=True)


def instructions_from_json(text: str) -> Instructions:
    """The inverse of `instructions_json`; KeyError, TypeError or ValueError when it is not one."""
    told = json.loads(text)
    settings = told["settings"] | {"intervals": Intervals(told["settings"]["intervals"])}
    return Instructions(
        pool=told["pool"],
        role=Role(told["role"]),
        types={name: Shape(**shape) for name, shape in told["types"].items()},
        settings=BootSettings(**settings),
        joining=Joining(**told["joining"]) if told["joining"] else None,
    )
