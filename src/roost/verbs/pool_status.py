"""shell (EC2, the access point): a pool as it is now: its instances, slots, queue and cost so far."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from roost.boot.roles import Role
from roost.cloud import pricing
from roost.cloud.model import Found, PoolInstance
from roost.errors import RoostError
from roost.pool.ads import Job, Slot
from roost.pool.condor import Condor
from roost.spec import PoolSpec
from roost.verbs.entrance import access_point
from roost.verbs.which_pool import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolStatus:
    """`hours`: how long each instance has been up. `usd`: at the prices of `price_note`."""

    instances: tuple[PoolInstance, ...]
    slots: tuple[Slot, ...]
    jobs: tuple[Job, ...]
    hours: Mapping[str, float]
    usd: float
    price_note: str


def pool_status(spec: PoolSpec, site: Site, found: Found, *, say: Callable[[str], None]) -> PoolStatus:
    """An HTCondor that does not answer is said; slots and jobs are empty then."""
    slots: list[Slot] = []
    jobs: list[Job] = []
    if found.with_role(Role.ACCESS_POINT) or spec.access_point == "here":
        try:
            with access_point(spec, site, found) as reached:
                slots, jobs = Condor(reached).slots(), Condor(reached).jobs()
        except RoostError as error:
            say(f"HTCondor could not be asked: {error.message}")
    now = datetime.now(UTC)
    hours = {i.id: (now - i.launched_at).total_seconds() / 3600 for i in found.usable}
    rates = pricing.rates(spec.cloud, site.ec2.access, [i.instance_type for i in found.usable])
    return PoolStatus(
        instances=found.instances,
        slots=tuple(slots),
        jobs=tuple(jobs),
        hours=hours,
        usd=sum(rates.usd_per_hour.get(i.instance_type, 0.0) * hours[i.id] for i in found.usable),
        price_note=rates.note,
    )
