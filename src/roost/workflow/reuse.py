"""pure: Workflow -> what of it has to run: tasks are left out whose files are there already.

Pegasus' user guide, "Data Reuse": a file counts when the replica catalog names it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from roost.workflow.abstract import Job, Workflow
from roost.workflow.graph import children_of
from roost.workflow.replicas import Replica


@dataclass(frozen=True, kw_only=True, slots=True)
class Reused:
    """What is left to do, and what is there already."""

    workflow: Workflow  # it may have no tasks at all
    left_out: tuple[Job, ...]
    results: Mapping[str, Replica]  # files that the user wants to have, and that no task makes any more


def reuse(workflow: Workflow) -> Reused:
    """A task is left out when each of its files is there, or is wanted by nobody but tasks that are left out."""
    there = workflow.made_before
    if not there:
        return Reused(workflow=workflow, left_out=(), results={})
    users: dict[str, list[str]] = {}
    for task in workflow.jobs:
        for lfn in task.inputs:
            users.setdefault(lfn, []).append(task.id)
    gone: set[str] = set()
    for task in _from_the_leaves(workflow):
        # One that makes nothing is run for what else it does.
        if task.outputs and all(
            output.lfn in there or (not output.stage_out and gone.issuperset(users.get(output.lfn, ())))
            for output in task.outputs
        ):
            gone.add(task.id)
    left = tuple(task for task in workflow.jobs if task.id not in gone)
    left_out = tuple(task for task in workflow.jobs if task.id in gone)
    taken = {lfn for task in left for lfn in task.inputs}
    made = {output.lfn for task in left for output in task.outputs}
    replicas = {lfn: where for lfn, where in {**there, **workflow.replicas}.items() if lfn in taken and lfn not in made}
    parents = {
        child: kept
        for child, all_parents in workflow.parents.items()
        if child not in gone and (kept := tuple(parent for parent in all_parents if parent not in gone))
    }
    wanted = [output.lfn for task in left_out for output in task.outputs if output.stage_out]
    return Reused(
        workflow=replace(workflow, jobs=left, parents=parents, replicas=replicas),
        left_out=left_out,
        results={lfn: there[lfn] for lfn in wanted},
    )


def _from_the_leaves(workflow: Workflow) -> list[Job]:
    """Children before their parents."""
    tasks = {task.id: task for task in workflow.jobs}
    waiting = {one: len(below) for one, below in children_of(tuple(tasks), workflow.parents).items()}
    ready = [one for one, many in waiting.items() if many == 0]
    ordered = []
    while ready:
        one = ready.pop()
        ordered.append(tasks[one])
        for parent in workflow.parents.get(one, ()):
            waiting[parent] -= 1
            if waiting[parent] == 0:
                ready.append(parent)
    return ordered
