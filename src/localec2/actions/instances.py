"""shell (records): what there is, and its life cycle: describe, start, stop, reboot, terminate.

Decides only; the reconciler does what the records then ask for.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

from localec2.actions.filter_tables import INSTANCE_STATUS
from localec2.actions.instance_filters import PATHS
from localec2.actions.launch import new_public_ips
from localec2.context import Context, end_dry_run
from localec2.errors import (
    CANNOT_REBOOT,
    CANNOT_START,
    CANNOT_STOP,
    INVALID_COMBINATION,
    PROTECTED,
    SPOT_CANNOT_STOP,
    Kind,
)
from localec2.filters import matching
from localec2.instances import USER_INITIATED, with_event
from localec2.lifecycle import Event, State, next_state
from localec2.model import Instance, SpotRequest
from localec2.paging import page
from localec2.protocol import Params, Result
from localec2.views import View, instance_view, state_view, status_view


def describe_instances(params: Params, context: Context) -> Result:
    """Paged by instances, as EC2 does; a reservation may come in parts."""
    views = matching(_views(_named(params, context), context), params.get("Filters"), PATHS)
    end_dry_run(params)
    shown, token = page(views, params, key=_place)
    return _with_token({"Reservations": _reservations(shown, context)}, token)


def describe_instance_status(params: Params, context: Context) -> Result:
    instances = _named(params, context)
    if not params.get("IncludeAllInstances"):
        instances = [each for each in instances if each.state is State.RUNNING]
    views = matching([status_view(each) for each in instances], params.get("Filters"), INSTANCE_STATUS, tagged=False)
    end_dry_run(params)
    shown, token = page(views, params, key=lambda view: str(view["InstanceId"]))
    return _with_token({"InstanceStatuses": shown}, token)


def start_instances(params: Params, context: Context) -> Result:
    before = _checked(params, Event.START, CANNOT_START, context)
    after = []
    for instance in before:
        started = with_event(instance, Event.START, context.now)
        if instance.state is State.STOPPED:
            address = new_public_ips(1, context)[0] if instance.wants_public_ip else None
            started = replace(started, public_ip=address, launched_at=context.now)
            context.world.put(started)
        after.append(started)
    return {"StartingInstances": _changes(before, after)}


def stop_instances(params: Params, context: Context) -> Result:
    before = _checked(params, Event.STOP, CANNOT_STOP, context)
    for instance in before:
        request = context.world.get(SpotRequest, instance.spot_request_id) if instance.spot_request_id else None
        if request is not None and request.kind == "one-time":
            raise SPOT_CANNOT_STOP(id=instance.id)
    after = [with_event(each, Event.STOP, context.now) for each in before]
    context.world.put(*after)
    return {"StoppingInstances": _changes(before, after)}


def reboot_instances(params: Params, context: Context) -> Result:
    before = _checked(params, Event.REBOOT, CANNOT_REBOOT, context)
    context.world.put(*(replace(each, reboot_requested=True) for each in before))
    return {}


def terminate_instances(params: Params, context: Context) -> Result:
    before = context.instances(params["InstanceIds"])
    for instance in before:
        if instance.termination_protected and instance.state is not State.TERMINATED:
            raise PROTECTED(id=instance.id)
    end_dry_run(params)
    after = [with_event(each, Event.TERMINATE, context.now, reason=USER_INITIATED) for each in before]
    context.world.put(*after)
    return {"TerminatingInstances": _changes(before, after)}


def _named(params: Params, context: Context) -> list[Instance]:
    ids = params.get("InstanceIds")
    if not ids:
        return context.world.all(Instance)
    if params.get("MaxResults") is not None:
        raise INVALID_COMBINATION(why="The parameter instancesSet cannot be used with the parameter maxResults")
    return context.instances(ids)


def _views(instances: Sequence[Instance], context: Context) -> list[View]:
    around = context.surroundings()
    return [
        {**instance_view(each, around), "ReservationId": each.reservation_id, "OwnerId": around.owner_id}
        for each in instances
    ]


def _place(view: View) -> str:
    return f"{view['ReservationId']} {view['AmiLaunchIndex']:06d} {view['InstanceId']}"


def _reservations(views: Sequence[View], context: Context) -> list[View]:
    ordered = sorted(views, key=_place)
    return [
        {
            "ReservationId": reservation_id,
            "OwnerId": context.config.account_id,
            "Groups": [],
            "Instances": list(group),
        }
        for reservation_id, group in groupby(ordered, key=lambda view: str(view["ReservationId"]))
    ]


def _checked(params: Params, event: Event, refusal: Kind, context: Context) -> list[Instance]:
    """All or none: one instance in the wrong state refuses the call."""
    instances = context.instances(params["InstanceIds"])
    for instance in instances:
        if next_state(instance.state, event) is None:
            raise refusal(id=instance.id)
    end_dry_run(params)
    return instances


def _changes(before: Sequence[Instance], after: Sequence[Instance]) -> list[View]:
    return [
        {
            "InstanceId": old.id,
            "PreviousState": state_view(old.state),
            "CurrentState": state_view(new.state),
        }
        for old, new in zip(before, after, strict=True)
    ]


def _with_token(result: Result, token: str | None) -> Result:
    return result if token is None else {**result, "NextToken": token}
