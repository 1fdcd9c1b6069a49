"""pure: images, what is wrong with them and how long one took, as tables and as JSON."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from roost.cloud.bake import Baked
from roost.cloud.manifest import NOT_VERIFIED, RoostImage
from roost.cloud.outdated import Finding
from roost.report.age import age
from roost.report.columns import columns

# Amazon EBS pricing, snapshots in the standard tier, us-east-1, as of 2026-06. What is billed is the blocks that hold
# something: the size of the disk is the most that it can be.
USD_PER_GIB_MONTH = 0.05
_HEAD = ("ID", "NAME", "BASE", "HTCONDOR", "PACKAGES", "AGE", "VERIFIED", "GiB", "$/MONTH")


def table(images: Sequence[RoostImage], *, left: Sequence[str], now: datetime) -> str:
    """`left`: snapshots whose image is gone."""
    text = columns([_HEAD, *(_row(image, now) for image in images)]) if images else "no image of Roost's"
    more = [f"{snapshot} is left of an image that is gone: roost image rm {snapshot}" for snapshot in left]
    return "\n".join([text, *more])


def to_json(images: Sequence[RoostImage], *, left: Sequence[str]) -> str:
    return _json("roost/images/1", images=[_facts(image) for image in images], left_snapshots=list(left))


def outdated_text(found: Sequence[Finding]) -> str:
    if not found:
        return "every image is what one would bake today"
    lines = []
    for each in found:
        lines.append(f"{each.image_id}  {each.name}")
        lines += [f"  {reason}" for reason in each.reasons]
        lines.append(f"  Try: {each.remedy}")
    return "\n".join(lines)


def outdated_json(found: Sequence[Finding]) -> str:
    return _json(
        "roost/images-outdated/1",
        outdated=[
            {"id": one.image_id, "name": one.name, "reasons": list(one.reasons), "remedy": one.remedy} for one in found
        ],
    )


def baked_text(baked: Baked) -> str:
    """
    >>> print(baked_text(Baked(image_id="ami-1", name="a", is_new=False, seconds={})))
    ami-1  a
    """
    rows = [(step.value, f"{seconds:.1f} s") for step, seconds in baked.seconds.items()]
    if rows:
        rows.append(("all", f"{sum(baked.seconds.values()):.1f} s"))
    return "\n".join([f"{baked.image_id}  {baked.name}", *([columns(rows)] if rows else [])])


def baked_json(baked: Baked) -> str:
    seconds = {step.value: round(took, 3) for step, took in baked.seconds.items()}
    return _json("roost/bake/1", image_id=baked.image_id, name=baked.name, is_new=baked.is_new, seconds=seconds)


def _row(image: RoostImage, now: datetime) -> tuple[str, ...]:
    its = image.manifest
    return (
        image.id,
        image.name,
        its.base_name or its.base_id or "-",
        its.condor_version or "-",
        its.packages.partition(" ")[0] or "-",
        age(image.made_at, now),
        _verified(image),
        str(image.size_gib),
        f"{image.size_gib * USD_PER_GIB_MONTH:.2f}",
    )


def _verified(image: RoostImage) -> str:
    if image.state != "available":
        return image.state
    match image.manifest.verified:
        case "":
            return "built"  # EC2 on this machine made it from packages alone
        case "no":
            return "NO"
        case when:
            return when[:10]


def _facts(image: RoostImage) -> dict[str, Any]:
    its = image.manifest
    return {
        "id": image.id,
        "name": image.name,
        "state": image.state,
        "created_at": image.made_at.isoformat(),
        "size_gib": image.size_gib,
        "usd_per_month_at_most": round(image.size_gib * USD_PER_GIB_MONTH, 4),
        "snapshots": list(image.snapshots),
        "is_verified": its.is_usable and bool(its.verified),
        "verified_at": its.verified if its.verified != NOT_VERIFIED else "",
        "recipe": its.recipe,
        "made_for": its.pool,
        "base_image": its.base_id,
        "base_name": its.base_name,
        "condor_version": its.condor_version,
        "packages": its.packages,
        "from_instance": its.source,
        "made_at": its.made_at,
        "roost_version": its.version,
    }


def _json(schema: str, **facts: Any) -> str:
    return json.dumps({"schema": schema, **facts}, indent=2)
