"""shell (/dev/fuse): instances that mount file systems of their own, such as GlusterFS.

On EC2 an instance's root may mount what it likes. A container's may not, unless it gets the device of FUSE and the
capability SYS_ADMIN: so much weaker a wall that only instances of images that ask for it have them.
"""

from pathlib import Path

from localec2.model import Image
from localec2.rootless import is_inside

TAG = "localec2:fuse"  # on an image: `yes`
DEVICE = Path("/dev/fuse")


def is_wanted(image: Image) -> bool:
    return image.tags.get(TAG) == "yes"


def flags(image: Image) -> list[str]:
    """What podman is told on top: a FUSE mount needs both, and bricks keep their facts in trusted.* attributes."""
    return ["--device", str(DEVICE), "--cap-add", "SYS_ADMIN"] if is_wanted(image) else []


def obstacle() -> str | None:
    """Why this machine cannot start such an instance; None where it can."""
    return reason(is_plain_user=is_inside(), has_device=DEVICE.exists())


def reason(*, is_plain_user: bool, has_device: bool) -> str | None:
    """
    >>> reason(is_plain_user=False, has_device=True)
    """
    if is_plain_user:
        return (
            "Extended attributes of the kind trusted.*, in which GlusterFS keeps its facts, belong to the machine's"
            " own root: start EC2 on this machine as root for images that mount file systems."
        )
    if not has_device:
        return f"This machine has no {DEVICE}, which the image's file systems need: `modprobe fuse`."
    return None
