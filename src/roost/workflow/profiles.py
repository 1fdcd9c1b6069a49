"""pure: Pegasus profiles: what a job asks of its environment, HTCondor, DAGMan and the planner.

Pegasus' manual, "Profiles"; what is made of each key is said by the tables of `treatments`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from roost.workflow.mistakes import Mistakes
from roost.workflow.treatments import PROFILES, SITES, How, names, of_profile
from roost.yaml_lines import Document, Path, did_you_mean

NAMESPACES = ("env", "condor", "dagman", "pegasus")  # those that a job is made of
_NUMBERS = ("runtime", "clusters.maxruntime", "checkpoint.time", "maxwalltime")  # need not be whole
_COUNTS = ("cores", "memory", "diskspace", "gpus", "clusters.num", "clusters.size")
_LEAST_S = 10  # from SIGTERM to `maxwalltime`, as Pegasus
# (namespace, key): the values that say what Roost does anyway
_SAME = {
    ("pegasus", "style"): ("condor",),
    ("pegasus", "job.aggregator"): ("seqexec",),
    ("pegasus", "gridstart"): ("kickstart", "pegasuslite"),
    ("pegasus", "data.configuration"): ("condorio",),
    ("dagman", "post"): ("pegasus-exitcode", "none"),
    ("condor", "universe"): ("vanilla", "container"),
    ("selector", "execution.site"): SITES,
    ("hints", "execution.site"): SITES,
}


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


class Judged(NamedTuple):
    """A profile is honoured where neither is said."""

    wrong: str = ""
    note: str = ""  # it has no effect


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
        if namespace not in PROFILES:
            said = f"'{namespace}' is no profile namespace{did_you_mean(str(namespace), PROFILES)}"
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
    return Profiles(**{namespace: found[namespace] for namespace in NAMESPACES if namespace in found})


def _entries(mistakes: Mistakes, document: Document, path: Path, entries: dict[Any, Any]) -> dict[str, str]:
    found = {}
    for name, value in entries.items():
        here = (*path, str(name))
        text = _plain(value)
        if text is None or "\n" in text:
            mistakes.add(document, here, f"'{name}' cannot be {value!r}: a profile's value is one line of text")
            continue
        key = str(name) if path[-1] == "env" else str(name).lower()
        judgement = judged(str(path[-1]), key, text, label_key=mistakes.label_key)
        if judgement.wrong:
            mistakes.add(document, here, judgement.wrong)
        elif judgement.note:
            mistakes.note(document, here, judgement.note)
        else:
            found[key] = text
    return found


def judged(namespace: str, key: str, text: str, *, label_key: str) -> Judged:
    """
    >>> judged("pegasus", "ppn", "2", label_key="label").note
    "the pegasus profile 'ppn' has no effect: it is for schedulers other than HTCondor"
    """
    if namespace == "pegasus" and key == label_key:
        return Judged("" if text else f"'{key}' cannot be empty")
    found = of_profile(namespace, key)
    if found is None:
        said = f"unknown {namespace} profile '{key}'{did_you_mean(key, names(PROFILES[namespace], How.HONOURED))}"
        return Judged(said)
    what = f"the {namespace} profile '{key}'"
    match found.how:
        case How.REFUSED:
            return Judged(found.sentence(what))
        case How.NO_EFFECT:
            return Judged("", found.sentence(what))
        case How.HONOURED:
            return Judged(_wrong_value(namespace, key, text))


def _wrong_value(namespace: str, key: str, text: str) -> str:
    same = _SAME.get((namespace, key))
    if same is not None and text.lower() not in same:
        return f"not supported yet: the {namespace} profile '{key}' cannot be '{text}'; it is {' or '.join(same)}"
    if namespace == "pegasus" and key in _NUMBERS:
        return "" if _is_above_zero(text) else f"'{key}' cannot be '{text}': it has to be a number above zero"
    if namespace == "pegasus" and key in _COUNTS:
        return "" if _is_count(text) else f"'{key}' cannot be '{text}': it has to be a whole number above zero"
    if namespace == "dagman" and key in ("retry", "priority") and not text.lstrip("-").isdigit():
        return f"'{key}' cannot be '{text}': it has to be a whole number"
    return ""


def _is_count(text: str) -> bool:
    return text.isdigit() and int(text) > 0


def _is_above_zero(text: str) -> bool:
    return re.fullmatch(r"\d+(\.\d+)?", text) is not None and float(text) > 0


def _plain(value: object) -> str | None:
    match value:
        case bool():
            return "True" if value else "False"
        case str() | int() | float():
            return str(value)
        case _:
            return None
