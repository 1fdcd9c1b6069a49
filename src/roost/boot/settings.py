"""pure: what the other stages tell an instance through its user data, as values and as JSON.

Travels to the instance with the node programs: standard library only.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum

from roost.boot.roles import Role

PROGRAMS = "/usr/local/lib/roost"  # where an instance keeps what it runs
JOINING_FLAG = "/run/roost-joining"  # touched whenever the central manager mints a joining token
LEFT_FLAG = "/run/roost-left"  # made when HTCondor has ended by itself

_LOST_S = 15 * 60


class Intervals(StrEnum):
    """Who decides how often HTCondor looks around."""

    ROOST = "roost"
    HTCONDOR_DEFAULT = "htcondor-default"  # nothing is set: the yardstick of `bench/`


class NetworkMode(StrEnum):
    """How execution points are reached (see `network`)."""

    AUTO = "auto"  # each execution point finds out at boot
    OUTBOUND = "outbound"
    DIRECT = "direct"


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    mode: NetworkMode = NetworkMode.AUTO
    ports: tuple[int, int] | None = None  # first and last, for direct mode; None: the one shared port


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What an instance type has: a guest may see its host's figures, so it is told."""

    cpus: int
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sharing:
    """A file system that all instances see at the same place."""

    kind: str  # as in pool.yml
    at: str
    copies: int = 1  # of each file, where the execution points keep them themselves
    server: str = ""  # the address of a server that is no instance of the pool; of s3: the bucket's region


@dataclass(frozen=True, kw_only=True, slots=True)
class BootSettings:
    lease_s: int  # the instance powers itself off this long after its first boot, whatever happens
    idle_s: int  # ... an execution point after so long without a job, an access point without any use; 0: never so
    workers: int  # execution points expected: picks the row of the interval table
    lost_s: int = _LOST_S  # ... and an execution point after so long out of the collector's list; 0: never so
    condor_config: str = ""  # verbatim, last on execution points
    owners: tuple[str, ...] = ()  # whose jobs an execution point takes; (): anybody's
    intervals: Intervals = Intervals.ROOST
    network: Network = Network()
    sharing: Sharing | None = None


def lost_s(lease_s: int) -> int:
    """How long an execution point waits for a lost central manager: a quarter of a short lease.

    >>> lost_s(3 * 3600), lost_s(20 * 60), lost_s(60)
    (900, 300, 60)
    """
    return min(_LOST_S, max(60, lease_s // 4))


@dataclass(frozen=True, kw_only=True, slots=True)
class Joining:
    """What an execution point needs to enter a pool."""

    central_manager: str  # its address as the instances see it
    token: str  # short-lived; may advertise an execution point, nothing else
    trust_domain: str = ""  # of a pool that was there before; "": the one that goes with the pool's name
    port: int = 9618
    schedd: str = ""  # address of the machine that jobs are submitted on; empty: it is the central manager
    schedd_port: int = 9618
    host_name: str = ""  # the central manager's own, where it is no instance


@dataclass(frozen=True, kw_only=True, slots=True)
class Instructions:
    """Everything one launch tells its instances."""

    pool: str
    role: Role
    types: Mapping[str, Shape]
    settings: BootSettings
    joining: Joining | None


def trust_domain(instructions: Instructions) -> str:
    """In which tokens are good: that of the pool that is joined, else one of the pool's own name."""
    given = instructions.joining.trust_domain if instructions.joining else ""
    return given or domain_of(instructions.pool)


def domain_of(pool: str) -> str:
    """The trust domain of a pool that Roost makes as a whole.

    >>> domain_of("galaxy")
    'galaxy.roost'
    """
    return f"{pool}.roost"


def instructions_json(instructions: Instructions) -> str:
    return json.dumps(asdict(instructions), sort_keys=True)


def instructions_from_json(text: str) -> Instructions:
    """The inverse of `instructions_json`; KeyError, TypeError or ValueError when it is not one."""
    told = json.loads(text)
    settings = told["settings"]
    ports, sharing = settings["network"]["ports"], settings["sharing"]
    settings |= {
        "intervals": Intervals(settings["intervals"]),
        "owners": tuple(settings["owners"]),
        "network": Network(mode=NetworkMode(settings["network"]["mode"]), ports=tuple(ports) if ports else None),
        "sharing": Sharing(**sharing) if sharing else None,
    }
    return Instructions(
        pool=told["pool"],
        role=Role(told["role"]),
        types={name: Shape(**shape) for name, shape in told["types"].items()},
        settings=BootSettings(**settings),
        joining=Joining(**told["joining"]) if told["joining"] else None,
    )
