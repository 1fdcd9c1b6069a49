"""shell (the access point, EC2): what is known of a pool, as catalogs need it."""

import platform
from collections.abc import Iterable, Mapping

from roost.pool.access_point import AccessPoint
from roost.pool.ads import Slot
from roost.pool.condor import Condor
from roost.spec import PoolSpec
from roost.verbs import places, sharing
from roost.verbs.which_pool import Site
from roost.workflow.pool_catalogs import KICKSTART, PoolFacts, SlotFacts, pegasus_home

_WHERE = 'for name; do printf "%s\\t%s\\n" "$name" "$(command -v -- "$name")"; done'


def facts(spec: PoolSpec, where: Site, programs: Mapping[str, str], slots: SlotFacts | None = None) -> PoolFacts:
    """`programs`: those of the image, by name."""
    return PoolFacts(
        name=spec.name,
        home=places.runs(spec),
        architecture=_architecture(spec, where),
        requirements=places.requirements(spec),
        pegasus_home=pegasus_home(programs.get(KICKSTART, "")),
        shared_at=spec.shared.at if sharing.is_mounted(spec) else "",
        slots=slots,
        programs={name: path for name, path in programs.items() if name != KICKSTART},
    )


def programs_of_image(spec: PoolSpec, access_point: AccessPoint, names: Iterable[str]) -> dict[str, str]:
    """Name -> absolute path. An access point that is an instance is launched from the image of all of them."""
    return programs_on(access_point, [KICKSTART, *names]) if spec.access_point == "cloud" else {}


def programs_on(access_point: AccessPoint, names: Iterable[str]) -> dict[str, str]:
    """As a shell there finds them."""
    said = access_point.run(["sh", "-c", _WHERE, "sh", *names]).stdout
    rows = (line.partition("\t") for line in said.splitlines())
    return {name: path for name, _, path in rows if path.startswith("/")}


def slots_of(access_point: AccessPoint) -> SlotFacts | None:
    return slot_facts(Condor(access_point).slots())


def slot_facts(slots: Iterable[Slot]) -> SlotFacts | None:
    """None while no execution point of ours has joined."""
    whole = [slot for slot in slots if slot.is_partitionable and slot.instance_id]
    if not whole:
        return None
    return SlotFacts(
        instances=len({slot.instance_id for slot in whole}),
        cores=max(slot.total_cpus for slot in whole),
        memory_mib=max(slot.total_memory_mib for slot in whole),
    )


def _architecture(spec: PoolSpec, where: Site) -> str:
    """EC2's word. Instances on this machine are of its own kind."""
    if spec.cloud == "local":
        return {"aarch64": "arm64"}.get(platform.machine(), platform.machine())
    return where.ec2.region.architecture(spec.workers.type[0])
