"""pure: hooks of a workflow and of its jobs, as Pegasus has them: a command, and the event at which it is run.

Pegasus' user guide, "Workflow and Job Notifications". Which machine runs them is the caller's matter.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from roost.workflow.mistakes import Mistakes
from roost.yaml_lines import Document, Path, did_you_mean


class When(StrEnum):
    """As a document says it."""

    NEVER = "never"
    START = "start"
    ERROR = "error"
    SUCCESS = "success"
    END = "end"
    ALL = "all"


class Moment(StrEnum):
    """What happens to a workflow or a job."""

    START = "start"
    ERROR = "error"
    SUCCESS = "success"


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    when: When
    command: str  # for a shell


# (hook, moment) -> PEGASUS_EVENT, by the names that pegasus-monitord gives it.
_EVENTS = {
    (When.START, Moment.START): "start",
    (When.ALL, Moment.START): "start",
    (When.ERROR, Moment.ERROR): "on_error",
    (When.SUCCESS, Moment.SUCCESS): "on_success",
    **{(when, moment): "at_end" for when in (When.END, When.ALL) for moment in (Moment.ERROR, Moment.SUCCESS)},
}


def event(hook: Hook, moment: Moment) -> str | None:
    """PEGASUS_EVENT; None where the hook is not for that.

    >>> event(Hook(when=When.END, command="true"), Moment.ERROR)
    'at_end'
    """
    return _EVENTS.get((hook.when, moment))


def hooks(mistakes: Mistakes, document: Document, path: Path, value: Any) -> tuple[Hook, ...]:
    """Those of `hooks: {shell: [{_on: end, cmd: ...}]}` at `path`."""
    if value is None:
        return ()
    table = mistakes.table(document, path, value, known=("shell",))
    found = []
    for at, entry in mistakes.items(document, (*path, "shell"), table.get("shell")):
        entry = mistakes.table(document, at, entry, known=("_on", "cmd"))
        when, command = mistakes.word(document, at, entry, "_on"), mistakes.word(document, at, entry, "cmd")
        if when and when not in set(When):
            mistakes.add(document, (*at, "_on"), f"'_on' cannot be '{when}'{did_you_mean(when, list(When))}")
        elif when and command:
            found.append(Hook(when=When(when), command=command))
    return tuple(found)
