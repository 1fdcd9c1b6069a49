"""shell (all stages): a run that Roost's own planner plans: begun, resumed, or found again on its pool.

What has happened is on the access point, in DAGMan's and HTCondor's logs; the plan is made anew, the same each time.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath

from roost.boot import commands
from roost.errors import UsageError
from roost.pool.access_point import AccessPoint
from roost.spec import PoolSpec
from roost.verbs import bringing, following, places, pool_facts, sending, sharing
from roost.verbs.archiving import keep_catalogs
from roost.verbs.ground import Ground
from roost.verbs.notifying import Notifier
from roost.verbs.run_directory import RunDirectory, RunRecord, sent_again
from roost.verbs.runs import Run
from roost.workflow import resuming
from roost.workflow.abstract import Data, Workflow
from roost.workflow.clustering import Kind, wanted
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, RunPaths, Shared
from roost.workflow.executable import Site as ExecutionSite
from roost.workflow.failure import Failure
from roost.workflow.planning import planned
from roost.workflow.profiles import Profiles
from roost.workflow.progress import Progress, begin, fold


class PlannedRun(Run):
    """One that Roost's own planner has planned."""

    def __init__(
        self, ground: Ground, directory: RunDirectory, record: RunRecord, executable: ExecutableWorkflow
    ) -> None:
        super().__init__(ground, directory, record, executable)
        self._executable = executable
        if executable.hooks or executable.task_hooks:
            self._notifier = Notifier(directory.path, executable, say=ground.reporter.note)

    def _failures(self, access_point: AccessPoint, progress: Progress) -> tuple[Failure, ...]:
        return tuple(following.failures(self._executable, access_point, progress))

    def _bring(self, access_point: AccessPoint) -> None:
        bringing.take_reused(self._executable.reused, self._directory)
        super()._bring(access_point)
        if self.is_success:
            bringing.clear_shared(self._executable, access_point)

    def _bring_kept(self, access_point: AccessPoint, progress: Progress) -> None:
        bringing.bring_kept(self._executable, access_point, self._directory, progress, say=self._ground.reporter.note)


def begin_run(ground: Ground, directory: RunDirectory, record: RunRecord, workflow: Workflow) -> Run:
    """Plan, send, submit: DAGMan has it then."""
    cores = ground.cores if Kind.AUTO in wanted(record.cluster).kinds else 0
    record = _placed(ground, replace(record, submissions=1, cores=cores), workflow)
    executable = _planned(ground, record, workflow)
    directory.save(record)
    for note in executable.notes:
        ground.reporter.note(note)
    keep_catalogs(directory, Path(record.workflow), pool_facts.facts(ground.pool.spec, ground.site, {}))
    return _sent(ground, directory, record, executable)


def resume_run(ground: Ground, directory: RunDirectory, workflow: Workflow) -> Run:
    """Only what is left of it, with executables and inputs as they are now.

    Raises UsageError where the workflow is another one by now, or where it still runs on this pool.
    """
    before = replace(
        directory.record, pool=ground.pool.spec.name, cloud=ground.pool.spec.cloud, region=ground.pool.spec.region
    )
    if not before.directory:
        return begin_run(ground, directory, before, workflow)
    record = _placed(ground, before, workflow)
    executable = _planned(ground, record, workflow)
    progress = _so_far(directory, executable)
    done = resuming.done_in(progress)
    dag = directory.submit / executable.dag
    if dag.exists():
        resuming.require_same(
            resuming.read_dag(dag.read_text(), before.remote),
            resuming.read_dag("".join(dag_lines(executable)), record.remote),
            done,
        )
    here = bringing.Kept(executable, directory)
    left = resuming.unfinished(executable, done, lambda remote: here.at(remote).exists())
    if not left:
        raise UsageError(f"nothing is left to run of {directory.name}: all its jobs are done", f"ls {directory.output}")
    with ground.access_point() as access_point:
        sending.require_ended(access_point, record)
    record = sent_again(record, directory, log=executable.log, dagman_out=executable.dagman_out)
    directory.save(record)
    ground.reporter.note(f"{len(executable.jobs) - len(left)} of {len(executable.jobs)} jobs are done already")
    return _sent(ground, directory, record, executable, left=left)


def attach_run(ground: Ground, directory: RunDirectory, workflow: Workflow) -> Run:
    """As it is on this pool: followed if it was submitted, submitted if it was sent, sent if it was not."""
    record = directory.record
    with ground.access_point() as access_point:
        where = sending.whereabouts(record, access_point)
    if where is sending.Whereabouts.NOTHING:
        ground.reporter.note(f"nothing of the run {record.name} has come to {ground.place} yet")
        return resume_run(ground, directory, workflow)
    executable = _planned(ground, record, workflow)
    with ground.access_point() as access_point:
        sending.submit(executable, access_point, record)
    return PlannedRun(ground, directory, record, executable)


def _sent(
    ground: Ground,
    directory: RunDirectory,
    record: RunRecord,
    executable: ExecutableWorkflow,
    *,
    left: frozenset[str] | None = None,
) -> Run:
    jobs = len(executable.jobs) if left is None else len(left)
    with ground.access_point() as access_point:
        ground.reporter.step(f"send {jobs} jobs and {len(executable.uploads)} files to {ground.place}")
        sending.send(executable, access_point, directory, left=left)
        sending.submit(executable, access_point, record)
    return PlannedRun(ground, directory, record, executable)


def _planned(ground: Ground, record: RunRecord, workflow: Workflow) -> ExecutableWorkflow:
    """The same for the same record and workflow."""
    return planned(
        workflow,
        ExecutionSite(profiles=_site_profiles(ground.pool.spec)),
        RunPaths(run=record.remote, shared=_shared(record, workflow)),
        record.options,
        uuid=record.uuid,
        planned_at=record.planned_at,
        policy=wanted(record.cluster, cores=record.cores),
    )


def _placed(ground: Ground, record: RunRecord, workflow: Workflow) -> RunRecord:
    """Where the run will be. Raises UsageError where its tasks are to work in what the instances share, and do not."""
    placed = replace(record, directory=str(places.runs(ground.pool.spec) / record.name), data="")
    if workflow.data is Data.CONDORIO:
        return placed
    with ground.access_point() as access_point:
        at = access_point.run(commands.shared_place()).stdout.strip()
    if not at:
        sharing.require_shared(workflow.data, ground.pool.spec.name)
        ground.reporter.note("the instances share no file system: HTCondor moves the files, with the same effect")
        return placed
    return replace(placed, data=f"{at}/runs/{record.name}-{record.uuid[:8]}")


def _shared(record: RunRecord, workflow: Workflow) -> Shared | None:
    if not record.data:
        return None
    copied = "link" if workflow.links_inputs else "copy"
    return Shared(PurePosixPath(record.data), "here" if workflow.data is Data.SHAREDFS else copied)


def _so_far(directory: RunDirectory, executable: ExecutableWorkflow) -> Progress:
    """By the event log that was brought here."""
    log = directory.submit / executable.log
    return fold(begin(executable), log.read_text(errors="replace") if log.exists() else "")


def _site_profiles(spec: PoolSpec) -> Profiles:
    wanted = places.requirements(spec)
    return Profiles(condor={"requirements": wanted}) if wanted else Profiles()
