"""shell (the access point): a planned workflow goes to the access point, runs under DAGMan, and comes back.

In: an ExecutableWorkflow. Out: its Progress to the end, its outputs and logs on this machine. The access point's
DAGMan runs on by itself; what is read here can be read again from the start at any time.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from roost.errors import CloudError, RoostError, WaitTimeoutError
from roost.pool.access_point import AccessPoint
from roost.pool.condor import submitted_cluster
from roost.report.job_counts import JobCounts
from roost.report.reporter import Reporter
from roost.workflow import submit_dir
from roost.workflow.dag import submit_argv
from roost.workflow.failure import Failure, failure, files
from roost.workflow.planner import ExecutableWorkflow
from roost.workflow.progress import JobState, Progress, begin, fold, fold_end

_POLL_S = 0.5
_SILENCE_S = 120.0  # the access point may be out of reach for so long before we give up following
_NUL = "\0"
# What is new of the event log, and the end of DAGMan's own; `$2` bytes are known.
_NEWS = 'tail -c +"$(($2 + 1))" -- "$1" 2>/dev/null; printf "\\000"; tail -c 2000 -- "$3" 2>/dev/null; true'


def send(executable: ExecutableWorkflow, access_point: AccessPoint) -> int:
    """The run's directory with its inputs goes there, and DAGMan gets it. DAGMan's cluster id."""
    with tempfile.TemporaryDirectory(prefix="roost-plan-") as written:
        submit_dir.write(executable, Path(written))
        uploads = {str(upload.remote): Path(upload.local) for upload in executable.uploads}
        access_point.put({str(executable.paths.run): Path(written), **uploads})
    started = access_point.run(submit_argv(executable))
    if started.exit_code != 0:
        said = (started.stderr.strip() or started.stdout.strip()).splitlines()
        raise RoostError(
            f"condor_submit_dag refused the workflow: {' / '.join(said[-3:])}",
            f"roost ssh, then look into {executable.paths.submit}",
        )
    return submitted_cluster(started.stdout)


def follow(
    executable: ExecutableWorkflow,
    access_point: AccessPoint,
    reporter: Reporter,
    *,
    usd_so_far: Callable[[], float | None],
) -> Progress:
    """Until DAGMan has ended; what happens is told on the way."""
    progress = begin(executable)
    submit = executable.paths.submit
    known_bytes, heard_at = 0, time.monotonic()
    while not progress.is_over:
        argv = ["sh", "-c", _NEWS, "sh", str(submit / executable.log), str(known_bytes)]
        try:
            news = access_point.run([*argv, str(submit / executable.dagman_out)], timeout_s=30).stdout
            heard_at = time.monotonic()
        except (CloudError, WaitTimeoutError):
            if time.monotonic() - heard_at > _SILENCE_S:
                raise
            time.sleep(_POLL_S)
            continue
        log, _, dagman_out = news.partition(_NUL)
        known_bytes += len(log.encode())
        progress = fold_end(fold(progress, log), dagman_out)
        _tell_trouble(progress, reporter)
        reporter.progress(counts(progress, usd_so_far()))
        if not progress.is_over:
            time.sleep(_POLL_S)
    return progress


def bring_back(executable: ExecutableWorkflow, access_point: AccessPoint, directory: Path) -> None:
    """Outputs to `output/`, the submit directory with its logs to `submit/`."""
    access_point.get(str(executable.paths.output), directory / "output")
    access_point.get(str(executable.paths.submit), directory / "submit")


def failures(executable: ExecutableWorkflow, access_point: AccessPoint, progress: Progress) -> list[Failure]:
    """Each failed job with the end of its stderr."""
    planned = {job.name: job for job in executable.jobs}
    shown = []
    for job in progress.failed:
        stderr = ""
        with suppress(RoostError):  # the file may never have come to be; the reason is told all the same
            stderr = access_point.run(["tail", "-c", "8000", str(files(executable, planned[job.name], job)[0])]).stdout
        shown.append(failure(executable, job, stderr))
    return shown


def _tell_trouble(progress: Progress, reporter: Reporter) -> None:
    """A job that is held, or tried again, once each."""
    for job in progress.take_changed():
        if job.state is JobState.HELD:
            reporter.note(f"{job.name} is held: {job.hold_reason or 'HTCondor gives no reason'}")
        if job.state is JobState.RETRYING:
            reporter.note(f"{job.name} failed (exit code {job.exit_code}) and is tried again")


def counts(progress: Progress, usd: float | None) -> JobCounts:
    totals = progress.totals
    return JobCounts(
        total=len(progress.jobs),
        done=totals[JobState.DONE],
        running=totals[JobState.RUNNING],
        held=totals[JobState.HELD],
        failed=totals[JobState.FAILED],
        usd=usd,
        running_on=_running_on(progress),
    )


def _running_on(progress: Progress) -> dict[str, tuple[str, ...]]:
    """The names of the jobs that run, by the instance that they run on."""
    names: dict[str, list[str]] = {}
    for job in (progress.jobs[name] for name in progress.in_state[JobState.RUNNING]):
        if job.attempts and (instance_id := job.attempts[-1].instance_id):
            names.setdefault(instance_id, []).append(job.name)
    return {instance_id: tuple(running) for instance_id, running in names.items()}
