"""pure: (Workflow, site, paths) -> ExecutableWorkflow: the jobs that DAGMan runs, files moved by HTCondor.

HTCondor's own file transfer takes inputs straight from the access point to the job and brings outputs back, so this
machine's files need no stage-in and no create-dir nodes (`staging` and `cleanup` add what the access point has to do).
Paths are those of the access point; `uploads` says what has to be there.
Every file of a run lies flat in one directory there, jobs' initial one, so that a job names it by its name alone.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from pathlib import PurePath, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote

from roost.workflow.abstract import EXECUTION_SITE, Job, Output, Workflow
from roost.workflow.clustering import Policy, clustered
from roost.workflow.collection import uncollected
from roost.workflow.graph import levels
from roost.workflow.hooks import Hook
from roost.workflow.profiles import Profiles
from roost.workflow.replicas import Replica
from roost.workflow.shapes import Shape, Shapes
from roost.workflow.transformations import Kind, Transformation
from roost.workflow.units import Units, node_name

PRIORITY_STEP = 10  # as Pegasus: 10 for each level, deeper is more urgent, so that started branches end
_OUTPUT = "../output/"  # from where jobs start
SUMS = ".sha256"  # of a job's file with the checksums of what it made
_STORED_AS_IS = re.compile(r"[A-Za-z0-9_.+@~-]+")


class JobKind(IntEnum):
    """Pegasus' job classes."""

    COMPUTE = 1
    STAGE_IN = 2
    CLEANUP = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where jobs run. `profiles` are what the pool asks of every job."""

    name: str = EXECUTION_SITE
    profiles: Profiles = field(default_factory=Profiles)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPaths:
    """The directories of a run on the access point."""

    run: PurePosixPath

    @property
    def submit(self) -> PurePosixPath:
        return self.run / "submit"

    @property
    def executables(self) -> PurePosixPath:
        return self.run / "executables"

    @property
    def scratch(self) -> PurePosixPath:
        """Inputs and what is made on the way: jobs' initial directory."""
        return self.run / "scratch"

    @property
    def output(self) -> PurePosixPath:
        return self.run / "output"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file of this machine, and where the access point has to have it."""

    local: PurePath
    remote: PurePosixPath


class Fetch(NamedTuple):
    """A file of a server, and where the access point has to have it."""

    url: str
    place: str  # from `paths.scratch`
    sha256: str  # empty: nobody says


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What runs a transformation's tasks."""

    path: str  # on the execution point; ./name when it is sent along
    sent: tuple[str, ...]  # names of executables that go with each job


class Chores(NamedTuple):
    """What a job on the access point does with the run's files (node/chores.py)."""

    fetch: tuple[Fetch, ...] = ()
    remove: tuple[str, ...] = ()  # paths, from `paths.scratch`


class PlannedJob(NamedTuple):
    """A node of the DAG: tasks, the first of which it is called after, or chores."""

    name: str
    tasks: tuple[Job, ...]
    level: int  # 1: has no parents
    shape: Shape
    runtime: str  # expected, seconds; "0" when nobody says
    inputs: tuple[str, ...]  # logical names of files that others made or that were sent
    outputs: tuple[Output, ...]
    sent: tuple[str, ...]  # names of executables that go with it
    kind: JobKind = JobKind.COMPUTE
    envs: tuple[Mapping[str, str], ...] = ()  # of each task, what the shape's does not say; empty: nothing
    apart: bool = False  # each task in a directory of its own
    chores: Chores = Chores()

    @property
    def priority(self) -> int:
        return self.level * PRIORITY_STEP if self.shape.priority is None else self.shape.priority

    @property
    def task(self) -> Job:
        return self.tasks[0]

    @property
    def at(self) -> str:
        """file:line of what it is planned for; empty for chores."""
        return self.tasks[0].at if self.tasks else ""

    @property
    def retries(self) -> int:
        return self.shape.retries

    def stdout(self, submits: int) -> str:
        """The invocation records of its `submits`-th submission (1: the first), in the submit directory."""
        return f"{self.name}.out.{submits - 1:03d}"

    def stderr(self, submits: int) -> str:
        return f"{self.name}.err.{submits - 1:03d}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutableWorkflow:
    name: str
    uuid: str
    planned_at: datetime
    site: str
    source: str
    paths: RunPaths
    jobs: tuple[PlannedJob, ...]  # parents before children
    parents: Mapping[str, tuple[str, ...]]  # names of nodes; roots are not there
    task_parents: Mapping[str, tuple[str, ...]]  # the same of the tasks' ids
    programs: Mapping[str, Program]  # by transformation
    places: Mapping[str, str]  # a file's logical name: its path, from `paths.scratch`
    links: Mapping[str, str]  # logical names of files that are there wherever jobs run: their paths
    digests: Mapping[str, str]  # logical names of files that no job makes: their SHA-256, where it is known
    uploads: tuple[Upload, ...]
    notes: tuple[str, ...] = ()  # sentences: what was decided
    throttles: Mapping[str, int] = field(default_factory=dict)  # category: how many of its jobs at once
    dagman: Mapping[str, str] = field(default_factory=dict)  # HTCondor's settings of its DAGMan
    reused: Mapping[str, Replica] = field(default_factory=dict)  # files that the user wants to have and that are there
    hooks: tuple[Hook, ...] = ()
    task_hooks: Mapping[str, tuple[Hook, ...]] = field(default_factory=dict)  # by task's id, of those that have some

    @property
    def node_hooks(self) -> dict[str, tuple[Hook, ...]]:
        """By name of the node: those of all its tasks."""
        if not self.task_hooks:
            return {}
        of = self.task_hooks
        found = {job.name: tuple(hook for task in job.tasks for hook in of.get(task.id, ())) for job in self.jobs}
        return {name: hooks for name, hooks in found.items() if hooks}

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(parent, child), names of nodes."""
        return tuple((parent, child) for child, parents in self.parents.items() for parent in parents)

    @property
    def dag(self) -> str:
        """The DAG's file name in the submit directory; Pegasus' tools rely on the `-0`."""
        return f"{self.name}-0.dag"

    @property
    def log(self) -> str:
        """The event log of all jobs: what `progress.fold` reads."""
        return f"{self.name}-0.log"

    @property
    def done(self) -> tuple[str, ...]:
        """None: the event log of all submissions is kept."""
        return ()

    @property
    def dagman_out(self) -> str:
        """DAGMan's own messages: what `progress.fold_end` reads."""
        return f"{self.dag}.dagman.out"

    @property
    def directories(self) -> tuple[PurePosixPath, ...]:
        """What has to exist on the access point before the DAG starts."""
        paths = self.paths
        return (paths.submit, paths.executables, paths.scratch, paths.output)

    def remote(self, lfn: str) -> PurePosixPath:
        """Where a file lies on the access point."""
        place = self.places[lfn]
        return self.paths.output / place[len(_OUTPUT) :] if place.startswith(_OUTPUT) else self.paths.scratch / place

    def remote_sums(self, job: str) -> PurePosixPath:
        """Where the checksums of what a job made lie on the access point."""
        return self.paths.scratch / (job + SUMS)

    @property
    def results(self) -> Mapping[str, PurePosixPath]:
        """The files that the user wants to have, by logical name: where they will be on the access point."""
        return {one.lfn: self.remote(one.lfn) for job in self.jobs for one in job.outputs if one.stage_out}


@uncollected()
def plan(
    workflow: Workflow, site: Site, paths: RunPaths, *, uuid: str, planned_at: datetime, policy: Policy | None = None
) -> ExecutableWorkflow:
    """The same values give the same plan. `planned_at` is aware. Without a policy a job is one task.

    Raises UsageError where tasks cannot be put together as they are labelled.
    """
    programs = {name: _program(workflow, workflow.transformations[name]) for name in _used(workflow)}
    shapes = Shapes(workflow, site.profiles)
    names = _names(workflow)
    notes: tuple[str, ...] = ()
    units: Units | None = None
    if policy is not None and policy.kinds:
        units, notes = clustered(workflow, shapes, policy, lambda name: programs[name].sent)
    parents = workflow.parents
    if units is not None and units.joined[1]:
        jobs, parents = _jobs_of_units(workflow, units, names, shapes, programs), units.parents()
    else:
        jobs = _jobs(workflow, names, shapes, programs)
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
        places=_places(workflow),
        links={replica.lfn: replica.on_site for replica in workflow.replicas.values() if replica.on_site},
        digests={replica.lfn: replica.sha256 for replica in workflow.replicas.values() if replica.sha256},
        uploads=tuple(_uploads(workflow, programs, paths)),
        notes=notes,
        throttles=workflow.throttles,
        dagman=workflow.dagman,
        hooks=workflow.hooks,
        task_hooks=workflow.job_hooks,
    )


def require_clusters(workflow: Workflow, policy: Policy) -> None:
    """Raises UsageError where tasks cannot be put together as it is asked: this can be known before there is a pool."""
    sent = {name: _program(workflow, workflow.transformations[name]).sent for name in _used(workflow)}
    if policy.kinds:
        clustered(workflow, Shapes(workflow, Profiles()), policy, sent.__getitem__)


def _used(workflow: Workflow) -> list[str]:
    return list(dict.fromkeys([task.transformation for task in workflow.jobs]))


def _jobs(
    workflow: Workflow, names: Mapping[str, str], shapes: Shapes, programs: Mapping[str, Program]
) -> tuple[PlannedJob, ...]:
    """A job for each task."""
    depths = levels(tuple(task.id for task in workflow.jobs), workflow.parents)
    assert depths is not None, "a Workflow has no cycle"
    jobs = []
    for task in sorted(workflow.jobs, key=lambda task: depths[task.id]):
        shape, runtime, _ = shapes.of(task)
        sent = programs[task.transformation].sent
        jobs.append(
            PlannedJob(names[task.id], (task,), depths[task.id], shape, runtime, task.inputs, task.outputs, sent)
        )
    return tuple(jobs)


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
    jobs = []
    for one, together in sorted(units.all(), key=lambda found: depths[found[0]]):
        if not together.name:
            (task,) = together.tasks
            shape, runtime, _ = shapes.of(task)
            sent = programs[task.transformation].sent
            jobs.append(PlannedJob(names[one], (task,), depths[one], shape, runtime, task.inputs, task.outputs, sent))
            continue
        names[one] = _free(together.name, taken)
        tasks = together.tasks
        shape, runtime = shapes.of_all(tasks, apart=together.apart)
        made = {output.lfn: output for task in tasks for output in task.outputs}
        envs = tuple([_own(shapes.of(task).shape.env, shape.env) for task in tasks])
        jobs.append(
            PlannedJob(
                name=names[one],
                tasks=tasks,
                level=depths[one],
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


def stored_name(lfn: str) -> str:
    """The name of a file while it travels and waits: flat, without anything that a list of files could stumble on.

    >>> stored_name("reads/part 1.fq")
    'reads%2Fpart%201.fq'
    """
    return lfn if _STORED_AS_IS.fullmatch(lfn) else quote(lfn, safe="+@~")


def _places(workflow: Workflow) -> dict[str, str]:
    """What the user wants to have lies in a directory of its own, everything else where jobs start."""
    places = {lfn: stored_name(lfn) for lfn in workflow.replicas}
    for task in workflow.jobs:
        for output in task.outputs:
            stored = stored_name(output.lfn)
            places[output.lfn] = _OUTPUT + stored if output.stage_out else stored
    return places


def _names(workflow: Workflow) -> dict[str, str]:
    """Names of nodes, as Pegasus makes them: `<transformation>_<id>`; what DAGMan reads as syntax becomes `_`."""
    taken: set[str] = set()
    return {task.id: _free(node_name(f"{task.transformation}_{task.id}"), taken) for task in workflow.jobs}


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


def _uploads(workflow: Workflow, programs: Mapping[str, Program], paths: RunPaths) -> Iterator[Upload]:
    for replica in workflow.replicas.values():
        if replica.local and not replica.on_site:
            yield Upload(local=replica.local, remote=paths.scratch / stored_name(replica.lfn))
    staged = {one.name: one for name in programs for one in _sent(workflow, workflow.transformations[name])}
    for one in staged.values():
        if not one.url:
            yield Upload(local=one.pfn, remote=paths.executables / one.file_name)
    containers = [workflow.transformations[name].container for name in programs]
    for image in dict.fromkeys([one.local for one in containers if one and one.local]):
        yield Upload(local=image, remote=paths.executables / image.name)
