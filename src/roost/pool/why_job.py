"""pure: why a job does not run, or where it does: evidence -> causes, the likeliest first."""

import re

from roost.pool.ads import JobStatus
from roost.pool.evidence import Cause, utc
from roost.pool.hold_codes import held
from roost.pool.job_evidence import Ended, JobEvidence

_FRESH_S = 30.0  # a job that waits for so long has been seen by a negotiation
# -better-analyze: `[0]           0  TARGET.HasGalaxy == true`
_STEP = re.compile(r"^\[\d+\]\s+(?P<matched>\d+)\s+(?P<condition>\S.*)$", re.MULTILINE)
_OWN = re.compile(r"^\s*(\d+) reject your job because of their own requirements", re.MULTILINE)
_MACHINES = re.compile(r"Of (\d+) machines")
_RESOURCES = {"Memory": "RequestMemory", "Cpus": "RequestCpus", "Disk": "RequestDisk"}


def job_condition(evidence: JobEvidence) -> str:
    """One line: the state it is in, where, since when."""
    job, ended = evidence.job, evidence.ended
    if ended is not None:
        if ended.status == JobStatus.REMOVED:
            return f"{evidence.id} was removed: {ended.removed_because or 'no reason is known'}"
        how = f"by signal {ended.signal}" if ended.signal else f"with exit code {ended.exit_code}"
        return f"{evidence.id} ended {how}, {utc(ended.at_s)}, on {ended.host or 'no host'}"
    if job is None:
        return f"nothing is known of {evidence.id}"
    minutes = (evidence.now_s - job.status_since_s) / 60
    match job.status:
        case JobStatus.RUNNING | JobStatus.TRANSFERRING_OUTPUT | JobStatus.SUSPENDED:
            where = _instance(evidence, job.slot_name) or job.slot_name
            doing = "brings its output back from" if job.status is JobStatus.TRANSFERRING_OUTPUT else "runs on"
            attempt = f", its start no. {job.start_count}" if job.start_count > 1 else ""
            return f"{evidence.id} {doing} {where}, since {minutes:.0f} min{attempt}"
        case JobStatus.HELD:
            return f"{evidence.id} is on hold, since {minutes:.0f} min"
        case JobStatus.IDLE:
            return f"{evidence.id} waits, since {minutes:.0f} min; {evidence.idle_before} idle jobs are before it"
        case _:
            return f"{evidence.id} is {job.status.name.lower().replace('_', ' ')}"


def job_causes(evidence: JobEvidence) -> list[Cause]:
    """Why it does not run; none for one that runs, or has ended well."""
    if evidence.ended is not None:
        return _of_ended(evidence, evidence.ended)
    if evidence.job is None:
        return []
    if evidence.job.status is JobStatus.HELD:
        return [_of_held(evidence, evidence.job.hold_code, evidence.hold_subcode, evidence.job.hold_reason)]
    if evidence.job.status is not JobStatus.IDLE:
        return _lost(evidence, evidence.job.slot_name)
    found = [*_no_points(evidence), *_too_large(evidence), *_clauses(evidence), *_refused(evidence), *_busy(evidence)]
    return sorted(found or _fresh(evidence), key=lambda cause: -cause.likelihood)


def _lost(evidence: JobEvidence, slot_name: str) -> list[Cause]:
    """It runs, says the schedd, which waits for an execution point that EC2 does not have any more."""
    instance_id = _instance(evidence, slot_name)
    if not instance_id or instance_id in evidence.points:
        return []
    return [
        Cause(
            likelihood=95,
            sentence="its execution point is gone; HTCondor waits for it while the job's lease lasts, some minutes",
            evidence=(f"EC2: {instance_id} is not there any more",),
            remedy=f"nothing: it starts elsewhere then; `roost up {evidence.pool}` launches what is missing",
        )
    ]


def _of_held(evidence: JobEvidence, code: int | None, subcode: int | None, reason: str) -> Cause:
    sentence, remedy = held(code, subcode)
    again = f"{evidence.there}condor_release {evidence.id}"
    cure = remedy.format(there=evidence.there, job=evidence.id)
    return Cause(
        likelihood=100,
        sentence=sentence,
        evidence=(f"HTCondor: {reason or 'no reason given'}", f"code {code}, subcode {subcode or 0}"),
        remedy=f"{cure}; then {again}" if cure and evidence.job else cure or again,
    )


def _of_ended(evidence: JobEvidence, ended: Ended) -> list[Cause]:
    if ended.status == JobStatus.REMOVED:
        return [_of_held(evidence, *ended.hold, ended.held_because)] if ended.held_because else []
    if ended.exit_code == 0 and not ended.signal:
        return []
    how = f"signal {ended.signal} ended it" if ended.signal else f"it ended with exit code {ended.exit_code}"
    return [
        Cause(
            likelihood=100,
            sentence=f"{how}: the program's own failure, or what it was given",
            evidence=(f"HTCondor: on {ended.host or 'no host'}, {utc(ended.at_s)}",),
            remedy=f"its standard error; {evidence.there}condor_history -l {evidence.id}",
        )
    ]


def _no_points(evidence: JobEvidence) -> list[Cause]:
    if evidence.slots:
        return []
    absent = f"EC2 has {len(evidence.points)} for it, none of which has joined" if evidence.points else "EC2 has none"
    remedy = f"roost why {evidence.points[0]}" if evidence.points else f"roost up {evidence.pool}"
    return [
        Cause(
            likelihood=100,
            sentence="the pool has no execution point",
            evidence=("collector: no slot is listed", f"EC2: {absent}"),
            remedy=remedy,
        )
    ]


def _too_large(evidence: JobEvidence) -> list[Cause]:
    """More than any execution point has, even if it were empty."""
    whole = [slot for slot in evidence.slots if slot.is_partitionable] or list(evidence.slots)
    asks = evidence.asks or {}
    if not whole:
        return []
    limits = (
        ("RequestMemory", max(s.total_memory_mib for s in whole), " of memory", "MiB", "request_memory"),
        ("RequestCpus", max(s.total_cpus for s in whole), " processors", "", "request_cpus"),
        ("RequestDisk", evidence.largest_disk_kib, " of disk", "KiB", "request_disk"),
    )
    return [
        Cause(
            likelihood=95,
            sentence=f"it asks for {_amount(asks[name], unit)}{what}, and the largest execution point has"
            f" {_amount(most, unit)}",
            evidence=(f"job: {name} = {asks[name]:.0f}", f"collector: {len(whole)} execution points"),
            remedy=f"less: `{key} = ...` (condor_qedit); or a larger type: `workers: {{type: ...}}` in pool.yml",
        )
        for name, most, what, unit, key in limits
        if name in asks and most and asks[name] > most
    ]


def _clauses(evidence: JobEvidence) -> list[Cause]:
    """Conditions of its requirements that no slot fulfils."""
    large = {name for name, request in _RESOURCES.items() if _is_too_large(evidence, request)}
    failed = [s["condition"].strip() for s in _STEP.finditer(evidence.analysis) if s["matched"] == "0"]
    told = [c for c in failed if not any(re.fullmatch(rf"TARGET\.{name} >= \w+", c) for name in large)]
    machines = _MACHINES.search(evidence.analysis)
    of = f"of {machines[1]} execution points" if machines else "of the execution points"
    return [
        Cause(
            likelihood=90,
            sentence=f"its requirements want `{condition}`, and none {of} has that",
            evidence=(f"condor_q -better-analyze: 0 slots match {condition}",),
            remedy=_wanted(condition, evidence),
        )
        for condition in told
        if not condition.startswith("[")
    ]


def _refused(evidence: JobEvidence) -> list[Cause]:
    """The execution points' own START expression."""
    found = _OWN.search(evidence.analysis)
    if found is None or found[1] == "0":
        return []
    return [
        Cause(
            likelihood=60,
            sentence=f"{found[1]} execution points do not want it: their own policy (START)",
            evidence=(f"condor_q -better-analyze: {found[0].strip()}",),
            remedy=f"{evidence.there}condor_status -af:r Name Start",
        )
    ]


def _busy(evidence: JobEvidence) -> list[Cause]:
    whole = [slot for slot in evidence.slots if slot.is_partitionable]
    asks = evidence.asks or {}
    cpus, memory = asks.get("RequestCpus", 1), asks.get("RequestMemory", 0)
    if not whole or any(s.free_cpus >= cpus and s.free_memory_mib >= memory for s in whole):
        return []
    if _is_too_large(evidence, "RequestCpus") or _is_too_large(evidence, "RequestMemory"):
        return []
    running = sum(1 for slot in evidence.slots if slot.is_busy and not slot.is_partitionable)
    free = f"{sum(s.free_cpus for s in whole)} processors and {max(s.free_memory_mib for s in whole)} MiB"
    return [
        Cause(
            likelihood=80,
            sentence=f"all execution points are busy with {running} jobs; {evidence.idle_before} more wait before it",
            evidence=(f"collector: at most {free} are free in one place; it asks for {cpus:.0f} and {memory:.0f} MiB",),
            remedy=f"wait, or more of them: `workers: {{count: ...}}` in pool.yml, then roost up {evidence.pool}",
        )
    ]


def _fresh(evidence: JobEvidence) -> list[Cause]:
    job = evidence.job
    waited_s = evidence.now_s - job.status_since_s if job else 0.0
    if waited_s < _FRESH_S:
        sentence = f"it has waited for {waited_s:.0f} s: the next negotiation takes it"
        return [Cause(likelihood=10, sentence=sentence, remedy=f"roost why {evidence.id}   (in a moment)")]
    said = evidence.rejected_because
    return [
        Cause(
            likelihood=10,
            sentence="nothing keeps it from running that can be seen",
            evidence=(f"HTCondor's last words about a match: {said}",) if said else (),
            remedy=f"{evidence.there}condor_q -better-analyze {evidence.id}",
        )
    ]


def _instance(evidence: JobEvidence, slot_name: str) -> str:
    """By its machine: the slot that was cut for a job may not be listed yet."""
    machine = slot_name.rpartition("@")[2]
    return next((slot.instance_id for slot in evidence.slots if slot.machine == machine), "")


def _wanted(condition: str, evidence: JobEvidence) -> str:
    name = re.match(r"(?:TARGET\.)?(\w+)", condition)
    attribute = name[1] if name else "it"
    look = f"{evidence.there}condor_status -af Name {attribute}"
    return (
        f"take it out of `requirements`, or have execution points advertise {attribute}"
        f" (`condor_config:` in pool.yml, STARTD_ATTRS); {look}"
    )


def _is_too_large(evidence: JobEvidence, request: str) -> bool:
    return any(cause.evidence[0].startswith(f"job: {request} ") for cause in _too_large(evidence))


def _amount(number: float, unit: str) -> str:
    """
    >>> _amount(16384, "MiB"), _amount(3840, "MiB"), _amount(64, ""), _amount(2097152, "KiB")
    ('16.0 GiB', '3.8 GiB', '64', '2.0 GiB')
    """
    if not unit:
        return f"{number:.0f}"
    mib = number / 1024 if unit == "KiB" else number
    return f"{mib / 1024:.1f} GiB" if mib >= 1024 else f"{mib:.0f} MiB"
