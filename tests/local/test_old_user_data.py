"""Launched by an old habit through the AWS CLI, a baked image is an execution point of somebody's HTCondor pool.

The pool is one of old as well: its central manager, made by a shell script, trusts addresses, and takes tokens too.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import WORKER_TYPE, RealPool, until

from roost.boot.config_check import check, verdict
from roost.boot.image_programs import files

pytestmark = pytest.mark.local

AWS = Path(sys.executable).parent / "aws"
# What an administrator of 2011 wrote, and what HTCondor 23.9 needs besides.
CENTRAL_MANAGER = """#!/bin/sh
: > /etc/condor/config.d/00-htcondor-9.0.config
cat > /etc/condor/config.d/60-pool.config <<'EOF'
CONDOR_HOST = $(IP_ADDRESS)
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD
use SECURITY:HOST_BASED
ALLOW_WRITE = *
ALLOW_DAEMON = *
ALLOW_NEGOTIATOR = $(FULL_HOSTNAME) $(IPV4_ADDRESS)
ALLOW_ADMINISTRATOR = $(FULL_HOSTNAME) $(IPV4_ADDRESS)
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS
TRUST_DOMAIN = old.example.org
ENABLE_IPV6 = False
NEGOTIATOR_INTERVAL = 2
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
EOF
mkdir -m 700 -p /etc/condor/passwords.d
(umask 077; head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \\n' > /etc/condor/passwords.d/POOL)
systemctl start condor
"""


class OldPool(RealPool):
    """The image, a submit host with a central manager, and workers launched as in the two documents."""

    def __init__(self, ec2: Any, service: Localec2Service, directory: Path) -> None:
        super().__init__(
            ec2,
            name="old",
            image_id=service.image_id,
            ssh_from=f"{service.host_public_ip}/32",
            directory=directory,
        )
        self.service = service
        self.baked: list[str] = []

    def __enter__(self) -> "OldPool":
        return self

    def bake(self, base: str) -> str:
        """By hand: an instance gets the files, and becomes an image."""
        [builder] = self.run(base)
        until(lambda: self.ssh_once("cloud-init", "status", "--wait", on=builder).returncode == 0, "the builder")
        unpack = (
            "import json, pathlib, sys\n"
            "for name, text in json.load(sys.stdin).items():\n"
            "    path = pathlib.Path(name)\n"
            "    path.parent.mkdir(parents=True, exist_ok=True)\n"
            "    path.write_text(text)\n"
        )
        self.ssh("sudo", "python3", "-c", unpack, on=builder, feed=json.dumps(files()))
        image_id = str(self.ec2.create_image(InstanceId=builder, Name=f"old {base}", NoReboot=True)["ImageId"])
        self.baked.append(image_id)
        self.ec2.get_waiter("image_available").wait(ImageIds=[image_id], WaiterConfig={"Delay": 1})
        self.ec2.terminate_instances(InstanceIds=[builder])
        return image_id

    def start_submit_host(self) -> None:
        [self.access_point] = self.run(self.image_id, CENTRAL_MANAGER)
        until(lambda: self.ssh_once("condor_status", "-schedd", "-af", "Name").stdout != "", "the central manager")
        # step 7 of 2011: the submit host, and nobody else, may reach the workers
        address = f"{self.described(self.access_point)['PublicIpAddress']}/32"
        self.ec2.authorize_security_group_ingress(
            GroupId=self.group, IpProtocol="tcp", FromPort=9618, ToPort=9618, CidrIp=address
        )

    @property
    def submit_host(self) -> str:
        """Its name outside; inside the cloud the same name is the private address."""
        return str(self.described(self.access_point)["PublicDnsName"])

    def run(self, image_id: str, user_data: str = "", *, count: int = 1) -> list[str]:
        """`aws ec2 run-instances --user-data ...`, as ec2-run-instances -d was."""
        command = [
            *(str(AWS), "ec2", "run-instances", "--image-id", image_id, "--instance-type", WORKER_TYPE),
            *("--key-name", self.name, "--security-group-ids", self.group, "--output", "json"),
            *("--count", str(count)),
            *(("--user-data", user_data) if user_data else ()),
        ]
        environment = {**os.environ, **self.service.env, "AWS_PAGER": ""}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, done.stderr
        launched = [str(each["InstanceId"]) for each in json.loads(done.stdout)["Instances"]]
        self.launched += launched
        return launched

    def console(self, instance_id: str) -> str:
        return str(self.ec2.get_console_output(InstanceId=instance_id).get("Output", ""))

    def slot_of(self, worker: str, *attributes: str) -> list[str]:
        query = ("-const", f'RoostInstanceId == "{worker}" && PartitionableSlot', "-af", *attributes)
        return self.ssh("condor_status", *query).split()

    def wait_for(self, worker: str) -> None:
        until(lambda: self.slot_of(worker, "Machine") != [] or "failed" in self.console(worker), f"{worker} to join")
        assert self.slot_of(worker, "Machine"), self.console(worker)

    def runs_a_job(self, worker: str) -> None:
        self.submit(worker, executable="/bin/hostname", requirements=f'RoostInstanceId == "{worker}"')
        self.ssh("condor_wait", "-wait", "60", f"{worker}/log")
        assert self.ssh("cat", f"{worker}/out").strip() == self.ssh("hostname", on=worker).strip()


@pytest.fixture(scope="module")
def pool(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OldPool]:
    ec2: Any = localec2_service.client()
    with OldPool(ec2, localec2_service, tmp_path_factory.mktemp("old")) as pool:
        pool.image_id = pool.bake(localec2_service.image_id)
        pool.start_submit_host()
        yield pool
        for image_id in pool.baked:
            ec2.deregister_image(ImageId=image_id)


@pytest.fixture(scope="module")
def image_with_gluster(pool: OldPool) -> str:
    base = pool.service.run(
        *("image", "build", "--json", "--name", "with-gluster", "--description", "Debian with HTCondor and GlusterFS"),
        *(word for package in ("condor", "glusterfs-client", "glusterfs-server") for word in ("--package", package)),
        *("--disable", "condor.service", "--tag", "localec2:fuse=yes"),
    )
    for first, last in ((24007, 24008), (49152, 60999)):
        pool.ec2.authorize_security_group_ingress(
            GroupId=pool.group,
            IpPermissions=[
                {
                    "IpProtocol": "tcp",
                    "FromPort": first,
                    "ToPort": last,
                    "UserIdGroupPairs": [{"GroupId": pool.group}],
                }
            ],
        )
    return pool.bake(json.loads(base)["image_id"])


@pytest.fixture(scope="module")
def useless(pool: OldPool, image_with_gluster: str) -> list[str]:
    """The central manager of one has gone, the peer of the other was never launched."""
    short = "ROOST_LEASE = 4m"  # of which they wait a quarter
    nobody, alone = "ip-172-31-255-250.ec2.internal", "SHARED = gluster\nSHARED_PEERS = 2"
    return [
        *pool.run(pool.image_id, f"CONDOR_HOST = {nobody}\n{short}\n"),
        *pool.run(image_with_gluster, f"CONDOR_HOST = {pool.submit_host}\n{short}\n{alone}\n"),
    ]


@pytest.fixture(scope="module")
def cluster(pool: OldPool, image_with_gluster: str, useless: list[str]) -> list[str]:
    """Step 16 of 2011: two workers and a file system of their own, by user data alone."""
    assert useless, "which wait for nothing meanwhile"
    keys = f"CONDOR_HOST = {pool.submit_host}\nSHARED = gluster\nSHARED_PEERS = 2\n"
    # another launch of the same image at the same time is another cluster
    launches = [
        pool.run(image_with_gluster, keys, count=2),
        pool.run(image_with_gluster, f"{keys}SHARED_COPIES = 2\n", count=2),
    ]
    for each in (each for launch in launches for each in launch):
        pool.wait_for(each)
    pool.ec2.terminate_instances(InstanceIds=launches[1])
    return launches[0]


@pytest.fixture(scope="module")
def worker(pool: OldPool) -> str:
    """Step 8 of 2011, with a line more than the least."""
    [worker] = pool.run(
        pool.image_id, f"CONDOR_HOST = {pool.submit_host}\nSTARTD_ATTRS = $(STARTD_ATTRS) Old\nOld = 2011"
    )
    pool.wait_for(worker)
    return worker


def test_a_script_is_cloud_inits_and_htcondor_waits_for_it(pool: OldPool) -> None:
    until(lambda: "no execution point" in pool.console(pool.access_point), "the console")
    assert "it is for cloud-init (#!/bin/sh)" in pool.console(pool.access_point)


def test_lines_of_configuration_make_a_worker(pool: OldPool, worker: str) -> None:
    described = pool.described(worker)
    assert pool.slot_of(worker, "Old", "Cpus") == ["2011", "2"]
    configured = pool.ssh(
        *("condor_config_val", "TCP_FORWARDING_HOST", "PRIVATE_NETWORK_INTERFACE", "PRIVATE_NETWORK_NAME"), on=worker
    )
    zone = described["Placement"]["AvailabilityZone"]
    assert configured.split() == [described["PublicIpAddress"], described["PrivateIpAddress"], f"amazon-ec2-{zone}"]
    until(lambda: "s joined" in pool.console(worker), "the console")
    pool.runs_a_job(worker)


def test_its_jobs_reach_no_metadata_and_it_has_a_lease(pool: OldPool, worker: str) -> None:
    pool.submit(
        "metadata", executable="/usr/bin/curl", requirements="Old == 2011", arguments="-sS -m 3 169.254.169.254"
    )
    pool.ssh("condor_wait", "-wait", "60", "metadata/log")
    assert "Failed to connect" in pool.ssh("cat", "metadata/err")
    assert "roost-lease" in pool.ssh("systemctl", "list-timers", on=worker)


def test_the_others_habits(pool: OldPool) -> None:
    """A bare host name; a token; keys of a cluster; lines that HTCondor rejects; what this image cannot do."""
    mint = "condor_token_create -identity worker@old.example.org -authz ADVERTISE_STARTD -authz ADVERTISE_MASTER"
    token = pool.ssh("sudo", *mint.split()).strip()
    host = pool.submit_host
    [bare] = pool.run(pool.image_id, host)
    [keys] = pool.run(
        pool.image_id, f"# a cluster\nCONDOR_HOST={host}\nROOST_TOKEN={token}\nROOST_NETWORK=outbound\nROOST_LEASE=3h\n"
    )
    [wrong] = pool.run(pool.image_id, f"CONDOR_HOST = {host}\nuse ROLE:Executor\n")
    [shared] = pool.run(pool.image_id, f"CONDOR_HOST = {host}\nSHARED = gluster\nSHARED_PEERS = 1\n")
    pool.wait_for(bare)
    pool.runs_a_job(bare)
    pool.wait_for(keys)
    assert pool.slot_of(keys, "AuthenticatedIdentity") == ["worker@old.example.org"]
    assert "CCBID" in pool.slot_of(keys, "MyAddress")[0]
    pool.runs_a_job(keys)
    assert pool.ssh_once("grep", "-r", token, "/etc/condor/config.d", on=keys).stdout == ""
    until(lambda: "Executor" in pool.console(wrong), "HTCondor's words")
    assert "Line 2 while reading config source /etc/condor/config.d/60-user-data.config" in pool.console(wrong)
    until(lambda: "this image has no GlusterFS" in pool.console(shared), "the refusal")
    for stopped in (wrong, shared):
        assert pool.ssh_once("systemctl", "is-active", "condor", on=stopped).stdout.strip() != "active"
        assert "roost-lease" in pool.ssh("systemctl", "list-timers", on=stopped)


def test_an_access_point_can_judge_a_configuration(pool: OldPool) -> None:
    """As `up` asks it on AWS, where there is no other HTCondor of the image's version before the launch."""
    for lines, line in (("A = 1\nSTART = (1 +\n", 2), ("A = 1\nwhat\n", 2), ("HasGalaxy = True\n", None)):
        found = verdict(pool.ssh(*check(lines)), lines)
        assert (found.rejected.line if found.rejected else None) == line
        assert found.notes == ()


def test_it_comes_back_after_a_reboot(pool: OldPool, worker: str) -> None:
    before = pool.console(worker).count("s joined")
    pool.ec2.reboot_instances(InstanceIds=[worker])
    until(lambda: pool.console(worker).count("s joined") > before, "it to join again")


def test_a_virtual_cluster_shares_its_disks(pool: OldPool, cluster: list[str]) -> None:
    first, second = cluster
    pool.submit(
        "write",
        executable="/bin/sh",
        arguments="\"-c 'hostname > /shared/by-the-first'\"",
        requirements=f'RoostInstanceId == "{first}" && RoostShared == "/shared"',
    )
    pool.ssh("condor_wait", "-wait", "60", "write/log")
    pool.submit(
        "read",
        executable="/bin/cat",
        arguments="/shared/by-the-first",
        requirements=f'RoostInstanceId == "{second}" && RoostSharedKind == "gluster"',
    )
    pool.ssh("condor_wait", "-wait", "60", "read/log")
    assert pool.ssh("cat", "read/out").strip() == pool.ssh("hostname", on=first).strip()
    peers = pool.ssh("ls", "/shared/.roost", on=second).split()
    assert peers == sorted(["access-point", first, second]), "those of this launch, and no others"


def test_what_is_of_no_use_powers_itself_off(pool: OldPool, useless: list[str]) -> None:
    """Launched without --instance-initiated-shutdown-behavior terminate."""
    until(lambda: [pool.described(one)["State"]["Name"] for one in useless] == ["stopped"] * 2, "both", timeout_s=400)
    lost, alone = map(pool.console, useless)
    assert "not in the collector's list" in lost
    assert "there is no shared file system, powering off" in alone
