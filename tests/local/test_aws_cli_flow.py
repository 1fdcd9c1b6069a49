"""The flow of the EC2 User Guide, by AWS CLI as installed, with instances that boot."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service

pytestmark = pytest.mark.local

AWS = Path(sys.executable).parent / "aws"
USER_DATA = "#!/bin/sh\necho written by user data > /home/debian/proof\n"
SSH_TIMEOUT_S = 90.0


@dataclass
class Cli:
    service: Localec2Service
    directory: Path
    made: list[tuple[str, ...]] = field(default_factory=list)  # what takes away again what was made

    def ec2(self, *arguments: str) -> Any:
        done = subprocess.run(
            [str(AWS), "ec2", *arguments, "--output", "json"],
            env={**os.environ, **self.service.env, "AWS_PAGER": ""},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"aws ec2 {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout) if done.stdout.strip() else None

    def instance(self, instance_id: str) -> Any:
        return self.ec2("describe-instances", "--instance-ids", instance_id)["Reservations"][0]["Instances"][0]

    def ssh(self, address: str, *command: str) -> str:
        """As soon as it answers."""
        options = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=3", "BatchMode=yes")
        line = ["ssh", "-i", str(self.directory / "key.pem"), *(word for each in options for word in ("-o", each))]
        deadline = time.monotonic() + SSH_TIMEOUT_S
        while True:
            done = subprocess.run(
                [*line, f"debian@{address}", *command], capture_output=True, text=True, check=False, timeout=60
            )
            if done.returncode == 0:
                return done.stdout
            assert time.monotonic() < deadline, done.stderr
            time.sleep(0.5)


@pytest.fixture
def cli(localec2_service: Localec2Service, tmp_path: Path) -> Iterator[Cli]:
    cli = Cli(localec2_service, tmp_path)
    yield cli
    for arguments in reversed(cli.made):
        cli.ec2(*arguments)


def test_from_key_pair_to_terminated(cli: Cli) -> None:
    key = cli.ec2("create-key-pair", "--key-name", "cli-flow", "--key-type", "ed25519")
    cli.made.append(("delete-key-pair", "--key-name", "cli-flow"))
    (cli.directory / "key.pem").write_text(key["KeyMaterial"])
    (cli.directory / "key.pem").chmod(0o600)
    group = cli.ec2("create-security-group", "--group-name", "cli-flow", "--description", "cli flow")["GroupId"]
    cli.made.append(("delete-security-group", "--group-id", group))
    cli.ec2(
        *("authorize-security-group-ingress", "--group-id", group, "--protocol", "tcp", "--port", "22"),
        *("--cidr", f"{cli.service.host_public_ip}/32"),
    )
    (cli.directory / "user-data").write_text(USER_DATA)

    first = _launched(cli, cli.service.image_id, group, "--user-data", f"file://{cli.directory / 'user-data'}")
    cli.ec2("wait", "instance-status-ok", "--instance-ids", first["InstanceId"])
    by_tag = ("--filters", "Name=tag:Name,Values=cli-*", "Name=instance-state-name,Values=running")
    (found,) = cli.ec2("describe-instances", *by_tag)["Reservations"]
    assert found["Instances"][0]["InstanceId"] == first["InstanceId"]
    proof = ("cloud-init status --wait >/dev/null;", "cat /home/debian/proof")
    assert cli.ssh(first["PublicIpAddress"], *proof) == "written by user data\n"
    cli.ssh(first["PublicIpAddress"], "echo of the first > /home/debian/kept; sync")

    image_id = cli.ec2("create-image", "--instance-id", first["InstanceId"], "--name", "cli-flow")["ImageId"]
    cli.made.append(("deregister-image", "--image-id", image_id))
    cli.ec2("wait", "image-available", "--image-ids", image_id)
    (image,) = cli.ec2("describe-images", "--owners", "self", "--filters", "Name=name,Values=cli-flow")["Images"]
    assert (image["ImageId"], image["SourceInstanceId"]) == (image_id, first["InstanceId"])
    second = _launched(cli, image_id, group)
    assert cli.ssh(second["PublicIpAddress"], "cat /home/debian/kept") == "of the first\n"

    _stopped_and_started(cli, second)
    ids = (first["InstanceId"], second["InstanceId"])
    cli.ec2("terminate-instances", "--instance-ids", *ids)
    cli.ec2("wait", "instance-terminated", "--instance-ids", *ids)
    assert cli.instance(first["InstanceId"])["StateReason"]["Code"] == "Client.UserInitiatedShutdown"


def _launched(cli: Cli, image_id: str, group: str, *more: str) -> Any:
    """A running instance; it is taken away also when the test ends early."""
    launched = cli.ec2(
        *("run-instances", "--image-id", image_id, "--instance-type", "t3.medium", "--count", "1"),
        *("--key-name", "cli-flow", "--security-group-ids", group),
        *("--tag-specifications", "ResourceType=instance,Tags=[{Key=Name,Value=cli-flow}]", *more),
    )
    instance_id = launched["Instances"][0]["InstanceId"]
    assert launched["Instances"][0]["State"]["Name"] == "pending"
    cli.made.append(("wait", "instance-terminated", "--instance-ids", instance_id))
    cli.made.append(("terminate-instances", "--instance-ids", instance_id))
    cli.ec2("wait", "instance-running", "--instance-ids", instance_id)
    return cli.instance(instance_id)


def _stopped_and_started(cli: Cli, instance: Any) -> None:
    """The private address stays, the public one changes, the disk is kept."""
    instance_id = instance["InstanceId"]
    cli.ec2("stop-instances", "--instance-ids", instance_id)
    cli.ec2("wait", "instance-stopped", "--instance-ids", instance_id)
    assert "PublicIpAddress" not in cli.instance(instance_id)
    cli.ec2("start-instances", "--instance-ids", instance_id)
    cli.ec2("wait", "instance-running", "--instance-ids", instance_id)
    again = cli.instance(instance_id)
    assert again["PrivateIpAddress"] == instance["PrivateIpAddress"]
    assert again["PublicIpAddress"] != instance["PublicIpAddress"]
    assert cli.ssh(again["PublicIpAddress"], "cat /home/debian/kept") == "of the first\n"
