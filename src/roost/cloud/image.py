"""shell (EC2, the localec2 program): the image that a pool's instances start from.

An image that exists is used. On EC2 on this machine one of packages alone is built where there is none, once for each
recipe; every other is baked (`roost image bake`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from roost.cloud.ec2 import Ec2
from roost.cloud.endpoint import localec2
from roost.cloud.images import Images
from roost.cloud.manifest import RoostImage
from roost.cloud.model import RECIPE_TAG
from roost.cloud.recipe import Recipe, base_recipe, recipe
from roost.cloud.recipe_files import contents
from roost.errors import NotFoundError
from roost.spec import PoolSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolImage:
    id: str
    name: str
    root_device: str
    executables: frozenset[str] | None  # absolute paths; None: not known


def pool_image(ec2: Ec2, spec: PoolSpec, *, say: Callable[[str], None]) -> PoolImage:
    """Raises NotFoundError where there is none and none can be made without an instance."""
    images = Images(ec2)
    if spec.image.id:
        return _named(images, spec.image.id)
    wanted = recipe(spec, contents(spec.image))
    found = images.usable(wanted.digest)
    if found is None and spec.cloud == "local" and wanted.is_plain:
        _build(wanted, say)
        found = images.usable(wanted.digest)
    if found is None:
        raise NotFoundError(
            f"no image of yours has what pool.yml asks for: {wanted.description} ({RECIPE_TAG} = {wanted.digest})",
            "roost image bake pool.yml   (or name one that you have: `image: {id: ami-...}`)",
        )
    executables = _executables(found) if spec.cloud == "local" else None
    return PoolImage(id=found.id, name=found.name, root_device=found.root_device, executables=executables)


def base_image(ec2: Ec2, spec: PoolSpec, *, say: Callable[[str], None]) -> RoostImage:
    """What a bake starts from: the image that the recipe names, else Debian's own, or that of EC2 on this machine."""
    images = Images(ec2)
    if spec.image.base:
        found = images.get(spec.image.base)
        if found is None or found.state != "available":
            raise NotFoundError(f"the image {spec.image.base} is not available", "correct `image: {base: ...}`")
        return found
    plain = base_recipe(spec)
    if spec.cloud == "aws":
        offered = ec2.region.base_image(ec2.region.architecture(spec.workers.type[0]))
        found = images.get(offered.id) if offered else None
    else:
        found = images.usable(plain.digest)
        if found is None:
            _build(plain, say)
            found = images.usable(plain.digest)
    if found is None:
        raise NotFoundError(
            f"there is no image of Debian {plain.suite} in {spec.region}", "name one: `image: {base: ...}`"
        )
    return found


def _named(images: Images, image_id: str) -> PoolImage:
    found = images.get(image_id)
    if found is None or found.state != "available":
        raise NotFoundError(f"the image {image_id} is not available", "correct `image: {id: ...}`")
    return PoolImage(id=found.id, name=found.name, root_device=found.root_device, executables=None)


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


def _executables(image: RoostImage) -> frozenset[str] | None:
    if image.manifest.verified:
        return None  # baked: EC2 on this machine knows only what it has built itself
    listed = localec2(["image", "executables", image.id], say=lambda _: None).split("\n")
    return frozenset(line for line in listed if line) or None
