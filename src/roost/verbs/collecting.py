"""shell (EC2 and EFS in all regions): what Roost has left anywhere, and its removal. Used by `gc`."""

import getpass
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from roost.cloud import pricing, tagged
from roost.cloud.clients import Access, require_credentials
from roost.cloud.efs import Efs
from roost.cloud.endpoint import connect
from roost.cloud.tagged import Tagged
from roost.cloud.things import KEPT, PRICE_NOTE, Kind, Thing, in_order, left_after, usd_per_day
from roost.errors import PartialError, RoostError, StillBillableError
from roost.report.reporter import Reporter
from roost.verbs.which_pool import spec_of

_TERMINATION_TIMEOUT_S = 300.0
_POLL_S = 1.0
_PATIENCE_S = 120.0  # for what still hangs on to something
_REGIONS_AT_ONCE = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was typed."""

    cloud: str | None
    regions: tuple[str, ...]
    pool: str | None
    owner_only: bool
    expired_only: bool
    with_images: bool

    @property
    def is_choice(self) -> bool:
        return bool(self.regions or self.pool or self.owner_only or self.expired_only)

    def wants(self, thing: Thing, *, owner: str, now: datetime) -> bool:
        return (
            (self.pool is None or thing.pool == self.pool)
            and (not self.owner_only or thing.owner == owner)
            and (not self.expired_only or thing.is_expired(now))
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Collected:
    """What there is of what was wished for. `not_asked`: region -> why."""

    things: tuple[Thing, ...]
    with_images: bool
    accesses: dict[str, Access] = field(repr=False)
    usd_per_day: dict[str, float | None]
    note: str
    not_asked: dict[str, str]
    named: tuple[str, ...]  # regions that were asked for by name
    problems: tuple[RoostError, ...] = ()

    @property
    def doomed(self) -> list[Thing]:
        """In the order in which they go."""
        return in_order(one for one in self.things if self.with_images or one.kind not in KEPT)

    def require_nothing_billed(self, hint: str) -> None:
        """Raises StillBillableError, or PartialError: what is left costs nothing but could not be removed, or nobody
        knows of a region that was asked for."""
        because = "".join(f"\n  {problem.message}" for problem in self.problems)
        doomed = left_after(self.doomed)
        unknown = [
            f"{region} could not be asked: {why}" for region, why in self.not_asked.items() if region in self.named
        ]
        if billed := [str(one) for one in doomed if one.is_billed]:
            raise StillBillableError(f"this costs money: {', '.join(billed)}{because}", hint)
        if self.problems:
            raise PartialError(f"this could not be removed: {', '.join(map(str, doomed))}{because}", hint)
        if unknown:
            raise PartialError("; ".join(unknown), f"{hint}   (what is left there is not known)")


def collect(wish: Wish, reporter: Reporter) -> Collected:
    """Raises RoostError where no region at all could be asked."""
    spec = spec_of(None, wish.cloud)
    if spec.cloud == "aws":  # where this machine's own address is of no interest
        access = Access(region=spec.region)
        require_credentials(access)
    else:
        access = connect(spec.cloud, spec.region, say=reporter.note, start=False).access
    every = tagged.regions(access) if spec.cloud == "aws" else [access.region]
    accesses = {region: replace(access, region=region) for region in wish.regions or every}
    reporter.step(f"look at {len(accesses)} region{'s' if len(accesses) > 1 else ''}")
    things: list[Thing] = []
    problems: dict[str, RoostError] = {}
    with ThreadPoolExecutor(_REGIONS_AT_ONCE) as threads:
        for region, found in zip(accesses, threads.map(_asked, accesses.values()), strict=True):
            if isinstance(found, RoostError):
                problems[region] = found
            else:
                things += found
    if len(problems) == len(accesses):
        raise next(iter(problems.values()))
    not_asked = {region: _why(error) for region, error in problems.items()}
    for region, why in not_asked.items():
        reporter.note(f"{region} could not be asked: {why}")
    owner, now = getpass.getuser(), datetime.now(UTC)
    wanted = tuple(one for one in things if one.state != "terminated" and wish.wants(one, owner=owner, now=now))
    usd, note = _prices(spec.cloud, accesses, wanted)
    return Collected(
        things=wanted,
        with_images=wish.with_images,
        accesses=accesses,
        usd_per_day=usd,
        note=note,
        not_asked=not_asked,
        named=wish.regions,
    )


def remove(collected: Collected, reporter: Reporter) -> Collected:
    """What is left of it. Nothing that fails keeps the others."""
    problems: list[RoostError] = []
    rooms = {region: Tagged(access) for region, access in collected.accesses.items()}
    doomed = collected.doomed
    instances = [one for one in doomed if one.kind is Kind.INSTANCE]
    for kind in Kind:
        for thing in [one for one in doomed if one.kind is kind]:
            reporter.step(f"remove the {thing} in {thing.region}")
            try:
                if kind is Kind.FILE_SYSTEM:
                    Efs(collected.accesses[thing.region]).delete(thing.pool)
                else:
                    rooms[thing.region].remove(thing, patience_s=_PATIENCE_S)
            except RoostError as error:
                problems.append(error)
        if kind is Kind.INSTANCE and instances:
            reporter.step("wait until they are terminated")
            problems += _wait_until_terminated(instances, rooms)
    reporter.step("look again")
    known = {(one.region, one.id) for one in doomed}
    left: list[Thing] = []
    for region in {one.region for one in doomed}:
        found = _asked(collected.accesses[region])
        if isinstance(found, RoostError):
            problems.append(found)
            left += [one for one in doomed if one.region == region]
        else:
            left += [one for one in found if (one.region, one.id) in known]
    return replace(collected, things=tuple(left_after(left)), problems=tuple(problems))


def _wait_until_terminated(instances: Iterable[Thing], rooms: dict[str, Tagged]) -> list[RoostError]:
    """What could not be seen; an instance that refused to go is not waited for."""
    problems: list[RoostError] = []
    deadline = time.monotonic() + _TERMINATION_TIMEOUT_S
    for region in {one.region for one in instances}:
        ids = {one.id for one in instances if one.region == region}
        try:
            while "shutting-down" in rooms[region].states(ids).values():
                if time.monotonic() > deadline:
                    break
                time.sleep(_POLL_S)
        except RoostError as error:
            problems.append(error)
    return problems


def _why(error: RoostError) -> str:
    """EC2 says of a region that is switched off that it could not validate the credentials, which others take."""
    refuses = any(code in error.message for code in ("AuthFailure", "OptInRequired", "UnauthorizedOperation"))
    return error.message + (
        "; other regions take these credentials: it is not enabled for the account, or a policy forbids it"
        if refuses
        else ""
    )


def _asked(access: Access) -> list[Thing] | RoostError:
    try:
        return [*Tagged(access).things(), *Efs(access).things()]
    except RoostError as error:
        return error


def _prices(cloud: str, accesses: dict[str, Access], things: Iterable[Thing]) -> tuple[dict[str, float | None], str]:
    """USD a day by id, and whose word that is."""
    things = list(things)
    prices: dict[str, float | None] = {}
    notes = {PRICE_NOTE}
    for region in {one.region for one in things}:
        here = [one for one in things if one.region == region]
        types = sorted({one.type for one in here if one.kind is Kind.INSTANCE})
        rates = pricing.rates(cloud, accesses[region], types)
        notes |= {rates.note} if types else set()
        prices |= {one.id: usd_per_day(one, usd_per_hour=rates.usd_per_hour.get(one.type)) for one in here}
    free = "on this machine nothing is charged; " if cloud == "local" else ""
    return prices, free + "; ".join(sorted(notes))
