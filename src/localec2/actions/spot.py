"""shell (records): spot requests and prices. A spot instance here is an instance that may be told to go."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from localec2.actions.filter_tables import SPOT_PRICES, SPOT_REQUESTS
from localec2.actions.launch import launch, spot_request
from localec2.actions.wanted import tags_by_type, wanted
from localec2.context import Context, end_dry_run
from localec2.errors import INVALID_VALUE, NO_CAPACITY, SPOT_NOT_FOUND, Ec2Error
from localec2.filters import matching
from localec2.model import Instance, SpotRequest
from localec2.paging import page
from localec2.protocol import Params, Result
from localec2.views import View, groups_view, iso, spot_request_view

PRICE_HOLDS_S = 6 * 3600
_SPECIFICATION_MEMBERS = ("ImageId", "InstanceType", "KeyName", "SubnetId", "Placement", "IamInstanceProfile")


def request_spot_instances(params: Params, context: Context) -> Result:
    specification = {
        **params.get("LaunchSpecification", {}),
        "InstanceMarketOptions": {
            "MarketType": "spot",
            "SpotOptions": {
                "MaxPrice": params.get("SpotPrice", ""),
                "SpotInstanceType": params.get("Type", "one-time"),
            },
        },
    }
    count = params.get("InstanceCount", 1)
    if count < 1:
        raise INVALID_VALUE(value=count, name="instanceCount", why="Minimum value is 1.")
    kind = wanted(specification, context)
    tags = tags_by_type(params.get("TagSpecifications", [])).get("spot-instances-request", {})
    end_dry_run(params)
    opened = [replace(spot_request(kind, None, context), tags=tags) for _ in range(count)]
    context.world.put(*opened)
    fulfil_open_requests(context)
    return {"SpotInstanceRequests": _views([each.id for each in opened], context)}


def fulfil_open_requests(context: Context) -> None:
    """Launch what has waited for capacity, as far as there is any now."""
    for request in context.world.all(SpotRequest):
        if request.state != "open":
            continue
        try:
            launch(wanted(json.loads(request.launch), context), least=1, most=1, context=context, request=request)
        except Ec2Error as error:
            _put_off(request, error, context)


def describe_spot_instance_requests(params: Params, context: Context) -> Result:
    ids = params.get("SpotInstanceRequestIds") or [each.id for each in context.world.all(SpotRequest)]
    views = matching(_views(ids, context), params.get("Filters"), SPOT_REQUESTS)
    end_dry_run(params)
    shown, token = page(views, params, key=lambda view: str(view["SpotInstanceRequestId"]))
    return {"SpotInstanceRequests": shown} | ({"NextToken": token} if token else {})


def cancel_spot_instance_requests(params: Params, context: Context) -> Result:
    """Instances that were launched stay."""
    requests = [_request(request_id, context) for request_id in params["SpotInstanceRequestIds"]]
    end_dry_run(params)
    for request in requests:
        if request.state in ("open", "active"):
            was_open = request.state == "open"
            code = "canceled-before-fulfillment" if was_open else "request-canceled-and-instance-running"
            context.world.put(replace(request, state="cancelled", status_code=code, updated_at=context.now))
    after = [_request(request.id, context) for request in requests]
    return {
        "CancelledSpotInstanceRequests": [{"SpotInstanceRequestId": each.id, "State": each.state} for each in after]
    }


def describe_spot_price_history(params: Params, context: Context) -> Result:
    """Invented prices, of the right order and with the right dates; a real bill is never computed from them."""
    since = _seconds(params.get("StartTime"), context.now)
    until = min(_seconds(params.get("EndTime"), context.now), context.now)
    zones = sorted({subnet.zone for subnet in context.moto.subnets() if subnet.is_default})
    if params.get("AvailabilityZone"):
        zones = [zone for zone in zones if zone == params["AvailabilityZone"]]
    names = params.get("InstanceTypes") or list(context.moto.instance_types())
    rows = [
        {
            "AvailabilityZone": zone,
            "InstanceType": name,
            "ProductDescription": "Linux/UNIX",
            "SpotPrice": f"{price:.6f}",
            "Timestamp": iso(at),
        }
        for name, usd_per_hour in _prices(names, context)
        for position, zone in enumerate(zones)
        for at, price in _changes(usd_per_hour, position, since, until)
    ]
    views = matching(rows, params.get("Filters"), SPOT_PRICES, tagged=False)
    shown, token = page(views, {"MaxResults": 1000, **params}, key=_price_place, least=1)
    return {"SpotPriceHistory": shown, "NextToken": token or ""}


def _put_off(request: SpotRequest, error: Ec2Error, context: Context) -> None:
    if error.code == NO_CAPACITY.code:
        code, message = "capacity-not-available", "There is no Spot capacity available that matches your request."
        state = "open"
    else:
        state, code, message = "failed", "bad-parameters", error.message
    if request.status_code != code:
        changed = replace(request, state=state, status_code=code, status_message=message, updated_at=context.now)
        context.world.put(changed)


def _request(request_id: str, context: Context) -> SpotRequest:
    found = context.world.get(SpotRequest, request_id)
    if found is None:
        raise SPOT_NOT_FOUND(id=request_id)
    return found


def _views(request_ids: list[str], context: Context) -> list[View]:
    shown = []
    for request_id in request_ids:
        request = _request(request_id, context)
        instance = context.world.get(Instance, request.instance_id) if request.instance_id else None
        shown.append(spot_request_view(request, _specification(request, instance, context), instance))
    return shown


def _specification(request: SpotRequest, instance: Instance | None, context: Context) -> View:
    given: dict[str, Any] = json.loads(request.launch)
    shown: View = {name: given[name] for name in _SPECIFICATION_MEMBERS if name in given}
    shown["Monitoring"] = {"Enabled": False}
    if instance is not None:
        shown["SecurityGroups"] = groups_view(instance, context.surroundings())
        shown["InstanceType"] = instance.instance_type
        shown["SubnetId"] = instance.subnet_id
    return shown


def _prices(names: list[str], context: Context) -> Iterator[tuple[str, float]]:
    """About a third of what such an instance costs on demand."""
    for name in names:
        found = context.moto.instance_type(name)
        if found is not None:
            yield name, 0.0075 * found.vcpus + 0.001 * found.memory_mib / 1024


def _changes(usd_per_hour: float, position: int, since: float, until: float) -> Iterator[tuple[float, float]]:
    """The price in force at the start, and each change until the end: a few percent up or down."""
    period = int(since // PRICE_HOLDS_S)
    while period * PRICE_HOLDS_S <= until:
        yield float(period * PRICE_HOLDS_S), usd_per_hour * (1 + ((period * 7 + position * 3) % 11 - 5) / 100)
        period += 1


def _price_place(row: View) -> str:
    return f"{row['InstanceType']} {row['AvailabilityZone']} {row['Timestamp']}"


def _seconds(given: datetime | None, otherwise: float) -> float:
    """The parser's times are naive and mean UTC."""
    return otherwise if given is None else (given - datetime(1970, 1, 1)).total_seconds()
