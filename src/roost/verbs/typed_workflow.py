"""shell (files): what was typed as WORKFLOW -> a workflow that can be read.

A script that uses Pegasus.api is run, and its workflow taken.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from roost.errors import UsageError

_BEGINNING = 1 << 16  # bytes


def written(typed: Path, arguments: Sequence[str], say: Callable[[str], None]) -> Path:
    """The workflow's file. Raises UsageError for one of an old Pegasus, and for a script that makes none."""
    from roost.workflow import script

    if not script.is_script(typed):
        _refuse_old(typed)
        if arguments:
            raise UsageError(f"{typed} is no script: it takes no arguments", f"roost run {typed}")
        return typed
    taken = script.take(typed, arguments)
    for note in taken.notes:
        say(note)
    return taken.workflow


def _refuse_old(workflow: Path) -> None:
    """Raises UsageError for a workflow of an old Pegasus: what of it has no counterpart is to be seen once, not run."""
    from roost.workflow.old.kinds import Kind, kind_of

    if not workflow.is_file():
        return  # told where it is read
    with workflow.open("rb") as file:
        beginning = file.read(_BEGINNING)
    is_dax = workflow.suffix == ".dax" or kind_of(beginning) is Kind.DAX
    if is_dax:
        directory = workflow.parent
        raise UsageError(
            f"{workflow} is a workflow of Pegasus 4 or older (DAX)",
            f"roost import {workflow if directory == Path() else directory}, and then: roost run imported/workflow.yml",
        )
