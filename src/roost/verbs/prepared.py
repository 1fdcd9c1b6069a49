"""shell (this machine, EC2): what has to be there before anything is launched: programs, EC2, the image, a yes."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import click

from roost import machine
from roost.cloud import pricing
from roost.cloud.endpoint import localec2
from roost.cloud.image import PoolImage, pool_image
from roost.cloud.model import Action, Found, Launch
from roost.cloud.plan import needed_doors, plan_up
from roost.cloud.price import Rates
from roost.errors import UsageError
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import entrance, sharing, which_pool
from roost.verbs.keys import has_pool_key, pool_key
from roost.verbs.which_pool import Site


def site(spec: PoolSpec, reporter: Reporter) -> Site:
    """EC2, started and with the programs it needs when it is the one on this machine."""
    sharing.require_possible(spec)
    needed = machine.EC2_ON_THIS_MACHINE if spec.cloud == "local" else machine.OPENSSH
    machine.ensure_commands(needed, reporter.step)
    reporter.step("EC2 on this machine" if spec.cloud == "local" else f"EC2 on AWS, {spec.region}")
    where = which_pool.site(spec, say=reporter.note)
    network = where.ec2.region.network(spec.subnet)
    if spec.subnet and not network.gives_public_addresses:
        reporter.note(
            f"{spec.subnet} gives its instances no public address: this machine has to reach their private ones itself"
            " (it is in that VPC, or has a VPN to it)"
        )
    return where


def stop_if_started(where: Site) -> bool:
    """What we started goes too, unless somebody else has a pool there by now."""
    is_ours = where.endpoint.was_started and not where.ec2.pools()
    if is_ours:
        localec2(["stop"], say=lambda _: None)
    return is_ours


def image(spec: PoolSpec, where: Site, reporter: Reporter) -> PoolImage:
    reporter.step("find the image")
    return pool_image(where.ec2, spec, say=reporter.note)


def planned(spec: PoolSpec, where: Site) -> list[Action]:
    """What is to be done. Raises NotFoundError where the instances let in a key that this machine does not have."""
    found = where.ec2.describe(spec.name)
    _require_same_network(spec, found)
    has_key = has_pool_key(spec.cloud, spec.name)
    if found.usable and not has_key:
        pool_key(spec.cloud, spec.name)
    entrance.owners(spec)
    asker = where.asker
    if spec.access_point == "here":
        asker = replace(asker, host=entrance.joinable_host(spec, where).name)
    return plan_up(spec, found, asker=asker, now=datetime.now(UTC), has_key=has_key)


def _require_same_network(spec: PoolSpec, found: Found) -> None:
    """Execution points that are called go on waiting to be called: a closed door would cut them off."""
    doors = needed_doors(spec, found)
    if doors:
        raise UsageError(
            f"the pool {spec.name} is up in direct mode ({', '.join(map(str, doors))}), and is to have "
            f"network: {{mode: {spec.network.mode}, ports: {spec.network.ports or 'none'}}} now; that cannot change "
            "while it is up",
            f"roost down {spec.name}, and `roost up` again",
        )


def rates(spec: PoolSpec, where: Site) -> Rates:
    return pricing.rates(spec.cloud, where.ec2.access, spec.instance_types)


def price(spec: PoolSpec, rates: Rates) -> str:
    """The price before, as a sentence: that of the dearest type that may be launched."""
    free = "nothing is charged on this machine; on EC2: " if spec.cloud == "local" else ""
    types = set(spec.instance_types)
    priced = rates.usd_per_hour
    if unknown := sorted(types - priced.keys()):
        return f"{free}no price is known for {', '.join(unknown)} ({rates.note})"
    access_points = 1 if spec.access_point == "cloud" else 0
    hourly = spec.workers.count * max(priced[one] for one in spec.workers.type)
    hourly += access_points * priced.get(spec.access_point_type, 0.0)
    most = hourly * spec.lease / 3600
    return (
        f"{free}{spec.workers.count + access_points} instances, at most ${hourly:.4f} an hour and ${most:.2f}"
        f" until the lease ends ({rates.note})"
    )


def ask(spec: PoolSpec, where: Site, actions: Sequence[Action], *, yes: bool) -> None:
    """Before something is launched that costs money. Raises Abort on a no."""
    if spec.cloud == "local" or not any(isinstance(action, Launch) for action in actions):
        return
    click.echo(price(spec, rates(spec, where)), err=True)
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("this launches instances that cost money, and nobody is there to say yes", "add --yes")
    click.confirm("Launch them?", abort=True, err=True)
