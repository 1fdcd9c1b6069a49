"""pure: a Pegasus 5 abstract workflow and its catalogs -> Workflow, with every mistake in it told at once.

In: parsed YAML and which files exist. Out: frozen values; nothing in them is unchecked. What Pegasus has and Roost
does not is an error that says so, never passed over.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from roost.workflow.abstract import EXECUTION_SITES, Job, Workflow
from roost.workflow.catalogs import site_profiles as read_site_profiles
from roost.workflow.graph import cycle_in, levels
from roost.workflow.hooks import hooks
from roost.workflow.metadata import metadata
from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.workflow.replicas import Replica, Replicas, read_replicas
from roost.workflow.sources import Sources
from roost.workflow.sub_reading import read_subs, require_own_results, with_document
from roost.workflow.task_reading import Tasks
from roost.workflow.transformations import Kind, Transformation
from roost.workflow.transformations import transformations as read_transformations
from roost.yaml_lines import Document, Path, did_you_mean

_CATALOGS = ("siteCatalog", "replicaCatalog", "transformationCatalog")
_WORKFLOW = frozenset({"name", "jobs", "jobDependencies", "profiles", "hooks", *_CATALOGS})
Opened = Callable[[PurePath], Document | None]  # of a file that is there
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def workflow(
    sources: Sources,
    is_file: Callable[[PurePath], bool],
    mistakes: Mistakes,
    *,
    opened: Opened = lambda _: None,
    around: tuple[PurePath, ...] = (),
    given: frozenset[str] = frozenset(),
) -> Workflow:
    """The workflow that `sources` describe. Raises UsageError with all of `mistakes` and its own.

    `opened` reads the file of a sub-workflow; `around` is the file of this one, `given` files that
    the workflow around it gives it.
    """
    found = read(sources, is_file, mistakes, opened=opened, around=around, given=given)
    if found.subs:
        require_own_results(mistakes, found)
    mistakes.finish()
    return replace(found, notes=mistakes.notes)


def read(
    sources: Sources,
    is_file: Callable[[PurePath], bool],
    mistakes: Mistakes,
    *,
    given: frozenset[str] = frozenset(),
    opened: Opened = lambda _: None,
    around: tuple[PurePath, ...] = (),
) -> Workflow:
    """As far as it can be made out; `mistakes` gets what is wrong. `given`: files that the workflow around it gives."""
    document = sources.workflow
    top = mistakes.table(document, (), document.value, known=_WORKFLOW)
    name = mistakes.word(document, (), top, "name")
    if name and not _NAME.fullmatch(name):
        mistakes.add(document, ("name",), f"'name' cannot be '{name}': letters, digits, '.', '_' and '-' only")
    replicas = Replicas(execution_sites=EXECUTION_SITES)
    for source in sources.replicas:
        read_replicas(mistakes, source, replicas)
    known: dict[str, Transformation] = {}
    for source in sources.transformations:
        known.update(read_transformations(mistakes, source, EXECUTION_SITES))
    of_site = Profiles()
    for source in sources.sites:
        of_site = read_site_profiles(mistakes, source, EXECUTION_SITES).over(of_site)

    shared = profiles(mistakes, document, ("profiles",), top.get("profiles")).over(sources.properties.profiles)
    lines = document.item_lines.get("jobs", ())
    tasks = Tasks(mistakes=mistakes, document=document, known=known, shared=shared, lines=lines)
    for number, entry in mistakes.numbered(document, ("jobs",), top.get("jobs")):
        tasks.add(number, entry)
    of_workflow = hooks(mistakes, document, ("hooks",), top.get("hooks"))
    if not top.get("jobs") and top:
        mistakes.add(document, ("jobs",), "a workflow without jobs")
    _drop_optional(tasks, replicas, is_file, given)
    first_checkpoints = _first_checkpoints(tasks, replicas, is_file)
    used = _inputs_found(tasks, replicas, is_file, given)
    _executables_found(tasks, is_file)
    parents = _parents(tasks, _told_parents(tasks, top))
    if tasks.subs:

        def inner(task: Job, file: PurePath) -> Workflow | None:
            document = opened(file)
            if document is None:
                return None
            mine = with_document(sources, document, file.parent)
            inputs = frozenset(task.inputs)
            return read(mine, is_file, mistakes, given=inputs, opened=opened, around=(*around, file))

        read_subs(tasks, replicas, sources, is_file, inner, around)
    return Workflow(
        name=name,
        source=document.source,
        jobs=tuple(tasks.found.values()),
        parents=parents,
        replicas=used,
        made_before=_made_before(tasks, replicas, is_file),
        transformations=known,
        site_profiles=of_site,
        retries=sources.properties.retries,
        dagman=sources.properties.dagman,
        throttles=sources.properties.throttles,
        label_key=mistakes.label_key,
        clusters_by_runtime=sources.properties.clusters_by_runtime,
        data=sources.properties.data,
        links_inputs=sources.properties.links_inputs,
        hooks=of_workflow,
        job_hooks=tasks.all_hooks(),
        metadata=metadata(mistakes, document, ("metadata",), top.get("metadata")),
        task_metadata=tasks.all_metadata(),
        checkpoints=tasks.checkpoints,
        first_checkpoints=first_checkpoints,
        subs=tasks.subs,
        given=given,
    )


def _drop_optional(
    tasks: Tasks, replicas: Replicas, is_file: Callable[[PurePath], bool], given: frozenset[str]
) -> None:
    """Optional inputs that nobody makes and that are nowhere: their tasks run without them."""
    for job_id, lfns in tasks.optional.items():
        others = {lfn for lfn in lfns if lfn not in tasks.producers and lfn not in given}
        nowhere = {lfn for lfn in others if not _is_there(replicas.get(lfn), is_file)}
        if nowhere and job_id in tasks.found:
            task = tasks.found[job_id]
            tasks.found[job_id] = task._replace(inputs=tuple(lfn for lfn in task.inputs if lfn not in nowhere))


def _is_there(where: Replica | None, is_file: Callable[[PurePath], bool]) -> bool:
    """As far as it can be known here."""
    return where is not None and bool(where.on_site or where.url or (where.local and is_file(where.local)))


def _first_checkpoints(tasks: Tasks, replicas: Replicas, is_file: Callable[[PurePath], bool]) -> Mapping[str, PurePath]:
    """What a replica catalog has for checkpoint files: Pegasus wants a placeholder there, and gives it to the task."""
    found: dict[str, PurePath] = {}
    for job_id, lfns in tasks.checkpoints.items():
        for lfn in lfns:
            where = replicas.get(lfn)
            if where is None or where.is_wrong:
                continue
            if where.local is not None and is_file(where.local):
                found[lfn] = where.local
            elif where.url or where.on_site:
                path = tasks.path_of(tasks.found[job_id], lfn)
                said = f"the checkpoint '{lfn}' at {where.url or where.on_site}; its replica is a file of this machine"
                tasks.mistakes.unsupported(tasks.document, path, said)
    return found


def _inputs_found(
    tasks: Tasks, replicas: Replicas, is_file: Callable[[PurePath], bool], given: frozenset[str]
) -> Mapping[str, Replica]:
    used: dict[str, Replica] = {}
    producers = tasks.producers
    for task in tasks.found.values():
        for lfn in task.inputs:
            if lfn in producers or lfn in used or lfn in given:
                continue
            where = replicas.get(lfn)
            if where is None:
                # of the first ones: to find a near name among 100,000 takes seconds
                words = did_you_mean(lfn, {**producers, **replicas.found}) if tasks.mistakes.count < _HELPED else ""
                said = f"'{lfn}' is used by '{task.id}', made by no job and in no replica catalog{words}"
                tasks.mistakes.add(tasks.document, tasks.path_of(task, lfn), said)
                continue
            used[lfn] = where
            if where.is_wrong or where.on_site or where.local is None or is_file(where.local):
                continue
            if where.url:
                used[lfn] = replace(where, local=None)
            else:
                said = f"the input file '{lfn}' is not there: {where.local} ({where.at})"
                tasks.mistakes.add(tasks.document, tasks.path_of(task, lfn), said)
    return used


def _made_before(tasks: Tasks, replicas: Replicas, is_file: Callable[[PurePath], bool]) -> Mapping[str, Replica]:
    """What a run need not make again. A replica that is not there any more only means that it is made."""
    found: dict[str, Replica] = {}
    checkpoints = {lfn for lfns in tasks.checkpoints.values() for lfn in lfns}
    for lfn in replicas.found.keys() & tasks.producers.keys() if replicas.found else ():
        where = replicas.found[lfn]
        if lfn in checkpoints:  # what a task begins with, not what it would make
            continue
        if where.on_site or (where.local is not None and is_file(where.local)):
            found[lfn] = where
        elif where.url:
            found[lfn] = replace(where, local=None)
    return found


def _executables_found(tasks: Tasks, is_file: Callable[[PurePath], bool]) -> None:
    known = tasks.known
    names = {task.transformation for task in tasks.found.values()} & set(known)
    required = {one for name in names for one in known[name].requires if one in known}
    for name in sorted(names | required):
        one = known[name]
        source, _, line = one.at.rpartition(":")
        if one.kind is Kind.STAGEABLE and not one.url and not is_file(one.pfn):
            tasks.mistakes.text(source, int(line), f"the executable of '{name}' is not there: {one.pfn}")
        image = one.container.local if one.container else None
        if one.container and image and not is_file(image):
            source, _, line = one.container.at.rpartition(":")
            tasks.mistakes.text(source, int(line), f"the image of '{one.container.name}' is not there: {image}")


def _told_parents(tasks: Tasks, top: dict[str, Any]) -> Mapping[str, dict[str, Path]]:
    """Of the section jobDependencies: a task's id: its parents' ids, and where that is said."""
    mistakes, document, found = tasks.mistakes, tasks.document, tasks.found
    told: dict[str, dict[str, Path]] = {}
    for number, entry in mistakes.numbered(document, ("jobDependencies",), top.get("jobDependencies")):
        here = ("jobDependencies", number)
        table = mistakes.table(document, here, entry, known=_DEPENDENCY)
        parent = table.get("id")
        if type(parent) is not str or not parent:
            parent = mistakes.word(document, here, table, "id")
        if parent and parent not in found:
            said = f"there is no job with the id '{parent}'{did_you_mean(parent, found)}"
            mistakes.add(document, (*here, "id"), said)
        children = table.get("children")
        listed = (
            enumerate(children)
            if type(children) is list
            else mistakes.numbered(document, (*here, "children"), children)
        )
        for place, item in listed:
            child = item if type(item) is str else str(item)
            if child not in found:
                said = f"there is no job with the id '{child}'{did_you_mean(child, found)}"
                mistakes.add(document, (*here, "children", place), said)
            elif parent in found:
                told.setdefault(child, {}).setdefault(parent, (number, place))
    return told


_HELPED = 10
_DEPENDENCY = frozenset({"id", "children"})


def _parents(tasks: Tasks, told: Mapping[str, dict[str, Path]]) -> Mapping[str, tuple[str, ...]]:
    """Each task's parents, by what is told and by its files. A cycle is a mistake, at one of its edges."""
    producers = tasks.producers
    found: dict[str, tuple[str, ...]] = {}
    for job_id, task in tasks.found.items():
        mine: dict[str, Any] = dict(told[job_id]) if job_id in told else {}
        for lfn in task.inputs:
            producer = producers.get(lfn)
            if producer is not None and producer != job_id:
                mine[producer] = None
        if mine:
            found[job_id] = tuple(mine)
    if levels(tuple(tasks.found), found) is None:
        cycle = cycle_in(tuple(tasks.found), found)
        parent, child = cycle[-2], cycle[-1]
        if parent in told.get(child, {}):
            number, place = told[child][parent]
            path: Path = ("jobDependencies", number, "children", place)
        else:
            lfn = next(lfn for lfn in tasks.found[child].inputs if producers.get(lfn) == parent)
            path = tasks.path_of(tasks.found[child], lfn)
        tasks.mistakes.add(tasks.document, path, f"jobs wait for each other: {' -> '.join(cycle)}")
    return found
