"""pure: how an image is baked: (spec, what EC2 describes) -> actions, names, and what an image is called.

All that a bake launches is in a pool of its own, `bake-NAME`: `roost status`, `down` and `gc` find it by its tags.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from roost.boot.roles import Role
from roost.cloud.manifest import RoostImage
from roost.cloud.model import (
    EXPIRES_TAG,
    LAUNCH_TAG,
    OWNER_TAG,
    POOL_TAG,
    ROLE_TAG,
    SSH_PORT,
    Action,
    Authorize,
    CreateGroup,
    Found,
    ImportKey,
    Ingress,
    Launch,
)
from roost.cloud.plan import Asker, launch_name, resource_name
from roost.errors import CloudError, RoostError, WaitTimeoutError
from roost.spec import Network, PoolSpec, Workers

LEASE_S = 90 * 60  # an image takes an hour at the most; a builder that nobody ends goes by itself
_IMAGE_TIMEOUT_S = 3600.0  # longer than that no image has ever taken: it is stuck
_POOL = "bake-"
_LONGEST_POOL = 31


class Step(StrEnum):
    """Where the time of a bake goes."""

    LAUNCH = "launch"
    BOOT = "boot"
    INSTALL = "install"
    UPLOAD = "upload"
    CLEAN = "clean"
    CREATE = "create"
    VERIFY = "verify"
    END = "end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Baked:
    """What a bake came to."""

    image_id: str
    name: str
    is_new: bool
    seconds: dict[Step, float]


def bake_pool(name: str) -> str:
    """The pool that a bake for the pool `name` launches in.

    >>> bake_pool("galaxy")
    'bake-galaxy'
    """
    return (_POOL + name)[:_LONGEST_POOL].rstrip("-")


def bake_spec(spec: PoolSpec) -> PoolSpec:
    """The smallest pool that proves an image: nothing of the user's but the place and the types."""
    return PoolSpec(
        name=bake_pool(spec.name),
        cloud=spec.cloud,
        region=spec.region,
        subnet=spec.subnet,
        access_point_type=spec.access_point_type,
        workers=Workers(count=1, type=spec.workers.type),
        network=Network(mode="outbound"),
        lease=LEASE_S,
    )


def plan_builder(spec: PoolSpec, found: Found, *, asker: Asker, now: datetime) -> list[Action]:
    """From nothing to a builder that lets in ssh from our address alone. `spec`: that of `bake_spec`."""
    name = resource_name(spec.name)
    tags = {
        POOL_TAG: spec.name,
        OWNER_TAG: asker.owner,
        EXPIRES_TAG: (now + timedelta(seconds=spec.lease)).isoformat(timespec="seconds"),
    }
    launch = launch_name(Role.BUILDER, found)
    return [
        ImportKey(name=name, tags=tags),
        CreateGroup(name=name, tags=tags, subnet_id=spec.subnet),
        Authorize(group_name=name, ingress=Ingress(port=SSH_PORT, cidr=f"{asker.address}/32")),
        Launch(
            role=Role.BUILDER,
            count=1,
            types=(spec.access_point_type, *spec.workers.type),
            key_name=name,
            group_name=name,
            subnet_id=spec.subnet,
            tags={**tags, ROLE_TAG: Role.BUILDER.value, LAUNCH_TAG: launch, "Name": f"{name}-builder"},
        ),
    ]


def image_name(pool: str, digest: str, now: datetime) -> str:
    """Unique in an account and a region: letters, digits and hyphens (API reference, CreateImage).

    >>> image_name("galaxy", "0a1b2c3d4e5f", datetime(2026, 11, 21, 12, 30, 5))
    'roost-galaxy-0a1b2c3d4e5f-20261121T123005'
    """
    return f"roost-{pool}-{digest}-{now:%Y%m%dT%H%M%S}"


def verified(images: Iterable[RoostImage], digest: str) -> RoostImage | None:
    """The newest that is baked from this recipe and proven."""
    return next((i for i in images if _is_baked(i, digest) and i.state == "available" and i.manifest.is_usable), None)


def unfinished(images: Iterable[RoostImage], digest: str) -> RoostImage | None:
    """The newest that an earlier bake of this recipe made and did not come to prove."""
    waiting = ("pending", "available")
    return next((i for i in images if _is_baked(i, digest) and i.state in waiting and not i.manifest.is_usable), None)


def _is_baked(image: RoostImage, digest: str) -> bool:
    return image.manifest.recipe == digest and bool(image.manifest.verified)


def never_available(image_id: str, image: RoostImage | None, *, waited_s: float) -> RoostError | None:
    """Why nobody need wait any longer for an image that is not available yet; None where it may still be."""
    if image is not None and image.state != "pending":
        said = image.state_reason or "EC2 does not say why"
        return CloudError(f"the image {image_id} is {image.state}: {said}", "roost image bake")
    if waited_s > _IMAGE_TIMEOUT_S:
        return WaitTimeoutError(f"the image {image_id} is still pending after an hour", "roost image bake")
    return None
