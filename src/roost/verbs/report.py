"""`roost report`."""

from pathlib import Path

import click


@click.command("report")
@click.argument("run", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON (docs/report.md).")
@click.option(
    "--html", "page", type=click.Path(path_type=Path), help="Write it to this file, as one page for a browser."
)
def command(run: str | None, as_json: bool, page: Path | None) -> None:
    """Say what a run did, how long it took and why, and what it cost.

    RUN is the name of a run below ./runs (default: the newest), the path of its directory, or any submit directory of
    Pegasus. What is told is read from the files there, while the run is under way too.
    """
    from roost.report import run_report, run_text
    from roost.verbs import reported

    history, report = reported.read(reported.directory_of(run or reported.newest()))
    if page is not None:
        reported.write_text(page, reported.html(history, report))
    if as_json or page is None:
        click.echo(run_report.to_json(report) if as_json else run_text.text(report), nl=False)
