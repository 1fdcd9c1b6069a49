"""pure: which of the old formats a file is in: by what it says, not by what it is called."""

import re
from enum import StrEnum

from roost.workflow.old import tc_columns
from roost.workflow.old.xml_lines import root_name


class Kind(StrEnum):
    DAX = "workflow (DAX)"
    SITES = "site catalog (XML)"
    TC_TEXT = "transformation catalog (text)"
    TC_COLUMNS = "transformation catalog (columns)"
    REPLICAS = "replica catalog (text)"
    PROPERTIES = "properties"


_ROOTS = {"adag": Kind.DAX, "sitecatalog": Kind.SITES, "site": Kind.SITES}
_PROPERTY = re.compile(r"(pegasus|condor|dagman|env|globus|hints|selector|vds|wrangler)\.[^\s=:]+\s*[=:\s]")
_BLOCK = re.compile(r"(tr|cont)\s+[^\s{}\"]+\s*\{?\s*$|(tr|cont)\s+[^\s{}\"]+\s*\{", re.IGNORECASE)
_BEGINNING = 100_000  # characters
_LINES = 200  # enough to tell what a file is


def kind_of(data: bytes) -> Kind | None:
    """None for what is in no old format.

    >>> kind_of(b"# sites\\nf.a file:///f.a pool=local\\n"), kind_of(b"tr sort {\\n"), kind_of(b"hello")
    (<Kind.REPLICAS: 'replica catalog (text)'>, <Kind.TC_TEXT: 'transformation catalog (text)'>, None)
    """
    is_utf16 = data[:2] in (b"\xff\xfe", b"\xfe\xff")
    text = data.decode("utf-16" if is_utf16 else "utf-8-sig", "replace")
    if text.lstrip().startswith("<"):
        return _ROOTS.get(root_name(text[:_BEGINNING].encode()))
    lines = [line.strip() for line in text.splitlines()]
    said = [line for line in lines if line and line[0] not in "#!"][:_LINES]
    if not said:
        return None
    if _BLOCK.match(said[0]):
        return Kind.TC_TEXT
    if _PROPERTY.match(said[0] + " "):
        return Kind.PROPERTIES
    words = said[0].split()
    if len(words) >= 4 and words[3].upper() in tc_columns.TYPES:
        return Kind.TC_COLUMNS
    if _is_replica(said[0]):
        return Kind.REPLICAS
    return None


def kind_named(name: str) -> Kind | None:
    """What a file that says nothing, or is wrong from its first line on, is by its name.

    >>> kind_named("rc.data"), kind_named("tc.txt"), kind_named("notes.txt")
    (<Kind.REPLICAS: 'replica catalog (text)'>, <Kind.TC_TEXT: 'transformation catalog (text)'>, None)
    """
    lower = name.lower()
    if lower.endswith((".dax", "dax.xml")):
        return Kind.DAX
    if lower.startswith("sites") and ".xml" in lower:
        return Kind.SITES
    if lower.endswith(".properties") or lower in ("pegasusrc", ".pegasusrc", "pegasus.conf"):
        return Kind.PROPERTIES
    stem, _, ending = lower.rpartition(".")
    if stem in ("rc", "replicas", "replica") and ending in _ENDINGS:
        return Kind.REPLICAS
    if stem in ("tc", "transformations", "transformation") and ending in _ENDINGS:
        return Kind.TC_TEXT
    return None


def is_of_today(data: bytes) -> bool:
    """Is it a workflow or a catalog of Pegasus 5?

    >>> is_of_today(b"x-pegasus: {apiLang: python}\\npegasus: '5.0'"), is_of_today(b"f.a file:///f.a site=local")
    (True, False)
    """
    return re.search(rb"^(x-)?pegasus\s*:", data[:_BEGINNING], re.MULTILINE) is not None


_ENDINGS = ("txt", "text", "data", "dat")


def _is_replica(line: str) -> bool:
    words = line.split()
    return len(words) >= 2 and (line.startswith('"') or "://" in words[1] or words[1].startswith("/") or "=" in line)
