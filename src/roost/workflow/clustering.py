"""pure: (Workflow, what its tasks ask for, Policy) -> which tasks one job runs, one after another.

As pegasus-plan's --cluster (user guide, "Job Clustering"): `horizontal`, `label` and `whole` do what profiles say;
`auto` puts short tasks together (see short_tasks.py). Labels come first, whatever the order asked for: what has no
label is clustered afterwards, by the levels of the graph that the labels leave, which cannot close a cycle.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from roost.errors import UsageError
from roost.workflow import bins, short_tasks
from roost.workflow.abstract import Job, Workflow
from roost.workflow.graph import cycle_in
from roost.workflow.shapes import Shape, Shapes, at_odds
from roost.workflow.units import Units
from roost.yaml_lines import did_you_mean

_HORIZONTAL = ("clusters.num", "clusters.size", "clusters.maxruntime")
_SHOWN = 5


class Kind(StrEnum):
    AUTO = "auto"
    HORIZONTAL = "horizontal"
    LABEL = "label"
    WHOLE = "whole"


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Which tasks are put together. Nothing is by default."""

    kinds: Set[Kind] = frozenset()
    cores: int = 0  # of the execution points together; 0: not known, and `auto` does nothing
    guesses: bool = False  # `auto` also where nobody says how long tasks run, by the width of a level
    by_profiles: bool = False  # also those kinds that profiles of the workflow are for


class Clustering(NamedTuple):
    units: Units
    notes: tuple[str, ...]  # sentences: what was decided


def wanted(words: str, *, cores: int = 0) -> Policy:
    """What `--cluster` says; without words, what profiles say, and short tasks. Raises UsageError.

    >>> wanted("none").kinds, sorted(wanted("label,auto").kinds), wanted("").by_profiles
    (frozenset(), [<Kind.AUTO: 'auto'>, <Kind.LABEL: 'label'>], True)
    """
    found = [word.strip().lower() for word in words.split(",") if word.strip()]
    if found == ["none"]:
        return Policy()
    known = [kind.value for kind in Kind]
    for word in found:
        if word not in known:
            raise UsageError(
                f"--cluster cannot be '{word}'{did_you_mean(word, [*known, 'none'])}",
                f"none, or of these, with commas: {', '.join(known)}",
            )
    asked = frozenset(Kind(word) for word in found)
    return Policy(kinds=asked or {Kind.AUTO}, cores=cores, guesses=Kind.AUTO in asked, by_profiles=not asked)


def clustered(workflow: Workflow, shapes: Shapes, policy: Policy, sent: Callable[[str], Iterable[str]]) -> Clustering:
    """The workflow's tasks as units, each one job's. `sent`: names of the executables that go with a transformation.

    Raises UsageError where tasks with one label cannot be one job.
    """
    units = Units(workflow, shapes, sent)
    kinds = policy.kinds | (dict(_of_profiles(workflow, shapes)).keys() if policy.by_profiles else set())
    if Kind.WHOLE in kinds:
        tasks = [task for task in workflow.jobs if task.id not in workflow.subs]
        if tasks:
            _join_named(units, {"": tasks}, lambda _: "merge_whole-wf")
            _require_no_cycle(units, {})
        return Clustering(units=units, notes=(f"all {len(tasks):,} tasks are run as one job",))
    labels: dict[str, list[Job]] = {}
    if Kind.LABEL in kinds:
        labels = _by_label(workflow, shapes)
        _join_named(units, labels, lambda label: f"merge_{label}")
        _require_no_cycle(units, labels)
    if Kind.HORIZONTAL in kinds:
        _join_levels(units, labels, by_runtime=workflow.clusters_by_runtime)
    asked = units.joined
    notes = [f"{asked[0]:,} tasks are run as {asked[1]:,} clustered jobs"] if asked[1] else []
    if Kind.AUTO in kinds and policy.cores:
        notes += short_tasks.join(units, cores=policy.cores, guesses=policy.guesses)
    for kind, said in _of_profiles(workflow, shapes):
        if kind not in kinds:  # as in Pegasus they have no effect then
            notes.append(f"the profile {said} has no effect without --cluster {kind}")
    return Clustering(units=units, notes=tuple(notes))


def _by_label(workflow: Workflow, shapes: Shapes) -> dict[str, list[Job]]:
    found: dict[str, list[Job]] = {}
    for task in workflow.jobs:
        if label := shapes.of(task).pegasus.get(workflow.label_key):
            found.setdefault(label, []).append(task)
    return found


def _join_named(units: Units, groups: Mapping[str, list[Job]], name: Callable[[str], str]) -> None:
    """Each group becomes one job. Raises UsageError, for all of them at once, where tasks cannot be together."""
    wrong = [said for label, tasks in groups.items() for said in _at_odds(units, label, tasks)]
    if wrong:
        more = [f"... and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise UsageError(
            "\n".join([*wrong[:_SHOWN], *more]), "give them other labels, or the same profiles; or: --cluster none"
        )
    for label, tasks in groups.items():
        units.join(units.in_order(tasks), name(label))


def _at_odds(units: Units, label: str, tasks: list[Job]) -> Iterator[str]:
    first = tasks[0]
    what = f"have the label '{label}'" if label else "are in the workflow"
    for task in tasks[1:]:
        if why := at_odds(units.shapes.of(first).shape, units.shapes.of(task).shape):
            yield (
                f"{task.at}: '{task.id}' cannot be in one job with '{first.id}' ({first.at}), though both {what}:"
                f" their profiles differ in {why}"
            )
    if clash := units.clash(tasks):
        lfn, task, other = clash
        yield f"{task.at}: the file '{lfn}' of '{task.id}' would have the name of the executable of '{other}'"


def _require_no_cycle(units: Units, labels: Mapping[str, list[Job]]) -> None:
    if units.levels() is not None:
        return
    parents = units.parents()
    around = cycle_in(tuple(units.ids), parents)
    said = []
    for parent, child in pairwise(around):
        before = {task.id: task for task in units.tasks(parent)}
        edge = next(
            (task, before[one]) for task in units.tasks(child) for one in units.task_parents(task) if one in before
        )
        said.append(" waits for ".join(f"'{one.id}' ({one.at}{_label_of(one, labels)})" for one in edge))
    raise UsageError(
        f"jobs by label would wait for each other: {', and '.join(said)}",
        "give the tasks in between the same label, or the tasks around them different ones; or leave labels out:"
        " --cluster none",
    )


def _label_of(task: Job, labels: Mapping[str, list[Job]]) -> str:
    return next((f", label '{label}'" for label, tasks in labels.items() if task in tasks), "")


def _join_levels(units: Units, labels: Mapping[str, list[Job]], *, by_runtime: bool) -> None:
    """Tasks of one level and transformation; those whose profiles cannot be combined are kept apart."""
    levels = units.levels()
    assert levels is not None, "checked before"
    labelled = {task.id for tasks in labels.values() for task in tasks}
    groups: dict[tuple[int, str], list[Job]] = {}
    for task in units.alone():
        pegasus = units.shapes.of(task).pegasus
        if task.id not in labelled and not pegasus.keys().isdisjoint(_HORIZONTAL):
            groups.setdefault((levels[task.id], task.transformation), []).append(task)
    wrong: list[str] = []
    for (level, transformation), tasks in groups.items():
        for alike in _alike(units.shapes, tasks):
            try:
                for part in _parts(units.shapes, alike, by_runtime=by_runtime):
                    if len(part) > 1:
                        units.join(part, units.name(transformation, level))
            except ValueError as error:
                wrong.append(str(error))
    if wrong:
        raise UsageError("\n".join(wrong), "say how many seconds it runs: profiles: {pegasus: {runtime: ...}}")


def _alike(shapes: Shapes, tasks: list[Job]) -> list[list[Job]]:
    found: list[tuple[Shape, list[Job]]] = []
    place: dict[int, list[Job]] = {}  # by shape: most have the same
    for task in tasks:
        shape = shapes.of(task).shape
        into = place.get(id(shape))
        if into is None:
            into = next((some for one, some in found if not at_odds(one, shape)), None)
            if into is None:
                into = []
                found.append((shape, into))
            place[id(shape)] = into
        into.append(task)
    return [some for _, some in found]


def _parts(shapes: Shapes, tasks: list[Job], *, by_runtime: bool) -> list[list[Job]]:
    """As the profiles of the first of them say; of one level all are to say the same (Pegasus reads the first's)."""
    asked = shapes.of(tasks[0]).pegasus
    number, size, limit_s = (asked.get(key) for key in _HORIZONTAL)
    if limit_s and (by_runtime or not (number or size)):
        return bins.not_longer(tasks, lambda task: _runtime(shapes, task), float(limit_s))
    if number and by_runtime:
        return bins.even(tasks, lambda task: _runtime(shapes, task), int(number))
    if number:
        return bins.so_many(tasks, int(number))
    return bins.of_size(tasks, int(size or 1))


def _runtime(shapes: Shapes, task: Job) -> float:
    seconds = float(shapes.of(task).runtime)
    if not seconds:
        raise ValueError(f"{task.at}: '{task.id}' is to be clustered by run time, and has no profile 'runtime'")
    return seconds


def _of_profiles(workflow: Workflow, shapes: Shapes) -> Iterator[tuple[Kind, str]]:
    """Each kind that a profile is for, and the first such profile."""
    for kind, keys in ((Kind.HORIZONTAL, _HORIZONTAL), (Kind.LABEL, (workflow.label_key,))):
        for task in workflow.jobs:
            pegasus = shapes.of(task).pegasus
            if not pegasus.keys().isdisjoint(keys):
                yield kind, f"'{next(key for key in keys if key in pegasus)}' ({task.transformation})"
                break
