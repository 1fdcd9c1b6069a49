"""shell (records): RunInstances, and the launch that fleets and spot requests share."""

import json
from collections.abc import Sequence
from dataclasses import replace

from localec2.actions.wanted import Wanted, wanted
from localec2.context import Context, end_dry_run
from localec2.errors import (
    ADDRESS_IN_USE,
    INVALID_VALUE,
    NO_ADDRESS_LEFT,
    NO_CAPACITY,
    SUBNET_FULL,
    TOKEN_MISMATCH,
    TOKEN_TERMINATED,
)
from localec2.identities import free_private_ip, free_public_ip, mac, new_id
from localec2.lifecycle import State
from localec2.model import Instance, LaunchToken, SpotRequest, Tags
from localec2.protocol import Params, Result
from localec2.views import instance_view

PENDING = ("pending-evaluation", "Your Spot request has been submitted for review, and is pending evaluation.")
FULFILLED = ("fulfilled", "Your spot request is fulfilled.")


def run_instances(params: Params, context: Context) -> Result:
    least, most = params["MinCount"], params["MaxCount"]
    if least < 1:
        raise INVALID_VALUE(value=least, name="minCount", why="Minimum value is 1.")
    if most < least:
        raise INVALID_VALUE(value=most, name="maxCount", why="It must not be less than minCount.")
    token = params.get("ClientToken", "")
    before = launched_before(token, params, context)
    if before is not None:
        return reservation(before, context)
    kind = wanted(params, context)
    end_dry_run(params)
    instances = launch(kind, least=least, most=most, client_token=token, context=context)
    remember(token, params, instances, context)
    return reservation(instances, context)


def launch(
    kind: Wanted,
    *,
    least: int,
    most: int,
    context: Context,
    client_token: str = "",
    extra_tags: Tags | None = None,
    request: SpotRequest | None = None,
) -> list[Instance]:
    """As many as there is capacity for, at most `most`. Raises `Ec2Error` when that is fewer than `least`.

    `request` is an open spot request that this one instance is to fulfil.
    """
    alive = context.alive()
    room = context.faults.room(kind.type.name, [each.instance_type for each in alive])
    count = most if room is None else min(most, room)
    if count < least:
        raise NO_CAPACITY(type=kind.type.name, zone=kind.subnet.zone)
    private_ips = _private_ips(kind, count, alive, context)
    public_ips = new_public_ips(count if kind.wants_public_ip else 0, context)
    reservation_id = new_id("r", context.rng)
    tags = {**kind.tags.get("instance", {}), **(extra_tags or {})}
    records: list[Instance | SpotRequest] = []
    for index, private_ip in enumerate(private_ips):
        instance = Instance(
            id=new_id("i", context.rng),
            reservation_id=reservation_id,
            launch_index=index,
            image_id=kind.image.id,
            instance_type=kind.type.name,
            vcpus=kind.type.vcpus,
            memory_mib=kind.type.memory_mib,
            region=context.config.region,
            zone=kind.subnet.zone,
            zone_id=kind.subnet.zone_id,
            vpc_id=kind.subnet.vpc_id,
            vpc_cidr=kind.subnet.vpc_cidr,
            subnet_id=kind.subnet.id,
            subnet_cidr=kind.subnet.cidr,
            private_ip=private_ip,
            public_ip=public_ips[index] if public_ips else None,
            wants_public_ip=kind.wants_public_ip,
            interface_id=new_id("eni", context.rng),
            mac=mac(context.rng),
            group_ids=kind.group_ids,
            volume_id=new_id("vol", context.rng),
            key_name=kind.key_name,
            public_key=kind.public_key,
            user_data=kind.user_data,
            shutdown_behavior=kind.shutdown_behavior,
            metadata=kind.metadata,
            lifecycle="spot" if kind.spot else None,
            spot_request_id=(request.id if request else new_spot_request_id(context)) if kind.spot else None,
            profile_arn=kind.profile.arn if kind.profile else None,
            profile_id=kind.profile.id if kind.profile else None,
            client_token=client_token,
            termination_protected=kind.termination_protected,
            tags=tags,
            volume_tags=kind.tags.get("volume", {}),
            interface_tags=kind.tags.get("network-interface", {}),
            ailments=context.faults.befall(kind.type.name, tags),
            launched_at=context.now,
            state_since=context.now,
        )
        records.append(instance)
        if kind.spot is not None:
            opened = request or spot_request(kind, instance.spot_request_id, context)
            records.append(fulfilled_by(instance, opened, context))
    context.world.put(*records)
    return [each for each in records if isinstance(each, Instance)]


def reservation(instances: Sequence[Instance], context: Context) -> Result:
    around = context.surroundings()
    return {
        "ReservationId": instances[0].reservation_id,
        "OwnerId": context.config.account_id,
        "Groups": [],
        "Instances": [instance_view(each, around) for each in instances],
    }


def launched_before(token: str, params: Params, context: Context) -> list[Instance] | None:
    """The instances of the same call before (Instance idempotency: EC2 API reference, "Ensuring idempotency")."""
    before = context.world.get(LaunchToken, token) if token else None
    if before is None:
        return None
    if before.parameters != _canonical(params):
        raise TOKEN_MISMATCH()
    found = [context.world.get(Instance, instance_id) for instance_id in before.instance_ids]
    instances = [each for each in found if each is not None]
    if not any(each.state not in (State.SHUTTING_DOWN, State.TERMINATED) for each in instances):
        raise TOKEN_TERMINATED(ids=", ".join(before.instance_ids))
    return instances


def remember(token: str, params: Params, instances: Sequence[Instance], context: Context) -> None:
    if token:
        ids = tuple(each.id for each in instances)
        context.world.put(
            LaunchToken(id=token, parameters=_canonical(params), instance_ids=ids, created_at=context.now)
        )


def new_public_ips(count: int, context: Context) -> list[str]:
    used = {each.public_ip for each in context.world.all(Instance) if each.public_ip}
    drawn: list[str] = []
    for _ in range(count):
        address = free_public_ip(context.config.public_network, used, context.rng)
        if address is None:
            raise NO_ADDRESS_LEFT()
        used.add(address)
        drawn.append(address)
    return drawn


def _private_ips(kind: Wanted, count: int, alive: Sequence[Instance], context: Context) -> list[str]:
    used = {each.private_ip for each in alive} | {context.config.api_vpc_ip, context.config.dns_ip}
    if kind.private_ip:
        if kind.private_ip in used or count > 1:
            raise ADDRESS_IN_USE(address=kind.private_ip)
        return [kind.private_ip]
    drawn: list[str] = []
    for _ in range(count):
        address = free_private_ip(kind.subnet.cidr, used, context.rng)
        if address is None:
            raise SUBNET_FULL(id=kind.subnet.id)
        used.add(address)
        drawn.append(address)
    return drawn


def new_spot_request_id(context: Context) -> str:
    """Eight characters behind the prefix, unlike other ids."""
    return f"sir-{context.rng.getrandbits(32):08x}"


def spot_request(kind: Wanted, request_id: str | None, context: Context) -> SpotRequest:
    """One that is still open."""
    code, message = PENDING
    return SpotRequest(
        id=request_id or new_spot_request_id(context),
        state="open",
        status_code=code,
        status_message=message,
        price=kind.spot.price if kind.spot else "",
        kind=kind.spot.kind if kind.spot else "one-time",
        instance_id=None,
        launch=_canonical(kind.specification),
        created_at=context.now,
        updated_at=context.now,
        tags=kind.tags.get("spot-instances-request", {}),
    )


def fulfilled_by(instance: Instance, request: SpotRequest, context: Context) -> SpotRequest:
    code, message = FULFILLED
    return replace(
        request,
        state="active",
        status_code=code,
        status_message=message,
        instance_id=instance.id,
        updated_at=context.now,
    )


def _canonical(params: Params) -> str:
    return json.dumps({k: v for k, v in params.items() if k != "ClientToken"}, sort_keys=True, default=str)
