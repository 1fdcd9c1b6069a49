"""What `roost catalogs` writes and never overwrites; what it takes of a pool's slots."""

from pathlib import Path

import pytest

from roost.errors import UsageError
from roost.pool.ads import Slot
from roost.verbs import cataloguing, pool_facts
from roost.workflow.catalog_entries import Catalogs
from roost.workflow.pool_catalogs import SlotFacts

CATALOGS = Catalogs(sites={"ec2": {"name": "ec2"}}, properties={"pegasus.data.configuration": "condorio"})


def test_written_again_as_often_as_you_like(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "catalogs"
    first = cataloguing.write(CATALOGS, directory)
    assert {path.name for path in first} == {"sites.yml", "replicas.yml", "pegasus.properties"}
    before = {path: path.read_text() for path in first}
    cataloguing.write(CATALOGS, directory)
    assert {path: path.read_text() for path in first} == before


def test_a_file_of_yours_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "sites.yml").write_text("sites: []\n")
    with pytest.raises(UsageError, match=r"sites\.yml: not written by"):
        cataloguing.write(CATALOGS, tmp_path)
    assert (tmp_path / "sites.yml").read_text() == "sites: []\n"
    assert not (tmp_path / "replicas.yml").exists(), "all or nothing"


def _slot(instance_id: str, cpus: int, memory: int, *, is_partitionable: bool = True) -> Slot:
    return Slot(
        name=f"slot1@{instance_id}",
        machine=instance_id,
        instance_id=instance_id,
        is_partitionable=is_partitionable,
        state="Unclaimed",
        activity="Idle",
        free_cpus=0,
        free_memory_mib=0,
        total_cpus=cpus,
        total_memory_mib=memory,
        daemon_started_at_s=None,
    )


@pytest.mark.parametrize(
    ("slots", "facts"),
    [
        ([], None),
        ([_slot("", 64, 256_000)], None),  # another machine of the institute's pool
        (
            [_slot("i-1", 2, 3850), _slot("i-2", 4, 1900), _slot("i-1", 2, 512, is_partitionable=False)],
            SlotFacts(instances=2, cores=4, memory_mib=3850),
        ),
    ],
)
def test_slot_facts(slots: list[Slot], facts: SlotFacts | None) -> None:
    assert pool_facts.slot_facts(slots) == facts
