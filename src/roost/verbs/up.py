"""`roost up`."""

import sys

import click

from roost.verbs.which_pool import cloud_option, pool_argument, timeout_option


@click.command("up")
@pool_argument
@cloud_option
@click.option("--dry-run", is_flag=True, help="Only print what would be done, and what it costs an hour.")
@click.option("--yes", is_flag=True, help="Do not ask before something is launched that costs money.")
@timeout_option
def command(pool: str | None, cloud: str | None, dry_run: bool, yes: bool, timeout_s: int) -> None:
    """Launch a pool and wait until every instance has joined it.

    POOL is a pool.yml (default: ./pool.yml) or just a name. Repeat it as you like: what is there stays, what is
    missing is launched. What was cut off is completed by the next `up`, or removed by `roost down`.
    """
    from roost.report.reporter import reporter_for
    from roost.verbs import prepared
    from roost.verbs.rising import rise
    from roost.verbs.which_pool import spec_of

    spec = spec_of(pool, cloud)
    with reporter_for(sys.stderr) as reporter:
        site = prepared.site(spec, reporter)
        actions = prepared.planned(spec, site)
        if dry_run:
            with reporter.paused():
                for action in actions:
                    click.echo(str(action))
                click.echo(prepared.price(spec, prepared.rates(spec, site)))
            return
    prepared.ask(spec, site, actions, yes=yes)
    with reporter_for(sys.stderr) as reporter:
        image = prepared.image(spec, site, reporter)
        try:
            risen = rise(spec, site, image, reporter, timeout_s=timeout_s)
        except KeyboardInterrupt:
            reporter.note(f"interrupted; what was launched is still there. To end it: roost down {spec.name}")
            raise
    said = "is up" if risen.changed else "is up already; nothing was changed"
    click.echo(f"the pool {spec.name} {said}", err=True)
    points = [risen.access_point] if risen.access_point else []
    for instance in [*points, *risen.execution_points]:
        click.echo(f"{instance.id}  {instance.role}  {instance.instance_type}  {instance.public_ip}")
