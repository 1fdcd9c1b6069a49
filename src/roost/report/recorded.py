"""pure: RunHistory -> what its attempts and invocation records add up to: bytes, checksums, times as Pegasus counts."""

from dataclasses import dataclass

from roost.workflow.attempts import Outcome
from roost.workflow.history import RunHistory


@dataclass(frozen=True, kw_only=True, slots=True)
class Transfers:
    inputs: int  # bytes that HTCondor sent to slots
    outputs: int  # and brought back
    staged: int  # that pegasus-transfer moved, as it says
    made_files: int  # outputs that tasks wrote, as kickstart saw them
    made_bytes: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Integrity:
    checked: int  # files whose checksum was right when they were used
    wrong: int
    computed: int  # checksums of outputs
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class PegasusTimes:
    """As pegasus-statistics has them."""

    wall_s: float
    job_wall_s: float  # "Cumulative job wall time": what kickstart measured
    submit_side_s: float  # "... as seen from submit side": what the event log says
    badput_s: float  # "Cumulative job badput wall time"
    submit_side_badput_s: float


def files_of(history: RunHistory) -> tuple[Transfers, Integrity]:
    """What was moved, and what was checked of it."""
    attempts = [one for job in history.progress.jobs.values() for one in job.attempts]
    records = [one for tries in history.records.values() for one in tries]
    tasks_run = [one for record in records for one in record.invocations]
    transfers = Transfers(
        inputs=sum(one.received_bytes for one in attempts),
        outputs=sum(one.sent_bytes for one in attempts),
        staged=sum(one.moved_bytes for one in records),
        made_files=sum(one.made_files for one in tasks_run),
        made_bytes=sum(one.made_bytes for one in tasks_run),
    )
    integrity = Integrity(
        checked=sum(one.checks_passed for one in records),
        wrong=sum(one.checks_failed for one in records),
        computed=sum(one.checksums for one in tasks_run),
        seconds=sum(one.check_s for one in records) + sum(one.checksum_s for one in tasks_run),
    )
    return transfers, integrity


def pegasus_times(history: RunHistory, makespan_s: float) -> PegasusTimes:
    good = bad = log_good = log_bad = 0.0
    for name, job in history.progress.jobs.items():
        for record in history.records.get(name, ()):
            good += sum(one.duration_s for one in record.invocations)
            bad += sum(one.duration_s for one in record.invocations if one.exit_code)
        has_records = any(one.invocations for one in history.records.get(name, ()))
        # A job that lost its slot and ran again began, for monitord, when it began last.
        for one in {one.cluster: one for one in job.attempts}.values():
            seconds = one.ended_at - one.started_at if one.ended_at is not None else 0.0
            lost = 0.0 if one.outcome is Outcome.DONE else seconds
            log_good, log_bad = log_good + seconds, log_bad + lost
            if not has_records and one.outcome in (Outcome.DONE, Outcome.FAILED):
                good, bad = good + seconds, bad + lost
    for job in history.workflow_jobs:  # that of sub-workflows counts beside that of their jobs
        for one in job.attempts:
            if one.ended_at is not None and one.outcome in (Outcome.DONE, Outcome.FAILED):
                good += one.ended_at - one.started_at
                bad += one.ended_at - one.started_at if one.outcome is Outcome.FAILED else 0.0
    return PegasusTimes(
        wall_s=makespan_s, job_wall_s=good, submit_side_s=log_good, badput_s=bad, submit_side_badput_s=log_bad
    )
