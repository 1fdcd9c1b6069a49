"""`roost status`."""

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from roost.verbs.which_pool import cloud_option, json_option, pool_argument

if TYPE_CHECKING:
    from roost.cloud.model import PoolInstance


@click.command("status")
@pool_argument
@cloud_option
@json_option
def command(pool: str | None, cloud: str | None, as_json: bool) -> None:
    """Show a pool: its instances, slots, queue and cost so far."""
    from roost.report.columns import columns
    from roost.verbs.pool_status import pool_status
    from roost.verbs.which_pool import found_pool

    spec, site, found = found_pool(pool, cloud, say=_say)
    now = pool_status(spec, site, found, say=_say)
    slots, jobs = now.slots, now.jobs
    if as_json:
        shown = {
            "schema": "roost/status/1",
            "pool": spec.name,
            "cloud": spec.cloud,
            "instances": [{**asdict(i), "launched_at": i.launched_at.isoformat()} for i in found.instances],
            "slots": [asdict(slot) for slot in slots],
            "jobs": [asdict(job) for job in jobs],
            "usd_so_far": round(now.usd, 6),
            "price_note": now.price_note,
        }
        click.echo(json.dumps(shown, indent=2))
        return
    busy = {slot.instance_id for slot in slots if slot.is_busy}
    joined = {slot.instance_id for slot in slots}
    rows = [("instance", "role", "type", "state", "address", "up", "in the pool"), *(
        (
            i.id,
            i.role.value,
            i.instance_type,
            i.state.value,
            i.public_ip or i.private_ip,
            f"{now.hours[i.id] * 60:.0f} min",
            _condition(i, joined=joined, busy=busy),
        )
        for i in found.usable
    )]  # fmt: skip
    click.echo(columns(rows))
    running = sum(1 for job in jobs if job.status.name == "RUNNING")
    held = sum(1 for job in jobs if job.status.name == "HELD")
    if found.submit_host:
        click.echo(f"\njobs are submitted on {found.submit_host}")
    click.echo(f"\njobs: {len(jobs)} in the queue, {running} running, {held} held")
    charged = "nothing is charged on this machine; on EC2 it would be " if spec.cloud == "local" else ""
    click.echo(f"cost so far: {charged}${now.usd:.4f} ({now.price_note})")
    for expires in sorted({i.expires_at for i in found.usable if i.expires_at})[:1]:
        click.echo(f"lease: ends {expires}")
    sys.stdout.flush()


def _say(text: str) -> None:
    click.echo(text, err=True)


def _condition(instance: "PoolInstance", *, joined: set[str], busy: set[str]) -> str:
    from roost.boot.roles import Role

    if instance.role is Role.ACCESS_POINT:
        return "central manager" if joined else "-"
    return "busy" if instance.id in busy else "idle" if instance.id in joined else "not joined"
