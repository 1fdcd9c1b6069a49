"""A plain user without sudo has EC2 too: a throw-away user is made, boots instances, and goes with what was theirs."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from own_service import PACKAGES

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(os.geteuid() != 0, reason="root makes the plain user and the control group"),
]

USER = "localec2-test"
CGROUP = Path("/sys/fs/cgroup/unified" if Path("/sys/fs/cgroup/unified").is_dir() else "/sys/fs/cgroup", USER)
SSH_OPTIONS = ("StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "ConnectTimeout=20", "LogLevel=ERROR")
USER_DATA = "#!/bin/sh\necho it ran > /var/lib/user-data-ran\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainUser:
    """Commands as this user, in a control group that root gave them (as a systemd user session would)."""

    home: Path
    python: str

    def run(
        self, *argv: str, timeout_s: float = 300, cgroup: Path | None = CGROUP
    ) -> "subprocess.CompletedProcess[str]":
        enter = f"echo $$ > {cgroup}/cgroup.procs && " if cgroup else ""
        become = ["setpriv", "--reuid", USER, "--regid", USER, "--init-groups", "--inh-caps=-all"]
        return subprocess.run(
            ["sh", "-c", f'{enter}exec "$@"', "sh", *become, *argv],
            env=self._environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            cwd="/",
        )

    def localec2(self, *arguments: str) -> str:
        done = self.run(self.python, "-m", "localec2", *arguments, timeout_s=600)
        assert done.returncode == 0, f"localec2 {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def processes(self) -> dict[int, str]:
        """Also those of the users inside: their ids are subordinate to this one's. Zombies do not count."""
        ids = {self.home.stat().st_uid, *subordinate_ids()}
        found = {}
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_text().replace("\0", " ")
                if process.stat().st_uid in ids and command:
                    found[int(process.name)] = command
            except OSError:
                continue
        return found

    def _environment(self) -> Mapping[str, str]:
        source = str(Path(__file__).parents[2] / "src")
        path = os.pathsep.join([source, *(entry for entry in sys.path if entry.endswith("site-packages"))])
        return {"HOME": str(self.home), "PATH": "/usr/bin:/bin", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    user: PlainUser
    facts: Mapping[str, Any]
    ec2: Any
    key: Path
    instances: tuple[Mapping[str, Any], ...]

    def ssh(self, index: int, command: str) -> "subprocess.CompletedProcess[str]":
        options = [f"ProxyCommand={self.facts['proxy_command']}", *SSH_OPTIONS]
        target = f"debian@{self.instances[index]['PublicIpAddress']}"
        words = (word for option in options for word in ("-o", option))
        return self.user.run("ssh", "-i", str(self.key), *words, target, command, timeout_s=60, cgroup=None)


def subordinate_ids() -> range:
    for line in Path("/etc/subuid").read_text().splitlines():
        name, first, count = line.split(":")
        if name == USER:
            return range(int(first), int(first) + int(count))
    return range(0)


def a_python_for_everybody() -> str:
    """This one, or the system's of the same version where a plain user may not run this one."""
    version = f"python3.{sys.version_info.minor}"
    for candidate in (os.path.realpath(sys.executable), shutil.which(version, path="/usr/bin:/usr/local/bin")):
        readable = [] if candidate is None else [p for p in Path(candidate).parents if not p.stat().st_mode & 0o001]
        if candidate is not None and not readable:
            return candidate
    pytest.skip(f"no {version} here that a plain user may run")


@pytest.fixture(scope="module")
def plain_user() -> Iterator[PlainUser]:
    python = a_python_for_everybody()
    home = Path("/home", USER)
    # one whose test was killed
    subprocess.run(["userdel", "--remove", "--force", USER], check=False, capture_output=True)
    shutil.rmtree(home, ignore_errors=True)
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/sh", USER], check=True)
    user = PlainUser(home=home, python=python)
    try:
        CGROUP.mkdir(exist_ok=True)
        for path in (CGROUP, CGROUP / "cgroup.procs", CGROUP / "cgroup.subtree_control"):
            shutil.chown(path, USER)
        yield user
    finally:
        remove_cgroup()
        for pid in user.processes():
            subprocess.run(["kill", "-KILL", str(pid)], check=False, capture_output=True)
        wait_until(lambda: not user.processes())
        subprocess.run(["userdel", "--remove", USER], check=False, capture_output=True)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def running(plain_user: PlainUser) -> Running:
    if plain_user.run("unshare", "--user", "true").returncode != 0:
        pytest.skip("this machine lets no plain user make a user namespace (so it is in a chroot)")
    share_built_images(plain_user)
    plain_user.localec2("start")
    image = json.loads(
        plain_user.localec2(
            *("image", "build", "--json", "--name", "base", "--description", "as the other tests'"),
            *(word for package in PACKAGES for word in ("--package", package)),
            *("--disable", "condor.service"),
        )
    )
    facts = json.loads(plain_user.localec2("status", "--json"))
    ec2 = boto3.client(
        "ec2",
        endpoint_url=facts["endpoint_url"],
        region_name=facts["region"],
        aws_access_key_id="localec2-tests",
        aws_secret_access_key="any-secret-is-accepted",
    )
    key = plain_user.home / "key.pem"
    key.write_text(ec2.create_key_pair(KeyName="me", KeyType="ed25519")["KeyMaterial"])
    key.chmod(0o600)
    shutil.chown(key, USER)
    group = ec2.create_security_group(GroupName="ssh", Description="ssh from this machine")["GroupId"]
    here = f"{facts['host_public_ip']}/32"
    ec2.authorize_security_group_ingress(GroupId=group, IpProtocol="tcp", FromPort=22, ToPort=22, CidrIp=here)
    launched = ec2.run_instances(
        ImageId=image["image_id"],
        InstanceType="t3.small",
        KeyName="me",
        SecurityGroupIds=[group],
        UserData=USER_DATA,
        MetadataOptions={"HttpTokens": "required"},
        MinCount=2,
        MaxCount=2,
    )["Instances"]
    ids = [instance["InstanceId"] for instance in launched]
    ec2.get_waiter("instance_status_ok").wait(InstanceIds=ids, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    described = ec2.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"]
    found = Running(user=plain_user, facts=facts, ec2=ec2, key=key, instances=tuple(described))
    for index in range(len(ids)):
        wait_until(partial(is_booted, found, index))
    return found


def is_booted(running: Running, index: int) -> bool:
    return running.ssh(index, "cloud-init status --wait").returncode == 0


def remove_cgroup() -> None:
    """With all that runs in it: our own user's service and instances, where a test failed."""
    (CGROUP / "cgroup.kill").write_text("1")

    def is_gone() -> bool:
        try:
            for directory in (*sorted(CGROUP.rglob("*/"), reverse=True), CGROUP):
                directory.rmdir()
        except OSError:
            return False
        return True

    wait_until(is_gone)


def share_built_images(user: PlainUser) -> None:
    """What root has built for other tests need not be built again."""
    source = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "localec2")
    target = user.home / ".cache" / "localec2"
    target.mkdir(parents=True)
    for file in (*source.glob("*.tar"), *source.glob("*.executables")):
        shutil.copy(file, target)
    subprocess.run(["chown", "--recursive", f"{USER}:", str(user.home / ".cache")], check=True)


def wait_until(condition: Any, timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_without_a_control_group_the_remedy_is_a_command_for_root(plain_user: PlainUser) -> None:
    elsewhere = CGROUP.parent  # root's own
    done = plain_user.run(plain_user.python, "-m", "localec2", "start", cgroup=elsewhere)
    assert done.returncode == 1
    assert "control groups" in done.stderr
    assert "As root: `mkdir" in done.stderr or "systemd-run --user" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_subordinate_ids_the_sentence_says_so(plain_user: PlainUser) -> None:
    """Nobody has none."""
    become = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups"]
    python = [plain_user.python, "-m", "localec2", "check"]
    done = plain_user.run("true")
    assert done.returncode == 0
    said = subprocess.run(
        [*become, *python], env={**plain_user._environment(), "HOME": "/"}, capture_output=True, text=True, check=False
    )
    assert said.returncode == 1
    assert "no   nobody has subordinate user ids" in said.stdout
    assert "usermod --add-subuids" in said.stdout


def test_user_data_ran_and_nothing_failed(running: Running) -> None:
    done = running.ssh(0, "cat /var/lib/user-data-ran; cloud-init status; systemctl --failed --no-legend")
    assert done.stdout.splitlines() == ["it ran", "status: done"], done.stderr


def test_metadata_wants_a_token(running: Running) -> None:
    url = "http://169.254.169.254/latest"
    token = f'T=$(curl -s -X PUT {url}/api/token -H "X-aws-ec2-metadata-token-ttl-seconds: 60")'
    with_token = f'{token}; curl -s -H "X-aws-ec2-metadata-token: $T" {url}/meta-data/instance-id'
    done = running.ssh(0, f'{with_token}; curl -s -o /dev/null -w " %{{http_code}}" {url}/meta-data/instance-id')
    assert done.stdout == f"{running.instances[0]['InstanceId']} 401"


def test_security_groups_hold_among_instances_and_from_here(running: Running) -> None:
    peer = running.instances[1]
    private, public = peer["PrivateIpAddress"], peer["PublicIpAddress"]
    for address in (private, public):
        assert running.ssh(0, f"nc -z -w 3 {address} 22; echo $?").stdout == "1\n"
    proxy = (running.user.python, "-m", "localec2", "ssh-proxy", public, "81")
    done = running.user.run(*proxy, cgroup=None)
    assert done.returncode == 1
    assert "timed out" in done.stderr
    group = peer["SecurityGroups"][0]["GroupId"]
    permission = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "UserIdGroupPairs": [{"GroupId": group}]}
    running.ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[permission])
    wait_until(lambda: running.ssh(0, f"nc -z -w 3 {private} 22; echo $?").stdout == "0\n")


def test_instances_survive_the_services_death(running: Running) -> None:
    service = json.loads(running.user.localec2("status", "--json"))["pid"]
    os.kill(service, 9)
    running.user.localec2("start")
    states = [
        instance["State"]["Name"]
        for reservation in running.ec2.describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    ]
    assert states == ["running", "running"]
    assert running.ssh(1, "echo here").stdout == "here\n"


def test_the_console_is_real(running: Running) -> None:
    assert "login:" in running.user.localec2("console", running.instances[0]["InstanceId"])


def test_stop_all_leaves_nothing(running: Running) -> None:
    assert running.user.processes()
    running.user.localec2("stop", "--all")
    deadline = time.monotonic() + 10
    while running.user.processes() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert running.user.processes() == {}
    assert not list(CGROUP.glob("*/"))
    assert json.loads(running.user.localec2("status", "--json"))["slot"] is None
