"""`roost down`."""

import sys

import click

from roost.verbs.which_pool import Duration, cloud_option, json_option, pool_argument


@click.command("down")
@pool_argument
@cloud_option
@click.option(
    "--drain",
    "drain_s",
    type=Duration(),
    default="5m",
    show_default=True,
    help="How long running jobs may take to end.",
)
@click.option("--now", is_flag=True, help="Do not wait for running jobs.")
@json_option
@click.option("--yes", is_flag=True, help="Do not ask before files are lost that only the pool has.")
def command(pool: str | None, cloud: str | None, drain_s: int, now: bool, as_json: bool, yes: bool) -> None:
    """Terminate a pool, sweep what it left and print the receipt.

    Running jobs may end first, for a while; nothing new is started meanwhile.

    Believes only what EC2 describes: local files may be gone. Twice is fine. Exit code 8: something that costs
    money is left.
    """
    from roost.report import receipt
    from roost.report.reporter import reporter_for
    from roost.verbs import unfetched
    from roost.verbs.draining import drain
    from roost.verbs.ending import end
    from roost.verbs.history import pool_history
    from roost.verbs.which_pool import found_pool

    with reporter_for(sys.stderr) as reporter:
        spec, site, found = found_pool(pool, cloud, say=reporter.note)
        unfetched.ask(spec, site, found, reporter, yes=yes)
        reporter.step(f"take the pool {spec.name} down")
        seen = [] if now else drain(spec, site, found, reporter, limit_s=drain_s)
        past = pool_history(spec, site, found, say=reporter.note, seen=seen)
        given = end(spec, site, reporter, joined_at_s=past.joined_at_s, attempts=past.attempts)
    click.echo(receipt.to_json(given) if as_json else receipt.text(given))
