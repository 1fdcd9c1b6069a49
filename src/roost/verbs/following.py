"""shell (the access point): a run is followed until DAGMan has ended.

In: what was sent, whoever planned it. Out: its Progress. The access point's DAGMan runs on by itself; what is read
here can be read again from the start at any time, by another roost too.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Protocol

from roost.errors import CloudError, RoostError, WaitTimeoutError
from roost.pool.access_point import AccessPoint
from roost.report.job_counts import JobCounts, KindCounts
from roost.report.reporter import Reporter
from roost.report.tally import Kind, Planned, tally
from roost.verbs.run_directory import RunRecord
from roost.verbs.sending import in_queue
from roost.workflow.attempts import JobProgress, JobState
from roost.workflow.dag_parts import planning_log
from roost.workflow.executable import ExecutableWorkflow, PlannedJob
from roost.workflow.failure import Failure, failure, files
from roost.workflow.nesting import located
from roost.workflow.part_planning import PLANNED, planned_again
from roost.workflow.progress import Graph, Progress, begin, begin_again, extend, fold, fold_end, mark_done
from roost.workflow.run_paths import RunPaths
from roost.workflow.static_bp import StaticJob
from roost.workflow.whole import Whole

_POLL_S = 0.5
_SILENCE_S = 300.0  # the access point may be out of reach for so long: it reboots, this machine changes networks
_QUIET_S = 15.0  # without news for so long the queue is asked whether DAGMan is still there
_STOP_S = 20.0
_USD_PACE_S = 3.0  # so long it is watched before it is carried on to the end
_NUL = "\0"

# The end of DAGMan's own messages (of which the first `$2` bytes are of an earlier submission); then of each event log
# how long it is, and what is new of it (so many bytes are known).
_NEWS = """\
[ -f "$1" ] && tail -c +"$(($2 + 1))" -- "$1" | tail -c 4000
shift 2
while [ $# -gt 1 ]; do
size=$(($(wc -c 2>/dev/null < "$1" || echo 0)))
printf '\\000%s\\000' "$size"
[ "$size" -gt "$2" ] && tail -c +"$(($2 + 1))" -- "$1" | head -c "$((size - $2))"
shift 2
done
true
"""


_REFUSED = 'for log; do tail -n 1 -- "$log" 2>/dev/null | grep -q "^roost: " && printf "%s\\n" "$log"; done; true'


class Sent(Graph, Protocol):
    """A planned workflow on the access point."""

    @property
    def paths(self) -> RunPaths: ...

    @property
    def log(self) -> str:
        """The event log that tells how its jobs went: a file in its submit directory."""

    @property
    def dagman_out(self) -> str: ...

    @property
    def done(self) -> Collection[str]:
        """Jobs that DAGMan was told not to run, and of which the log says nothing any more."""


def logs_of(sent: Sent) -> Mapping[str, PurePosixPath]:
    """The event log of each workflow of a run, by what its jobs' names begin with."""
    return sent.logs if isinstance(sent, Whole) else {"": sent.paths.submit / sent.log}


def follow(
    executable: Sent,
    access_point: AccessPoint,
    record: RunRecord,
    reporter: Reporter,
    *,
    usd_so_far: Callable[[], float | None],
    timeout_s: float | None = None,
    seen: Callable[[Progress, Sequence[JobProgress]], None] = lambda _, __: None,
) -> Progress:
    """Until DAGMan has ended; what happens is told on the way. Raises WaitTimeoutError where it takes longer."""
    following = Following(executable, access_point, record)
    deadline = None if timeout_s is None else time.monotonic() + timeout_s
    was_told = False
    quiet_since = heard_at = time.monotonic()
    while not following.progress.is_over:
        if deadline is not None and time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"the run {record.name} did not end within {timeout_s:g} s: {counts(following.progress, None)}",
                f"it goes on; wait again, or: roost run --attach {record.name}",
            )
        try:
            has_news = following.look()
            if not has_news and not following.progress.is_over and time.monotonic() - quiet_since > _QUIET_S:
                following.require_in_queue()
                quiet_since = time.monotonic()
            heard_at = time.monotonic()
        except (CloudError, WaitTimeoutError):
            silence_s = time.monotonic() - heard_at
            if silence_s > _SILENCE_S:
                raise
            if silence_s > _QUIET_S and not was_told:
                was_told = True
                reporter.note("the access point does not answer; waiting for it")
            time.sleep(_POLL_S)
            continue
        if has_news:
            quiet_since = time.monotonic()
        moved = following.take_moved()
        for said in following.take_known_later():
            reporter.note(said)
        _tell_trouble(moved, reporter)
        reporter.progress(following.view(usd_so_far(), time.time()))
        seen(following.progress, moved)
        if not following.progress.is_over:
            time.sleep(_POLL_S)
    return following.progress


class Following:
    """How much of a run's logs has been read, and what they came to."""

    def __init__(self, executable: Sent, access_point: AccessPoint, record: RunRecord) -> None:
        self._access_point = access_point
        self._sent = executable
        self._known_later: list[str] = []
        self._record = record
        submit = executable.paths.submit
        self._logs, self._dagman_out = logs_of(executable), str(submit / executable.dagman_out)
        self._known_bytes = dict.fromkeys(self._logs, 0)
        self.progress = mark_done(begin(executable), executable.done)
        before = {"": record.log_bytes, **record.part_log_bytes}
        if any(before.values()):
            for prefix, log in self._logs.items():
                self._known_bytes[prefix] = before.get(prefix, 0)
                argv = ["head", "-c", str(before.get(prefix, 0)), "--", str(log)]
                fold(self.progress, access_point.run(argv, timeout_s=300).stdout, prefix)
            self.progress = begin_again(self.progress)
        self._tally = tally(_planned(executable), self.progress.children, clock=time.monotonic)
        self._tally.update(self.progress.jobs.values())
        self._usd_began: tuple[float, float] | None = None  # (when, dollars), the first that is known

    def take_known_later(self) -> list[str]:
        """Sentences: what has become known of the run since the last call."""
        told, self._known_later = self._known_later, []
        return told

    def take_moved(self) -> list[JobProgress]:
        """The jobs that are in another state than at the last call."""
        changed = self.progress.take_changed()
        parts = [job for job in changed if job.name in self.progress.parts]
        return [*self._tally.update(changed), *parts]

    def view(self, usd: float | None, now: float) -> JobCounts:
        """All that is told while it runs, after `take_moved`."""
        known = self._tally
        left_s = None if self.progress.is_over else known.seconds_left(self.progress, now)
        if usd is not None and self._usd_began is None:
            self._usd_began = (now, usd)
        return replace(
            counts(self.progress, usd),
            retries=known.retries,
            evictions=known.evictions,
            transferring=len(known.transferring),
            kinds=tuple(_kind_counts(kind) for kind in known.kinds.values()),
            seconds_left=left_s,
            usd_at_end=self._usd_at_end(usd, now, left_s),
        )

    def _usd_at_end(self, usd: float | None, now: float, left_s: float | None) -> float | None:
        """At the pace of so far."""
        if usd is None or left_s is None or self._usd_began is None or now - self._usd_began[0] < _USD_PACE_S:
            return None
        began_at, began_usd = self._usd_began
        return usd + (usd - began_usd) / (now - began_at) * left_s

    def look(self) -> bool:
        """Whether there was news."""
        known = self._known_bytes
        argv = ["sh", "-c", _NEWS, "sh", self._dagman_out, str(self._record.dagman_out_bytes)]
        argv += [word for prefix, log in self._logs.items() for word in (str(log), str(known[prefix]))]
        answer = self._access_point.run(argv, timeout_s=300 if not any(known.values()) else 30).stdout
        dagman_out, *told = answer.split(_NUL)
        has_news = False
        for prefix, size, news in zip(self._logs, told[::2], told[1::2], strict=False):
            has_news |= int(size or 0) > known[prefix]
            known[prefix] = max(known[prefix], int(size or 0))
            fold(self.progress, news, prefix)
        fold_end(self.progress, dagman_out)
        if isinstance(self._sent, Whole) and self._sent.deferred:
            has_news |= self._adopt(self._sent)
            has_news |= self._hear_refusals(self._sent)
        return has_news

    def _hear_refusals(self, sent: Whole) -> bool:
        """Of parts that cannot be planned there: their jobs never begin. Whether there were some."""
        logs = {
            str(later.paths.submit.parent / planning_log(node)): node
            for node, later in sent.deferred.items()
            if self.progress.jobs[node].state is JobState.READY
        }
        told = self._access_point.run(["sh", "-c", _REFUSED, "sh", *logs]).stdout.splitlines() if logs else []
        for path in told:
            self.progress.move(self.progress.jobs[logs[path]], JobState.FAILED)
        return bool(told)

    def _adopt(self, sent: Whole) -> bool:
        """Parts whose jobs have begun were planned there; the same plan is made here. Whether there were some."""
        begun = {node: one for node, one in sent.deferred.items() if self.progress.jobs[node].submits}
        for node, later in begun.items():
            text = self._access_point.run(["cat", str(later.paths.submit / PLANNED)], timeout_s=60).stdout
            part = planned_again(later.context, text, later.file.name)
            self._logs, known = {}, self._known_bytes
            extend(self.progress, node, *sent.adopt(node, part))
            self._logs = logs_of(sent)
            self._known_bytes = {prefix: known.get(prefix, 0) for prefix in self._logs}
            self._known_later.append(f"{later.file.name} has been made and planned: {len(part.jobs)} jobs more")
        if begun:
            self._tally = tally(_planned(sent), self.progress.children, clock=time.monotonic)
            self._tally.update(self.progress.jobs.values())
        return bool(begun)

    def require_in_queue(self) -> None:
        """Raises RoostError where DAGMan is neither there nor has said that it ended."""
        argv = ["condor_q", "-constraint", in_queue(self._record), "-af", "ClusterId", "JobStatus", "HoldReason"]
        asked = self._access_point.run(argv)
        if asked.exit_code != 0:
            return  # the schedd is being started
        if not asked.stdout.strip():
            self.look()  # it may have ended in between
            if not self.progress.is_over:
                raise RoostError(
                    f"DAGMan is not in the queue any more, and has not said how the run {self._record.name} ended:"
                    " somebody removed it, or it never came to run",
                    f"roost run --resume {self._record.name}",
                )
        _, status, *reason = asked.stdout.split(maxsplit=2) if asked.stdout.strip() else ("", "", "")
        if status == "5":
            raise RoostError(
                f"DAGMan is on hold: {' '.join(reason).strip() or 'HTCondor gives no reason'}",
                f"roost ssh, condor_release it, then: roost run --attach {self._record.name}",
            )


def stop(access_point: AccessPoint, record: RunRecord) -> None:
    """DAGMan removes its jobs, writes down how far it came, and ends."""
    access_point.run(["condor_rm", "-constraint", in_queue(record)])
    until_left(access_point, record, timeout_s=_STOP_S)


def until_left(access_point: AccessPoint, record: RunRecord, *, timeout_s: float) -> None:
    """Until DAGMan is not in the queue any more, or for so long."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not access_point.run(["condor_q", "-constraint", in_queue(record), "-af", "ClusterId"]).stdout.strip():
            return
        time.sleep(_POLL_S)


def failures(executable: ExecutableWorkflow, access_point: AccessPoint, progress: Progress) -> list[Failure]:
    """Each failed job with the end of its stderr."""
    shown = []
    for job in progress.failed:
        stderr = ""
        with suppress(RoostError):  # the file may never have come to be; the reason is told all the same
            path = files(*located(executable, job.name), job)[0]
            stderr = access_point.run(["tail", "-c", "8000", str(path)]).stdout
        shown.append(failure(executable, job, stderr))
    return shown


def _tell_trouble(moved: list[JobProgress], reporter: Reporter) -> None:
    """A job that is held, or tried again, once each."""
    for job in moved:
        if job.state is JobState.HELD:
            reporter.note(f"{job.name} is held: {job.hold_reason or 'HTCondor gives no reason'}")
        if job.state is JobState.RETRYING:
            reporter.note(f"{job.name} failed (exit code {job.exit_code}) and is tried again")


def counts(progress: Progress, usd: float | None) -> JobCounts:
    totals = progress.totals
    return JobCounts(
        total=progress.total,
        done=totals[JobState.DONE],
        running=totals[JobState.RUNNING],
        held=totals[JobState.HELD],
        failed=totals[JobState.FAILED],
        usd=usd,
        running_on=_running_on(progress),
    )


def _planned(sent: Sent) -> Iterator[Planned]:
    for job in sent.jobs:
        match job:
            case PlannedJob() if isinstance(sent, Whole) and job.name in sent.parts:
                continue  # its jobs count
            case PlannedJob(tasks=()):  # chores
                yield Planned(name=job.name, tasks=((job.shape.transformation, 1),))
            case PlannedJob(tasks=(task,)):
                yield Planned(name=job.name, tasks=((task.transformation, 1),), stated_s=float(job.runtime))
            case PlannedJob():
                many = Counter([task.transformation for task in job.tasks])
                yield Planned(name=job.name, tasks=tuple(many.items()), stated_s=float(job.runtime))
            case StaticJob():  # of another planner, told by its DAG
                yield Planned(name=job.name, tasks=((job.transformation or job.kind, 1),))
            case _:
                yield Planned(name=job.name, tasks=((job.name, 1),))


def _kind_counts(kind: Kind) -> KindCounts:
    return KindCounts(
        transformation=kind.transformation,
        waiting=kind.waiting,
        running=kind.running,
        done=kind.done,
        failed=kind.failed,
        mean_s=kind.mean_s,
    )


def _running_on(progress: Progress) -> dict[str, tuple[str, ...]]:
    """The names of the jobs that run, by the instance that they run on."""
    names: dict[str, list[str]] = {}
    for job in (progress.jobs[name] for name in progress.in_state[JobState.RUNNING]):
        if job.attempts and (instance_id := job.attempts[-1].instance_id):
            names.setdefault(instance_id, []).append(job.name)
    return {instance_id: tuple(running) for instance_id, running in names.items()}
