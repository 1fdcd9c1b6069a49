"""shell (all stages): one run of a workflow on a pool that is up: begun, resumed or found again, and followed.

What has happened is on the access point, in DAGMan's and HTCondor's logs. A Run is what this process knows of it.
"""

import json
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from roost.cloud import pricing
from roost.cloud.model import Found, PoolInstance
from roost.errors import PartialError, RoostError, UsageError
from roost.pool.access_point import AccessPoint
from roost.report import receipt as receipts
from roost.report.job_counts import JobCounts
from roost.report.receipt import Attempt, Outcome, Receipt
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import bringing, entrance, following, places, pool_facts, sending
from roost.verbs.archiving import keep_catalogs
from roost.verbs.notifying import Notifier
from roost.verbs.rising import RisenPool
from roost.verbs.run_directory import RunDirectory, RunRecord, sent_again
from roost.verbs.settling import settle
from roost.verbs.which_pool import Site
from roost.workflow import resuming
from roost.workflow.abstract import Workflow
from roost.workflow.clustering import Kind, wanted
from roost.workflow.dag import dag_lines
from roost.workflow.failure import Failure
from roost.workflow.hooks import Moment
from roost.workflow.planner import ExecutableWorkflow, RunPaths
from roost.workflow.planner import Site as ExecutionSite
from roost.workflow.planning import planned
from roost.workflow.profiles import Profiles
from roost.workflow.progress import Attempt as JobAttempt
from roost.workflow.progress import JobProgress, Progress, begin, fold
from roost.workflow.progress import Outcome as JobOutcome

_OUTCOMES = {JobOutcome.DONE: Outcome.OK, JobOutcome.FAILED: Outcome.FAILED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ground:
    """Where runs take place: a pool that is up, and who is told of them."""

    pool: RisenPool
    site: Site
    reporter: Reporter

    @contextmanager
    def access_point(self) -> Iterator[AccessPoint]:
        points = [self.pool.access_point] if self.pool.access_point else []
        found = Found(instances=(*points, *self.pool.execution_points))
        with entrance.access_point(self.pool.spec, self.site, found) as reached:
            yield reached

    @property
    def place(self) -> str:
        return self.pool.access_point.id if self.pool.access_point else "this machine's HTCondor"


class Run(ABC):
    """A workflow that was handed to a pool. `Pool.run`, `Pool.resume` and `Pool.attach` make them.

    Attributes:
        directory: where its results go on this machine: `output/`, `submit/`, reports.
    """

    _is_flat = True  # how its outputs lie on the access point

    def __init__(self, ground: Ground, directory: RunDirectory, record: RunRecord, sent: following.Sent) -> None:
        self._ground, self._directory, self._record = ground, directory, record
        self._sent = sent
        self._progress: Progress | None = None
        self._is_here = False  # its files, as far as they will ever come
        self._notifier: Notifier | None = None  # of hooks; Pegasus' own planner leaves them to Pegasus' monitord

    @property
    def name(self) -> str:
        return self._directory.name

    @property
    def directory(self) -> Path:
        return self._directory.path

    @property
    def results(self) -> list[Path]:
        """The outputs of the workflow that are here."""
        return self._directory.results

    @property
    def jobs(self) -> int:
        """How many there are."""
        return len(self._sent.jobs)

    @property
    def is_over(self) -> bool:
        return self._progress is not None and self._progress.is_over

    @property
    def is_success(self) -> bool:
        return self._progress is not None and self._progress.is_success

    failures: tuple[Failure, ...] = ()
    """Each task that failed: why, its exit code, the end of its stderr. Known when `wait` has returned."""

    @property
    def attempts(self) -> list[Attempt]:
        """As a receipt counts them."""
        jobs = self._progress.jobs.values() if self._progress else ()
        return [found for job in jobs for one in job.attempts if (found := _attempt(one)) is not None]

    @property
    def problem(self) -> RoostError | None:
        """Why it cannot be called a success; None for one that is, or that has not ended."""
        if self._progress is None or not self.is_over or self.is_success:
            return None
        return PartialError(
            f"{len(self._progress.failed)} of {len(self._progress.jobs)} jobs failed",
            f"the files of every job are in {self._directory.submit}; once mended: roost run --resume {self.name}",
        )

    def counts(self) -> JobCounts:
        """A look at it, now: how many jobs are done, run, wait, have failed."""
        if not self.is_over:
            with self._ground.access_point() as access_point:
                looking = following.Following(self._sent, access_point, self._record)
                looking.look()
                self._progress = looking.progress
        return following.counts(self._progress or begin(self._sent), None)

    def wait(self, timeout_s: float | None = None) -> "Run":
        """Until it has ended; then its results are in `directory`.

        Raises PartialError where tasks failed (`failures` says which), WaitTimeoutError where it takes longer: it
        goes on then, and can be waited for again.
        """
        self.follow(timeout_s=timeout_s)
        if self.problem is not None:
            raise self.problem
        return self

    def follow(self, *, timeout_s: float | None = None) -> None:
        """As `wait`; tasks that failed are no exception."""
        if self._is_here:
            return
        reporter = self._ground.reporter
        if self._notifier is not None:
            self._notifier.workflow(Moment.START, submission=self._record.submissions)
        with self._ground.access_point() as access_point:
            reporter.step("run the workflow under DAGMan")
            self._progress = following.follow(
                self._sent,
                access_point,
                self._record,
                reporter,
                usd_so_far=_meter(self._ground),
                timeout_s=timeout_s,
                seen=self._see,
            )
            self.failures = self._failures(access_point, self._progress)
            self._bring(access_point)
        if self._notifier is not None:
            moment = Moment.SUCCESS if self.is_success else Moment.ERROR
            exit_code = self._progress.dag_exit_code
            self._notifier.workflow(moment, submission=self._record.submissions, exit_code=exit_code)
            self._notifier.finish()

    def salvage(self) -> None:
        """Its pool is about to go: end it, and bring here what --resume needs of it."""
        if self._is_here:
            return
        with self._ground.access_point() as access_point:
            self._ground.reporter.step(f"end the run {self.name}, and bring here what is done")
            following.stop(access_point, self._record)
            looking = following.Following(self._sent, access_point, self._record)
            looking.look()
            self._progress = looking.progress
            self._bring(access_point)

    def keep_receipt(self, given: Receipt) -> None:
        self._directory.write("receipt.json", receipts.to_json(given))

    def _see(self, progress: Progress, changed: Sequence[JobProgress]) -> None:
        self._progress = progress
        if self._notifier is not None:
            self._notifier.jobs(changed)

    def _bring(self, access_point: AccessPoint) -> None:
        self._ground.reporter.step(f"bring the results to {self.directory}")
        bringing.bring_back(self._sent.paths, access_point, self._directory, is_flat=self._is_flat)
        if self._progress is not None and not self._progress.is_success:
            self._bring_kept(access_point, self._progress)
        settle(self._directory)
        self._directory.write("timeline.json", json.dumps(_timeline(self._ground.pool), indent=2))
        self._is_here = True

    @abstractmethod
    def _failures(self, access_point: AccessPoint, progress: Progress) -> tuple[Failure, ...]:
        """Told before anything is brought here."""

    @abstractmethod
    def _bring_kept(self, access_point: AccessPoint, progress: Progress) -> None:
        """What --resume needs beyond outputs and logs."""


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

    def _bring_kept(self, access_point: AccessPoint, progress: Progress) -> None:
        bringing.bring_kept(self._executable, access_point, self._directory, progress, say=self._ground.reporter.note)


def begin_run(ground: Ground, directory: RunDirectory, record: RunRecord, workflow: Workflow) -> Run:
    """Plan, send, submit: DAGMan has it then."""
    cores = _cores(ground) if Kind.AUTO in wanted(record.cluster).kinds else 0
    record = replace(record, directory=str(places.runs(ground.pool.spec) / directory.name), submissions=1, cores=cores)
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
    record = replace(before, directory=str(places.runs(ground.pool.spec) / directory.name))
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
    left = resuming.unfinished(
        executable, done, lambda remote: bringing.kept_at(executable, directory, remote).exists()
    )
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
        RunPaths(run=record.remote),
        record.options,
        uuid=record.uuid,
        planned_at=record.planned_at,
        policy=wanted(record.cluster, cores=record.cores),
    )


def _cores(ground: Ground) -> int:
    types = [instance.instance_type for instance in ground.pool.execution_points]
    shapes = ground.site.ec2.region.shapes(set(types)) if types else {}
    return sum(shapes[one].cpus for one in types if one in shapes)


def _so_far(directory: RunDirectory, executable: ExecutableWorkflow) -> Progress:
    """By the event log that was brought here."""
    log = directory.submit / executable.log
    return fold(begin(executable), log.read_text(errors="replace") if log.exists() else "")


def _site_profiles(spec: PoolSpec) -> Profiles:
    wanted = places.requirements(spec)
    return Profiles(condor={"requirements": wanted}) if wanted else Profiles()


def _meter(ground: Ground) -> Callable[[], float | None]:
    """Dollars so far at the stated price."""
    pool = ground.pool
    points = [pool.access_point] if pool.access_point else []
    instances: tuple[PoolInstance, ...] = (*points, *pool.execution_points)
    known = pricing.rates(pool.spec.cloud, ground.site.ec2.access, [i.instance_type for i in instances]).usd_per_hour
    rates = [(i.launched_at.timestamp(), known.get(i.instance_type)) for i in instances]

    def usd_so_far() -> float | None:
        now = time.time()
        return sum((now - since) / 3600 * rate for since, rate in rates if rate is not None)

    return usd_so_far if all(rate is not None for _, rate in rates) else lambda: None


def _timeline(pool: RisenPool) -> dict[str, object]:
    return {"schema": "roost/timeline/1", "instances": [asdict(known) for known in pool.moments.values()]}


def _attempt(one: JobAttempt) -> Attempt | None:
    """As the receipt counts it; one that still ran when the pool went was for nothing."""
    if not one.instance_id or one.ended_at is None:
        return None
    return Attempt(
        instance_id=one.instance_id,
        started_at_s=one.started_at,
        ended_at_s=one.ended_at,
        outcome=_OUTCOMES.get(one.outcome, Outcome.EVICTED),
    )
