"""What a bake launches, how it is called, and which image it takes for done."""

from datetime import UTC, datetime, timedelta

import pytest

from roost.boot.roles import Role
from roost.cloud.bake import (
    LEASE_S,
    bake_pool,
    bake_spec,
    image_name,
    never_available,
    plan_builder,
    unfinished,
    verified,
)
from roost.cloud.manifest import NOT_VERIFIED, Manifest, RoostImage
from roost.cloud.model import Authorize, CreateGroup, Found, ImportKey, Launch
from roost.cloud.plan import Asker
from roost.errors import CloudError, WaitTimeoutError
from roost.spec import PoolSpec, Workers, named

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ASKER = Asker(address="192.0.2.7", owner="ada")


def image(number: int, **its: str) -> RoostImage:
    state = its.pop("state", "available")
    return RoostImage(
        id=f"ami-{number:08d}",
        name=f"image {number}",
        state=state,
        state_reason="",
        made_at=NOW - timedelta(hours=number),
        root_device="/dev/xvda",
        size_gib=8,
        snapshots=(f"snap-{number:08d}",),
        manifest=Manifest(recipe="abc", **its),
    )


@pytest.mark.parametrize("name", ["a", "galaxy", "x" * 31, "a" * 25 + "-b"])
def test_a_bake_has_a_pool_of_its_own(name: str) -> None:
    assert named(bake_pool(name)).name == bake_pool(name)
    assert bake_pool(name).startswith("bake-a") or name[0] != "a"


def test_the_builder_is_tagged_and_lets_in_one_address() -> None:
    spec = bake_spec(PoolSpec(name="galaxy", subnet="subnet-00000001", workers=Workers(count=9, type=("m7i.large",))))
    key, group, rule, launch = plan_builder(spec, Found(), asker=ASKER, now=NOW)
    assert isinstance(key, ImportKey)
    assert isinstance(group, CreateGroup)
    assert isinstance(rule, Authorize)
    assert isinstance(launch, Launch)
    assert (rule.ingress.port, rule.ingress.cidr) == (22, "192.0.2.7/32")
    assert launch.role is Role.BUILDER
    assert launch.types == ("t3.medium", "m7i.large")
    assert launch.subnet_id == "subnet-00000001"
    for action in (key, group, launch):
        assert action.tags["roost:pool"] == "bake-galaxy"
    assert launch.tags["roost:expires-at"] == (NOW + timedelta(seconds=LEASE_S)).isoformat()


def test_the_pool_that_proves_an_image_has_one_execution_point_and_nothing_of_the_users() -> None:
    asked = PoolSpec(name="galaxy", condor_config="X = 1", workers=Workers(count=40), lease=600)
    spec = bake_spec(asked)
    assert (spec.workers.count, spec.condor_config, spec.lease) == (1, "", LEASE_S)


@pytest.mark.parametrize(
    ("images", "done", "begun"),
    [
        ([], None, None),
        ([image(1, verified=NOT_VERIFIED)], None, 1),
        ([image(1, verified=NOT_VERIFIED, state="pending")], None, 1),
        ([image(1, verified=NOT_VERIFIED, state="failed")], None, None),
        ([image(1, verified="2026-11-21")], 1, None),
        ([image(1, verified="2026-11-21"), image(2, verified="2026-11-20")], 1, None),
        ([image(1, verified=NOT_VERIFIED), image(2, verified="2026-11-20")], 2, 1),
        ([image(1)], None, None),  # built, not baked
    ],
)
def test_done_and_begun(images: list[RoostImage], done: int | None, begun: int | None) -> None:
    def number(found: RoostImage | None) -> int | None:
        return int(found.id[4:]) if found else None

    assert number(verified(images, "abc")) == done
    assert number(unfinished(images, "abc")) == begun
    assert verified(images, "other") is None
    assert unfinished(images, "other") is None


def test_a_name_that_ec2_takes() -> None:
    name = image_name("x" * 31, "0a1b2c3d4e5f", NOW)
    assert 3 <= len(name) <= 128


@pytest.mark.parametrize(
    ("state", "waited_s", "error", "said"),
    [
        ("pending", 3599, None, ""),
        (None, 60, None, ""),  # EC2 does not show it yet
        ("pending", 3601, WaitTimeoutError, "still pending after an hour"),
        (None, 3601, WaitTimeoutError, "still pending after an hour"),
        ("failed", 1, CloudError, "is failed: EC2 does not say why"),
        ("error", 1, CloudError, "is error"),
    ],
)
def test_how_long_an_image_is_waited_for(state: str | None, waited_s: float, error: type | None, said: str) -> None:
    problem = never_available("ami-1", image(1, state=state) if state else None, waited_s=waited_s)
    assert (type(problem) if problem else None) is error
    assert said in (problem.message if problem else "")
