"""`shared: nfs` with real kernels: instances are virtual machines, which boot a disk of `roost image disk` by UEFI.

Containers have this machine's kernel, and that may have no NFS. Opt-in: processors are emulated, so it takes some ten
minutes, and the disk two more; the directory that the variable names keeps it for the next time.

ROOST_TEST_VM=/var/tmp/roost-vm python -m pytest tests/local/test_nfs_vm.py
"""

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import Roost

KEPT = os.environ.get("ROOST_TEST_VM", "")
pytestmark = [
    pytest.mark.local,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(not KEPT, reason="ROOST_TEST_VM=DIRECTORY boots virtual machines"),
]
BOOT_S = 900.0  # patience with emulated processors
PACKAGES = ("dnsmasq-base", "ovmf", "qemu-system-x86", "zstd")
POOL = "name: vms\ncloud: aws\nshared: nfs\nworkers: {{count: {count}}}\nidle: 1h\nlease: 2h\nimage: {{id: {image}}}\n"
# Looked for and listed before it is there: what the kernel remembers of that it keeps for half a minute by default.
WAIT_FOR_IT = """\
import os, time
os.listdir("/shared"), os.path.exists("/shared/late")
print("looking", flush=True)
while not os.path.exists("/shared/late"): time.sleep(0.1)
print(time.time() - os.stat("/shared/late").st_mtime)
"""
JOB = """\
executable = /bin/sh
arguments = "-c 'cat /shared/late && id -u > /shared/by-a-job'"
transfer_executable = false
transfer_output_files = ""
requirements = RoostShared == "/shared" && RoostSharedKind == "nfs"
output = out
log = log
request_cpus = 1
request_memory = 100
request_disk = 1M
queue
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machines:
    roost: Roost
    image: str
    access_point: str
    execution_point: str

    def __call__(self, *argv: str, on: str = "", timeout_s: float = 240) -> "subprocess.CompletedProcess[str]":
        where = ("--on", on) if on else ()
        return self.roost("ssh", "vms", "--cloud", "aws", *where, "--", *argv, timeout_s=timeout_s)

    def out(self, *argv: str, on: str = "") -> str:
        done = self(*argv, on=on)
        assert done.returncode == 0, f"{argv}: {done.stdout} {done.stderr}"
        return done.stdout

    def up(self, count: int) -> "subprocess.CompletedProcess[str]":
        (self.roost.directory / "vms.yml").write_text(POOL.format(count=count, image=self.image))
        return self.roost("up", "--yes", "--timeout", "20m", "vms.yml", timeout_s=1300)

    def listed(self) -> list[str]:
        return self.out("condor_status", "-const", "PartitionableSlot", "-af", "RoostInstanceId").split()

    def console(self, instance_id: str) -> str:
        return self.roost("logs", instance_id, "--cloud", "aws").stdout


@pytest.fixture(scope="module")
def disk(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an image of this pool would be on AWS."""
    kept = Path(KEPT, "disk.raw.zst")
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        roost = Roost(service=localec2_service, directory=tmp_path_factory.mktemp("disk"))
        (roost.directory / "pool.yml").write_text("cloud: aws\nshared: nfs\n")
        built = roost("image", "disk", "--output", "disk.raw", timeout_s=1800)
        assert built.returncode == 0, built.stderr
        new = kept.with_suffix(".new")
        subprocess.run(["zstd", "-q", "-3", "-T0", "-f", roost.directory / "disk.raw", "-o", new], check=True)
        (roost.directory / "disk.raw").unlink()
        new.replace(kept)
    return kept


@pytest.fixture(scope="module")
def image(localec2_service: Localec2Service, disk: Path) -> str:
    """Its instances are containers that run the machine."""
    init = Path(__file__).with_name("vm_init.sh")
    return localec2_service.run(
        *("image", "build", "--name", "machines", "--description", "virtual machines", "--tag", "localec2:tun=yes"),
        *(word for package in PACKAGES for word in ("--package", package)),
        *("--add", f"{init}:/usr/sbin/init", "--add", f"{disk}:/disk.raw.zst"),
    ).strip()


@pytest.fixture(scope="module")
def machines(
    localec2_service: Localec2Service, image: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Machines]:
    here = {**localec2_service.env, "ROOST_MY_ADDRESS": localec2_service.host_public_ip}
    roost = Roost(service=replace(localec2_service, env=here), directory=tmp_path_factory.mktemp("vms"))
    pool = Machines(roost=roost, image=image, access_point="", execution_point="")
    try:
        up = pool.up(1)
        assert up.returncode == 0, up.stdout + up.stderr
        ids = {line.split()[1]: line.split()[0] for line in up.stdout.splitlines()}
        yield replace(pool, access_point=ids["access-point"], execution_point=ids["execution-point"])
    finally:
        down = roost("down", "vms", "--cloud", "aws", "--yes", "--now")
        assert down.returncode == 0, down.stderr
        assert roost.left() == []


def test_mounted_before_htcondor_starts(machines: Machines) -> None:
    assert machines.out("sudo", "exportfs").split()[0] == "/shared"
    options = machines.out("findmnt", "-n", "-t", "nfs4", "-o", "OPTIONS", "/shared", on=machines.execution_point)
    assert {"vers=4.2", "hard", "noatime", "lookupcache=pos"} <= set(options.strip().split(","))
    lines = machines.out("cat", "/var/log/roost/boot.jsonl", on=machines.execution_point).splitlines()
    events = [json.loads(line)["event"] for line in lines]
    assert events.index("shared") < events.index("condor started") < events.index("joined")
    # written on one, read on all
    assert machines.execution_point in machines.out("ls", "/shared/.roost").split()
    for instance_id in (machines.access_point, machines.execution_point):
        failed = machines.out("systemctl", "--failed", "--plain", "--no-legend", on=instance_id)
        assert failed.strip() == ""


def test_a_file_is_seen_at_once_where_it_was_looked_for_before(machines: Machines) -> None:
    command = ("ssh", "vms", "--cloud", "aws", "--on", machines.execution_point, "--", "python3", "-c", WAIT_FOR_IT)
    with machines.roost.started(*command) as looking:
        assert looking.stdout is not None
        assert looking.stdout.readline() == "looking\n"
        machines.out("sh", "-c", "echo here > /shared/late")
        waited_s = float(looking.stdout.readline())
    assert waited_s < 10, "without lookupcache=positive it would be some 26 s"


def test_a_job_reads_and_writes_there(machines: Machines) -> None:
    machines.out("sh", "-c", f"cat > job.sub <<'END'\n{JOB}END\ncondor_submit job.sub && condor_wait -wait 180 log")
    assert machines.out("cat", "out") == "here\n"
    uid = machines.out("cat", "/shared/by-a-job").strip()
    assert uid == machines.out("stat", "-c", "%u", "/shared/by-a-job").strip()
    assert uid != "0"


def test_who_cannot_mount_stays_out_and_says_why(machines: Machines) -> None:
    """Packets to the server are dropped for all but the first one, as by a security group; then let through."""
    address = machines.out("hostname", "-I", on=machines.execution_point).split()[0]
    drop = "nft add table inet closed; nft add chain inet closed in '{ type filter hook input priority 0; }'"
    rule = f"nft add rule inet closed in ip saddr != {address} tcp dport 2049 drop"
    machines.out("sudo", "sh", "-c", f"{drop}; {rule}")
    up = machines.up(2)
    assert up.returncode == 4, up.stdout + up.stderr
    assert "port 2049, where NFS should be served: timed out (its service, or a security group?)" in up.stderr
    assert machines.listed() == [machines.execution_point]
    late = up.stderr.partition("roost why ")[2].partition("`")[0]
    assert "failed reason=/shared (nfs)" in machines.console(late)
    why = machines.roost("why", late, "--cloud", "aws").stdout
    assert "port 2049" in why, why
    machines.out("sudo", "nft", "delete", "table", "inet", "closed")
    until(lambda: late in machines.listed(), f"{late} to try again, and join")
    again = machines.up(2)
    assert again.returncode == 0, again.stderr


def test_the_access_point_boots_again(machines: Machines) -> None:
    """Who has it mounted waits for it, and goes on."""
    boot = machines.out("cat", "/proc/sys/kernel/random/boot_id")
    machines("sudo", "systemctl", "reboot")
    until(lambda: machines("cat", "/proc/sys/kernel/random/boot_id").stdout.strip() not in ("", boot.strip()), "a boot")
    read = machines("cat", "/shared/late", on=machines.execution_point, timeout_s=BOOT_S)
    assert read.stdout == "here\n", read.stderr
    until(lambda: len(machines.listed()) == 2, "the pool to be whole again")


def test_down_asks_about_what_is_there(machines: Machines) -> None:
    refused = machines.roost("down", "vms", "--cloud", "aws")
    assert refused.returncode == 2
    assert "/shared/late" in refused.stderr
    fetched = machines.roost("fetch", "vms", "--cloud", "aws", "--to", "results")
    assert fetched.returncode == 0, fetched.stderr
    assert (machines.roost.directory / "results" / "late").read_text() == "here\n"


def until(is_so: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + BOOT_S
    while not is_so():
        assert time.monotonic() < deadline, f"waited {BOOT_S:.0f} s for {what}"
        time.sleep(3)
