"""pure: what condor_status and condor_q print as JSON, as values.

Attribute names are those of HTCondor's manual (ClassAd attributes: machine, job). `RoostInstanceId` is published by
every execution point (STARTD_ATTRS) and ties a slot, and so a running job, to the EC2 instance it is on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from roost.errors import RoostError

SLOT_ATTRIBUTES = (
    *("Name", "Machine", "RoostInstanceId", "SlotType", "State", "Activity", "DaemonStartTime"),
    *("Cpus", "Memory", "TotalSlotCpus", "TotalSlotMemory"),
)
JOB_ATTRIBUTES = (
    *("ClusterId", "ProcId", "JobStatus", "EnteredCurrentStatus", "QDate", "LastMatchTime", "JobCurrentStartDate"),
    *("Cmd", "Args", "Arguments", "RemoteHost", "NumJobStarts", "HoldReason", "HoldReasonCode"),
    *("DAGNodeName", "DAGManJobId"),
)
VERIFY_ATTRIBUTE = "RoostVerify"  # true on the jobs of a verification, which are nobody's work
HISTORY_ATTRIBUTES = ("JobCurrentStartDate", "CompletionDate", "ExitCode", "ExitBySignal", "LastRemoteHost")

Ad = Mapping[str, object]


class JobStatus(IntEnum):
    """The job ad's JobStatus."""

    IDLE = 1
    RUNNING = 2
    REMOVED = 3
    COMPLETED = 4
    HELD = 5
    TRANSFERRING_OUTPUT = 6
    SUSPENDED = 7


@dataclass(frozen=True, kw_only=True, slots=True)
class Slot:
    name: str
    machine: str
    instance_id: str  # "" on a machine that Roost did not make
    is_partitionable: bool  # the instance's whole; the dynamic slots are cut from it, one for each running job
    state: str
    activity: str
    free_cpus: int
    free_memory_mib: int
    total_cpus: int
    total_memory_mib: int
    daemon_started_at_s: float | None

    @property
    def is_busy(self) -> bool:
        return self.activity == "Busy"


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    cluster: int
    process: int
    status: JobStatus
    command: str
    arguments: str
    submitted_at_s: float
    status_since_s: float
    started_at_s: float | None  # the current attempt
    matched_at_s: float | None
    slot_name: str  # where it runs, "" when it does not
    start_count: int
    hold_reason: str
    hold_code: int | None
    dag_node: str
    dag_cluster: int | None

    @property
    def id(self) -> str:
        return f"{self.cluster}.{self.process}"


@dataclass(frozen=True, kw_only=True, slots=True)
class EndedJob:
    """The last attempt of a job that has left the queue by itself."""

    machine: str
    started_at_s: float
    ended_at_s: float
    is_success: bool


def slots(printed: str) -> list[Slot]:
    """What `condor_status -json` printed: nothing at all when no slot is listed.

    >>> slots("")
    []
    """
    return [_slot(ad) for ad in _ads(printed)]


def jobs(printed: str) -> list[Job]:
    """What `condor_q -json` printed: nothing at all when the queue is empty.

    >>> jobs('[{"ClusterId": 7, "ProcId": 0, "JobStatus": 5, "HoldReason": "no such file"}]')[0].hold_reason
    'no such file'
    """
    return [_job(ad) for ad in _ads(printed)]


def ended_jobs(printed: str) -> list[EndedJob]:
    """What `condor_history -json` printed; jobs that never ran are left out.

    >>> ended_jobs('[{"JobCurrentStartDate": 5, "CompletionDate": 9, "ExitCode": 0, "LastRemoteHost": "slot1@ip-1"}]')
    [EndedJob(machine='ip-1', started_at_s=5.0, ended_at_s=9.0, is_success=True)]
    """
    return [
        EndedJob(
            machine=_text(ad, "LastRemoteHost").rpartition("@")[2],
            started_at_s=started,
            ended_at_s=ended,
            is_success=_number(ad, "ExitCode") == 0,
        )
        for ad in _ads(printed)
        if (started := _number(ad, "JobCurrentStartDate")) and (ended := _number(ad, "CompletionDate"))
    ]


def instance_of(job: Job, listed: list[Slot]) -> str | None:
    """The instance a job runs on; None when it does not run, or on a slot that is not listed."""
    return next((slot.instance_id for slot in listed if slot.name == job.slot_name and slot.instance_id), None)


def _slot(ad: Ad) -> Slot:
    return Slot(
        name=_text(ad, "Name"),
        machine=_text(ad, "Machine"),
        instance_id=_text(ad, "RoostInstanceId"),
        is_partitionable=_text(ad, "SlotType") == "Partitionable",
        state=_text(ad, "State"),
        activity=_text(ad, "Activity"),
        free_cpus=int(_number(ad, "Cpus") or 0),
        free_memory_mib=int(_number(ad, "Memory") or 0),
        total_cpus=int(_number(ad, "TotalSlotCpus") or 0),
        total_memory_mib=int(_number(ad, "TotalSlotMemory") or 0),
        daemon_started_at_s=_number(ad, "DaemonStartTime"),
    )


def _job(ad: Ad) -> Job:
    hold_code, dag_cluster = _number(ad, "HoldReasonCode"), _number(ad, "DAGManJobId")
    return Job(
        cluster=int(_number(ad, "ClusterId") or 0),
        process=int(_number(ad, "ProcId") or 0),
        status=_status(ad),
        command=_text(ad, "Cmd"),
        arguments=_text(ad, "Arguments") or _text(ad, "Args"),  # the new syntax, or the old one
        submitted_at_s=_number(ad, "QDate") or 0.0,
        status_since_s=_number(ad, "EnteredCurrentStatus") or 0.0,
        started_at_s=_number(ad, "JobCurrentStartDate"),
        matched_at_s=_number(ad, "LastMatchTime"),
        slot_name=_text(ad, "RemoteHost"),
        start_count=int(_number(ad, "NumJobStarts") or 0),
        hold_reason=_text(ad, "HoldReason"),
        hold_code=None if hold_code is None else int(hold_code),
        dag_node=_text(ad, "DAGNodeName"),
        dag_cluster=None if dag_cluster is None else int(dag_cluster),
    )


def _ads(printed: str) -> list[Ad]:
    if not printed.strip():
        return []
    try:
        ads = json.loads(printed)
    except json.JSONDecodeError as error:
        raise _unexpected(f"is no JSON ({error})", printed) from error
    if not isinstance(ads, list) or not all(isinstance(ad, dict) for ad in ads):
        raise _unexpected("is no list of ads", printed)
    return ads


def _status(ad: Ad) -> JobStatus:
    try:
        return JobStatus(int(_number(ad, "JobStatus") or 0))
    except ValueError as error:
        raise _unexpected(f"has a JobStatus of {ad.get('JobStatus')!r}", json.dumps(ad)) from error


def _unexpected(what: str, printed: str) -> RoostError:
    return RoostError(
        f"what HTCondor printed about the pool {what}: {printed.strip()[:200]}",
        "try again; if it stays so, `roost ssh`, then `condor_q -allusers -json` and `condor_status -json`",
    )


def _text(ad: Ad, name: str) -> str:
    value = ad.get(name)
    return value if isinstance(value, str) else ""


def _number(ad: Ad, name: str) -> float | None:
    """None for what is not there, and for an expression that HTCondor could not evaluate (a string in JSON)."""
    value = ad.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
