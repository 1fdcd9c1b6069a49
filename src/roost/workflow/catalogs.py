"""pure: Pegasus catalogs: replicas, transformations, sites.

In: parsed YAML, inline in the workflow or files of their own. Out: frozen values with absolute local paths.
Paths in a catalog may be relative: then they start where the catalog's file lies.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.yaml_lines import Document, Path, Place, did_you_mean

NOWHERE = PurePath()  # of what a catalog names and does not say right: told once, where it is named
LOCAL = "local"  # Pegasus' name for the machine the workflow is planned on
_TRANSFORMATION_SITE = ("name", "pfn", "type", "bypassStaging", "arch", "os.type", "os.release", "os.version")
_SITE = ("name", "arch", "os.type", "os.release", "os.version", "directories", "profiles")


class Kind(StrEnum):
    INSTALLED = "installed"  # on the image
    STAGEABLE = "stageable"  # sent along with each job


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """A catalog: `value` found at `path` of a document; relative paths in it start at `directory`."""

    document: Document
    path: Path
    value: Any
    directory: PurePath


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    lfn: str
    local: PurePath
    at: Place | str  # file:line of the catalog entry


@dataclass(frozen=True, kw_only=True, slots=True)
class Transformation:
    """An executable. `pfn` is a path on the image when it is installed, on this machine when it is stageable."""

    name: str  # namespace::name:version, as far as they are given
    kind: Kind
    pfn: PurePath
    requires: tuple[str, ...]
    profiles: Profiles
    at: str

    @property
    def file_name(self) -> str:
        """How it is called beside the job when it is sent along: by its logical name, as in Pegasus."""
        return re.sub(r"[^A-Za-z0-9._+-]+", "-", self.name)


def replicas(mistakes: Mistakes, source: Source) -> Mapping[str, Replica]:
    found: dict[str, Replica] = {}
    for path, entry in _entries(mistakes, source, "replicas"):
        document = source.document
        table = mistakes.table(document, path, entry, known=("lfn", "pfns", "checksum"), later=("regex",))
        lfn = mistakes.word(document, path, table, "lfn")
        if lfn and not table.get("pfns"):
            mistakes.add(document, path, f"'{lfn}' has no pfns: it does not say where the file is")
        for at, pfn in mistakes.items(document, (*path, "pfns"), table.get("pfns")):
            place = mistakes.table(document, at, pfn, known=("site", "pfn"))
            if place.get("site", LOCAL) != LOCAL:
                mistakes.unsupported(
                    document, (*at, "site"), f"a replica at the site '{place['site']}'; Roost's: local"
                )
                continue
            local = _local_path(mistakes, source, at, mistakes.word(document, at, place, "pfn"))
            if lfn and local and lfn not in found:
                found[lfn] = Replica(lfn=lfn, local=local, at=Place(document, (*at, "pfn")))
        if lfn:
            found.setdefault(lfn, Replica(lfn=lfn, local=NOWHERE, at=Place(document, path)))
    return found


def transformations(mistakes: Mistakes, source: Source) -> Mapping[str, Transformation]:
    found: dict[str, Transformation] = {}
    document = source.document
    requires: list[tuple[Path, str]] = []
    for path, entry in _entries(mistakes, source, "transformations"):
        table = mistakes.table(
            *(document, path, entry),
            known=("namespace", "name", "version", "sites", "requires", "profiles"),
            later=("hooks",),
        )
        if not mistakes.word(document, path, table, "name"):
            continue
        name = full_name(table)
        needs = tuple(str(one) for _, one in mistakes.items(document, (*path, "requires"), table.get("requires")))
        requires += [((*path, "requires", number), one) for number, one in enumerate(needs)]
        own = profiles(mistakes, document, (*path, "profiles"), table.get("profiles"))
        if name in found:
            mistakes.add(document, path, f"the transformation '{name}' is there twice; it is also at {found[name].at}")
        else:
            kind, pfn, of_site, at = _place(mistakes, source, path, table)
            found[name] = Transformation(
                name=name, kind=kind, pfn=pfn, requires=needs, profiles=of_site.over(own), at=at
            )
    for at_path, one in requires:
        if one not in found:
            mistakes.add(document, at_path, f"requires '{one}', which is no transformation{did_you_mean(one, found)}")
    return found


def site_profiles(mistakes: Mistakes, source: Source, execution_site: str) -> Profiles:
    """The profiles of the site that jobs run on; other sites are checked and have no effect."""
    document = source.document
    found = Profiles()
    for path, entry in _entries(mistakes, source, "sites"):
        table = mistakes.table(document, path, entry, known=_SITE, later=("grids",))
        here = profiles(mistakes, document, (*path, "profiles"), table.get("profiles"))
        if table.get("name") == execution_site:
            found = here
    return found


def full_name(table: Mapping[str, Any]) -> str:
    """
    >>> full_name({"namespace": "ns", "name": "sort", "version": "1.0"}), full_name({"name": "sort"})
    ('ns::sort:1.0', 'sort')
    """
    namespace, version = table.get("namespace"), table.get("version")
    return (f"{namespace}::" if namespace else "") + str(table["name"]) + (f":{version}" if version else "")


def _entries(mistakes: Mistakes, source: Source, key: str) -> Iterator[tuple[Path, Any]]:
    later = ("containers",) if key == "transformations" else ()
    table = mistakes.table(source.document, source.path, source.value, known=(key,), later=later)
    return mistakes.items(source.document, (*source.path, key), table.get(key))


def _place(
    mistakes: Mistakes, source: Source, path: Path, table: Mapping[str, Any]
) -> tuple[Kind, PurePath, Profiles, str]:
    """Where to take a transformation from: what the image has before what has to be sent.

    What is wrong with it is noted; then it still has a place, so that jobs that name it are no mistakes as well.
    """
    document, before = source.document, mistakes.count
    found: list[tuple[Kind, PurePath, Profiles, str]] = []
    for at, entry in mistakes.items(document, (*path, "sites"), table.get("sites")):
        place = mistakes.table(
            document, at, entry, known=(*_TRANSFORMATION_SITE, "profiles"), later=("container", "hooks")
        )
        kind = mistakes.word(document, at, place, "type")
        pfn = mistakes.word(document, at, place, "pfn")
        own = profiles(mistakes, document, (*at, "profiles"), place.get("profiles"))
        if kind and kind not in list(Kind):
            mistakes.add(document, (*at, "type"), f"'type' cannot be '{kind}'{did_you_mean(kind, list(Kind))}")
        elif kind == Kind.INSTALLED and pfn and place.get("name") != LOCAL:
            installed = PurePath(unquote(urlsplit(pfn).path) if pfn.startswith("file:") else pfn)
            if installed.is_absolute():
                found.append((Kind.INSTALLED, installed, own, document.at((*at, "pfn"))))
            else:
                said = f"'pfn' cannot be '{pfn}': an installed transformation has an absolute path on the image"
                mistakes.add(document, (*at, "pfn"), said)
        elif kind == Kind.STAGEABLE and pfn and (local := _local_path(mistakes, source, at, pfn)):
            found.append((Kind.STAGEABLE, local, own, document.at((*at, "pfn"))))
    if not found and mistakes.count == before:
        said = f"'{table['name']}' is installed at the site '{LOCAL}' alone, where no job runs; name condorpool"
        mistakes.add(document, path, said if table.get("sites") else f"'{table['name']}' has no site")
    nowhere = (Kind.INSTALLED, NOWHERE, Profiles(), document.at(path))
    return min(found, key=lambda place: place[0] is not Kind.INSTALLED, default=nowhere)


def _local_path(mistakes: Mistakes, source: Source, at: Path, pfn: str) -> PurePath | None:
    """A path on this machine from a physical file name: a path, or a file: URL."""
    if not pfn:
        return None
    scheme, _, rest = pfn.partition("://")
    if rest and scheme != "file":
        mistakes.unsupported(source.document, (*at, "pfn"), f"files at {scheme}://; Roost takes files of this machine")
        return None
    if "${" in pfn:
        mistakes.unsupported(source.document, (*at, "pfn"), f"variables in '{pfn}'")
        return None
    path = unquote(urlsplit(pfn).path) if pfn.startswith("file:") else pfn
    return PurePath(os.path.normpath(source.directory / path))
