"""shell (files): reads a workflow, its properties and its catalogs.

The catalogs are sections of the workflow, or files beside it under Pegasus' usual names, or where
`pegasus.properties` says.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path, PurePath

from roost.block_yaml import NotBlockStyle, parse_block_yaml
from roost.errors import NotFoundError, UsageError
from roost.workflow.abstract import Workflow
from roost.workflow.catalogs import Source
from roost.workflow.collection import uncollected
from roost.workflow.expansion import expanded
from roost.workflow.mistakes import Mistakes
from roost.workflow.properties import CATALOGS, Properties, read_properties
from roost.workflow.reading import workflow
from roost.workflow.sources import Sources
from roost.yaml_lines import Document, parse_yaml


def load(path: Path, more_replicas: Iterable[Path] = ()) -> Workflow:
    """The workflow in `path`, checked. Its own replicas win over those of `more_replicas`.

    Raises NotFoundError, or UsageError with every mistake in all of its files.
    """
    if not path.is_file():
        raise NotFoundError(f"there is no workflow {path}", "name a Pegasus 5 workflow.yml")
    with uncollected():
        try:
            return _load(path, tuple(more_replicas), parse_block_yaml)
        except NotBlockStyle:
            return _load(path, tuple(more_replicas), parse_yaml)


def _load(path: Path, more_replicas: tuple[Path, ...], parse_text: Callable[[str, str], Document]) -> Workflow:
    mistakes = Mistakes()

    def parse(text: str, source: str) -> Document:
        return parse_text(expanded(mistakes, text, source, os.environ), source)

    properties_path = path.with_name("pegasus.properties")
    properties = Properties()
    if properties_path.is_file():
        properties = read_properties(mistakes, _text(properties_path), str(properties_path))
    mistakes.label_key = properties.label_key
    document = parse(_text(path), str(path))
    found = {section: _catalog(path, section, properties, parse) for section in CATALOGS}
    inline = document.value if isinstance(document.value, dict) else {}
    for section, sources in found.items():
        if section in inline:
            sources.append(_source(path, document, section))

    def opened(file: PurePath) -> Document | None:
        here = Path.cwd()
        shown = file.relative_to(here) if file.is_relative_to(here) else file
        return parse(_text(Path(file)), str(shown))

    return workflow(
        Sources(
            workflow=document,
            replicas=(*(_file(one, parse) for one in more_replicas), *found["replicaCatalog"]),
            transformations=tuple(found["transformationCatalog"]),
            sites=tuple(found["siteCatalog"]),
            properties=properties,
            variables=os.environ,
        ),
        is_file,
        mistakes,
        opened=opened,
        around=(PurePath(path.absolute()),),
    )


def is_file(path: PurePath) -> bool:
    return Path(path).is_file()


def _catalog(path: Path, section: str, properties: Properties, parse: Callable[[str, str], Document]) -> list[Source]:
    usual, named = CATALOGS[section]
    file = path.parent / properties.catalogs.get(named, usual)
    if not file.is_file():
        if named in properties.catalogs:
            raise NotFoundError(f"pegasus.properties names the catalog {file}, which is not there", f"edit {named}")
        return []
    return [_file(file, parse)]


def _file(path: Path, parse: Callable[[str, str], Document]) -> Source:
    return _source(path, parse(_text(path), str(path)))


def _source(path: Path, document: Document, section: str | None = None) -> Source:
    """A catalog: all of a document, or a section of the workflow."""
    directory, variables = PurePath(path.absolute().parent), os.environ
    if section is None:
        return Source(document=document, path=(), value=document.value, directory=directory, variables=variables)
    value = document.value[section]
    return Source(document=document, path=(section,), value=value, directory=directory, variables=variables)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}:1: this is not text: {error.reason}", f"edit {path}") from error
