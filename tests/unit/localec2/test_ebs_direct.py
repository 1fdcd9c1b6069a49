"""Snapshots that a client writes block by block, and the image that is registered from one."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from localec2_client import SCOPE, Ec2

from localec2.blocks import BLOCK_BYTES
from localec2.config import Config
from localec2.world import World

ZEROS, ONES = bytes(BLOCK_BYTES), b"\1" * BLOCK_BYTES
TAGS = [{"Key": "of", "Value": "disk"}]
REGISTERED = {
    "Name": "disk",
    "Architecture": "x86_64",
    "RootDeviceName": "/dev/xvda",
    "VirtualizationType": "hvm",
    "EnaSupport": True,
    "BootMode": "uefi",
    "ImdsSupport": "v2.0",
}


@pytest.fixture
def ec2(tmp_path: Path) -> Iterator[Ec2]:
    world = World(":memory:")
    yield Ec2(world=world, config=Config(state_dir=tmp_path, port=5950))
    world.close()


def ask(ec2: Ec2, method: str, path: str, *, body: Any = None, **headers: str) -> Any:
    data = json.dumps(body).encode() if isinstance(body, dict) else body
    sent = {"Authorization": SCOPE.format(region="us-east-1", service="ebs")}
    sent |= {f"x-amz-{name.replace('_', '-')}": value for name, value in headers.items()}
    return ec2.http.open(path, method=method, data=data, headers=sent)


def start(ec2: Ec2, **more: Any) -> str:
    answer = ask(ec2, "POST", "/snapshots", body={"VolumeSize": 1, "Description": "a disk", "Tags": TAGS, **more})
    assert answer.status_code == 201, answer.json
    assert answer.json["BlockSize"] == BLOCK_BYTES
    return str(answer.json["SnapshotId"])


def put(ec2: Ec2, snapshot_id: str, index: int, data: bytes, checksum: str = "") -> Any:
    return ask(
        ec2,
        "PUT",
        f"/snapshots/{snapshot_id}/blocks/{index}",
        body=data,
        Data_Length=str(len(data)),
        Checksum=checksum or base64.b64encode(hashlib.sha256(data).digest()).decode(),
        Checksum_Algorithm="SHA256",
    )


def complete(ec2: Ec2, snapshot_id: str, count: int) -> Any:
    return ask(ec2, "POST", f"/snapshots/completion/{snapshot_id}", ChangedBlocksCount=str(count))


def state(ec2: Ec2, snapshot_id: str) -> str:
    return str(ec2.call("DescribeSnapshots", SnapshotIds=[snapshot_id])["Snapshots"][0]["State"])


def mapped(snapshot_id: str) -> list[dict[str, Any]]:
    return [{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": snapshot_id}}]


def test_written_completed_and_read_back(ec2: Ec2) -> None:
    snapshot = start(ec2)
    for index, data in ((0, ONES), (7, ONES), (7, ZEROS)):
        assert put(ec2, snapshot, index, data).status_code == 201
    assert state(ec2, snapshot) == "pending"
    assert complete(ec2, snapshot, 3).json["Message"] == f"{snapshot} has 2 blocks"
    assert complete(ec2, snapshot, 2).status_code == 202
    assert state(ec2, snapshot) == "completed"
    listed = ask(ec2, "GET", f"/snapshots/{snapshot}/blocks").json["Blocks"]
    assert [each["BlockIndex"] for each in listed] == [0, 7]
    read = ask(ec2, "GET", f"/snapshots/{snapshot}/blocks/7?blockToken={listed[1]['BlockToken']}")
    assert read.data == ZEROS
    assert put(ec2, snapshot, 1, ONES).status_code == 409


def test_a_token_starts_one_snapshot(ec2: Ec2) -> None:
    first = start(ec2, ClientToken="t")
    assert start(ec2, ClientToken="t") == first
    again = ask(ec2, "POST", "/snapshots", body={"VolumeSize": 2, "ClientToken": "t"})
    assert (again.status_code, again.headers["x-amzn-ErrorType"]) == (409, "ConflictException")


@pytest.mark.parametrize(
    ("index", "data", "checksum"), [(2048, ONES, ""), (0, b"short", ""), (0, ONES, "bm90IHRoaXMgb25l")]
)
def test_blocks_that_are_none(ec2: Ec2, index: int, data: bytes, checksum: str) -> None:
    answer = put(ec2, start(ec2), index, data, checksum)
    assert (answer.status_code, answer.headers["x-amzn-ErrorType"]) == (400, "ValidationException")


def test_a_fault_meets_one_block(ec2: Ec2) -> None:
    snapshot = start(ec2)
    ec2.control("faults", [{"action": "PutSnapshotBlock", "code": "RequestThrottledException", "status": 400}])
    assert put(ec2, snapshot, 0, ONES).headers["x-amzn-ErrorType"] == "RequestThrottledException"
    assert put(ec2, snapshot, 0, ONES).status_code == 201


def test_registered_described_and_removed(ec2: Ec2) -> None:
    snapshot = start(ec2)
    image_tags = [{"ResourceType": "image", "Tags": TAGS}]
    register = {**REGISTERED, "BlockDeviceMappings": mapped(snapshot), "TagSpecifications": image_tags}
    assert ec2.code("RegisterImage", **register) == "IncorrectState"
    complete(ec2, snapshot, 0)
    image = ec2.call("RegisterImage", **register)["ImageId"]
    (shown,) = ec2.call("DescribeImages", ImageIds=[image])["Images"]
    assert (shown["State"], shown["BootMode"], shown["ImdsSupport"], shown["Tags"]) == (
        "available",
        "uefi",
        "v2.0",
        TAGS,
    )
    assert shown["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"] == snapshot
    assert len(ec2.call("DescribeSnapshots", SnapshotIds=[snapshot])["Snapshots"]) == 1
    assert ec2.code("RegisterImage", **register) == "InvalidAMIName.Duplicate"
    assert ec2.code("RunInstances", ImageId=image, MinCount=1, MaxCount=1) == "UnsupportedOperation"
    assert ec2.code("DeleteSnapshot", SnapshotId=snapshot) == "InvalidSnapshot.InUse"
    ec2.call("DeregisterImage", ImageId=image)
    ec2.call("DeleteSnapshot", SnapshotId=snapshot)
    assert ec2.code("DescribeSnapshots", SnapshotIds=[snapshot]) == "InvalidSnapshot.NotFound"


def test_the_snapshots_tags_are_its_own(ec2: Ec2) -> None:
    snapshot = start(ec2)
    complete(ec2, snapshot, 0)
    ec2.call("RegisterImage", **REGISTERED, BlockDeviceMappings=mapped(snapshot))
    ec2.call("CreateTags", Resources=[snapshot], Tags=[{"Key": "more", "Value": "1"}])
    tags = ec2.call("DescribeSnapshots", SnapshotIds=[snapshot])["Snapshots"][0]["Tags"]
    assert {each["Key"] for each in tags} == {"of", "more"}


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"BlockDeviceMappings": []}, "MissingParameter"),
        ({"BlockDeviceMappings": mapped("snap-0123456789abcdef0")}, "InvalidSnapshot.NotFound"),
        ({"VirtualizationType": "paravirtual"}, "UnsupportedOperation"),
        ({"Architecture": "vax"}, "InvalidParameterValue"),
    ],
)
def test_not_registered(ec2: Ec2, changed: dict[str, Any], code: str) -> None:
    snapshot = start(ec2)
    complete(ec2, snapshot, 0)
    given = {**REGISTERED, "BlockDeviceMappings": mapped(snapshot), **changed}

    assert ec2.code("RegisterImage", **given) == code
