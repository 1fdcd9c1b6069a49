"""`roost local inject`."""

import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from roost.cloud.faults import FaultKind


@click.command("inject")
@click.argument("fault", required=False)
@click.option("--list", "is_list", is_flag=True, help="Print the faults there are.")
@click.option("--instance", "instance_id", metavar="INSTANCE", help="The instance that it befalls.")
@click.option(
    "--type", "instance_type", default="c7i.large", show_default=True, help="The instance type, for no-capacity."
)
@click.option("--count", type=click.IntRange(1), default=1, show_default=True, help="How many requests or instances.")
@click.option("--clear", is_flag=True, help="Take away what still waits: EC2 answers as it should again.")
def inject(
    fault: str | None, is_list: bool, instance_id: str | None, instance_type: str, count: int, clear: bool
) -> None:
    """Let something go wrong on EC2 on this machine, as it does on EC2 on bad days.

    roost local inject no-capacity --type c7i.large
    roost local inject kill --instance i-0123456789abcdef0
    """
    from roost.cloud.endpoint import control, local_status
    from roost.cloud.faults import BY_NAME, KINDS
    from roost.errors import NotFoundError, UsageError
    from roost.yaml_lines import did_you_mean

    if is_list:
        width = max(len(kind.name) for kind in KINDS)
        for kind in KINDS:
            click.echo(f"{kind.name.ljust(width)}  {kind.sentence}")
        return
    if fault is None and not clear:
        raise UsageError("name a fault", "roost local inject --list")
    if fault is not None and fault not in BY_NAME:
        raise UsageError(f"there is no fault {fault}{did_you_mean(fault, BY_NAME)}", "roost local inject --list")
    if not local_status()["running"]:
        raise NotFoundError("EC2 on this machine does not run", "roost local start")
    if clear:
        control("faults", [])
        control("ailments", [])
        control("capacity", {})
        click.echo("EC2 on this machine answers as it should again", err=True)
    if fault is not None:
        kind = BY_NAME[fault]
        if kind.needs_instance and instance_id is None:
            raise UsageError(f"{fault} befalls an instance", f"roost local inject {fault} --instance i-...")
        _inject(kind, instance_id=instance_id or "", instance_type=instance_type, count=count)
        click.echo(kind.sentence.partition(" (--")[0], err=True)


def _inject(kind: "FaultKind", *, instance_id: str, instance_type: str, count: int) -> None:
    from typing import assert_never

    from roost.cloud.endpoint import control
    from roost.cloud.faults import Where, faults

    match kind.where:
        case Where.API:
            control("faults", [*control("faults"), *faults(kind, count=count)])
        case Where.NEXT:
            control("ailments", [*control("ailments"), *faults(kind, count=count)])
        case Where.CAPACITY:
            control("capacity", {**control("capacity"), instance_type: 0})
        case Where.POWER:
            control("power", {"instance_id": instance_id, **kind.what[0]})
        case Where.SPOT:
            control("spot-interrupt", {"instance_id": instance_id, **kind.what[0]})
        case Where.INSIDE:
            _run_inside(instance_id, kind.script)
        case _:
            assert_never(kind.where)


def _run_inside(instance_id: str, script: str) -> None:
    """As root of an instance of a pool of this user's. A script that ends the connection has worked."""
    from contextlib import suppress

    from roost.errors import CloudError
    from roost.verbs.entrance import ssh_to
    from roost.verbs.keys import pool_key
    from roost.verbs.which_pool import found_instance

    spec, site, _, instance = found_instance(instance_id, "local", say=lambda text: click.echo(text, file=sys.stderr))
    with ssh_to(site, instance, pool_key(spec.cloud, spec.name)) as reached, suppress(CloudError):
        reached.run(["sudo", "-n", "systemd-run", "--quiet", "--on-active=0.2s", "sh", "-c", script])
