"""shell (EC2, the localec2 program): the image that a pool's instances start from.

An image that exists is used; on EC2 on this machine one that does not is built, once for each recipe.
"""

from collections.abc import Callable
from dataclasses import dataclass

from roost.cloud.ec2 import Ec2
from roost.cloud.endpoint import localec2
from roost.cloud.model import RECIPE_TAG
from roost.cloud.recipe import Recipe, recipe
from roost.errors import NotFoundError
from roost.spec import PoolSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolImage:
    id: str
    name: str
    root_device: str
    executables: frozenset[str] | None  # absolute paths; None: not known


def pool_image(ec2: Ec2, spec: PoolSpec, *, say: Callable[[str], None]) -> PoolImage:
    """Raises NotFoundError where there is none and none can be made."""
    if spec.image.id:
        found = ec2.image(id=spec.image.id)
        if found is None:
            raise NotFoundError(f"the image {spec.image.id} is not available", "correct `image: {id: ...}`")
        return PoolImage(id=found.id, name=found.name, root_device=found.root_device, executables=None)
    wanted = recipe(spec)
    found = ec2.image(tags={RECIPE_TAG: wanted.digest})
    if found is None and spec.cloud == "local":
        _build(wanted, say)
        found = ec2.image(tags={RECIPE_TAG: wanted.digest})
    if found is None:
        raise NotFoundError(
            f"no image of yours in {spec.region} has {', '.join(wanted.packages)} ({RECIPE_TAG} = {wanted.digest})",
            "name one that has HTCondor 23.9 or newer and cloud-init: `image: {id: ami-...}`",
        )
    executables = _executables(found.id) if spec.cloud == "local" else None
    return PoolImage(id=found.id, name=found.name, root_device=found.root_device, executables=executables)


def _build(wanted: Recipe, say: Callable[[str], None]) -> None:
    say(f"building the image {wanted.name} ({wanted.description}); about a minute, once")
    localec2(
        [
            *("image", "build", "--name", wanted.name, "--description", wanted.description),
            *("--suite", wanted.suite, "--disable", "condor.service", "--tag", f"{RECIPE_TAG}={wanted.digest}"),
            *(("--tag", "localec2:fuse=yes") if "glusterfs-client" in wanted.packages else ()),
            *(word for package in wanted.packages for word in ("--package", package)),
            "--json",
        ],
        say=say,
    )


def _executables(image_id: str) -> frozenset[str] | None:
    listed = localec2(["image", "executables", image_id], say=lambda _: None).split("\n")
    return frozenset(line for line in listed if line) or None
