"""The whole configuration of each role, and how often its daemons look around."""

from dataclasses import astuple, replace
from itertools import pairwise
from pathlib import Path

import pytest

from roost.boot.condor_config import PACES, condor_config, pace
from roost.boot.facts import Facts
from roost.boot.network import Way
from roost.boot.roles import Role
from roost.boot.settings import BootSettings, Instructions, Intervals, Joining, NetworkMode, Shape

GOLDEN = Path(__file__).parent / "golden"
FACTS = Facts(
    instance_id="i-0123456789abcdef0",
    instance_type="c7i.large",
    zone="us-east-1a",
    private_ip="172.31.5.6",
    public_ip="203.0.113.9",
    lease_ends_at=1_800_000_000,
    way=Way(mode=NetworkMode.OUTBOUND, reason="the schedd answers from here, so no port has to be opened"),
)
ACCESS_POINT = Instructions(
    pool="galaxy",
    role=Role.ACCESS_POINT,
    types={},
    settings=BootSettings(lease_s=3600, idle_s=900, workers=4, condor_config="HasGalaxy = True\n"),
    joining=None,
)
EXECUTION_POINT = replace(
    ACCESS_POINT,
    role=Role.EXECUTION_POINT,
    types={"c7i.large": Shape(cpus=2, memory_mib=4096)},
    joining=Joining(central_manager="172.31.0.9", token="not-in-the-configuration"),
)


@pytest.mark.parametrize("instructions", [ACCESS_POINT, EXECUTION_POINT], ids=lambda i: i.role)
def test_golden(instructions: Instructions) -> None:
    assert condor_config(instructions, FACTS) == (GOLDEN / f"{instructions.role}.config").read_text()


def test_users_text_is_last_on_execution_points() -> None:
    assert condor_config(EXECUTION_POINT, FACTS).endswith("verbatim\nHasGalaxy = True\n")
    assert "HasGalaxy" not in condor_config(ACCESS_POINT, FACTS)


def test_no_secret_in_it() -> None:
    assert "not-in-the-configuration" not in condor_config(EXECUTION_POINT, FACTS)


@pytest.mark.parametrize(
    ("memory_mib", "line"), [(1024, "MEMORY = 896"), (4096, "MEMORY = 3840"), (65536, "MEMORY = 61440")]
)
def test_slot_has_the_size_of_the_type(memory_mib: int, line: str) -> None:
    sized = replace(EXECUTION_POINT, types={"c7i.large": Shape(cpus=8, memory_mib=memory_mib)})
    lines = condor_config(sized, FACTS).splitlines()
    assert line in lines
    assert "NUM_CPUS = 8" in lines


def test_unknown_type_is_left_to_detection() -> None:
    text = condor_config(replace(EXECUTION_POINT, types={}), FACTS)
    assert "NUM_CPUS" not in text
    assert "MEMORY =" not in text


def test_never_idle_when_zero() -> None:
    settings = replace(EXECUTION_POINT.settings, idle_s=0)
    assert "NOCLAIM" not in condor_config(replace(EXECUTION_POINT, settings=settings), FACTS)


def test_a_pool_that_was_there_before() -> None:
    joining = Joining(central_manager="192.0.2.7", token="t", trust_domain="physics.example", port=9620)
    lines = condor_config(replace(EXECUTION_POINT, joining=joining), FACTS).splitlines()
    assert "COLLECTOR_HOST = $(CONDOR_HOST):9620" in lines
    assert "TRUST_DOMAIN = physics.example" in lines
    assert "UID_DOMAIN = physics.example" in lines


@pytest.mark.parametrize(
    ("owners", "start"),
    [
        ((), []),
        (("alice", "bob"), ['START = ($(START)) && stringListMember(TARGET.Owner, "alice,bob")']),
    ],
)
def test_whose_jobs(owners: tuple[str, ...], start: list[str]) -> None:
    settings = replace(EXECUTION_POINT.settings, owners=owners)
    lines = condor_config(replace(EXECUTION_POINT, settings=settings), FACTS).splitlines()
    assert [line for line in lines if line.startswith("START ")] == start


@pytest.mark.parametrize("instructions", [ACCESS_POINT, EXECUTION_POINT], ids=lambda i: i.role)
def test_htcondor_default_sets_no_interval(instructions: Instructions) -> None:
    settings = replace(instructions.settings, intervals=Intervals.HTCONDOR_DEFAULT)
    text = condor_config(replace(instructions, settings=settings), FACTS)
    assert "INTERVAL" not in text
    assert "CLAIM_WORKLIFE" not in text


@pytest.mark.parametrize(
    ("workers", "row"), [(0, 0), (1, 0), (20, 0), (21, 1), (100, 1), (101, 2), (1000, 2), (1001, 3), (50_000, 3)]
)
def test_pace_by_expected_workers(workers: int, row: int) -> None:
    assert pace(workers) == PACES[row][1]


def test_paces_loosen_as_the_pool_grows() -> None:
    for (smaller, short), (larger, long) in pairwise(PACES):
        assert smaller < larger
        assert all(before <= after for before, after in zip(astuple(short), astuple(long), strict=True))
        assert smaller / short.update_interval_s <= 50, "ads a second"
