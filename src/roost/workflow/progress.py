"""pure: HTCondor's event log -> Progress: where each job is, each attempt with its times, its instance and its bytes.

The log is the one that all jobs of a run share; chunks are folded as they arrive, cut anywhere. A Progress is changed
in place: a look costs what is new, not what there is, in a run of 100,000 jobs too. DAGMan's own messages
(`dagman.out`) tell the end of the DAG.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from roost.workflow import event_log
from roost.workflow.attempts import JobProgress, JobState, Outcome, after
from roost.workflow.event_log import Event

_DAGMAN_LIFE = re.compile(r"(STARTING UP)$|EXITING WITH STATUS (\d+)", re.MULTILINE)
_RESTART = 3  # DAGMan's exit code when its schedd goes down: it will be started again, and recover


class Node(Protocol):
    """What has to be known of a job beforehand."""

    @property
    def name(self) -> str: ...

    @property
    def retries(self) -> int: ...


class Graph(Protocol):
    """A planned workflow, as the planner has it or as a submit directory tells it."""

    @property
    def jobs(self) -> Sequence[Node]: ...

    @property
    def edges(self) -> Iterable[tuple[str, str]]: ...


@dataclass(kw_only=True, slots=True)
class Progress:
    jobs: dict[str, JobProgress]
    children: dict[str, list[str]] = field(default_factory=dict)
    unfinished: dict[str, int] = field(default_factory=dict)  # job: how many of its parents are not done
    clusters: dict[int, str] = field(default_factory=dict)  # HTCondor's ClusterId: name
    in_state: dict[JobState, dict[str, None]] = field(init=False)  # names of jobs, in the order in which they came
    changed: dict[str, None] = field(default_factory=dict)  # names of jobs, since somebody took them
    started_at: float | None = None  # first and last event
    last_at: float | None = None
    dag_exit_code: int | None = None  # None: DAGMan has not ended
    rests: dict[str, str] = field(default_factory=dict)  # of each workflow's log: an event that is not complete
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # a job that is a workflow: its jobs
    dagman_rest: str = ""  # the same of DAGMan's own
    dagman_clusters: set[int] = field(default_factory=set)  # ClusterIds of which only that tells

    def __post_init__(self) -> None:
        self.in_state = {state: {} for state in JobState}
        for job in self.jobs.values():
            self.in_state[job.state][job.name] = None

    @property
    def totals(self) -> Mapping[JobState, int]:
        """How many jobs are in each state; every state is there. What is a workflow counts by its jobs alone."""
        if not self.parts:
            return {state: len(names) for state, names in self.in_state.items()}
        return {state: sum(name not in self.parts for name in names) for state, names in self.in_state.items()}

    @property
    def total(self) -> int:
        """How many jobs there are, as far as is known."""
        return len(self.jobs) - len(self.parts)

    @property
    def is_over(self) -> bool:
        return self.dag_exit_code is not None

    @property
    def is_success(self) -> bool:
        return self.dag_exit_code == 0

    @property
    def failed(self) -> tuple[JobProgress, ...]:
        """Of what is a workflow its jobs, unless it failed without one of them."""
        bad = [name for state in (JobState.FAILED, JobState.HELD) for name in self.in_state[state]]
        known = set(bad)
        return tuple(self.jobs[name] for name in bad if known.isdisjoint(self.parts.get(name, ())))

    def take_changed(self) -> tuple[JobProgress, ...]:
        """The jobs that something happened to since the last call, each once."""
        taken, self.changed = self.changed, {}
        return tuple(self.jobs[name] for name in taken)

    def move(self, job: JobProgress, state: JobState) -> None:
        del self.in_state[job.state][job.name]
        self.in_state[state][job.name] = None
        job.state = state
        self.changed[job.name] = None


def begin(graph: Graph) -> Progress:
    """Nothing has happened yet."""
    children: dict[str, list[str]] = {}
    unfinished: dict[str, int] = {}
    for parent, child in graph.edges:
        children.setdefault(parent, []).append(child)
        unfinished[child] = unfinished.get(child, 0) + 1
    jobs = {
        node.name: JobProgress(
            name=node.name,
            state=JobState.WAITING if node.name in unfinished else JobState.READY,
            retries=node.retries,
        )
        for node in graph.jobs
    }
    return Progress(jobs=jobs, children=children, unfinished=unfinished, parts=dict(getattr(graph, "parts", {})))


def extend(progress: Progress, node: str, jobs: Iterable[Node], edges: Iterable[tuple[str, str]]) -> Progress:
    """`progress`, when it has become known what jobs the job `node` is."""
    added = list(jobs)
    for parent, child in edges:
        progress.children.setdefault(parent, []).append(child)
        if parent not in progress.jobs or not progress.jobs[parent].was_done:
            progress.unfinished[child] = progress.unfinished.get(child, 0) + 1
    for one in added:
        state = JobState.WAITING if progress.unfinished.get(one.name) else JobState.READY
        progress.jobs[one.name] = JobProgress(name=one.name, state=state, retries=one.retries)
        progress.in_state[state][one.name] = None
    progress.parts[node] = tuple(one.name for one in added)
    return progress


def fold(progress: Progress, text: str, prefix: str = "") -> Progress:
    """`progress`, changed by the next piece of the jobs' event log, which may end anywhere.

    `prefix`: of the log of a workflow that is a part of the run, what its jobs' names begin with.
    """
    log, progress.rests[prefix] = _complete(progress.rests.get(prefix, "") + text)
    for event in event_log.told_events(log):
        _follow(progress, event, prefix)
    return progress


def fold_dagman_log(progress: Progress, text: str) -> Progress:
    """`progress`, changed by DAGMan's own log of events (`<dag>.nodes.log`), after the jobs' log has been folded.

    It repeats most of that, and adds how POST scripts ended and how jobs went that write no log of their own (SUBDAG).
    """
    log, progress.dagman_rest = _complete(progress.dagman_rest + text)
    for event in event_log.told_events(log):
        if event.kind == event_log.SUBMITTED and event.cluster not in progress.clusters:
            progress.dagman_clusters.add(event.cluster)
        if event.kind == event_log.POST_SCRIPT_ENDED or event.cluster in progress.dagman_clusters:
            _follow(progress, event)
    return progress


def begin_again(progress: Progress) -> Progress:
    """`progress`, when a run that did not come to its end is sent once more: what is done stays so, everything else
    has all of its retries again."""
    progress.dag_exit_code, progress.rests = None, {}
    for job in progress.jobs.values():
        if job.attempts and job.attempts[-1].ended_at is None:  # it ran when its pool went
            job.attempts[-1].ended_at, job.attempts[-1].outcome = progress.last_at, Outcome.EVICTED
        if job.state is JobState.DONE:
            continue
        job.retries += job.submits
        job.hold_reason, job.hold_code, job.transferring, job.inputs_at = "", 0, False, None
        progress.move(job, JobState.WAITING if progress.unfinished.get(job.name) else JobState.READY)
    progress.changed.clear()
    return progress


def mark_done(progress: Progress, names: Iterable[str]) -> Progress:
    """`progress` of a run that goes on from a rescue DAG: these need not run. The log of their events may be gone."""
    for name in names:
        job = progress.jobs.get(name)
        if job is not None and not job.was_done:
            job.was_done = True
            progress.move(job, JobState.DONE)
            _tell_children(progress, job, None)
    progress.changed.clear()
    return progress


def fold_end(progress: Progress, dagman_out: str) -> Progress:
    """`progress`, changed by what DAGMan wrote last: when it has ended, nothing is tried again."""
    code = dag_exit_code(dagman_out)
    if code is not None:
        progress.dag_exit_code = code
        for name in tuple(progress.in_state[JobState.RETRYING]):
            progress.move(progress.jobs[name], JobState.FAILED)
    return progress


def dag_exit_code(dagman_out: str) -> int | None:
    """DAGMan's exit code in (the end of) its `dagman.out`; None while it runs, or is about to be started again.

    >>> dag_exit_code("11/20/26 20:02:50 **** condor_scheduniv_exec.1.0 (condor_DAGMAN) pid 215 EXITING WITH STATUS 1")
    1
    >>> dag_exit_code("11/20/26 20:02:50 Writing Rescue DAG") is None
    True
    >>> dag_exit_code("(condor_DAGMAN) pid 215 EXITING WITH STATUS 1\\n(CONDOR_DAGMAN) STARTING UP\\n...") is None
    True
    """
    found = _DAGMAN_LIFE.findall(dagman_out)
    started, code = found[-1] if found else ("", "")
    return None if started or not code or int(code) == _RESTART else int(code)


def _complete(log: str) -> tuple[str, str]:
    """The events that are whole, and the rest."""
    end = log.rfind(event_log.END_OF_EVENT) + len(event_log.END_OF_EVENT) if event_log.END_OF_EVENT in log else 0
    return log[:end], log[end:]


def _follow(progress: Progress, event: Event, prefix: str = "") -> None:
    if progress.started_at is None or event.at < progress.started_at:
        progress.started_at = event.at
    if progress.last_at is None or event.at > progress.last_at:
        progress.last_at = event.at
    _apply(progress, event, prefix)


def _apply(progress: Progress, event: Event, prefix: str) -> None:
    if event.kind in (event_log.SUBMITTED, event_log.POST_SCRIPT_ENDED) and (node := event_log.node(event.text)):
        progress.clusters[event.cluster] = prefix + node
    name = progress.clusters.get(event.cluster)
    job = progress.jobs.get(name) if name is not None else None
    if job is None:
        return
    state = after(job, event)
    progress.changed[job.name] = None
    if state is not job.state:
        progress.move(job, state)
    if event.kind == event_log.SUBMITTED and job.submits > 1 and name in progress.parts:
        _begin_part_again(progress, progress.parts[job.name])
    if state is JobState.DONE and not job.was_done:
        job.was_done = True
        _tell_children(progress, job, event.at)


def _begin_part_again(progress: Progress, names: Iterable[str]) -> None:
    """Its DAGMan goes on from what is done; everything else has all of its retries again."""
    for job in map(progress.jobs.__getitem__, names):
        if job.state in (JobState.FAILED, JobState.RETRYING):
            job.retries += job.submits
            progress.move(job, JobState.WAITING if progress.unfinished.get(job.name) else JobState.READY)
        _begin_part_again(progress, progress.parts.get(job.name, ()))


def _tell_children(progress: Progress, job: JobProgress, at: float | None) -> None:
    for name in progress.children.get(job.name, ()):
        progress.unfinished[name] -= 1
        child = progress.jobs.get(name)
        if child is not None and progress.unfinished[name] == 0 and child.state is JobState.WAITING:
            child.ready_at = at
            progress.move(child, JobState.READY)
