"""`network: {mode: auto}` where the access point is a machine behind a firewall, which is no instance.

Its pool is real, on a network of its own (see `own_pool_host`). The firewall lets in calls of the collector and of
the jobs' shadows, but none of the schedd: execution points have to be called.
"""

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

import own_pool_host
import pytest
from ec2_proxy import Ec2Proxy
from own_pool_host import PoolHost
from own_service import Localec2Service
from real_pool import until

pytestmark = pytest.mark.local

SCHEDD_PORT = 9700
CONFIG = f"""\
{own_pool_host.CONFIG}
SCHEDD.USE_SHARED_PORT = False
SCHEDD_ARGS = -p {SCHEDD_PORT}
"""
JOB = """\
executable = /bin/sh
transfer_executable = false
arguments = "-c 'cat given; hostname'"
transfer_input_files = given
output = out
log = log
should_transfer_files = yes
request_memory = 1000
request_disk = 1M
queue
"""


@dataclass(frozen=True, kw_only=True)
class Site:
    host: PoolHost
    environment: dict[str, str]

    def roost(self, *argv: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        return self.host.roost(*argv, env={**self.environment, **settings})

    def firewall(self, ports: str) -> None:
        """Nobody outside gets to these ports of it."""
        rules = (
            "table ip wall {}\ndelete table ip wall\ntable ip wall { chain in { type filter hook input priority 0;"
            f" iifname eth0 tcp dport {{ {ports} }} ct state new drop; }}; }}\n"
        )
        command = ["ip", "netns", "exec", self.host.namespace, "nft", "-f", "-"]
        subprocess.run(command, input=rules, text=True, check=True)


@pytest.fixture(scope="module")
def site(localec2_service: Localec2Service) -> Iterator[Site]:
    images = json.loads(localec2_service.run("image", "ls", "--json"))
    facts = json.loads(localec2_service.run("status", "--json"))
    host = own_pool_host.started(
        next(one["engine_ref"] for one in images if one["image_id"] == localec2_service.image_id),
        number=localec2_service.slot,
        public_network=facts["public_network"],
        router_source=localec2_service.host_public_ip,
        config=CONFIG,
    )
    try:
        with Ec2Proxy(localec2_service.endpoint_url, address=host.gateway) as ec2:
            pool = (
                f"name: walled\ncloud: aws\naccess_point: here\nsubmit_host: {host.address}\nowners: [alice]\n"
                f"workers: {{count: 1, type: [c7i.large]}}\nimage: {{id: {localec2_service.image_id}}}\nlease: 1h\n"
            )
            host.out("sh", "-c", "cat > /root/pool.yml", feed=pool)
            environment = {
                "AWS_ENDPOINT_URL": ec2.endpoint_url,
                "AWS_ACCESS_KEY_ID": "a-key-of-the-pool-host",
                "AWS_SECRET_ACCESS_KEY": "any-secret-is-accepted",
                "ROOST_MY_ADDRESS": localec2_service.host_public_ip,
            }
            site = Site(host=host, environment=environment)
            joined = site.roost("join", "--yes")
            assert joined.returncode == 0, joined.stderr
            try:
                yield site
            finally:
                site.roost("down", "pool.yml", "--now")
    finally:
        own_pool_host.ended(host)


def test_a_collector_that_nobody_can_call(site: Site) -> None:
    """No mode helps: said as soon as the first execution point has tried."""
    site.firewall(f"9618, {SCHEDD_PORT}")
    up = site.roost("up", "--yes", "pool.yml")
    assert up.returncode == 4, up.stderr
    assert "did not get ready to join: the central manager does not answer from here" in up.stderr
    assert "access_point: cloud" in up.stderr
    assert site.roost("down", "pool.yml", "--now").returncode == 0


def test_a_schedd_that_nobody_can_call(site: Site) -> None:
    """`auto` is direct there: the port is opened to the machine that has the schedd, and jobs run."""
    site.firewall(str(SCHEDD_PORT))
    up = site.roost("up", "--yes", "pool.yml")
    assert up.returncode == 0, up.stderr
    assert "network: direct, because the schedd does not answer from here" in up.stderr
    here = f"{site.environment['ROOST_MY_ADDRESS']}/32"
    assert f"let port 9618 in from {here} of roost-walled" in up.stderr
    again = site.roost("up", "--yes", "pool.yml")
    assert "nothing was changed" in again.stderr
    submit = "echo 'from behind the wall' > given; cat > sub; condor_submit sub"
    site.host.out("sh", "-c", f"mkdir job; cd job; {submit}", user="alice", feed=JOB)
    until(lambda: "wall\nip-" in site.host("cat", "job/out", user="alice").stdout, "the job's output")


def test_a_submit_host_that_has_moved(site: Site) -> None:
    """Both doors follow it: ssh's and direct mode's."""
    before = json.loads(site.roost("access", "show", "pool.yml", "--json").stdout)["ingress"]
    here = f"{site.environment['ROOST_MY_ADDRESS']}/32"
    assert {(rule["port"], rule["cidr"]) for rule in before} == {(22, here), (9618, here)}
    moved = site.roost("access", "refresh", "pool.yml", ROOST_MY_ADDRESS="192.0.2.7")
    assert moved.returncode == 0, moved.stderr
    after = json.loads(site.roost("access", "show", "pool.yml", "--json").stdout)["ingress"]
    assert {(rule["port"], rule["cidr"]) for rule in after} == {(22, "192.0.2.7/32"), (9618, "192.0.2.7/32")}
    assert site.roost("access", "refresh", "pool.yml").returncode == 0
