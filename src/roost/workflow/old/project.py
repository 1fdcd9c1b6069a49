"""pure: the files of an old project -> the files of a Pegasus 5 project, what was said on the way, and all mistakes."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from roost.workflow.mistakes import Mistakes
from roost.workflow.old import dax, pegasus5, properties, rc_text, sites_xml, tc_columns, tc_text
from roost.workflow.old.findings import Findings, Note, gathered
from roost.workflow.old.kinds import Kind
from roost.workflow.old.parts import (
    AbstractWorkflow,
    Container,
    Job,
    NameParts,
    Replica,
    Site,
    Transformation,
    Use,
    name_text,
)
from roost.workflow.old.profiles import merged

WORKFLOW = "workflow.yml"
PROPERTIES = "pegasus.properties"


@dataclass(frozen=True, kw_only=True, slots=True)
class OldFile:
    name: str  # as it was typed
    path: PurePath  # absolute
    kind: Kind
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class NewFile:
    name: str
    text: str
    holds: str  # "4 jobs", ...
    is_workflow: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    files: tuple[NewFile, ...]
    notes: tuple[Note, ...]


@dataclass(slots=True)
class _Found:
    """What all files together say."""

    workflows: list[tuple[OldFile, AbstractWorkflow]] = field(default_factory=list)
    sites: dict[str, Site] = field(default_factory=dict)
    replicas: dict[str, Replica] = field(default_factory=dict)
    transformations: dict[NameParts, Transformation] = field(default_factory=dict)
    containers: dict[str, Container] = field(default_factory=dict)


def imported(old_files: Iterable[OldFile], *, to: PurePath) -> Imported:
    """Everything of `old_files` in today's form. Raises UsageError with all mistakes in all of them.

    `to` is the directory in which the new files will be: a workflow inside of a workflow is named by its path there.
    """
    files = list(old_files)
    mistakes, notes = Mistakes(), list[Note]()
    found = _Found()
    # The catalogs first: what a workflow says itself wins.
    for file in sorted(files, key=lambda file: file.kind is Kind.DAX):
        _read(file, found, Findings(file.name, mistakes, notes))
    names = _workflow_names(found)
    written = [
        NewFile(
            name=names[file.path],
            text=pegasus5.workflow_text(_complete(workflow, file, found, names, notes), about=_about([file.name])),
            holds=_many(len(workflow.jobs), "job"),
            is_workflow=True,
        )
        for file, workflow in found.workflows
    ]
    written += _catalogs(files, _with_inner_workflows(found, names, to))
    if found.workflows or any(file.kind is Kind.PROPERTIES for file in files):
        written.append(_properties(files, frozenset(_catalogs_of(found)), mistakes, notes))
    mistakes.finish()
    return Imported(files=tuple(written), notes=gathered(notes))


def _read(file: OldFile, found: _Found, findings: Findings) -> None:
    directory = file.path.parent
    match file.kind:
        case Kind.DAX:
            workflow = dax.read(file.data, findings, directory)
            found.workflows.append((file, workflow))
            _add_replicas(found, workflow.replicas)
            _add_transformations(found, workflow.transformations, findings)
        case Kind.SITES:
            for site in sites_xml.read(file.data, findings):
                if site.name in found.sites:
                    findings.note(
                        1, f"the site '{site.name}' is at {found.sites[site.name].at} too: that one is left out"
                    )
                found.sites[site.name] = site
        case Kind.TC_TEXT:
            transformations, containers = tc_text.read(_text(file, findings), findings, directory)
            _add_transformations(found, transformations, findings)
            found.containers.update({one.name: one for one in containers})
        case Kind.TC_COLUMNS:
            _add_transformations(found, tc_columns.read(_text(file, findings), findings, directory), findings)
        case Kind.REPLICAS:
            _add_replicas(found, rc_text.read(_text(file, findings), findings, directory))
        case Kind.PROPERTIES:
            pass  # last: they name the catalogs that were found


def _add_replicas(found: _Found, replicas: Iterable[Replica]) -> None:
    for one in replicas:
        known = found.replicas.get(one.lfn)
        if known is None:
            found.replicas[one.lfn] = one
            continue
        found.replicas[one.lfn] = replace(
            one,
            places=(*one.places, *(place for place in known.places if place not in one.places)),
            metadata={**known.metadata, **one.metadata},
        )


def _add_transformations(found: _Found, transformations: Iterable[Transformation], findings: Findings) -> None:
    """Entries of one name are one: a workflow can say what it requires, and a catalog where it is."""
    for one in transformations:
        known = found.transformations.get(one.name)
        if known is None:
            found.transformations[one.name] = one
            continue
        places = {place.site: place for place in known.places}
        for place in one.places:
            if place.site in places and places[place.site].pfn != place.pfn:
                other = f"{places[place.site].pfn} ({known.at})"
                said = f"'{name_text(one.name)}' at '{place.site}' is {place.pfn} now, not {other}"
                findings.note(_line(one.at), said)
            places[place.site] = place
        found.transformations[one.name] = replace(
            known,
            places=tuple(places.values()),
            requires=tuple(dict.fromkeys((*known.requires, *one.requires))),
            profiles=merged(known.profiles, one.profiles),
            metadata={**known.metadata, **one.metadata},
            hooks=(*known.hooks, *one.hooks),
        )


# Workflows, and workflows inside of them


def _workflow_names(found: _Found) -> Mapping[PurePath, str]:
    """The outermost workflow is workflow.yml; the others keep their names."""
    inner = {job.file for _, workflow in found.workflows for job in workflow.jobs if job.kind == "pegasusWorkflow"}
    inner_paths = {
        PurePath(pfn.removeprefix("file://")).name
        for lfn in inner
        if lfn in found.replicas
        for _, pfn in found.replicas[lfn].places
    }
    outer = [file for file, _ in found.workflows if file.path.name not in inner | inner_paths]
    names = {file.path: WORKFLOW for file in outer} if len(outer) == 1 else {}
    taken = Counter(names.values())
    for file, _ in found.workflows:
        if file.path in names:
            continue
        stem = re.sub(r"\.(dax|xml)$", "", file.path.name)
        taken[stem] += 1
        names[file.path] = f"{stem}.yml" if taken[stem] == 1 else f"{stem}-{taken[stem]}.yml"
    return names


def _inner_file(lfn: str, found: _Found, names: Mapping[PurePath, str]) -> str:
    """The new name of the workflow that `lfn` is, where it is imported too."""
    pfns = [pfn for _, pfn in found.replicas[lfn].places] if lfn in found.replicas else [lfn]
    for path, name in names.items():
        if any(str(path) == pfn.removeprefix("file://") or path.name == PurePath(pfn).name for pfn in pfns):
            return name
    return ""


def _with_inner_workflows(found: _Found, names: Mapping[PurePath, str], to: PurePath) -> _Found:
    """The replicas of inner workflows are the imported ones."""
    for _, workflow in found.workflows:
        for job in workflow.jobs:
            if job.kind == "pegasusWorkflow" and (name := _inner_file(job.file, found, names)):
                found.replicas.pop(job.file, None)
                found.replicas[name] = Replica(lfn=name, places=(("local", str(to / name)),), at=job.at)
    return found


def _complete(
    workflow: AbstractWorkflow, file: OldFile, found: _Found, names: Mapping[PurePath, str], notes: list[Note]
) -> AbstractWorkflow:
    """What a job needs because of its transformation, and what a transformation needs because of a job."""
    jobs = []
    for job in workflow.jobs:
        line = _line(job.at)
        if job.kind == "pegasusWorkflow":
            name = _inner_file(job.file, found, names)
            if not name:
                said = f"the inner workflow '{job.file}' is not among the files: import it with them, or write it anew"
                notes.append(Note(source=file.name, line=line, said=said))
            job = replace(job, file=name or job.file)
        known = {use.lfn for use in job.uses}
        data = [lfn for lfn in workflow.data_of.get(job.name, ()) if lfn not in known]
        job = replace(job, uses=(*job.uses, *(Use(lfn=lfn, link="input") for lfn in data)))
        _require(job, found, file, notes)
        jobs.append(job)
    return replace(workflow, jobs=tuple(jobs))


def _require(job: Job, found: _Found, file: OldFile, notes: list[Note]) -> None:
    """An executable that a job uses besides its own is required by its transformation: so it comes along."""
    transformation = found.transformations.get(job.name)
    for other in job.executables:
        if transformation is None or other in transformation.requires:
            continue
        said = f"the transformation '{name_text(job.name)}' requires '{name_text(other)}' now: a job of it uses it"
        notes.append(Note(source=file.name, line=_line(job.at), said=said))
        transformation = replace(transformation, requires=(*transformation.requires, other))
        found.transformations[job.name] = transformation


# Catalogs and properties


def _catalogs_of(found: _Found) -> Mapping[str, object]:
    every = {"site": found.sites, "transformation": found.transformations, "replica": found.replicas}
    return {name: entries for name, entries in every.items() if entries}


def _catalogs(files: list[OldFile], found: _Found) -> list[NewFile]:
    written = []
    from_dax = [Kind.DAX] if found.workflows else []
    if found.sites:
        about = _about(_named(files, Kind.SITES))
        text = pegasus5.sites_text(found.sites.values(), about=about)
        written.append(NewFile(name="sites.yml", text=text, holds=_many(len(found.sites), "site")))
    if found.transformations:
        about = _about(_named(files, Kind.TC_TEXT, Kind.TC_COLUMNS, *from_dax))
        every = found.transformations.values()
        text = pegasus5.transformations_text(every, found.containers.values(), about=about)
        written.append(NewFile(name="transformations.yml", text=text, holds=_many(len(every), "transformation")))
    if found.replicas:
        about = _about(_named(files, Kind.REPLICAS, *from_dax))
        text = pegasus5.replicas_text(found.replicas.values(), about=about)
        written.append(NewFile(name="replicas.yml", text=text, holds=_many(len(found.replicas), "file")))
    return written


def _properties(
    files: list[OldFile], imported_catalogs: frozenset[str], mistakes: Mistakes, notes: list[Note]
) -> NewFile:
    lines: list[str] = []
    sources = [file for file in files if file.kind is Kind.PROPERTIES]
    for file in sources:
        findings = Findings(file.name, mistakes, notes)
        lines += properties.read(_text(file, findings), findings, imported_catalogs)
    lines = lines or ["pegasus.data.configuration = condorio"]
    about = "written by roost import" + (f" from {_about([file.name for file in sources])}" if sources else "")
    text = "".join(f"{line}\n" for line in (f"# {about}", *dict.fromkeys(lines)))
    return NewFile(name=PROPERTIES, text=text, holds=_many(len(lines), "property"))


def _named(files: list[OldFile], *kinds: Kind) -> list[str]:
    return [file.name for file in files if file.kind in kinds]


def _about(names: list[str]) -> str:
    shown = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return shown.replace("\n", " ")


def _many(number: int, what: str) -> str:
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{number} {what if number == 1 else plural}"


def _line(at: str) -> int:
    number = at.rpartition(":")[2]
    return int(number) if number.isdigit() else 1


def _text(file: OldFile, findings: Findings) -> str:
    try:
        return file.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = file.data[: error.start].count(b"\n") + 1
        findings.wrong(line, "this is not text in UTF-8")
        return ""
