"""Which slots a drain waits for, and whom it tells."""

import pytest

from roost.pool.ads import Slot
from roost.pool.draining import machines, working


def slot(instance_id: str, *, state: str, activity: str, is_partitionable: bool = False) -> Slot:
    return Slot(
        name=f"slot1@{instance_id}.internal",
        machine=f"{instance_id}.internal",
        instance_id=instance_id,
        is_partitionable=is_partitionable,
        state=state,
        activity=activity,
        free_cpus=1,
        free_memory_mib=1,
        total_cpus=2,
        total_memory_mib=2,
        daemon_started_at_s=None,
    )


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (slot("i-1", state="Claimed", activity="Busy"), True),
        (slot("i-1", state="Claimed", activity="Retiring"), True),
        (slot("i-1", state="Preempting", activity="Vacating"), True),
        (slot("i-1", state="Claimed", activity="Idle"), False),
        (slot("i-1", state="Unclaimed", activity="Idle", is_partitionable=True), False),
        (slot("i-2", state="Claimed", activity="Busy"), False),  # an instance that EC2 does not describe any more
        (slot("", state="Claimed", activity="Busy"), False),  # a machine of the user's own pool
    ],
)
def test_a_job_is_waited_for_on_the_pools_own_instances(of: Slot, expected: bool) -> None:
    assert bool(working([of], {"i-1"})) is expected


def test_the_pools_own_machines_are_told_once() -> None:
    listed = [slot(one, state="Claimed", activity="Busy") for one in ("i-3", "i-1", "i-1", "", "i-2")]
    assert machines(listed, {"i-1", "i-3"}) == ["i-1.internal", "i-3.internal"]
