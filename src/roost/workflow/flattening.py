"""pure: RunHistory with sub-workflows -> RunHistory of all their jobs: those of a part have its name before theirs.

As in Pegasus' statistics, a job that is a workflow is not one of them: its own jobs are. One that failed without any
of those is, and one that was never planned.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TypeVar

from roost.workflow.attempts import JobState
from roost.workflow.history import RunHistory
from roost.workflow.progress import Progress
from roost.workflow.static_bp import StaticPlan

_BAD = frozenset({JobState.FAILED, JobState.HELD, JobState.RETRYING})
T = TypeVar("T")


def flattened(history: RunHistory) -> RunHistory:
    if not history.subworkflows:
        return history
    members = list(_members(history, ""))
    left_out = {node for node in _nodes(history, "") if node}
    plan = _plan(members, left_out)
    jobs = {
        prefix + name: replace(job, name=prefix + name)
        for prefix, one in members
        for name, job in one.progress.jobs.items()
        if prefix + name not in left_out
    }
    children: dict[str, list[str]] = {}
    for parent, child in plan.edges:
        children.setdefault(parent, []).append(child)
    top = history.progress
    progress = Progress(
        jobs=jobs,
        children=children,
        started_at=top.started_at,
        last_at=top.last_at,
        dag_exit_code=top.dag_exit_code,
    )
    return replace(
        history,
        plan=plan,
        progress=progress,
        workflow_jobs=tuple(
            job for prefix, one in members for name, job in one.progress.jobs.items() if prefix + name in left_out
        ),
        records=_joined(members, lambda one: one.records),
        stated_s=_joined(members, lambda one: one.stated_s),
        stderr=_joined(members, lambda one: one.stderr),
        files=_joined(members, lambda one: one.files),
    )


def _members(history: RunHistory, prefix: str) -> Iterator[tuple[str, RunHistory]]:
    yield prefix, history
    for one in history.subworkflows:
        yield from _members(one, f"{prefix}{one.part}/")


def _nodes(history: RunHistory, prefix: str) -> Iterator[str]:
    for one in history.subworkflows:
        inner = list(_nodes(one, f"{prefix}{one.part}/"))
        node = history.progress.jobs.get(one.node)
        if node is not None and (node.state not in _BAD or _has_failed(one)):
            yield prefix + one.node
        yield from inner


def _has_failed(history: RunHistory) -> bool:
    is_bad = any(job.state in _BAD for job in history.progress.jobs.values())
    return is_bad or any(map(_has_failed, history.subworkflows))


def _plan(members: list[tuple[str, RunHistory]], left_out: set[str]) -> StaticPlan:
    edges, task_edges = set(), set()
    ends: dict[str, tuple[list[str], list[str]]] = {}  # of a part: its first and its last jobs
    task_ends: dict[str, tuple[list[str], list[str]]] = {}
    nodes = {f"{prefix}{one.part}/": prefix + one.node for prefix, history in members for one in history.subworkflows}
    for prefix, one in members:
        plan = one.plan
        edges |= {(prefix + parent, prefix + child) for parent, child in plan.edges}
        task_edges |= {(prefix + parent, prefix + child) for parent, child in plan.task_edges}
        node = nodes.get(prefix, "")
        if node in left_out:
            ends[node] = _ends([prefix + job.name for job in plan.jobs], plan.edges, prefix)
            around = prefix[: prefix[:-1].rfind("/") + 1]
            above = next(history for place, history in members if place == around)
            for task in above.plan.tasks_of.get(node.removeprefix(around), ()):
                task_ends[around + task] = _ends([prefix + task for task in plan.tasks], plan.task_edges, prefix)
    return StaticPlan(
        jobs=tuple(
            replace(job, name=prefix + job.name)
            for prefix, one in members
            for job in one.plan.jobs
            if prefix + job.name not in left_out
        ),
        edges=tuple(_around(edges, ends)),
        tasks={
            prefix + name: replace(task, id=prefix + name)
            for prefix, one in members
            for name, task in one.plan.tasks.items()
            if prefix + name not in task_ends
        },
        task_edges=tuple(_around(task_edges, task_ends)),
        tasks_of={
            prefix + name: tuple(prefix + task for task in tasks)
            for prefix, one in members
            for name, tasks in one.plan.tasks_of.items()
            if prefix + name not in left_out
        },
        uuid=members[0][1].plan.uuid,
    )


def _ends(names: list[str], edges: tuple[tuple[str, str], ...], prefix: str) -> tuple[list[str], list[str]]:
    children, parents = {prefix + child for _, child in edges}, {prefix + parent for parent, _ in edges}
    return [name for name in names if name not in children], [name for name in names if name not in parents]


def _around(edges: set[tuple[str, str]], ends: Mapping[str, tuple[list[str], list[str]]]) -> Iterator[tuple[str, str]]:
    """What waited for a part waits for its last ones, its first ones for what the part waited for."""

    def first(name: str) -> Iterator[str]:
        for one in ends[name][0] if name in ends else ():
            yield from first(one)
        if name not in ends:
            yield name

    def last(name: str) -> Iterator[str]:
        for one in ends[name][1] if name in ends else ():
            yield from last(one)
        if name not in ends:
            yield name

    for parent, child in sorted(edges):
        yield from ((before, after) for before in last(parent) for after in first(child))


def _joined(members: list[tuple[str, RunHistory]], of: Callable[[RunHistory], Mapping[str, T]]) -> dict[str, T]:
    return {prefix + name: value for prefix, one in members for name, value in of(one).items()}
