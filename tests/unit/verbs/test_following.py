"""What is told while a workflow runs."""

from roost.report.job_counts import JobCounts
from roost.verbs.following import counts
from roost.workflow.attempts import Attempt, JobProgress, JobState
from roost.workflow.progress import Progress


def _job(name: str, state: JobState, *instance_ids: str) -> JobProgress:
    attempts = [Attempt(cluster=1, started_at=n, instance_id=one) for n, one in enumerate(instance_ids)]
    return JobProgress(name=name, state=state, attempts=attempts)


def test_counts() -> None:
    jobs = [
        _job("a", JobState.DONE, "i-1"),
        _job("b", JobState.RUNNING, "i-1"),
        _job("c", JobState.RUNNING, "i-2", "i-1"),  # moved: where it is now counts
        _job("d", JobState.RUNNING, ""),  # on a slot that does not say where it is
        _job("e", JobState.HELD, "i-2"),
        _job("f", JobState.FAILED, "i-2"),
        _job("g", JobState.WAITING),
    ]
    progress = Progress(jobs={job.name: job for job in jobs})
    assert counts(progress, 0.5) == JobCounts(
        total=7, done=1, running=3, held=1, failed=1, usd=0.5, running_on={"i-1": ("b", "c")}
    )
