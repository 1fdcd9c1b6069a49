"""pure: EC2's dictionaries, in botocore's member names, <-> the values of `model`."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from roost.boot.roles import Role
from roost.cloud.model import (
    EXPIRES_TAG,
    LAUNCH_TAG,
    ROLE_TAG,
    SUBMIT_HOST_TAG,
    Ingress,
    InstanceState,
    PoolInstance,
    Subnet,
)

if TYPE_CHECKING:
    from mypy_boto3_ec2.type_defs import InstanceTypeDef, IpPermissionTypeDef, SubnetTypeDef, TagTypeDef


def instance(described: "InstanceTypeDef") -> PoolInstance:
    """One of DescribeInstances."""
    its = tags(described.get("Tags"))
    return PoolInstance(
        id=described["InstanceId"],
        role=Role(its.get(ROLE_TAG, Role.EXECUTION_POINT)),
        state=InstanceState(described["State"]["Name"]),
        instance_type=described["InstanceType"],
        zone=described["Placement"].get("AvailabilityZone", ""),
        private_ip=described.get("PrivateIpAddress", ""),
        public_ip=described.get("PublicIpAddress", ""),
        image_id=described["ImageId"],
        launched_at=described["LaunchTime"],
        launch=its.get(LAUNCH_TAG, ""),
        expires_at=its.get(EXPIRES_TAG, ""),
        state_reason=described.get("StateReason", {}).get("Message", ""),
        submit_host=its.get(SUBMIT_HOST_TAG, ""),
    )


def subnet(described: "SubnetTypeDef") -> Subnet:
    """One of DescribeSubnets."""
    return Subnet(
        id=described["SubnetId"],
        vpc_id=described["VpcId"],
        zone=described["AvailabilityZone"],
        gives_public_addresses=described.get("MapPublicIpOnLaunch", False),
    )


def ingress(permissions: Sequence["IpPermissionTypeDef | Any"], group_id: str) -> Iterator[Ingress]:
    """The rules of the kinds that Roost makes; others are their maker's, who put them there by hand."""
    for rule in permissions:
        first, last = rule.get("FromPort", -1), rule.get("ToPort", -1)
        if rule["IpProtocol"] != "tcp":
            continue
        to_port = last if last != first else None
        yield from (Ingress(port=first, to_port=to_port, cidr=each["CidrIp"]) for each in rule.get("IpRanges", []))
        pairs = [pair for pair in rule.get("UserIdGroupPairs", []) if pair.get("GroupId") == group_id]
        yield from (Ingress(port=first, to_port=to_port, cidr=None) for _ in pairs)


def permission(ingress: Ingress, group_id: str) -> Any:
    """The IpPermission that lets this in to that group."""
    source: dict[str, Any] = (
        {"IpRanges": [{"CidrIp": ingress.cidr, "Description": "roost"}]}
        if ingress.cidr
        else {"UserIdGroupPairs": [{"GroupId": group_id}]}
    )
    return {"IpProtocol": "tcp", "FromPort": ingress.port, "ToPort": ingress.to_port or ingress.port, **source}


def specification(kind: str, tags: Mapping[str, str]) -> Any:
    """TagSpecifications for one kind of resource: tags in the call that creates it."""
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}]


def tags(described: "Sequence[TagTypeDef] | None") -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in described or ()}


def moment(text: str) -> datetime:
    """
    >>> moment("2026-11-21T10:00:00.000Z").isoformat()
    '2026-11-21T10:00:00+00:00'
    """
    return datetime.fromisoformat(text)
