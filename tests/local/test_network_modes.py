"""Both network modes on real instances: who connects to whom, at which address, and what is open to whom."""

import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import WORKER_TYPE, RealPool, until
from roost_cli import Roost

from roost.boot.settings import Network, NetworkMode

pytestmark = pytest.mark.local

PORT = 9618
AUTO, DIRECT = Network(mode=NetworkMode.AUTO), Network(mode=NetworkMode.DIRECT)
ZONES = ("us-east-1a", "us-east-1b")


@pytest.fixture(scope="module")
def behind(ec2: Any) -> Iterator[str]:
    """A group that lets in ssh alone: what is in it can call, and is never called, as behind a NAT."""
    group = ec2.create_security_group(GroupName="behind", Description="calls, and is not called")["GroupId"]
    yield group
    ec2.delete_security_group(GroupId=group)


@pytest.fixture(scope="module")
def pool(
    ec2: Any, behind: str, localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealPool]:
    """An access point in one zone."""
    ssh_from = f"{localec2_service.host_public_ip}/32"
    _let_in(ec2, behind, 22, ssh_from)
    with RealPool(
        ec2,
        name="ways",
        image_id=localec2_service.image_id,
        ssh_from=ssh_from,
        directory=tmp_path_factory.mktemp("ways"),
    ) as pool:
        access_point = pool.start_access_point(Placement={"AvailabilityZone": ZONES[0]})
        _let_in(ec2, pool.group, PORT, f"{_public(pool, access_point)}/32")
        yield pool


@dataclass(frozen=True, kw_only=True)
class SubmitHost:
    instance_id: str
    private_ip: str


@pytest.fixture(scope="module")
def submit_host(ec2: Any, pool: RealPool, behind: str) -> SubmitHost:
    """A schedd that nobody can call, of the pool's central manager; docs/network.md says what it needs."""
    launched = ec2.run_instances(
        ImageId=pool.image_id,
        InstanceType=WORKER_TYPE,
        MinCount=1,
        MaxCount=1,
        KeyName=pool.name,
        SecurityGroupIds=[behind],
        Placement={"AvailabilityZone": ZONES[0]},
        InstanceInitiatedShutdownBehavior="terminate",
    )["Instances"][0]
    instance_id, private_ip = str(launched["InstanceId"]), str(launched["PrivateIpAddress"])
    pool.launched.append(instance_id)
    until(lambda: pool.ssh_once("true", on=instance_id).returncode == 0, "the submit host")
    for address in (private_ip, _public(pool, instance_id)):
        _let_in(ec2, pool.group, PORT, f"{address}/32")
    domain = f"{pool.name}.roost"
    config = f"""\
CONDOR_HOST = {pool.described(pool.access_point)["PrivateIpAddress"]}
TRUST_DOMAIN = {domain}
UID_DOMAIN = {domain}
NETWORK_INTERFACE = {private_ip}
ENABLE_IPV6 = False
DAEMON_LIST = MASTER SCHEDD
SCHEDD_NAME = behind@{domain}
use SECURITY:recommended_v9_0
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS
ALLOW_DAEMON = condor@{domain}
ALLOW_NEGOTIATOR = condor@{domain}
ALLOW_WRITE = *@{domain}
SCHEDD_INTERVAL = 2
DELEGATE_JOB_GSI_CREDENTIALS = False
{_advised()}
"""
    token = pool.ssh("sudo", "condor_token_create", "-identity", f"condor@{domain}", "-lifetime", "3600")
    pool.ssh("sudo", "tee", "/etc/condor/config.d/50-behind.config", on=instance_id, feed=config)
    put = "umask 077; mkdir -p /etc/condor/tokens.d; cat > /etc/condor/tokens.d/pool; systemctl start condor"
    pool.ssh("sudo", "sh", "-c", put, on=instance_id, feed=token)
    listed = ("condor_status", "-schedd", "-const", f'Name == "behind@{domain}"', "-af", "MyAddress")
    until(lambda: "CCBID" in pool.ssh(*listed), "the schedd of the submit host at the broker")
    return SubmitHost(instance_id=instance_id, private_ip=private_ip)


def _advised() -> str:
    """The lines that docs/network.md gives for a submit host behind a NAT."""
    page = (Path(__file__).parents[2] / "docs" / "network.md").read_text()
    lines = re.findall(r"^    (CCB_ADDRESS = .*|PRIVATE_NETWORK_NAME = .*)$", page, re.MULTILINE)
    assert len(lines) == 2
    return "\n".join(lines)


def test_inside_a_zone_addresses_are_private(pool: RealPool) -> None:
    """A job on an instance of the same zone and one on an instance of another: what the connections' ends are."""
    near, far = (pool.start_execution_point(network=DIRECT, Placement={"AvailabilityZone": zone}) for zone in ZONES)
    until(lambda: {near, far} <= set(pool.joined()), "both to join")
    for name, point in (("near", near), ("far", far)):
        _submit_sleep(pool, name, point)
    # its files are there, too: the starter of the far one calls the shadow from another address than it was called at
    until(lambda: all(_began(pool, name) for name in ("near", "far")), "both jobs to begin")
    assert _connected_while_running(pool, near) == {pool.described(near)["PrivateIpAddress"]}
    assert _connected_while_running(pool, far) == {_public(pool, far)}
    for point in (near, far):
        own = pool.described(point)
        [address] = pool.ssh(*_ads_of(point, "MyAddress")).splitlines()
        assert address.startswith(f"<{own['PublicIpAddress']}:{PORT}?")
        assert f"PrivAddr=%3c{own['PrivateIpAddress']}:{PORT}" in address
        assert f"PrivNet=amazon-ec2-{own['Placement']['AvailabilityZone']}&" in address
    pool.ssh("condor_rm", "-all")
    assert not _answers(_public(pool, near)), "open to the access point, not to this machine"


def test_auto_is_outbound_where_the_schedd_answers(pool: RealPool) -> None:
    point = pool.start_execution_point(network=AUTO)
    until(lambda: point in pool.joined(), "it to join")
    assert pool.ssh(*_ads_of(point, "RoostNetworkMode")).split() == ["outbound"]
    assert pool.ssh(*_ads_of(point, "RoostNetworkReason")).startswith("the schedd answers from here")
    config = pool.ssh("cat", "/etc/condor/config.d/50-roost.config", on=point)
    assert "# network: outbound, because the schedd answers from here" in config
    assert "CCBID" in pool.ssh(*_ads_of(point, "MyAddress"))
    assert "network mode=outbound reason=the schedd answers from here" in _console(pool, point)
    assert not _answers(_public(pool, point))


def test_auto_is_direct_where_the_schedd_cannot_be_called(pool: RealPool, submit_host: SubmitHost) -> None:
    """... and a job of that schedd runs there, with its files: called at the public address, answered by the broker."""
    point = pool.start_execution_point(network=AUTO, schedd=submit_host.private_ip)
    until(lambda: point in pool.joined(), "it to join")
    assert pool.ssh(*_ads_of(point, "RoostNetworkMode")).split() == ["direct"]
    assert "network mode=direct reason=the schedd does not answer from here" in _console(pool, point)
    submit = f"""\
executable = /bin/sh
arguments = "-c 'cat given; until [ -e /tmp/enough ]; do sleep 1; done'"
transfer_executable = false
transfer_input_files = given
should_transfer_files = yes
output = out
log = log
requirements = TARGET.RoostInstanceId == "{point}"
request_memory = 100
request_disk = 1M
queue
"""
    there = "mkdir job; cd job; echo from behind > given; cat > sub; condor_submit sub"
    pool.ssh("sh", "-c", there, on=submit_host.instance_id, feed=submit)
    assert _connected_while_running(pool, point, on=submit_host.instance_id) == {_public(pool, point)}
    pool.ssh("touch", "/tmp/enough", on=point)
    ended = ("sh", "-c", "condor_wait -wait 1 job/log >/dev/null && cat job/out")
    until(lambda: pool.ssh_once(*ended, on=submit_host.instance_id).stdout == "from behind\n", "the job's output")


def test_between_two_private_networks_there_is_no_way(pool: RealPool, submit_host: SubmitHost) -> None:
    private = {"DeviceIndex": 0, "AssociatePublicIpAddress": False, "Groups": [pool.group]}
    point = pool.start_execution_point(network=AUTO, schedd=submit_host.private_ip, NetworkInterfaces=[private])
    until(lambda: "roost: " in _console(pool, point) and " failed " in _console(pool, point), "it to give up")
    assert "let the access point be in the cloud (access_point: cloud)" in _console(pool, point)
    assert point not in pool.joined()


@pytest.fixture(scope="module")
def roost(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path_factory.mktemp("direct"))


@pytest.fixture(scope="module")
def called(roost: Roost) -> Iterator[str]:
    """A pool whose execution point is called at a range of ports."""
    text = "name: called\nworkers: {count: 1}\nnetwork: {mode: direct, ports: 40000-40050}\n"
    (roost.directory / "pool.yml").write_text(text)
    try:
        up = roost("up")
        assert up.returncode == 0, up.stderr
        yield up.stderr
    finally:
        down = roost("down", "called")
        assert down.returncode == 0, down.stderr


def test_a_pool_in_direct_mode_runs_jobs(roost: Roost, called: str) -> None:
    assert "network: direct, because pool.yml says so" in called
    verified = roost("verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    address = roost("ssh", "called", "--", "condor_status", "-af", "MyAddress").stdout
    found = re.match(r"<198\.1[89]\.[\d.]+:(\d+)\?PrivAddr=%3c172\.[\d.]+:(\d+)%3e&PrivNet=amazon-ec2-", address)
    assert found, address
    assert found[1] == found[2]
    assert 40000 <= int(found[1]) <= 40050
    shown = roost("access", "show").stdout.splitlines()
    assert [line.split()[0] for line in shown] == ["22", "9618", "40000-40050", "40000-40050"]
    assert roost("up").stderr.count("let port") == 0
    (roost.directory / "other.yml").write_text("name: called\nworkers: {count: 1}\nnetwork: {mode: outbound}\n")
    other = roost("up", "other.yml")
    assert other.returncode == 2
    assert "the pool called is up in direct mode" in other.stderr
    assert roost("access", "show").stdout.splitlines() == shown


@pytest.mark.usefixtures("called")
def test_a_changed_address_is_refreshed(roost: Roost, localec2_service: Localec2Service) -> None:
    here = f"{localec2_service.host_public_ip}/32"
    moved = replace(
        roost, service=replace(localec2_service, env={**localec2_service.env, "ROOST_MY_ADDRESS": "192.0.2.7"})
    )
    before = roost("access", "show").stdout
    assert "192.0.2.7/32" not in before
    # the pool lets in the address of before, and who asks has another
    told = moved("status")
    assert "`roost access refresh called`" in told.stderr
    refreshed = moved("access", "refresh")
    assert refreshed.returncode == 0, refreshed.stderr
    assert refreshed.stdout.splitlines() == [
        f"no longer let port 22 in from {here}",
        "let port 22 in from 192.0.2.7/32 of roost-called",
    ]
    assert moved("access", "show").stdout == before.replace(here.ljust(20), "192.0.2.7/32".ljust(20))
    # as seen from an address that is not let in any more
    lost = roost("verify")
    assert lost.returncode != 0
    assert "roost access refresh" in lost.stderr
    back = roost("access", "refresh", "called")
    assert back.returncode == 0, back.stderr
    assert roost("access", "show").stdout == before
    again = roost("access", "refresh")
    assert (again.returncode, again.stdout) == (0, "")
    assert "nothing was changed" in again.stderr
    assert roost("verify").returncode == 0


def _let_in(ec2: Any, group: str, port: int, cidr: str) -> None:
    rule = {"IpProtocol": "tcp", "FromPort": port, "ToPort": port, "IpRanges": [{"CidrIp": cidr}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])


def _public(pool: RealPool, instance_id: str) -> str:
    return str(pool.described(instance_id)["PublicIpAddress"])


def _ads_of(instance_id: str, attribute: str) -> tuple[str, ...]:
    constraint = f'PartitionableSlot && RoostInstanceId == "{instance_id}"'
    return ("condor_status", "-const", constraint, "-af", attribute)


def _console(pool: RealPool, instance_id: str) -> str:
    return str(pool.ec2.get_console_output(InstanceId=instance_id).get("Output", ""))


def _submit_sleep(pool: RealPool, name: str, instance_id: str) -> None:
    pool.submit(
        name,
        executable="/bin/sleep",
        transfer_executable="false",
        arguments="600",
        requirements=f'TARGET.RoostInstanceId == "{instance_id}"',
    )


def _began(pool: RealPool, name: str) -> bool:
    """Whether the job of that directory executes: an occupied slot is not enough."""
    return pool.ssh_once("grep", "-q", "^001 ", f"{name}/log").returncode == 0


def _connected_while_running(pool: RealPool, instance_id: str, *, on: str = "") -> set[str]:
    """The same, of a job that runs there: its connection stays for as long as it does."""
    running = ("condor_status", "-const", f'RoostInstanceId == "{instance_id}" && Activity == "Busy"', "-af", "Name")
    until(lambda: bool(pool.ssh(*running)), f"a job to run on {instance_id}")
    seen: set[str] = set()

    def look() -> bool:
        seen.update(_connected(pool, instance_id, on=on))
        return bool(seen)

    until(look, f"a connection to {instance_id}")
    return seen | _connected(pool, instance_id, on=on)


def _connected(pool: RealPool, instance_id: str, *, on: str = "") -> set[str]:
    """At which of its addresses an execution point is connected to, at HTCondor's port, by the access point or another
    instance."""
    own = pool.described(instance_id)
    ends = {line.split()[-1] for line in pool.ssh("ss", "-Htn", "state", "established", on=on).splitlines()}
    mine = {own["PrivateIpAddress"], own["PublicIpAddress"]}
    return {end.rpartition(":")[0] for end in ends if end.endswith(f":{PORT}")} & mine


def _answers(address: str) -> bool:
    try:
        socket.create_connection((address, PORT), timeout=2).close()
    except OSError:
        return False
    return True
