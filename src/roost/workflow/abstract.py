"""pure: a Pegasus 5 abstract workflow and its catalogs -> Workflow, with every mistake in it told at once.

In: parsed YAML and which files exist. Out: frozen values; nothing in them is unchecked. What Pegasus has and Roost
does not (sub-workflows, containers, clustering, ...) is an error that says so, never passed over.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from roost.workflow.catalogs import NOWHERE, Kind, Replica, Source, Transformation, full_name
from roost.workflow.catalogs import replicas as read_replicas
from roost.workflow.catalogs import site_profiles as read_site_profiles
from roost.workflow.catalogs import transformations as read_transformations
from roost.workflow.graph import cycle_in
from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.yaml_lines import Document, Path, did_you_mean

EXECUTION_SITE = "condorpool"  # Pegasus' usual name for a pool's execution points
DEFAULT_RETRIES = 1  # as pegasus.mode=production

_WORKFLOW = ("name", "jobs", "jobDependencies", "profiles", "siteCatalog", "replicaCatalog", "transformationCatalog")
_JOB = ("type", "name", "namespace", "version", "id", "nodeLabel", "arguments", "stdin", "stdout", "stderr", "uses")
_USE = ("lfn", "type", "stageOut", "registerReplica", "bypassStaging", "optional", "size")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# What would be cut in two by HTCondor's lists of files, by its submit language or by DAGMan's.
_NOT_IN_LFN = re.compile(r"[\x00-\x1f\x7f,;=\"'\\$*?]")


class UseKind(StrEnum):
    INPUT = "input"
    OUTPUT = "output"


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """A file of a job, by its logical file name."""

    lfn: str
    kind: UseKind
    stage_out: bool = False  # an output that its user wants to have
    optional: bool = False  # an output that the job may leave out


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    id: str
    transformation: str
    arguments: tuple[str, ...]
    uses: tuple[Use, ...]
    stdin: str | None
    stdout: str | None
    stderr: str | None
    profiles: Profiles
    at: str  # file:line

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(use.lfn for use in self.uses if use.kind is UseKind.INPUT)

    @property
    def outputs(self) -> tuple[Use, ...]:
        return tuple(use for use in self.uses if use.kind is UseKind.OUTPUT)


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """An abstract workflow that can be planned: no cycle, one producer a file, every input found."""

    name: str
    source: str
    jobs: tuple[Job, ...]
    edges: tuple[tuple[str, str], ...]  # (parent's id, child's id); those of the file and those of the data
    replicas: Mapping[str, Replica]  # of the files that jobs use
    transformations: Mapping[str, Transformation]
    site_profiles: Profiles
    retries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Sources:
    """What was read. Later catalogs win over earlier ones: a workflow's own sections come last."""

    workflow: Document
    replicas: tuple[Source, ...]
    transformations: tuple[Source, ...]
    sites: tuple[Source, ...]
    retries: int = DEFAULT_RETRIES


def workflow(sources: Sources, is_file: Callable[[PurePath], bool], mistakes: Mistakes) -> Workflow:
    """The workflow that `sources` describe. Raises UsageError with all of `mistakes` and its own."""
    document = sources.workflow
    top = mistakes.table(document, (), document.value, known=_WORKFLOW, later=("hooks",))
    name = mistakes.word(document, (), top, "name")
    if name and not _NAME.fullmatch(name):
        mistakes.add(document, ("name",), f"'name' cannot be '{name}': letters, digits, '.', '_' and '-' only")
    replicas: dict[str, Replica] = {}
    for source in sources.replicas:
        replicas.update(read_replicas(mistakes, source))
    known: dict[str, Transformation] = {}
    for source in sources.transformations:
        known.update(read_transformations(mistakes, source))
    of_site = Profiles()
    for source in sources.sites:
        of_site = read_site_profiles(mistakes, source, EXECUTION_SITE).over(of_site)

    shared = profiles(mistakes, document, ("profiles",), top.get("profiles"))
    jobs = tuple(_jobs(mistakes, document, top, known, shared))
    if not top.get("jobs") and top:
        mistakes.add(document, ("jobs",), "a workflow without jobs")
    producers = _producers(mistakes, document, top, jobs)
    used = _inputs_found(mistakes, document, top, jobs, producers, replicas, is_file)
    _executables_found(mistakes, jobs, known, is_file)
    edges = _edges(mistakes, document, top, jobs, producers)
    mistakes.finish()
    return Workflow(
        name=name,
        source=document.source,
        jobs=jobs,
        edges=edges,
        replicas=used,
        transformations=known,
        site_profiles=of_site,
        retries=sources.retries,
    )


def _jobs(
    mistakes: Mistakes, document: Document, top: dict[str, Any], known: Mapping[str, Transformation], shared: Profiles
) -> Iterator[Job]:
    seen: dict[str, Path] = {}
    for path, entry in mistakes.items(document, ("jobs",), top.get("jobs")):
        if isinstance(entry, dict) and entry.get("type", "job") in ("pegasusWorkflow", "condorWorkflow"):
            mistakes.unsupported(document, path, f"sub-workflows ('{entry['type']}')")
            continue
        table = mistakes.table(document, path, entry, known=(*_JOB, "profiles"), later=("hooks",))
        if table.get("type", "job") != "job":
            mistakes.add(document, (*path, "type"), f"'type' cannot be '{table['type']}'{_types(str(table['type']))}")
        name, job_id = mistakes.word(document, path, table, "name"), mistakes.word(document, path, table, "id")
        if is_twice := job_id in seen:
            said = f"the id '{job_id}' is there twice; it is also on line {document.line(seen[job_id])}"
            mistakes.add(document, (*path, "id"), said)
        if not name:
            continue
        if (transformation := full_name(table)) not in known:
            said = f"unknown transformation '{transformation}'{did_you_mean(transformation, known)}"
            mistakes.add(document, (*path, "name"), said)
        # What else is wrong with it is told now; the graph is one of jobs that can be told apart.
        job = _job(mistakes, document, path, table, shared, known)
        if job_id and not is_twice:
            seen[job_id] = (*path, "id")
            yield job


def _types(word: str) -> str:
    return did_you_mean(word, ("job", "pegasusWorkflow", "condorWorkflow"))


def _job(
    mistakes: Mistakes,
    document: Document,
    path: Path,
    table: dict[str, Any],
    shared: Profiles,
    known: Mapping[str, Transformation],
) -> Job:
    name = full_name(table)
    uses = {use.lfn: use for use in _uses(mistakes, document, path, table)}
    streams: dict[str, str | None] = {}
    for stream in ("stdin", "stdout", "stderr"):
        lfn = mistakes.word(document, path, table, stream) if table.get(stream) is not None else None
        streams[stream] = lfn
        kind = UseKind.INPUT if stream == "stdin" else UseKind.OUTPUT
        if lfn and (said := _wrong_lfn(lfn)):
            mistakes.add(document, (*path, stream), said)
        elif lfn and uses.setdefault(lfn, Use(lfn=lfn, kind=kind, stage_out=kind is UseKind.OUTPUT)).kind is not kind:
            said = f"'{stream}' is '{lfn}', which the job uses as its {uses[lfn].kind}"
            mistakes.add(document, (*path, stream), said)
    if transformation := known.get(name):
        staged = (known[one] for one in (name, *transformation.requires) if one in known)
        for one in staged:
            if one.kind is Kind.STAGEABLE and one.file_name in uses:
                said = f"the file '{one.file_name}' and the executable of '{one.name}' would have one name in the job"
                mistakes.add(document, path, said)
    own = profiles(mistakes, document, (*path, "profiles"), table.get("profiles"))
    return Job(
        id=str(table["id"]),
        transformation=name,
        arguments=_arguments(mistakes, document, path, table, frozenset(uses)),
        uses=tuple(uses.values()),
        profiles=own.over(shared),
        at=document.at(path),
        **streams,
    )


def _uses(mistakes: Mistakes, document: Document, path: Path, table: dict[str, Any]) -> Iterator[Use]:
    seen: dict[str, Path] = {}
    for at, entry in mistakes.items(document, (*path, "uses"), table.get("uses")):
        use = mistakes.table(document, at, entry, known=_USE, later=("forPlanning", "noSubWorkflow"))
        lfn, kind = mistakes.word(document, at, use, "lfn"), mistakes.word(document, at, use, "type")
        if not lfn or not kind:
            continue
        if kind in ("checkpoint", "inout"):
            mistakes.unsupported(document, (*at, "type"), f"files of the type '{kind}'")
        elif kind not in list(UseKind):
            mistakes.add(document, (*at, "type"), f"'type' cannot be '{kind}'{did_you_mean(kind, list(UseKind))}")
        elif said := _wrong_lfn(lfn):
            mistakes.add(document, (*at, "lfn"), said)
        elif lfn in seen:
            mistakes.add(document, at, f"the job uses '{lfn}' twice; it is also on line {document.line(seen[lfn])}")
        elif kind == UseKind.INPUT and use.get("optional"):
            mistakes.unsupported(document, (*at, "optional"), "optional inputs")
        else:
            seen[lfn] = at
            yield Use(
                lfn=lfn,
                kind=UseKind(kind),
                stage_out=kind == UseKind.OUTPUT and bool(use.get("stageOut", True)),
                optional=bool(use.get("optional")),
            )


def _wrong_lfn(lfn: str) -> str:
    """
    >>> _wrong_lfn("a b/c.txt"), _wrong_lfn("../x")
    ('', "the file name '../x' has to stay below the job's directory")
    """
    if found := _NOT_IN_LFN.search(lfn):
        return f"not supported yet: {found[0]!r} in the file name {lfn!r}"
    if lfn.startswith("/") or lfn.endswith("/") or any(part in ("", ".", "..") for part in lfn.split("/")):
        return f"the file name '{lfn}' has to stay below the job's directory"
    return ""


def _arguments(
    mistakes: Mistakes, document: Document, path: Path, table: dict[str, Any], lfns: frozenset[str]
) -> tuple[str, ...]:
    """The words of the command line. As in Pegasus a shell's quotes count; the name of a file is one word as it is."""
    words: list[str] = []
    for at, item in mistakes.items(document, (*path, "arguments"), table.get("arguments")):
        if isinstance(item, bool) or not isinstance(item, str | int | float):
            mistakes.add(document, at, f"an argument cannot be {item!r}: write it in quotes")
        elif str(item) in lfns:
            words.append(str(item))
        else:
            try:
                words += shlex.split(str(item)) or [""] * (str(item) == "")
            except ValueError as error:
                mistakes.add(document, at, f"an argument cannot be {item!r}: {str(error).lower()}")
    return tuple(words)


def _producers(mistakes: Mistakes, document: Document, top: dict[str, Any], jobs: tuple[Job, ...]) -> Mapping[str, Job]:
    found: dict[str, Job] = {}
    for job in jobs:
        for use in job.outputs:
            if use.lfn in found:
                path = _path_of(top, job, use.lfn)
                said = f"'{use.lfn}' is made by two jobs: '{found[use.lfn].id}' ({found[use.lfn].at}) and '{job.id}'"
                mistakes.add(document, path, said)
            found.setdefault(use.lfn, job)
    return found


def _inputs_found(
    mistakes: Mistakes,
    document: Document,
    top: dict[str, Any],
    jobs: tuple[Job, ...],
    producers: Mapping[str, Job],
    replicas: Mapping[str, Replica],
    is_file: Callable[[PurePath], bool],
) -> Mapping[str, Replica]:
    used: dict[str, Replica] = {}
    for job in jobs:
        for lfn in job.inputs:
            if lfn in producers or lfn in used:
                continue
            if lfn not in replicas:
                words = did_you_mean(lfn, {**producers, **replicas})
                said = f"'{lfn}' is used by '{job.id}', made by no job and in no replica catalog{words}"
                mistakes.add(document, _path_of(top, job, lfn), said)
            elif replicas[lfn].local == NOWHERE:
                continue
            elif not is_file(replicas[lfn].local):
                where = replicas[lfn]
                said = f"the input file '{lfn}' is not there: {where.local} ({where.at})"
                mistakes.add(document, _path_of(top, job, lfn), said)
                used[lfn] = where
            else:
                used[lfn] = replicas[lfn]
    return used


def _executables_found(
    mistakes: Mistakes,
    jobs: tuple[Job, ...],
    known: Mapping[str, Transformation],
    is_file: Callable[[PurePath], bool],
) -> None:
    names = {job.transformation for job in jobs} & set(known)
    required = {one for name in names for one in known[name].requires if one in known}
    for name in sorted(names | required):
        one = known[name]
        if one.kind is Kind.STAGEABLE and not is_file(one.pfn):
            source, _, line = one.at.rpartition(":")
            mistakes.text(source, int(line), f"the executable of '{name}' is not there: {one.pfn}")


def _edges(
    mistakes: Mistakes, document: Document, top: dict[str, Any], jobs: tuple[Job, ...], producers: Mapping[str, Job]
) -> tuple[tuple[str, str], ...]:
    ids = {job.id: job for job in jobs}
    edges: dict[tuple[str, str], Path | tuple[Job, str]] = {}
    for at, entry in mistakes.items(document, ("jobDependencies",), top.get("jobDependencies")):
        table = mistakes.table(document, at, entry, known=("id", "children"))
        parent = mistakes.word(document, at, table, "id")
        for place, child in mistakes.items(document, (*at, "children"), table.get("children")):
            for word, where in ((parent, (*at, "id")), (str(child), place)):
                if word and word not in ids:
                    mistakes.add(document, where, f"there is no job with the id '{word}'{did_you_mean(word, ids)}")
            if parent in ids and str(child) in ids:
                edges.setdefault((parent, str(child)), place)
    for job in jobs:
        for lfn in job.inputs:
            if lfn in producers and producers[lfn].id != job.id:
                edges.setdefault((producers[lfn].id, job.id), (job, lfn))
    if cycle := cycle_in(tuple(ids), tuple(edges)):
        closing = edges[(cycle[-2], cycle[-1])]
        if closing and isinstance(closing[0], Job):
            closing = _path_of(top, closing[0], str(closing[1]))
        mistakes.add(document, closing, f"jobs wait for each other: {' -> '.join(cycle)}")
    return tuple(edges)


def _path_of(top: dict[str, Any], job: Job, lfn: str) -> Path:
    """Where the document says that `job` uses `lfn`."""
    for number, entry in enumerate(top["jobs"]):
        if isinstance(entry, dict) and str(entry.get("id")) == job.id:
            for index, use in enumerate(entry.get("uses") or []):
                if isinstance(use, dict) and str(use.get("lfn")) == lfn:
                    return ("jobs", number, "uses", index)
            return ("jobs", number)
    return ("jobs",)
