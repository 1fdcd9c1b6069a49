"""pure: Pegasus profiles: what a job asks of its environment, HTCondor, DAGMan and the planner.

Pegasus' user guide, "Profiles"; the keys that Roost knows are in the tables here, all others are mistakes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from roost.workflow.mistakes import Mistakes
from roost.yaml_lines import Document, Path, did_you_mean

NAMESPACES = ("env", "condor", "dagman", "pegasus")
LATER_NAMESPACES = ("selector", "globus", "stat")

PEGASUS_KEYS = (
    *("cores", "memory", "diskspace", "gpus", "runtime", "style"),
    *("clusters.num", "clusters.size", "clusters.maxruntime", "label"),
    *("checkpoint.time", "maxwalltime", "exitcode.failuremsg", "exitcode.successmsg"),
)
_NUMBERS = ("runtime", "clusters.maxruntime", "checkpoint.time", "maxwalltime")  # need not be whole
_WORDS = ("label", "exitcode.failuremsg", "exitcode.successmsg")  # another key may be what labels tasks
_LEAST_S = 10  # from SIGTERM to `maxwalltime`, as Pegasus
# Pegasus knows them, Roost does not: they change how a job runs, so they cannot be passed over.
LATER_PEGASUS_KEYS = (
    *(
        "job.aggregator",
        "container.launcher",
        "container.arguments",
        "nodes",
    ),
    *("data.configuration", "gridstart", "gridstart.path", "pegasus_lite_env_source", "change.dir", "job.priority"),
    *("queue", "project", "ppn", "grid.start", "stagein.clusters", "stageout.clusters", "transfer.threads"),
)
DAGMAN_KEYS = ("retry", "priority", "category", "abort-dag-on")
LATER_DAGMAN_KEYS = ("pre", "pre.arguments", "post", "post.arguments", "post.scope", "maxpre", "maxpost", "maxjobs")
# Submit commands that make a job what the planner planned: a profile cannot have them.
OURS = (
    *("executable", "arguments", "input", "output", "error", "log", "queue", "transfer_executable"),
    *("transfer_input_files", "transfer_output_files", "transfer_output_remaps", "should_transfer_files"),
    *("when_to_transfer_output", "environment", "initialdir", "ulog_execute_attrs"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Profiles:
    env: Mapping[str, str] = field(default_factory=dict)
    condor: Mapping[str, str] = field(default_factory=dict)
    dagman: Mapping[str, str] = field(default_factory=dict)
    pegasus: Mapping[str, str] = field(default_factory=dict)

    def over(self, lower: "Profiles") -> "Profiles":
        """These, and where they say nothing, those of `lower`."""
        return Profiles(
            env={**lower.env, **self.env},
            condor={**lower.condor, **self.condor},
            dagman={**lower.dagman, **self.dagman},
            pegasus={**lower.pegasus, **self.pegasus},
        )


def profiles(mistakes: Mistakes, document: Document, path: Path, value: Any) -> Profiles:
    """The profiles in a `profiles:` section."""
    if value is None:
        return Profiles()
    if not isinstance(value, dict):
        mistakes.add(document, path, "'profiles' has to be a list of `namespace: {key: value}` lines")
        return Profiles()
    found: dict[str, dict[str, str]] = {}
    for namespace, entries in value.items():
        here = (*path, str(namespace))
        if namespace in LATER_NAMESPACES:
            mistakes.unsupported(document, here, f"profiles of the namespace '{namespace}'")
        elif namespace not in NAMESPACES:
            said = f"'{namespace}' is no profile namespace{did_you_mean(str(namespace), NAMESPACES)}"
            mistakes.add(document, here, said)
        elif not isinstance(entries, dict):
            mistakes.add(document, here, f"'{namespace}' has to be a list of `key: value` lines")
        else:
            found[namespace] = _entries(mistakes, document, here, entries)
    pegasus = found.get("pegasus", {})
    if {"checkpoint.time", "maxwalltime"} <= pegasus.keys():
        at, most = float(pegasus["checkpoint.time"]), float(pegasus["maxwalltime"])
        if (most - at) * 60 < _LEAST_S:
            said = f"'checkpoint.time' ({at:g} min) has to be at least {_LEAST_S} s before 'maxwalltime' ({most:g} min)"
            mistakes.add(document, (*path, "pegasus", "checkpoint.time"), said)
    return Profiles(**found)


def _entries(mistakes: Mistakes, document: Document, path: Path, entries: dict[Any, Any]) -> dict[str, str]:
    found = {}
    for name, value in entries.items():
        here = (*path, str(name))
        text = _plain(value)
        if text is None or "\n" in text:
            mistakes.add(document, here, f"'{name}' cannot be {value!r}: a profile's value is one line of text")
            continue
        key = str(name) if path[-1] == "env" else str(name).lower()
        if said := wrong_profile(str(path[-1]), key, text, label_key=mistakes.label_key):
            mistakes.add(document, here, said)
        else:
            found[key] = text
    return found


def wrong_profile(namespace: str, key: str, text: str, *, label_key: str) -> str:
    """What is wrong with a profile, as a sentence; empty when nothing is."""
    match namespace:
        case "pegasus":
            if key == label_key:
                return "" if text else f"'{key}' cannot be empty"
            if key in LATER_PEGASUS_KEYS:
                return f"not supported yet: the pegasus profile '{key}'"
            if key not in PEGASUS_KEYS:
                return f"unknown pegasus profile '{key}'{did_you_mean(key, PEGASUS_KEYS)}"
            if key == "style":
                return "" if text == "condor" else f"not supported yet: the style '{text}'; Roost's is condor"
            if key in _WORDS:
                return ""
            if key in _NUMBERS:
                return "" if _is_seconds(text) else f"'{key}' cannot be '{text}': it has to be a number above zero"
            return "" if _is_count(text) else f"'{key}' cannot be '{text}': it has to be a whole number above zero"
        case "dagman":
            if key in LATER_DAGMAN_KEYS:
                return f"not supported yet: the dagman profile '{key}'"
            if key not in DAGMAN_KEYS:
                return f"unknown dagman profile '{key}'{did_you_mean(key, DAGMAN_KEYS)}"
            if key in ("retry", "priority") and not text.lstrip("-").isdigit():
                return f"'{key}' cannot be '{text}': it has to be a whole number"
            return ""
        case "condor":
            if key == "universe" and text != "vanilla":
                return f"not supported yet: the universe '{text}'; Roost's jobs are vanilla"
            return f"'{key}' is set by Roost and cannot be a condor profile" if key in OURS else ""
        case _:
            return ""


def _is_count(text: str) -> bool:
    return text.isdigit() and int(text) > 0


def _is_seconds(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None and float(text) > 0


def _plain(value: object) -> str | None:
    match value:
        case bool():
            return "True" if value else "False"
        case str() | int() | float():
            return str(value)
        case _:
            return None
