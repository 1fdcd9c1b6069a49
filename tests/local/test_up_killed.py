"""`roost up` ends by SIGKILL right after EC2 has done what was asked, and before Roost hears of it; anywhere.

Whatever place that is, `down` leaves nothing, and another `up` completes the pool.
"""

import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from ec2_proxy import Ec2Proxy
from own_service import Localec2Service
from roost_cli import Roost

from roost.boot.roles import Role
from roost.cloud.clients import Access
from roost.cloud.ec2 import Ec2

pytestmark = pytest.mark.local

# The changing calls of a whole `up`, in their order; the numbers below count them from 1.
UP = (
    "ImportKeyPair",
    "CreateSecurityGroup",
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupIngress",
    "RunInstances",
    "RunInstances",
)


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    (tmp_path / "pool.yml").write_text("name: cut\nworkers:\n  count: 1\n")
    (tmp_path / "three.yml").write_text("name: three\nworkers:\n  count: 3\n")
    return Roost(service=localec2_service, directory=tmp_path)


@pytest.mark.parametrize(
    ("number", "keys"), [*((number, "kept") for number in range(1, len(UP) + 1)), (1, "lost"), (6, "lost")]
)
def test_down_leaves_nothing_of_an_up_that_was_killed(roost: Roost, number: int, keys: str) -> None:
    try:
        assert up_killed_after(roost, number) == list(UP[:number])
        assert roost.left() != []
        where = roost if keys == "kept" else elsewhere(roost)
        down = where("down", "cut")
        assert down.returncode == 0, down.stderr
        assert "0 billable resources" in down.stdout
        assert roost.left() == []
    finally:
        roost("down", "cut")


@pytest.mark.parametrize("number", [2, 5, 6])
def test_another_up_completes_the_pool(roost: Roost, number: int) -> None:
    """Call 5 launched the access point and call 6 the execution point: nobody heard so, and there is no second one."""
    try:
        up_killed_after(roost, number)
        up = roost("up", "pool.yml")
        assert up.returncode == 0, up.stderr
        assert roles(roost, "cut") == {Role.ACCESS_POINT: 1, Role.EXECUTION_POINT: 1}
        verified = roost("verify", "cut")
        assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        down = roost("down", "cut")
    assert down.returncode == 0, down.stderr
    assert roost.left() == []


def test_another_up_after_the_keys_are_lost(roost: Roost) -> None:
    """A key pair that nobody has the private half of is made anew; instances that let it in are told of at once."""
    try:
        up_killed_after(roost, 1)
        where = elsewhere(roost)
        up = where("up", "pool.yml")
        assert up.returncode == 0, up.stderr
        assert roles(roost, "cut") == {Role.ACCESS_POINT: 1, Role.EXECUTION_POINT: 1}
        (roost.directory / "elsewhere").rename(roost.directory / "lost")
        again = where("up", "pool.yml")
        assert again.returncode == 3, again.stderr
        assert "this machine has no ssh key for the pool cut" in again.stderr
    finally:
        down = roost("down", "cut")
    assert down.returncode == 0, down.stderr
    assert roost.left() == []


def test_what_a_pool_of_three_costs_in_calls(roost: Roost) -> None:
    """One RunInstances for all execution points; a second `up` changes nothing, nor does a second `down`."""
    try:
        with Ec2Proxy(roost.service.endpoint_url) as proxy:
            up = through(proxy, roost)("up", "three.yml")
        assert up.returncode == 0, up.stderr
        assert proxy.changes == list(UP)
        assert roles(roost, "three") == {Role.ACCESS_POINT: 1, Role.EXECUTION_POINT: 3}
        with Ec2Proxy(roost.service.endpoint_url) as proxy:
            again = through(proxy, roost)("up", "three.yml")
        assert again.returncode == 0, again.stderr
        assert "is up already; nothing was changed" in again.stderr
        assert again.stdout == up.stdout
        assert proxy.changes == []
    finally:
        with Ec2Proxy(roost.service.endpoint_url) as proxy:
            down = through(proxy, roost)("down", "three")
    assert down.returncode == 0, down.stderr
    assert proxy.changes == ["TerminateInstances", "DeleteSecurityGroup", "DeleteKeyPair"]
    assert roost.left() == []
    with Ec2Proxy(roost.service.endpoint_url) as proxy:
        second = through(proxy, roost)("down", "three")
    assert second.returncode == 3, second.stderr
    assert "no pool three" in second.stderr
    assert proxy.changes == []


def up_killed_after(roost: Roost, number: int) -> list[str]:
    """Start `up` and kill it when EC2 has done that changing call; the changing calls that EC2 got."""
    started: list[subprocess.Popen[str]] = []

    def kill() -> None:
        started[0].send_signal(signal.SIGKILL)
        started[0].wait()

    with Ec2Proxy(roost.service.endpoint_url, after={number: kill}) as proxy:
        process = subprocess.Popen(
            [sys.executable, "-m", "roost", "up", "pool.yml"],
            env=through(proxy, roost).environment,
            cwd=roost.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        try:
            _, said = process.communicate(timeout=120)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == -signal.SIGKILL, said
    return proxy.changes


@dataclass(frozen=True, kw_only=True)
class ChangedRoost(Roost):
    """The same user with other variables."""

    changed: dict[str, str]

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.changed}


def through(proxy: Ec2Proxy, roost: Roost) -> Roost:
    changed = {"ROOST_EC2_ENDPOINT": proxy.endpoint_url}
    return ChangedRoost(service=roost.service, directory=roost.directory, changed=changed)


def elsewhere(roost: Roost) -> Roost:
    """A machine that has none of the pool's keys."""
    changed = {"XDG_DATA_HOME": str(roost.directory / "elsewhere")}
    return ChangedRoost(service=roost.service, directory=roost.directory, changed=changed)


def roles(roost: Roost, pool: str) -> dict[Role, int]:
    """How many instances of the pool are there, of each role that has any."""
    access = Access(
        region=roost.service.region,
        endpoint_url=roost.service.endpoint_url,
        credentials=("roost-tests", "any-secret-is-accepted"),
    )
    found = Ec2(access).describe(pool)
    return {role: many for role in Role if (many := len(found.with_role(role)))}
