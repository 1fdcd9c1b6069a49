"""pure: everything on EC2 and EFS that carries a tag of Roost's: what it costs, and in which order it goes.

A pool's own view of itself is `model.Found`; this one needs no pool, and forgets nothing that is billed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from roost.cloud import price

# Amazon EC2 and EBS pricing, us-east-1, USD, as of `price.PRICES_DATED`.
_USD_PER_GIB_MONTH = {"gp3": 0.08, "gp2": 0.10, "standard": 0.05, "st1": 0.045, "sc1": 0.015, "io1": 0.125}
_USD_PER_GIB_MONTH_OF_SNAPSHOT = 0.05
_USD_PER_GIB_MONTH_OF_FILE_SYSTEM = 0.30  # Amazon EFS pricing, standard storage; traffic is charged besides
_USD_PER_HOUR_OF_ADDRESS = 0.005
_DAYS_OF_A_MONTH = 30
_HOURS_OF_A_DAY = 24


class Kind(StrEnum):
    """In the order in which they go: what would launch again, what costs most, what others hang on to, the rest."""

    SPOT_REQUEST = "spot request"
    INSTANCE = "instance"
    VOLUME = "volume"
    FILE_SYSTEM = "file system"  # of EFS
    INTERFACE = "network interface"
    ADDRESS = "address"
    TEMPLATE = "launch template"
    GROUP = "security group"
    KEY = "key pair"
    IMAGE = "image"
    SNAPSHOT = "snapshot"


KEPT = (Kind.IMAGE, Kind.SNAPSHOT)  # made to stay; `down` leaves them, `gc` asks for them by name
# Those that `model.Found` does not know: seldom, and looked for when a pool ends.
SELDOM = (Kind.SPOT_REQUEST, Kind.INTERFACE, Kind.ADDRESS, Kind.TEMPLATE)
OF_EC2 = tuple(kind for kind in Kind if kind is not Kind.FILE_SYSTEM)
_FREE = (Kind.SPOT_REQUEST, Kind.INTERFACE, Kind.TEMPLATE, Kind.GROUP, Kind.KEY, Kind.IMAGE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    kind: Kind
    id: str  # what its deletion asks for; a key pair's is its name
    region: str
    pool: str = ""
    owner: str = ""
    created_at: datetime | None = None  # aware; None: EC2 does not say
    expires_at: datetime | None = None
    detail: str = ""  # an instance's type, a volume's and a snapshot's size
    state: str = ""
    type: str = ""  # of an instance or a volume
    size_gib: int = 0
    goes_with: str = ""  # the instance that takes it along when it is terminated

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def is_billed(self) -> bool:
        return self.kind not in _FREE and self.state not in ("shutting-down", "terminated")

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def usd_per_day(thing: Thing, *, usd_per_hour: float | None = None) -> float | None:
    """List price; None where none is known. `usd_per_hour`: of an instance's type. A stopped one costs its volumes."""
    if not thing.is_billed:
        return 0.0
    match thing.kind:
        case Kind.INSTANCE:
            if thing.state == "stopped":
                return 0.0
            return None if usd_per_hour is None else usd_per_hour * _HOURS_OF_A_DAY
        case Kind.VOLUME:
            rate = _USD_PER_GIB_MONTH.get(thing.type)
            return None if rate is None else rate * thing.size_gib / _DAYS_OF_A_MONTH
        case Kind.SNAPSHOT:
            return _USD_PER_GIB_MONTH_OF_SNAPSHOT * thing.size_gib / _DAYS_OF_A_MONTH
        case Kind.FILE_SYSTEM:
            return _USD_PER_GIB_MONTH_OF_FILE_SYSTEM * thing.size_gib / _DAYS_OF_A_MONTH
        case Kind.ADDRESS:
            return _USD_PER_HOUR_OF_ADDRESS * _HOURS_OF_A_DAY
        case _:
            return 0.0


def in_order(things: Iterable[Thing]) -> list[Thing]:
    """How they have to go. What an instance takes along goes with it; what is terminated has gone."""
    order = list(Kind)
    doomed = [one for one in things if one.state != "terminated"]
    ids = {one.id for one in doomed if one.kind is Kind.INSTANCE}
    return sorted((one for one in doomed if one.goes_with not in ids), key=lambda one: (order.index(one.kind), one.id))


def left_after(things: Iterable[Thing]) -> list[Thing]:
    """What is still there, of what was to go: an instance that is shutting down has gone."""
    return [one for one in things if one.state not in ("terminated", "shutting-down")]


PRICE_NOTE = (
    f"list prices, us-east-1, as of {price.PRICES_DATED}; a snapshot at its volume's full size, which is an upper limit"
)
