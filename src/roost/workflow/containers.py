"""pure: the containers of Pegasus' transformation catalog: which image, where from, and what is mounted.

Pegasus' user guide, "Containers". Who starts them is the planner's matter (see `planner`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import PurePath

from roost.workflow.catalogs import LOCAL, Source, pfn
from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.workflow.replicas import sha256_of
from roost.yaml_lines import did_you_mean

_CONTAINER = ("name", "type", "image", "image.site", "mounts", "bypass", "checksum", "metadata", "profiles")
_REGISTRY = re.compile(r"(docker|shub|library|oras)://+(.+)")
_MOUNT = re.compile(r"(/[^:]*):(/[^:]*)(:[a-z,]+)?")


class ContainerKind(StrEnum):
    DOCKER = "docker"
    SINGULARITY = "singularity"  # and apptainer, as it is called today


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    """What a transformation's tasks run in."""

    name: str
    kind: ContainerKind
    image: str  # of a registry (docker://...), a path on the execution point, or the name of a file that is sent along
    profiles: Profiles
    at: str
    mounts: tuple[str, ...] = ()  # directory of the execution point:directory inside[:options]
    local: PurePath | None = None  # the file that is sent along, when it is one of this machine
    url: str = ""  # the same, of a server's
    sha256: str = ""  # of a server's; empty: nobody says

    @property
    def is_sent(self) -> bool:
        return self.local is not None or bool(self.url)


def containers(mistakes: Mistakes, source: Source, execution_sites: tuple[str, ...]) -> Mapping[str, Container]:
    """By name."""
    found: dict[str, Container] = {}
    document = source.document
    section = source.value.get("containers") if isinstance(source.value, dict) else None
    for path, entry in mistakes.items(document, (*source.path, "containers"), section):
        table = mistakes.table(document, path, entry, known=_CONTAINER)
        name, image = mistakes.word(document, path, table, "name"), mistakes.word(document, path, table, "image")
        kind = mistakes.word(document, path, table, "type")
        own = profiles(mistakes, document, (*path, "profiles"), table.get("profiles"))
        if kind == "shifter":
            said = "containers of shifter; apptainer and podman run docker's and singularity's"
            mistakes.unsupported(document, (*path, "type"), said)
        elif kind and kind not in list(ContainerKind):
            said = f"'type' cannot be '{kind}'{did_you_mean(kind, list(ContainerKind))}"
            mistakes.add(document, (*path, "type"), said)
        mounts = []
        for at, mount in mistakes.items(document, (*path, "mounts"), table.get("mounts")):
            if _MOUNT.fullmatch(str(mount)):
                mounts.append(str(mount))
            else:
                said = f"a mount cannot be '{mount}': it is /on/the/instance:/inside, or /on/the/instance:/inside:ro"
                mistakes.add(document, at, said)
        site = str(table.get("image.site") or LOCAL)
        if site not in (LOCAL, *execution_sites):
            sites = (LOCAL, *execution_sites)
            said = (
                f"an image at the site '{site}'; it is at {' or '.join(sites)}, or has a URL{did_you_mean(site, sites)}"
            )
            mistakes.unsupported(document, (*path, "image.site"), said)
        if not name or not image or kind not in list(ContainerKind):
            continue
        made = partial(
            Container,
            name=name,
            kind=ContainerKind(kind),
            profiles=own,
            at=document.at(path),
            mounts=tuple(mounts),
        )
        if registry := _REGISTRY.fullmatch(image):  # Pegasus writes docker:///user/image, or a registry's host
            found[name] = made(image=f"{registry[1]}://{registry[2]}")
        elif where := pfn(mistakes, source, path, image, key="image"):
            if where.path is None:
                digest = sha256_of(mistakes, document, path, table)
                file = where.url.partition("?")[0].rstrip("/").rpartition("/")[2]
                found[name] = made(image=f"{name}-{file}", url=where.url, sha256=digest)
            elif site in execution_sites:
                found[name] = made(image=str(where.path))
            else:
                found[name] = made(image=where.path.name, local=where.path)
    return found
