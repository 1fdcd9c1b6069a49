"""pure: IAM's word on a request to EC2: does a policy allow it, with its conditions?

In: the policy, a request by botocore's names, and the tags of what is there. Out: what is not allowed. What a call has
to be allowed for is the Service Authorization Reference's ("Actions, resources, and condition keys for Amazon EC2"):
each thing that it makes, uses or ends, and CreateTags for each that it tags while it makes it. A call that the tables
do not know is refused. Only Allow, and the operators Null and StringEquals: what Roost's policy uses.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

Tags = Mapping[str, str]

# Kinds of what a call makes.
_NEW = {
    "CreateImage": ("image", "snapshot"),
    "CreateSecurityGroup": ("security-group",),
    "ImportKeyPair": ("key-pair",),
    "RegisterImage": ("image",),
    "RunInstances": ("instance", "network-interface", "volume"),
}
# (parameter, kind) of what is there already.
_USED = {
    "AuthorizeSecurityGroupIngress": (("GroupId", "security-group"),),
    "CancelSpotInstanceRequests": (("SpotInstanceRequestIds", "spot-instances-request"),),
    "CreateImage": (("InstanceId", "instance"),),
    "CreateSecurityGroup": (("VpcId", "vpc"),),
    "CreateTags": (("Resources", ""),),
    "DeleteKeyPair": (("KeyName", "key-pair"),),
    "DeleteLaunchTemplate": (("LaunchTemplateId", "launch-template"),),
    "DeleteSecurityGroup": (("GroupId", "security-group"),),
    "DeleteSnapshot": (("SnapshotId", "snapshot"),),
    "DeleteVolume": (("VolumeId", "volume"),),
    "DeregisterImage": (("ImageId", "image"),),
    "GetConsoleOutput": (("InstanceId", "instance"),),
    "ImportKeyPair": (),
    "ReleaseAddress": (("AllocationId", "elastic-ip"),),
    "RevokeSecurityGroupIngress": (("GroupId", "security-group"),),
    "RunInstances": (
        ("ImageId", "image"),
        ("KeyName", "key-pair"),
        ("SecurityGroupIds", "security-group"),
        ("SubnetId", "subnet"),
    ),
    "TerminateInstances": (("InstanceIds", "instance"),),
}
_OF_AN_ID = {"ami": "image", "snap": "snapshot", "i": "instance", "vol": "volume", "sg": "security-group"}
_WITHOUT_ACCOUNT = ("image", "snapshot")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """One permission that a request needs."""

    action: str
    resource: str  # an ARN
    keys: Mapping[str, str] = field(default_factory=dict)  # of conditions


def refused(
    policy: Mapping[str, Any], action: str, params: Mapping[str, Any], tags_of: Callable[[str, str], Tags]
) -> str:
    """The first permission that is missing, in EC2's words; "" for none. `tags_of`: (kind, id) -> what it carries."""
    for wish in wishes(action, params, tags_of):
        if not any(_allows(statement, wish) for statement in policy["Statement"]):
            return f"You are not authorized to perform: {wish.action} on resource: {wish.resource}"
    return ""


def wishes(action: str, params: Mapping[str, Any], tags_of: Callable[[str, str], Tags]) -> Iterator[Wish]:
    if action not in _USED:
        yield Wish(action=f"ec2:{action}", resource="*")
        return
    for parameter, kind in _USED[action]:
        given = params.get(parameter) or (["*"] if kind == "subnet" else [])
        for each in [given] if isinstance(given, str) else given:
            its = kind or _OF_AN_ID.get(each.partition("-")[0], "thing")
            keys = {f"aws:ResourceTag/{name}": value for name, value in tags_of(its, each).items()}
            yield Wish(action=f"ec2:{action}", resource=_arn(its, each), keys=keys)
    tagged = {one["ResourceType"]: _tags(one) for one in params.get("TagSpecifications", ())}
    for kind in _NEW.get(action, ()):
        keys = {f"aws:RequestTag/{name}": value for name, value in tagged.get(kind, {}).items()}
        yield Wish(action=f"ec2:{action}", resource=_arn(kind, "*"), keys=keys)
        if keys:
            yield Wish(action="ec2:CreateTags", resource=_arn(kind, "*"), keys={**keys, "ec2:CreateAction": action})


def _tags(specification: Mapping[str, Any]) -> Tags:
    return {tag["Key"]: tag["Value"] for tag in specification["Tags"]}


def _arn(kind: str, name: str) -> str:
    """
    >>> _arn("image", "ami-1"), _arn("volume", "vol-1")
    ('arn:aws:ec2:us-east-1::image/ami-1', 'arn:aws:ec2:us-east-1:000000000000:volume/vol-1')
    """
    return f"arn:aws:ec2:us-east-1:{'' if kind in _WITHOUT_ACCOUNT else '000000000000'}:{kind}/{name}"


def _allows(statement: Mapping[str, Any], wish: Wish) -> bool:
    return (
        statement["Effect"] == "Allow"
        and any(fnmatchcase(wish.action, pattern) for pattern in _listed(statement["Action"]))
        and any(fnmatchcase(wish.resource, pattern) for pattern in _listed(statement["Resource"]))
        and all(_holds(operator, its, wish.keys) for operator, its in statement.get("Condition", {}).items())
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _holds(operator: str, wanted: Mapping[str, Any], keys: Mapping[str, str]) -> bool:
    match operator:
        case "Null":
            return all((name in keys) is (value == "false") for name, value in wanted.items())
        case "StringEquals":
            return all(keys.get(name) in _listed(value) for name, value in wanted.items())
    raise ValueError(f"nothing is known of the operator {operator}")
