"""pure: tasks that are workflows themselves: their files are read, as far as they are there, and have to fit.

A sub-workflow inherits all catalogs of the workflow around it; the sections in its own file win. (Pegasus hands on
those of files, and of what is within a workflow the replica catalog.)
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import PurePath

from roost.workflow.abstract import Job, SubKind, Workflow
from roost.workflow.catalogs import Source
from roost.workflow.mistakes import Mistakes
from roost.workflow.replicas import Replicas
from roost.workflow.sources import Sources
from roost.workflow.task_reading import Tasks
from roost.workflow.transformations import Kind
from roost.yaml_lines import Document

SECTIONS = {"replicaCatalog": "replicas", "transformationCatalog": "transformations", "siteCatalog": "sites"}


def with_document(sources: Sources, document: Document, directory: PurePath) -> Sources:
    """What a sub-workflow is read from: `sources` of the workflow around it, and the sections in `document`."""
    inline = document.value if isinstance(document.value, dict) else {}
    own: dict[str, tuple[Source, ...]] = {}
    for section, name in SECTIONS.items():
        above: tuple[Source, ...] = getattr(sources, name)
        here = Source(
            document=document,
            path=(section,),
            value=inline.get(section),
            directory=directory,
            variables=sources.variables,
        )
        own[section] = (*above, here) if section in inline else above
    replicas, transformations, sites = (own[section] for section in SECTIONS)
    return replace(sources, workflow=document, replicas=replicas, transformations=transformations, sites=sites)


def read_subs(
    tasks: Tasks,
    replicas: Replicas,
    sources: Sources,
    is_file: Callable[[PurePath], bool],
    inner: Callable[[Job, PurePath], Workflow | None],
    around: tuple[PurePath, ...],
) -> None:
    """Changes `tasks`: `inner` reads those whose files are there. `around`: this file and those above."""
    for job_id, sub in tasks.subs.items():
        task = tasks.found[job_id]
        if sub.file in tasks.producers:
            continue
        where = replicas.get(sub.file)
        if where is None or where.is_wrong:
            continue  # that it is nowhere was told; or it comes from the workflow around this one
        if where.local is None:
            there = where.url or where.on_site
            said = f"'{sub.file}' is at {there}: a workflow has to be a file of this machine, or made by a task"
            tasks.mistakes.add(tasks.document, tasks.path_of(task, sub.file), said)
        elif sub.kind is SubKind.CONDOR or not is_file(where.local):
            continue
        elif where.local in around:
            loop = [*around[around.index(where.local) :], where.local]
            said = f"a workflow cannot be a part of itself: {' -> '.join(path.name for path in loop)}"
            tasks.mistakes.add(tasks.document, tasks.path_of(task, sub.file), said)
        elif (found := inner(task, where.local)) is not None:
            tasks.subs[job_id] = replace(sub, workflow=found)
            tasks.found[job_id] = _fitting(tasks, task, found)
    programs = tuple(_programs(tasks, is_file))
    for job_id, sub in tasks.subs.items():
        if sub.kind is SubKind.PEGASUS and sub.workflow is None:
            tasks.subs[job_id] = replace(sub, inherits=sources, programs=programs)


def _programs(tasks: Tasks, is_file: Callable[[PurePath], bool]) -> Iterator[PurePath]:
    """What a workflow that is not there yet may call, as far as it is on this machine."""
    for one in tasks.known.values():
        if one.kind is Kind.STAGEABLE and not one.url and is_file(one.pfn):
            yield one.pfn
        if one.container and one.container.local and is_file(one.container.local):
            yield one.container.local


def _fitting(tasks: Tasks, task: Job, inner: Workflow) -> Job:
    """With what its workflow says of its outputs. One that nothing in it makes is a mistake."""
    made = {output.lfn: output for one in inner.jobs for output in one.outputs}
    outputs = []
    for output in task.outputs:
        if (known := made.get(output.lfn)) is None:
            said = f"no task of {inner.source} makes '{output.lfn}'"
            tasks.mistakes.add(tasks.document, tasks.path_of(task, output.lfn), said)
            outputs.append(output)
        else:
            wanted = output.stage_out or known.stage_out
            outputs.append(output._replace(stage_out=wanted, optional=output.optional or known.optional))
    return task._replace(outputs=tuple(outputs))


def require_own_results(mistakes: Mistakes, workflow: Workflow) -> None:
    """All results of a run lie in one directory: two workflows of it cannot have results of the same name."""
    makers: dict[str, str] = {}
    for task, lfn in _results(workflow):
        source, _, line = task.at.rpartition(":")
        if (other := makers.setdefault(lfn, task.at)) != task.at:
            said = f"the result '{lfn}' is made here too, and results of all workflows of a run lie together: {other}"
            mistakes.text(source, int(line), said)


def _results(workflow: Workflow) -> Iterator[tuple[Job, str]]:
    for task in workflow.jobs:
        sub = workflow.subs.get(task.id)
        if sub is not None and sub.workflow is not None:
            yield from _results(sub.workflow)
        else:
            yield from ((task, output.lfn) for output in task.outputs if output.stage_out)
