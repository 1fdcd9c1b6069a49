"""Instances end themselves: for want of use, of a central manager, of a lease; and jobs survive that."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import RealPool, until

from roost.boot.roles import Role
from roost.boot.settings import BootSettings

pytestmark = pytest.mark.local

BY_ITSELF = "Client.InstanceInitiatedShutdown"


@pytest.fixture(scope="module")
def pool(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPool]:
    ec2: Any = localec2_service.client()
    with RealPool(
        ec2,
        name="shutdown",
        image_id=localec2_service.image_id,
        ssh_from=f"{localec2_service.host_public_ip}/32",
        directory=tmp_path_factory.mktemp("shutdown"),
    ) as pool:
        pool.start_access_point()
        yield pool


def state(pool: RealPool, instance_id: str) -> str:
    return str(pool.described(instance_id)["State"]["Name"])


def until_ended_by_itself(pool: RealPool, instance_id: str) -> None:
    until(lambda: state(pool, instance_id) == "terminated", f"{instance_id} to end itself")
    assert pool.described(instance_id)["StateReason"]["Code"] == BY_ITSELF


def test_somebody_who_is_logged_in_delays_the_end_but_not_that_of_the_lease(pool: RealPool) -> None:
    idle, leased = pool.start_execution_point(idle_s=12), pool.start_execution_point(lease_s=45)
    for instance_id in (idle, leased):
        until(lambda: pool.ssh_once("true", on=instance_id).returncode == 0, "ssh")  # noqa: B023
    with pool.login(idle) as login, pool.login(leased) as other:
        until(lambda: "powers itself off when you have logged out, in 1 h" in login.shown(), "word")
        assert idle not in pool.joined()
        until(lambda: "the lease ends in" in other.shown(), "word of the lease")
        until_ended_by_itself(pool, leased)
        assert state(pool, idle) == "running"
    # what is still connected (the tests' own shared connection) does not count
    until_ended_by_itself(pool, idle)
    assert "powering off reason=HTCondor has left" in pool.ec2.get_console_output(InstanceId=idle)["Output"]


def test_an_access_point_ends_itself_when_it_is_of_no_use(pool: RealPool) -> None:
    """A job in its queue is a use, even one that cannot run."""
    settings = BootSettings(lease_s=7200, idle_s=8, workers=1)
    lone = pool.launch(Role.ACCESS_POINT, settings, None)
    until(lambda: pool.ssh_once("condor_q", on=lone).returncode == 0, "its queue")
    pool.ssh("sh", "-c", "cat > job.sub && condor_submit job.sub", on=lone, feed="executable = /bin/true\nqueue\n")
    time.sleep(12)
    assert state(pool, lone) == "running"
    pool.ssh("condor_rm", "-all", on=lone)
    until_ended_by_itself(pool, lone)


def test_jobs_go_back_to_the_queue_when_their_instance_goes(pool: RealPool) -> None:
    """By its own power-off, then by EC2's terminate: asked to end, listed no more at once, run again elsewhere."""
    script = '#!/bin/sh\ntrap "exit 1" TERM\nuntil [ -e /tmp/go ]; do sleep 0.2; done\n'
    pool.ssh("sh", "-c", "cat > wait.sh && chmod 755 wait.sh", feed=script)
    pool.submit("wait", executable="../wait.sh")
    one = running_on(pool, pool.start_execution_point())
    pool.ssh_once("sudo", "systemctl", "poweroff", on=one)
    until(lambda: one not in pool.joined(), "its ads to go")
    until_ended_by_itself(pool, one)
    assert "vacating jobs" in pool.ec2.get_console_output(InstanceId=one)["Output"]
    two = running_on(pool, pool.start_execution_point())
    pool.ec2.terminate_instances(InstanceIds=[two])
    until(lambda: two not in pool.joined(), "its ads to go")
    until(lambda: state(pool, two) == "terminated", "EC2 to end it")
    assert "vacating jobs" in pool.ec2.get_console_output(InstanceId=two)["Output"]
    three = running_on(pool, pool.start_execution_point())
    pool.ssh("touch", "/tmp/go", on=three)
    pool.ssh("condor_wait", "-wait", "60", "wait/log")
    log = pool.ssh("cat", "wait/log")
    assert log.count("Job was evicted") == 2
    assert log.count("Job executing on host") == 3
    assert "terminated of its own accord" in log


def running_on(pool: RealPool, instance_id: str) -> str:
    """That instance, once a job runs there."""
    busy = ["condor_status", "-const", f'RoostInstanceId == "{instance_id}" && Activity == "Busy"', "-af", "Name"]
    until(lambda: bool(pool.ssh(*busy).strip()), f"a job on {instance_id}")
    return instance_id


def test_execution_points_end_themselves_when_the_central_manager_is_lost(pool: RealPool) -> None:
    point = pool.start_execution_point(lost_s=10)
    until(lambda: point in pool.joined(), "it to join")
    time.sleep(11)
    assert state(pool, point) == "running"
    pool.ec2.terminate_instances(InstanceIds=[pool.access_point])
    until_ended_by_itself(pool, point)
    assert "not in the collector's list" in pool.ec2.get_console_output(InstanceId=point)["Output"]
