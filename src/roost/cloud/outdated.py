"""pure: is an image still what one would bake today, and what to do where it is not."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest

from roost.cloud.manifest import BY_HAND, RoostImage

_PARTS = re.compile(r"(\D*)(\d*)")
_UNPROVEN = "it was never proven: an earlier bake was cut off"


@dataclass(frozen=True, kw_only=True, slots=True)
class Today:
    """What there is now. None: not known, and no reason to call an image old."""

    pool: str  # the pool whose recipe was looked at
    recipe: str  # its digest
    base: RoostImage | None  # what that recipe starts from
    condor_version: str | None  # of Debian's archive


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    image_id: str
    name: str
    reasons: tuple[str, ...]
    remedy: str


def findings(images: Sequence[RoostImage], today: Today) -> tuple[Finding, ...]:
    """One for each image that is no longer what it could be; `images`: the newest first."""
    newest = {i.manifest.recipe: i.id for i in reversed(images) if i.manifest.is_usable and i.state == "available"}
    found = []
    for image in images:
        reasons = tuple(_reasons(image, today, newest))
        if reasons:
            remedy = _remedy(image, today)
            found.append(Finding(image_id=image.id, name=image.name, reasons=reasons, remedy=remedy))
    return tuple(found)


def is_older(version: str, other: str) -> bool:
    """By Debian's rules (Policy manual, 5.6.12).

    >>> is_older("23.9.6+dfsg-1", "23.10.1-1"), is_older("24.0~rc1-1", "24.0-1"), is_older("1:1", "2")
    (True, True, False)
    """
    return _compared(version, other) < 0


def _reasons(image: RoostImage, today: Today, newest: dict[str, str]) -> list[str]:
    its = image.manifest
    if not its.is_usable:
        return [_UNPROVEN]
    reasons = []
    if newest.get(its.recipe, image.id) != image.id and its.recipe != BY_HAND:
        reasons.append(f"{newest[its.recipe]} is a newer one of the same recipe")
    if its.pool == today.pool and its.recipe not in (today.recipe, BY_HAND):
        reasons.append(f"the recipe of {today.pool} has changed since ({its.recipe} then, {today.recipe} now)")
    if today.base is not None and _is_newer_base(today.base, image):
        reasons.append(f"its base image {its.base_id} is older than {today.base.id} ({today.base.made_at:%Y-%m-%d})")
    if today.condor_version and its.condor_version and is_older(its.condor_version, today.condor_version):
        reasons.append(f"it has HTCondor {its.condor_version}; Debian has {today.condor_version}")
    return reasons


def _is_newer_base(base: RoostImage, image: RoostImage) -> bool:
    """Another one of the same family: Debian's names end in a date and a build."""
    its = image.manifest
    return (
        bool(its.base_id)
        and base.id != its.base_id
        and _family(base.name) == _family(its.base_name)
        and base.made_at > image.made_at
    )


def _family(name: str) -> str:
    """
    >>> _family("debian-13-amd64-20260914-2234")
    'debian-13-amd64'
    """
    return re.sub(r"(-\d{6,}|-\d{3,})+$", "", name)


def _remedy(image: RoostImage, today: Today) -> str:
    its = image.manifest
    if not its.is_usable and its.recipe == BY_HAND:
        return f"roost image rm {image.id}"
    if its.recipe == BY_HAND:
        return "roost up, change an execution point as you did then, roost image bake --from it"
    if its.pool == today.pool:
        again = " --force" if its.recipe == today.recipe and its.is_usable else ""
        return f"roost image bake{again} pool.yml; roost image rm {image.id}"
    return f"roost image rm {image.id}, or bake it again from the pool.yml of {its.pool or 'its pool'}"


def _compared(one: str, other: str) -> int:
    (epoch, upstream, revision), (epoch_2, upstream_2, revision_2) = _split(one), _split(other)
    return (epoch > epoch_2) - (epoch < epoch_2) or _by_parts(upstream, upstream_2) or _by_parts(revision, revision_2)


def _split(version: str) -> tuple[int, str, str]:
    epoch, _, rest = version.rpartition(":")
    upstream, dash, revision = rest.rpartition("-")
    return int(epoch or 0), upstream if dash else rest, revision if dash else ""


def _by_parts(one: str, other: str) -> int:
    """Words and numbers in turn; a word's letters before its other signs, and `~` before its very end."""
    for (word, number), (word_2, number_2) in zip_longest(
        _PARTS.findall(one), _PARTS.findall(other), fillvalue=("", "")
    ):
        first, second = _order(word), _order(word_2)
        if first != second:
            return 1 if first > second else -1
        if int(number or 0) != int(number_2 or 0):
            return 1 if int(number or 0) > int(number_2 or 0) else -1
    return 0


def _order(word: str) -> list[int]:
    return [*(-1 if sign == "~" else ord(sign) if sign.isalpha() else ord(sign) + 256 for sign in word), 0]
