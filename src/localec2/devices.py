"""shell (/dev): devices of this machine that instances of some images get, because these ask for them by a tag.

On EC2 an instance's root may mount what it likes, and run virtual machines. A container's may not, unless it gets the
device for it and perhaps a capability: so much weaker a wall that only instances of images that ask for it have them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localec2.model import Image
from localec2.rootless import is_inside


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    tag: str  # on an image: `yes`
    path: Path
    module: str  # of the kernel
    use: str  # what instances can do with it
    why_root: str  # why a plain user's service has no such instances
    capabilities: tuple[str, ...] = ()

    @property
    def flags(self) -> list[str]:
        """What podman is told on top."""
        return ["--device", str(self.path), *(word for one in self.capabilities for word in ("--cap-add", one))]

    def obstacle(self, *, is_plain_user: bool, has_device: bool) -> str | None:
        """Why there cannot be such an instance; None where there can.

        >>> FUSE.obstacle(is_plain_user=False, has_device=True)
        """
        if is_plain_user:
            return f"{self.why_root}: start EC2 on this machine as root for images that {self.use}."
        if not has_device:
            return f"This machine has no {self.path}, by which instances {self.use}: `modprobe {self.module}`."
        return None


FUSE = Device(  # a FUSE mount needs both, and GlusterFS' bricks keep their facts in trusted.* attributes
    tag="localec2:fuse",
    path=Path("/dev/fuse"),
    module="fuse",
    use="mount file systems",
    why_root="Extended attributes of the kind trusted.*, in which GlusterFS keeps its facts, belong to the machine's"
    " own root",
    capabilities=("SYS_ADMIN",),
)
TUN = Device(
    tag="localec2:tun",
    path=Path("/dev/net/tun"),
    module="tun",
    use="give their network card to a virtual machine",
    why_root="Network devices of a virtual machine have only been tried as root",
)
DEVICES = (FUSE, TUN)


def wanted(image: Image) -> Iterator[Device]:
    return (device for device in DEVICES if image.tags.get(device.tag) == "yes")


def flags(image: Image) -> list[str]:
    """What podman is told on top for an instance of this image."""
    return [word for device in wanted(image) for word in device.flags]


def obstacle(image: Image) -> str | None:
    """Why this machine cannot start an instance of it; None where it can."""
    said = (one.obstacle(is_plain_user=is_inside(), has_device=one.path.exists()) for one in wanted(image))
    return next(filter(None, said), None)
