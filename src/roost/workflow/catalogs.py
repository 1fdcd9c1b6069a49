"""pure: what Pegasus catalogs have in common, and the site catalog.

In: parsed YAML, inline in the workflow or files of their own. Out: frozen values with absolute local paths.
Paths in a catalog may be relative: then they start where the catalog's file lies.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.yaml_lines import Document, Path, did_you_mean

NOWHERE = PurePath()  # of what a catalog names and does not say right: told once, where it is named
LOCAL = "local"  # Pegasus' name for the machine the workflow is planned on
SCHEMES = ("file", "http", "https", "ftp", "s3")  # of URLs that Roost can take files from
_SITE = ("name", "arch", "os.type", "os.release", "os.version", "directories", "profiles")
# S3 User Guide, "Bucket naming rules"; Pegasus has `user@host/` before the bucket, which a file of its own explains.
_OBJECT = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+")
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A catalog: `value` found at `path` of a document; relative paths in it start at `directory`."""

    document: Document
    path: Path
    value: Any
    directory: PurePath
    variables: Mapping[str, str] = field(default_factory=dict)  # the environment: what ${NAME} stands for


class Pfn(NamedTuple):
    """A physical file name: a path (absolute), or the URL of something that is not a file of this machine."""

    path: PurePath | None
    url: str


def pfn(mistakes: Mistakes, source: Source, at: Path, text: str, *, key: str = "pfn") -> Pfn | None:
    """None, and a mistake, for one that nobody here can follow."""
    unknown = [name for name in _VARIABLE.findall(text) if name not in source.variables]
    if unknown:
        said = f"'{text}': there is no environment variable {unknown[0]}{did_you_mean(unknown[0], source.variables)}"
        mistakes.add(source.document, (*at, key), said)
        return None
    text = _VARIABLE.sub(lambda found: source.variables[found[1]], text)
    scheme, colon, _ = text.partition("://")
    if colon and scheme not in SCHEMES:
        said = f"files at {scheme}://; Roost takes {', '.join(f'{one}://' for one in SCHEMES)}"
        mistakes.unsupported(source.document, (*at, key), said)
        return None
    if scheme == "s3" and not _OBJECT.fullmatch(text):
        mistakes.add(source.document, (*at, "pfn"), f"'{text}' names no object of S3: it has to be s3://BUCKET/KEY")
        return None
    if colon and scheme != "file":
        return Pfn(None, text)
    path = unquote(urlsplit(text).path) if text.startswith("file:") else text
    return Pfn(PurePath(os.path.normpath(source.directory / path)), "")


def site_profiles(mistakes: Mistakes, source: Source, execution_sites: tuple[str, ...]) -> Profiles:
    """The profiles of the site that jobs run on; other sites are checked and have no effect."""
    document = source.document
    found = Profiles()
    for path, entry in entries(mistakes, source, "sites"):
        table = mistakes.table(document, path, entry, known=_SITE, later=("grids",))
        here = profiles(mistakes, document, (*path, "profiles"), table.get("profiles"))
        if table.get("name") in execution_sites:
            found = here
    return found


def full_name(table: Mapping[str, Any]) -> str:
    """
    >>> full_name({"namespace": "ns", "name": "sort", "version": "1.0"}), full_name({"name": "sort"})
    ('ns::sort:1.0', 'sort')
    """
    namespace, version = table.get("namespace"), table.get("version")
    return (f"{namespace}::" if namespace else "") + str(table["name"]) + (f":{version}" if version else "")


def entries(mistakes: Mistakes, source: Source, key: str) -> Iterator[tuple[Path, Any]]:
    known = (key, "containers") if key == "transformations" else (key,)
    table = mistakes.table(source.document, source.path, source.value, known=known)
    return mistakes.items(source.document, (*source.path, key), table.get(key))
