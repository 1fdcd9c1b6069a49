"""pure: (Workflow, site, paths) -> ExecutableWorkflow: one DAGMan job a task, files moved by HTCondor.

HTCondor's own file transfer takes inputs straight from the access point to the job and brings outputs back, so there
are no stage-in, create-dir or cleanup nodes. Paths are those of the access point; `uploads` says what has to be there.
"""

import base64
import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath, PurePosixPath
from urllib.parse import quote

from roost.workflow.abstract import EXECUTION_SITE, Job, Workflow
from roost.workflow.catalogs import Kind, Transformation
from roost.workflow.graph import levels
from roost.workflow.profiles import Profiles

PRIORITY_STEP = 10  # as Pegasus: 10 for each level, deeper is more urgent, so that started branches end
KIB_PER_MIB = 1024


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
    def input(self) -> PurePosixPath:
        return self.run / "input"

    @property
    def executables(self) -> PurePosixPath:
        return self.run / "executables"

    @property
    def scratch(self) -> PurePosixPath:
        return self.run / "scratch"

    @property
    def output(self) -> PurePosixPath:
        return self.run / "output"


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """A file of this machine, and where the access point has to have it."""

    local: PurePath
    remote: PurePosixPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfer:
    """A file of a job: its name there, and its path on the access point."""

    lfn: str
    remote: PurePosixPath
    executable: bool = False
    optional: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PlannedJob:
    name: str  # of the DAGMan node
    task: Job
    executable: str  # on the execution point; a stageable one is ./name
    depth: int  # 1: has no parents
    priority: int
    retries: int
    category: str
    abort_dag_on: str
    inputs: tuple[Transfer, ...]
    outputs: tuple[Transfer, ...]
    commands: Mapping[str, str]  # of the submit description: requests, and condor profiles
    env: Mapping[str, str]
    invocation: str  # the one argument of node/invoke.py

    def stdout(self, submits: int) -> str:
        """The invocation record of its `submits`-th submission (1: the first), in the submit directory."""
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
    edges: tuple[tuple[str, str], ...]  # names of nodes
    uploads: tuple[Upload, ...]

    @property
    def dag(self) -> str:
        """The DAG's file name in the submit directory; Pegasus' tools rely on the `-0`."""
        return f"{self.name}-0.dag"

    @property
    def log(self) -> str:
        """The event log of all jobs: what `progress.fold` reads."""
        return f"{self.name}-0.log"

    @property
    def dagman_out(self) -> str:
        """DAGMan's own messages: what `progress.fold_end` reads."""
        return f"{self.dag}.dagman.out"

    @property
    def directories(self) -> tuple[PurePosixPath, ...]:
        """What has to exist on the access point before the DAG starts."""
        paths = self.paths
        fixed = [paths.submit, paths.input, paths.executables, paths.scratch, paths.output]
        below = {one.remote.parent for job in self.jobs for one in job.outputs}
        return tuple(dict.fromkeys([*fixed, *sorted(below)]))

    @property
    def results(self) -> tuple[PurePosixPath, ...]:
        """Where the final outputs will be, on the access point."""
        everything = (one.remote for job in self.jobs for one in job.outputs)
        return tuple(path for path in everything if path.is_relative_to(self.paths.output))


def plan(workflow: Workflow, site: Site, paths: RunPaths, *, uuid: str, planned_at: datetime) -> ExecutableWorkflow:
    """The same values give the same plan. `planned_at` is aware."""
    depths = levels(tuple(job.id for job in workflow.jobs), workflow.edges)
    names = _names(workflow)
    made = {use.lfn: use.stage_out for job in workflow.jobs for use in job.outputs}

    def path(lfn: str) -> PurePosixPath:
        if lfn not in made:
            return paths.input / stored_name(lfn)
        return paths.output / lfn if made[lfn] else paths.scratch / stored_name(lfn)

    jobs = []
    for task in sorted(workflow.jobs, key=lambda job: depths[job.id]):
        transformation = workflow.transformations[task.transformation]
        profiles = _profiles(workflow, site, task, transformation)
        executables = tuple(
            Transfer(lfn=one.file_name, remote=_remote(one, paths), executable=True)
            for one in _staged(workflow, transformation)
        )
        inputs = (*(Transfer(lfn=lfn, remote=path(lfn)) for lfn in task.inputs), *executables)
        outputs = tuple(Transfer(lfn=use.lfn, remote=path(use.lfn), optional=use.optional) for use in task.outputs)
        program = f"./{transformation.file_name}" if transformation.kind is Kind.STAGEABLE else str(transformation.pfn)
        jobs.append(
            PlannedJob(
                name=names[task.id],
                task=task,
                executable=program,
                depth=depths[task.id],
                priority=int(profiles.dagman.get("priority", depths[task.id] * PRIORITY_STEP)),
                retries=int(profiles.dagman.get("retry", workflow.retries)),
                category=profiles.dagman.get("category", ""),
                abort_dag_on=profiles.dagman.get("abort-dag-on", ""),
                inputs=inputs,
                outputs=outputs,
                commands=_commands(profiles),
                env=profiles.env,
                invocation=_invocation(
                    workflow, site, task, program=program, inputs=inputs, outputs=outputs, planned_at=planned_at
                ),
            )
        )
    return ExecutableWorkflow(
        name=workflow.name,
        uuid=uuid,
        planned_at=planned_at,
        site=site.name,
        source=workflow.source,
        paths=paths,
        jobs=tuple(jobs),
        edges=tuple((names[parent], names[child]) for parent, child in workflow.edges),
        uploads=tuple(_uploads(workflow, paths)),
    )


def stored_name(lfn: str) -> str:
    """The name of a file while it travels and waits: flat, without anything that a list of files could stumble on.

    >>> stored_name("reads/part 1.fq")
    'reads%2Fpart%201.fq'
    """
    return quote(lfn, safe="+@~")


def _names(workflow: Workflow) -> dict[str, str]:
    """Names of nodes, as Pegasus makes them: `<transformation>_<id>`; what DAGMan reads as syntax becomes `_`."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for job in workflow.jobs:
        name = wanted = re.sub(r"[^A-Za-z0-9_-]", "_", f"{job.transformation}_{job.id}")
        number = 2
        while name in taken:
            name, number = f"{wanted}_{number}", number + 1
        taken.add(name)
        names[job.id] = name
    return names


def _profiles(workflow: Workflow, site: Site, task: Job, transformation: Transformation) -> Profiles:
    """Pegasus' user guide, "Profile Conflict Resolution": transformation, then site, then abstract workflow."""
    return transformation.profiles.over(workflow.site_profiles.over(site.profiles)).over(task.profiles)


def _staged(workflow: Workflow, transformation: Transformation) -> list[Transformation]:
    """What has to be sent along for a transformation: itself and what it requires, unless the image has it."""
    needed = [workflow.transformations[name] for name in (transformation.name, *transformation.requires)]
    return [one for one in needed if one.kind is Kind.STAGEABLE]


def _remote(transformation: Transformation, paths: RunPaths) -> PurePosixPath:
    return paths.executables / transformation.file_name


def _commands(profiles: Profiles) -> dict[str, str]:
    asked = profiles.pegasus
    commands = {
        "request_cpus": asked.get("cores", "1"),
        "request_memory": asked.get("memory", "256"),  # MiB
        "request_disk": str(int(asked.get("diskspace", "512")) * KIB_PER_MIB),  # KiB
    }
    if "gpus" in asked:
        commands["request_gpus"] = asked["gpus"]
    commands["My.pegasus_job_runtime"] = asked.get("runtime", "0")
    commands["My.pegasus_cores"] = asked.get("cores", "1")
    return {**commands, **{key: value for key, value in profiles.condor.items() if key != "universe"}}


def _invocation(
    workflow: Workflow,
    site: Site,
    task: Job,
    *,
    program: str,
    inputs: tuple[Transfer, ...],
    outputs: tuple[Transfer, ...],
    planned_at: datetime,
) -> str:
    """What node/invoke.py does, as one word of letters that no layer between here and there has to quote."""
    asked = {
        "id": task.id,
        "transformation": task.transformation,
        "workflow": workflow.name,
        "site": site.name,
        "planned_at": planned_at.isoformat(timespec="seconds"),
        "executable": program,
        "arguments": list(task.arguments),
        "stdin": task.stdin,
        "stdout": task.stdout,
        "stderr": task.stderr,
        "inputs": [{"lfn": one.lfn, "stored": one.remote.name, "executable": one.executable} for one in inputs],
        "outputs": [{"lfn": one.lfn, "stored": stored_name(one.lfn), "optional": one.optional} for one in outputs],
    }
    return base64.b64encode(zlib.compress(json.dumps(asked).encode(), 9)).decode()


def _uploads(workflow: Workflow, paths: RunPaths) -> Iterator[Upload]:
    for replica in workflow.replicas.values():
        yield Upload(local=replica.local, remote=paths.input / stored_name(replica.lfn))
    names = dict.fromkeys(job.transformation for job in workflow.jobs)
    staged = {one.name: one for name in names for one in _staged(workflow, workflow.transformations[name])}
    for one in staged.values():
        yield Upload(local=one.pfn, remote=_remote(one, paths))
