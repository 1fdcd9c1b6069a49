"""Images as a table and as JSON."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from roost.cloud.bake import Baked, Step
from roost.cloud.manifest import BY_HAND, NOT_VERIFIED, Manifest, RoostImage
from roost.cloud.outdated import Finding
from roost.report.images import baked_json, baked_text, outdated_json, outdated_text, table, to_json

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def image(*, verified: str, state: str = "available", recipe: str = "abc") -> RoostImage:
    return RoostImage(
        id="ami-1",
        name="roost-galaxy",
        state=state,
        state_reason="",
        made_at=NOW - timedelta(days=3),
        root_device="/dev/xvda",
        size_gib=8,
        snapshots=("snap-1",),
        manifest=Manifest(
            recipe=recipe, base_id="ami-0", packages="214 installed aeb22fff5cf2 bwa=1", verified=verified
        ),
    )


@pytest.mark.parametrize(
    ("shown", "cells"),
    [
        (image(verified="2026-11-18T10:00:00+00:00"), ["ami-0", "-", "214", "3 d", "2026-11-18", "8", "0.40"]),
        (image(verified=NOT_VERIFIED), ["ami-0", "-", "214", "3 d", "NO", "8", "0.40"]),
        (image(verified=NOT_VERIFIED, state="pending"), ["ami-0", "-", "214", "3 d", "pending", "8", "0.40"]),
        (image(verified=""), ["ami-0", "-", "214", "3 d", "built", "8", "0.40"]),
    ],
)
def test_a_row(shown: RoostImage, cells: list[str]) -> None:
    _, row = table([shown], left=[], now=NOW).splitlines()
    assert row.split("  ")[0] == "ami-1"
    assert [cell.strip() for cell in row.split("  ") if cell.strip()][2:] == cells


def test_what_is_left_of_an_image_is_told_with_its_remedy() -> None:
    assert "roost image rm snap-9" in table([], left=["snap-9"], now=NOW)
    assert json.loads(to_json([], left=["snap-9"]))["left_snapshots"] == ["snap-9"]


@pytest.mark.parametrize(("verified", "is_verified"), [("2026-11-18", True), (NOT_VERIFIED, False), ("", False)])
def test_json(verified: str, is_verified: bool) -> None:
    told = json.loads(to_json([image(verified=verified, recipe=BY_HAND)], left=[]))
    assert told["schema"] == "roost/images/1"
    (one,) = told["images"]
    assert (one["is_verified"], one["recipe"], one["usd_per_month_at_most"]) == (is_verified, "by-hand", 0.4)


def test_how_long_a_bake_took() -> None:
    baked = Baked(image_id="ami-1", name="a", is_new=True, seconds={Step.LAUNCH: 1.5, Step.CREATE: 2.25})
    assert baked_text(baked).splitlines()[1:] == ["launch  1.5 s", "create  2.2 s", "all     3.8 s"]
    assert json.loads(baked_json(baked))["seconds"] == {"launch": 1.5, "create": 2.25}


def test_outdated() -> None:
    finding = Finding(image_id="ami-1", name="a", reasons=("old", "older"), remedy="roost image bake")
    assert outdated_text([finding]).splitlines() == ["ami-1  a", "  old", "  older", "  Try: roost image bake"]
    assert json.loads(outdated_json([finding]))["outdated"][0]["reasons"] == ["old", "older"]
    assert "what one would bake today" in outdated_text([])
