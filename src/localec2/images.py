"""shell (service, cache): what the command line does with images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localec2 import daemon, rootfs
from localec2.config import Config
from localec2.failures import Localec2Error
from localec2.model import Image
from localec2.world import World


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """An image to have."""

    name: str
    description: str
    recipe: rootfs.Recipe
    tags: Mapping[str, str]


def recipe(*, suite: str, packages: Sequence[str], added: Sequence[str], disabled: Sequence[str]) -> rootfs.Recipe:
    return rootfs.Recipe(
        suite=suite, packages=tuple(packages), files=tuple(map(_added, added)), disabled_units=tuple(disabled)
    )


def parsed_tags(pairs: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` texts. Raises `Localec2Error`."""
    wrong = [pair for pair in pairs if "=" not in pair]
    if wrong:
        raise Localec2Error(f"--tag {wrong[0]}: a tag is written KEY=VALUE", exit_code=2)
    return dict(pair.split("=", 1) for pair in pairs)


def build_and_register(
    config: Config, order: Order, *, cache_dir: Path, progress: Callable[[str], None]
) -> dict[str, Any]:
    """The image's id and reference; the same name and recipe again is the same image."""
    built = rootfs.build(order.recipe, cache_dir, progress=progress)
    for image in registered(config):
        if (image["name"], image["engine_ref"], image["state"]) == (order.name, built.reference, "available"):
            return image
    answer = daemon.control(
        config,
        "images",
        {
            "name": order.name,
            "description": order.description,
            "engine_ref": built.reference,
            "tags": dict(order.tags),
        },
    )
    return {"image_id": answer["image_id"], "name": order.name, "engine_ref": built.reference, "state": "available"}


def registered(config: Config) -> list[dict[str, Any]]:
    world = World(config.database)
    try:
        images = world.all(Image)
    finally:
        world.close()
    return [
        {"image_id": image.id, "name": image.name, "engine_ref": image.engine_ref, "state": image.state}
        for image in images
    ]


def find(config: Config, name: str) -> dict[str, Any]:
    """By its name or id. Raises `Localec2Error`."""
    for image in registered(config):
        if name in (image["name"], image["image_id"]) and image["state"] == "available":
            return image
    raise Localec2Error(f"there is no image {name}", "`localec2 image ls` lists them.", exit_code=3)


def executables(config: Config, name: str, *, cache_dir: Path) -> str:
    """One path per line. Raises `Localec2Error` for an image that was not built here."""
    listing = cache_dir / f"{find(config, name)['engine_ref'].rpartition(':')[2]}.executables"
    if listing.is_file():
        return listing.read_text()
    raise Localec2Error(f"nothing is known of what is on the image {name}: it was not built here", exit_code=3)


def _added(text: str) -> rootfs.AddedFile:
    source, _, target = text.rpartition(":")
    if not source or not target.startswith("/"):
        raise Localec2Error(f"--add {text}: written FILE:PATH, PATH absolute on the image", exit_code=2)
    if not Path(source).is_file():
        raise Localec2Error(f"--add {text}: there is no file {source}", exit_code=2)
    return rootfs.AddedFile(source=Path(source), target=target)
