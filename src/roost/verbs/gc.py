"""`roost gc`."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from roost.verbs.which_pool import cloud_option, json_option

if TYPE_CHECKING:
    from roost.cloud.things import Thing


@click.command("gc")
@cloud_option
@click.option("--region", "regions", multiple=True, help="A region to look at; again for more (default: all).")
@click.option("--pool", help="Only what is of this pool.")
@click.option("--mine", is_flag=True, help="Only what you launched, by your user name on the tags.")
@click.option("--expired", is_flag=True, help="Only what should be gone, by the lease on the tags.")
@click.option("--images", is_flag=True, help="Baked images and their snapshots too, which are kept otherwise.")
@click.option("--yes", is_flag=True, help="Remove without asking.")
@json_option
def command(
    cloud: str | None,
    regions: tuple[str, ...],
    pool: str | None,
    mine: bool,
    expired: bool,
    images: bool,
    yes: bool,
    as_json: bool,
) -> None:
    """List everything that Roost has left on EC2, with its price, and remove it.

    Finds what carries one of Roost's tags, in all regions of the account, whatever local files say, and touches nothing
    else. Asks before it removes; where nobody can be asked it only lists, unless --yes says so. Exit code 0: nothing
    that costs money is left, but for images and their snapshots; 8: something is; 4: a region that was named could not
    be asked.
    """
    from roost.report.reporter import reporter_for
    from roost.verbs.collecting import Wish, collect, remove

    wish = Wish(cloud=cloud, regions=regions, pool=pool, owner_only=mine, expired_only=expired, with_images=images)
    with reporter_for(sys.stderr) as reporter:
        collected = collect(wish, reporter)
    prices = collected.usd_per_day
    if as_json:
        click.echo(json.dumps(_json(collected.things, prices, collected.not_asked, collected.note), indent=2))
    elif collected.things:
        _table(collected.things, prices)
        known = sum(usd for usd in prices.values() if usd)
        click.echo(f"\n${known:.2f} a day ({collected.note})")
    else:
        click.echo("EC2 has nothing of Roost's" + (" that was asked for" if wish.is_choice else ""))
    doomed = collected.doomed
    if not doomed:
        collected.require_nothing_billed("roost gc")
        return
    if not yes:
        if not sys.stdin.isatty():
            collected.require_nothing_billed("roost gc --yes   (removes what is listed)")
            return
        click.confirm(f"Remove {len(doomed)} of these?", abort=True, err=True)
    with reporter_for(sys.stderr) as reporter:
        left = remove(collected, reporter)
    left.require_nothing_billed("roost gc")
    click.echo(f"removed: {len(doomed) - len(left.doomed)}; left: {len(left.doomed)}", err=True)


def _json(
    things: "Sequence[Thing]", prices: dict[str, float | None], not_asked: dict[str, str], note: str
) -> dict[str, object]:
    now = datetime.now(UTC)
    shown = [
        {
            **{name: value for name, value in asdict(one).items() if name not in ("created_at", "expires_at")},
            "created_at": one.created_at.isoformat() if one.created_at else None,
            "expires_at": one.expires_at.isoformat() if one.expires_at else None,
            "is_expired": one.is_expired(now),
            "usd_per_day": prices[one.id],
        }
        for one in things
    ]
    return {"schema": "roost/gc/1", "things": shown, "regions_not_asked": not_asked, "price_note": note}


def _table(things: "Sequence[Thing]", prices: dict[str, float | None]) -> None:
    from roost.report.age import age
    from roost.report.columns import columns

    now = datetime.now(UTC)
    rows = [("what", "id", "of", "pool", "owner", "region", "state", "age", "a day", "lease"), *(
        (
            one.kind.value,
            one.id,
            one.detail,
            one.pool,
            one.owner,
            one.region,
            one.state,
            age(one.created_at, now),
            _usd(prices[one.id]),
            "ended" if one.is_expired(now) else "" if one.expires_at is None else "runs",
        )
        for one in things
    )]  # fmt: skip
    click.echo(columns(rows))


def _usd(amount: float | None) -> str:
    return "unknown" if amount is None else f"${amount:.2f}" if amount else ""
