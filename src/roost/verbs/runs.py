"""shell (all stages): one run of a workflow on a pool that is up, whoever planned it: followed, and brought here.

What has happened is on the access point, in DAGMan's and HTCondor's logs. A Run is what this process knows of it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from roost.errors import PartialError, RoostError
from roost.pool.access_point import AccessPoint
from roost.report import receipt as receipts
from roost.report.job_counts import JobCounts
from roost.report.receipt import Attempt, Outcome, Receipt
from roost.verbs import bringing, following
from roost.verbs.ground import Ground
from roost.verbs.notifying import Notifier
from roost.verbs.run_directory import RunDirectory, RunRecord
from roost.verbs.settling import settle
from roost.workflow.attempts import Attempt as JobAttempt
from roost.workflow.attempts import JobProgress
from roost.workflow.attempts import Outcome as JobOutcome
from roost.workflow.failure import Failure, refused_jobs
from roost.workflow.hooks import Moment
from roost.workflow.progress import Progress, begin

_ERRORS_SHOWN = 3
_OUTCOMES = {JobOutcome.DONE: Outcome.OK, JobOutcome.FAILED: Outcome.FAILED}


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
        return (self._progress or begin(self._sent)).total

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
        if not self._progress.failed:
            return PartialError(
                f"no job that ran has failed, and DAGMan ended with exit code {self._progress.dag_exit_code}"
                f"{self._dagman_errors()}",
                f"{self._directory.submit / self._sent.dagman_out}; once mended: roost run --resume {self.name}",
            )
        return PartialError(
            f"{len(self._progress.failed)} of {self._progress.total} jobs failed",
            f"the files of every job are in {self._directory.submit}; once mended: roost run --resume {self.name}",
        )

    def _dagman_errors(self) -> str:
        """As the end of a sentence; a job that HTCondor does not take leaves no other trace."""
        messages = self._directory.submit / self._sent.dagman_out
        said = refused_jobs(messages.read_text(errors="replace")) if messages.is_file() else {}
        return "".join(f"; {job}: {why}" for job, why in list(said.items())[:_ERRORS_SHOWN])

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
                usd_so_far=self._ground.meter(),
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
        self._directory.write("timeline.json", json.dumps(self._ground.timeline, indent=2))
        self._is_here = True

    @abstractmethod
    def _failures(self, access_point: AccessPoint, progress: Progress) -> tuple[Failure, ...]:
        """Told before anything is brought here."""

    @abstractmethod
    def _bring_kept(self, access_point: AccessPoint, progress: Progress) -> None:
        """What --resume needs beyond outputs and logs."""


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
