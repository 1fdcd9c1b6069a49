"""A pool is attacked: by a job, with a stolen token of an execution point, and from outside its group.

Each attack comes with the same thing done rightfully, so that it does not fail for another reason.
"""

import gzip
import json
import re
import time
from base64 import b64decode, urlsafe_b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import RealPool, until

from roost.boot import commands

pytestmark = pytest.mark.local

_TOKEN = re.compile(rb"eyJ[\w-]+\.(eyJ[\w-]+)\.[\w-]+")
# Every file that the job may read and every process that it may look at.
_SEARCH = """\
#!/bin/sh
echo "== files"
grep -rlsIE 'eyJ[A-Za-z0-9_-]{20,}\\.eyJ|-----BEGIN [A-Z ]*PRIVATE KEY-----$' / \\
    --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude-dir=dist-packages
echo "== processes"
grep -lsaE 'eyJ[A-Za-z0-9_-]{20,}\\.eyJ|PRIVATE KEY' /proc/[0-9]*/cmdline /proc/[0-9]*/environ
echo "== writable"
find / -xdev -writable ! -type l ! -path '/proc/*' ! -path "$PWD*" 2>/dev/null
echo "== positive control"
printf '%s%s\\n' eyJhbGciOiJIUzI1NiJ9xxxxxxxx .eyJzdWIiOiJqb2luIn0.c2ln > planted
grep -lsE 'eyJ[A-Za-z0-9_-]{20,}\\.eyJ' planted
exit 0
"""
_FORGED_AD = (
    'MyType = "Machine"\nName = "slot1@forged"\nMachine = "forged"\nState = "Unclaimed"\n'
    'MyAddress = "<192.0.2.1:9618>"\nStartdIpAddr = "<192.0.2.1:9618>"\nRoostInstanceId = "{instance_id}"\n'
)
# Which of the ports in argv[2:] of the host argv[1] take a connection.
_SCAN = """\
import concurrent.futures, socket, sys
def is_open(port):
    try:
        socket.create_connection((sys.argv[1], port), timeout=0.7).close()
        return port
    except OSError:
        return None
with concurrent.futures.ThreadPoolExecutor(400) as pool:
    print(*filter(None, pool.map(is_open, map(int, sys.argv[2:]))))
"""


@pytest.fixture(scope="module")
def pool(ec2: Any, localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPool]:
    """One access point and two execution points, each with a token of its own."""
    with RealPool(
        ec2,
        name="attacked",
        image_id=localec2_service.image_id,
        ssh_from=f"{localec2_service.host_public_ip}/32",
        directory=tmp_path_factory.mktemp("attacked"),
    ) as pool:
        pool.start_access_point()
        points = [pool.start_execution_point(), pool.start_execution_point()]
        for point in points:
            until(lambda: point in pool.joined(), f"{point} to join")  # noqa: B023
            until(lambda: _tokens(pool, point) == ["own"], "the joining token to go")  # noqa: B023
        yield pool


@pytest.fixture(scope="module")
def points(pool: RealPool) -> list[str]:
    return [i for i in pool.launched if i != pool.access_point]


def _tokens(pool: RealPool, instance_id: str) -> list[str]:
    return pool.ssh("sudo", "ls", "/etc/condor/tokens.d", on=instance_id).split()


def _run_job(pool: RealPool, name: str, script: str, *, on: str) -> str:
    pool.ssh("sh", "-c", f"cat > {name}.sh && chmod 755 {name}.sh", feed=script)
    pool.submit(name, executable=f"../{name}.sh", requirements=f'RoostInstanceId == "{on}"')
    pool.ssh("condor_wait", "-wait", "120", f"{name}/log")
    return pool.ssh("cat", f"{name}/out")


def test_a_job_finds_no_secret_and_nothing_to_change(pool: RealPool, points: list[str]) -> None:
    parts = _run_job(pool, "search", _SEARCH, on=points[0]).split("== ")[1:]
    said = {name: lines for name, *lines in (part.strip().split("\n") for part in parts)}
    assert said["positive control"] == ["planted"]
    assert said["files"] == []
    assert said["processes"] == []
    assert set(said["writable"]) <= {"/tmp", "/var/tmp", "/run/lock", "/dev/shm"}


def test_a_job_does_not_become_an_execution_point(pool: RealPool, points: list[str]) -> None:
    forged = _FORGED_AD.format(instance_id="i-0000000000000dead")
    script = (
        "#!/bin/sh\n"
        f"cat > ad <<'END'\n{forged}END\n"
        "condor_advertise UPDATE_STARTD_AD ad; echo advertised $?\n"
        "timeout 20 condor_token_request -identity ep-i-0000000000000dead@attacked.roost -authz ADVERTISE_STARTD\n"
        "echo requested $?\n"
    )
    said = _run_job(pool, "impostor", script, on=points[0])
    assert "advertised 1" in said
    assert "requested 0" not in said
    assert "forged" not in pool.ssh("condor_status", "-af", "Machine")


def test_two_jobs_on_one_instance_do_not_see_each_other(pool: RealPool, points: list[str]) -> None:
    """Each looks for what every job here writes, while the other is there."""
    script = (
        "#!/bin/sh\nid -un; echo mine > private-notes; sleep 6\n"
        "for d in $(dirname $PWD)/dir_*; do cat $d/private-notes 2>/dev/null || echo refused; done\n"
    )
    pool.ssh("sh", "-c", "cat > spy.sh && chmod 755 spy.sh", feed=script)
    for name in ("spy-1", "spy-2"):
        pool.submit(name, executable="../spy.sh", requirements=f'RoostInstanceId == "{points[1]}"')
    for name in ("spy-1", "spy-2"):
        pool.ssh("condor_wait", "-wait", "120", f"{name}/log")
    said = [pool.ssh("cat", f"{name}/out").split() for name in ("spy-1", "spy-2")]
    assert sorted(words[0] for words in said) == ["slot1", "slot2"]
    assert "mine" in said[0]
    assert "mine" in said[1]
    assert any("refused" in words for words in said), "they did not run at the same time"
    assert all(words.count("mine") == 1 for words in said)


def test_a_token_names_its_own_instance_only(pool: RealPool, points: list[str]) -> None:
    thief, victim = points
    for instance_id, is_listed in ((victim, False), ("i-0000000000000dead", False), (thief, True)):
        pool.ssh("sh", "-c", "cat > /tmp/ad", on=thief, feed=_FORGED_AD.format(instance_id=instance_id))
        pool.ssh("sudo", "condor_advertise", "UPDATE_STARTD_AD", "/tmp/ad", on=thief)
        if is_listed:
            until(lambda: "forged" in pool.ssh("condor_status", "-af", "Machine"), "its own ad")
        else:
            time.sleep(1)
            assert "forged" not in pool.ssh("condor_status", "-af", "Machine")
    name = ["-const", 'Machine == "forged"']
    pool.ssh("sudo", "condor_advertise", "INVALIDATE_STARTD_ADS", "-", on=thief, feed=_invalidation())
    until(lambda: not pool.ssh("condor_status", *name, "-af", "Name").strip(), "the ad to go")


def _invalidation() -> str:
    return 'MyType = "Query"\nTargetType = "Machine"\nName = "slot1@forged"\nRequirements = Name == "slot1@forged"\n'


def test_user_data_holds_no_secret_that_lasts(ec2: Any, pool: RealPool, points: list[str]) -> None:
    for instance_id in (pool.access_point, *points):
        answer = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")
        told = gzip.decompress(b64decode(answer["UserData"]["Value"]))
        assert b"PRIVATE KEY" not in told
        key = pool.ssh("sudo", "cat", "/etc/condor/passwords.d/POOL").strip()
        assert key.encode() not in told
        lifetimes = [_lifetime_s(payload) for payload in _TOKEN.findall(told)]
        assert len(lifetimes) == (0 if instance_id == pool.access_point else 1)
        assert all(lifetime <= 15 * 60 for lifetime in lifetimes)


def _lifetime_s(payload: bytes) -> int:
    claims = json.loads(urlsafe_b64decode(payload + b"=" * (-len(payload) % 4)))
    return int(claims["exp"]) - int(claims["iat"])


def test_nothing_answers_outside_the_group(
    ec2: Any, pool: RealPool, localec2_service: Localec2Service, points: list[str]
) -> None:
    """The same scan from a stranger in the same network, from us, and from a member, who does see something."""
    stranger = _stranger(ec2, pool, ssh_from=f"{localec2_service.host_public_ip}/32")
    members = [pool.access_point, *points]
    listening = {m: _listening(pool, m) for m in members}
    ports = [str(port) for port in sorted({*range(1, 1025), *range(9600, 9700), *set().union(*listening.values())})]
    for member in members:
        described = pool.described(member)
        for address in (described["PrivateIpAddress"], described["PublicIpAddress"]):
            assert pool.ssh("python3", "-", address, *ports, on=stranger, feed=_SCAN).split() == []
    inside = pool.ssh(
        "python3", "-", pool.described(pool.access_point)["PrivateIpAddress"], *ports, on=points[0], feed=_SCAN
    )
    assert inside.split() == ["9618"]


def _listening(pool: RealPool, instance_id: str) -> set[int]:
    """TCP ports that the instance listens on, on other than its loopback addresses."""
    lines = pool.ssh("ss", "-Htln", on=instance_id).splitlines()
    local = [line.split()[3] for line in lines]
    return {int(address.rpartition(":")[2]) for address in local if not address.startswith(("127.", "[::1]"))}


def _stranger(ec2: Any, pool: RealPool, *, ssh_from: str) -> str:
    """An instance in a group of its own; it is reached with the pool's key, and ends with the pool."""
    group = ec2.create_security_group(GroupName="stranger", Description="not of the pool")["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group,
        IpPermissions=[{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": ssh_from}]}],
    )
    described = ec2.run_instances(
        ImageId=pool.image_id,
        InstanceType="t3.medium",
        MinCount=1,
        MaxCount=1,
        KeyName=pool.name,
        SecurityGroupIds=[group],
    )
    instance_id = str(described["Instances"][0]["InstanceId"])
    pool.launched.append(instance_id)
    until(lambda: pool.ssh_once("true", on=instance_id).returncode == 0, "the stranger to boot")
    return instance_id


def test_an_expired_token_is_out(pool: RealPool, points: list[str]) -> None:
    mint = "condor_token_create -identity ep-{0}@attacked.roost -authz ADVERTISE_STARTD -lifetime 4"
    token = pool.ssh("sudo", *mint.format(points[0]).split()).strip()
    keep = "umask 077; mkdir -p /root/stolen; cat > /root/stolen/token"
    pool.ssh("sudo", "sh", "-c", keep, on=points[0], feed=token + "\n")
    ping = (
        "sudo",
        "env",
        "_CONDOR_SEC_TOKEN_SYSTEM_DIRECTORY=/root/stolen",
        *("condor_ping", "-pool", str(pool.described(pool.access_point)["PrivateIpAddress"])),
        *("-type", "COLLECTOR", "ADVERTISE_STARTD"),
    )
    assert "succeeded" in pool.ssh_once(*ping, on=points[0]).stdout
    time.sleep(6)
    assert "succeeded" not in pool.ssh_once(*ping, on=points[0]).stdout


def test_a_revoked_execution_point_is_out(pool: RealPool, points: list[str]) -> None:
    """As docs/security.md says it. The other one comes back."""
    revoked, other = points
    page = (Path(__file__).parents[2] / "docs" / "security.md").read_text()
    [script] = re.findall(r"```sh revoke\n(.*?)```", page, re.DOTALL)
    pool.ssh("sh", "-e", "-c", script.replace("i-0123456789abcdef0", revoked).replace("galaxy", "attacked"))
    until(lambda: _joined(pool) == [other], "the other one to come back, alone")
    time.sleep(8)  # more than one update interval
    assert _joined(pool) == [other]


def _joined(pool: RealPool) -> list[str]:
    """None while the collector is on its way back."""
    listed = pool.ssh_once(*commands.list_joined())
    return [each.instance_id for each in commands.joined(listed.stdout)] if listed.returncode == 0 else []
