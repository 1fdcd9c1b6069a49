"""shell (files): a workflow as its planner needs it: checked whole for Roost's, in outline for the real one."""

from enum import StrEnum
from pathlib import Path

from roost.errors import UsageError
from roost.workflow import source, user_catalogs
from roost.workflow.abstract import Workflow
from roost.workflow.needs import Outline
from roost.workflow.planning import Options

Loaded = Workflow | Outline
UNSUPPORTED = "not supported yet: "  # by Roost's planner; how its sentences begin


class Planner(StrEnum):
    AUTO = "auto"  # the real one where the access point has it
    ROOST = "roost"
    PEGASUS = "pegasus"


def load(path: Path, planner: str, options: Options | None = None) -> Loaded:
    """Raises UsageError with every mistake; of what only pegasus-plan takes it says so."""
    if planner == Planner.PEGASUS:
        if options is not None:
            require_no_reuse(options)
        return user_catalogs.read(path.parent, path).outline
    try:
        return source.load(path, [Path(one) for one in options.reuse] if options else [])
    except UsageError as error:
        if planner == Planner.AUTO and all(UNSUPPORTED in line for line in error.message.splitlines()):
            raise UsageError(error.message, "--planner pegasus, on an image that has it (docs/pegasus.md)") from error
        raise


def require_no_reuse(options: Options) -> None:
    """Raises UsageError where the real planner would be asked for what it does not do."""
    if options.reuse:
        raise UsageError("what earlier runs have made is taken by Roost's planner alone", "--planner roost")


def tasks(workflow: Loaded) -> int:
    """With those of workflows that are parts of it, as far as they are known."""
    if isinstance(workflow, Outline):
        return workflow.tasks
    inner = [tasks(sub.workflow) for sub in workflow.subs.values() if sub.workflow is not None]
    return len(workflow.jobs) - len(inner) + sum(inner)
