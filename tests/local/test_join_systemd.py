"""`roost join` where HTCondor is a service of systemd's: reload, restart, undo, and what is left when it is killed."""

import json
import signal
from collections.abc import Iterator
from subprocess import CompletedProcess

import own_pool_host
import pytest
from own_pool_host import PoolHost
from own_service import Localec2Service

pytestmark = pytest.mark.local

DIRECTORY = "/etc/condor/config.d"
DROP_IN = f"{DIRECTORY}/90-roost-join.config"
KEY = "/etc/condor/passwords.d/POOL"
ALL_OF_IT = """\
cd /etc/condor && find . -printf '%p %m %u %l\\n' | sort
find . -type f ! -name known_hosts -exec sha256sum {} + | sort -k2
"""


@pytest.fixture(scope="module")
def host(localec2_service: Localec2Service) -> Iterator[PoolHost]:
    images = json.loads(localec2_service.run("image", "ls", "--json"))
    facts = json.loads(localec2_service.run("status", "--json"))
    host = own_pool_host.started(
        next(one["engine_ref"] for one in images if one["image_id"] == localec2_service.image_id),
        number=localec2_service.slot,
        public_network=facts["public_network"],
        router_source=localec2_service.host_public_ip,
        boots_systemd=True,
    )
    try:
        yield host
    finally:
        own_pool_host.ended(host)


def shown(host: PoolHost, name: str) -> str:
    return host.out("systemctl", "show", f"--property={name}", "--value", "condor").strip()


def files(host: PoolHost) -> str:
    return host.out("sh", "-c", ALL_OF_IT)


def own_address(host: PoolHost) -> str:
    return host.out("condor_status", "-schedd", "-af", "MyAddress")


def killed(host: PoolHost, *argv: str, when: str) -> "CompletedProcess[str]":
    """`roost` there, killed as soon as a condition of a shell's holds."""
    host.out("rm", "-f", "/root/pid")
    watch = f"until [ -s /root/pid ]; do :; done; until {when}; do :; done; kill -KILL $(cat /root/pid)"
    host.out("systemd-run", "--collect", "--unit=killer", "sh", "-c", watch)
    done = host.roost(*argv, pid_file="/root/pid")
    assert done.returncode == 128 + signal.SIGKILL, done.stderr
    return done


def test_read_without_a_restart_and_undone(host: PoolHost) -> None:
    before, service = files(host), shown(host, "MainPID")
    joined = host.roost("join", "--yes")
    assert joined.returncode == 0, joined.stderr
    assert "tried: the collector lets join@physics.example advertise" in joined.stderr
    assert "HTCondor reads it without a restart" in joined.stderr
    assert (shown(host, "MainPID"), shown(host, "ActiveState")) == (service, "active")
    again = host.roost("join", "--yes")
    assert (again.returncode, "nothing was changed" in again.stderr) == (0, True), again.stderr
    undone = host.roost("join", "--undo", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert files(host) == before
    nothing = host.roost("join", "--undo", "--yes")
    assert (nothing.returncode, "nothing was changed" in nothing.stderr) == (0, True), nothing.stderr


def test_restarted_as_the_service_it_is(host: PoolHost) -> None:
    before, service = files(host), shown(host, "MainPID")
    joined = host.roost("join", "--yes", "--submit-host", host.gateway)
    assert joined.returncode == 0, joined.stderr
    assert own_address(host).startswith(f"<{host.gateway}:9618?PrivAddr=%3c{host.address}:9618")
    restarted = shown(host, "MainPID")
    assert restarted != service
    assert (shown(host, "ActiveState"), shown(host, "NRestarts")) == ("active", "0"), "by systemctl, not by a crash"
    undone = host.roost("join", "--undo", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert shown(host, "MainPID") != restarted
    assert own_address(host).startswith(f"<{host.address}:9618?")
    assert files(host) == before


@pytest.mark.parametrize("options", [(), ("--submit-host",)])
def test_a_join_that_was_killed_is_completed(host: PoolHost, options: tuple[str, ...]) -> None:
    """It has written its file, and HTCondor has not read it."""
    more = (*options, host.gateway) if options else ()
    before = files(host)
    killed(host, "join", "--yes", *more, when=f"[ -e {DROP_IN} ]")
    try:
        joined = host.roost("join", "--yes", *more)
        assert joined.returncode == 0, joined.stderr
        assert "tried: the collector lets join@physics.example advertise" in joined.stderr
        assert own_address(host).startswith(f"<{host.gateway if more else host.address}:9618?")
    finally:
        undone = host.roost("join", "--undo", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert files(host) == before


@pytest.mark.parametrize(("options", "then"), [(("--submit-host",), "--undo"), ((), "--yes")])
def test_an_undo_that_was_killed_is_completed(host: PoolHost, options: tuple[str, ...], then: str) -> None:
    """`join` has made the key here; HTCondor goes on with what it has read. Then the undo again, or a join."""
    more = (*options, host.gateway) if options else ()
    look = f"({ALL_OF_IT}) | grep -v POOL"
    host.out("mv", KEY, "/root/kept-key")
    try:
        before = host.out("sh", "-c", look)
        joined = host.roost("join", "--yes", *more)
        assert joined.returncode == 0, joined.stderr
        made = host.out("sha256sum", KEY)
        killed(host, "join", "--undo", "--yes", when=f"[ ! -e {DROP_IN} ]")
        again = host.roost("join", then, "--yes")
        assert again.returncode == 0, again.stderr
        undone = host.roost("join", "--undo", "--yes")
        assert (undone.returncode, "nothing was changed" in undone.stderr) == (0, then == "--undo"), undone.stderr
        assert own_address(host).startswith(f"<{host.address}:9618?")
        assert host.out("sh", "-c", look) == before
        assert host("sha256sum", KEY).stdout != made
    finally:
        host.out("mv", "/root/kept-key", KEY)
