"""pure: RunHistory, receipt -> RunReport: what a run did, how long, why so long, and what it cost; as JSON.

docs/report.md says what each figure means. Times are epoch seconds, or seconds.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from roost.report import chain as chains
from roost.report import tasks as task_table
from roost.report import use
from roost.report.chain import Chain
from roost.report.load import Load, load
from roost.report.recorded import Integrity, PegasusTimes, Transfers, files_of, pegasus_times
from roost.report.tasks import Row, Task, TaskState
from roost.report.use import CoreSeconds, Instance
from roost.workflow.attempts import JobProgress, JobState, Outcome
from roost.workflow.failure import why
from roost.workflow.flattening import flattened
from roost.workflow.history import RunHistory, seconds_of

SCHEMA = "roost/report/1"
FAILURES_SHOWN = 50
WORKFLOWS = frozenset({"dax", "dag"})  # kinds of jobs that are workflows themselves


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """Of tasks, or of jobs."""

    total: int
    done: int
    failed: int
    running: int
    not_run: int
    retries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Bound:
    """What no schedule could have been faster than, with the run times that were measured."""

    critical_path_s: float  # the longest path through the tasks
    work_core_s: float  # all tasks' run times, times their cores
    cores: int
    cores_are_told: bool  # by HTCondor; or the most seen in use at once
    seconds: float  # the greater of path and work/cores
    ratio: float | None  # makespan over it


@dataclass(frozen=True, kw_only=True, slots=True)
class FailedJob:
    job: str
    transformation: str
    kind: str
    reason: str
    exit_code: int | None
    attempts: int
    instance: str
    stderr: tuple[str, ...]  # its last lines
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sub:
    """A sub-workflow; its own report is that of its directory."""

    name: str
    directory: str
    state: str
    jobs: Counts
    makespan_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    name: str
    directory: str
    uuid: str
    state: str  # planned, running, done, failed
    exit_code: int | None  # DAGMan's
    started_at: float
    ended_at: float
    makespan_s: float  # DAGMan's running time
    dag_runs: int  # 2 and more: it was resumed
    tasks: Counts  # of the abstract workflow
    jobs: Counts  # of the DAG
    evictions: int
    bound: Bound
    chain: Chain
    transformations: tuple[Row, ...]
    instances: tuple[Instance, ...]
    core_seconds: CoreSeconds
    transfers: Transfers
    integrity: Integrity
    pegasus: PegasusTimes
    failures: tuple[FailedJob, ...]
    failures_not_shown: int
    unreadable_records: int
    load: Load
    receipt: Mapping[str, Any] | None  # roost/receipt/1, where the run has one
    subworkflows: tuple[Sub, ...]


def run_report(history: RunHistory, *, now: float, receipt: Mapping[str, Any] | None = None) -> RunReport:
    """`now` is the end of a run that has not ended."""
    parts, history = history.subworkflows, flattened(history)
    began_at, ended_at = _span(history, now)
    makespan_s = seconds_of(history.dag_runs, ended_at) if history.dag_runs else ended_at - began_at
    all_tasks = list(task_table.tasks(history))
    compute = [task for task in all_tasks if _is_computed(task, history)]
    machines = use.instances(history, now=ended_at, receipt=receipt)
    useful_s = _work_core_s([task for task in compute if task.state is TaskState.DONE], history)
    last_run = history.dag_runs[-1] if history.dag_runs else None
    transfers, integrity = files_of(history)
    return RunReport(
        name=history.name,
        directory=history.directory,
        uuid=history.plan.uuid,
        state=_state(history),
        exit_code=last_run.exit_code if last_run else None,
        started_at=began_at,
        ended_at=ended_at,
        makespan_s=makespan_s,
        dag_runs=len(history.dag_runs),
        tasks=_task_counts(compute),
        jobs=_job_counts(history),
        evictions=_attempts(history, Outcome.EVICTED),
        bound=_bound(history, compute, machines, makespan_s),
        chain=chains.chain(history, began_at=began_at, ended_at=ended_at),
        transformations=task_table.rows(all_tasks),
        instances=machines,
        core_seconds=use.core_seconds(
            history, useful_s=useful_s, span_s=makespan_s, many_cores=use.cores(machines), now=ended_at
        ),
        transfers=transfers,
        integrity=integrity,
        pegasus=pegasus_times(history, makespan_s),
        failures=tuple(_failed_job(history, job) for job in history.progress.failed[:FAILURES_SHOWN]),
        failures_not_shown=max(0, len(history.progress.failed) - FAILURES_SHOWN),
        unreadable_records=sum(one.unreadable for tries in history.records.values() for one in tries),
        load=load(history, began_at=began_at, ended_at=ended_at),
        receipt=receipt,
        subworkflows=tuple(_sub(one, now) for one in _all(parts)),
    )


def to_json(report: RunReport) -> str:
    return json.dumps({"schema": SCHEMA, **_rounded(asdict(report))}, indent=1) + "\n"


def _rounded(value: Any) -> Any:
    """Nothing here is known to more than a millisecond, and dollars are given to the ten-thousandth of a cent."""
    match value:
        case float():
            return round(value, 6) if abs(value) < 1 else round(value, 3)
        case dict():
            return {key: _rounded(one) for key, one in value.items()}
        case list() | tuple():
            return [_rounded(one) for one in value]
        case _:
            return value


def _span(history: RunHistory, now: float) -> tuple[float, float]:
    progress, runs = history.progress, history.dag_runs
    began_at = runs[0].started_at if runs else progress.started_at
    if began_at is None:
        return now, now  # nothing has happened
    if runs and runs[-1].ended_at is not None:
        return began_at, max(runs[-1].ended_at, began_at)
    if runs or progress.last_at is None:
        return began_at, max(now, began_at)  # it runs
    return began_at, max(progress.last_at, began_at)  # of its DAGMan nothing is known


def _state(history: RunHistory) -> str:
    progress = history.progress
    codes = [one.exit_code for one in history.dag_runs[-1:]]
    if codes and codes[0] is not None:
        return "done" if codes[0] == 0 else "failed"
    if not codes and progress.started_at is None:
        return "planned"
    if not codes and all(job.state is JobState.DONE for job in progress.jobs.values()):
        return "done"
    return "running"


def _is_computed(task: Task, history: RunHistory) -> bool:
    """A task of the abstract workflow; where there is none known of, each job is one."""
    if task.kind in WORKFLOWS:
        return False  # the tasks in it are
    return task.id in history.plan.tasks if history.plan.tasks else True


def _task_counts(members: list[Task]) -> Counts:
    many = {state: sum(task.state is state for task in members) for state in TaskState}
    return Counts(
        total=len(members),
        done=many[TaskState.DONE],
        failed=many[TaskState.FAILED],
        running=many[TaskState.RUNNING],
        not_run=many[TaskState.NOT_RUN],
        retries=sum(max(0, task.tries - 1) for task in members),
    )


def _job_counts(history: RunHistory) -> Counts:
    """As Pegasus counts: those that are workflows are none."""
    workflows = [history.progress.jobs[job.name].state for job in history.plan.jobs if job.kind in WORKFLOWS]
    totals = {state: many - workflows.count(state) for state, many in history.progress.totals.items()}
    failed = totals[JobState.FAILED] + totals[JobState.HELD] + totals[JobState.RETRYING]
    done, running = totals[JobState.DONE], totals[JobState.RUNNING]
    total = sum(totals.values())
    return Counts(
        total=total,
        done=done,
        failed=failed,
        running=running,
        not_run=total - done - failed - running,
        retries=sum(max(0, job.submits - 1) for job in _plain_jobs(history)),
    )


def _plain_jobs(history: RunHistory) -> list[JobProgress]:
    return [history.progress.jobs[job.name] for job in history.plan.jobs if job.kind not in WORKFLOWS]


def _attempts(history: RunHistory, outcome: Outcome) -> int:
    return sum(one.outcome is outcome for job in history.progress.jobs.values() for one in job.attempts)


def _work_core_s(members: list[Task], history: RunHistory) -> float:
    return sum((task.run_s or 0.0) * _cpus(history.progress.jobs[task.job]) for task in members)


def _cpus(job: JobProgress) -> int:
    return job.attempts[-1].cpus if job.attempts else 1


def _bound(history: RunHistory, compute: list[Task], machines: tuple[Instance, ...], makespan_s: float) -> Bound:
    weights = {task.id: task.run_s or 0.0 for task in compute}
    edges = history.plan.task_edges if history.plan.tasks else history.plan.edges
    path_s, work = chains.longest_path(weights, edges), _work_core_s(compute, history)
    many = use.cores(machines)
    seconds = max(path_s, work / many if many else 0.0)
    working = [one for one in machines if one.name != use.SUBMIT_MACHINE]
    return Bound(
        critical_path_s=path_s,
        work_core_s=work,
        cores=many,
        cores_are_told=bool(working) and all(one.cores_are_told for one in working),
        seconds=seconds,
        ratio=makespan_s / seconds if seconds > 0 else None,
    )


def _failed_job(history: RunHistory, job: JobProgress) -> FailedJob:
    static = next(one for one in history.plan.jobs if one.name == job.name)
    tries = history.records.get(job.name, ())
    said = next((one.stderr for one in tries[-1].invocations if one.exit_code), "") if tries else ""
    reason, lines = why(job, history.stderr.get(job.name, ""))
    if said:
        _, lines = why(job, said)  # the task's own, without what is around it
    last = job.attempts[-1] if job.attempts else None
    return FailedJob(
        job=job.name,
        transformation=history.plan.transformation(static),
        kind=static.kind,
        reason=reason,
        exit_code=job.exit_code,
        attempts=max(len(job.attempts), job.submits),
        instance=use.place(last) if last else "",
        stderr=lines,
        files=tuple(history.files.get(job.name, ())),
    )


def _all(parts: tuple[RunHistory, ...]) -> Iterator[RunHistory]:
    for one in parts:
        yield one
        yield from _all(one.subworkflows)


def _sub(history: RunHistory, now: float) -> Sub:
    began_at, ended_at = _span(history, now)
    return Sub(
        name=history.name,
        directory=history.directory,
        state=_state(history),
        jobs=_job_counts(history),
        makespan_s=seconds_of(history.dag_runs, ended_at) if history.dag_runs else ended_at - began_at,
    )
