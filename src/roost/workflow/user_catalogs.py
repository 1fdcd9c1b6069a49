"""shell (files): a user's workflow and catalogs as they were written, before anything in them is judged.

What `source.load` checks whole and plans from is here read entry by entry: for `roost catalogs`, which also takes a
directory without a workflow, and files with mistakes.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roost.errors import NotFoundError, UsageError
from roost.workflow.catalog_entries import Catalog, Catalogs, Entry, by_name, tables
from roost.workflow.needs import Needs, Outline, TransformationName, needs, outline
from roost.workflow.pool_catalogs import Beside, file_url
from roost.workflow.properties import CATALOGS, property_lines
from roost.yaml_lines import Document, parse_yaml

_SECTIONS = {"siteCatalog": Catalog.SITES, "transformationCatalog": Catalog.TRANSFORMATIONS}
_SECTIONS |= {"replicaCatalog": Catalog.REPLICAS}
_INPUTS = ("", "input", "inputs", "data")  # where people keep them
_PROGRAMS = ("bin", "tools", "scripts", "")


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogFile:
    """A catalog: a file of its own, or a section of the workflow."""

    catalog: Catalog
    document: Document
    section: str  # "": the whole document
    directory: Path

    @property
    def value(self) -> object:
        whole = self.document.value
        return whole.get(self.section) if self.section and isinstance(whole, dict) else whole


@dataclass(frozen=True, kw_only=True, slots=True)
class UserFiles:
    directory: Path
    workflow: Document | None
    catalogs: tuple[CatalogFile, ...]
    properties: dict[str, str]

    @property
    def needs(self) -> Needs:
        return needs(self.workflow.value) if self.workflow else Needs()

    @property
    def outline(self) -> Outline:
        found = self.entries
        places = (place for one in found.transformations.values() for place in tables(one.get("sites")))
        more = (*found.transformations.values(), *found.sites.values(), *places)
        return outline(self.workflow.value if self.workflow else None, (one.get("profiles") for one in more))

    @property
    def entries(self) -> Catalogs:
        """Later files win over earlier ones: a workflow's own sections come last."""
        sites: dict[str, Entry] = {}
        transformations: dict[str, Entry] = {}
        containers: dict[str, Entry] = {}
        replicas: dict[str, Entry] = {}
        for file in self.catalogs:
            sites |= by_name(file.value, "sites")
            transformations |= _absolute(by_name(file.value, "transformations"), "sites", file.directory)
            containers |= by_name(file.value, "containers")
            replicas |= _absolute(by_name(file.value, "replicas", key="lfn"), "pfns", file.directory)
        return Catalogs(
            sites=sites,
            transformations=transformations,
            containers=containers,
            replicas=replicas,
            properties=self.properties,
        )


def read(directory: Path, workflow: Path | None) -> UserFiles:
    """Raises NotFoundError where `workflow` is not there, UsageError for what is no YAML."""
    if workflow is not None and not workflow.is_file():
        raise NotFoundError(f"there is no workflow {workflow}", "name a Pegasus 5 workflow.yml")
    beside = directory / Catalog.PROPERTIES
    properties = {key: line.value for key, line in property_lines(_text(beside)).items()} if beside.is_file() else {}
    files = []
    for section, (usual, named) in CATALOGS.items():
        path = directory / properties.get(named, usual)
        if path.is_file():
            document = parse_yaml(_text(path), str(path))
            files.append(
                CatalogFile(catalog=_SECTIONS[section], document=document, section="", directory=path.absolute().parent)
            )
    whole = parse_yaml(_text(workflow), str(workflow)) if workflow else None
    if whole is not None and isinstance(whole.value, dict):
        files += [
            CatalogFile(catalog=catalog, document=whole, section=section, directory=directory.absolute())
            for section, catalog in _SECTIONS.items()
            if section in whole.value
        ]
    return UserFiles(directory=directory, workflow=whole, catalogs=tuple(files), properties=properties)


def beside(files: UserFiles, wanted: Needs) -> Beside:
    """What of a workflow's inputs and programs lies in its directory, under the names it uses."""
    root = files.directory.absolute()
    inputs = {lfn: str(path) for lfn in wanted.inputs if (path := _first(root, _INPUTS, lfn)) is not None}
    programs: dict[TransformationName, str] = {}
    for one in wanted.transformations:
        path = _first(root, _PROGRAMS, one.name)
        if path is not None and path.stat().st_mode & 0o111:
            programs[one] = str(path)
    return Beside(programs=programs, inputs=inputs)


def program_names(files: UserFiles) -> list[str]:
    """The programs that the user's transformation catalog names."""
    return [str(one.get("name")) for one in files.entries.transformations.values()]


def _absolute(entries: dict[str, Entry], places: str, directory: Path) -> dict[str, Entry]:
    """The same, wherever they are written to: relative paths start where the catalog lies."""
    return {
        name: {**entry, places: [_placed(one, directory) for one in tables(entry[places])]}
        if places in entry
        else entry
        for name, entry in entries.items()
    }


def _placed(place: dict[str, Any], directory: Path) -> dict[str, Any]:
    """
    >>> _placed({"site": "local", "pfn": "tools/x"}, Path("/w")), _placed({"pfn": "s3://b/k"}, Path("/w"))
    ({'site': 'local', 'pfn': 'file:///w/tools/x'}, {'pfn': 's3://b/k'})
    """
    pfn = place.get("pfn")
    is_relative = isinstance(pfn, str) and pfn and not pfn.startswith(("/", "file:", "${")) and "://" not in pfn
    return {**place, "pfn": file_url(os.path.normpath(directory / str(pfn)))} if is_relative else place


def _first(root: Path, directories: tuple[str, ...], name: str) -> Path | None:
    return next((path for one in directories if (path := root / one / name).is_file()), None)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}:1: this is not text: {error.reason}", f"edit {path}") from error
