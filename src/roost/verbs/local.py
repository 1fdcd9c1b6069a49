"""`roost local`."""

import sys

import click

from roost.verbs.inject import inject


@click.group("local")
def command() -> None:
    """Start, stop or look at EC2 on this machine; make things go wrong there."""


@command.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The API's port on 127.0.0.1 (default: 5950 and up).")
def start(port: int | None) -> None:
    """Start EC2 on this machine (installs what it needs, after saying so)."""
    from roost import machine
    from roost.cloud.endpoint import localec2
    from roost.report.reporter import reporter_for

    with reporter_for(sys.stderr) as reporter:
        machine.ensure_commands(machine.EC2_ON_THIS_MACHINE, reporter.step)
        reporter.step("start EC2 on this machine")
        url = localec2(["start", *(["--port", str(port)] if port else [])], say=reporter.note)
    click.echo(url.strip())


@command.command()
@click.option("--all", "everything", is_flag=True, help="Terminate all instances too, and leave nothing behind.")
def stop(everything: bool) -> None:
    """Stop the service. Its instances keep running and are found again at the next start."""
    from roost.cloud.endpoint import localec2
    from roost.report.reporter import reporter_for

    with reporter_for(sys.stderr) as reporter:
        reporter.step("stop EC2 on this machine")
        localec2(["stop", *(["--all"] if everything else [])], say=reporter.note)


@command.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def status(as_json: bool) -> None:
    """Say whether EC2 on this machine runs, and what it holds."""
    from roost.cloud.endpoint import localec2

    click.echo(localec2(["status", *(["--json"] if as_json else [])], say=lambda _: None), nl=False)


command.add_command(inject)
