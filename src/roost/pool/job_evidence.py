"""pure: what HTCondor prints of one job and of the pool around it, as values."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from roost.errors import NotFoundError
from roost.pool.ads import JOB_ATTRIBUTES, SLOT_ATTRIBUTES, Job, JobStatus, Slot, jobs, slots
from roost.pool.evidence import sections

_MORE = ("RequestCpus", "RequestMemory", "RequestDisk", "HoldReasonSubCode", "JobPrio", "LastRejMatchReason", "Owner")
_ENDED = ("RemoveReason", "CompletionDate", "ExitCode", "ExitBySignal", "ExitSignal", "LastRemoteHost")
_QUEUE = ("ClusterId", "ProcId", "JobStatus", "QDate", "JobPrio")
REQUESTS = ("RequestMemory", "RequestCpus", "RequestDisk")


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """A job that has left the queue."""

    status: int
    at_s: float
    exit_code: int | None
    signal: int | None
    host: str
    removed_because: str
    held_because: str
    hold: tuple[int | None, int | None]  # code, subcode


@dataclass(frozen=True, kw_only=True, slots=True)
class JobEvidence:
    id: str
    pool: str
    there: str  # before a command for the access point: "roost ssh galaxy -- "; "" where this machine is it
    now_s: float  # the access point's clock
    job: Job | None = None
    asks: Mapping[str, float] | None = None  # RequestCpus, RequestMemory (MiB), RequestDisk (KiB), where evaluated
    hold_subcode: int | None = None
    rejected_because: str = ""
    ended: Ended | None = None
    slots: Sequence[Slot] = ()
    largest_disk_kib: float = 0.0
    idle_before: int = 0
    analysis: str = ""
    points: tuple[str, ...] = ()  # instances of the pool that should be execution points


def ask_argv(cluster: int, process: int | None) -> list[str]:
    """Everything about a job, and the pool around it, in one command for the access point."""
    which = f"{cluster}" if process is None else f"{cluster}.{process}"
    mine = ",".join((*JOB_ATTRIBUTES, *_MORE))
    past = ",".join((*JOB_ATTRIBUTES, *_MORE, *_ENDED))
    commands = {
        "time": "date +%s",
        "job": f"condor_q -allusers {which} -attributes {mine} -json",
        "ended": f"condor_history {which} -limit 1 -attributes {past} -json",
        "slots": f"condor_status -attributes {','.join((*SLOT_ATTRIBUTES, 'TotalSlotDisk'))} -json",
        "queue": f"condor_q -allusers -attributes {','.join(_QUEUE)} -json",
        "analysis": f"condor_q -allusers -better-analyze {which}",
    }
    script = "".join(f"printf '\\n@@ %s\\n' {name}; {command}\n" for name, command in commands.items())
    return ["sh", "-c", f"{script}true"]


def job_evidence(
    printed: str, *, cluster: int, process: int | None, pool: str, there: str, points: Sequence[str] = ()
) -> JobEvidence:
    """What `ask_argv` printed. Raises NotFoundError with the nearest id where there is no such job."""
    part = sections(printed)
    queue = jobs(part.get("queue", ""))
    found = _worst(jobs(part.get("job", "")))
    past = _ads(part.get("ended", ""))
    name = f"{cluster}.{process}" if process is not None else (found.id if found else f"{cluster}")
    if found is None and not past:
        near = get_close_matches(name, [job.id for job in queue], n=1, cutoff=0.3)
        raise NotFoundError(
            f"the pool {pool} has no job {name}, and had none{f'; did you mean {near[0]!r}?' if near else ''}",
            f"{there}condor_q -allusers",
        )
    ad = next((a for a in _ads(part.get("job", "")) if found and a.get("ProcId") == found.process), {})
    disks = [_number(a.get("TotalSlotDisk")) or 0.0 for a in _ads(part.get("slots", ""))]
    return JobEvidence(
        id=name,
        pool=pool,
        there=there,
        now_s=float(part.get("time", "0").strip() or 0),
        job=found,
        asks={k: v for k in REQUESTS if (v := _number(ad.get(k))) is not None},
        hold_subcode=_whole(ad.get("HoldReasonSubCode")),
        rejected_because=str(ad.get("LastRejMatchReason", "")),
        ended=_ended(past[0]) if past and found is None else None,
        slots=slots(part.get("slots", "")),
        largest_disk_kib=max(disks, default=0.0),
        idle_before=_before(found, queue),
        analysis=part.get("analysis", ""),
        points=tuple(points),
    )


def _worst(found: Sequence[Job]) -> Job | None:
    """Of a cluster, the one that is asked about: held, else idle, else what there is."""
    order = {JobStatus.HELD: 0, JobStatus.IDLE: 1}
    return min(found, key=lambda job: (order.get(job.status, 2), job.process), default=None)


def _before(job: Job | None, queue: Sequence[Job]) -> int:
    if job is None:
        return 0
    key = (job.submitted_at_s, job.cluster, job.process)
    return sum(
        1 for one in queue if one.status is JobStatus.IDLE and (one.submitted_at_s, one.cluster, one.process) < key
    )


def _ended(ad: Mapping[str, Any]) -> Ended:
    return Ended(
        status=int(_number(ad.get("JobStatus")) or 0),
        at_s=_number(ad.get("CompletionDate")) or _number(ad.get("EnteredCurrentStatus")) or 0.0,
        exit_code=_whole(ad.get("ExitCode")),
        signal=_whole(ad.get("ExitSignal")) if ad.get("ExitBySignal") else None,
        host=str(ad.get("LastRemoteHost", "")),
        removed_because=str(ad.get("RemoveReason", "")),
        held_because=str(ad.get("HoldReason", "")),
        hold=(_whole(ad.get("HoldReasonCode")), _whole(ad.get("HoldReasonSubCode"))),
    )


def _ads(printed: str) -> list[dict[str, Any]]:
    try:
        found = json.loads(printed)
    except json.JSONDecodeError:
        return []
    return found if isinstance(found, list) else []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: object) -> int | None:
    number = _number(value)
    return None if number is None else int(number)
