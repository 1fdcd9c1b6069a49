"""pure: Pegasus' transformation catalog: the executables of tasks, and the containers that they run in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from roost.workflow.catalogs import LOCAL, NOWHERE, Source, entries, full_name, pfn
from roost.workflow.containers import Container, containers
from roost.workflow.hooks import Hook, hooks
from roost.workflow.metadata import Metadata, metadata
from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.workflow.replicas import sha256_of
from roost.yaml_lines import Path, did_you_mean

_SITE = (
    *("name", "pfn", "type", "bypass", "arch", "os.type", "os.release", "os.version", "profiles"),
    *("container", "metadata"),
)


class Kind(StrEnum):
    INSTALLED = "installed"  # on the image
    STAGEABLE = "stageable"  # sent along with each job


@dataclass(frozen=True, kw_only=True, slots=True)
class Transformation:
    """An executable. `pfn` is a path on the image when it is installed, on this machine when it is stageable."""

    name: str  # namespace::name:version, as far as they are given
    kind: Kind
    pfn: PurePath
    requires: tuple[str, ...]
    profiles: Profiles
    at: str
    container: Container | None = None
    url: str = ""  # of a stageable one that is not a file of this machine
    sha256: str = ""  # of the file at `url`; empty: nobody says
    hooks: tuple[Hook, ...] = ()  # of each of its tasks
    metadata: Metadata = field(default_factory=dict)  # the same

    @property
    def file_name(self) -> str:
        """How it is called beside the job when it is sent along: by its logical name, as in Pegasus."""
        return re.sub(r"[^A-Za-z0-9._+-]+", "-", self.name)


class _Place(NamedTuple):
    kind: Kind
    pfn: PurePath
    profiles: Profiles
    at: str
    url: str = ""
    container: str = ""


def transformations(
    mistakes: Mistakes, source: Source, execution_sites: tuple[str, ...]
) -> Mapping[str, Transformation]:
    found: dict[str, Transformation] = {}
    document = source.document
    requires: list[tuple[Path, str]] = []
    known = containers(mistakes, source, execution_sites)
    for path, entry in entries(mistakes, source, "transformations"):
        table = mistakes.table(
            *(document, path, entry),
            known=("namespace", "name", "version", "sites", "requires", "profiles", "checksum", "hooks"),
        )
        if not mistakes.word(document, path, table, "name"):
            continue
        name = full_name(table)
        needs = tuple(str(one) for _, one in mistakes.items(document, (*path, "requires"), table.get("requires")))
        requires += [((*path, "requires", number), one) for number, one in enumerate(needs)]
        own = profiles(mistakes, document, (*path, "profiles"), table.get("profiles"))
        if name in found:
            mistakes.add(document, path, f"the transformation '{name}' is there twice; it is also at {found[name].at}")
            continue
        place = _place(mistakes, source, path, table, known, execution_sites)
        container = known.get(place.container)
        found[name] = Transformation(
            name=name,
            kind=place.kind,
            pfn=place.pfn,
            requires=needs,
            profiles=place.profiles.over(own).over(container.profiles if container else Profiles()),
            at=place.at,
            container=container,
            url=place.url,
            sha256=sha256_of(mistakes, document, path, table),
            hooks=hooks(mistakes, document, (*path, "hooks"), table.get("hooks")),
            metadata=metadata(mistakes, document, (*path, "metadata"), table.get("metadata")),
        )
    for at_path, one in requires:
        if one not in found:
            mistakes.add(document, at_path, f"requires '{one}', which is no transformation{did_you_mean(one, found)}")
    return found


def _place(
    mistakes: Mistakes,
    source: Source,
    path: Path,
    table: Mapping[str, Any],
    known: Mapping[str, Container],
    execution_sites: tuple[str, ...],
) -> _Place:
    """Where to take a transformation from: what the image has before what has to be sent.

    What is wrong with it is noted; then it still has a place, so that jobs that name it are no mistakes as well.
    """
    document, before = source.document, mistakes.count
    found: list[_Place] = []
    for at, entry in mistakes.items(document, (*path, "sites"), table.get("sites")):
        place = mistakes.table(document, at, entry, known=_SITE)
        kind = mistakes.word(document, at, place, "type")
        text = mistakes.word(document, at, place, "pfn")
        own = profiles(mistakes, document, (*at, "profiles"), place.get("profiles"))
        here = document.at((*at, "pfn"))
        container = str(place.get("container") or "")
        if container and container not in known:
            said = f"unknown container '{container}'{did_you_mean(container, known)}"
            mistakes.add(document, (*at, "container"), said)
        if kind and kind not in list(Kind):
            mistakes.add(document, (*at, "type"), f"'type' cannot be '{kind}'{did_you_mean(kind, list(Kind))}")
        elif kind == Kind.INSTALLED and text and (container or place.get("name") != LOCAL):
            installed = PurePath(unquote(urlsplit(text).path) if text.startswith("file:") else text)
            if installed.is_absolute():
                found.append(_Place(Kind.INSTALLED, installed, own, here, "", container))
            else:
                said = f"'pfn' cannot be '{text}': an installed transformation has an absolute path on the image"
                mistakes.add(document, (*at, "pfn"), said)
        elif kind == Kind.STAGEABLE and text and (where := pfn(mistakes, source, at, text)):
            found.append(_Place(Kind.STAGEABLE, where.path or NOWHERE, own, here, where.url, container))
    if not found and mistakes.count == before:
        said = (
            f"'{table['name']}' is installed at the site '{LOCAL}' alone, where no job runs; name {execution_sites[0]}"
        )
        mistakes.add(document, path, said if table.get("sites") else f"'{table['name']}' has no site")
    nowhere = _Place(Kind.INSTALLED, NOWHERE, Profiles(), document.at(path))
    return min(found, key=lambda place: place.kind is not Kind.INSTALLED, default=nowhere)
