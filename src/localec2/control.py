"""shell (records): the control paths of the service itself, `/_localec2/...`: JSON in, JSON out."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from localec2.actions.images import DEREGISTERED, new_image
from localec2.ailments import ailment
from localec2.context import Context
from localec2.faults import fault
from localec2.instances import HOST_FAILED, with_event
from localec2.lifecycle import Event, State
from localec2.model import Image, Instance
from localec2.sweep import sweep

PREFIX = "/_localec2/"
NOTICE_S = 120.0  # EC2 warns two minutes ahead
Json = Any


class ControlError(Exception):
    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


def control(method: str, path: str, body: Json, context: Context) -> Json:
    """Raises `ControlError`."""
    request = f"{method} {path.removeprefix(PREFIX).strip('/')}"
    match request:
        case "GET status":
            return _status(context)
        case "GET myip":
            return {"ip": context.config.host_public_ip, "cidr": f"{context.config.host_public_ip}/32"}
        case "GET faults":
            return [asdict(each) for each in context.faults.pending()]
        case "POST faults":
            return _set_faults(body, context)
        case "GET capacity":
            return context.faults.capacity()
        case "POST capacity":
            return _set_capacity(body, context)
        case "GET ailments":
            return [asdict(each) for each in context.faults.ailments()]
        case "POST ailments":
            return _set_ailments(body, context)
        case "POST power":
            return _power(body, context)
        case "POST spot-interrupt":
            return _interrupt(body, context)
        case "POST images":
            return _put_image(body, context)
    raise ControlError(f"{request}: there is no such control path", 404)


def _status(context: Context) -> Json:
    instances = context.world.all(Instance)
    images = [image for image in context.world.all(Image) if image.state != DEREGISTERED]
    return {
        "endpoint_url": context.config.endpoint_url,
        "region": context.config.region,
        "account_id": context.config.account_id,
        "public_network": str(context.config.public_network),
        "host_public_ip": context.config.host_public_ip,
        "instances": {str(state): sum(each.state is state for each in instances) for state in State},
        "images": [{"id": image.id, "name": image.name, "state": image.state} for image in images],
    }


def _set_faults(body: Json, context: Context) -> Json:
    if not isinstance(body, list):
        raise ControlError("faults are a list; [] takes all away")
    try:
        return [asdict(each) for each in context.faults.set(fault(each) for each in body)]
    except (TypeError, ValueError) as error:
        raise ControlError(str(error)) from error


def _set_capacity(body: Json, context: Context) -> Json:
    if not isinstance(body, Mapping) or not all(isinstance(count, int) for count in body.values()):
        raise ControlError('capacity is a number of instances by type, such as {"t3.medium": 3, "*": 10}')
    context.faults.set_capacity(body)
    return context.faults.capacity()


def _set_ailments(body: Json, context: Context) -> Json:
    if not isinstance(body, list):
        raise ControlError("ailments are a list; [] takes all away")
    try:
        return [asdict(each) for each in context.faults.set_ailments([ailment(each) for each in body])]
    except (TypeError, ValueError) as error:
        raise ControlError(str(error)) from error


def _power(body: Json, context: Context) -> Json:
    """`{"instance_id": ..., "do": "cut"}`: its host fails, and it is gone; "reset": it starts again after that."""
    wanted = body.get("do") if isinstance(body, Mapping) else None
    if wanted not in ("cut", "reset"):
        raise ControlError('say which: {"instance_id": "i-...", "do": "cut"}, or "reset"')
    with context.world.lock:
        instance = context.world.get(Instance, str(body.get("instance_id")))
        if instance is None or instance.state is not State.RUNNING:
            raise ControlError(f"there is no running instance {body.get('instance_id')}", 404)
        dark = replace(instance, power_cut=True)
        if wanted == "reset":
            context.world.put(replace(dark, reboot_requested=True))
        else:
            context.world.put(with_event(dark, Event.TERMINATE, context.now, reason=HOST_FAILED))
    return {"instance_id": instance.id, "do": wanted}


def _interrupt(body: Json, context: Context) -> Json:
    """`{"instance_id": ..., "in_s": 120}`: the notice is in the metadata at once, the end comes when it is due."""
    if not isinstance(body, Mapping):
        raise ControlError('say which: {"instance_id": "i-...", "in_s": 120}')
    with context.world.lock:
        instance = context.world.get(Instance, str(body.get("instance_id")))
        if instance is None or instance.state is State.TERMINATED:
            raise ControlError(f"there is no instance {body.get('instance_id')}", 404)
        if instance.lifecycle != "spot":
            raise ControlError(f"{instance.id} is no spot instance")
        due = context.now + float(body.get("in_s", NOTICE_S))
        context.world.put(replace(instance, spot_interruption_at=due))
        sweep(context.world, context.now)
    return {"instance_id": instance.id, "interruption_at": due}


def _put_image(body: Json, context: Context) -> Json:
    """Make an image of the engine known by its name: the same name again keeps its id unless the content changed."""
    if not isinstance(body, Mapping) or not body.get("name") or not body.get("engine_ref"):
        raise ControlError("an image has a name and an engine_ref")
    with context.world.lock:
        named = [each for each in context.world.all(Image) if each.name == body["name"] and each.state != DEREGISTERED]
        for image in named:
            if image.engine_ref == body["engine_ref"]:
                return {"image_id": image.id, "is_new": False}
        described = new_image(
            str(body["name"]),
            description=str(body.get("description", "")),
            tags={str(key): str(value) for key, value in dict(body.get("tags") or {}).items()},
            context=context,
        )
        image = replace(described, state="available", engine_ref=str(body["engine_ref"]))
        # As EC2's own images do: the newest of a name is the image, the one before stays for its instances.
        context.world.put(*(replace(each, state=DEREGISTERED) for each in named), image)
    return {"image_id": image.id, "is_new": True}
