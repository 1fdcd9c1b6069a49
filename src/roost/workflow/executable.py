"""pure: what an executable workflow is: the jobs that DAGMan runs, where each file lies, what has to be sent.

`planner` makes it, `staging` and `cleanup` add to it; `dag` and `stampede` write it. Paths are the access point's.
"""

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum
from pathlib import PurePath, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote

from roost.workflow.abstract import EXECUTION_SITE, Job, Output
from roost.workflow.around import Around
from roost.workflow.containers import Container
from roost.workflow.hooks import Hook
from roost.workflow.metadata import Metadata
from roost.workflow.profiles import Profiles
from roost.workflow.replicas import Replica
from roost.workflow.rules import Rules
from roost.workflow.run_paths import RunPaths
from roost.workflow.shapes import Shape

OUTPUT = "../output/"  # from where jobs start
S3 = "s3://"
SIGNED = "signed.json"  # beside `paths.scratch` on the access point: URLs of S3, and what they were signed as
SUMS = ".sha256"  # of a job's file with the checksums of what it made
CHECKPOINT = ".checkpoint"  # of its file with what it goes on from when it is tried again
_STORED_AS_IS = re.compile(r"[A-Za-z0-9_.+@~-]+")


class JobKind(IntEnum):
    """Pegasus' job classes."""

    COMPUTE = 1
    STAGE_IN = 2
    CLEANUP = 8
    PEGASUS_WORKFLOW = 10
    CONDOR_WORKFLOW = 11

    @property
    def is_workflow(self) -> bool:
        return self >= JobKind.PEGASUS_WORKFLOW


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """Where jobs run. `profiles` are what the pool asks of every job."""

    name: str = EXECUTION_SITE
    profiles: Profiles = field(default_factory=Profiles)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file of this machine, and where the access point has to have it."""

    local: PurePath
    remote: PurePosixPath


class Fetch(NamedTuple):
    """A file of a server, and where the access point has to have it."""

    url: str
    place: str  # from `paths.files`; what begins with ../ from `paths.scratch`
    sha256: str  # empty: nobody says


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """What runs a transformation's tasks."""

    path: str  # on the execution point; ./name when it is sent along
    sent: tuple[str, ...]  # names of executables that go with each job


class Chores(NamedTuple):
    """What a job on the access point does with the run's files (node/chores.py)."""

    fetch: tuple[Fetch, ...] = ()
    remove: tuple[str, ...] = ()  # paths, from `paths.files`


class PlannedJob(NamedTuple):
    """A node of the DAG: tasks, the first of which it is called after, or chores."""

    name: str
    tasks: tuple[Job, ...]
    level: int  # 1: has no parents
    urgency: int  # how much is left of the workflow from its start on (see `planner.urgencies`)
    shape: Shape
    runtime: str  # expected, seconds; "0" when nobody says
    inputs: tuple[str, ...]  # logical names of files that others made or that were sent
    outputs: tuple[Output, ...]
    sent: tuple[str, ...]  # names of executables that go with it
    kind: JobKind = JobKind.COMPUTE
    envs: tuple[Mapping[str, str], ...] = ()  # of each task, what the shape's does not say; empty: nothing
    apart: bool = False  # each task in a directory of its own
    chores: Chores = Chores()
    part: str = ""  # of one that is a workflow: the name of its directory ...
    stem: str = ""  # ... and how the names of its files begin

    @property
    def priority(self) -> int:
        """Of those that are ready, the one with the largest runs first."""
        return self.urgency if self.shape.priority is None else self.shape.priority

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
class Deferred:
    """A part that is planned on the access point, when a task of the run has made its file."""

    paths: RunPaths
    file: PurePosixPath  # where that will be
    context: str  # JSON: what it is planned from
    uploads: tuple[Upload, ...]  # what it may need of this machine
    path: tuple[str, ...]  # names of parts, the outermost first


@dataclass(frozen=True, kw_only=True, slots=True)
class DagPart:
    """A part that is a DAG of its user's: it runs in a directory of its own, with the files of its job."""

    paths: RunPaths
    files: str  # a line for each: in or out, its name there, where it is otherwise
    dagman: Mapping[str, str]


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
    places: Mapping[str, str]  # a file's logical name: its path, from `paths.files`, where jobs take it
    links: Mapping[str, str]  # logical names of files that are there wherever jobs run: their paths
    digests: Mapping[str, str]  # logical names of files that no job makes: their SHA-256, where it is known
    uploads: tuple[Upload, ...]
    notes: tuple[str, ...] = ()  # sentences: what was decided
    throttles: Mapping[str, int] = field(default_factory=dict)  # category: how many of its jobs at once
    dagman: Mapping[str, str] = field(default_factory=dict)  # HTCondor's settings of its DAGMan
    reused: Mapping[str, Replica] = field(default_factory=dict)  # files that the user wants to have and that are there
    hooks: tuple[Hook, ...] = ()
    task_hooks: Mapping[str, tuple[Hook, ...]] = field(default_factory=dict)  # by task's id, of those that have some
    metadata: Metadata = field(default_factory=dict)
    task_metadata: Mapping[str, Metadata] = field(default_factory=dict)  # as `task_hooks`
    rules: Mapping[str, Rules] = field(default_factory=dict)  # the same
    checkpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by name of the node: logical file names
    containers: Mapping[str, Container] = field(default_factory=dict)  # by transformation: what the wrapper starts
    first_checkpoints: Mapping[str, str] = field(default_factory=dict)  # such a name: its place, from `paths.scratch`
    around: Around = field(default_factory=Around)
    parts: Mapping[str, "ExecutableWorkflow"] = field(default_factory=dict)  # by node: workflows that were planned too
    dags: Mapping[str, DagPart] = field(default_factory=dict)  # the same: those that their user has planned
    deferred: Mapping[str, Deferred] = field(default_factory=dict)  # the same: those that are not planned yet

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
        return f"{self.stem}.dag"

    @property
    def stem(self) -> str:
        return f"{self.around.stem or self.name}-0"

    @property
    def root_uuid(self) -> str:
        """Of the outermost workflow."""
        return self.around.root_uuid or self.uuid

    @property
    def log(self) -> str:
        """The event log of all jobs: what `progress.fold` reads."""
        return f"{self.stem}.log"

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
        nodes = [job.name for job in self.jobs if job.kind.is_workflow] if self.has_parts else []
        sums = [self.sums_of_part(node) for node in nodes]
        others = [one.paths for one in self.deferred.values()] + [one.paths for one in self.dags.values()]
        later = [place for one in others for place in one.own]
        return (*paths.own, paths.output, *sums, *later)

    @property
    def has_parts(self) -> bool:
        return bool(self.parts or self.dags or self.deferred)

    def remote(self, lfn: str) -> PurePosixPath:
        """Where jobs take a file, on the access point."""
        place = self.places[lfn]
        if place.startswith(OUTPUT) and self.paths.output_at is None:
            return self.paths.output / place[len(OUTPUT) :]
        return PurePosixPath(posixpath.normpath(self.paths.files / place))

    def result(self, lfn: str) -> PurePosixPath:
        """Where a file that the user wants to have lies at the end, on the access point."""
        return self.paths.output / stored_name(lfn)

    def sums_name(self, job: str) -> str:
        """Of the file with the checksums of what a job made."""
        return f"{self.around.prefix}{job}{SUMS}"

    def remote_checkpoint(self, job: str) -> PurePosixPath:
        """Where what a job goes on from lies on the access point: empty until it has been tried once."""
        return self.paths.scratch / (job + CHECKPOINT)

    def remote_sums(self, job: str) -> PurePosixPath:
        """Where the checksums of what a job made lie on the access point, if nobody wants them elsewhere."""
        return self.paths.scratch / self.sums_name(job)

    def sums_of(self, job: PlannedJob) -> PurePosixPath:
        """Where they lie; of a part of this workflow it is a directory."""
        if job.kind.is_workflow:
            return self.sums_of_part(job.name)
        wanted = self.around.wanted
        for one in job.outputs if wanted else ():
            if one.lfn in wanted:
                return wanted[one.lfn].sums / self.sums_name(job.name)
        return self.remote_sums(job.name)

    def sums_of_file(self, job: PlannedJob, lfn: str) -> PurePosixPath:
        """The same, where a part may have made the file for somebody further out."""
        wanted = self.around.wanted.get(lfn) if job.kind.is_workflow else None
        return wanted.sums if wanted else self.sums_of(job)

    def sums_of_part(self, node: str) -> PurePosixPath:
        return self.paths.scratch / f"{self.around.prefix}{node}.sums"

    @property
    def results(self) -> Mapping[str, PurePosixPath]:
        """The files that the user wants to have, by logical name: where they will be on the access point."""
        return {one.lfn: self.result(one.lfn) for job in self.jobs for one in job.outputs if one.stage_out}


def objects(executable: ExecutableWorkflow) -> tuple[str, ...]:
    """The s3:// URLs that chores fetch."""
    fetched = (one.url for job in executable.jobs for one in job.chores.fetch)
    return tuple(url for url in fetched if url.startswith(S3))


def jobs_share(executable: ExecutableWorkflow) -> frozenset[str]:
    """The files, by logical name, that jobs leave for others on the file system that all instances see."""
    if executable.paths.shared is None:
        return frozenset()
    taken = {lfn for job in executable.jobs for lfn in job.inputs}
    made = (one for job in executable.jobs for one in job.outputs)
    return frozenset(one.lfn for one in made if not one.stage_out or one.lfn in taken)


def stored_name(lfn: str) -> str:
    """The name of a file while it travels and waits: flat, without anything that a list of files could stumble on.

    >>> stored_name("reads/part 1.fq")
    'reads%2Fpart%201.fq'
    """
    return lfn if _STORED_AS_IS.fullmatch(lfn) else quote(lfn, safe="+@~")
