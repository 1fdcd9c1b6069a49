"""`roost logs`."""

import sys

import click

from roost.verbs.which_pool import cloud_option


@click.command("logs")
@click.argument("what", required=False, metavar="[INSTANCE|POOL]")
@cloud_option
def command(what: str | None, cloud: str | None) -> None:
    """Print the console of an instance: its boot, and what went wrong there.

    With a pool (default: the one of ./pool.yml) it is that of its access point.
    """
    from roost.boot.roles import Role
    from roost.errors import NotFoundError
    from roost.verbs.which_pool import found_pool, site, spec_of

    def say(text: str) -> None:
        click.echo(text, err=True)

    if what is not None and what.startswith("i-"):
        instance_id = what
        where = site(spec_of(None, cloud), say=say, start=False, needs_address=False)
    else:
        spec, where, found = found_pool(what, cloud, say=say)
        points = found.with_role(Role.ACCESS_POINT) or found.usable
        if not points:
            raise NotFoundError(f"the pool {spec.name} has no instance any more", f"roost status {spec.name}")
        instance_id = points[0].id
    text = where.ec2.console(instance_id)
    if not text:
        say(f"{instance_id} has written nothing on its console yet")
    sys.stdout.write(text)
