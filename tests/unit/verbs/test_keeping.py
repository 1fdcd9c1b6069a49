"""What is kept of an instance is found again, and a later look that saw nothing takes nothing away."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from roost.boot.roles import Role
from roost.cloud.model import InstanceState, PoolInstance
from roost.spec import PoolSpec
from roost.verbs.keeping import KEPT_S, keep, kept, kept_ids

INSTANCE = PoolInstance(
    id="i-1",
    role=Role.EXECUTION_POINT,
    state=InstanceState.RUNNING,
    instance_type="c7i.large",
    zone="us-east-1a",
    private_ip="172.31.2.53",
    public_ip="198.18.0.9",
    image_id="ami-1",
    launched_at=datetime(2026, 11, 21, 11, 20, tzinfo=UTC),
    launch="execution-point-1",
)
LOOK = (Path(__file__).parents[1] / "pool" / "data" / "look.txt").read_text()


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PoolSpec:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    return PoolSpec(name="galaxy")


def test_it_is_found_by_the_instance_alone(spec: PoolSpec) -> None:
    keep(spec, INSTANCE, console="Kernel panic", printed=LOOK)
    found = kept(PoolSpec(name="another"), "i-1")
    assert found is not None
    assert (found.instance, found.pool, found.console) == (INSTANCE, "galaxy", "Kernel panic")
    assert found.inside is not None
    assert found.inside.manager == "172.31.14.203"
    assert kept_ids("local") == ["i-1"]
    assert kept(spec, "i-2") is None
    assert kept(PoolSpec(name="galaxy", cloud="aws"), "i-1") is None


def test_a_later_look_that_saw_nothing_takes_nothing_away(spec: PoolSpec) -> None:
    keep(spec, INSTANCE, console="roost: 1.2s configured", printed=LOOK)
    keep(spec, INSTANCE, console="")
    found = kept(spec, "i-1")
    assert found is not None
    assert found.console == "roost: 1.2s configured"
    assert found.inside is not None


def test_it_is_nobody_elses(spec: PoolSpec) -> None:
    directory = keep(spec, INSTANCE, console="c")
    assert directory.stat().st_mode & 0o077 == 0


def test_what_is_older_than_a_month_goes(spec: PoolSpec) -> None:
    old = keep(spec, INSTANCE, console="c")
    os.utime(old, (old.stat().st_mtime - KEPT_S - 60,) * 2)
    keep(spec, replace(INSTANCE, id="i-2"), console="c")
    assert kept_ids("local") == ["i-2"]
