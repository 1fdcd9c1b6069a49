"""What Pegasus' workflow-monitor asks of the events that it replays, as its sources of 2026 have it.

Its event_log.py says which keys an event has, its replay.py what it makes of them; both are public, and in no package.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any

NUMBER = (int, float)
MAYBE_NUMBER = (int, float, type(None))
# event_type: (keys that it always has, keys that it may have), each with its types. `wf_uuid` is every event's.
FORMAT: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "workflow_start": (
        {
            **{"timestamp": NUMBER, "dax_label": str, "user": str, "planner_version": str, "submit_dir": str},
            "wf_start": MAYBE_NUMBER,
        },
        {},
    ),
    "jobs_init": ({"timestamp": NUMBER, "total_jobs": int, "jobs": list}, {}),
    "workflow_state": (
        {"timestamp": NUMBER, "state": str, "status": (int, type(None))},
        {"wf_start": NUMBER, "wf_end": NUMBER},
    ),
    "job_state": (
        {"timestamp": NUMBER, "exec_job_id": str, "type_desc": str, "state": str, "job_id": int},
        {
            **{"exitcode": int, "stdout_file": str, "stderr_file": str, "maxrss": int},
            **{"job_instance_id": int, "jobstate_submit_seq": int},
        },
    ),
    "workflow_end": (
        {
            **{"timestamp": NUMBER, "wf_state": str, "wf_status": (int, type(None)), "wf_end": MAYBE_NUMBER},
            **{"total_jobs": int, "done": int, "failed": int, "elapsed": MAYBE_NUMBER},
        },
        {},
    ),
}
ENTRY = ({"job_id": int, "exec_job_id": str, "type_desc": str}, {"transformation": str, "task_argv": str})
# monitord's names (Pegasus' documentation, "Job States"), as far as a log of HTCondor's tells them.
STATES = {
    *("SUBMIT", "EXECUTE", "JOB_EVICTED", "JOB_HELD", "JOB_RELEASED", "JOB_ABORTED"),
    *("JOB_TERMINATED", "JOB_SUCCESS", "JOB_FAILURE"),
}
TYPES = {
    *("unassigned", "compute", "stage-in-tx", "stage-out-tx", "registration", "inter-site-tx", "create-dir"),
    *("staged-compute", "cleanup", "chmod", "dax", "dag", "stage-worker-tx"),
}


def mistakes(lines: Sequence[dict[str, Any]]) -> list[str]:
    """What is not as it has to be; a sentence each."""
    return list(_mistakes(lines))


def _mistakes(lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not lines or lines[0].get("event_type") != "workflow_start":
        yield "the first event is no workflow_start"
        return
    for number, line in enumerate(lines, start=1):
        kind = line.get("event_type", "")
        if kind not in FORMAT:
            yield f"{number}: unknown event_type {kind!r}"
            continue
        if line.get("wf_uuid") != lines[0]["wf_uuid"]:
            yield f"{number}: another wf_uuid"
        about = {key: value for key, value in line.items() if key not in ("event_type", "wf_uuid")}
        yield from _keys(f"{number}: {kind}", about, *FORMAT[kind])
    many = [line["event_type"] for line in lines]
    if many.count("workflow_start") != 1 or many.count("jobs_init") != 1 or many.count("workflow_end") > 1:
        yield "a header, a roster or an end too many"
    if "workflow_end" in many and many[-1] != "workflow_end":
        yield "something comes after the end"
    if any(one["timestamp"] > other["timestamp"] for one, other in pairwise(lines)):
        yield "not in the order of time"
    yield from _of_jobs(lines)


def _of_jobs(lines: Iterable[dict[str, Any]]) -> Iterator[str]:
    roster: dict[int, str] = {}
    seen = set()
    for number, line in enumerate(lines, start=1):
        if line["event_type"] == "jobs_init":
            for entry in line["jobs"]:
                yield from _keys(f"{number}: a job of the roster", entry, *ENTRY)
                roster[entry["job_id"]] = entry["exec_job_id"]
                if entry["type_desc"] not in TYPES:
                    yield f"{number}: unknown type_desc {entry['type_desc']!r}"
            if len(roster) != line["total_jobs"]:
                yield f"{number}: {len(roster)} jobs, and total_jobs says {line['total_jobs']}"
        elif line["event_type"] == "job_state":
            if roster.get(line["job_id"]) != line["exec_job_id"]:
                yield f"{number}: {line['exec_job_id']} is not in the roster as {line['job_id']}"
            if line["state"] not in STATES:
                yield f"{number}: unknown state {line['state']!r}"
            # two that are alike in this are one for its replay
            key = (line["timestamp"], line.get("job_instance_id"), line.get("jobstate_submit_seq"))
            if key in seen:
                yield f"{number}: would be taken for another one"
            seen.add(key)


def _keys(what: str, given: dict[str, Any], needed: dict[str, Any], more: dict[str, Any]) -> Iterator[str]:
    for key in needed.keys() - given.keys():
        yield f"{what} has no {key}"
    for key, value in given.items():
        kind = needed.get(key, more.get(key))
        if kind is None:
            yield f"{what} has {key}, which nobody knows"
        elif not isinstance(value, kind) or isinstance(value, bool):
            yield f"{what}: {key} cannot be {value!r}"


def last_states(lines: Iterable[dict[str, Any]]) -> dict[str, tuple[str, int | None]]:
    """What its replay shows of each job in the end: (state, exit code)."""
    shown: dict[str, tuple[str, int | None]] = {}
    for line in lines:
        if line["event_type"] == "jobs_init":
            shown.update({entry["exec_job_id"]: ("UNSUBMITTED", None) for entry in line["jobs"]})
        elif line["event_type"] == "job_state":
            code = line.get("exitcode", shown[line["exec_job_id"]][1])
            shown[line["exec_job_id"]] = (line["state"], code)
    return shown
