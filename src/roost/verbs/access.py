"""`roost access`: which addresses a pool lets in."""

import json
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import click

from roost.verbs.which_pool import cloud_option, json_option, pool_argument

if TYPE_CHECKING:
    from roost.cloud.model import Found, Ingress


@click.group("access")
def command() -> None:
    """Show or refresh which addresses a pool lets in."""


@command.command()
@pool_argument
@cloud_option
@json_option
def show(pool: str | None, cloud: str | None, as_json: bool) -> None:
    """List what a pool's security group lets in, and for what."""
    from roost.verbs.which_pool import found_pool

    spec, _site, found = found_pool(pool, cloud, say=_say)
    rules = [ingress for group in found.groups for ingress in sorted(group.ingress, key=_order)]
    if as_json:
        shown = [{**asdict(ingress), "for": _purpose(ingress, found)} for ingress in rules]
        click.echo(json.dumps({"schema": "roost/access/1", "pool": spec.name, "ingress": shown}, indent=2))
        return
    for ingress in rules:
        ports = f"{ingress.port}" if ingress.to_port is None else f"{ingress.port}-{ingress.to_port}"
        click.echo(f"{ports:<12} {ingress.cidr or 'members':<20} {_purpose(ingress, found)}")


@command.command()
@pool_argument
@cloud_option
def refresh(pool: str | None, cloud: str | None) -> None:
    """Let today's address of this machine in, and those of before no longer.

    For a laptop that is on another network now. Rules for the pool's own members stay. Twice is fine.
    """
    from roost.cloud.endpoint import own_address_on_the_internet
    from roost.cloud.plan import plan_refresh
    from roost.report.reporter import reporter_for
    from roost.verbs.which_pool import found_pool

    with reporter_for(sys.stderr) as reporter:
        spec, site, found = found_pool(pool, cloud, say=lambda _: None)
        asker = site.asker if site.asker.address else replace(site.asker, address=own_address_on_the_internet())
        actions = plan_refresh(found, asker=asker)
        for action in actions:
            reporter.step(f"{action}")
            site.ec2.perform(action)
    for action in actions:
        click.echo(str(action))
    if not actions:
        click.echo(f"the pool {spec.name} lets in {asker.address} already; nothing was changed", err=True)


def _purpose(ingress: "Ingress", found: "Found") -> str:
    from roost.boot.roles import Role
    from roost.cloud.model import CONDOR_PORT, SSH_PORT

    if ingress.cidr is None:
        return "HTCondor inside the pool" if ingress.port == CONDOR_PORT else "inside the pool"
    if ingress.port == SSH_PORT:
        return "ssh"
    points = {f"{point.public_ip}/32" for point in found.with_role(Role.ACCESS_POINT)}
    return f"direct mode, from {'the access point' if ingress.cidr in points else 'the submit host'}"


def _order(ingress: "Ingress") -> tuple[int, str]:
    return ingress.port, ingress.cidr or ""


def _say(text: str) -> None:
    click.echo(text, err=True)
