"""pure: what an abstract workflow is: tasks, their files, their order. Everything in it has been checked.

`reading` makes it from Pegasus 5 documents. There may be 100,000 tasks: what all of them have is kept small.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import NamedTuple

from roost.workflow.hooks import Hook
from roost.workflow.metadata import Metadata
from roost.workflow.profiles import Profiles
from roost.workflow.properties import Data
from roost.workflow.replicas import Replica
from roost.workflow.sources import Sources
from roost.workflow.transformations import Transformation
from roost.workflow.treatments import SITES

EXECUTION_SITES = SITES  # Pegasus' usual name for a pool's execution points, and that of the tutorial
EXECUTION_SITE = EXECUTION_SITES[0]


class UseKind(StrEnum):
    INPUT = "input"
    OUTPUT = "output"
    CHECKPOINT = "checkpoint"  # what the task goes on from when it is tried again
    NONE = "none"  # named, and neither read nor written


class Output(NamedTuple):
    """A file that a task makes, by its logical file name."""

    lfn: str
    stage_out: bool = False  # its user wants to have it
    optional: bool = False  # the task may leave it out


class Job(NamedTuple):
    """A task. (Pegasus' documents call it a job; ours are what DAGMan runs: see `planner.PlannedJob`.)"""

    id: str
    transformation: str
    arguments: tuple[str, ...]
    inputs: tuple[str, ...]  # logical file names
    outputs: tuple[Output, ...]
    stdin: str | None
    stdout: str | None
    stderr: str | None
    profiles: Profiles
    at: str  # file:line


class SubKind(StrEnum):
    """What a task can be that is a workflow itself."""

    PEGASUS = "pegasusWorkflow"  # another abstract workflow
    CONDOR = "condorWorkflow"  # a DAG for DAGMan

    @property
    def transformation(self) -> str:
        """As Pegasus calls what runs it; it is in no catalog."""
        return "pegasus::pegasus-plan" if self is SubKind.PEGASUS else "condor::dagman"


SUB_TRANSFORMATIONS = frozenset(kind.transformation for kind in SubKind)


@dataclass(frozen=True, kw_only=True, slots=True)
class SubOptions:
    """How a sub-workflow is wanted to be planned: what pegasus-plan's options say of it."""

    basename: str = ""  # of its files
    force: bool = False
    cleanup: str | None = None  # None: as the workflow that it is a part of; else none, inplace
    cluster: str | None = None  # the same
    notes: tuple[str, ...] = ()  # of what was asked for and is done in another way


@dataclass(frozen=True, kw_only=True, slots=True)
class SubWorkflow:
    """What a task runs that is a workflow itself. Its files are that task's inputs and outputs."""

    kind: SubKind
    file: str  # logical name of its description
    options: SubOptions
    dagman: Mapping[str, str]  # HTCondor's settings of its DAGMan, beyond those that it inherits
    workflow: "Workflow | None" = None  # None: a task of the run makes the file, or it is a DAG
    inherits: Sources | None = None  # the catalogs around it, of one that is read when its file has been made ...
    programs: tuple[PurePath, ...] = ()  # ... and the files of this machine that they name as executables


@dataclass(frozen=True, kw_only=True, slots=True)
class Workflow:
    """An abstract workflow that can be planned: no cycle, one producer a file, every input found."""

    name: str
    source: str
    jobs: tuple[Job, ...]
    parents: Mapping[str, tuple[str, ...]]  # ids, of tasks that have parents: by the file and by the data
    replicas: Mapping[str, Replica]  # of the files that tasks use and no task makes
    made_before: Mapping[str, Replica]  # of files that tasks make, and that are there already
    transformations: Mapping[str, Transformation]
    site_profiles: Profiles
    retries: int
    label_key: str = "label"  # the pegasus profile that says what tasks are to be one job
    clusters_by_runtime: bool = False  # not by number
    data: Data = Data.CONDORIO
    links_inputs: bool = False  # with nonsharedfs: inputs are symbolic links into the shared directory, not copies
    dagman: Mapping[str, str] = field(default_factory=dict)  # HTCondor's settings of the DAGMan that runs it
    throttles: Mapping[str, int] = field(default_factory=dict)  # category: how many of its jobs at once
    hooks: tuple[Hook, ...] = ()
    job_hooks: Mapping[str, tuple[Hook, ...]] = field(default_factory=dict)  # by task's id, of those that have some
    metadata: Metadata = field(default_factory=dict)
    task_metadata: Mapping[str, Metadata] = field(default_factory=dict)  # by task's id, of those that have some
    checkpoints: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the same: logical file names
    first_checkpoints: Mapping[str, PurePath] = field(default_factory=dict)  # by such a name: what a first try gets
    notes: tuple[str, ...] = ()  # sentences: what was read and has no effect
    subs: Mapping[str, SubWorkflow] = field(default_factory=dict)  # by task's id, of those that are workflows
    given: frozenset[str] = frozenset()  # files that tasks use and that come from the workflow that this is a part of

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(parent's id, child's id)."""
        return tuple((parent, child) for child, parents in self.parents.items() for parent in parents)
