"""pure: profiles of a task that is a workflow itself: some are its DAGMan's settings, the others are the task's own."""

from typing import Any

from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.workflow.properties import LIMITS
from roost.yaml_lines import Document, Path

_OF_DAGMAN = {key.removeprefix("dagman."): setting for key, setting in LIMITS.items()}  # maxjobs, maxidle, ...


def dagman_limits(mistakes: Mistakes, document: Document, path: Path, value: Any) -> tuple[dict[str, str], Profiles]:
    """(HTCondor's settings of its DAGMan, the task's other profiles)."""
    said = value.get("dagman") if isinstance(value, dict) else None
    if not isinstance(said, dict):
        return {}, profiles(mistakes, document, path, value)
    found = {}
    rest = {}
    for key, number in said.items():
        if (setting := _OF_DAGMAN.get(str(key).lower())) is None:
            rest[key] = number
        elif str(number).isdigit():
            found[setting] = str(number)
        else:
            mistakes.add(document, (*path, "dagman", key), f"'{key}' cannot be '{number}': it has to be a whole number")
    return found, profiles(mistakes, document, path, {**value, "dagman": rest})
