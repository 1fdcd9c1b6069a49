"""pure: (Workflow, site, paths) -> ExecutableWorkflow: the jobs that DAGMan runs, files moved by HTCondor.

HTCondor's own file transfer takes inputs straight from the access point to the job and brings outputs back, so this
machine's files need no stage-in and no create-dir nodes (`staging` and `cleanup` add what the access point has to do).
Every file of a run lies flat in one directory there, jobs' initial one, so that a job names it by its name alone.
"""

import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath

from roost.workflow.abstract import SUB_TRANSFORMATIONS, Job, SubKind, SubWorkflow, Workflow
from roost.workflow.around import Around
from roost.workflow.clustering import Policy, clustered
from roost.workflow.collection import uncollected
from roost.workflow.executable import (
    OUTPUT,
    ExecutableWorkflow,
    JobKind,
    PlannedJob,
    Program,
    Site,
    Upload,
    stored_name,
)
from roost.workflow.graph import Parents, levels, remaining
from roost.workflow.profiles import Profiles
from roost.workflow.rules import Rules, rules_of
from roost.workflow.run_paths import RunPaths
from roost.workflow.shapes import Shape, Shapes
from roost.workflow.transformations import Kind, Transformation
from roost.workflow.units import Units, node_name

URGENCY_STEP = 10  # of a second that is left
_MOST_URGENT = 2**31 - 1  # HTCondor's job priorities are C's int


@uncollected()
def plan(
    workflow: Workflow,
    site: Site,
    paths: RunPaths,
    *,
    uuid: str,
    planned_at: datetime,
    policy: Policy | None = None,
    around: Around | None = None,
) -> ExecutableWorkflow:
    """The same values give the same plan. `planned_at` is aware. Without a policy a job is one task.

    Raises UsageError where tasks cannot be put together as they are labelled.
    """
    around = around or Around()
    programs = {name: _program(workflow, workflow.transformations[name]) for name in _used(workflow)}
    shapes = Shapes(workflow, site.profiles)
    names = _names(workflow)
    notes: tuple[str, ...] = ()
    units: Units | None = None
    if policy is not None and policy.kinds:
        units, notes = clustered(workflow, shapes, policy, lambda name: programs[name].sent)
    places = _places(workflow, paths, around)
    parents = workflow.parents
    if units is not None and units.joined[1]:
        jobs, parents = _jobs_of_units(workflow, units, names, shapes, programs), units.parents()
    else:
        jobs = _jobs(workflow, names, shapes, programs)
    first_checkpoints = {lfn: f"{stored_name(lfn)}.first" for lfn in workflow.first_checkpoints}
    return ExecutableWorkflow(
        name=workflow.name,
        uuid=uuid,
        planned_at=planned_at,
        site=site.name,
        source=workflow.source,
        paths=paths,
        jobs=jobs,
        parents={names[child]: tuple([names[parent] for parent in mine]) for child, mine in parents.items()},
        task_parents=workflow.parents,
        programs=programs,
        places=places,
        links={
            **{lfn: given.link for lfn, given in around.given.items() if given.link},
            **{replica.lfn: replica.on_site for replica in workflow.replicas.values() if replica.on_site},
        },
        digests={
            **{lfn: given.sha256 for lfn, given in around.given.items() if given.sha256},
            **{replica.lfn: replica.sha256 for replica in workflow.replicas.values() if replica.sha256},
        },
        uploads=(
            *_uploads(workflow, programs, paths, places),
            *(
                Upload(local=workflow.first_checkpoints[lfn], remote=paths.scratch / place)
                for lfn, place in first_checkpoints.items()
            ),
        ),
        notes=(*workflow.notes, *notes),
        throttles=workflow.throttles,
        dagman=workflow.dagman,
        hooks=workflow.hooks,
        task_hooks=workflow.job_hooks,
        metadata=workflow.metadata,
        task_metadata=workflow.task_metadata,
        rules=_rules(workflow, shapes),
        containers={name: one for name in programs if (one := workflow.transformations[name].container)},
        checkpoints=_checkpoints(workflow, jobs),
        first_checkpoints=first_checkpoints,
        around=around,
    )


def _checkpoints(workflow: Workflow, jobs: tuple[PlannedJob, ...]) -> dict[str, tuple[str, ...]]:
    of = workflow.checkpoints
    if not of:
        return {}
    found = {job.name: tuple(dict.fromkeys(lfn for task in job.tasks for lfn in of.get(task.id, ()))) for job in jobs}
    return {name: lfns for name, lfns in found.items() if lfns}


def _rules(workflow: Workflow, shapes: Shapes) -> dict[str, Rules]:
    if not any(rules_of(asked.pegasus) for asked in shapes.all_asked()):
        return {}
    found = {task.id: rules_of(shapes.of(task).pegasus) for task in workflow.jobs}
    return {task_id: rules for task_id, rules in found.items() if rules}


def require_clusters(workflow: Workflow, policy: Policy) -> None:
    """Raises UsageError where tasks cannot be put together as it is asked: this can be known before there is a pool."""
    sent = {name: _program(workflow, workflow.transformations[name]).sent for name in _used(workflow)}
    if policy.kinds:
        clustered(workflow, Shapes(workflow, Profiles()), policy, sent.__getitem__)


def _used(workflow: Workflow) -> list[str]:
    names = dict.fromkeys([task.transformation for task in workflow.jobs])
    return [name for name in names if name not in SUB_TRANSFORMATIONS]


def _jobs(
    workflow: Workflow, names: Mapping[str, str], shapes: Shapes, programs: Mapping[str, Program]
) -> tuple[PlannedJob, ...]:
    """A job for each task."""
    depths = levels(tuple(task.id for task in workflow.jobs), workflow.parents)
    assert depths is not None, "a Workflow has no cycle"
    tasks = sorted(workflow.jobs, key=lambda task: depths[task.id])
    urgent = urgencies({task.id: shapes.of(task).runtime for task in tasks}, workflow.parents)
    jobs, subs = [], workflow.subs
    for task in tasks:
        one = task.id
        shape, runtime, _ = shapes.of(task)
        jobs.append(_alone(task, subs, programs, names[one], depths[one], urgent[one], shape, runtime))
    return tuple(jobs)


def _alone(
    task: Job,
    subs: Mapping[str, SubWorkflow],
    programs: Mapping[str, Program],
    name: str,
    level: int,
    urgency: int,
    shape: Shape,
    runtime: str,
) -> PlannedJob:
    """The job of one task."""
    if task.id in subs:
        return _part(subs[task.id], task, name, level, urgency, shape)
    sent = programs[task.transformation].sent
    return PlannedJob(name, (task,), level, urgency, shape, runtime, task.inputs, task.outputs, sent)


def urgencies(runtimes: Mapping[str, str], parents: Parents) -> dict[str, int]:
    """Ten for each second that the workflow takes at least from an id's start on, if all run at once that can.

    Pegasus goes by levels, the deepest first: started branches end, and the last one to start makes the workflow late.
    By what is left, schedules of traces of real runs take 2 to 8 % less (bench/job_order.py); without run times each
    task counts one, and it is up to 2 %.

    >>> urgencies({"a": "2", "b": "0", "c": "4"}, {"b": ["a"]})
    {'a': 50, 'b': 30, 'c': 40}
    >>> urgencies({"a": "0", "b": "0"}, {"b": ["a"]})
    {'a': 20, 'b': 10}
    """
    seconds = {one: float(text) for one, text in runtimes.items()}
    known = [each for each in seconds.values() if each]
    if len(known) < len(seconds):  # nobody says how long some take: as long as the others
        typical = sum(known) / len(known) if known else 1.0
        seconds = {one: each or typical for one, each in seconds.items()}
    whole = remaining(tuple(runtimes), parents, seconds)
    return {one: min(_MOST_URGENT, math.ceil(URGENCY_STEP * each)) for one, each in whole.items()}


def _part(sub: SubWorkflow, task: Job, name: str, level: int, urgency: int, shape: Shape) -> PlannedJob:
    kind = JobKind.PEGASUS_WORKFLOW if sub.kind is SubKind.PEGASUS else JobKind.CONDOR_WORKFLOW
    stem = sub.options.basename or node_name(PurePosixPath(sub.file).stem)
    if kind is JobKind.CONDOR_WORKFLOW:
        stem = sub.file  # as it is called
    part = node_name(f"{PurePosixPath(sub.file).stem}_{task.id}")
    fixed = (shape, "0", task.inputs, task.outputs, (), kind)
    return PlannedJob(name, (task,), level, urgency, *fixed, part=part, stem=stem)


def _jobs_of_units(
    workflow: Workflow, units: Units, names: dict[str, str], shapes: Shapes, programs: Mapping[str, Program]
) -> tuple[PlannedJob, ...]:
    """A job for each unit; `names` gets those of units. What is used inside of a job alone does not leave it."""
    depths = units.levels()
    assert depths is not None, "units close no cycle"
    taken = set(names.values())
    unit_of = units.unit_of()
    users: dict[str, str | None] = {}  # of a file: the unit that alone uses it, or None: there are several
    for task in workflow.jobs:
        unit = unit_of.get(task.id, task.id)
        for lfn in task.inputs:
            if users.setdefault(lfn, unit) != unit:
                users[lfn] = None
    ordered = sorted(units.all(), key=lambda found: depths[found[0]])
    asked = {
        one: shapes.of_all(together.tasks, apart=together.apart) if together.name else shapes.of(together.tasks[0])[:2]
        for one, together in ordered
    }
    urgent = urgencies({one: runtime for one, (_, runtime) in asked.items()}, units.parents())
    jobs = []
    for one, together in ordered:
        shape, runtime = asked[one]
        if not together.name:
            (task,) = together.tasks
            jobs.append(_alone(task, workflow.subs, programs, names[one], depths[one], urgent[one], shape, runtime))
            continue
        names[one] = _free(together.name, taken)
        tasks = together.tasks
        made = {output.lfn: output for task in tasks for output in task.outputs}
        envs = tuple([_own(shapes.of(task).shape.env, shape.env) for task in tasks])
        jobs.append(
            PlannedJob(
                name=names[one],
                tasks=tasks,
                level=depths[one],
                urgency=urgent[one],
                shape=shape,
                runtime=runtime,
                inputs=tuple(dict.fromkeys([lfn for task in tasks for lfn in task.inputs if lfn not in made])),
                outputs=tuple([made[lfn] for lfn in made if made[lfn].stage_out or users.get(lfn, one) != one]),
                sent=tuple(dict.fromkeys([name for task in tasks for name in programs[task.transformation].sent])),
                envs=envs if any(envs) else (),
                apart=together.apart,
            )
        )
    return tuple(jobs)


def _own(env: Mapping[str, str], shared: Mapping[str, str]) -> dict[str, str]:
    return {} if env is shared else {key: text for key, text in env.items() if shared.get(key) != text}


def _places(workflow: Workflow, paths: RunPaths, around: Around) -> dict[str, str]:
    """What the user wants to have lies in a directory of its own, everything else where jobs start.

    Where instances share a directory each file that a job takes is there, under its own name where jobs work there.
    """
    if paths.shared:
        lfns = [*workflow.replicas, *(output.lfn for task in workflow.jobs for output in task.outputs)]
        return {lfn: lfn if paths.shared.how == "here" else stored_name(lfn) for lfn in lfns}
    places = {lfn: stored_name(lfn) for lfn in workflow.replicas}
    output = f"{paths.from_scratch(paths.output)}/" if around.path else OUTPUT
    for task in workflow.jobs:
        for one in task.outputs:
            stored = stored_name(one.lfn)
            places[one.lfn] = output + stored if one.stage_out else stored
    # What comes from the workflow around this one is there already, and what goes there goes to where it wants it.
    given = {lfn: one for lfn, one in around.given.items() if lfn in workflow.given}
    places.update((lfn, paths.from_scratch(one.place)) for lfn, one in given.items())
    places.update((lfn, paths.from_scratch(wanted.place)) for lfn, wanted in around.wanted.items() if lfn in places)
    return places


def _names(workflow: Workflow) -> dict[str, str]:
    """Names of nodes, as Pegasus makes them: `<transformation>_<id>`; what DAGMan reads as syntax becomes `_`."""
    taken: set[str] = set()
    names = {task.id: _free(node_name(f"{task.transformation}_{task.id}"), taken) for task in workflow.jobs}
    for task_id, sub in workflow.subs.items():
        start = "pegasus-plan" if sub.kind is SubKind.PEGASUS else f"subdag_{PurePosixPath(sub.file).stem}"
        names[task_id] = _free(node_name(f"{start}_{task_id}"), taken)
    return names


def _free(wanted: str, taken: set[str]) -> str:
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return name


def _program(workflow: Workflow, transformation: Transformation) -> Program:
    """What has to be sent along: the transformation itself and what it requires, unless the image has it."""
    is_sent = transformation.kind is Kind.STAGEABLE
    return Program(
        path=f"./{transformation.file_name}" if is_sent else str(transformation.pfn),
        sent=tuple(one.file_name for one in _sent(workflow, transformation)),
    )


def _sent(workflow: Workflow, transformation: Transformation) -> list[Transformation]:
    needed = [workflow.transformations[name] for name in (transformation.name, *transformation.requires)]
    return [one for one in needed if one.kind is Kind.STAGEABLE]


def _uploads(
    workflow: Workflow, programs: Mapping[str, Program], paths: RunPaths, places: Mapping[str, str]
) -> Iterator[Upload]:
    for replica in workflow.replicas.values():
        if replica.local and not replica.on_site:
            yield Upload(local=replica.local, remote=paths.files / places[replica.lfn])
    staged = {one.name: one for name in programs for one in _sent(workflow, workflow.transformations[name])}
    for one in staged.values():
        if not one.url:
            yield Upload(local=one.pfn, remote=paths.executables / one.file_name)
    containers = [workflow.transformations[name].container for name in programs]
    for image in dict.fromkeys([one.local for one in containers if one and one.local]):
        yield Upload(local=image, remote=paths.executables / image.name)
