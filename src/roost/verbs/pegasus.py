"""`roost pegasus`."""

import click

_TOOLS = ("statistics", "analyzer", "status", "monitord")


@click.command("pegasus", context_settings={"ignore_unknown_options": True})
@click.argument("tool", type=click.Choice(_TOOLS))
@click.argument("run")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def command(tool: str, run: str, arguments: tuple[str, ...]) -> None:
    """Run one of Pegasus' own tools on a run that came home.

    RUN is its name, or a directory. Further arguments are the tool's:

        roost pegasus statistics first -s all

    The tools are PyPI's pegasus-wms, installed the first time. monitord reads the run into a database first, where
    that is missing. The exit code is the tool's: pegasus-analyzer says 2 of a workflow that failed.
    """
    import platformdirs

    from roost.verbs.reported import directory_of
    from roost.workflow import pegasus_tools
    from roost.workflow.pegasus_tools import Tool

    def say(text: str) -> None:
        click.echo(text, err=True)

    directory = directory_of(run)
    below = directory / "submit"
    submit = below if below.is_dir() else directory
    chosen = Tool(tool)
    python = pegasus_tools.environment(platformdirs.user_cache_path("roost"), say=say)
    pegasus_tools.settle(submit)
    if chosen is Tool.MONITORD or (chosen is not Tool.STATUS and not pegasus_tools.is_read(submit)):
        pegasus_tools.replay(python, submit)
    if chosen is Tool.MONITORD:
        click.echo(str(pegasus_tools.database(submit)))
        return
    words = list(arguments)
    if chosen is Tool.STATUS and not {"-Q", "--noqueue"} & set(words):
        words.append("-Q")  # the queue was the access point's
    raise SystemExit(pegasus_tools.run(python, chosen, submit, words))
