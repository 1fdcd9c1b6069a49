"""pure: what goes wrong on EC2 on bad days, and how EC2 on this machine is told to let it happen.

One table. In: a fault's name and what was typed with it. Out: requests to the control API of EC2 on this machine
(docs/localec2.md, "Making things go wrong"), or a script for the instance itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from roost.boot.roles import Role
from roost.cloud.model import ROLE_TAG

Json = Any


class Where(StrEnum):
    API = "api"  # EC2 answers otherwise
    CAPACITY = "capacity"  # of an instance type
    NEXT = "next"  # the next instances that are launched
    POWER = "power"  # an instance, from outside
    SPOT = "spot"  # a spot instance gets its notice
    INSIDE = "inside"  # an instance, by a script as root


@dataclass(frozen=True, kw_only=True, slots=True)
class FaultKind:
    name: str
    where: Where
    sentence: str
    what: tuple[Mapping[str, Json], ...] = field(default=(), hash=False)  # as the control API takes them
    script: str = ""

    @property
    def needs_instance(self) -> bool:
        return self.where in (Where.POWER, Where.SPOT, Where.INSIDE)


def _refused(action: str, code: str, message: str) -> Mapping[str, Json]:
    """EC2's answer to a request that is wrong: no client asks again by itself (status 400)."""
    return {"action": action, "code": code, "message": message, "status": 400}


_EXECUTE = "/var/lib/condor/execute"
_QUOTA = (
    "You have requested more vCPU capacity than your current vCPU limit of 32 allows for the instance bucket that the"
    " specified instance type belongs to. Please visit http://aws.amazon.com/contact-us/ec2-request to request an"
    " adjustment to this limit."
)
_THROTTLED: Mapping[str, Json] = {"code": "RequestLimitExceeded", "message": "Request limit exceeded."}
_POINT = f"{ROLE_TAG}={Role.EXECUTION_POINT.value}"
_WRONG_TOKEN = (
    "rm -f /etc/condor/tokens.d/*; umask 077;"
    " echo eyJhbGciOiJIUzI1NiIsImtpZCI6IlBPT0wifQ.eyJzdWIiOiJqb2luIn0.d3Jvbmc > /etc/condor/tokens.d/own;"
    " systemctl restart condor"
)

KINDS: tuple[FaultKind, ...] = (
    FaultKind(
        name="no-capacity",
        where=Where.CAPACITY,
        sentence="EC2 has no instance of a type any more (--type, default c7i.large)",
    ),
    FaultKind(
        name="quota",
        where=Where.API,
        sentence="the account's quota of vCPUs is used up",
        what=(_refused("RunInstances", "VcpuLimitExceeded", _QUOTA),),
    ),
    FaultKind(
        name="instance-quota",
        where=Where.API,
        sentence="the account's quota of instances of a type is used up",
        what=(_refused("RunInstances", "InstanceLimitExceeded", "Your quota allows for 0 more running instance(s)."),),
    ),
    FaultKind(
        name="throttled",
        where=Where.API,
        sentence="EC2 takes no more requests for a while (RequestLimitExceeded), whatever is asked",
        what=({"action": "*", **_THROTTLED},),
    ),
    FaultKind(
        name="not-found",
        where=Where.API,
        sentence="EC2 does not know yet what it has just made: the group, the key",
        what=(
            _refused("AuthorizeSecurityGroupIngress", "InvalidGroup.NotFound", "The security group does not exist"),
            _refused("RunInstances", "InvalidKeyPair.NotFound", "The key pair does not exist"),
        ),
    ),
    FaultKind(
        name="answer-lost",
        where=Where.API,
        sentence="EC2 launches, and the answer is lost on the way",
        what=({"action": "RunInstances", "code": "InternalError", "message": "lost", "status": 500, "after": True},),
    ),
    FaultKind(
        name="expired-credentials",
        where=Where.API,
        sentence="the session of the credentials has ended, whatever is asked",
        what=(_refused("*", "RequestExpired", "Request has expired."),),
    ),
    FaultKind(
        name="group-in-use",
        where=Where.API,
        sentence="a security group cannot be deleted yet (DependencyViolation)",
        what=(_refused("DeleteSecurityGroup", "DependencyViolation", "resource has a dependent object"),),
    ),
    FaultKind(
        name="no-boot",
        where=Where.NEXT,
        sentence="the next execution point never boots: its kernel panics",
        what=({"kind": "no-boot", "match": _POINT},),
    ),
    FaultKind(
        name="no-htcondor",
        where=Where.NEXT,
        sentence="the next execution point boots, and HTCondor does not start there",
        what=({"kind": "masked-unit", "value": "condor.service", "match": _POINT},),
    ),
    FaultKind(
        name="clock",
        where=Where.NEXT,
        sentence="the next execution point's clock is an hour ahead",
        what=({"kind": "clock", "value": "condor.service=3600", "match": _POINT},),
    ),
    FaultKind(
        name="small-disk",
        where=Where.NEXT,
        sentence="the next execution point has 64 MiB for its jobs' files: it fills soon",
        what=({"kind": "small-disk", "value": f"{_EXECUTE}=64", "match": _POINT},),
    ),
    FaultKind(
        name="kill",
        where=Where.POWER,
        sentence="the instance's host fails: it is gone at once (--instance)",
        what=({"do": "cut"},),
    ),
    FaultKind(
        name="reset",
        where=Where.POWER,
        sentence="the instance's power fails and comes back: it boots again (--instance)",
        what=({"do": "reset"},),
    ),
    FaultKind(
        name="spot",
        where=Where.SPOT,
        sentence="a spot instance is taken back after its notice of two minutes (--instance)",
        what=({"in_s": 120},),
    ),
    FaultKind(
        name="reboot",
        where=Where.INSIDE,
        sentence="the instance reboots in good order (--instance)",
        script="systemctl reboot",
    ),
    FaultKind(
        name="port-blocked",
        where=Where.INSIDE,
        sentence="packets to HTCondor's port 9618 are dropped by the instance (--instance)",
        script="nft 'add table inet injected; add chain inet injected out { type filter hook output priority 0; };"
        " add rule inet injected out tcp dport 9618 drop'; systemctl restart condor",
    ),
    FaultKind(
        name="wrong-token",
        where=Where.INSIDE,
        sentence="the instance has a token that the pool's key did not sign (--instance)",
        script=_WRONG_TOKEN,
    ),
)
BY_NAME = {kind.name: kind for kind in KINDS}


def faults(kind: FaultKind, *, count: int) -> list[dict[str, Json]]:
    """As `faults` and `ailments` of the control API take them, each `count` times.

    >>> faults(BY_NAME["throttled"], count=2)[0]["count"]
    2
    """
    return [{**one, "count": count} for one in kind.what]
