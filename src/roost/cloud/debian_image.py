"""pure: which of AWS's images is Debian's own: by owner and name, the newest one.

Source: https://wiki.debian.org/Cloud/AmazonEC2Image/Trixie. It has cloud-init and no HTCondor: an image for a pool is
baked from it.
"""

from collections.abc import Iterable
from typing import Any

OWNER = "136693071363"  # Debian's account in the aws partition
_NAMES = {"x86_64": "amd64", "arm64": "arm64"}  # EC2's word for an architecture: Debian's


def filters(architecture: str) -> list[dict[str, Any]]:
    """For DescribeImages with Owners=[OWNER]. Daily builds are another owner's."""
    return [
        {"Name": "name", "Values": [f"debian-13-{_NAMES[architecture]}-*"]},
        {"Name": "architecture", "Values": [architecture]},
        {"Name": "state", "Values": ["available"]},
        {"Name": "virtualization-type", "Values": ["hvm"]},
        {"Name": "root-device-type", "Values": ["ebs"]},
    ]


def newest(images: Iterable[Any]) -> Any | None:
    """One of DescribeImages, by its CreationDate (ISO 8601, so that text order is time order).

    >>> newest([{"ImageId": "a", "CreationDate": "2025-08-11T00:00:00.000Z"},
    ...         {"ImageId": "b", "CreationDate": "2026-01-12T00:00:00.000Z"}])["ImageId"]
    'b'
    """
    return max(images, key=lambda one: one.get("CreationDate", ""), default=None)
