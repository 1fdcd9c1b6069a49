"""pure: ExecutableWorkflow -> the same with the workflows that are parts of it, each planned for itself.

A part is a workflow of its own: its own submit directory within that of the workflow around it, its own scratch
directory, so that equal names in two of them are two files. What both use is where the outer one has it.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from roost.workflow.abstract import SubWorkflow, Workflow
from roost.workflow.around import Around, Given, Wanted
from roost.workflow.executable import DagPart, Deferred, ExecutableWorkflow, JobKind, PlannedJob, Upload

PlanPart = Callable[[SubWorkflow, ExecutableWorkflow, PlannedJob], ExecutableWorkflow | Deferred]


class Member(NamedTuple):
    """A workflow of a run."""

    prefix: str  # of its jobs' names, where they are told apart from those of the others: "inner_ID1/"
    node: str  # so named, the job that it is for the workflow around it; empty for the outermost one
    workflow: ExecutableWorkflow


def with_parts(executable: ExecutableWorkflow, workflow: Workflow, plan_part: PlanPart) -> ExecutableWorkflow:
    """Those whose files are there; of others it is written down what they will be planned from."""
    parts, later, dags, notes = {}, {}, {}, list(executable.notes)
    for job in executable.jobs:
        if not job.kind.is_workflow:
            continue
        sub = workflow.subs[job.task.id]
        notes += [f"{job.task.at}: {note}" for note in sub.options.notes]
        if job.kind is JobKind.CONDOR_WORKFLOW:
            dags[job.name] = _dag_part(executable, job, sub)
            continue
        match plan_part(sub, executable, job):
            case ExecutableWorkflow() as part:
                parts[job.name] = part
                notes += [f"{sub.file}: {note}" for note in part.notes]
            case Deferred() as one:
                later[job.name] = one
                notes.append(f"{sub.file}: planned on the access point, when it has been made")
    return replace(executable, parts=parts, deferred=later, dags=dags, notes=tuple(notes))


def _dag_part(executable: ExecutableWorkflow, job: PlannedJob, sub: SubWorkflow) -> DagPart:
    paths = executable.paths.part(job.part)
    files = [("in", lfn) for lfn in job.inputs if lfn not in executable.links]
    files += [("out", one.lfn) for one in job.outputs]
    lines = [f"{way}\t{lfn}\t{executable.remote(lfn)}\n" for way, lfn in files]
    return DagPart(paths=paths, files="".join(lines), dagman={**executable.dagman, **sub.dagman})


def with_part(executable: ExecutableWorkflow, node: str, part: ExecutableWorkflow) -> ExecutableWorkflow:
    """The same, when a part has been planned that was not. `node`: its job's name in the whole."""
    above, _, rest = node.partition("/")
    if not rest:
        later = {name: one for name, one in executable.deferred.items() if name != node}
        return replace(executable, parts={**executable.parts, node: part}, deferred=later)
    mine = next(name for name, one in executable.parts.items() if one.around.path[-1] == above)
    return replace(executable, parts={**executable.parts, mine: with_part(executable.parts[mine], rest, part)})


def around_part(executable: ExecutableWorkflow, job: PlannedJob) -> Around:
    """What a part has to know of the workflow around it."""
    makers = {output.lfn: one for one in executable.jobs for output in one.outputs}
    path = (*executable.around.path, job.part)
    sums = executable.sums_of_part(job.name)
    known = executable.around.wanted
    return Around(
        path=path,
        root_uuid=executable.root_uuid,
        stem=job.stem,
        given={lfn: _given(executable, lfn, makers.get(lfn)) for lfn in job.inputs},
        wanted={
            one.lfn: known.get(one.lfn) or Wanted(place=executable.remote(one.lfn), sums=sums) for one in job.outputs
        },
    )


def uuid_of_part(executable: ExecutableWorkflow, job: PlannedJob) -> str:
    """The same each time."""
    return str(uuid5(NAMESPACE_URL, f"{executable.uuid}/{job.part}"))


def members(executable: ExecutableWorkflow) -> Iterator[Member]:
    """All workflows of a run, the outermost first."""
    yield from _members(executable, "", "")


def located(executable: ExecutableWorkflow, name: str) -> tuple[ExecutableWorkflow, PlannedJob]:
    """(the workflow, its job) of a job's name among those of all workflows of a run."""
    *path, own = name.split("/")
    found = executable
    for one in path:
        found = next(part for part in found.parts.values() if part.around.path[-1] == one)
    return found, next(job for job in found.jobs if job.name == own)


def all_uploads(executable: ExecutableWorkflow) -> Iterator[Upload]:
    """Of all workflows of a run."""
    for member in members(executable):
        yield from member.workflow.uploads
        for later in member.workflow.deferred.values():
            yield from later.uploads


def _members(executable: ExecutableWorkflow, prefix: str, node: str) -> Iterator[Member]:
    yield Member(prefix, node, executable)
    for name, part in executable.parts.items():
        yield from _members(part, f"{'/'.join(part.around.path)}/", prefix + name)


def _given(executable: ExecutableWorkflow, lfn: str, maker: PlannedJob | None) -> Given:
    if maker is None and (above := executable.around.given.get(lfn)) is not None:
        return above
    if lfn in executable.links:
        return Given(place=executable.remote(lfn), link=executable.links[lfn])
    if maker is None:
        return Given(place=executable.remote(lfn), sha256=executable.digests.get(lfn, ""))
    begin = f"{executable.around.prefix}{maker.part}." if maker.kind.is_workflow else executable.sums_name(maker.name)
    return Given(place=executable.remote(lfn), sums=executable.sums_of_file(maker, lfn), sums_begin=begin)
