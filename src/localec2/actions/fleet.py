"""shell (records): CreateFleet of type `instant`: one call, several types and zones, tried in their order."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from localec2.actions.launch import launch, launched_before, remember
from localec2.actions.wanted import SpotTerms, tags_by_type, wanted
from localec2.context import Context, end_dry_run
from localec2.errors import MISSING_PARAMETER, NO_CAPACITY, UNSUPPORTED, Ec2Error
from localec2.identities import new_id
from localec2.model import Instance, SpotRequest
from localec2.protocol import Params, Result
from localec2.views import View

_TOKENS = "fleet/"  # fleets have client tokens of their own


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice:
    """A launch template with one override."""

    template: Params
    override: Params

    @property
    def weight(self) -> float:
        return float(self.override.get("WeightedCapacity") or 1)

    @property
    def view(self) -> View:
        return {"LaunchTemplateSpecification": self.template, "Overrides": self.override}

    def parameters(self) -> Params:
        """As for RunInstances."""
        override = self.override
        own = {name: override[name] for name in ("InstanceType", "ImageId", "SubnetId") if override.get(name)}
        placement = override.get("Placement") or {}
        zone = override.get("AvailabilityZone") or placement.get("AvailabilityZone")
        return {"LaunchTemplate": self.template, **own, **({"Placement": {"AvailabilityZone": zone}} if zone else {})}


@dataclass(frozen=True, kw_only=True, slots=True)
class Launched:
    choice: Choice
    lifecycle: str
    instances: Sequence[Instance] = ()
    error: Ec2Error | None = None

    @property
    def view(self) -> View:
        shown: View = {"LaunchTemplateAndOverrides": self.choice.view, "Lifecycle": self.lifecycle}
        if self.error is not None:
            return {**shown, "ErrorCode": self.error.code, "ErrorMessage": self.error.message}
        ids = [each.id for each in self.instances]
        return {**shown, "InstanceIds": ids, "InstanceType": self.instances[0].instance_type}


def create_fleet(params: Params, context: Context) -> Result:
    if params.get("Type") != "instant":
        raise UNSUPPORTED(why="Only fleets of type 'instant' exist here.")
    token = params.get("ClientToken", "")
    before = launched_before(_TOKENS + token, params, context) if token else None
    if before is not None:
        return _again(before)
    choices = _choices(params)
    end_dry_run(params)
    fleet_id = f"fleet-{context.rng.getrandbits(128):032x}"
    done = [
        each
        for lifecycle, units, least in _targets(params)
        for each in _fill(choices, lifecycle, units, least, params, fleet_id, context)
    ]
    instances = [instance for each in done for instance in each.instances]
    if token and instances:
        remember(_TOKENS + token, params, instances, context)
    return {
        "FleetId": fleet_id,
        "Instances": [each.view for each in done if each.instances],
        "Errors": [each.view for each in done if each.error is not None],
    }


def _choices(params: Params) -> list[Choice]:
    found = []
    for config in params["LaunchTemplateConfigs"]:
        template = config.get("LaunchTemplateSpecification")
        if not template:
            raise MISSING_PARAMETER(name="LaunchTemplateSpecification")
        for override in config.get("Overrides") or [{}]:
            if override.get("InstanceRequirements"):
                raise UNSUPPORTED(why="InstanceRequirements are not evaluated here: name instance types.")
            found.append(Choice(template=template, override=override))
    # Lower numbers first; those without come last, in the order given.
    return sorted(found, key=lambda choice: float(choice.override.get("Priority", math.inf)))


def _targets(params: Params) -> list[tuple[str, float, float]]:
    """Lifecycle, how many units, and below how many the fleet launches nothing."""
    target = params["TargetCapacitySpecification"]
    total = target["TotalTargetCapacity"]
    default = target.get("DefaultTargetCapacityType", "on-demand")
    spot = target.get("SpotTargetCapacity", 0)
    on_demand = target.get("OnDemandTargetCapacity", 0)
    rest = max(0, total - spot - on_demand)
    on_demand, spot = (on_demand, spot + rest) if default == "spot" else (on_demand + rest, spot)
    least = [(params.get(name) or {}).get("MinTargetCapacity", 0) for name in ("OnDemandOptions", "SpotOptions")]
    both = [("on-demand", on_demand, least[0]), ("spot", spot, least[1])]
    return [each for each in both if each[1] > 0]


def _fill(
    choices: Sequence[Choice],
    lifecycle: str,
    units: float,
    least: float,
    params: Params,
    fleet_id: str,
    context: Context,
) -> list[Launched]:
    done: list[Launched] = []
    left = units
    for choice in choices:
        if left <= 0:
            break
        try:
            launched = _launch(choice, lifecycle, math.ceil(left / choice.weight), params, fleet_id, context)
        except Ec2Error as error:
            done.append(Launched(choice=choice, lifecycle=lifecycle, error=error))
            continue
        done.append(launched)
        left -= len(launched.instances) * choice.weight
        if left > 0:
            instance = launched.instances[0]
            short = NO_CAPACITY(type=instance.instance_type, zone=instance.zone)
            done.append(Launched(choice=choice, lifecycle=lifecycle, error=short))
    if units - left < least:
        _undo([instance for each in done for instance in each.instances], context)
        return [each for each in done if each.error is not None]
    return done


def _launch(choice: Choice, lifecycle: str, count: int, params: Params, fleet_id: str, context: Context) -> Launched:
    kind = wanted(choice.parameters(), context)
    terms = SpotTerms(price=choice.override.get("MaxPrice", ""), kind="one-time") if lifecycle == "spot" else None
    tags = {**kind.tags, "instance": {**kind.tags.get("instance", {}), **_instance_tags(params)}}
    kind = replace(kind, spot=terms, tags=tags)
    own = {"aws:ec2:fleet-id": fleet_id}
    instances = launch(
        kind, least=1, most=count, context=context, client_token=new_id("fleet", context.rng), extra_tags=own
    )
    return Launched(choice=choice, lifecycle=lifecycle, instances=instances)


def _instance_tags(params: Params) -> dict[str, str]:
    return tags_by_type(params.get("TagSpecifications", [])).get("instance", {})


def _undo(instances: Sequence[Instance], context: Context) -> None:
    """Nobody has seen them yet: the lock is ours."""
    requests = [context.world.get(SpotRequest, each.spot_request_id or "") for each in instances]
    context.world.forget([*instances, *(each for each in requests if each is not None)])


def _again(instances: Sequence[Instance]) -> Result:
    """The answer to a repeated call, as far as the instances tell it."""
    by_type = groupby(instances, key=lambda each: (each.instance_type, each.lifecycle or "on-demand"))
    return {
        "FleetId": instances[0].tags.get("aws:ec2:fleet-id", ""),
        "Instances": [
            {"InstanceType": name, "Lifecycle": lifecycle, "InstanceIds": [each.id for each in group]}
            for (name, lifecycle), group in by_type
        ],
        "Errors": [],
    }
