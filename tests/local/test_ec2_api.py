"""The endpoint on a socket, as AWS CLI and boto3 meet it; nothing boots."""

import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config as ClientConfig
from botocore.exceptions import ClientError, WaiterError
from werkzeug.serving import make_server

from localec2.api import create_app
from localec2.config import Config
from localec2.world import World

pytestmark = pytest.mark.local

AWS = Path(sys.executable).parent / "aws"
REGION = "us-east-1"


@pytest.fixture
def endpoint(tmp_path: Path) -> Iterator[str]:
    world = World(tmp_path / "world.sqlite")
    app = create_app(world, Config(state_dir=tmp_path, port=0, region=REGION), console=lambda _: "")
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()
    world.close()


@pytest.fixture
def client(endpoint: str) -> Any:
    return boto3.client(
        "ec2",
        endpoint_url=endpoint,
        region_name=REGION,
        aws_access_key_id="localec2-tests",
        aws_secret_access_key="any-secret-is-accepted",
        config=ClientConfig(retries={"max_attempts": 3, "mode": "standard"}),
    )


@pytest.fixture
def image_id(endpoint: str) -> str:
    return str(_post(endpoint, "images", {"name": "base", "engine_ref": "localhost/base:1"})["image_id"])


def test_aws_cli_without_instances(endpoint: str) -> None:
    def aws(*arguments: str) -> Any:
        return _aws(endpoint, *arguments)

    key = aws("create-key-pair", "--key-name", "key", "--key-type", "ed25519")
    assert key["KeyMaterial"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    group = aws("create-security-group", "--group-name", "own", "--description", "own")["GroupId"]
    ssh = ("--group-id", group, "--protocol", "tcp", "--port", "22", "--cidr", "198.18.15.254/32")
    assert aws("authorize-security-group-ingress", *ssh)["Return"] is True
    (shown,) = aws("describe-security-groups", "--group-ids", group)["SecurityGroups"]
    assert shown["IpPermissions"][0]["IpRanges"] == [{"CidrIp": "198.18.15.254/32"}]
    with pytest.raises(subprocess.CalledProcessError) as raised:
        aws("authorize-security-group-ingress", *ssh)
    assert "(InvalidPermission.Duplicate)" in raised.value.stderr
    assert aws("describe-instances", "--filters", "Name=tag:a,Values=b")["Reservations"] == []
    with pytest.raises(subprocess.CalledProcessError) as raised:
        aws("create-placement-group", "--group-name", "x", "--strategy", "spread")
    assert "(InvalidAction)" in raised.value.stderr
    assert aws("delete-security-group", "--group-id", group)["Return"] is True
    aws("delete-key-pair", "--key-name", "key")


def test_paginators(client: Any, image_id: str) -> None:
    for count in (7, 5):
        client.run_instances(ImageId=image_id, InstanceType="t3.micro", MinCount=count, MaxCount=count)
    pages = list(client.get_paginator("describe_instances").paginate(PaginationConfig={"PageSize": 5}))
    sizes = [sum(len(each["Instances"]) for each in page["Reservations"]) for page in pages]
    assert sizes == [5, 5, 2]
    pages = client.get_paginator("describe_instance_types").paginate(PaginationConfig={"PageSize": 100})
    names = [each["InstanceType"] for page in pages for each in page["InstanceTypes"]]
    assert len(names) > 1000
    assert len(set(names)) == len(names)


def test_throttled_calls_are_tried_again(client: Any, endpoint: str, image_id: str) -> None:
    _post(endpoint, "faults", [{"action": "RunInstances", "code": "RequestLimitExceeded", "count": 2}])
    launched = client.run_instances(ImageId=image_id, InstanceType="t3.micro", MinCount=1, MaxCount=1)
    assert launched["ResponseMetadata"]["RetryAttempts"] == 2


def test_an_answer_lost_on_the_way_is_one_launch(client: Any, endpoint: str, image_id: str) -> None:
    _post(endpoint, "faults", [{"action": "RunInstances", "code": "Unavailable", "after": True}])
    client.run_instances(ImageId=image_id, InstanceType="t3.micro", MinCount=1, MaxCount=1)
    assert len(client.describe_instances()["Reservations"]) == 1


def test_errors_reach_the_client_as_errors(client: Any, image_id: str) -> None:
    with pytest.raises(ClientError) as raised:
        client.run_instances(ImageId=image_id, InstanceType="t3.micro", KeyName="absent", MinCount=1, MaxCount=1)
    assert raised.value.response["Error"]["Code"] == "InvalidKeyPair.NotFound"
    with pytest.raises(WaiterError):
        client.get_waiter("image_available").wait(
            ImageIds=["ami-0123456789abcdef0"], WaiterConfig={"Delay": 0, "MaxAttempts": 1}
        )


def test_many_at_once(client: Any, image_id: str) -> None:
    """One lock around each request: no address and no instance twice."""
    failures: list[Exception] = []

    def launch() -> None:
        try:
            client.run_instances(ImageId=image_id, InstanceType="t3.micro", MinCount=5, MaxCount=5)
        except ClientError as error:
            failures.append(error)

    threads = [threading.Thread(target=launch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    answer = client.describe_instances()
    instances = [each for reservation in answer["Reservations"] for each in reservation["Instances"]]
    assert len({each["PublicIpAddress"] for each in instances}) == 40
    assert len({each["PrivateIpAddress"] for each in instances}) == 40


def _aws(endpoint: str, *arguments: str) -> Any:
    done = subprocess.run(
        [str(AWS), "ec2", *arguments, "--output", "json"],
        env={
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "localec2-tests",
            "AWS_SECRET_ACCESS_KEY": "any-secret-is-accepted",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            "AWS_PAGER": "",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return json.loads(done.stdout) if done.stdout.strip() else None


def _post(endpoint: str, path: str, body: Any) -> Any:
    request = urllib.request.Request(
        f"{endpoint}/_localec2/{path}", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)
