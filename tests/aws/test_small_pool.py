"""One small pool on AWS, with an account of the reader's: it costs a few cents, and is taken down whatever happens.

    ROOST_TEST_AWS=1 ./test tests/aws -s

ROOST_TEST_AWS_REGION: where (default us-east-1). ROOST_TEST_AWS_IMAGE: an image to use; without it the one that
`roost image bake` made for a plain pool. ROOST_TEST_AWS_ENDPOINT: another EC2, such as the one on this machine.
"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

ROOT = Path(__file__).parents[2]
REGION = os.environ.get("ROOST_TEST_AWS_REGION", "us-east-1")
IMAGE = os.environ.get("ROOST_TEST_AWS_IMAGE", "")
ENDPOINT = os.environ.get("ROOST_TEST_AWS_ENDPOINT", "")
POOL = """\
name: {name}
cloud: aws
region: {region}
access_point_type: t3.micro
workers: {{count: 1, type: [c7i.large, c6i.large, m7i.large]}}
lease: 1h
{image}
"""

pytestmark = pytest.mark.skipif(
    os.environ.get("ROOST_TEST_AWS") != "1", reason="costs money on AWS; with an account: ROOST_TEST_AWS=1"
)


@dataclass(frozen=True, kw_only=True)
class Roost:
    directory: Path
    name: str

    def __call__(self, *arguments: str, may_fail: bool = False) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "XDG_DATA_HOME": str(self.directory / "data"),
            "AWS_REGION": REGION,
            "TERM": "dumb",
            **({"AWS_ENDPOINT_URL": ENDPOINT} if ENDPOINT else {}),
        }
        done = subprocess.run(
            [sys.executable, "-m", "roost", *arguments],
            env=environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )
        print(f"$ roost {' '.join(arguments)}\n{done.stdout}{done.stderr}", flush=True)
        assert may_fail or done.returncode == 0, f"roost {' '.join(arguments)}: {done.returncode}\n{done.stderr}"
        return done


@pytest.fixture(scope="module")
def roost(tmp_path_factory: pytest.TempPathFactory) -> Roost:
    directory = tmp_path_factory.mktemp("aws")
    name = f"roost-test-{secrets.token_hex(3)}"
    image = f"image: {{id: {IMAGE}}}" if IMAGE else ""
    (directory / "pool.yml").write_text(POOL.format(name=name, region=REGION, image=image))
    return Roost(directory=directory, name=name)


@pytest.fixture(scope="module")
def pool(roost: Roost) -> Iterator[str]:
    """Up; and down again in any case. What it may cost is printed before."""
    said = roost("up", "pool.yml", "--dry-run").stdout
    assert "launch 1 access point" in said
    try:
        roost("up", "pool.yml", "--yes")
        yield roost.name
    finally:
        roost("down", "pool.yml", "--yes", may_fail=True)
        roost("gc", "--cloud", "aws", "--region", REGION, "--pool", roost.name, "--yes", may_fail=True)


def ec2() -> Any:
    return boto3.client("ec2", region_name=REGION, endpoint_url=ENDPOINT or None)


def described(pool: str) -> list[Any]:
    ours = [{"Name": "tag:roost:pool", "Values": [pool]}]
    reservations = ec2().describe_instances(Filters=ours)["Reservations"]
    return [instance for each in reservations for instance in each["Instances"]]


def test_it_can_be_launched(roost: Roost) -> None:
    done = roost("check", "pool.yml", "--json", may_fail=bool(ENDPOINT))
    said = json.loads(done.stdout)["checks"]
    needed = {"reach", "clock", "credentials", "region", "network", "types", "image", "permissions", "key"}
    assert [one for one in said if one["about"] in needed and one["is_required"] and not one["is_true"]] == []


def test_it_is_up(roost: Roost, pool: str) -> None:
    status = json.loads(roost("status", pool, "--cloud", "aws", "--json").stdout)
    assert sorted(one["role"] for one in status["instances"]) == ["access-point", "execution-point"]
    assert status["slots"]
    assert status["usd_so_far"] >= 0


def test_it_works(roost: Roost, pool: str) -> None:
    roost("verify", pool, "--cloud", "aws")


def test_what_is_asked_of_aws_is_so(pool: str) -> None:
    """Tags, IMDSv2, terminate on shutdown; a root volume that is encrypted and goes with its instance."""
    client = ec2()
    for instance in described(pool):
        assert instance["MetadataOptions"]["HttpTokens"] == "required"
        assert instance["MetadataOptions"]["HttpPutResponseHopLimit"] == 1
        asked: Callable[..., Any] = client.describe_instance_attribute
        shutdown = asked(InstanceId=instance["InstanceId"], Attribute="instanceInitiatedShutdownBehavior")
        assert shutdown["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
        for mapping in instance["BlockDeviceMappings"]:
            assert mapping["Ebs"]["DeleteOnTermination"]
        if ENDPOINT:
            continue  # the disks of EC2 on this machine are none that could be encrypted
        volumes = client.describe_volumes(VolumeIds=[m["Ebs"]["VolumeId"] for m in instance["BlockDeviceMappings"]])
        assert all(volume["Encrypted"] and volume["VolumeType"] == "gp3" for volume in volumes["Volumes"])
        assert all({"Key": "roost:pool", "Value": pool} in volume["Tags"] for volume in volumes["Volumes"])


def test_twice_is_once(roost: Roost, pool: str) -> None:
    before = sorted(instance["InstanceId"] for instance in described(pool))
    roost("up", "pool.yml", "--yes")
    assert sorted(instance["InstanceId"] for instance in described(pool)) == before


def test_it_leaves_nothing(roost: Roost, pool: str) -> None:
    """The last one: it takes the pool down."""
    given = json.loads(roost("down", "pool.yml", "--yes", "--json").stdout)
    assert given["billable_resources"] == 0
    ours: Any = [{"Name": "tag:roost:pool", "Values": [pool]}]
    client = ec2()
    assert {instance["State"]["Name"] for instance in described(pool)} <= {"terminated"}
    assert client.describe_security_groups(Filters=ours)["SecurityGroups"] == []
    assert client.describe_key_pairs(Filters=ours)["KeyPairs"] == []
    assert client.describe_volumes(Filters=ours)["Volumes"] == []
