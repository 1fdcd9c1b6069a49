"""pure: a plan and what its run logged -> the run's events as Pegasus' workflow-monitor logs and replays them.

One JSON object a line (github.com/pegasus-isi/workflow-monitor, README, "Event Log Format"). The states are those of
the Stampede schema; exit codes are wait statuses, as there: 768 is exit code 3.
"""

import heapq
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from roost.workflow import event_log
from roost.workflow.event_log import Event
from roost.workflow.history import DagRun
from roost.workflow.static_bp import StaticJob, StaticPlan

_STATES = {
    event_log.SUBMITTED: "SUBMIT",
    event_log.EXECUTING: "EXECUTE",
    event_log.EVICTED: "JOB_EVICTED",
    event_log.TERMINATED: "JOB_TERMINATED",
    event_log.REMOVED: "JOB_ABORTED",
    event_log.HELD: "JOB_HELD",
    event_log.RELEASED: "JOB_RELEASED",
}
_RSS = re.compile(r"^      maxrss: (\d+)", re.MULTILINE)

Line = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """The header."""

    uuid: str
    label: str  # of the abstract workflow
    user: str
    planner_version: str
    submit_dir: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """What one submission of a job left."""

    stdout: str  # file name below the submit directory
    peak_kib: int | None  # memory; None: it left no invocation record


def text(lines: Iterable[Line]) -> Iterator[str]:
    return (json.dumps(line) + "\n" for line in lines)


def peak_kib(output: str) -> int | None:
    """The largest memory that any task in a job's output file had.

    >>> peak_kib("- invocation: True\\n  mainjob:\\n    usage:\\n      maxrss: 1200\\n"), peak_kib("")
    (1200, None)
    """
    return max(map(int, _RSS.findall(output)), default=None)


def events(
    about: About,
    plan: StaticPlan,
    log: Iterable[str],
    dag_runs: Iterable[DagRun],
    tries: Mapping[tuple[str, int], Try],
) -> Iterator[Line]:
    """In the order of time. `log` comes in blocks cut anywhere; `tries` is by job and number of its submission."""
    runs = tuple(dag_runs)
    first = runs[0].started_at if runs else 0.0
    roster = [_entry(plan, number, job) for number, job in enumerate(plan.jobs, start=1)]
    yield {
        "event_type": "workflow_start",
        "timestamp": first,
        "dax_label": about.label,
        "user": about.user,
        "planner_version": about.planner_version,
        "submit_dir": about.submit_dir,
        "wf_start": first,
        "wf_uuid": about.uuid,
    }
    yield {
        "event_type": "jobs_init",
        "timestamp": first,
        "total_jobs": len(roster),
        "jobs": roster,
        "wf_uuid": about.uuid,
    }
    last: dict[str, str] = {}
    jobs, states = _of_jobs(about.uuid, plan, log, tries), _of_workflow(about.uuid, runs)
    for line in heapq.merge(jobs, states, key=lambda line: (line["timestamp"], _order(line))):
        if "exec_job_id" in line:
            last[line["exec_job_id"]] = line["state"]
        yield line
    if runs and runs[-1].ended_at is not None:
        yield {
            "event_type": "workflow_end",
            "timestamp": runs[-1].ended_at,
            "wf_state": "WORKFLOW_TERMINATED",
            "wf_status": runs[-1].exit_code,
            "wf_end": runs[-1].ended_at,
            "total_jobs": len(roster),
            "done": sum(state == "JOB_SUCCESS" for state in last.values()),
            "failed": sum(state == "JOB_FAILURE" for state in last.values()),
            "elapsed": runs[-1].ended_at - first,
            "wf_uuid": about.uuid,
        }


def _entry(plan: StaticPlan, number: int, job: StaticJob) -> Line:
    about: Line = {"job_id": number, "exec_job_id": job.name, "type_desc": job.kind}
    return {**about, "transformation": plan.transformation(job)} if plan.tasks_of.get(job.name) else about


def _of_workflow(uuid: str, runs: Iterable[DagRun]) -> Iterator[Line]:
    about = {"event_type": "workflow_state", "wf_uuid": uuid}
    for run in runs:
        began = {"timestamp": run.started_at, "state": "WORKFLOW_STARTED", "status": None, "wf_start": run.started_at}
        yield {**about, **began}
        if run.ended_at is not None:
            ended = {"timestamp": run.ended_at, "state": "WORKFLOW_TERMINATED", "status": run.exit_code}
            yield {**about, **ended, "wf_end": run.ended_at}


def _of_jobs(uuid: str, plan: StaticPlan, log: Iterable[str], tries: Mapping[tuple[str, int], Try]) -> Iterator[Line]:
    jobs = {job.name: (number, job.kind) for number, job in enumerate(plan.jobs, start=1)}
    nodes: dict[int, str] = {}  # by HTCondor's ClusterId: one for each submission
    instances: dict[int, int] = {}
    submits: Counter[str] = Counter()
    steps: Counter[int] = Counter()  # of an instance
    for event in _events(log):
        if event.kind == event_log.SUBMITTED and (node := event_log.node(event.text)) in jobs:
            nodes[event.cluster], instances[event.cluster] = node, len(instances) + 1
            submits[node] += 1
        name = nodes.get(event.cluster)
        if name is None or event.kind not in _STATES:
            continue
        (number, kind), end = jobs[name], _end(event)
        for state in (_STATES[event.kind], *end):
            steps[event.cluster] += 1
            yield {
                "event_type": "job_state",
                "timestamp": event.at,
                "exec_job_id": name,
                "type_desc": kind,
                "state": state,
                "job_id": number,
                "job_instance_id": instances[event.cluster],
                "jobstate_submit_seq": steps[event.cluster],
                **(_outcome(event, tries.get((name, submits[name]))) if end else {}),
                "wf_uuid": uuid,
            }


def _events(log: Iterable[str]) -> Iterator[Event]:
    rest = ""
    for block in log:
        rest += block
        whole, end, rest = rest.rpartition(event_log.END_OF_EVENT)
        yield from event_log.told_events(whole + end)


def _end(event: Event) -> tuple[str, ...]:
    """What DAGMan says of a job after this event."""
    if event.kind == event_log.TERMINATED:
        return ("JOB_SUCCESS" if event_log.exit_code(event.text) == 0 else "JOB_FAILURE",)
    return ("JOB_FAILURE",) if event.kind == event_log.REMOVED else ()


def _outcome(event: Event, left: Try | None) -> Line:
    about: Line = {}
    if event.kind == event_log.TERMINATED:
        about["exitcode"] = event_log.exit_code(event.text) << 8
    if left is not None:
        about |= {"stdout_file": left.stdout, "stderr_file": left.stdout.replace(".out.", ".err.")}
    if left is not None and left.peak_kib is not None:
        about["maxrss"] = left.peak_kib
    return about


def _order(line: Line) -> int:
    """Of what is logged in the same second."""
    return {"WORKFLOW_STARTED": 0, "WORKFLOW_TERMINATED": 2}.get(line["state"], 1)
