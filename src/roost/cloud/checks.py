"""pure: what `roost check` says. Facts, or the error that came instead, -> sentences that are true or not.

A sentence says what has to be so; where it is not, it says why, and what to type.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from roost.boot.settings import Shape
from roost.cloud.families import Quota, quota
from roost.cloud.manifest import RoostImage
from roost.cloud.model import Subnet
from roost.cloud.permissions import Answer, Identity
from roost.cloud.price import Rates
from roost.errors import RoostError
from roost.spec import PoolSpec

CLOCK_LIMIT_S = 60.0  # AWS refuses a signature that is 300 s old; a token of HTCondor's has a beginning, too
_POLICY = "let the account's administrator attach docs/iam-policy.json to your user or role"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    about: str
    is_true: bool
    sentence: str
    remedy: str = ""
    is_required: bool = True  # else it is good to know


def denied(about: str, statement: str, error: RoostError) -> Check:
    return Check(about=about, is_true=False, sentence=f"{statement}: {error.message}", remedy=error.hint)


def not_asked(about: str, statement: str, because: Check) -> Check:
    said = f"{statement}: not asked, because of {because.about}"
    return Check(about=about, is_true=False, sentence=said, remedy=because.remedy)


def tools(names: Iterable[str], missing: list[str], install: str) -> Check:
    said = f"the programs that Roost calls are on this machine: {', '.join(sorted(names))}"
    if not missing:
        return Check(about="tools", is_true=True, sentence=said)
    return Check(about="tools", is_true=False, sentence=f"{said}; {', '.join(missing)} is missing", remedy=install)


def clock(here: datetime, there: datetime) -> Check:
    """
    >>> from datetime import timedelta
    >>> now = datetime(2026, 11, 21, 12, 0)
    >>> clock(now, now - timedelta(seconds=3)).sentence
    "this machine's clock agrees with the cloud's (3 s apart)"
    >>> clock(now + timedelta(hours=1), now).is_true
    False
    """
    apart_s = abs((here - there).total_seconds())
    return Check(
        about="clock",
        is_true=apart_s <= CLOCK_LIMIT_S,
        sentence=f"this machine's clock agrees with the cloud's ({apart_s:.0f} s apart)",
        remedy="" if apart_s <= CLOCK_LIMIT_S else "set the clock: timedatectl set-ntp true",
    )


def credentials(identity: Identity) -> Check:
    said = f"AWS knows who asks: {identity.arn}, of the account {identity.account}"
    return Check(about="credentials", is_true=True, sentence=said)


def region(name: str, opt_in_status: str | None) -> Check:
    """`opt_in_status`: as DescribeRegions has it; None where there is no such region."""
    said = f"the region {name} is there, and enabled for this account"
    if opt_in_status in {"opt-in-not-required", "opted-in"}:
        return Check(about="region", is_true=True, sentence=said)
    if opt_in_status is None:
        return Check(
            about="region", is_true=False, sentence=f"{said}: AWS has no such region", remedy="correct `region:`"
        )
    enable = f"aws account enable-region --region-name {name}   (or choose another `region:`)"
    return Check(about="region", is_true=False, sentence=f"{said}: it is {opt_in_status}", remedy=enable)


def network(subnet: Subnet) -> tuple[Check, ...]:
    here = Check(
        about="network",
        is_true=True,
        sentence=f"instances have a network: {subnet.id} of {subnet.vpc_id}, {subnet.zone}",
    )
    said = "instances get a public address, so that this machine reaches them"
    if subnet.gives_public_addresses:
        return here, Check(about="network", is_true=True, sentence=said)
    remedy = f"aws ec2 modify-subnet-attribute --subnet-id {subnet.id} --map-public-ip-on-launch   (or work in its VPC)"
    return here, Check(
        about="network", is_true=False, sentence=f"{said}: not in {subnet.id}", remedy=remedy, is_required=False
    )


def architectures(known: Mapping[str, str]) -> Check:
    """`known`: type -> architecture. One image is for one of them.

    >>> architectures({"c7i.large": "x86_64", "t3.medium": "x86_64"}).sentence
    'all instance types have one architecture: x86_64'
    >>> architectures({"c7g.large": "arm64", "t3.medium": "x86_64"}).sentence
    'all instance types have one architecture: c7g.large is arm64, t3.medium is x86_64'
    """
    said, different = "all instance types have one architecture", sorted(set(known.values()))
    if len(different) == 1:
        return Check(about="types", is_true=True, sentence=f"{said}: {different[0]}")
    told = ", ".join(f"{one} is {its}" for one, its in sorted(known.items()))
    remedy = "name types of one architecture: an image is for one"
    return Check(about="types", is_true=False, sentence=f"{said}: {told}", remedy=remedy)


def image(found: RoostImage) -> Check:
    """`found`: one that a pool may start from."""
    about = found.manifest
    told = [
        f"HTCondor {about.condor_version}" if about.condor_version else "",
        f"proved to join on {about.verified[:10]}" if about.verified else "",
    ]
    more = "".join(f", {one}" for one in told if one)
    said = f"there is an image for the pool: {found.name or 'without a name'} ({found.id}{more})"
    return Check(about="image", is_true=True, sentence=said)


def permission(answer: Answer, *, has_group: bool) -> Check:
    said = f"we may call {answer.action}"
    if answer.is_allowed:
        more = f" ({answer.detail})" if answer.detail else ""
        return Check(about="permissions", is_true=True, sentence=said + more)
    if not has_group and ":security-group/" in answer.refused_resource:
        # Without a group of the pool's the trial is about the VPC's own, which is none of Roost's business.
        more = " (as far as can be tried before the pool has a security group of its own)"
        return Check(about="permissions", is_true=True, sentence=said + more)
    on = f" on {answer.refused_resource}" if answer.refused_resource else ""
    sentence = f"{said}: IAM does not allow {answer.refused_action}{on}"
    return Check(about="permissions", is_true=False, sentence=sentence, remedy=_POLICY)


def wanted_vcpus(spec: PoolSpec, shapes: Mapping[str, Shape]) -> dict[Quota, int]:
    """The most that the pool may run at once, by quota: any of the worker types may be the one with capacity."""
    needed: Counter[Quota] = Counter()
    for one in spec.workers.type:
        its = _quota(one)
        needed[its] = max(needed[its], spec.workers.count * shapes[one].cpus)
    if spec.access_point == "cloud":
        needed[_quota(spec.access_point_type)] += shapes[spec.access_point_type].cpus
    return dict(needed)


def running_vcpus(running: Mapping[tuple[str, bool], int], shapes: Mapping[str, Shape]) -> dict[Quota, int]:
    """vCPUs that run already, by quota. `running`: how many of each (type, is spot)."""
    used: Counter[Quota] = Counter()
    for (instance_type, is_spot), count in running.items():
        its = quota(instance_type, is_spot=is_spot)
        if its is not None and instance_type in shapes:
            used[its] += count * shapes[instance_type].cpus
    return dict(used)


def vcpus(its: Quota, *, limit: float, running: int, wanted: int) -> Check:
    said = (
        f"the quota {its.code} ({its.name}) allows {limit:.0f} vCPUs: {running} run, {wanted} are wanted for this pool"
    )
    is_enough = running + wanted <= limit
    return Check(
        about="quota", is_true=is_enough, sentence=said, remedy="" if is_enough else f"ask for more: {its.url}"
    )


def prices(types: Iterable[str], rates: Rates) -> Check:
    unknown = sorted(set(types) - rates.usd_per_hour.keys())
    said = f"the price of each instance type is known ({rates.note})"
    if not unknown:
        return Check(about="price", is_true=True, sentence=said)
    return Check(
        about="price",
        is_true=False,
        sentence=f"{said}; not of {', '.join(unknown)}",
        remedy="allow pricing:GetProducts, or look the price up",
        is_required=False,
    )


def _quota(instance_type: str) -> Quota:
    its = quota(instance_type)
    if its is None:
        raise ValueError(f"every type is there on demand, also {instance_type}")
    return its
