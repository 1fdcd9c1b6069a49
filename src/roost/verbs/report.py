"""`roost report`."""

import click


@click.command("report")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (docs/report.md).")
def command(run: str, as_json: bool) -> None:
    """Say what a run did, how long it took and why, and what it cost.

    RUN is the name of a run below ./runs, the path of its directory, or any submit directory of Pegasus. What is told
    is read from the files there, while the run is under way too.
    """
    from roost.report import run_report, run_text
    from roost.verbs import reported

    found = reported.report(reported.directory_of(run))
    click.echo(run_report.to_json(found) if as_json else run_text.text(found), nl=False)
