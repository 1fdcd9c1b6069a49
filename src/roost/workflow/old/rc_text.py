"""pure: the text of a replica catalog (`lfn pfn key="value" ...`) -> [Replica].

After the state table in Pegasus' `SimpleFile.java`: a word that has white space, `=`, quotes or backslashes in it
stands in quotes, with backslashes before quotes and backslashes.
"""

import re
from pathlib import PurePath

from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Replica
from roost.workflow.old.paths import absolute

_SITE = ("site", "pool")  # Pegasus 1 to 3 said pool
_WORD = r'"(?:[^"\\]|\\.)*"|[^\s="\\]+'
_PART = re.compile(rf"\s*(?:(?P<key>[^\s=\"\\/]+)=(?P<value>{_WORD})|(?P<word>{_WORD}))(?=\s|$)")
_ESCAPE = re.compile(r"\\(.)")


def read(text: str, findings: Findings, directory: PurePath) -> tuple[Replica, ...]:
    """Entries of the same lfn are one with several places, in the order of the file."""
    found: dict[str, Replica] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        replica = _entry(line, findings, number, directory)
        if replica is None:
            continue
        known = found.get(replica.lfn)
        if known is None:
            found[replica.lfn] = replica
            continue
        found[replica.lfn] = Replica(
            lfn=replica.lfn,
            places=(*known.places, *(place for place in replica.places if place not in known.places)),
            metadata={**known.metadata, **replica.metadata},
            sha256=replica.sha256 or known.sha256,
            is_regex=known.is_regex or replica.is_regex,
            at=known.at,
        )
    return tuple(found.values())


def _entry(line: str, findings: Findings, number: int, directory: PurePath) -> Replica | None:
    words: list[str] = []
    attributes: dict[str, str] = {}
    position = 0
    line = line.rstrip()
    while position < len(line):
        part = _PART.match(line, position)
        if part is None:
            findings.wrong(number, f"'{line[position:].strip()}' is not understood: {_reason(line[position:])}")
            return None
        position = part.end()
        if part["word"] is None:
            attributes[part["key"]] = _unquoted(part["value"])
        elif attributes or len(words) == 2:
            findings.wrong(number, f"'{part['word']}' is one word too many: a line is lfn pfn key=\"value\" ...")
            return None
        else:
            words.append(_unquoted(part["word"]))
    if len(words) < 2:
        findings.wrong(number, f"'{' '.join(words)}' has no physical file name: a line is lfn pfn key=\"value\" ...")
        return None
    return _replica(findings, number, (words[0], words[1]), attributes, directory)


def _replica(
    findings: Findings, number: int, words: tuple[str, str], attributes: dict[str, str], directory: PurePath
) -> Replica:
    lfn, pfn = words
    site = next((attributes[word] for word in _SITE if attributes.get(word)), "")
    if not site:
        site = "local" if "://" not in pfn or pfn.startswith("file:") else "nonlocal"
        findings.note(number, f"'{lfn}' has no site: '{site}' is written")
    metadata = {
        key: value
        for key, value in attributes.items()
        if key not in (*_SITE, "regex", "checksum.type", "checksum.value", "sha256")
    }
    return Replica(
        lfn=lfn,
        places=((site, absolute(pfn, directory)),),
        metadata=metadata,
        sha256=_sha256(findings, number, attributes),
        is_regex=attributes.get("regex", "").lower() == "true",
        at=findings.at(number),
    )


def _sha256(findings: Findings, number: int, attributes: dict[str, str]) -> str:
    value = attributes.get("checksum.value") or attributes.get("sha256", "")
    kind = attributes.get("checksum.type", "sha256")
    if value and kind != "sha256":
        findings.note(number, f"the checksum of the type '{kind}' is left out: Pegasus 5 knows sha256")
        return ""
    return value


def _unquoted(word: str) -> str:
    return _ESCAPE.sub(r"\1", word[1:-1]) if word.startswith('"') else word


def _reason(rest: str) -> str:
    text = rest.strip()
    if text.startswith('"') or '="' in text:
        return "a quote is not closed, or something follows it without a space"
    return "a word with '=', a quote or a backslash in it stands in quotes"
