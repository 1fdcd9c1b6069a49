"""A pool of real instances, made with boto3 and `roost.boot` alone: for tests and measurements of what boots.

Whoever makes one ends it: use it as a context manager.
"""

import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from roost.boot import commands
from roost.boot.roles import Role
from roost.boot.settings import BootSettings, Intervals, Joining, Network, Shape
from roost.boot.user_data import user_data

ACCESS_POINT_TYPE = "t3.medium"
WORKER_TYPE = "c7i.large"
TYPES = {ACCESS_POINT_TYPE: Shape(cpus=2, memory_mib=4096), WORKER_TYPE: Shape(cpus=2, memory_mib=4096)}
PATIENCE_S = 120.0


class RealPool:
    """One access point, and execution points as they are asked for."""

    def __init__(self, ec2: Any, *, name: str, image_id: str, ssh_from: str, directory: Path) -> None:
        self.ec2, self.name, self.image_id = ec2, name, image_id
        self.launched: list[str] = []
        self.key = directory / f"{name}.pem"
        self.key.touch(mode=0o600)
        self.key.write_text(ec2.create_key_pair(KeyName=name, KeyType="ed25519")["KeyMaterial"])
        self.group: str = ec2.create_security_group(GroupName=name, Description="a pool")["GroupId"]
        ec2.authorize_security_group_ingress(
            GroupId=self.group,
            IpPermissions=[
                {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": ssh_from}]},
                {"IpProtocol": "tcp", "FromPort": 9618, "ToPort": 9618, "UserIdGroupPairs": [{"GroupId": self.group}]},
            ],
        )
        self.access_point = ""

    def __enter__(self) -> "RealPool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.launched:
            self.ec2.terminate_instances(InstanceIds=self.launched)
            self.ec2.get_waiter("instance_terminated").wait(
                InstanceIds=self.launched, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
            )
        self.ec2.delete_security_group(GroupId=self.group)
        self.ec2.delete_key_pair(KeyName=self.name)

    def start_access_point(self, *, intervals: Intervals = Intervals.ROOST, **where: Any) -> str:
        """Its id, once jobs can be submitted."""
        settings = BootSettings(lease_s=7200, idle_s=0, workers=4, intervals=intervals)
        self.access_point = self.launch(Role.ACCESS_POINT, settings, None, **where)
        until(lambda: self.ssh_once(*commands.is_ready()).returncode == 0, "the central manager")
        return self.access_point

    def start_execution_point(
        self,
        *,
        lease_s: int = 7200,
        idle_s: int = 3600,
        lost_s: int = 900,
        config: str = "",
        intervals: Intervals = Intervals.ROOST,
        network: Network = Network(),  # noqa: B008 (frozen)
        schedd: str = "",
        **where: Any,
    ) -> str:
        """Its id, as soon as EC2 has said it. `where`: further arguments of RunInstances."""
        settings = BootSettings(
            lease_s=lease_s,
            idle_s=idle_s,
            lost_s=lost_s,
            workers=4,
            condor_config=config,
            intervals=intervals,
            network=network,
        )
        token = commands.joining_token(self.ssh(*commands.mint_joining_token(self.name)))
        central_manager = str(self.described(self.access_point)["PrivateIpAddress"])
        joining = Joining(central_manager=central_manager, token=token, schedd=schedd)
        return self.launch(Role.EXECUTION_POINT, settings, joining, **where)

    def launch(self, role: Role, settings: BootSettings, joining: Joining | None, **where: Any) -> str:
        groups = {} if "NetworkInterfaces" in where else {"SecurityGroupIds": [self.group]}
        instance_id = str(
            self.ec2.run_instances(
                ImageId=self.image_id,
                InstanceType=ACCESS_POINT_TYPE if role is Role.ACCESS_POINT else WORKER_TYPE,
                MinCount=1,
                MaxCount=1,
                KeyName=self.name,
                UserData=user_data(pool=self.name, role=role, types=TYPES, settings=settings, joining=joining),
                MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
                InstanceInitiatedShutdownBehavior="terminate",
                **{**groups, **where},
            )["Instances"][0]["InstanceId"]
        )
        self.launched.append(instance_id)
        return instance_id

    def described(self, instance_id: str) -> Any:
        return self.ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]

    def joined(self) -> list[str]:
        """Instance ids of the execution points that the collector lists."""
        return [each.instance_id for each in commands.joined(self.ssh(*commands.list_joined()))]

    def ssh(self, *argv: str, on: str = "", feed: str = "") -> str:
        done = self.ssh_once(*argv, on=on, feed=feed)
        if done.returncode:
            raise AssertionError(f"{shlex.join(argv)}: {done.returncode} {done.stdout} {done.stderr}")
        return done.stdout

    def ssh_once(self, *argv: str, on: str = "", feed: str = "") -> "subprocess.CompletedProcess[str]":
        """A command on the access point, or on another instance, as `debian`."""
        instance_id = on or self.access_point
        address = self.described(instance_id).get("PublicIpAddress") or "192.0.2.1"
        command = [*self.ssh_argv(instance_id, address), shlex.join(argv)]
        return subprocess.run(command, input=feed, capture_output=True, text=True, check=False, timeout=300)

    def ssh_argv(self, instance_id: str, address: str) -> list[str]:
        options = {
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
            "ConnectTimeout": "3",
            "LogLevel": "ERROR",
            "BatchMode": "yes",
            "ControlMaster": "auto",
            "ControlPersist": "20",
            "ControlPath": str(self.key.with_name(f"{instance_id[-8:]}-{address[-6:]}")),
        }
        flags = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-i", str(self.key), *flags, f"debian@{address}"]

    @contextmanager
    def login(self, instance_id: str) -> "Iterator[Login]":
        """Somebody at a terminal of an instance."""
        address = self.described(instance_id)["PublicIpAddress"]
        words = self.ssh_argv(instance_id, address)
        argv = [*words[:1], "-S", "none", "-tt", *words[1:]]
        with tempfile.TemporaryFile() as screen:
            process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=screen, stderr=subprocess.STDOUT)
            try:
                yield Login(process.stdin, screen)
            finally:
                process.kill()
                process.wait()

    def submit(self, directory: str, **description: str) -> None:
        """One job; its standard output goes to `out` in that directory of the access point."""
        lines = {
            "output": "out",
            "error": "err",
            "log": "log",
            "request_cpus": "1",
            "request_memory": "100",
            "request_disk": "1M",
            # said, even where it is nothing: else the starter sleeps a second to find out what is new
            "transfer_output_files": '""',
            **description,
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items()) + "queue\n"
        script = f"rm -rf {directory} && mkdir {directory} && cd {directory} && cat > job.sub && condor_submit job.sub"
        self.ssh("sh", "-c", script, feed=text)


@dataclass(frozen=True, slots=True)
class Login:
    keyboard: Any
    screen: Any

    def shown(self) -> str:
        self.screen.seek(0)
        return str(self.screen.read().decode(errors="replace"))


def until(is_so: Callable[[], bool], what: str, *, timeout_s: float = PATIENCE_S, pause_s: float = 0.2) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s:.0f} s for {what}")
        time.sleep(pause_s)
