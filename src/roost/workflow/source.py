"""shell (files): reads a workflow, its properties and its catalogs.

The catalogs are sections of the workflow, or files beside it under Pegasus' usual names, or where
`pegasus.properties` says.
"""

import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from roost.block_yaml import NotBlockStyle, parse_block_yaml
from roost.errors import NotFoundError, UsageError
from roost.workflow.abstract import DEFAULT_RETRIES, Workflow
from roost.workflow.catalogs import Source
from roost.workflow.collection import uncollected
from roost.workflow.mistakes import Mistakes
from roost.workflow.reading import Sources, workflow
from roost.yaml_lines import Document, did_you_mean, parse_yaml

CATALOGS = {  # section of a workflow: (file beside it, property that names another file)
    "replicaCatalog": ("replicas.yml", "pegasus.catalog.replica.file"),
    "transformationCatalog": ("transformations.yml", "pegasus.catalog.transformation.file"),
    "siteCatalog": ("sites.yml", "pegasus.catalog.site.file"),
}
_PROPERTIES = (
    *(name for _, name in CATALOGS.values()),
    *("pegasus.data.configuration", "pegasus.mode", "dagman.retry", "pegasus.metrics", "pegasus.monitord.encoding"),
    *("pegasus.clusterer.label.key", "pegasus.clusterer.preference", "pegasus.clusterer.job.aggregator"),
    *("pegasus.clusterer.job.aggregator.seqexec.firstjobfail", "pegasus.clusterer.allow.single"),
)
_FIXED = {  # what a job of several tasks does, whatever properties say
    "pegasus.clusterer.job.aggregator.seqexec.firstjobfail": "true",
    "pegasus.clusterer.allow.single": "false",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Properties:
    catalogs: dict[str, str] = field(default_factory=dict)  # property: file
    retries: int = DEFAULT_RETRIES
    label_key: str = "label"
    clusters_by_runtime: bool = False


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


def _load(path: Path, more_replicas: tuple[Path, ...], parse: Callable[[str, str], Document]) -> Workflow:
    mistakes = Mistakes()
    properties_path = path.with_name("pegasus.properties")
    properties = Properties()
    if properties_path.is_file():
        properties = _properties(mistakes, _text(properties_path), str(properties_path))
    mistakes.label_key = properties.label_key
    document = parse(_text(path), str(path))
    found = {section: _catalog(path, section, properties, parse) for section in CATALOGS}
    inline = document.value if isinstance(document.value, dict) else {}
    for section, sources in found.items():
        if section in inline:
            directory = path.absolute().parent
            sources.append(
                Source(
                    document=document,
                    path=(section,),
                    value=inline[section],
                    directory=PurePath(directory),
                    variables=os.environ,
                )
            )
    return workflow(
        Sources(
            workflow=document,
            replicas=(*(_source(one, parse) for one in more_replicas), *found["replicaCatalog"]),
            transformations=tuple(found["transformationCatalog"]),
            sites=tuple(found["siteCatalog"]),
            retries=properties.retries,
            clusters_by_runtime=properties.clusters_by_runtime,
        ),
        is_file,
        mistakes,
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
    return [_source(file, parse)]


def _source(file: Path, parse: Callable[[str, str], Document]) -> Source:
    document = parse(_text(file), str(file))
    directory = PurePath(file.absolute().parent)
    return Source(document=document, path=(), value=document.value, directory=directory, variables=os.environ)


def _properties(mistakes: Mistakes, text: str, source: str) -> Properties:
    catalogs: dict[str, str] = {}
    retries = DEFAULT_RETRIES
    label_key, by_runtime = "label", False
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        key, value = (*(word.strip() for word in re.split(r"[=:]", line, maxsplit=1)), "")[:2]
        if key not in _PROPERTIES:
            words = did_you_mean(key, _PROPERTIES)
            mistakes.text(source, number, f"not supported yet: the property '{key}'{words}")
        elif key == "pegasus.data.configuration" and value != "condorio":
            said = f"not supported yet: the data configuration '{value}'; Roost's is condorio"
            mistakes.text(source, number, said)
        elif key in (named for _, named in CATALOGS.values()):
            catalogs[key] = value
        elif key == "dagman.retry":
            if value.isdigit():
                retries = int(value)
            else:
                mistakes.text(source, number, f"'dagman.retry' cannot be '{value}': it has to be a whole number")
        elif key == "pegasus.mode" and value in ("development", "debug"):
            retries = 0
        elif key == "pegasus.clusterer.label.key":
            label_key = value.lower()
        elif key == "pegasus.clusterer.preference":
            by_runtime = value.lower() == "runtime"
        elif key == "pegasus.clusterer.job.aggregator" and value != "seqexec":
            said = f"not supported yet: the job aggregator '{value}'; a job's tasks run one after another (seqexec)"
            mistakes.text(source, number, said)
        elif key in _FIXED and value.lower() != _FIXED[key]:
            mistakes.text(source, number, f"not supported yet: '{key}' cannot be '{value}'; it is {_FIXED[key]}")
    return Properties(catalogs=catalogs, retries=retries, label_key=label_key, clusters_by_runtime=by_runtime)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}:1: this is not text: {error.reason}", f"edit {path}") from error
