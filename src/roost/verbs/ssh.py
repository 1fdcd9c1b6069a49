"""`roost ssh`."""

import os
import sys

import click

from roost.verbs.which_pool import cloud_option


@click.command("ssh", context_settings={"ignore_unknown_options": True})
@click.argument("pool", required=False)
@click.argument("argv", nargs=-1, type=click.UNPROCESSED, metavar="[COMMAND]...")
@click.option(
    "--on", "instance_id", metavar="INSTANCE", help="An execution point, by its id (default: the access point)."
)
@cloud_option
def command(pool: str | None, argv: tuple[str, ...], instance_id: str | None, cloud: str | None) -> None:
    """Log in to an instance of a pool, or run one command there.

    Only your own address is let in. A command of several words follows `--`:

        roost ssh galaxy -- condor_q -nobatch
    """
    from roost.boot.roles import Role
    from roost.errors import NotFoundError
    from roost.pool.access_point import ssh_argv
    from roost.verbs.entrance import ssh_to
    from roost.verbs.keys import pool_key
    from roost.verbs.which_pool import found_pool
    from roost.yaml_lines import did_you_mean

    spec, site, found = found_pool(pool, cloud, say=lambda text: click.echo(text, err=True))
    known = {i.id: i for i in found.usable}
    if instance_id is None:
        points = found.with_role(Role.ACCESS_POINT)
        if not points and found.submit_host:
            raise NotFoundError(
                f"the access point of the pool {spec.name} is {found.submit_host} itself: no instance",
                f"roost ssh {spec.name} --on {', or --on '.join(known)}" if known else f"roost status {spec.name}",
            )
        if not points:
            raise NotFoundError(f"the pool {spec.name} has no access point", f"roost up, or roost down {spec.name}")
        instance = points[0]
    elif instance_id in known:
        instance = known[instance_id]
    else:
        raise NotFoundError(
            f"no instance {instance_id} in the pool {spec.name}{did_you_mean(instance_id, known)}",
            f"roost status {spec.name}",
        )
    target = ssh_to(site, instance, pool_key(spec.cloud, spec.name)).target
    words = ssh_argv(target, argv, terminal=not argv and sys.stdin.isatty())
    os.execvp(words[0], words)
