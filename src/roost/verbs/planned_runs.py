"""shell (all stages): a run that Roost's own planner plans: begun, resumed, or found again on its pool.

What has happened is on the access point, in DAGMan's and HTCondor's logs; the plan is made anew, the same each time.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

from roost.boot import commands
from roost.errors import UsageError
from roost.pool.access_point import AccessPoint
from roost.spec import PoolSpec
from roost.verbs import bringing, following, objects, places, pool_facts, sending, sharing
from roost.verbs.archiving import keep_catalogs
from roost.verbs.ground import Ground
from roost.verbs.notifying import Notifier
from roost.verbs.run_directory import RunDirectory, RunRecord, sent_again
from roost.verbs.runs import Run
from roost.workflow import resuming
from roost.workflow.abstract import Workflow
from roost.workflow.attempts import JobProgress
from roost.workflow.clustering import Kind, wanted
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow
from roost.workflow.executable import Site as ExecutionSite
from roost.workflow.failure import Failure
from roost.workflow.nesting import Member, all_uploads, members
from roost.workflow.part_planning import PLANNED, planned_again
from roost.workflow.planning import planned
from roost.workflow.profiles import Profiles
from roost.workflow.progress import Progress, begin, fold
from roost.workflow.properties import Data
from roost.workflow.run_paths import RunPaths, Shared
from roost.workflow.whole import Whole, needs_whole, whole


class PlannedRun(Run):
    """One that Roost's own planner has planned."""

    def __init__(
        self, ground: Ground, directory: RunDirectory, record: RunRecord, executable: ExecutableWorkflow
    ) -> None:
        super().__init__(ground, directory, record, whole(executable) if needs_whole(executable) else executable)
        self._planned = self._told_of = executable
        every = [one.workflow for one in members(executable)]
        if any(one.hooks or one.task_hooks or one.deferred for one in every):
            self._notifier = Notifier(directory.path, executable, say=ground.reporter.note)

    def _see(self, progress: Progress, changed: Sequence[JobProgress]) -> None:
        if self._notifier is not None and self._executable is not self._told_of:
            self._told_of = self._executable
            self._notifier.know(self._told_of)
        super()._see(progress, changed)

    @property
    def _executable(self) -> ExecutableWorkflow:
        """With the parts that have been planned by now."""
        return self._sent.executable if isinstance(self._sent, Whole) else self._planned

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
    executable = _with_planned(directory, _planned(ground, record, workflow))
    progress = _so_far(directory, executable)
    done = resuming.done_in(progress)
    for member in members(executable):
        dag = _here(directory, executable, member) / member.workflow.dag
        if dag.exists():
            resuming.require_same(
                resuming.read_dag(dag.read_text(), before.remote),
                resuming.read_dag("".join(dag_lines(member.workflow)), record.remote),
                [name.removeprefix(member.prefix) for name in done if name.startswith(member.prefix)],
            )
    here = bringing.Kept(executable, directory)
    left = resuming.unfinished(executable, done, lambda remote: here.at(remote).exists())
    if not left:
        raise UsageError(f"nothing is left to run of {directory.name}: all its jobs are done", f"ls {directory.output}")
    with ground.access_point() as access_point:
        sending.require_ended(access_point, record)
    logs = {
        one.prefix: str(executable.paths.submit_of(one.workflow.paths) / one.workflow.log)
        for one in members(executable)
        if one.prefix
    }
    record = sent_again(record, directory, log=executable.log, dagman_out=executable.dagman_out, logs=logs)
    directory.save(record)
    ground.reporter.note(
        f"{progress.total - len(left.difference(progress.parts))} of {progress.total} jobs are done already"
    )
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
    nodes = {node for _, node, _ in members(executable)}
    every = {prefix + job.name for prefix, _, workflow in members(executable) for job in workflow.jobs}
    jobs, files = len((every if left is None else left) - nodes), sum(1 for _ in all_uploads(executable))
    with ground.access_point() as access_point:
        ground.reporter.step(f"send {jobs} jobs and {files} files to {ground.place}")
        objects.send_signed(executable, access_point, ground.pool.spec)
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
    sharing.require_shared(workflow, ground.pool.spec.name, is_shared=bool(at))
    if workflow.subs:
        ground.reporter.note("a workflow of workflows: HTCondor moves the files, with the same effect")
        return placed
    if not at:
        ground.reporter.note("the instances share no file system: HTCondor moves the files, with the same effect")
        return placed
    return replace(placed, data=f"{at}/runs/{record.name}-{record.uuid[:8]}")


def _shared(record: RunRecord, workflow: Workflow) -> Shared | None:
    if not record.data:
        return None
    copied = "link" if workflow.links_inputs else "copy"
    return Shared(PurePosixPath(record.data), "here" if workflow.data is Data.SHAREDFS else copied)


def _so_far(directory: RunDirectory, executable: ExecutableWorkflow) -> Progress:
    """By the event logs that were brought here."""
    progress = begin(whole(executable) if needs_whole(executable) else executable)
    for member in members(executable):
        log = _here(directory, executable, member) / member.workflow.log
        fold(progress, log.read_text(errors="replace") if log.exists() else "", member.prefix)
    return progress


def _with_planned(directory: RunDirectory, executable: ExecutableWorkflow) -> ExecutableWorkflow:
    """With the parts that were planned on an access point, whose plans came here."""
    found = whole(executable)
    todo = list(found.deferred.items())
    while todo:
        node, later = todo.pop()
        path = directory.submit / executable.paths.submit_of(later.paths) / PLANNED
        if path.exists():
            found.adopt(node, planned_again(later.context, path.read_text(encoding="utf-8"), later.file.name))
            todo += [one for one in found.deferred.items() if one[0].startswith(f"{'/'.join(later.path)}/")]
    return found.executable


def _here(directory: RunDirectory, executable: ExecutableWorkflow, member: Member) -> Path:
    """The submit directory of one of a run's workflows, on this machine."""
    return directory.submit / executable.paths.submit_of(member.workflow.paths)


def _site_profiles(spec: PoolSpec) -> Profiles:
    wanted = places.requirements(spec)
    return Profiles(condor={"requirements": wanted}) if wanted else Profiles()
