"""The life of a pool's EFS against moto's: made encrypted and tagged in the call, found by its tag, deleted."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from moto import mock_aws

from roost.cloud.clients import Access
from roost.cloud.efs import Efs
from roost.cloud.model import POOL_TAG
from roost.cloud.things import Kind, Thing, usd_per_day
from roost.errors import WaitTimeoutError

ACCESS = Access(region="us-east-1", credentials=("an-id", "a-secret"))
TAGS = {POOL_TAG: "demo", "Name": "roost-demo"}


@dataclass(slots=True)
class Clock:
    """A pause takes no time but on this clock."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


@dataclass(frozen=True)
class Aws:
    efs: Efs
    client: Any  # EFS as somebody else sees it
    subnet_id: str
    group_id: str

    def make(self) -> Any:
        return self.efs.make("demo", tags=TAGS, subnet_id=self.subnet_id, group_id=self.group_id)

    @property
    def file_systems(self) -> list[dict[str, Any]]:
        return list(self.client.describe_file_systems()["FileSystems"])


@pytest.fixture
def aws() -> Iterator[Aws]:
    with mock_aws():
        ec2: Any = boto3.client("ec2", "us-east-1", aws_access_key_id="an-id", aws_secret_access_key="a-secret")
        clock = Clock()
        yield Aws(
            efs=Efs(ACCESS, pause=clock.pause, clock=clock),
            client=boto3.client("efs", "us-east-1", aws_access_key_id="an-id", aws_secret_access_key="a-secret"),
            subnet_id=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
            group_id=ec2.create_security_group(GroupName="roost-demo", Description="d")["GroupId"],
        )


def test_it_is_made_encrypted_and_tagged_with_an_address(aws: Aws) -> None:
    made = aws.make()
    assert made.address
    aws.efs.wait_until_mountable("demo")
    (one,) = aws.file_systems
    assert (one["FileSystemId"], one["Encrypted"]) == (made.id, True)
    assert {tag["Key"]: tag["Value"] for tag in one["Tags"]} == TAGS
    (target,) = aws.client.describe_mount_targets(FileSystemId=made.id)["MountTargets"]
    assert (target["SubnetId"], target["IpAddress"]) == (aws.subnet_id, made.address)
    groups = aws.client.describe_mount_target_security_groups(MountTargetId=target["MountTargetId"])
    assert groups["SecurityGroups"] == [aws.group_id]


def test_twice_is_the_same(aws: Aws) -> None:
    assert aws.make() == aws.make()
    assert len(aws.file_systems) == 1


def test_one_that_was_made_without_its_mount_target_is_completed(aws: Aws) -> None:
    made = aws.make()
    aws.client.delete_mount_target(MountTargetId=made.targets[0])
    again = aws.make()
    assert (again.id, len(again.targets)) == (made.id, 1)


def test_deleted_with_its_mount_targets_and_twice_is_fine(aws: Aws) -> None:
    aws.make()
    other = aws.client.create_file_system(CreationToken="of somebody else")["FileSystemId"]
    aws.efs.delete("demo")
    assert [one["FileSystemId"] for one in aws.file_systems] == [other]
    assert aws.efs.describe("demo") == ()
    aws.efs.delete("demo")


@pytest.mark.parametrize("pool", ["other", "dem", ""])
def test_only_the_pools_own_is_its(aws: Aws, pool: str) -> None:
    aws.make()
    assert aws.efs.describe(pool) == ()
    aws.efs.delete(pool)
    assert len(aws.file_systems) == 1


def test_what_never_can_be_mounted_is_waited_for_so_long_and_no_longer(aws: Aws) -> None:

    with pytest.raises(WaitTimeoutError, match="not mountable within 300 s"):
        aws.efs.wait_until_mountable("demo")


def test_gc_lists_it_with_what_its_tags_say(aws: Aws) -> None:
    aws.client.create_file_system(CreationToken="of somebody else")
    made = aws.make()
    (one,) = aws.efs.things()
    assert (one.kind, one.id, one.pool, one.region) == (Kind.FILE_SYSTEM, made.id, "demo", "us-east-1")
    assert one.is_billed


def test_a_gib_costs_a_cent_a_day() -> None:
    one = Thing(kind=Kind.FILE_SYSTEM, id="fs-1", region="us-east-1", size_gib=3, state="available")
    assert usd_per_day(one) == pytest.approx(0.03)
