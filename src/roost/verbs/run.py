"""`roost run`."""

import sys
from pathlib import Path

import click

from roost.verbs.which_pool import cloud_option


@click.command("run")
@click.argument("workflow", type=click.Path(path_type=Path), required=False)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.option(
    "--pool", "pool", metavar="POOL", help="Run on a pool that is up, and leave it up (a name or a pool.yml)."
)
@cloud_option
@click.option("--name", help="The run's name: its results go to ./runs/NAME (default: the workflow's and the time).")
@click.option("--resume", metavar="NAME", help="Run what is left of ./runs/NAME, which failed or was cut off.")
@click.option("--attach", metavar="NAME", help="Follow the run NAME, whose roost is gone, to its end.")
@click.option(
    "--planner",
    type=click.Choice(["auto", "roost", "pegasus"]),
    default="auto",
    help="Who plans: Roost, or pegasus-plan on the access point (default: pegasus-plan where that is installed).",
)
@click.option(
    "--cluster",
    metavar="KINDS",
    help="Tasks that share jobs: auto, horizontal, label, whole; none (default: by profiles, short ones).",
)
@click.option(
    "--reuse",
    metavar="RUN",
    multiple=True,
    help="Take what ./runs/RUN has made instead of making it again; repeatable.",
)
@click.option("--force", is_flag=True, help="Make everything, also files that a replica catalog says are there.")
@click.option(
    "--cleanup",
    type=click.Choice(["none", "inplace"]),
    help="inplace: remove intermediate files while the workflow runs (default: none; pegasus-plan's: inplace).",
)
@click.option("--keep", is_flag=True, help="Leave the pool up at the end, also after a failure.")
@click.option("--yes", is_flag=True, help="Do not ask before something is launched that costs money.")
def command(
    workflow: Path | None,
    arguments: tuple[str, ...],
    pool: str | None,
    cloud: str | None,
    name: str | None,
    resume: str | None,
    attach: str | None,
    planner: str,
    cluster: str | None,
    reuse: tuple[str, ...],
    force: bool,
    cleanup: str | None,
    keep: bool,
    yes: bool,
) -> None:
    """Run a workflow: from nothing to results and a receipt.

    WORKFLOW is a Pegasus 5 abstract workflow (YAML) with its catalogs beside it. A pool.yml beside it says what pool
    it needs; without one it gets two execution points. The pool is taken down at the end, also after Ctrl-C.

    WORKFLOW may be a Python script that uses Pegasus.api: it is run in its directory, and what it writes or plans is
    the workflow. Its own options come after two hyphens: roost run workflow.py -- --size 3

    A run that failed goes on with --resume: programs and inputs may have been mended, what is done is not done again.
    """
    from roost.report.reporter import reporter_for
    from roost.verbs.typed_workflow import Typed, written
    from roost.workflow.plan_options import Wanted

    wanted = Wanted(cluster=cluster, reuse=reuse, force=force, cleanup=cleanup)
    typed = Typed(wanted=wanted)
    if workflow is not None:
        typed = written(workflow, arguments, wanted, say=lambda said: click.echo(said, err=True))
    from roost.verbs import running

    wish = running.Wish(
        workflow=typed.workflow,
        pool=pool,
        cloud=cloud,
        name=name,
        resume=resume,
        attach=attach,
        planner=planner,
        wanted=typed.wanted,
        keep=keep,
        yes=yes,
    )
    with reporter_for(sys.stderr) as reporter:
        outcome = running.run(wish, reporter)
    click.echo(outcome.text, nl=False)
    if outcome.error is not None:
        raise outcome.error
    if there := typed.deliver(outcome.output):
        click.echo(f"The results are in {there} too, as the script wants.", err=True)
