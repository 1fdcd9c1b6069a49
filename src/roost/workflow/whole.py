"""pure: a run with all its workflows as one graph: jobs of a part have its name before theirs ("inner_ID1/sort_ID3").

What begins a part waits for what the part waits for; the part is done when what ends it is.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from roost.workflow.executable import Deferred, ExecutableWorkflow, PlannedJob
from roost.workflow.nesting import Member, members, with_part
from roost.workflow.run_paths import RunPaths


@dataclass(kw_only=True, slots=True)
class Whole:
    """What is followed of a run: progress.Graph. It grows when a part is planned whose file a task has made."""

    executable: ExecutableWorkflow
    jobs: tuple[PlannedJob, ...]
    edges: tuple[tuple[str, str], ...]
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # a job that is a workflow: its jobs

    @property
    def paths(self) -> RunPaths:
        return self.executable.paths

    @property
    def log(self) -> str:
        return self.executable.log

    @property
    def dagman_out(self) -> str:
        return self.executable.dagman_out

    @property
    def done(self) -> tuple[str, ...]:
        return ()

    @property
    def deferred(self) -> Mapping[str, Deferred]:
        """Parts that are not planned yet, by job."""
        every = members(self.executable)
        return {one.prefix + node: later for one in every for node, later in one.workflow.deferred.items()}

    def adopt(self, node: str, part: ExecutableWorkflow) -> tuple[list[PlannedJob], list[tuple[str, str]]]:
        """A part that has been planned: (its jobs, its edges and those to what is around it), with what is in it."""
        self.executable = with_part(self.executable, node, part)
        every = [one for one in members(self.executable) if one.node == node]
        before = [parent for parent, child in self.edges if child == node]
        jobs = list(jobs_of(every))
        edges = [edge for member in every for edge in edges_of(member, before)]
        self.jobs, self.edges = (*self.jobs, *jobs), (*self.edges, *edges)
        self.parts[node] = tuple(job.name for job in jobs)
        return jobs, edges

    @property
    def logs(self) -> Mapping[str, PurePosixPath]:
        """The event log of each workflow, by what its jobs' names begin with."""
        return {one.prefix: one.workflow.paths.submit / one.workflow.log for one in members(self.executable)}


def needs_whole(executable: ExecutableWorkflow) -> bool:
    """Whether there are several workflows, or will be."""
    return bool(executable.parts or executable.deferred)


def whole(executable: ExecutableWorkflow) -> Whole:
    every = tuple(members(executable))
    return Whole(
        executable=executable,
        jobs=tuple(jobs_of(every)),
        edges=tuple(_edges(every)),
        parts={one.node: names(one) for one in every if one.node},
    )


def jobs_of(every: Iterable[Member]) -> Iterator[PlannedJob]:
    for member in every:
        prefix = member.prefix
        yield from (job._replace(name=prefix + job.name) for job in member.workflow.jobs)


def names(member: Member) -> tuple[str, ...]:
    return tuple(member.prefix + job.name for job in member.workflow.jobs)


def edges_of(member: Member, before: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Of a part that waits for the jobs `before`."""
    prefix, workflow = member.prefix, member.workflow
    yield from ((prefix + parent, prefix + child) for parent, child in workflow.edges)
    if not member.node:
        return
    above = list(before)
    has_children = {parent for parent, _ in workflow.edges}
    for job in workflow.jobs:
        if job.name not in workflow.parents:
            yield from ((parent, prefix + job.name) for parent in above)
        if job.name not in has_children:
            yield prefix + job.name, member.node


def _edges(every: tuple[Member, ...]) -> Iterator[tuple[str, str]]:
    before: dict[str, list[str]] = {}
    for member in every:
        for parent, child in edges_of(member, before.get(member.node, ())):
            if child != member.node:  # the outer one's are known by then
                before.setdefault(child, []).append(parent)
            yield parent, child
