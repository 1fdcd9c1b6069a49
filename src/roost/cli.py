"""argv -> verb -> exit code. The only place that catches every error.

A verb's module is imported when the verb is called, so that `roost --help` needs no library but click.
"""

import importlib
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

import click

from roost import VERSION
from roost.errors import RoostError

INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Verb:
    module: str
    sentence: str


# In the order in which a user meets them.
VERBS: dict[str, Verb] = {
    "run": Verb("roost.verbs.run", "Run a workflow: from nothing to results and a receipt."),
    "report": Verb("roost.verbs.report", "Say what a run did, how long it took and why, and what it cost."),
    "import": Verb("roost.verbs.import_", "Turn a project of Pegasus 4 or older into one of Pegasus 5."),
    "up": Verb("roost.verbs.up", "Launch a pool and wait until every instance has joined it."),
    "check": Verb("roost.verbs.check", "Say whether a pool could be launched from here: true or not, and what to do."),
    "status": Verb("roost.verbs.status", "Show a pool: its instances, slots, queue and cost so far."),
    "verify": Verb(
        "roost.verbs.verify", "Prove for each instance that it joined, matched, ran a job and returned its file."
    ),
    "ssh": Verb("roost.verbs.ssh", "Log in to an instance of a pool, or run one command there."),
    "logs": Verb("roost.verbs.logs", "Print the console of an instance: its boot, and what went wrong there."),
    "fetch": Verb("roost.verbs.fetch", "Bring home what is on the file system that a pool's instances share."),
    "access": Verb("roost.verbs.access", "Show or refresh which addresses a pool lets in."),
    "why": Verb("roost.verbs.why", "Say why an instance is not in the pool, or why a job does not run."),
    "pegasus": Verb("roost.verbs.pegasus", "Run one of Pegasus' own tools on a run that came home."),
    "down": Verb("roost.verbs.down", "Terminate a pool, sweep what it left and print the receipt."),
    "gc": Verb("roost.verbs.gc", "List everything that Roost has left on EC2, with its price, and remove it."),
    "join": Verb("roost.verbs.join", "Let execution points on EC2 join the HTCondor pool of this machine."),
    "catalogs": Verb(
        "roost.verbs.catalogs", "Write Pegasus catalogs from what is known of a pool, check them, compare them."
    ),
    "image": Verb("roost.verbs.image", "Bake images for pools, list them, remove them."),
    "local": Verb("roost.verbs.local", "Start, stop or look at EC2 on this machine; make things go wrong there."),
}


class Verbs(click.Group):
    """The verbs by name, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click's signature)
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in VERBS:
            return None
        command = importlib.import_module(VERBS[cmd_name].module).command
        if not isinstance(command, click.Command):
            raise TypeError(f"{VERBS[cmd_name].module}.command is no click command")
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError:
            from difflib import get_close_matches

            near = get_close_matches(args[0], VERBS, n=1)
            said = f"Did you mean '{near[0]}'?" if near else f"The verbs are {', '.join(VERBS)}."
            raise click.UsageError(f"No such verb '{args[0]}'. {said}", ctx) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Verbs"):
            formatter.write_dl([(name, verb.sentence) for name, verb in VERBS.items()])


@click.group(
    cls=Verbs,
    subcommand_metavar="VERB [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(package_name=None, version=VERSION, prog_name="roost")
def cli() -> None:
    """An HTCondor pool on EC2 for as long as your Pegasus workflow needs it.

    With no AWS account everything runs on EC2 on this machine, free of charge.
    """


def main(argv: Sequence[str] | None = None) -> NoReturn:
    """Run one verb and end the process with the exit code of DESIGN's table (see `roost.errors`)."""
    sys.exit(exit_code(argv))


def exit_code(argv: Sequence[str] | None) -> int:
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        result = cli.main(args=argv, prog_name="roost", standalone_mode=False)
        return result if isinstance(result, int) else 0
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except RoostError as error:
        click.echo(f"Error: {error.message}", err=True)
        if error.hint:
            click.echo(f"Try:   {error.hint}", err=True)
        return error.exit_code
    except BrokenPipeError:
        # `roost status | head`: the reader has gone, nobody is left to tell
        sys.stderr.close()
        return 1


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    """A polite end (systemd, CI, `kill`) is a Ctrl-C: what was launched is taken down."""
    raise KeyboardInterrupt
