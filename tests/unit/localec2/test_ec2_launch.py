"""RunInstances: what is asked for is checked, and all of it is honoured."""

import base64
from pathlib import Path
from typing import Any

import pytest
from localec2_client import Ec2

from localec2.config import Config
from localec2.model import MetadataOptions
from localec2.world import World

TEMPLATE = {
    "InstanceType": "c7i.large",
    "KeyName": "key",
    "UserData": base64.b64encode(b"#!/bin/sh\n").decode(),
    "IamInstanceProfile": {"Name": "worker"},
    "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 2, "InstanceMetadataTags": "enabled"},
    "InstanceInitiatedShutdownBehavior": "terminate",
    "DisableApiTermination": True,
    "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "template"}]}],
}


@pytest.fixture
def prepared(ec2: Ec2) -> Ec2:
    ec2.call("CreateKeyPair", KeyName="key")
    for action, named in (
        ("CreateInstanceProfile", {"InstanceProfileName": "worker"}),
        ("CreateRole", {"RoleName": "worker", "AssumeRolePolicyDocument": "{}"}),
        ("AddRoleToInstanceProfile", {"InstanceProfileName": "worker", "RoleName": "worker"}),
    ):
        answer = ec2.post({"Action": action, "Version": "2010-05-08", **named}, service="iam")
        assert answer.status_code == 200, answer.data
    return ec2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ImageId": "ami-0123456789abcdef0"}, "InvalidAMIID.NotFound"),
        ({"ImageId": "debian"}, "InvalidAMIID.Malformed"),
        ({"InstanceType": "t3.tiny"}, "InvalidParameterValue"),
        ({"KeyName": "absent"}, "InvalidKeyPair.NotFound"),
        ({"SecurityGroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ({"SecurityGroups": ["absent"]}, "InvalidGroup.NotFound"),
        ({"SubnetId": "subnet-0123456789abcdef0"}, "InvalidSubnetID.NotFound"),
        ({"Placement": {"AvailabilityZone": "us-east-1z"}}, "InvalidParameterValue"),
        ({"IamInstanceProfile": {"Name": "absent"}}, "InvalidParameterValue"),
        ({"LaunchTemplate": {"LaunchTemplateName": "absent"}}, "InvalidLaunchTemplateName.NotFoundException"),
        ({"UserData": base64.b64encode(b"x" * 16385).decode()}, "InvalidParameterValue"),
        ({"UserData": "no base64!"}, "InvalidParameterValue"),
        ({"InstanceInitiatedShutdownBehavior": "explode"}, "InvalidParameterValue"),
        ({"MetadataOptions": {"HttpTokens": "maybe"}}, "InvalidParameterValue"),
        ({"MetadataOptions": {"HttpPutResponseHopLimit": 65}}, "InvalidParameterValue"),
        ({"MinCount": 0}, "InvalidParameterValue"),
        ({"MinCount": 3, "MaxCount": 2}, "InvalidParameterValue"),
        ({"DryRun": True}, "DryRunOperation"),
        ({"DryRun": True, "KeyName": "absent"}, "InvalidKeyPair.NotFound"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0}], "SubnetId": "subnet-1"}, "InvalidParameterCombination"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0}], "SecurityGroupIds": ["sg-1"]}, "InvalidParameterCombination"),
        ({"NetworkInterfaces": [{"DeviceIndex": 0}, {"DeviceIndex": 1}]}, "AttachmentLimitExceeded"),
        ({"TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "aws:x"}]}]}, "InvalidParameterValue"),
    ],
)
def test_a_bad_launch_launches_nothing(ec2: Ec2, changes: dict[str, Any], code: str) -> None:
    asked = {"ImageId": ec2.image(), "InstanceType": "t3.medium", "MinCount": 1, "MaxCount": 1, **changes}
    assert ec2.code("RunInstances", **asked) == code
    assert ec2.call("DescribeInstances")["Reservations"] == []


def test_user_data_of_exactly_the_limit(ec2: Ec2) -> None:
    assert len(ec2.run(UserData=base64.b64encode(b"x" * 16384).decode())) == 1


def test_without_anything_said_the_default_subnet_and_group(ec2: Ec2) -> None:
    (instance_id,) = ec2.run()
    shown = ec2.describe(instance_id)
    assert shown["State"] == {"Code": 0, "Name": "pending"}
    assert shown["Placement"]["AvailabilityZone"] == "us-east-1a"
    assert shown["PrivateIpAddress"].startswith("172.31.")
    assert shown["PublicIpAddress"].startswith("198.18.")
    assert shown["SecurityGroups"][0]["GroupName"] == "default"
    assert shown["PrivateDnsName"] == f"ip-{shown['PrivateIpAddress'].replace('.', '-')}.ec2.internal"
    (interface,) = shown["NetworkInterfaces"]
    assert interface["Groups"] == shown["SecurityGroups"]


def test_the_zone_decides_the_subnet(ec2: Ec2) -> None:
    (instance_id,) = ec2.run(Placement={"AvailabilityZone": "us-east-1c"})
    shown = ec2.describe(instance_id)
    (subnet,) = ec2.call("DescribeSubnets", SubnetIds=[shown["SubnetId"]])["Subnets"]
    assert (subnet["AvailabilityZone"], subnet["DefaultForAz"]) == ("us-east-1c", True)


def test_addresses_and_ids_are_distinct(ec2: Ec2) -> None:
    records = [ec2.record(each) for each in ec2.run(400)]  # so many that chance alone would repeat an address
    for name in ("id", "private_ip", "public_ip", "mac", "interface_id", "volume_id", "launch_index"):
        assert len({getattr(each, name) for each in records}) == 400, name
    assert len({each.reservation_id for each in records}) == 1


def test_no_public_address_when_not_wanted(ec2: Ec2) -> None:
    group = ec2.call("CreateSecurityGroup", GroupName="own", Description="own")["GroupId"]
    interface = {"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": [group]}
    (instance_id,) = ec2.run(NetworkInterfaces=[interface])
    shown = ec2.describe(instance_id)
    assert "PublicIpAddress" not in shown
    assert [each["GroupId"] for each in shown["SecurityGroups"]] == [group]


def test_a_launch_template_is_honoured_to_the_last_field(prepared: Ec2) -> None:
    data = {**TEMPLATE, "ImageId": prepared.image()}
    prepared.call("CreateLaunchTemplate", LaunchTemplateName="worker", LaunchTemplateData=data)
    template = {"LaunchTemplateName": "worker"}
    answer = prepared.call("RunInstances", LaunchTemplate=template, MinCount=2, MaxCount=2)
    for shown in answer["Instances"]:
        record = prepared.record(shown["InstanceId"])
        assert (record.instance_type, record.vcpus, record.memory_mib) == ("c7i.large", 2, 4096)
        assert record.public_key is not None
        assert record.public_key.startswith("ssh-rsa ")
        assert record.user_data == data["UserData"]
        assert record.metadata == MetadataOptions(http_tokens="required", hop_limit=2, instance_tags="enabled")
        assert (record.shutdown_behavior, record.termination_protected) == ("terminate", True)
        assert record.profile_arn == "arn:aws:iam::000000000000:instance-profile/worker"
        assert record.tags == {"a": "template"}


def test_the_call_is_above_its_template(prepared: Ec2) -> None:
    data = {**TEMPLATE, "ImageId": prepared.image()}
    prepared.call("CreateLaunchTemplate", LaunchTemplateName="worker", LaunchTemplateData=data)
    own = [{"ResourceType": "instance", "Tags": [{"Key": "b", "Value": "own"}]}]
    (instance_id,) = prepared.run(
        LaunchTemplate={"LaunchTemplateName": "worker"}, InstanceType="t3.micro", TagSpecifications=own
    )
    record = prepared.record(instance_id)
    assert (record.instance_type, record.tags) == ("t3.micro", {"a": "template", "b": "own"})


def test_the_same_token_is_the_same_launch(ec2: Ec2) -> None:
    first = ec2.run(2, ClientToken="once")
    assert ec2.run(2, ClientToken="once") == first
    asked = {"ImageId": ec2.image(), "InstanceType": "t3.medium", "MinCount": 1, "MaxCount": 2}
    assert ec2.code("RunInstances", **asked, ClientToken="once") == "IdempotentParameterMismatch"
    ec2.call("TerminateInstances", InstanceIds=first)
    asked["MinCount"] = 2
    assert ec2.code("RunInstances", **asked, ClientToken="once") == "IdempotentInstanceTerminated"
    assert len(ec2.world.all(type(ec2.record(first[0])))) == 2


@pytest.mark.parametrize(
    ("capacity", "least", "most", "launched"),
    [({"t3.medium": 3}, 1, 5, 3), ({"t3.medium": 3}, 3, 3, 3), ({"t3.large": 0}, 2, 2, 2), ({"*": 1}, 1, 2, 1)],
)
def test_as_many_as_there_is_capacity_for(
    ec2: Ec2, capacity: dict[str, int], least: int, most: int, launched: int
) -> None:
    ec2.control("capacity", capacity)
    assert len(ec2.run(MinCount=least, MaxCount=most)) == launched


def test_fewer_than_asked_for_is_no_launch(ec2: Ec2) -> None:
    ec2.control("capacity", {"t3.medium": 3})
    asked = {"ImageId": ec2.image(), "InstanceType": "t3.medium", "MinCount": 4, "MaxCount": 5}
    assert ec2.code("RunInstances", **asked) == "InsufficientInstanceCapacity"
    assert ec2.call("DescribeInstances")["Reservations"] == []


def test_spot_by_market_options(ec2: Ec2) -> None:
    tags = [{"ResourceType": "spot-instances-request", "Tags": [{"Key": "a", "Value": "b"}]}]
    market = {"MarketType": "spot", "SpotOptions": {"MaxPrice": "0.05"}}
    (instance_id,) = ec2.run(InstanceMarketOptions=market, TagSpecifications=tags)
    shown = ec2.describe(instance_id)
    (request,) = ec2.call("DescribeSpotInstanceRequests")["SpotInstanceRequests"]
    assert shown["InstanceLifecycle"] == "spot"
    assert shown["SpotInstanceRequestId"] == request["SpotInstanceRequestId"]
    assert (request["State"], request["SpotPrice"], request["InstanceId"]) == ("active", "0.05", instance_id)
    assert request["Tags"] == [{"Key": "a", "Value": "b"}]


def test_another_region_has_its_own_zones_and_names() -> None:
    world = World(":memory:")
    ec2 = Ec2(world=world, config=Config(state_dir=Path("/nowhere"), port=5950, region="eu-central-1"))
    shown = ec2.describe(*ec2.run())
    assert shown["Placement"]["AvailabilityZone"] == "eu-central-1a"
    assert shown["PrivateDnsName"].endswith(".eu-central-1.compute.internal")
    assert shown["PublicDnsName"].endswith(".eu-central-1.compute.amazonaws.com")
    world.close()
