"""Spot requests, interruptions and fleets."""

from typing import Any

import pytest
from localec2_client import Ec2

from localec2.instances import SPOT_TERMINATION
from localec2.lifecycle import Event, State
from localec2.model import Instance

SPOT: dict[str, Any] = {"InstanceMarketOptions": {"MarketType": "spot"}}


def _requests(ec2: Ec2, **params: Any) -> list[Any]:
    return list(ec2.call("DescribeSpotInstanceRequests", **params)["SpotInstanceRequests"])


def _ask(ec2: Ec2, count: int = 1) -> list[Any]:
    launch = {"ImageId": ec2.image(), "InstanceType": "t3.medium"}
    asked = ec2.call("RequestSpotInstances", InstanceCount=count, SpotPrice="0.1", LaunchSpecification=launch)
    return list(asked["SpotInstanceRequests"])


def test_requests_are_fulfilled(ec2: Ec2) -> None:
    requests = _ask(ec2, 2)
    assert [(each["State"], each["Status"]["Code"]) for each in requests] == [("active", "fulfilled")] * 2
    assert {each["InstanceId"] for each in requests} == {each.id for each in ec2.world.all(Instance)}
    assert {each.spot_request_id for each in ec2.world.all(Instance)} == {
        each["SpotInstanceRequestId"] for each in requests
    }
    by_state = [{"Name": "state", "Values": ["active"]}, {"Name": "launch.instance-type", "Values": ["t3.*"]}]
    assert len(_requests(ec2, Filters=by_state)) == 2


def test_a_request_waits_for_capacity(ec2: Ec2) -> None:
    ec2.control("capacity", {"t3.medium": 1})
    assert [each["State"] for each in _ask(ec2, 2)] == ["active", "open"]
    ec2.control("capacity", {})
    assert [each["State"] for each in _requests(ec2)] == ["active", "active"]


def test_what_is_not_there_refuses_the_request(ec2: Ec2) -> None:
    launch = {"ImageId": ec2.image(), "KeyName": "absent"}
    assert ec2.code("RequestSpotInstances", LaunchSpecification=launch) == "InvalidKeyPair.NotFound"
    assert _requests(ec2) == []


def test_cancelling_leaves_the_instance(ec2: Ec2) -> None:
    (request,) = _ask(ec2)
    request_id = request["SpotInstanceRequestId"]
    answer = ec2.call("CancelSpotInstanceRequests", SpotInstanceRequestIds=[request_id])
    assert answer["CancelledSpotInstanceRequests"][0]["State"] == "cancelled"
    assert _requests(ec2)[0]["Status"]["Code"] == "request-canceled-and-instance-running"
    assert ec2.record(request["InstanceId"]).state is State.PENDING
    unknown = "sir-00000000"
    assert ec2.code("CancelSpotInstanceRequests", SpotInstanceRequestIds=[unknown]) == (
        "InvalidSpotInstanceRequestID.NotFound"
    )


def test_termination_by_the_user_closes_the_request(ec2: Ec2) -> None:
    (request,) = _ask(ec2)
    ec2.call("TerminateInstances", InstanceIds=[request["InstanceId"]])
    (after,) = _requests(ec2)
    assert (after["State"], after["Status"]["Code"]) == ("closed", "instance-terminated-by-user")


def test_an_interruption_is_announced_and_comes_when_due(ec2: Ec2) -> None:
    (instance_id,) = ec2.running(**SPOT)
    ec2.control("spot-interrupt", {"instance_id": instance_id, "in_s": 120})
    assert ec2.record(instance_id).spot_interruption_at == ec2.clock.now + 120
    ec2.clock.now += 119
    assert ec2.describe(instance_id)["State"]["Name"] == "running"
    ec2.clock.now += 1
    shown = ec2.describe(instance_id)
    assert shown["State"]["Name"] == "shutting-down"
    assert shown["StateReason"]["Code"] == SPOT_TERMINATION.code
    ec2.happens(Event.HALTED, [instance_id])
    (request,) = _requests(ec2)
    assert (request["State"], request["Status"]["Code"]) == ("closed", "instance-terminated-no-capacity")


def test_a_one_time_spot_instance_cannot_stop(ec2: Ec2) -> None:
    ids = ec2.running(**SPOT)
    assert ec2.code("StopInstances", InstanceIds=ids) == "UnsupportedOperation"


def test_prices_are_dated_and_filtered(ec2: Ec2) -> None:
    rows = ec2.call("DescribeSpotPriceHistory", InstanceTypes=["t3.medium"], AvailabilityZone="us-east-1b")
    (row,) = rows["SpotPriceHistory"]
    assert 0.005 < float(row["SpotPrice"]) < 0.05
    assert 0 <= ec2.clock.now - row["Timestamp"].timestamp() < 6 * 3600


# ---- fleets


def _fleet(ec2: Ec2, total: int, *, types: tuple[str, ...] = ("c7i.large", "m7i.large"), **params: Any) -> Any:
    if not ec2.call("DescribeLaunchTemplates")["LaunchTemplates"]:
        data = {"ImageId": ec2.image(), "InstanceInitiatedShutdownBehavior": "terminate"}
        ec2.call("CreateLaunchTemplate", LaunchTemplateName="lt", LaunchTemplateData=data)
    config = {
        "LaunchTemplateSpecification": {"LaunchTemplateName": "lt", "Version": "$Latest"},
        "Overrides": [{"InstanceType": name} for name in types],
    }
    target = {"TotalTargetCapacity": total, "DefaultTargetCapacityType": "on-demand"}
    asked = {"Type": "instant", "LaunchTemplateConfigs": [config], "TargetCapacitySpecification": target, **params}
    return ec2.call("CreateFleet", **asked)


def test_a_fleet_takes_the_first_type_that_there_is(ec2: Ec2) -> None:
    answer = _fleet(ec2, 3)
    (launched,) = answer["Instances"]
    assert (launched["InstanceType"], len(launched["InstanceIds"]), answer["Errors"]) == ("c7i.large", 3, [])
    assert {each.shutdown_behavior for each in ec2.world.all(Instance)} == {"terminate"}
    assert {each.tags["aws:ec2:fleet-id"] for each in ec2.world.all(Instance)} == {answer["FleetId"]}


@pytest.mark.parametrize(
    ("capacity", "launched", "errors"),
    [
        ({"c7i.large": 1}, {"c7i.large": 1, "m7i.large": 2}, ["c7i.large"]),
        ({"c7i.large": 0}, {"m7i.large": 3}, ["c7i.large"]),
        ({"c7i.large": 0, "m7i.large": 1}, {"m7i.large": 1}, ["c7i.large", "m7i.large"]),
        ({"*": 0}, {}, ["c7i.large", "m7i.large"]),
    ],
)
def test_a_fleet_goes_on_to_the_next_type(
    ec2: Ec2, capacity: dict[str, int], launched: dict[str, int], errors: list[str]
) -> None:
    ec2.control("capacity", capacity)
    answer = _fleet(ec2, 3)
    assert {each["InstanceType"]: len(each["InstanceIds"]) for each in answer["Instances"]} == launched
    assert [each["LaunchTemplateAndOverrides"]["Overrides"]["InstanceType"] for each in answer["Errors"]] == errors
    assert {each["ErrorCode"] for each in answer["Errors"]} == {"InsufficientInstanceCapacity"}


def test_a_fleet_below_its_minimum_launches_nothing(ec2: Ec2) -> None:
    ec2.control("capacity", {"*": 2})
    answer = _fleet(ec2, 3, OnDemandOptions={"MinTargetCapacity": 3})
    assert answer["Instances"] == []
    assert ec2.world.all(Instance) == []


def test_a_spot_fleet(ec2: Ec2) -> None:
    target = {"TotalTargetCapacity": 3, "OnDemandTargetCapacity": 1, "DefaultTargetCapacityType": "spot"}
    answer = _fleet(ec2, 0, TargetCapacitySpecification=target)
    assert {each["Lifecycle"]: len(each["InstanceIds"]) for each in answer["Instances"]} == {"on-demand": 1, "spot": 2}
    assert len(_requests(ec2)) == 2


def test_weights_count_as_capacity(ec2: Ec2) -> None:
    _fleet(ec2, 1)  # the launch template
    config = {
        "LaunchTemplateSpecification": {"LaunchTemplateName": "lt", "Version": "$Latest"},
        "Overrides": [{"InstanceType": "c7i.2xlarge", "WeightedCapacity": 4}, {"InstanceType": "c7i.large"}],
    }
    ec2.control("capacity", {"c7i.2xlarge": 2})
    answer = _fleet(ec2, 10, LaunchTemplateConfigs=[config])
    launched = {each["InstanceType"]: len(each["InstanceIds"]) for each in answer["Instances"]}
    assert launched == {"c7i.2xlarge": 2, "c7i.large": 2}


def test_the_same_fleet_twice(ec2: Ec2) -> None:
    first = _fleet(ec2, 2, ClientToken="once")
    second = _fleet(ec2, 2, ClientToken="once")
    assert second["FleetId"] == first["FleetId"]
    assert second["Instances"][0]["InstanceIds"] == first["Instances"][0]["InstanceIds"]


def test_an_unknown_type_is_an_error_of_its_override(ec2: Ec2) -> None:
    answer = _fleet(ec2, 1, types=("t3.tiny", "t3.medium"))
    assert [each["ErrorCode"] for each in answer["Errors"]] == ["InvalidParameterValue"]
    assert [each["InstanceType"] for each in answer["Instances"]] == ["t3.medium"]
