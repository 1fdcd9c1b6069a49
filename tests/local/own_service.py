"""A service of its own for the tests, on its own state directory and port: nothing of the user's is touched."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import boto3

PACKAGES = ("bcftools", "bwa", "condor", "crun", "podman", "samtools")


@dataclass(frozen=True, kw_only=True, slots=True)
class Localec2Service:
    endpoint_url: str
    region: str
    image_id: str
    image_name: str
    state_dir: Path
    host_public_ip: str
    slot: int
    env: Mapping[str, str]  # what points any EC2 client here, on top of this process's environment

    def client(self, name: Literal["ec2", "iam"] = "ec2") -> Any:
        """boto3's, of EC2 or of another service of AWS."""
        return boto3.client(
            name,
            endpoint_url=self.endpoint_url,
            region_name=self.region,
            aws_access_key_id=self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.env["AWS_SECRET_ACCESS_KEY"],
        )

    def run(self, *arguments: str) -> str:
        """A `localec2` command on this service."""
        return localec2(*arguments, "--state-dir", str(self.state_dir))


def started(state_dir: Path, *, region: str = "us-east-1") -> Localec2Service:
    """Start a service (or find it running) and have it hold the tests' image."""
    localec2("start", "--port", str(_port_of(state_dir)), "--state-dir", str(state_dir), "--region", region)
    image = json.loads(
        localec2(
            *("image", "build", "--json", "--state-dir", str(state_dir), "--name", "roost-tests"),
            *("--description", "Debian trixie with HTCondor, bwa, samtools and bcftools"),
            *(word for package in PACKAGES for word in ("--package", package)),
            *("--disable", "condor.service"),
        )
    )
    facts = json.loads(localec2("status", "--json", "--state-dir", str(state_dir)))
    return Localec2Service(
        endpoint_url=facts["endpoint_url"],
        region=facts["region"],
        image_id=image["image_id"],
        image_name=image["name"],
        state_dir=state_dir,
        host_public_ip=facts["host_public_ip"],
        slot=facts["slot"],
        env={
            "AWS_ENDPOINT_URL": facts["endpoint_url"],
            "AWS_REGION": facts["region"],
            "AWS_DEFAULT_REGION": facts["region"],
            "AWS_ACCESS_KEY_ID": "localec2-tests",
            "AWS_SECRET_ACCESS_KEY": "any-secret-is-accepted",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "LOCALEC2_STATE_DIR": str(state_dir),
        },
    )


def localec2(*arguments: str) -> str:
    """A command's standard output; its error output is shown where it fails."""
    source = Path(__file__).parents[2] / "src"
    path = os.pathsep.join([str(source), *filter(None, [os.environ.get("PYTHONPATH")])])
    done = subprocess.run(
        [sys.executable, "-m", "localec2", *arguments],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, f"localec2 {' '.join(arguments)}: {done.stderr}"
    return done.stdout


def _port_of(state_dir: Path) -> int:
    """A free one; the same for the same directory, so that a second start finds the first."""
    file = state_dir / "test-port"
    if not file.is_file():
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            file.write_text(str(probe.getsockname()[1]))
    return int(file.read_text())
