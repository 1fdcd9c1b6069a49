"""pure: what a submit directory tells of a run, as values. `run_files` reads it; reports are made of it."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from roost.workflow.attempts import JobProgress
from roost.workflow.progress import Progress
from roost.workflow.records import Records
from roost.workflow.static_bp import StaticPlan

_STAMP = r"^(\d\d/\d\d/\d\d \d\d:\d\d:\d\d)(?:\.\d+)? "
_BEGAN_OR_ENDED = re.compile(_STAMP + r".*(STARTING UP|EXITING WITH STATUS (\d+))", re.MULTILINE)
_ZONE_STEP_S = 900.0  # time zones differ by quarters of an hour


@dataclass(frozen=True, kw_only=True, slots=True)
class DagRun:
    """DAGMan, once from its start to its end; a run that was resumed has several."""

    started_at: float
    ended_at: float | None = None  # None: it runs, or was killed
    exit_code: int | None = None

    def moved(self, seconds: float) -> "DagRun":
        """The same, so much later."""
        ended_at = self.ended_at + seconds if self.ended_at is not None else None
        return DagRun(started_at=self.started_at + seconds, ended_at=ended_at, exit_code=self.exit_code)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunHistory:
    name: str  # of the workflow
    directory: str
    plan: StaticPlan
    progress: Progress
    dag_runs: tuple[DagRun, ...]
    records: Mapping[str, tuple[Records, ...]]  # by job: one for each try that left one, oldest first
    stated_s: Mapping[str, float] = field(default_factory=dict)  # by job: run time that a profile says
    stderr: Mapping[str, str] = field(default_factory=dict)  # by job that failed: the end of its stderr
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # by job that failed: where to look
    subworkflows: tuple["RunHistory", ...] = ()
    workflow_jobs: tuple[JobProgress, ...] = ()  # of one made of all its sub-workflows': the jobs that those are
    part: str = ""  # of a sub-workflow: what it is called in the names of its jobs ...
    node: str = ""  # ... and the job that it is for the workflow around it


def dag_runs(lines: str) -> tuple[DagRun, ...]:
    """From the lines of a `dagman.out` that tell of DAGMan's starts and ends, in the log's own zone taken as UTC.

    >>> dag_runs("11/20/26 12:05:06 ** x (CONDOR_DAGMAN) STARTING UP\\n11/20/26 12:05:09 ** x EXITING WITH STATUS 1\\n")
    (DagRun(started_at=1795176306.0, ended_at=1795176309.0, exit_code=1),)
    """
    found: list[DagRun] = []
    for stamp, what, status in _BEGAN_OR_ENDED.findall(lines):
        at = datetime.strptime(stamp, "%m/%d/%y %H:%M:%S").replace(tzinfo=UTC).timestamp()
        if what == "STARTING UP":
            found.append(DagRun(started_at=at))
        elif found:
            found[-1] = DagRun(started_at=found[-1].started_at, ended_at=at, exit_code=int(status))
    return tuple(found)


def with_metrics(runs: tuple[DagRun, ...], metrics: str) -> tuple[DagRun, ...]:
    """The last run as DAGMan's own `<dag>.metrics` tells it: to the millisecond, and in no time zone.

    >>> with_metrics((DagRun(started_at=3.0),), '{"start_time": 2.5, "end_time": 9.25, "exitcode": 0}')
    (DagRun(started_at=2.5, ended_at=9.25, exit_code=0),)
    """
    try:
        match json.loads(metrics):
            case {"start_time": float() | int() as began, "end_time": float() | int() as ended, "exitcode": int(code)}:
                shift = _zone(began - runs[-1].started_at) if runs else 0.0
                if runs and abs(began - shift - runs[-1].started_at) > 60:
                    return runs  # they are of an earlier run: this one has not ended
                before = tuple(one.moved(shift) for one in runs[:-1])
                return (*before, DagRun(started_at=float(began), ended_at=float(ended), exit_code=code))
    except json.JSONDecodeError:
        pass
    return runs


def zone_of_log(progress: Progress, records: Mapping[str, tuple[Records, ...]], *, looked_at: int = 100) -> float:
    """Seconds to add to the event log's times: it may be in local time, and invocation records say their zone."""
    differences: list[float] = []
    for name, tries in records.items():
        attempts = progress.jobs[name].attempts if name in progress.jobs else []
        if tries and tries[-1].invocations and attempts:
            differences.append(tries[-1].invocations[0].started_at - attempts[-1].started_at)
        if len(differences) >= looked_at:
            break
    return _zone(sorted(differences)[len(differences) // 2]) if differences else 0.0


def shift(progress: Progress, seconds: float) -> None:
    """All times of a Progress, changed in place."""
    if not seconds:
        return
    if progress.started_at is not None and progress.last_at is not None:
        progress.started_at, progress.last_at = progress.started_at + seconds, progress.last_at + seconds

    def moved(at: float | None) -> float | None:
        return None if at is None else at + seconds

    for job in progress.jobs.values():
        job.submitted_at, job.queued_at = moved(job.submitted_at), moved(job.queued_at)
        job.inputs_at, job.script_ended_at = moved(job.inputs_at), moved(job.script_ended_at)
        for one in job.attempts:
            one.started_at += seconds
            one.queued_at, one.inputs_at = moved(one.queued_at), moved(one.inputs_at)
            one.outputs_at, one.ended_at = moved(one.outputs_at), moved(one.ended_at)


def seconds_of(runs: Iterable[DagRun], now: float) -> float:
    """How long DAGMan has run in all; what lies between two runs is not counted (nor is it by Pegasus)."""
    return sum(max(0.0, (one.ended_at if one.ended_at is not None else now) - one.started_at) for one in runs)


def _zone(seconds: float) -> float:
    """
    >>> _zone(-18003.5), _zone(299.0)
    (-18000.0, 0.0)
    """
    return round(seconds / _ZONE_STEP_S) * _ZONE_STEP_S
