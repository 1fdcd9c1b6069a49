"""shell (records): the parameters of a launch, resolved and checked.

In: parameters of RunInstances (a fleet's override or a spot request's specification have the same). Out: what one
instance of it is to be. Raises `Ec2Error` in EC2's words for everything that does not exist or does not fit.
"""

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from localec2 import devices
from localec2.context import Context
from localec2.errors import (
    GROUP_NOT_FOUND,
    IMAGE_MALFORMED,
    IMAGE_NOT_FOUND,
    IMAGE_UNAVAILABLE,
    INTERFACE_NOT_FOUND,
    INVALID_COMBINATION,
    INVALID_PROFILE,
    INVALID_TYPE,
    INVALID_VALUE,
    INVALID_ZONE,
    KEY_NOT_FOUND,
    MISSING_PARAMETER,
    NO_DEFAULT_SUBNET,
    ONE_INTERFACE,
    SUBNET_NOT_FOUND,
    TAG_RESERVED,
    UNSUPPORTED,
    USER_DATA_NOT_BASE64,
    USER_DATA_TOO_LONG,
)
from localec2.identities import is_well_formed
from localec2.model import Image, MetadataOptions, Tags
from localec2.moto_backend import InstanceType, Profile, Subnet
from localec2.protocol import Params

DEFAULT_TYPE = "m1.small"
USER_DATA_LIMIT_BYTES = 16384
BEHAVIORS = ("stop", "terminate")
MAX_HOPS = 64
_OPTIONS = {
    "HttpEndpoint": ("enabled", "disabled"),
    "HttpTokens": ("optional", "required"),
    "InstanceMetadataTags": ("disabled", "enabled"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotTerms:
    price: str
    kind: str  # one-time | persistent


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """One kind of instance; everything it refers to exists."""

    image: Image
    type: InstanceType
    subnet: Subnet
    group_ids: tuple[str, ...]
    wants_public_ip: bool
    private_ip: str | None
    key_name: str | None
    public_key: str | None
    user_data: str | None
    shutdown_behavior: str
    metadata: MetadataOptions
    profile: Profile | None
    termination_protected: bool
    spot: SpotTerms | None
    tags: dict[str, Tags]  # by resource type
    specification: Params  # as given, template resolved


def wanted(params: Params, context: Context) -> Wanted:
    given = with_template(params, context)
    interface = _primary_interface(given)
    subnet = _subnet(given, interface, context)
    key_name = given.get("KeyName")
    public_key = context.moto.public_key(key_name) if key_name else None
    if key_name and public_key is None:
        raise KEY_NOT_FOUND(name=key_name)
    public = interface.get("AssociatePublicIpAddress")
    return Wanted(
        image=_image(given, context),
        type=_type(given, context),
        subnet=subnet,
        group_ids=_groups(given, interface, subnet, context),
        wants_public_ip=subnet.gives_public_ip if public is None else bool(public),
        private_ip=given.get("PrivateIpAddress") or interface.get("PrivateIpAddress"),
        key_name=key_name,
        public_key=public_key,
        user_data=checked_user_data(given.get("UserData")),
        shutdown_behavior=checked_behavior(given.get("InstanceInitiatedShutdownBehavior") or "stop"),
        metadata=with_options(MetadataOptions(), given.get("MetadataOptions") or {}),
        profile=_profile(given.get("IamInstanceProfile"), context),
        termination_protected=bool(given.get("DisableApiTermination")),
        spot=_spot(given),
        tags=tags_by_type(given.get("TagSpecifications", [])),
        specification=given,
    )


def with_template(params: Params, context: Context) -> Params:
    """The launch template's parameters, and those of the call above them; tags of both."""
    template = params.get("LaunchTemplate")
    own = {name: value for name, value in params.items() if name != "LaunchTemplate"}
    if not template:
        return own
    data = context.moto.launch_template(template)
    tags = [*data.get("TagSpecifications", []), *own.get("TagSpecifications", [])]
    merged = {**data, **own}
    if tags:
        merged["TagSpecifications"] = tags
    if own.get("SubnetId") and data.get("NetworkInterfaces"):
        # the template's interface in the call's subnet: what fleets' overrides rely on
        merged["NetworkInterfaces"] = [{**each, "SubnetId": own["SubnetId"]} for each in data["NetworkInterfaces"]]
        del merged["SubnetId"]
    return merged


def with_options(options: MetadataOptions, given: Params) -> MetadataOptions:
    """What is not named stays. Raises `Ec2Error` for a value that is none."""
    for name, allowed in _OPTIONS.items():
        if given.get(name, allowed[0]) not in allowed:
            raise INVALID_VALUE(value=given[name], name=name, why=f"Must be one of {', '.join(allowed)}.")
    if not 1 <= given.get("HttpPutResponseHopLimit", 1) <= MAX_HOPS:
        raise INVALID_VALUE(
            value=given["HttpPutResponseHopLimit"], name="HttpPutResponseHopLimit", why=f"Must be 1 to {MAX_HOPS}."
        )
    return MetadataOptions(
        http_endpoint=given.get("HttpEndpoint", options.http_endpoint),
        http_tokens=given.get("HttpTokens", options.http_tokens),
        hop_limit=given.get("HttpPutResponseHopLimit", options.hop_limit),
        instance_tags=given.get("InstanceMetadataTags", options.instance_tags),
    )


def checked_behavior(given: str) -> str:
    if given not in BEHAVIORS:
        raise INVALID_VALUE(value=given, name="instanceInitiatedShutdownBehavior", why="Must be stop or terminate.")
    return given


def tags_by_type(specifications: list[Any]) -> dict[str, Tags]:
    tags: dict[str, Tags] = {}
    for each in specifications:
        named = {tag["Key"]: tag.get("Value", "") for tag in each.get("Tags", [])}
        if any(key.startswith("aws:") for key in named):
            raise TAG_RESERVED()
        tags.setdefault(each.get("ResourceType", "instance"), {}).update(named)
    return tags


def checked_user_data(given: str | None) -> str | None:
    if not given:
        return None
    try:
        decoded = base64.b64decode("".join(given.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise USER_DATA_NOT_BASE64() from error
    if len(decoded) > USER_DATA_LIMIT_BYTES:
        raise USER_DATA_TOO_LONG()
    return base64.b64encode(decoded).decode()


def checked_groups(group_ids: list[str], vpc_id: str, context: Context) -> tuple[str, ...]:
    known = {group.id for group in context.moto.security_groups() if group.vpc_id == vpc_id}
    for group_id in group_ids:
        if group_id not in known:
            raise GROUP_NOT_FOUND(id=group_id)
    return tuple(dict.fromkeys(group_ids))


def _image(given: Params, context: Context) -> Image:
    image_id = given.get("ImageId")
    if not image_id:
        raise MISSING_PARAMETER(name="ImageId")
    if not is_well_formed(image_id, "ami"):
        raise IMAGE_MALFORMED(id=image_id)
    image = context.world.get(Image, image_id)
    if image is None or image.state == "deregistered":
        raise IMAGE_NOT_FOUND(id=image_id)
    if image.state != "available":
        raise IMAGE_UNAVAILABLE(id=image_id)
    if image.is_disk:
        raise UNSUPPORTED(
            why=f"{image_id} is a disk ({image.snapshot_id}), and EC2 on this machine starts containers: "
            "it can be launched on AWS only"
        )
    if obstacle := devices.obstacle(image):
        raise UNSUPPORTED(why=obstacle)
    return image


def _type(given: Params, context: Context) -> InstanceType:
    name = given.get("InstanceType") or DEFAULT_TYPE
    found = context.moto.instance_type(name)
    if found is None:
        raise INVALID_TYPE(name=name)
    return found


def _primary_interface(given: Params) -> Params:
    interfaces: list[Params] = given.get("NetworkInterfaces", [])
    if not interfaces:
        return {}
    if len(interfaces) > 1:
        raise ONE_INTERFACE(count=len(interfaces), type=given.get("InstanceType", DEFAULT_TYPE))
    if interfaces[0].get("NetworkInterfaceId"):
        raise INTERFACE_NOT_FOUND(id=interfaces[0]["NetworkInterfaceId"])
    if given.get("SecurityGroupIds") or given.get("SecurityGroups"):
        raise INVALID_COMBINATION(
            why="Network interfaces and an instance-level security groups may not be specified on the same request"
        )
    if given.get("SubnetId"):
        raise INVALID_COMBINATION(
            why="Network interfaces and an instance-level subnet ID may not be specified on the same request"
        )
    return interfaces[0]


def _subnet(given: Params, interface: Params, context: Context) -> Subnet:
    """The one that is named, or the zone's default one."""
    subnets = context.moto.subnets()
    subnet_id = given.get("SubnetId") or interface.get("SubnetId")
    if subnet_id:
        named = next((subnet for subnet in subnets if subnet.id == subnet_id), None)
        if named is None:
            raise SUBNET_NOT_FOUND(id=subnet_id)
        return named
    placement = given.get("Placement") or {}
    zone = placement.get("AvailabilityZone") or placement.get("AvailabilityZoneId")
    if zone and not any(zone in (subnet.zone, subnet.zone_id) for subnet in subnets):
        raise INVALID_ZONE(zone=zone)
    defaults = sorted((subnet for subnet in subnets if subnet.is_default), key=lambda subnet: subnet.zone)
    for subnet in defaults:
        if not zone or zone in (subnet.zone, subnet.zone_id):
            return subnet
    raise NO_DEFAULT_SUBNET()


def _groups(given: Params, interface: Params, subnet: Subnet, context: Context) -> tuple[str, ...]:
    ids = [*given.get("SecurityGroupIds", []), *interface.get("Groups", [])]
    for name in given.get("SecurityGroups", []):
        named = next((g for g in context.moto.security_groups() if g.name == name and g.vpc_id == subnet.vpc_id), None)
        if named is None:
            raise GROUP_NOT_FOUND(id=name)
        ids.append(named.id)
    if not ids:
        default = context.moto.default_group(subnet.vpc_id)
        ids = [default.id] if default is not None else []
    return checked_groups(ids, subnet.vpc_id, context)


def _profile(given: Params | None, context: Context) -> Profile | None:
    if not given:
        return None
    found = context.moto.profile(name=given.get("Name"), arn=given.get("Arn"))
    if found is None:
        raise INVALID_PROFILE(name=given.get("Name") or given.get("Arn"))
    return found


def _spot(given: Params) -> SpotTerms | None:
    market = given.get("InstanceMarketOptions") or {}
    if market.get("MarketType") != "spot":
        return None
    options = market.get("SpotOptions") or {}
    return SpotTerms(price=options.get("MaxPrice", ""), kind=options.get("SpotInstanceType", "one-time"))
