"""pure: RunHistory -> what was done: each task with its run time, and a row for each transformation.

A task is one of the abstract workflow. What the planner added (transfers, cleanup, ...) are tasks too, of their own
kind; and where only a DAG tells of a run, each of its jobs is one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from roost.workflow.attempts import JobProgress, JobState, Outcome
from roost.workflow.history import RunHistory
from roost.workflow.records import Invocation, Records
from roost.workflow.static_bp import StaticJob

COMPUTE = "compute"


class TaskState(StrEnum):
    DONE = "done"
    FAILED = "failed"
    RUNNING = "running"
    NOT_RUN = "not run"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    id: str
    transformation: str
    kind: str  # compute, stage-in-tx, ...
    job: str
    state: TaskState
    tries: int
    run_s: float | None  # of its last try; None: not known
    cpu_s: float | None
    max_rss_kib: int | None
    stated_s: float | None  # by a profile


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """A transformation. Times are of tasks that ended well."""

    transformation: str
    kind: str
    tasks: int
    done: int
    failed: int
    retries: int
    min_s: float | None
    mean_s: float | None
    max_s: float | None
    sum_s: float
    cpu_s: float | None
    max_rss_mib: float | None
    stated_mean_s: float | None  # of those that say how long they take


def tasks(history: RunHistory) -> Iterator[Task]:
    for job in history.plan.jobs:
        yield from _of_job(history, job)


def rows(all_tasks: list[Task]) -> tuple[Row, ...]:
    """Compute first, then by the time they took."""
    by_kind: dict[tuple[str, str], list[Task]] = {}
    for task in all_tasks:
        by_kind.setdefault((task.kind, task.transformation), []).append(task)
    found = [_row(kind, name, members) for (kind, name), members in by_kind.items()]
    return tuple(sorted(found, key=lambda row: (row.kind != COMPUTE, -row.sum_s, row.transformation)))


def _of_job(history: RunHistory, job: StaticJob) -> Iterator[Task]:
    progress = history.progress.jobs[job.name]
    tries = history.records.get(job.name, ())
    ids = history.plan.tasks_of.get(job.name, ())
    stated = history.stated_s.get(job.name)
    if not ids:
        yield _whole_job(history, job, progress, tries, stated)
        return
    of_task: dict[str, list[Invocation]] = {one: [] for one in ids}
    for records in tries:
        for invocation in records.invocations:
            if len(ids) == 1 or invocation.task_id in of_task:
                of_task[ids[0] if len(ids) == 1 else invocation.task_id].append(invocation)
    for one in ids:
        last = of_task[one][-1] if of_task[one] else None
        state = _state(progress, last, is_alone=len(ids) == 1)
        is_seen = last is not None and (state is TaskState.DONE) == (last.exit_code == 0)
        yield Task(
            id=one,
            transformation=history.plan.tasks[one].transformation,
            kind=job.kind,
            job=job.name,
            state=state,
            tries=max(len(of_task[one]), progress.submits if len(ids) == 1 else min(1, progress.submits)),
            run_s=last.duration_s if last is not None and is_seen else (_ran_s(progress) if len(ids) == 1 else None),
            cpu_s=last.cpu_s if last is not None and is_seen else None,
            max_rss_kib=last.max_rss_kib if last is not None and is_seen else None,
            stated_s=stated / len(ids) if stated else None,
        )


def _whole_job(
    history: RunHistory, job: StaticJob, progress: JobProgress, tries: tuple[Records, ...], stated: float | None
) -> Task:
    found = tries[-1].invocations if tries else ()
    return Task(
        id=job.name,
        transformation=(found[0].transformation if found else "") or history.plan.transformation(job),
        kind=job.kind,
        job=job.name,
        state=_state(progress, None, is_alone=True),
        tries=progress.submits,
        run_s=sum(one.duration_s for one in found) if found else _ran_s(progress),
        cpu_s=sum(one.cpu_s for one in found) if found else None,
        max_rss_kib=max(one.max_rss_kib for one in found) if found else None,
        stated_s=stated,
    )


def _state(job: JobProgress, last: Invocation | None, *, is_alone: bool) -> TaskState:
    match job.state:
        case JobState.DONE:
            return TaskState.DONE
        case JobState.RUNNING:
            return TaskState.RUNNING
        case JobState.FAILED | JobState.HELD | JobState.RETRYING:
            if last is None:
                return TaskState.FAILED if is_alone else TaskState.NOT_RUN
            # A task that ended well inside a job that failed has done its part, unless it is the whole job.
            return TaskState.FAILED if is_alone or last.exit_code else TaskState.DONE
        case _:
            return TaskState.NOT_RUN


def _ran_s(job: JobProgress) -> float | None:
    """As the event log tells it, to the second: what a record would say is not there."""
    last = job.attempts[-1] if job.attempts else None
    if last is None or last.outcome not in (Outcome.DONE, Outcome.FAILED) or last.ended_at is None:
        return None
    return max(0.0, (last.outputs_at if last.outputs_at is not None else last.ended_at) - last.started_at)


def _row(kind: str, name: str, members: list[Task]) -> Row:
    done = [task for task in members if task.state is TaskState.DONE]
    times = [task.run_s for task in done if task.run_s is not None]
    cpu = [task.cpu_s for task in done if task.cpu_s is not None]
    rss = [task.max_rss_kib for task in members if task.max_rss_kib is not None]
    stated = [task.stated_s for task in members if task.stated_s is not None]
    return Row(
        transformation=name,
        kind=kind,
        tasks=len(members),
        done=len(done),
        failed=sum(task.state is TaskState.FAILED for task in members),
        retries=sum(max(0, task.tries - 1) for task in members),
        min_s=min(times, default=None),
        mean_s=sum(times) / len(times) if times else None,
        max_s=max(times, default=None),
        sum_s=sum(times),
        cpu_s=sum(cpu) if cpu else None,
        max_rss_mib=max(rss) / 1024 if rss else None,
        stated_mean_s=sum(stated) / len(stated) if stated else None,
    )
