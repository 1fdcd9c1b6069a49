"""pure: letting execution points finish what they run, and start nothing more.

`condor_off -peaceful -startd` (HTCondor manual, condor_off): claims retire, their jobs end in their own time, queued
ones are not started, and then the startd leaves. `condor_drain` would ask jobs to end where MaxJobRetirementTime is not
set, which is what it is by default.
"""

from collections.abc import Collection, Iterable, Sequence

from roost.pool.ads import Slot

_WORKING = ("Busy", "Retiring", "Suspended", "Vacating")


def working(slots: Iterable[Slot], instance_ids: Collection[str]) -> list[Slot]:
    """Those of these instances that a job is on. Others belong to machines that stay, or have gone without a word."""
    return [
        slot
        for slot in slots
        if slot.instance_id in instance_ids
        and not slot.is_partitionable
        and slot.state in ("Claimed", "Preempting")
        and slot.activity in _WORKING
    ]


def machines(slots: Iterable[Slot], instance_ids: Collection[str]) -> list[str]:
    return sorted({slot.machine for slot in slots if slot.instance_id in instance_ids})


def drain_argv(names: Sequence[str]) -> list[str]:
    """
    >>> drain_argv(["ip-172-31-0-9.ec2.internal"])[-3:]
    ['-peaceful', '-startd', 'ip-172-31-0-9.ec2.internal']
    """
    return ["sudo", "-n", "condor_off", "-peaceful", "-startd", *names]
