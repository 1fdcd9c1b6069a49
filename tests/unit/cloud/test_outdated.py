"""Rows: an image and what there is today -> why it is outdated, and what to type."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from roost.cloud.manifest import BY_HAND, NOT_VERIFIED, Manifest, RoostImage
from roost.cloud.outdated import Today, findings, is_older

NOW = datetime(2026, 11, 21, tzinfo=UTC)
IMAGE = RoostImage(
    id="ami-00000001",
    name="roost-galaxy",
    state="available",
    state_reason="",
    made_at=NOW,
    root_device="/dev/xvda",
    size_gib=8,
    snapshots=("snap-1",),
    manifest=Manifest(
        recipe="abc",
        pool="galaxy",
        base_id="ami-0000000b",
        base_name="debian-13-amd64-20260914-2234",
        condor_version="23.9.6+dfsg-2.1",
        verified="2026-11-21",
    ),
)
BASE = replace(IMAGE, id="ami-0000000b", name="debian-13-amd64-20260914-2234", made_at=NOW - timedelta(days=60))
TODAY = Today(pool="galaxy", recipe="abc", base=BASE, condor_version="23.9.6+dfsg-2.1")
NEWER = replace(BASE, id="ami-0000000c", name="debian-13-amd64-20261130-2300", made_at=NOW + timedelta(days=9))


def with_manifest(**changes: str) -> RoostImage:
    return replace(IMAGE, manifest=replace(IMAGE.manifest, **changes))


@pytest.mark.parametrize(
    ("image", "today", "said", "remedy"),
    [
        (IMAGE, TODAY, None, ""),
        (IMAGE, replace(TODAY, base=None, condor_version=None), None, ""),
        (IMAGE, replace(TODAY, recipe="def"), "the recipe of galaxy has changed", "roost image bake pool.yml"),
        (IMAGE, replace(TODAY, pool="other", recipe="def"), None, ""),
        (IMAGE, replace(TODAY, base=NEWER), "its base image ami-0000000b is older than ami-0000000c", "bake --force"),
        (IMAGE, replace(TODAY, base=replace(NEWER, name="ubuntu-24.04-20261130")), None, ""),
        (IMAGE, replace(TODAY, condor_version="23.10.1+dfsg-1"), "it has HTCondor 23.9.6", "bake --force"),
        (IMAGE, replace(TODAY, condor_version="23.4.0-1"), None, ""),
        (with_manifest(verified=NOT_VERIFIED), TODAY, "it was never proven", "roost image bake pool.yml"),
        (with_manifest(recipe=BY_HAND), replace(TODAY, recipe="def"), None, ""),
        (
            with_manifest(recipe=BY_HAND),
            replace(TODAY, condor_version="24.1-1"),
            "it has HTCondor",
            "roost up, change an execution point as you did then",
        ),
    ],
)
def test_an_image(image: RoostImage, today: Today, said: str | None, remedy: str) -> None:
    found = findings([image], today)
    if said is None:
        assert found == ()
        return
    (finding,) = found
    assert any(reason.startswith(said) for reason in finding.reasons)
    assert remedy in finding.remedy


def test_the_newest_of_a_recipe_is_the_one_to_keep() -> None:
    older = replace(IMAGE, id="ami-00000002", made_at=NOW - timedelta(days=1))
    (finding,) = findings([IMAGE, older], TODAY)
    assert finding.image_id == "ami-00000002"
    assert "ami-00000001 is a newer one" in finding.reasons[0]


# What `dpkg --compare-versions A lt B` says.
@pytest.mark.parametrize(
    ("one", "other", "older"),
    [
        ("1.0", "1.0", False),
        ("1.0", "1.0-0", False),
        ("1.0-1", "1.0-2", True),
        ("1.9", "1.10", True),
        ("1.0~rc1", "1.0", True),
        ("1.0", "1.0+dfsg", True),
        ("1.0a", "1.0+", True),
        ("23.9.6+dfsg-2.1", "23.9.6+dfsg-2.1+b10", True),
        ("25.14.1-1", "23.9.6-1", False),
        ("1:0.1", "2.0", False),
        ("2.0", "1:0.1", True),
        ("1.0-1~deb13u1", "1.0-1", True),
    ],
)
def test_versions(one: str, other: str, older: bool) -> None:
    assert is_older(one, other) is older
