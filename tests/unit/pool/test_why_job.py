"""Why a job does not run: what HTCondor prints of it in, sentences out."""

import json
from typing import Any

import pytest

from roost.errors import NotFoundError
from roost.pool.hold_codes import HOLDS, held
from roost.pool.job_evidence import JobEvidence, job_evidence
from roost.pool.why_job import job_causes, job_condition

NOW = 1_795_260_000
JOB = {
    "ClusterId": 12,
    "ProcId": 0,
    "JobStatus": 1,
    "QDate": NOW - 300,
    "EnteredCurrentStatus": NOW - 300,
    "RequestCpus": 1,
    "RequestMemory": 100,
    "RequestDisk": 1024,
}
WHOLE = {
    "Name": "slot1@ip-172-31-2-53",
    "Machine": "ip-172-31-2-53",
    "RoostInstanceId": "i-1",
    "SlotType": "Partitionable",
    "State": "Unclaimed",
    "Activity": "Idle",
    "Cpus": 2,
    "Memory": 3840,
    "TotalSlotCpus": 2,
    "TotalSlotMemory": 3840,
    "TotalSlotDisk": 80_000_000.0,
}
GONE = {"RoostInstanceId": "i-2"}  # EC2 has i-1 alone
FULL = {**WHOLE, "Cpus": 0, "Memory": 1000}
CUT = {**WHOLE, "Name": "slot1_1@ip-172-31-2-53", "SlotType": "Dynamic", "Activity": "Busy"}
ANALYSIS = """\
The Requirements expression for job 12.000 reduces to these conditions:

         Slots
Step    Matched  Condition
-----  --------  ---------
[0]           0  TARGET.HasGalaxy == true
[9]           0  TARGET.Memory >= RequestMemory
[12]          1  TARGET.HasFileTransfer

012.000:  Run analysis summary ignoring user priority.  Of 1 machines,
      1 are rejected by your job's requirements
      0 reject your job because of their own requirements
"""
REFUSED = "012.000:  Of 2 machines,\n      2 reject your job because of their own requirements\n"


def asked(
    job: dict[str, Any] | None = None,
    *,
    ended: dict[str, Any] | None = None,
    slots: list[dict[str, Any]] | None = None,
    queue: list[dict[str, Any]] | None = None,
    analysis: str = "",
    there: str = "roost ssh galaxy -- ",
) -> JobEvidence:
    mine = None if job is None else {**JOB, **job}
    sections = {
        "time": str(NOW),
        "job": json.dumps([mine]) if mine else "",
        "ended": json.dumps([{**JOB, **ended}]) if ended else "",
        "slots": json.dumps([WHOLE] if slots is None else slots) if slots != [] else "",
        "queue": json.dumps([*([mine] if mine else []), *(queue or [])]),
        "analysis": analysis,
    }
    printed = "".join(f"@@ {name}\n{text}\n\n" for name, text in sections.items())
    return job_evidence(printed, cluster=12, process=0, pool="galaxy", there=there, points=("i-1",))


@pytest.mark.parametrize(
    ("evidence", "condition", "sentences", "remedy"),
    [
        (
            asked({"JobStatus": 2, "RemoteHost": "slot1_1@ip-172-31-2-53", "NumJobStarts": 3}),
            "12.0 runs on i-1, since 5 min, its start no. 3",
            [],
            "",
        ),
        (
            asked({"JobStatus": 2, "RemoteHost": "slot1_1@gone"}, slots=[{**WHOLE, "Machine": "gone", **GONE}]),
            "12.0 runs on i-2, since 5 min",
            ["its execution point is gone; HTCondor waits for it while the job's lease lasts, some minutes"],
            "it starts elsewhere then",
        ),
        (
            asked({"JobStatus": 5, "HoldReasonCode": 13, "HoldReasonSubCode": 28, "HoldReason": "No space left"}),
            "12.0 is on hold, since 5 min",
            ["its input files could not be brought to it: there the disk is full"],
            "request_disk",
        ),
        (
            asked({"JobStatus": 5, "HoldReasonCode": 1, "HoldReason": "via condor_hold (by user debian)"}),
            "12.0 is on hold, since 5 min",
            ["somebody held it with condor_hold"],
            "roost ssh galaxy -- condor_release 12.0",
        ),
        (  # of a pool whose jobs are submitted on this machine
            asked({"JobStatus": 5, "HoldReasonCode": 3, "HoldReason": "PeriodicHold"}, there=""),
            "12.0 is on hold, since 5 min",
            ["its own policy held it (periodic_hold, on_exit_hold)"],
            "look at what the policy says: condor_q -l 12.0 | grep -i periodic; then condor_release 12.0",
        ),
        (
            asked({"RequestMemory": 16384}, analysis=ANALYSIS),
            "12.0 waits, since 5 min; 0 idle jobs are before it",
            [
                "it asks for 16.0 GiB of memory, and the largest execution point has 3.8 GiB",
                "its requirements want `TARGET.HasGalaxy == true`, and none of 1 execution points has that",
            ],
            "a larger type",
        ),
        (
            asked({"RequestCpus": 64}),
            "12.0 waits, since 5 min; 0 idle jobs are before it",
            ["it asks for 64 processors, and the largest execution point has 2"],
            "request_cpus",
        ),
        (
            asked({"RequestDisk": 200_000_000}),
            "12.0 waits, since 5 min; 0 idle jobs are before it",
            ["it asks for 190.7 GiB of disk, and the largest execution point has 76.3 GiB"],
            "request_disk",
        ),
        (
            asked(
                {},
                slots=[FULL, CUT, {**CUT, "Name": "slot1_2@ip-172-31-2-53"}],
                queue=[{**JOB, "ClusterId": 11}, {**JOB, "ClusterId": 13}, {**JOB, "ClusterId": 9, "JobStatus": 2}],
            ),
            "12.0 waits, since 5 min; 1 idle jobs are before it",
            ["all execution points are busy with 2 jobs; 1 more wait before it"],
            "workers: {count: ...}",
        ),
        (
            asked({}, slots=[]),
            "12.0 waits, since 5 min; 0 idle jobs are before it",
            ["the pool has no execution point"],
            "roost why i-1",
        ),
        (
            asked({}, analysis=REFUSED),
            "12.0 waits, since 5 min; 0 idle jobs are before it",
            ["2 execution points do not want it: their own policy (START)"],
            "condor_status",
        ),
        (
            asked({"EnteredCurrentStatus": NOW - 4}),
            "12.0 waits, since 0 min; 0 idle jobs are before it",
            ["it has waited for 4 s: the next negotiation takes it"],
            "roost why 12.0",
        ),
        (
            asked({"LastRejMatchReason": "no match found "}),
            "12.0 waits, since 5 min; 0 idle jobs are before it",
            ["nothing keeps it from running that can be seen"],
            "better-analyze",
        ),
        (
            asked(ended={"JobStatus": 4, "CompletionDate": NOW, "ExitCode": 0, "LastRemoteHost": "slot1@ip"}),
            "12.0 ended with exit code 0, 2026-11-21 11:20 UTC, on slot1@ip",
            [],
            "",
        ),
        (
            asked(ended={"JobStatus": 4, "CompletionDate": NOW, "ExitBySignal": True, "ExitSignal": 9}),
            "12.0 ended by signal 9, 2026-11-21 11:20 UTC, on no host",
            ["signal 9 ended it: the program's own failure, or what it was given"],
            "condor_history -l 12.0",
        ),
        (
            asked(ended={"JobStatus": 3, "RemoveReason": "via condor_rm (by user debian)"}),
            "12.0 was removed: via condor_rm (by user debian)",
            [],
            "",
        ),
        (
            asked(
                ended={
                    "JobStatus": 3,
                    "RemoveReason": "PeriodicRemove evaluated to TRUE",
                    "HoldReason": "no such file",
                    "HoldReasonCode": 13,
                    "HoldReasonSubCode": 2,
                }
            ),
            "12.0 was removed: PeriodicRemove evaluated to TRUE",
            ["its input files could not be brought to it: a file is not there"],
            "transfer_input_files",
        ),
    ],
)
def test_what_is_said_of_a_job(evidence: JobEvidence, condition: str, sentences: list[str], remedy: str) -> None:
    assert job_condition(evidence) == condition
    causes = job_causes(evidence)
    assert [cause.sentence for cause in causes] == sentences
    assert remedy in (causes[0].remedy if causes else "")


def test_a_job_that_never_was() -> None:
    with pytest.raises(NotFoundError, match=r"the pool galaxy has no job 12\.0, and had none; did you mean '13\.0'\?"):
        asked(queue=[{**JOB, "ClusterId": 13}])


def test_of_a_cluster_the_job_that_needs_it_most() -> None:
    ads = [{**JOB, "ProcId": 0, "JobStatus": 2}, {**JOB, "ProcId": 1}, {**JOB, "ProcId": 2, "JobStatus": 5}]
    printed = f"@@ time\n{NOW}\n@@ job\n{json.dumps(ads)}\n"
    assert job_evidence(printed, cluster=12, process=None, pool="galaxy", there="").id == "12.2"


def test_each_code_once() -> None:
    codes = [hold.code for hold in HOLDS]
    assert len(codes) == len(set(codes))
    assert held(None, None) == ("HTCondor held it with code None", "")
