"""pure: a run that did not come to its end -> what of it is left to run, and the rescue DAG that says so to DAGMan.

What is done is read from the event log: a job that ended well, whose files that others still need are there. That holds
also where DAGMan wrote no rescue DAG: its pool was lost, or roost ended it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from roost.errors import UsageError
from roost.workflow.attempts import JobState
from roost.workflow.executable import ExecutableWorkflow, PlannedJob
from roost.workflow.nesting import members
from roost.workflow.progress import Progress

_RESCUE = re.compile(r"\.rescue(\d{3})$")
_SHOWN = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class DagFile:
    """What a DAG file says of its nodes."""

    nodes: Mapping[str, str]  # name: all that its VARS say
    edges: frozenset[tuple[str, str]]


def done_in(progress: Progress) -> frozenset[str]:
    return frozenset(name for name, job in progress.jobs.items() if job.state is JobState.DONE)


def unfinished(
    executable: ExecutableWorkflow, done: Collection[str], is_kept: Callable[[PurePosixPath], bool]
) -> frozenset[str]:
    """The jobs that have to run: those that are not done, and those whose files are needed and not kept.

    Those of all workflows of the run, by their names in the whole. `is_kept` is asked for paths of the access point.
    """
    jobs = _all_jobs(executable)
    makers = _makers(jobs)
    inputs = {one.name: _taken(one, makers) for one in jobs}
    left = {one.name for one in jobs if one.name not in done or not _has_results(one, is_kept)}
    fetching = {one.name for one in jobs if one.job.chores.fetch}
    parents = {one.name: one.parents for one in jobs} if fetching else {}
    todo = list(left)
    while todo:
        name = todo.pop()
        left.update(fetching.intersection(parents.get(name, ())))  # sooner than bringing it here and back
        for remote in inputs[name]:
            if (maker := makers[remote].name) not in left and not is_kept(remote):
                left.add(maker)
                todo.append(maker)
    return frozenset(left | {node for one in jobs if one.name in left for node in one.nodes})


def needed(executable: ExecutableWorkflow, left: Collection[str]) -> tuple[PurePosixPath, ...]:
    """The files, by their paths on the access point, that the jobs of `left` take from jobs that are done.

    And those that they go on from, which need not be there.
    """
    jobs = _all_jobs(executable)
    made = _makers([one for one in jobs if one.name not in left])
    wanted = (remote for one in jobs if one.name in left for remote in _taken(one, made))
    return tuple(dict.fromkeys([*wanted, *checkpoints(executable, left)]))


def checkpoints(executable: ExecutableWorkflow, left: Collection[str]) -> tuple[PurePosixPath, ...]:
    """The files, on the access point, that jobs of `left` go on from."""
    return tuple(
        workflow.remote_checkpoint(name)
        for prefix, _, workflow in members(executable)
        for name in workflow.checkpoints
        if prefix + name in left
    )


def rescue_name(executable: ExecutableWorkflow, present: Collection[str]) -> str:
    """The next one's: DAGMan takes the one with the highest number by itself.

    `present`: the names of the files in the submit directory.
    """
    stem = f"{executable.dag}.rescue"
    numbers = [int(found[1]) for name in present if name.startswith(stem) and (found := _RESCUE.search(name))]
    return f"{stem}{max(numbers, default=0) + 1:03}"


def rescue_text(executable: ExecutableWorkflow, left: Collection[str]) -> str:
    """HTCondor's manual, "The Rescue DAG": the nodes that are done; each other one has all of its retries again."""
    done = [job.name for job in executable.jobs if job.name not in left]
    about = [
        f"# Rescue DAG of {executable.dag}, written by Roost",
        "# Rescue DAG version: 2.0.1 (partial)",
        f"# Total number of Nodes: {len(executable.jobs)}",
        f"# Nodes premarked DONE: {len(done)}",
        "",
    ]
    return "".join(f"{line}\n" for line in (*about, *(f"DONE {name}" for name in done)))


def require_same(before: DagFile, now: DagFile, done: Collection[str]) -> None:
    """A plan can be resumed when its structure is the same, and what is done would be done again in the same way.

    Raises UsageError with what differs.
    """
    wrong = list(_differences(before, now, done))
    if wrong:
        more = [f"... and {len(wrong) - _SHOWN} more"] if len(wrong) > _SHOWN else []
        raise UsageError(
            "\n".join(["this is another workflow than the one that is to be resumed:", *wrong[:_SHOWN], *more]),
            "start it as a run of its own: roost run WORKFLOW --name ANOTHER",
        )


def read_dag(text: str, run: PurePosixPath) -> DagFile:
    """A DAG file as this package writes it, without the path of its run's directory.

    >>> read_dag('JOB a d\\nJOB b d\\nVARS a in="/runs/x/f"\\nPARENT a CHILD b\\n', PurePosixPath("/runs/x"))
    DagFile(nodes={'a': 'in="/f"', 'b': ''}, edges=frozenset({('a', 'b')}))
    """
    nodes: dict[str, str] = {}
    edges: set[tuple[str, str]] = set()
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        match word:
            case "JOB":
                nodes[rest.partition(" ")[0]] = ""
            case "SUBDAG":
                nodes[rest.split()[1]] = ""
            case "VARS":
                name, _, said = rest.partition(" ")
                nodes[name] = " ".join(filter(None, (nodes.get(name, ""), said.replace(str(run), ""))))
            case "PARENT":
                parents, _, children = rest.partition(" CHILD ")
                edges.update((parent, child) for parent in parents.split() for child in children.split())
    return DagFile(nodes=nodes, edges=frozenset(edges))


def _differences(before: DagFile, now: DagFile, done: Collection[str]) -> Iterator[str]:
    for name in now.nodes.keys() - before.nodes.keys():
        yield f"  {name} is new"
    for name in before.nodes.keys() - now.nodes.keys():
        yield f"  {name} is not in it any more"
    for parent, child in sorted(now.edges - before.edges):
        yield f"  {child} waits for {parent} now"
    for parent, child in sorted(before.edges - now.edges):
        yield f"  {child} does not wait for {parent} any more"
    for name in sorted(done):
        if name in now.nodes and before.nodes.get(name, "") != now.nodes[name]:
            yield f"  {name} is done, and would run in another way now"


class _Job(NamedTuple):
    """A job of one of a run's workflows."""

    name: str  # in the whole
    job: PlannedJob
    workflow: ExecutableWorkflow
    nodes: tuple[str, ...]  # the jobs that its workflow, and those around it, are

    @property
    def parents(self) -> list[str]:
        prefix = self.name.removesuffix(self.job.name)
        return [prefix + parent for parent in self.workflow.parents.get(self.job.name, ())]

    @property
    def is_whole(self) -> bool:
        """Its workflow's jobs are known: it does nothing itself."""
        return self.job.name in self.workflow.parts


def _all_jobs(executable: ExecutableWorkflow) -> list[_Job]:
    found: list[_Job] = []
    nodes: dict[str, tuple[str, ...]] = {}  # by prefix
    for prefix, node, workflow in members(executable):
        around = node[: node.rfind("/") + 1]
        nodes[prefix] = (*nodes[around], node) if node else ()
        found += [_Job(prefix + job.name, job, workflow, nodes[prefix]) for job in workflow.jobs]
    return found


def _makers(jobs: Iterable[_Job]) -> dict[PurePosixPath, _Job]:
    return {remote: one for one in jobs if one.job.tasks and not one.is_whole for remote in _made(one)}


def _has_results(one: _Job, is_kept: Callable[[PurePosixPath], bool]) -> bool:
    if one.is_whole:
        return True
    return all(
        output.optional or not output.stage_out or is_kept(one.workflow.result(output.lfn))
        for output in one.job.outputs
    )


def _made(one: _Job) -> list[PurePosixPath]:
    return [*(one.workflow.remote(output.lfn) for output in one.job.outputs), one.workflow.sums_of(one.job)]


def _taken(one: _Job, makers: Mapping[PurePosixPath, _Job]) -> list[PurePosixPath]:
    """What jobs have made for it: files, and their checksums."""
    if not one.job.tasks or one.is_whole:
        return []
    files = [remote for remote in map(one.workflow.remote, one.job.inputs) if remote in makers]
    sums = [makers[remote].workflow.sums_of(makers[remote].job) for remote in files]
    above = set(one.workflow.parents.get(one.job.name, ()))
    if above:
        mine = (one.workflow.remote_sums(parent) for parent in above)
        sums += [remote for remote in mine if remote in makers]
    return [*files, *dict.fromkeys(sums)]
