"""pure: (instructions, facts) -> the part of HTCondor's configuration that only an execution point has.

Travels to execution points with the node programs: standard library only. How they are reached is `network`'s. The
manual's section on partitionable slots explains the names here.
"""

from collections.abc import Sequence

from roost.boot.facts import POWER_OFF, Facts
from roost.boot.network import execution_point_lines
from roost.boot.settings import Instructions, Shape


def execution_point_config(instructions: Instructions, facts: Facts) -> str:
    if facts.way is None:
        raise ValueError("an execution point knows how it is reached")
    attributes = {
        "RoostPool": f'"{instructions.pool}"',
        "RoostInstanceId": f'"{facts.instance_id}"',
        "RoostInstanceType": f'"{facts.instance_type}"',
        "RoostZone": f'"{facts.zone}"',
        "RoostLeaseEndsAt": str(facts.lease_ends_at),
        "RoostNetworkMode": f'"{facts.way.mode}"',
        "RoostNetworkReason": f'"{facts.way.reason}"',
    }
    lines = [
        "# execution point",
        "DAEMON_LIST = MASTER STARTD",
        "",
        *execution_point_lines(
            facts.way,
            instance_id=facts.instance_id,
            zone=facts.zone,
            private_ip=facts.private_ip,
            public_ip=facts.public_ip,
            ports=instructions.settings.network.ports,
        ),
        "",
        "use FEATURE:PartitionableSlot",
        *_size(instructions.types.get(facts.instance_type)),
        *(f"{name} = {value}" for name, value in attributes.items()),
        f"STARTD_ATTRS = $(STARTD_ATTRS) {' '.join(attributes)}",
        "# figures nobody asked for, at the moment the first job could run",
        "RunBenchmarks = False",
        "",
        "# no job runs as its owner, whose name may be that of the image's login user, which may become root",
        "STARTER_ALLOW_RUNAS_OWNER = False",
        *_slot_users(slot_users(instructions, facts)),
    ]
    if instructions.settings.owners:
        lines += [
            "",
            "# only these people's jobs",
            f'START = ($(START)) && stringListMember(TARGET.Owner, "{",".join(instructions.settings.owners)}")',
        ]
    if instructions.settings.idle_s:
        lines += [
            "",
            "# without a claim for so long the instance powers itself off",
            f"STARTD_NOCLAIM_SHUTDOWN = {instructions.settings.idle_s}",
            f"DEFAULT_MASTER_SHUTDOWN_SCRIPT = {POWER_OFF}",
        ]
    return "\n".join(lines) + "\n"


def _size(shape: Shape | None) -> list[str]:
    """What the slot has; an unknown instance type is left to HTCondor's own detection."""
    if shape is None:
        return []
    return [f"NUM_CPUS = {shape.cpus}", f"MEMORY = {slot_memory_mib(shape)}"]


def slot_users(instructions: Instructions, facts: Facts) -> list[str]:
    """The accounts that jobs run as, one for each that may run at once: two jobs never see each other's files.

    None where a file system is shared: its files belong to accounts, and every job has to reach those of the others.
    """
    shape = instructions.types.get(facts.instance_type)
    if shape is None or instructions.settings.sharing:
        return []
    return [f"slot{n}" for n in range(1, shape.cpus + 1)]


def _slot_users(names: Sequence[str]) -> list[str]:
    """Manual, "Users Accounts in HTCondor for Execute Nodes": what such an account leaves running is killed too."""
    if not names:
        return []
    return [
        *(f"SLOT1_{n}_USER = {name}" for n, name in enumerate(names, start=1)),
        "DEDICATED_EXECUTE_ACCOUNT_REGEXP = slot[0-9]+",
    ]


def slot_memory_mib(shape: Shape) -> int:
    """What jobs can ask for: the rest is for the system and the daemons."""
    return shape.memory_mib - max(128, shape.memory_mib // 16)
