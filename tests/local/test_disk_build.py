"""A disk is built from a recipe and has what UEFI, the kernel and Roost need. Opt-in: minutes, and the Debian mirror.

ROOST_TEST_DISK=1 python -m pytest tests/local/test_disk_build.py
"""

import os
import subprocess
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import Roost

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(not os.environ.get("ROOST_TEST_DISK"), reason="ROOST_TEST_DISK=1 builds a whole disk"),
]
MIB = 2**20
POOL = """\
image:
  packages: [bwa]
  files: {reference.fa: /opt/reference.fa}
  script: setup.sh
"""


def on_esp(disk: Path, path: str) -> str:
    command = ["mtype", "-i", f"{disk}@@1M", f"::{path}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def on_root(disk: Path, command: str) -> str:
    where = f"{disk}?offset={257 * MIB}"
    done = subprocess.run(["/usr/sbin/debugfs", "-R", command, where], check=True, capture_output=True, text=True)
    return done.stdout


def test_built_and_registered(localec2_service: Localec2Service, tmp_path: Path) -> None:
    roost = Roost(service=localec2_service, directory=tmp_path)
    (tmp_path / "pool.yml").write_text(POOL)
    (tmp_path / "reference.fa").write_text(">a\nACGT\n")
    (tmp_path / "setup.sh").write_text("#!/bin/sh\nwc -c /opt/reference.fa > /opt/said\n")
    built = roost("image", "disk", "--output", "worker.raw", timeout_s=1800)
    assert built.returncode == 0, built.stderr
    disk = tmp_path / "worker.raw"
    entry = on_esp(disk, "/loader/entries/debian.conf")
    root_uuid = entry.partition("PARTUUID=")[2].split()[0]
    shown = subprocess.run(["/usr/sbin/sfdisk", "--json", str(disk)], check=True, capture_output=True, text=True)
    assert root_uuid.upper() in shown.stdout
    assert on_root(disk, "cat /opt/reference.fa") == ">a\nACGT\n"
    assert on_root(disk, "cat /opt/said") == "8 /opt/reference.fa\n"
    assert "roost-boot.service" in on_root(disk, "ls /etc/systemd/system")
    assert "condor.service" not in on_root(disk, "ls /etc/systemd/system/multi-user.target.wants")
    assert "File not found" in on_root(disk, "stat /etc/ssh/ssh_host_ed25519_key") or not on_root(
        disk, "cat /etc/ssh/ssh_host_ed25519_key"
    )
    registered = roost("image", "register", "worker.raw", timeout_s=600)
    assert registered.returncode == 0, registered.stderr
    assert "no partition table" not in registered.stderr
    assert roost("image", "rm", registered.stdout.split()[0]).returncode == 0
