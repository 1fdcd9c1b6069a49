"""Images and their snapshots."""

from dataclasses import replace
from typing import Any

import pytest
from localec2_client import Ec2

from localec2 import devices
from localec2.lifecycle import State
from localec2.model import Image


def test_an_image_is_pending_until_it_has_been_committed(ec2: Ec2) -> None:
    (instance_id,) = ec2.running()
    tags = [
        {"ResourceType": "image", "Tags": [{"Key": "of", "Value": "image"}]},
        {"ResourceType": "snapshot", "Tags": [{"Key": "of", "Value": "snapshot"}]},
    ]
    image_id = ec2.call("CreateImage", InstanceId=instance_id, Name="mine", NoReboot=True, TagSpecifications=tags)[
        "ImageId"
    ]
    (shown,) = ec2.call("DescribeImages", ImageIds=[image_id])["Images"]
    assert (shown["State"], shown["Name"], shown["SourceInstanceId"]) == ("pending", "mine", instance_id)
    assert shown["Tags"] == [{"Key": "of", "Value": "image"}]
    assert ec2.code("RunInstances", ImageId=image_id, MinCount=1, MaxCount=1) == "InvalidAMIID.Unavailable"
    record = ec2.world.get(Image, image_id)
    assert record is not None
    assert (record.source_instance_id, record.no_reboot) == (instance_id, True)
    ec2.world.put(replace(record, state="available", engine_ref="localhost/x"))
    assert ec2.run(ImageId=image_id)
    (snapshot,) = ec2.call("DescribeSnapshots", SnapshotIds=[record.snapshot_id])["Snapshots"]
    assert (snapshot["State"], snapshot["Tags"]) == ("completed", [{"Key": "of", "Value": "snapshot"}])


@pytest.mark.parametrize("state", [State.PENDING, State.STOPPING, State.SHUTTING_DOWN, State.TERMINATED])
def test_no_image_of_what_neither_runs_nor_is_stopped(ec2: Ec2, state: State) -> None:
    (instance_id,) = ec2.run()
    ec2.change(instance_id, state=state)
    assert ec2.code("CreateImage", InstanceId=instance_id, Name="mine") == "IncorrectState"


def test_a_name_is_given_once(ec2: Ec2) -> None:
    (instance_id,) = ec2.running()
    image_id = ec2.call("CreateImage", InstanceId=instance_id, Name="mine")["ImageId"]
    assert ec2.code("CreateImage", InstanceId=instance_id, Name="mine") == "InvalidAMIName.Duplicate"
    ec2.call("DeregisterImage", ImageId=image_id)
    assert ec2.call("CreateImage", InstanceId=instance_id, Name="mine")["ImageId"] != image_id


def test_deregistered_and_deleted(ec2: Ec2) -> None:
    image_id = ec2.image()
    record = ec2.world.get(Image, image_id)
    assert record is not None
    assert ec2.code("DeleteSnapshot", SnapshotId=record.snapshot_id) == "InvalidSnapshot.InUse"
    ec2.call("DeregisterImage", ImageId=image_id)
    assert ec2.code("DescribeImages", ImageIds=[image_id]) == "InvalidAMIID.NotFound"
    assert ec2.code("DeregisterImage", ImageId=image_id) == "InvalidAMIID.NotFound"
    ec2.call("DeleteSnapshot", SnapshotId=record.snapshot_id)
    assert ec2.code("DescribeSnapshots", SnapshotIds=[record.snapshot_id]) == "InvalidSnapshot.NotFound"
    assert ec2.code("DeleteSnapshot", SnapshotId=record.snapshot_id) == "InvalidSnapshot.NotFound"
    assert ec2.call("DescribeSnapshots")["Snapshots"] == []


@pytest.mark.parametrize(
    ("params", "names"),
    [
        ({}, ["a1", "a2", "b1"]),
        ({"Owners": ["self"]}, ["a1", "a2", "b1"]),
        ({"Owners": ["000000000000"]}, ["a1", "a2", "b1"]),
        ({"Owners": ["amazon"]}, []),
        ({"Filters": [{"Name": "name", "Values": ["a*"]}]}, ["a1", "a2"]),
        ({"Filters": [{"Name": "state", "Values": ["pending"]}]}, []),
        ({"Filters": [{"Name": "is-public", "Values": ["false"]}]}, ["a1", "a2", "b1"]),
    ],
)
def test_which_images_are_shown(ec2: Ec2, params: dict[str, Any], names: list[str]) -> None:
    for name in ("b1", "a2", "a1"):
        ec2.image(name)
    assert sorted(each["Name"] for each in ec2.call("DescribeImages", **params)["Images"]) == names


def test_images_come_in_pages(ec2: Ec2) -> None:
    wanted = {ec2.image(f"image{number}") for number in range(5)}
    first = ec2.call("DescribeImages", MaxResults=3)
    second = ec2.call("DescribeImages", MaxResults=3, NextToken=first["NextToken"])
    assert {each["ImageId"] for page in (first, second) for each in page["Images"]} == wanted
    assert "NextToken" not in second


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ImageIds": ["x"]}, "InvalidAMIID.Malformed"),
        ({"ImageIds": ["ami-0123456789abcdef0"]}, "InvalidAMIID.NotFound"),
        ({"Filters": [{"Name": "bogus", "Values": ["x"]}]}, "InvalidParameterValue"),
    ],
)
def test_bad_describes(ec2: Ec2, params: dict[str, Any], code: str) -> None:
    assert ec2.code("DescribeImages", **params) == code


@pytest.mark.parametrize(
    ("tags", "flags"),
    [
        ({}, []),
        ({"localec2:fuse": "no"}, []),
        ({"localec2:fuse": "yes"}, ["--device", "/dev/fuse", "--cap-add", "SYS_ADMIN"]),
        ({"localec2:tun": "yes"}, ["--device", "/dev/net/tun"]),
    ],
)
def test_what_an_image_that_needs_devices_asks_for(ec2: Ec2, tags: dict[str, str], flags: list[str]) -> None:
    image = ec2.world.get(Image, ec2.image())
    assert image is not None
    assert devices.flags(replace(image, tags=tags)) == flags


def test_what_is_made_of_such_an_instance_asks_for_the_same(ec2: Ec2) -> None:
    (instance_id,) = ec2.running()
    base = ec2.record(instance_id).image_id
    ec2.call("CreateTags", Resources=[base], Tags=[{"Key": devices.FUSE.tag, "Value": "yes"}])
    image_id = ec2.call("CreateImage", InstanceId=instance_id, Name="mine")["ImageId"]
    made = ec2.world.get(Image, image_id)
    assert made is not None
    assert list(devices.wanted(made)) == [devices.FUSE]


@pytest.mark.parametrize(
    ("is_plain_user", "has_device", "said"),
    [(False, True, None), (False, False, "modprobe fuse"), (True, True, "as root"), (True, False, "as root")],
)
def test_where_such_an_instance_cannot_be(is_plain_user: bool, has_device: bool, said: str | None) -> None:
    reason = devices.FUSE.obstacle(is_plain_user=is_plain_user, has_device=has_device)
    assert (reason is None) == (said is None)
    assert said is None or said in (reason or "")
