"""What a real pool printed (HTCondor 23.9.6: one execution point, two jobs and a DAG running, one held, one idle)."""

from pathlib import Path

import pytest

from roost.errors import RoostError
from roost.pool.ads import Job, JobStatus, Slot, instance_of, jobs, slots

DATA = Path(__file__).parent / "data"
INSTANCE = "i-0a1b2c3d4e5f60718"
SLOTS = slots((DATA / "slots.json").read_text())
JOBS = jobs((DATA / "jobs.json").read_text())


def test_slots_know_their_instance() -> None:
    assert {slot.instance_id for slot in SLOTS} == {INSTANCE}


def test_the_partitionable_slot_is_the_instance() -> None:
    whole = [slot for slot in SLOTS if slot.is_partitionable]
    assert whole == [
        Slot(
            name="slot1@rbg-1",
            machine="rbg-1",
            instance_id=INSTANCE,
            is_partitionable=True,
            state="Unclaimed",
            activity="Idle",
            free_cpus=4 - sum(slot.total_cpus for slot in SLOTS if not slot.is_partitionable),
            free_memory_mib=4096 - sum(slot.total_memory_mib for slot in SLOTS if not slot.is_partitionable),
            total_cpus=4,
            total_memory_mib=4096,
            daemon_started_at_s=1795205152.0,
        )
    ]
    assert not whole[0].is_busy


def test_dynamic_slots_are_busy() -> None:
    assert [slot.is_busy for slot in SLOTS if not slot.is_partitionable] == [True, True, True]


def _one(command: str, status: JobStatus) -> Job:
    [job] = [job for job in JOBS if job.command.endswith(command) and job.status is status and not job.slot_name]
    return job


@pytest.mark.parametrize(
    ("command", "status"),
    [("sleep", JobStatus.HELD), ("sleep", JobStatus.IDLE), ("condor_dagman", JobStatus.RUNNING)],
)
def test_jobs_without_a_slot(command: str, status: JobStatus) -> None:
    assert instance_of(_one(command, status), SLOTS) is None


def test_held_job_says_why() -> None:
    assert _one("sleep", JobStatus.HELD).hold_reason == "submitted on hold at user's request"


def test_running_jobs_are_on_an_instance() -> None:
    running = [job for job in JOBS if job.slot_name]
    assert [instance_of(job, SLOTS) for job in running] == [INSTANCE] * 3
    assert all(job.started_at_s is not None and job.started_at_s >= job.submitted_at_s for job in running)


def test_dag_node_knows_its_dag() -> None:
    [node] = [job for job in JOBS if job.dag_node]
    assert (node.dag_node, node.dag_cluster) == ("a", _one("condor_dagman", JobStatus.RUNNING).cluster)


@pytest.mark.parametrize("printed", ["", "\n"])
def test_nothing_printed_is_an_empty_list(printed: str) -> None:
    assert (slots(printed), jobs(printed)) == ([], [])


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        ("-- Failed to fetch ads", "is no JSON"),
        ('[{"ClusterId": 7, "JobStatus": 1}', "is no JSON"),  # cut
        ('{"ClusterId": 7}', "is no list of ads"),
        ("[7]", "is no list of ads"),
        ('[{"ClusterId": 7}]', "has a JobStatus of None"),
        ('[{"ClusterId": 7, "JobStatus": 99}]', "has a JobStatus of 99"),
        ('[{"ClusterId": 7, "JobStatus": "/Expr(undefined)/"}]', "has a JobStatus of '/Expr"),
    ],
)
def test_what_htcondor_never_prints_on_a_good_day(printed: str, words: str) -> None:
    with pytest.raises(RoostError, match=words):
        jobs(printed)


def test_a_machine_that_is_not_ours() -> None:
    [slot] = slots('[{"Name": "slot1@other", "SlotType": "Static", "Cpus": "/Expr(undefined)/"}]')
    assert (slot.instance_id, slot.is_partitionable, slot.free_cpus, slot.daemon_started_at_s) == ("", False, 0, None)
