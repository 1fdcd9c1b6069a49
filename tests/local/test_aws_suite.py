"""tests/aws, run against EC2 on this machine: so that it works for whoever has an account, and docs/iam-policy.json."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from guarded_ec2 import GuardedEc2, guarded
from own_service import Localec2Service

PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEx9d6CKaHSGKomOPFZ58IOrnQr6TQVyG3GzxK5zGZBW somebody"
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ec2(localec2_service: Localec2Service) -> Iterator[GuardedEc2]:
    with guarded(localec2_service, looks=["ec2:DescribeInstanceAttribute"]) as ec2:  # by the suite, as docs/aws.md says
        yield ec2


def test_the_suite_for_aws_runs(localec2_service: Localec2Service, ec2: GuardedEc2, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **localec2_service.env,
        "ROOST_TEST_AWS": "1",
        "ROOST_TEST_AWS_REGION": localec2_service.region,
        "ROOST_TEST_AWS_IMAGE": localec2_service.image_id,
        "ROOST_TEST_AWS_ENDPOINT": ec2.endpoint_url,
        "ROOST_MY_ADDRESS": localec2_service.host_public_ip,
        "XDG_CACHE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/aws", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=540,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
    assert ec2.refused == []
    assert ec2.judged >= {"RunInstances", "ImportKeyPair", "CreateSecurityGroup", "TerminateInstances", "DeleteKeyPair"}


def test_what_is_not_roosts_is_out_of_reach(localec2_service: Localec2Service, ec2: GuardedEc2) -> None:
    """With the same policy: things without the tag, and a tag that somebody would like to give them."""
    owner = localec2_service.client()
    client: Any = boto3.client(
        "ec2",
        endpoint_url=ec2.endpoint_url,
        region_name=localec2_service.region,
        aws_access_key_id="somebody",
        aws_secret_access_key="any-secret-is-accepted",
    )
    volume = owner.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    group = owner.create_security_group(GroupName="foreign", Description="foreign")["GroupId"]
    owner.import_key_pair(KeyName="foreign", PublicKeyMaterial=PUBLIC_KEY)
    tag = [{"Key": "roost:pool", "Value": "mine"}]
    tagged = [{"ResourceType": kind, "Tags": tag} for kind in ("instance", "volume", "network-interface")]
    launch = {"ImageId": localec2_service.image_id, "InstanceType": "c7i.large", "MinCount": 1, "MaxCount": 1}
    try:
        refused: list[tuple[str, dict[str, Any]]] = [
            ("delete_volume", {"VolumeId": volume}),
            ("create_tags", {"Resources": [volume], "Tags": tag}),
            ("create_tags", {"Resources": [group], "Tags": tag}),
            ("delete_security_group", {"GroupId": group}),
            ("delete_key_pair", {"KeyName": "foreign"}),
            ("create_security_group", {"GroupName": "untagged", "Description": "untagged"}),
            ("run_instances", launch),
            ("run_instances", {**launch, "TagSpecifications": tagged[:1]}),
            ("run_instances", {**launch, "TagSpecifications": tagged, "SecurityGroupIds": [group]}),
            ("run_instances", {**launch, "TagSpecifications": tagged, "KeyName": "foreign"}),
            ("create_volume", {"AvailabilityZone": "us-east-1a", "Size": 1}),
        ]
        for method, arguments in refused:
            with pytest.raises(ClientError, match="UnauthorizedOperation"):
                getattr(client, method)(**arguments)
    finally:
        owner.delete_volume(VolumeId=volume)
        owner.delete_security_group(GroupId=group)
        owner.delete_key_pair(KeyName="foreign")
