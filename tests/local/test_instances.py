"""Instances really boot: user data, ssh, groups, metadata, power, images, and what is left when all is over."""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
from own_service import Localec2Service, localec2, started

pytestmark = pytest.mark.local

USER_DATA = "#!/bin/sh\necho it-ran > /run/user-data-ran\n"
TOKEN = "curl -sf -X PUT -H 'X-aws-ec2-metadata-token-ttl-seconds: 60' http://169.254.169.254/latest/api/token"
BOOT_S = 60.0


class Machine:
    """One instance as its owner uses it."""

    def __init__(self, ec2: Any, key: Path, instance_id: str) -> None:
        self.ec2, self.key, self.id = ec2, key, instance_id

    @property
    def described(self) -> Any:
        return self.ec2.describe_instances(InstanceIds=[self.id])["Reservations"][0]["Instances"][0]

    @property
    def state(self) -> str:
        return str(self.described["State"]["Name"])

    @property
    def public_ip(self) -> str:
        return str(self.described.get("PublicIpAddress", ""))

    def ssh(self, command: str, *, timeout_s: float = BOOT_S) -> str:
        """Standard output, as soon as it lets us in. The command must be safe to repeat."""
        deadline = time.monotonic() + timeout_s
        while True:
            done = self.ssh_once(command)
            if done.returncode == 0:
                return done.stdout
            if time.monotonic() > deadline:
                raise AssertionError(f"ssh {self.id}: {done.returncode} {done.stdout} {done.stderr}")
            time.sleep(0.3)

    def ssh_once(self, command: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [
                *("ssh", "-i", str(self.key), "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"),
                *("-o", "ConnectTimeout=3", "-o", "LogLevel=ERROR", "-o", "BatchMode=yes"),
                *(f"debian@{self.public_ip or '192.0.2.1'}", command),
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def listen(self, port: int) -> None:
        unit = f"listener-{port}"
        self.ssh(f"systemctl -q is-active {unit} || sudo systemd-run --quiet --unit {unit} nc -lk {port}")

    def until(self, state: str) -> None:
        until(lambda: self.state == state, f"{self.id} to be {state}")


Launch = Callable[..., Machine]


@pytest.fixture(scope="module")
def key(ec2: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return new_key(ec2, tmp_path_factory.mktemp("key"))


@pytest.fixture(scope="module")
def group(ec2: Any, localec2_service: Localec2Service) -> str:
    return new_group(ec2, "instances", localec2_service)


@pytest.fixture(scope="module")
def launch(ec2: Any, key: Path, group: str, localec2_service: Localec2Service) -> Iterator[Launch]:
    launched: list[str] = []

    def one(**changes: Any) -> Machine:
        machine = launch_one(ec2, key, group, localec2_service.image_id, **changes)
        launched.append(machine.id)
        return machine

    yield one
    if launched:
        ec2.terminate_instances(InstanceIds=launched)


@pytest.fixture(scope="module")
def machine(launch: Launch) -> Machine:
    """One that the tests share which change nothing."""
    return launch(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1})


def test_cloud_init_runs_user_data_and_lets_the_key_in(machine: Machine) -> None:
    assert machine.ssh("cloud-init status --wait; cat /run/user-data-ran").split() == ["status:", "done", "it-ran"]
    assert machine.ssh("grep -ciE ' - .*(WARNING|ERROR)' /var/log/cloud-init.log || true").strip() == "0"


def test_names_are_those_of_ec2(machine: Machine) -> None:
    private_ip = machine.described["PrivateIpAddress"]
    dashed = private_ip.replace(".", "-")
    assert machine.ssh("hostname").strip() == f"ip-{dashed}"
    assert machine.ssh(f"getent hosts {machine.described['PublicDnsName']}").split()[0] == private_ip
    assert machine.ssh(f"getent hosts {private_ip}").split()[1] == f"ip-{dashed}.ec2.internal"


def test_metadata_wants_a_token_that_does_not_travel(machine: Machine) -> None:
    assert machine.ssh("curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/") == "401"
    item = "http://169.254.169.254/latest/meta-data/instance-id"
    assert machine.ssh(f'curl -sf -H "X-aws-ec2-metadata-token: $({TOKEN})" {item}') == machine.id


@pytest.mark.parametrize(("hop_limit", "arrives"), [(1, False), (2, True)])
def test_the_token_travels_no_further_than_the_hop_limit(
    hop_limit: int, arrives: bool, launch: Launch, localec2_service: Localec2Service
) -> None:
    """One hop beyond the instance, as a container on it would be."""
    machine = launch(MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": hop_limit})
    with one_hop_behind(f"lec{localec2_service.slot}-{machine.id}") as namespace:
        done = subprocess.run(
            ["ip", "netns", "exec", namespace, sys.executable, "-c", ASK_FOR_TOKEN],
            capture_output=True,
            text=True,
            check=False,
        )
    assert (done.returncode == 0) is arrives
    assert ("timed out" in done.stderr) is not arrives


def test_the_role_of_an_instance_has_credentials(launch: Launch, localec2_service: Localec2Service) -> None:
    iam = localec2_service.client("iam")
    iam.create_role(RoleName="head", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="head")
    iam.add_role_to_instance_profile(InstanceProfileName="head", RoleName="head")
    machine = launch(IamInstanceProfile={"Name": "head"})
    item = "http://169.254.169.254/latest/meta-data/iam/security-credentials"
    assert machine.ssh(f"curl -sf {item}/") == "head"
    keys = json.loads(machine.ssh(f"curl -sf {item}/head"))
    sts = boto3.client(
        "sts",
        endpoint_url=localec2_service.endpoint_url,
        region_name=localec2_service.region,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["Token"],
    )
    assert sts.get_caller_identity()["Arn"].endswith(f"assumed-role/head/{machine.id}")


def test_a_spot_instance_is_warned_and_then_taken_away(launch: Launch, localec2_service: Localec2Service) -> None:
    machine = launch(InstanceMarketOptions={"MarketType": "spot"})
    item = "http://169.254.169.254/latest/meta-data/spot/instance-action"
    assert machine.ssh(f"curl -s -o /dev/null -w '%{{http_code}}' {item}") == "404"
    control(localec2_service, "spot-interrupt", {"instance_id": machine.id, "in_s": 6})
    assert json.loads(machine.ssh(f"curl -sf {item}"))["action"] == "terminate"
    machine.until("terminated")
    assert machine.described["StateReason"]["Code"] == "Server.SpotInstanceTermination"


def test_a_closed_port_times_out_and_opens_with_authorize(
    machine: Machine, ec2: Any, group: str, localec2_service: Localec2Service
) -> None:
    machine.listen(8080)
    assert not reaches(machine.public_ip, 8080, timeout_s=2)
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 8080,
        "ToPort": 8080,
        "IpRanges": [{"CidrIp": f"{localec2_service.host_public_ip}/32"}],
    }
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    until(lambda: reaches(machine.public_ip, 8080, timeout_s=1), "the port to open", timeout_s=5)
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[permission])
    until(lambda: not reaches(machine.public_ip, 8080, timeout_s=1), "the port to close", timeout_s=5)


def test_members_of_a_group_reach_each_other_where_the_group_says_so(
    machine: Machine, launch: Launch, ec2: Any, group: str
) -> None:
    other = launch()
    machine.listen(9618)
    probe = f"nc -zw2 {machine.described['PrivateIpAddress']} 9618 && echo open || echo closed"
    assert other.ssh(probe).strip() == "closed"
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[
            {"IpProtocol": "tcp", "FromPort": 9618, "ToPort": 9618, "UserIdGroupPairs": [{"GroupId": group}]}
        ],
    )
    until(lambda: other.ssh(probe).strip() == "open", "the group to admit its member", timeout_s=10)
    by_public = f"nc -zw2 {machine.public_ip} 9618 && echo open || echo closed"
    assert other.ssh(by_public).strip() == "closed"  # it arrives with a public address, which is no member


def test_the_console_is_the_real_one(machine: Machine, ec2: Any, localec2_service: Localec2Service) -> None:
    machine.ssh("cloud-init status --wait")
    answer = ec2.get_console_output(InstanceId=machine.id)["Output"]
    text = answer if "cloud-init" in answer else base64.b64decode(answer).decode(errors="replace")
    assert "cloud-init" in text
    assert "cloud-init" in localec2_service.run("console", machine.id)


def test_poweroff_stops_and_a_start_gives_a_new_public_address(launch: Launch, ec2: Any) -> None:
    machine = launch()
    before = machine.public_ip
    machine.ssh("touch /home/debian/kept")
    machine.ssh_once("sudo poweroff")
    machine.until("stopped")
    assert machine.described["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    assert machine.public_ip == ""
    ec2.start_instances(InstanceIds=[machine.id])
    machine.until("running")
    assert machine.public_ip not in ("", before)
    assert machine.ssh("ls /home/debian").split() == ["kept"]
    ec2.stop_instances(InstanceIds=[machine.id])
    machine.until("stopped")
    assert machine.described["StateReason"]["Code"] == "Client.UserInitiatedShutdown"


def test_poweroff_terminates_where_the_launch_says_so(launch: Launch, localec2_service: Localec2Service) -> None:
    machine = launch(InstanceInitiatedShutdownBehavior="terminate")
    machine.ssh("true")
    machine.ssh_once("sudo poweroff")
    machine.until("terminated")
    assert machine.described["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
    assert machine.id not in left_on_this_machine(localec2_service.slot)


@pytest.mark.parametrize("by", ["guest", "api"])
def test_a_reboot_keeps_address_and_disk(by: str, launch: Launch, ec2: Any) -> None:
    machine = launch()
    machine.ssh("touch /home/debian/kept")
    address, before = machine.public_ip, machine.ssh("stat -c %Y /proc/1")
    if by == "guest":
        machine.ssh_once("sudo reboot")
    else:
        ec2.reboot_instances(InstanceIds=[machine.id])
    until(lambda: machine.ssh("stat -c %Y /proc/1") != before, "another PID 1")
    assert (machine.state, machine.public_ip) == ("running", address)
    assert machine.ssh("ls /home/debian").split() == ["kept"]


def test_an_instance_that_cannot_start_ends_and_says_why(
    ec2: Any, key: Path, localec2_service: Localec2Service
) -> None:
    control(localec2_service, "images", {"name": "gone", "engine_ref": "localhost/localec2-no-such-image:1"})
    image_id = ec2.describe_images(Filters=[{"Name": "name", "Values": ["gone"]}])["Images"][0]["ImageId"]
    asked = ec2.run_instances(ImageId=image_id, InstanceType="t3.small", MinCount=1, MaxCount=1)
    machine = Machine(ec2, key, asked["Instances"][0]["InstanceId"])
    machine.until("terminated")
    assert machine.described["StateReason"]["Code"] == "Server.InternalError"
    assert "localec2-no-such-image" in machine.described["StateReason"]["Message"]


def test_an_image_of_an_instance_boots_as_another_one(launch: Launch, ec2: Any) -> None:
    origin = launch()
    origin.ssh("cloud-init status --wait && sudo touch /opt/mark && sync")
    facts = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub"
    of_origin = origin.ssh(facts)
    image_id = ec2.create_image(InstanceId=origin.id, Name=f"of-{origin.id}")["ImageId"]
    until(lambda: ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"] == "available", "the image")
    copy = launch(ImageId=image_id)
    assert copy.ssh("cloud-init status --wait >&2; ls /opt/mark").strip() == "/opt/mark"
    assert not set(of_origin.splitlines()) & set(copy.ssh(facts).splitlines())
    assert origin.ssh("ls /opt/mark").strip() == "/opt/mark"
    ec2.deregister_image(ImageId=image_id)


def test_a_killed_service_finds_its_instances_again_and_stop_all_leaves_nothing(tmp_path: Path) -> None:
    """On a service of its own, since it is killed."""
    try:
        service = started(tmp_path)
        ec2 = service.client()
        key, group = new_key(ec2, tmp_path), new_group(ec2, "adopted", service)
        machine = launch_one(ec2, key, group, service.image_id, InstanceInitiatedShutdownBehavior="terminate")
        gone = launch_one(ec2, key, group, service.image_id)
        machine.ssh("true")
        gone.ssh("true")
        os.kill(int((tmp_path / "service.lock").read_text()), signal.SIGKILL)
        gone_container = f"lec{service.slot}-{gone.id}"
        subprocess.run(["podman", "kill", gone_container], check=True, capture_output=True)
        started(tmp_path)
        assert machine.state == "running"
        gone.until("stopped")
        assert machine.ssh(
            f'curl -sf -H "X-aws-ec2-metadata-token: $({TOKEN})" http://169.254.169.254/latest/meta-data/ami-id'
        )
        machine.ssh_once("sudo poweroff")
        machine.until("terminated")
        launch_one(ec2, key, group, service.image_id)
        assert left_on_this_machine(service.slot)
    finally:
        localec2("stop", "--all", "--state-dir", str(tmp_path))
    assert left_on_this_machine(service.slot) == []


def test_after_a_reboot_of_the_machine_instances_are_stopped_and_start_again(tmp_path: Path) -> None:
    try:
        service = started(tmp_path)
        ec2 = service.client()
        key, group = new_key(ec2, tmp_path), new_group(ec2, "rebooted", service)
        kept = launch_one(ec2, key, group, service.image_id)
        ended = launch_one(ec2, key, group, service.image_id, InstanceInitiatedShutdownBehavior="terminate")
        kept.ssh("touch kept; sync")
        power_off_this_machine(service, [kept.id, ended.id])
        started(tmp_path)
        kept.until("stopped")
        ended.until("terminated")
        ec2.start_instances(InstanceIds=[kept.id])
        kept.until("running")
        assert kept.ssh("ls").split() == ["kept"]
    finally:
        localec2("stop", "--all", "--state-dir", str(tmp_path))


def power_off_this_machine(service: Localec2Service, instance_ids: list[str]) -> None:
    """As far as this service sees it: the process, the containers and the network are gone, the disks are there."""
    os.kill(int((service.state_dir / "service.lock").read_text()), signal.SIGKILL)
    prefix = f"lec{service.slot}"
    for instance_id in instance_ids:
        subprocess.run(["podman", "kill", f"{prefix}-{instance_id}"], check=True, capture_output=True)
        subprocess.run(["ip", "netns", "del", f"{prefix}-{instance_id}"], check=True)
    subprocess.run(["ip", "netns", "del", f"{prefix}-router"], check=True)
    subprocess.run(["ip", "link", "del", f"{prefix}-host"], check=False, capture_output=True)
    subprocess.run(["nft", "delete", "table", "ip", f"{prefix}-host"], check=True)


def control(service: Localec2Service, path: str, body: object) -> None:
    request = urllib.request.Request(f"{service.endpoint_url}/_localec2/{path}", data=json.dumps(body).encode())
    urllib.request.urlopen(request, timeout=10).close()


def new_key(ec2: Any, directory: Path) -> Path:
    key = directory / "key.pem"
    key.touch(mode=0o600)
    key.write_text(ec2.create_key_pair(KeyName="instances", KeyType="ed25519")["KeyMaterial"])
    return key


def new_group(ec2: Any, name: str, service: Localec2Service) -> str:
    group_id = str(ec2.create_security_group(GroupName=name, Description=name)["GroupId"])
    ec2.authorize_security_group_ingress(
        GroupId=group_id, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=f"{service.host_public_ip}/32"
    )
    return group_id


def launch_one(ec2: Any, key: Path, group: str, image_id: str, **changes: Any) -> Machine:
    request = {
        "ImageId": image_id,
        "InstanceType": "t3.small",
        "MinCount": 1,
        "MaxCount": 1,
        "KeyName": "instances",
        "SecurityGroupIds": [group],
        "UserData": USER_DATA,
        **changes,
    }
    machine = Machine(ec2, key, ec2.run_instances(**request)["Instances"][0]["InstanceId"])
    machine.until("running")
    return machine


def until(is_so: Callable[[], bool], what: str, *, timeout_s: float = BOOT_S) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(0.1)


def reaches(host: str, port: int, *, timeout_s: float) -> bool:
    try:
        socket.create_connection((host, port), timeout=timeout_s).close()
    except OSError:
        return False
    return True


# With what any machine here has: Python.
ASK_FOR_TOKEN = """
from urllib.request import Request, urlopen
url, headers = "http://169.254.169.254/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
urlopen(Request(url, method="PUT", headers=headers), timeout=3).read()
"""


@contextmanager
def one_hop_behind(namespace: str) -> Iterator[str]:
    """A network namespace whose packets the instance forwards and gives its own address."""
    nested = f"{namespace}-n"
    inside = ["ip", "netns", "exec", namespace]
    try:
        for command in [
            ["ip", "netns", "add", nested],
            ["ip", "-n", namespace, "link", "add", "nested", "type", "veth", "peer", "name", "eth0", "netns", nested],
            ["ip", "-n", namespace, "addr", "add", "10.9.9.1/24", "dev", "nested"],
            ["ip", "-n", namespace, "link", "set", "nested", "up"],
            ["ip", "-n", nested, "addr", "add", "10.9.9.2/24", "dev", "eth0"],
            ["ip", "-n", nested, "link", "set", "eth0", "up"],
            ["ip", "-n", nested, "route", "add", "default", "via", "10.9.9.1"],
            [*inside, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"],
            [
                *inside,
                "nft",
                "add table ip hop; add chain ip hop post { type nat hook postrouting priority 100; };"
                " add rule ip hop post ip saddr 10.9.9.0/24 masquerade",
            ],
        ]:
            subprocess.run(command, check=True, capture_output=True)
        yield nested
    finally:
        subprocess.run(["ip", "netns", "del", nested], check=False, capture_output=True)


def left_on_this_machine(slot: int) -> list[str]:
    """Whatever of this slot podman, the network and the firewall still know."""
    asked = [
        ["podman", "ps", "--all", "--format", "{{.Names}}"],
        ["ip", "netns", "list"],
        ["ip", "-oneline", "link", "show"],
        ["ip", "route", "show"],
        ["nft", "list", "tables"],
    ]
    lines = [
        line
        for argv in asked
        for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    ]
    return [line for line in lines if f"lec{slot}-" in line]
