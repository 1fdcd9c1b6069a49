"""pure: what an image is made of, as its tags: there is no other record.

EC2 takes 50 tags, and 256 characters for a value (User Guide, "Tag restrictions").
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from roost.cloud.model import POOL_TAG, RECIPE_TAG

VERIFIED_TAG = "roost:verified"
NOT_VERIFIED = "no"
BY_HAND = "by-hand"  # the recipe of an image that was made from an instance
VALUE_LIMIT = 256

_TAGS = {
    "recipe": RECIPE_TAG,
    "pool": POOL_TAG,
    "base_id": "roost:base-image",
    "base_name": "roost:base-name",
    "condor_version": "roost:condor-version",
    "packages": "roost:packages",
    "source": "roost:from-instance",
    "made_at": "roost:made-at",
    "version": "roost:version",
    "verified": VERIFIED_TAG,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Manifest:
    """Empty text: not known. `verified`: when it was (ISO 8601), or NOT_VERIFIED; empty where nobody had to."""

    recipe: str
    pool: str = ""
    base_id: str = ""
    base_name: str = ""
    condor_version: str = ""
    packages: str = ""
    source: str = ""
    made_at: str = ""
    version: str = ""
    verified: str = ""

    @property
    def is_usable(self) -> bool:
        return self.verified != NOT_VERIFIED


@dataclass(frozen=True, kw_only=True, slots=True)
class RoostImage:
    """An image as DescribeImages tells it."""

    id: str
    name: str
    state: str  # pending, available, failed, ...
    state_reason: str
    made_at: datetime
    root_device: str
    size_gib: int
    snapshots: tuple[str, ...]
    manifest: Manifest


def tags(manifest: Manifest, *, name: str) -> dict[str, str]:
    """The manifest as tags; what is not known has none."""
    said = {tag: str(getattr(manifest, field))[:VALUE_LIMIT] for field, tag in _TAGS.items()}
    return {tag: value for tag, value in said.items() if value} | {"Name": name}


def manifest(tags: Mapping[str, str]) -> Manifest:
    """The inverse; an image without tags has an empty one.

    >>> manifest({RECIPE_TAG: "0a1b", "roost:verified": "no"}).is_usable
    False
    """
    told: dict[str, Any] = {field: tags.get(tag, "") for field, tag in _TAGS.items()}
    return Manifest(**told)


def package_list(installed: Mapping[str, str], wanted: tuple[str, ...]) -> str:
    """How many are installed, a hash of them all, and those that were asked for as far as they fit.

    >>> package_list({"bwa": "0.7.18-1", "libc6": "2.41-12"}, ("bwa",))
    '2 installed c85eb1a8d086 bwa=0.7.18-1'
    """
    everything = "\n".join(f"{name}={version}" for name, version in sorted(installed.items()))
    text = f"{len(installed)} installed {hashlib.sha256(everything.encode()).hexdigest()[:12]}"
    named = [f"{name}={installed[name]}" for name in wanted if name in installed]
    for number, each in enumerate(named):
        rest = len(named) - number
        # room for the word that says how many more there are
        if len(text) + 1 + len(each) + (len(f" +{rest - 1}") if rest > 1 else 0) > VALUE_LIMIT:
            return f"{text} +{rest}"
        text += f" {each}"
    return text
