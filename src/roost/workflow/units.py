"""pure: the tasks of a workflow on the way to jobs: which of them are together, and the graph of what that leaves."""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from roost.workflow.abstract import Job, Workflow
from roost.workflow.graph import contracted, levels
from roost.workflow.shapes import Shapes

_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")  # in the name of a node: DAGMan reads it as syntax


@dataclass(kw_only=True, slots=True)
class Unit:
    """Tasks that are one job."""

    tasks: tuple[Job, ...]  # in the order in which they run
    name: str = ""  # of the job; empty: that of its task
    apart: bool = False  # each in a directory of its own


def node_name(text: str) -> str:
    """
    >>> node_name("ns::t 1:2.0_ID1")
    'ns__t_1_2_0_ID1'
    """
    return _UNSAFE.sub("_", text)


@dataclass(slots=True)
class Units:
    """A unit is known by the id of one of its tasks; what nobody has joined is a unit of its own."""

    workflow: Workflow
    shapes: Shapes
    _sent: Callable[[str], Iterable[str]]  # names of the executables that go with a transformation
    _found: dict[str, Unit] = field(default_factory=dict)  # of several tasks
    _unit_of: dict[str, str] = field(default_factory=dict)  # a task's id: its unit's
    _place: dict[str, tuple[int, int]] = field(default_factory=dict)  # of tasks: level, place in the document
    _numbers: dict[str, int] = field(default_factory=dict)  # of names that were given

    @property
    def ids(self) -> list[str]:
        unit_of = self._unit_of
        return [task.id for task in self.workflow.jobs if unit_of.get(task.id, task.id) == task.id]

    @property
    def joined(self) -> tuple[int, int]:
        """(tasks that are with others, jobs that they are)."""
        return len(self._unit_of), len(self._found)

    def all(self) -> Iterator[tuple[str, Unit]]:
        """(id, unit), by the place of the task that it is known by."""
        found, unit_of = self._found, self._unit_of
        for task in self.workflow.jobs:
            if unit_of.get(task.id, task.id) == task.id:
                yield task.id, found.get(task.id) or Unit(tasks=(task,))

    def alone(self) -> Iterator[Job]:
        return (task for task in self.workflow.jobs if task.id not in self._unit_of)

    def tasks(self, unit: str) -> tuple[Job, ...]:
        if unit in self._found:
            return self._found[unit].tasks
        return (next(task for task in self.workflow.jobs if task.id == unit),)

    def unit_of(self) -> Mapping[str, str]:
        """Of each task that is with others: the id of its unit."""
        return self._unit_of

    def parents(self) -> dict[str, tuple[str, ...]]:
        return contracted(self.workflow.parents, self._unit_of)

    def levels(self) -> dict[str, int] | None:
        """The level of each unit, from 1. None when there is a cycle."""
        return levels(tuple(self.ids), self.parents())

    def task_parents(self, task: Job) -> Collection[str]:
        return self.workflow.parents.get(task.id, ())

    def in_order(self, tasks: Iterable[Job]) -> list[Job]:
        """Parents before children, else as in the document."""
        if not self._place:
            ids = tuple(task.id for task in self.workflow.jobs)
            depths = levels(ids, self.workflow.parents)
            assert depths is not None, "a Workflow has no cycle"
            self._place = {one: (depths[one], place) for place, one in enumerate(ids)}
        return sorted(tasks, key=lambda task: self._place[task.id])

    def name(self, transformation: str, level: int) -> str:
        """As Pegasus calls the next cluster of this level."""
        start = f"merge_{node_name(transformation)}_PID{level}_ID"
        self._numbers[start] = self._numbers.get(start, 0) + 1
        return f"{start}{self._numbers[start]}"

    def join(self, tasks: Iterable[Job], name: str, *, apart: bool = False) -> None:
        """These become one unit; none of them is with others yet. One alone stays as it is."""
        together = tuple(tasks)
        if len(together) > 1:
            unit = together[0].id
            self._found[unit] = Unit(tasks=together, name=node_name(name), apart=apart)
            self._unit_of.update((task.id, unit) for task in together)

    def leave(self, units: Iterable[str]) -> None:
        """Their tasks are units of their own again."""
        for unit in units:
            for task in self._found.pop(unit).tasks:
                del self._unit_of[task.id]

    def clash(self, tasks: Collection[Job]) -> tuple[str, Job, str] | None:
        """A file of a task that has the name of another's executable: (its name, the task, the transformation)."""
        names = {name: one for one in {task.transformation for task in tasks} for name in self._sent(one)}
        for task in tasks if names else ():
            for lfn in (*task.inputs, *[output.lfn for output in task.outputs]):
                if lfn in names:
                    return lfn, task, names[lfn]
        return None
