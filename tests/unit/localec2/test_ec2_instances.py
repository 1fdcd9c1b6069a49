"""Describe, and the life cycle as a client sees it."""

import base64
import re
from typing import Any

import pytest
from localec2_client import Ec2

from localec2 import protocol
from localec2.actions.filter_tables import BY_ACTION
from localec2.instances import USER_INITIATED
from localec2.lifecycle import Event, State
from localec2.model import Instance, MetadataOptions

ACTIONS = {
    "StartInstances": "StartingInstances",
    "StopInstances": "StoppingInstances",
    "TerminateInstances": "TerminatingInstances",
    "RebootInstances": "",
}
# For each state and call: the state after it, or the error's code. EC2 User Guide, "Instance lifecycle".
ROWS = [
    (State.PENDING, "StartInstances", State.PENDING),
    (State.PENDING, "StopInstances", "IncorrectInstanceState"),
    (State.PENDING, "RebootInstances", "IncorrectInstanceState"),
    (State.PENDING, "TerminateInstances", State.SHUTTING_DOWN),
    (State.RUNNING, "StartInstances", State.RUNNING),
    (State.RUNNING, "StopInstances", State.STOPPING),
    (State.RUNNING, "RebootInstances", State.RUNNING),
    (State.RUNNING, "TerminateInstances", State.SHUTTING_DOWN),
    (State.STOPPING, "StartInstances", "IncorrectInstanceState"),
    (State.STOPPING, "StopInstances", State.STOPPING),
    (State.STOPPING, "RebootInstances", "IncorrectInstanceState"),
    (State.STOPPING, "TerminateInstances", State.SHUTTING_DOWN),
    (State.STOPPED, "StartInstances", State.PENDING),
    (State.STOPPED, "StopInstances", State.STOPPED),
    (State.STOPPED, "RebootInstances", "IncorrectInstanceState"),
    (State.STOPPED, "TerminateInstances", State.SHUTTING_DOWN),
    (State.SHUTTING_DOWN, "StartInstances", "IncorrectInstanceState"),
    (State.SHUTTING_DOWN, "StopInstances", "IncorrectInstanceState"),
    (State.SHUTTING_DOWN, "TerminateInstances", State.SHUTTING_DOWN),
    (State.TERMINATED, "StartInstances", "IncorrectInstanceState"),
    (State.TERMINATED, "StopInstances", "IncorrectInstanceState"),
    (State.TERMINATED, "RebootInstances", "IncorrectInstanceState"),
    (State.TERMINATED, "TerminateInstances", State.TERMINATED),
]


@pytest.mark.parametrize(("state", "action", "outcome"), ROWS)
def test_life_cycle(ec2: Ec2, state: State, action: str, outcome: str) -> None:
    (instance_id,) = ec2.run()
    ec2.change(instance_id, state=state)
    if not isinstance(outcome, State):
        assert ec2.code(action, InstanceIds=[instance_id]) == outcome
        assert ec2.record(instance_id).state is state
        return
    answer = ec2.call(action, InstanceIds=[instance_id])
    assert ec2.record(instance_id).state is outcome
    if ACTIONS[action]:
        (change,) = answer[ACTIONS[action]]
        assert change["PreviousState"] == {"Code": state.code, "Name": state}
        assert change["CurrentState"] == {"Code": outcome.code, "Name": outcome}


def test_one_in_the_wrong_state_refuses_all(ec2: Ec2) -> None:
    good, bad = ec2.running(2)
    ec2.change(bad, state=State.TERMINATED)
    assert ec2.code("StopInstances", InstanceIds=[good, bad]) == "IncorrectInstanceState"
    assert ec2.record(good).state is State.RUNNING


def test_dry_run_changes_nothing(ec2: Ec2) -> None:
    ids = ec2.running()
    assert ec2.code("TerminateInstances", InstanceIds=ids, DryRun=True) == "DryRunOperation"
    assert ec2.record(ids[0]).state is State.RUNNING


def test_reboot_is_asked_for(ec2: Ec2) -> None:
    (instance_id,) = ec2.running()
    ec2.call("RebootInstances", InstanceIds=[instance_id])
    assert ec2.record(instance_id).reboot_requested


def test_stop_and_start_change_the_public_address_alone(ec2: Ec2) -> None:
    (instance_id,) = ec2.running()
    before = ec2.describe(instance_id)
    ec2.call("StopInstances", InstanceIds=[instance_id])
    ec2.happens(Event.HALTED, [instance_id])
    stopped = ec2.describe(instance_id)
    assert "PublicIpAddress" not in stopped
    assert stopped["StateReason"]["Code"] == USER_INITIATED.code
    assert re.fullmatch(r"User initiated \(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d GMT\)", stopped["StateTransitionReason"])
    ec2.clock.now += 60
    ec2.call("StartInstances", InstanceIds=[instance_id])
    after = ec2.describe(instance_id)
    assert after["PrivateIpAddress"] == before["PrivateIpAddress"]
    assert after["PublicIpAddress"] != before["PublicIpAddress"]
    assert after["LaunchTime"] > before["LaunchTime"]
    assert "StateReason" not in after


def test_a_terminated_instance_has_nothing_and_is_forgotten_after_an_hour(ec2: Ec2) -> None:
    (instance_id,) = ec2.running(ClientToken="token")
    ec2.call("TerminateInstances", InstanceIds=[instance_id])
    ec2.happens(Event.HALTED, [instance_id])
    shown = ec2.describe(instance_id)
    assert not {"PrivateIpAddress", "PublicIpAddress", "SubnetId", "VpcId"} & set(shown)
    assert (shown["NetworkInterfaces"], shown["BlockDeviceMappings"], shown["PrivateDnsName"]) == ([], [], "")
    ec2.clock.now += 3601
    assert ec2.code("DescribeInstances", InstanceIds=[instance_id]) == "InvalidInstanceID.NotFound"
    assert ec2.run(ClientToken="token") != [instance_id]


def test_termination_protection(ec2: Ec2) -> None:
    ids = ec2.running(2)
    ec2.call("ModifyInstanceAttribute", InstanceId=ids[0], DisableApiTermination={"Value": True})
    assert ec2.code("TerminateInstances", InstanceIds=ids) == "OperationNotPermitted"
    assert ec2.record(ids[1]).state is State.RUNNING
    ec2.call("ModifyInstanceAttribute", InstanceId=ids[0], Attribute="disableApiTermination", Value="false")
    ec2.call("TerminateInstances", InstanceIds=ids)


@pytest.mark.parametrize(
    ("ids", "code"),
    [
        (["i-x"], "InvalidInstanceID.Malformed"),
        (["i-0123456789abcdef0"], "InvalidInstanceID.NotFound"),
        (["i-0123456789abcdef0", "i-0123456789abcdef1"], "InvalidInstanceID.NotFound"),
    ],
)
@pytest.mark.parametrize("action", ["DescribeInstances", "DescribeInstanceStatus", *ACTIONS])
def test_ids_that_are_none(ec2: Ec2, action: str, ids: list[str], code: str) -> None:
    assert ec2.code(action, InstanceIds=ids) == code


def test_pages_count_instances_not_reservations(ec2: Ec2) -> None:
    ids = [*ec2.run(7), *ec2.run(4)]
    seen: list[str] = []
    token: dict[str, Any] = {}
    sizes = []
    while True:
        answer = ec2.call("DescribeInstances", MaxResults=5, **token)
        page = [each["InstanceId"] for reservation in answer["Reservations"] for each in reservation["Instances"]]
        sizes.append(len(page))
        seen += page
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert sizes == [5, 5, 1]
    assert sorted(seen) == sorted(ids)


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"MaxResults": 4}, "InvalidParameterValue"),
        ({"NextToken": "bogus"}, "InvalidNextToken"),
        ({"Filters": [{"Name": "bogus", "Values": ["x"]}]}, "InvalidParameterValue"),
    ],
)
def test_bad_describes(ec2: Ec2, params: dict[str, Any], code: str) -> None:
    assert ec2.code("DescribeInstances", **params) == code


def test_ids_and_pages_exclude_each_other(ec2: Ec2) -> None:
    assert ec2.code("DescribeInstances", InstanceIds=ec2.run(), MaxResults=5) == "InvalidParameterCombination"


@pytest.mark.parametrize("action", BY_ACTION)
def test_every_documented_filter_is_known(action: str) -> None:
    documentation = protocol.documentation(action, "Filters")
    documented = set(re.findall(r"<code>([a-z0-9.-]+)</code>\s*[-:]", documentation))
    values = {"informational", "low", "medium", "high", "critical"}  # of one filter, written as if they were filters
    assert documented - {"tag-key", "tag", *values} == set(BY_ACTION[action])


def test_a_filter_that_matches_finds_the_instance(ec2: Ec2) -> None:
    tags = [{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "one"}]}]
    (wanted,) = ec2.running(ClientToken="mine", TagSpecifications=tags, InstanceMarketOptions={"MarketType": "spot"})
    ec2.run(InstanceType="t3.large")
    shown = ec2.describe(wanted)
    rows = {
        "client-token": "mine",
        "instance-lifecycle": "spot",
        "instance-state-name": "running",
        "instance-state-code": "16",
        "instance-type": "t3.m*",
        "spot-instance-request-id": shown["SpotInstanceRequestId"],
        "network-interface.addresses.private-ip-address": shown["PrivateIpAddress"],
        "network-interface.network-interface-id": shown["NetworkInterfaces"][0]["NetworkInterfaceId"],
        "ip-address": shown["PublicIpAddress"],
        "private-dns-name": shown["PrivateDnsName"],
        "reservation-id": ec2.record(wanted).reservation_id,
        "block-device-mapping.volume-id": ec2.record(wanted).volume_id,
        "tag:Name": "one",
        "tag-key": "N?me",
    }
    for name, value in rows.items():
        answer = ec2.call("DescribeInstances", Filters=[{"Name": name, "Values": [value]}])
        found = [each["InstanceId"] for reservation in answer["Reservations"] for each in reservation["Instances"]]
        assert found == [wanted], name


def test_launch_time_by_wildcard(ec2: Ec2) -> None:
    first = ec2.run()
    ec2.clock.now += 86400
    ec2.run()
    answer = ec2.call("DescribeInstances", Filters=[{"Name": "launch-time", "Values": ["2027-01-15T*"]}])
    assert [each["Instances"][0]["InstanceId"] for each in answer["Reservations"]] == first


def test_status_is_initializing_until_the_instance_has_come_up(ec2: Ec2) -> None:
    (instance_id,) = ec2.run()
    assert ec2.call("DescribeInstanceStatus")["InstanceStatuses"] == []
    (pending,) = ec2.call("DescribeInstanceStatus", IncludeAllInstances=True)["InstanceStatuses"]
    ec2.happens(Event.BOOTED, [instance_id])
    (booting,) = ec2.call("DescribeInstanceStatus")["InstanceStatuses"]
    ec2.change(instance_id, booted_ok=True)
    (up,) = ec2.call("DescribeInstanceStatus", InstanceIds=[instance_id])["InstanceStatuses"]
    assert [each["InstanceStatus"]["Status"] for each in (pending, booting, up)] == [
        "not-applicable",
        "initializing",
        "ok",
    ]
    assert up["InstanceState"]["Name"] == "running"


def test_metadata_options_keep_what_is_not_named(ec2: Ec2) -> None:
    (instance_id,) = ec2.running(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 3})
    answer = ec2.call("ModifyInstanceMetadataOptions", InstanceId=instance_id, InstanceMetadataTags="enabled")
    assert answer["InstanceMetadataOptions"]["HttpTokens"] == "required"
    expected = MetadataOptions(http_tokens="required", hop_limit=3, instance_tags="enabled")
    assert ec2.record(instance_id).metadata == expected


@pytest.mark.parametrize(
    ("attribute", "shown"),
    [
        ("instanceType", {"InstanceType": {"Value": "t3.medium"}}),
        ("userData", {"UserData": {"Value": "aGk="}}),
        ("disableApiTermination", {"DisableApiTermination": {"Value": False}}),
        ("instanceInitiatedShutdownBehavior", {"InstanceInitiatedShutdownBehavior": {"Value": "stop"}}),
        ("rootDeviceName", {"RootDeviceName": {"Value": "/dev/xvda"}}),
    ],
)
def test_attributes(ec2: Ec2, attribute: str, shown: dict[str, Any]) -> None:
    (instance_id,) = ec2.run(UserData="aGk=")
    answer = ec2.call("DescribeInstanceAttribute", InstanceId=instance_id, Attribute=attribute)
    assert {**shown, "InstanceId": instance_id}.items() <= answer.items()


def test_changed_attributes(ec2: Ec2) -> None:
    (instance_id,) = ec2.running()
    group = ec2.call("CreateSecurityGroup", GroupName="own", Description="own")["GroupId"]
    ec2.call("ModifyInstanceAttribute", InstanceId=instance_id, Groups=[group])
    ec2.call(
        "ModifyInstanceAttribute", InstanceId=instance_id, InstanceInitiatedShutdownBehavior={"Value": "terminate"}
    )
    assert ec2.code("ModifyInstanceAttribute", InstanceId=instance_id, UserData={"Value": b"new"}) == (
        "IncorrectInstanceState"
    )
    ec2.change(instance_id, state=State.STOPPED)
    ec2.call("ModifyInstanceAttribute", InstanceId=instance_id, UserData={"Value": b"new"})
    ec2.call("ModifyInstanceAttribute", InstanceId=instance_id, InstanceType={"Value": "c7i.xlarge"})
    record = ec2.record(instance_id)
    assert (record.group_ids, record.shutdown_behavior) == ((group,), "terminate")
    assert (record.user_data, record.vcpus) == (base64.b64encode(b"new").decode(), 4)


def test_console_is_the_real_one(ec2: Ec2) -> None:
    (instance_id,) = ec2.run()
    output = ec2.call("GetConsoleOutput", InstanceId=instance_id)["Output"]
    assert base64.b64decode(output).decode() == f"console of {instance_id}"


def test_volume_and_interface_are_shown(ec2: Ec2) -> None:
    tags = [
        {"ResourceType": "volume", "Tags": [{"Key": "of", "Value": "volume"}]},
        {"ResourceType": "network-interface", "Tags": [{"Key": "of", "Value": "interface"}]},
    ]
    (instance_id,) = ec2.running(TagSpecifications=tags)
    theirs = ec2.call("CreateVolume", AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    mine = ec2.record(instance_id).volume_id
    both = ec2.call("DescribeVolumes", VolumeIds=[mine, theirs])["Volumes"]
    assert {each["VolumeId"] for each in both} == {mine, theirs}
    by_instance = [{"Name": "attachment.instance-id", "Values": [instance_id]}]
    (volume,) = ec2.call("DescribeVolumes", Filters=by_instance)["Volumes"]
    (interface,) = ec2.call("DescribeNetworkInterfaces", Filters=by_instance)["NetworkInterfaces"]
    assert volume["Tags"] == [{"Key": "of", "Value": "volume"}]
    assert interface["TagSet"] == [{"Key": "of", "Value": "interface"}]
    assert interface["NetworkInterfaceId"] == ec2.record(instance_id).interface_id


def test_a_group_in_use_stays(ec2: Ec2) -> None:
    group = ec2.call("CreateSecurityGroup", GroupName="own", Description="own")["GroupId"]
    other = ec2.call("CreateSecurityGroup", GroupName="other", Description="other")["GroupId"]
    from_group = [{"IpProtocol": "tcp", "FromPort": 1, "ToPort": 2, "UserIdGroupPairs": [{"GroupId": group}]}]
    ec2.call("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=from_group)  # itself: no hindrance
    ec2.call("AuthorizeSecurityGroupIngress", GroupId=other, IpPermissions=from_group)
    ids = ec2.running(SecurityGroupIds=[group])
    assert ec2.code("DeleteSecurityGroup", GroupId=group) == "DependencyViolation"
    ec2.call("TerminateInstances", InstanceIds=ids)
    ec2.happens(Event.HALTED, ids)
    assert ec2.code("DeleteSecurityGroup", GroupId=group) == "DependencyViolation"
    ec2.call("DeleteSecurityGroup", GroupId=other)
    ec2.call("DeleteSecurityGroup", GroupId=group)
    assert ec2.code("DeleteSecurityGroup", GroupId=group) == "InvalidGroup.NotFound"


def test_lists_from_zero_as_htcondor_sends_them(ec2: Ec2) -> None:
    first, second = ec2.running(2)
    form = {"Action": "TerminateInstances", "Version": "2016-11-15", "InstanceId.0": first, "InstanceId.1": second}
    answer = ec2.post(form, region="172", service="31")
    assert answer.status_code == 200
    assert {each.state for each in ec2.world.all(Instance)} == {State.SHUTTING_DOWN}
