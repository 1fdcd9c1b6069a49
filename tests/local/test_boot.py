"""A pool really makes itself: joining, secrets, what jobs reach, what an execution point may do, its end."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import RealPool, until

from roost.boot.roles import Role
from roost.boot.settings import BootSettings, Joining

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def pool(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPool]:
    ec2: Any = localec2_service.client()
    with RealPool(
        ec2,
        name="boot",
        image_id=localec2_service.image_id,
        ssh_from=f"{localec2_service.host_public_ip}/32",
        directory=tmp_path_factory.mktemp("boot"),
    ) as pool:
        pool.start_access_point()
        yield pool


@pytest.fixture(scope="module")
def worker(pool: RealPool) -> str:
    """An execution point that has joined and has a token of its own."""
    instance_id = pool.start_execution_point(config="HasGalaxy = True\nSTARTD_ATTRS = $(STARTD_ATTRS) HasGalaxy\n")
    until(lambda: instance_id in pool.joined(), f"{instance_id} to join")
    until(lambda: "own token" in events(pool, instance_id), "a token of its own")
    return instance_id


def events(pool: RealPool, instance_id: str) -> list[str]:
    printed = pool.ssh_once("cat", "/var/log/roost/boot.jsonl", on=instance_id).stdout
    return [json.loads(line)["event"] for line in printed.splitlines()]


def test_slot_is_the_size_of_the_type_and_says_where_it_is(pool: RealPool, worker: str) -> None:
    wanted = ["TotalSlotCpus", "TotalSlotMemory", "RoostInstanceType", "RoostZone", "HasGalaxy"]
    query = ["condor_status", "-const", f'RoostInstanceId == "{worker}" && PartitionableSlot', "-af", *wanted]
    zone = pool.described(worker)["Placement"]["AvailabilityZone"]
    assert pool.ssh(*query).split() == ["2", "3840", "c7i.large", zone, "true"]


def test_the_joining_token_is_gone(pool: RealPool, worker: str) -> None:
    until(lambda: pool.ssh("sudo", "ls", "/etc/condor/tokens.d", on=worker).split() == ["own"], "one token, its own")
    [token] = pool.ssh("sudo", "condor_token_list", on=worker).splitlines()
    assert f'"sub":"ep-{worker}@boot.roost"' in token
    assert '"scope":"condor:\\/ADVERTISE_STARTD condor:\\/ADVERTISE_MASTER"' in token


def test_the_console_tells_the_boot(pool: RealPool, worker: str) -> None:
    console = pool.ec2.get_console_output(InstanceId=worker)["Output"]
    for event in ("configured", "condor started", "joined", "own token"):
        assert f"s {event}" in console


def test_a_job_is_nobody_else_and_reaches_no_secret(pool: RealPool, worker: str) -> None:
    attempts = {
        "id": "id -un",
        "tokens": "cat /etc/condor/tokens.d/* 2>&1",
        "user data": "cat /var/lib/roost/instructions.json /var/lib/cloud/instance/user-data.txt 2>&1",
        "metadata": "curl -sS -m 3 -X PUT -H X-aws-ec2-metadata-token-ttl-seconds:60"
        " http://169.254.169.254/latest/api/token 2>&1",
        "sudo": "sudo -n id 2>&1",
    }
    script = (
        "#!/bin/sh\n" + "".join(f"echo '== {name}'\n{command}\n" for name, command in attempts.items()) + "exit 0\n"
    )
    pool.ssh("sh", "-c", "cat > attempts.sh && chmod 755 attempts.sh", feed=script)
    pool.submit("job", executable="../attempts.sh", requirements=f'RoostInstanceId == "{worker}"')
    pool.ssh("condor_wait", "-wait", "60", "job/log")
    said = dict(part.split("\n", 1) for part in pool.ssh("cat", "job/out").split("== ")[1:])
    assert said["id"].strip() == "slot1"
    assert "Permission denied" in said["tokens"]
    assert said["user data"].count("Permission denied") == 2
    assert "Failed to connect" in said["metadata"]
    assert "password is required" in said["sudo"] or "not found" in said["sudo"]


def test_metadata_is_roots_on_the_access_point_too(pool: RealPool) -> None:
    ask = "curl -s -o /dev/null -m 3 -w %{http_code} http://169.254.169.254/latest/meta-data/"
    assert pool.ssh_once(*ask.split()).stdout == "000"
    assert pool.ssh_once("sudo", *ask.split()).stdout == "401"


def test_the_signing_key_is_roots_and_stays(pool: RealPool, worker: str) -> None:
    assert pool.ssh("sudo", "stat", "-c", "%a %U", "/etc/condor/passwords.d/POOL").split() == ["600", "root"]
    assert pool.ssh("sudo", "sh", "-c", "ls /etc/condor/passwords.d 2>/dev/null || true", on=worker) == ""


@pytest.mark.parametrize(
    "command",
    [
        "condor_submit -remote ap@boot.roost -pool {cm} /tmp/job.sub",
        "condor_rm -name ap@boot.roost -pool {cm} -all",
        "condor_hold -name ap@boot.roost -pool {cm} -all",
        "condor_off -pool {cm} -name {cm_name}",
        "condor_reconfig -pool {cm} -name {cm_name}",
        "condor_store_cred add -c -n {cm} -p secret",
        "condor_ping -pool {cm} -type COLLECTOR WRITE",
        "condor_ping -pool {cm} -type COLLECTOR DAEMON",
        "condor_ping -pool {cm} -type COLLECTOR ADMINISTRATOR",
        "condor_ping -pool {cm} -type COLLECTOR NEGOTIATOR",
        "condor_ping -pool {cm} -type COLLECTOR ADVERTISE_SCHEDD",
    ],
)
def test_an_execution_point_may_not(command: str, pool: RealPool, worker: str) -> None:
    cm = pool.described(pool.access_point)["PrivateIpAddress"]
    cm_name = pool.described(pool.access_point)["PrivateDnsName"]
    pool.ssh("sh", "-c", "cat > /tmp/job.sub", on=worker, feed="executable = /bin/true\nqueue\n")
    done = pool.ssh_once("sudo", *command.format(cm=cm, cm_name=cm_name).split(), on=worker)
    assert done.returncode != 0, done.stdout
    may = f"sudo condor_ping -pool {cm} -type COLLECTOR ADVERTISE_STARTD"
    assert "succeeded" in pool.ssh(*may.split(), on=worker), "refused for another reason than its authorisations"


def test_it_comes_back_after_stop_and_start(pool: RealPool, worker: str) -> None:
    token = pool.ssh("sudo", "cat", "/etc/condor/tokens.d/own", on=worker)
    before = events(pool, worker).count("joined")
    pool.ec2.stop_instances(InstanceIds=[worker])
    pool.ec2.get_waiter("instance_stopped").wait(InstanceIds=[worker], WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    pool.ec2.start_instances(InstanceIds=[worker])
    until(lambda: events(pool, worker).count("joined") > before, "it to join again")
    assert pool.ssh("sudo", "cat", "/etc/condor/tokens.d/own", on=worker) == token


def test_a_boot_that_fails_says_why_on_the_console_and_starts_no_daemon(pool: RealPool) -> None:
    lost = pool.launch(Role.EXECUTION_POINT, BootSettings(lease_s=600, idle_s=0, workers=1), None)
    until(lambda: "failed" in events(pool, lost), "the failure")
    assert (
        "failed reason=the user data of an execution point names no"
        in pool.ec2.get_console_output(InstanceId=lost)["Output"]
    )
    assert pool.ssh_once("systemctl", "is-active", "condor", on=lost).stdout.strip() != "active"
    assert "roost-lease" in pool.ssh("systemctl", "list-timers", on=lost)


def test_an_execution_point_that_cannot_join_says_why(pool: RealPool) -> None:
    central_manager = str(pool.described(pool.access_point)["PrivateIpAddress"])
    forged = Joining(central_manager=central_manager, token="eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2luIn0.c2ln")
    stranger = pool.launch(Role.EXECUTION_POINT, BootSettings(lease_s=600, idle_s=0, workers=1), forged)
    until(lambda: "not joined yet" in events(pool, stranger), "its complaint")
    assert "AUTHENTICATE" in pool.ec2.get_console_output(InstanceId=stranger)["Output"]
    assert stranger not in pool.joined()


def test_it_ends_itself_when_idle_and_when_the_lease_ends(pool: RealPool) -> None:
    idle, leased = pool.start_execution_point(idle_s=8), pool.start_execution_point(lease_s=15)
    for instance_id in (idle, leased):
        until(lambda: pool.described(instance_id)["State"]["Name"] == "terminated", f"{instance_id} to end itself")  # noqa: B023
        assert pool.described(instance_id)["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"
