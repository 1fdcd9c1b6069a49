"""`roost fetch`."""

import sys
from pathlib import Path

import click

from roost.verbs.which_pool import cloud_option, pool_argument


@click.command("fetch")
@pool_argument
@cloud_option
@click.option(
    "--to",
    "to",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("shared"),
    show_default=True,
    help="The directory that gets the files.",
)
def command(pool: str | None, cloud: str | None, to: Path) -> None:
    """Bring home what is on the file system that a pool's instances share.

    What was fetched, and has not changed since, is not asked about by `roost down`.
    """
    import shutil

    from roost.boot import commands
    from roost.boot.shared_fs import PROOF
    from roost.errors import NotFoundError
    from roost.report.reporter import reporter_for
    from roost.verbs.entrance import access_point
    from roost.verbs.which_pool import found_pool

    with reporter_for(sys.stderr) as reporter:
        spec, site, found = found_pool(pool, cloud, say=reporter.note)
        with access_point(spec, site, found) as reached:
            at = reached.run(commands.shared_place()).stdout.strip()
            if not at:
                raise NotFoundError(f"the instances of the pool {spec.name} share nothing", "`shared:` in docs/pool.md")
            reporter.step(f"fetch {at} into {to}")
            reached.run(commands.begin_fetch(at))
            to.mkdir(parents=True, exist_ok=True)
            reached.get(at, to, timeout_s=24 * 3600)
            reached.run(commands.end_fetch(at))
    shutil.rmtree(to / PROOF, ignore_errors=True)
    click.echo(to)
