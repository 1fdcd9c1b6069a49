"""`roost` as its user calls it, against the tests' own EC2 on this machine."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from own_service import Localec2Service

SOURCE = Path(__file__).parents[2] / "src"
EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, kw_only=True)
class Roost:
    """Runs in a directory of its own, with keys of its own."""

    service: Localec2Service
    directory: Path
    env: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            **self.service.env,
            "PYTHONPATH": str(SOURCE),
            "XDG_DATA_HOME": str(self.directory / "data"),
            "TERM": "dumb",
            **self.env,
        }

    def __call__(self, *arguments: str, timeout_s: float = 240) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "roost", *arguments],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
        )

    def interrupted(self, *arguments: str, when: str, by: signal.Signals) -> "subprocess.CompletedProcess[str]":
        """The same, ended by a signal once a line of its error output holds `when`."""
        process = self._popen(*arguments)
        try:
            assert process.stderr is not None
            said = ""
            for line in process.stderr:
                said += line
                if when in line:
                    break
            process.send_signal(by)
            out, rest = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
        return subprocess.CompletedProcess(process.args, process.returncode, out, said + rest)

    @contextmanager
    def started(self, *arguments: str) -> Iterator["subprocess.Popen[str]"]:
        """The same, while it runs."""
        process = self._popen(*arguments)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def _popen(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "roost", *arguments],
            env=self.environment,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def check(self, example: str, results: Path, *more: str) -> None:
        """What the example's own check says of its results."""
        argv = [sys.executable, str(EXAMPLES / example / "check.py"), str(results), *more]
        said = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert said.returncode == 0, said.stdout + said.stderr

    def left(self) -> list[str]:
        """What EC2 still describes of pools of Roost: instances, groups, keys, volumes."""
        ec2: Any = self.service.client()
        ours = [{"Name": "tag-key", "Values": ["roost:pool"]}]
        instances = [
            i["InstanceId"]
            for r in ec2.describe_instances(Filters=ours)["Reservations"]
            for i in r["Instances"]
            if i["State"]["Name"] != "terminated"
        ]
        groups = [g["GroupName"] for g in ec2.describe_security_groups(Filters=ours)["SecurityGroups"]]
        keys = [k["KeyName"] for k in ec2.describe_key_pairs(Filters=ours)["KeyPairs"]]
        volumes = [v["VolumeId"] for v in ec2.describe_volumes(Filters=ours)["Volumes"]]
        return [*instances, *groups, *keys, *volumes]
