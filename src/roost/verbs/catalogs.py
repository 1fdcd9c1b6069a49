"""`roost catalogs`."""

import sys
from pathlib import Path

import click

from roost.verbs.which_pool import cloud_option, json_option, pool_argument

_workflow = click.option(
    "--workflow",
    "-w",
    type=click.Path(path_type=Path),
    help="The workflow they are for, with its own catalogs beside it (default: ./workflow.yml, where there is one).",
)


@click.group("catalogs")
def command() -> None:
    """Write Pegasus catalogs from what is known of a pool, check them, compare them.

    POOL is a pool.yml of which nothing need be launched, or a pool that is up: then its slots are known too.
    """


@command.command()
@pool_argument
@cloud_option
@_workflow
@click.option(
    "--to", "directory", type=click.Path(path_type=Path), default=Path("catalogs"), show_default=True, metavar="DIR"
)
def write(pool: str | None, cloud: str | None, workflow: Path | None, directory: Path) -> None:
    """Write sites.yml, transformations.yml, replicas.yml and pegasus.properties to DIR.

    What your own catalogs say stays as it is; what the pool adds, and what differs, is shown. Files that
    `roost catalogs write` did not write are never touched.
    """
    from roost.report.reporter import reporter_for
    from roost.verbs import cataloguing

    with reporter_for(sys.stderr) as reporter:
        merged = cataloguing.merged_catalogs(pool, cloud, workflow, reporter)
        written = cataloguing.write(merged.catalogs, directory)
    for line in cataloguing.kept(merged):
        click.echo(line, err=True)
    for path in written:
        click.echo(str(path))


@command.command()
@pool_argument
@cloud_option
@_workflow
@json_option
def diff(pool: str | None, cloud: str | None, workflow: Path | None, as_json: bool) -> None:
    """Show what `write` would add to your catalogs (+), and what differs and stays as you have it (!)."""
    from roost.report.reporter import reporter_for
    from roost.verbs import cataloguing

    with reporter_for(sys.stderr) as reporter:
        merged = cataloguing.merged_catalogs(pool, cloud, workflow, reporter)
    click.echo(cataloguing.diff_json(merged) if as_json else cataloguing.diff_text(merged), nl=False)


@command.command()
@pool_argument
@cloud_option
@_workflow
@click.option("--planner", type=click.Choice(["roost", "pegasus"]), default="roost", show_default=True)
def lint(pool: str | None, cloud: str | None, workflow: Path | None, planner: str) -> None:
    """Tell everything that is wrong in a workflow and its catalogs, each with its file and line.

    What only the real pegasus-plan takes is no mistake with `--planner pegasus`.
    """
    from roost.report.reporter import reporter_for
    from roost.verbs import cataloguing

    with reporter_for(sys.stderr) as reporter:
        said = cataloguing.lint(pool, cloud, workflow, planner=planner, reporter=reporter)
    click.echo(said)
