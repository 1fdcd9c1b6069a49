"""pure: the transformation catalog of Pegasus 1 to 3, a line each -> [Transformation].

`site  namespace::name:version  pfn  TYPE  ARCH::OS  profiles`, with `null` for what is not said. After Pegasus' own
`catalog/transformation/File.java` and `ProfileParser.java`.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from roost.workflow.old import profiles as profile
from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Place, Profiles, System, Transformation
from roost.workflow.old.paths import absolute
from roost.workflow.old.systems import system_of_sysinfo
from roost.workflow.old.tc_text import parsed_name
from roost.yaml_lines import did_you_mean

TYPES = ("INSTALLED", "STATIC_BINARY", "DYNAMIC_BINARY", "SCRIPT", "STAGEABLE", "SOURCE", "PACMAN_PACKAGE", "NULL")
_NOT_RUNNABLE = ("SOURCE", "PACMAN_PACKAGE")
_PAIR = re.compile(
    r'\s*(?:(?P<namespace>[A-Za-z]+)::)?\s*(?P<key>[^\s,;:="\\]+)\s*=\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^,;"]*))'
    r"\s*(?P<end>[,;]|$)"
)
_ESCAPE = re.compile(r"\\(.)")


def read(text: str, findings: Findings, directory: PurePath) -> tuple[Transformation, ...]:
    """One transformation a name, with a place for each line of it."""
    found: dict[str, Transformation] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split(maxsplit=5)
        if not words or words[0].startswith("#"):
            continue
        if len(words) < 4:
            findings.wrong(number, f"'{line.strip()}' has too few columns: site, name, pfn, type, system, profiles")
            continue
        place = _place(findings, number, words, directory)
        if place is None:
            continue
        known = found.get(words[1])
        found[words[1]] = Transformation(
            name=parsed_name(words[1]),
            places=(*(known.places if known else ()), place),
            at=known.at if known else findings.at(number),
        )
    return tuple(found.values())


def _place(findings: Findings, number: int, words: list[str], directory: PurePath) -> Place | None:
    site, name, pfn, kind, sysinfo, text = (*words, *["null"] * (6 - len(words)))
    if kind.upper() not in TYPES:
        said = f"the type of '{name}' cannot be '{kind}'{did_you_mean(kind.upper(), TYPES)}"
        findings.wrong(number, f"{said}; the columns are: site, name, pfn, type, system, profiles")
        return None
    if kind.upper() in _NOT_RUNNABLE:
        findings.note(
            number, f"'{name}' at '{site}' is left out: a {kind.upper()} was to be built first, which no planner does"
        )
        return None
    if kind.upper() in ("DYNAMIC_BINARY", "SCRIPT"):
        findings.note(number, f"the type {kind.upper()} is written as stageable: the file is sent along with the job")
    return Place(
        site=site,
        pfn=absolute(pfn, directory),
        is_installed=kind.upper() in ("INSTALLED", "NULL"),
        system=System() if sysinfo.lower() == "null" else system_of_sysinfo(findings, number, sysinfo),
        profiles=_profiles(findings, number, text.strip()),
    )


def _profiles(findings: Findings, number: int, text: str) -> Profiles:
    if text.lower() == "null":
        return {}
    found: profile.Gathered = {}
    for namespace, key, value in _pairs(findings, number, text):
        profile.add(found, findings, number, namespace, key, value)
    return profile.finished(found)


def _pairs(findings: Findings, number: int, text: str) -> Iterator[tuple[str, str, str]]:
    """`env::A="1",B="2";condor::universe=vanilla`"""
    namespace, position = "", 0
    while position < len(text):
        pair = _PAIR.match(text, position)
        if pair is None or not (pair["namespace"] or namespace):
            said = f"the profiles '{text[position:]}' are not understood"
            said += ': they are namespace::key="value",key="value";...'
            findings.wrong(number, said)
            return
        namespace = pair["namespace"] or namespace
        value = _ESCAPE.sub(r"\1", pair["quoted"]) if pair["quoted"] is not None else pair["plain"].strip()
        yield namespace, pair["key"], value
        if pair["end"] == ";":
            namespace = ""
        position = pair.end()
