"""A disk of this machine becomes an image, without an instance: what EBS has afterwards is the disk, bit by bit."""

import json
import os
import signal
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import boto3
import pytest
from own_service import Localec2Service
from roost_cli import Roost

pytestmark = pytest.mark.local

MIB = 2**20
BLOCK = 512 * 1024


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    """A file system with files on it, in a file that is mostly holes."""
    files = tmp_path / "files"
    files.mkdir()
    (files / "random").write_bytes(os.urandom(9 * MIB + 4321))
    (files / "text").write_text("of the disk\n")
    raw = tmp_path / "disk.raw"
    with raw.open("wb") as file:
        file.truncate(300 * MIB + 1024)
    mke2fs = ["/usr/sbin/mke2fs", "-q", "-t", "ext4", "-d", str(files), str(raw), "300M"]
    subprocess.run(mke2fs, check=True, timeout=120)
    return raw


def client(roost: Roost, name: str) -> Any:
    maker: Any = boto3.client
    return maker(
        name,
        endpoint_url=roost.service.endpoint_url,
        region_name=roost.service.region,
        aws_access_key_id="reads-what-was-written",
        aws_secret_access_key="any-secret-is-accepted",
    )


def read_back(roost: Roost, snapshot: str) -> dict[int, bytes]:
    """What is on the volume that an instance would get; the rest of it is zeros."""
    ebs = client(roost, "ebs")
    listed = ebs.list_snapshot_blocks(SnapshotId=snapshot)
    assert listed["VolumeSize"] == 1
    return {
        each["BlockIndex"]: ebs.get_snapshot_block(SnapshotId=snapshot, **each)["BlockData"].read()
        for each in listed["Blocks"]
    }


def snapshots(roost: Roost) -> dict[str, str]:
    ours = [{"Name": "tag-key", "Values": ["roost:disk"]}]
    found = client(roost, "ec2").describe_snapshots(OwnerIds=["self"], Filters=ours)["Snapshots"]
    return {each["SnapshotId"]: each["State"] for each in found}


def faults(roost: Roost, *these: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"{roost.service.endpoint_url}/_localec2/faults", data=json.dumps(these).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def test_uploaded_registered_read_back_and_removed(roost: Roost, disk: Path) -> None:
    faults(roost, {"action": "PutSnapshotBlock", "code": "RequestThrottledException", "status": 400, "count": 3})
    done = roost("image", "register", str(disk), "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["is_new"]
    assert "EC2 boots no such disk" in done.stderr, "it has no partition table"
    ec2 = client(roost, "ec2")
    (image,) = ec2.describe_images(ImageIds=[said["image_id"]])["Images"]
    assert (image["BootMode"], image["ImdsSupport"], image["EnaSupport"]) == ("uefi", "v2.0", True)
    snapshot = image["BlockDeviceMappings"][0]["Ebs"]["SnapshotId"]
    (described,) = ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"]
    for tagged in (image, described):
        tags = {tag["Key"]: tag["Value"] for tag in tagged["Tags"]}
        assert (tags["roost:pool"], tags["roost:recipe"]) == ("roost", "by-hand")

    zeros, written = bytes(BLOCK), disk.read_bytes()
    blocks = {at // BLOCK: written[at : at + BLOCK].ljust(BLOCK, b"\0") for at in range(0, len(written), BLOCK)}
    assert read_back(roost, snapshot) == {index: block for index, block in blocks.items() if block != zeros}

    again = roost("image", "register", str(disk), "--json")
    assert json.loads(again.stdout)["image_id"] == said["image_id"]
    assert not json.loads(again.stdout)["is_new"]
    assert said["image_id"] in roost("image", "ls").stdout
    with pytest.raises(ec2.exceptions.ClientError, match=r"UnsupportedOperation.* is a disk"):
        ec2.run_instances(ImageId=said["image_id"], InstanceType="t3.medium", MinCount=1, MaxCount=1)
    removed = roost("image", "rm", said["image_id"])
    assert removed.returncode == 0, removed.stderr
    assert snapshots(roost) == {}


def test_killed_and_begun_anew(roost: Roost, disk: Path) -> None:
    faults(roost, {"action": "PutSnapshotBlock", "delay_s": 1.0, "count": 40})
    killed = roost.interrupted("image", "register", str(disk), when="upload", by=signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    faults(roost)
    left = snapshots(roost)
    assert set(left.values()) <= {"pending"}
    done = roost("image", "register", str(disk), "--name", "anew", "--json")
    assert done.returncode == 0, done.stderr
    assert list(snapshots(roost).values()) == ["completed"]
    assert not set(left) & set(snapshots(roost))
    assert roost("image", "rm", json.loads(done.stdout)["image_id"]).returncode == 0
    assert snapshots(roost) == {}


def test_an_upload_that_is_refused_says_why(roost: Roost, disk: Path) -> None:
    faults(roost, {"action": "PutSnapshotBlock", "code": "ServiceQuotaExceededException", "status": 402, "count": 99})
    done = roost("image", "register", str(disk))
    faults(roost)
    assert done.returncode == 7, done.stderr
    assert "could not write block" in done.stderr
    assert "ServiceQuotaExceededException" in done.stderr
    for snapshot in snapshots(roost):
        client(roost, "ec2").delete_snapshot(SnapshotId=snapshot)


@pytest.mark.parametrize(
    ("begins", "said", "code"),
    [
        (b"QFI\xfb", "qemu-img convert -f qcow2 -O raw", 2),
        (b"\x28\xb5\x2f\xfd", "unzstd --keep", 2),
        (b"", "has 0 bytes", 2),
        (None, "there is no file", 3),
    ],
)
def test_no_raw_disk(roost: Roost, tmp_path: Path, begins: bytes | None, said: str, code: int) -> None:
    if begins is not None:
        (tmp_path / "disk").write_bytes(begins)
    done = roost("image", "register", "disk")
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
