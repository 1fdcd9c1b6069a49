"""A pool that was there before bursts to EC2: `roost join`, `access_point: here`, as its administrator and its users.

The pool is real and no instance: it is on a network of its own, its execution points on EC2 are beyond a NAT.
"""

import json
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import own_pool_host
import pytest
from ec2_proxy import Ec2Proxy
from own_pool_host import CHECKOUT, PoolHost
from own_service import Localec2Service
from roost_cli import Roost

DROP_IN = "/etc/condor/config.d/90-roost-join.config"
KEY = "/etc/condor/passwords.d/POOL"
# known_hosts is HTCondor's own: whom its tools have met
ALL_OF_IT = """\
cd /etc/condor && find . -printf '%p %m %u %l\\n' | sort
find . -type f ! -name known_hosts -exec sha256sum {} + | sort -k2
"""
TWO_TASKS = """\
pegasus: "5.0.4"
name: two
jobs:
- {type: job, id: ID1, name: make, arguments: [], uses: [{lfn: part, type: output}]}
- type: job
  id: ID2
  name: use
  arguments: []
  uses: [{lfn: part, type: input}, {lfn: result, type: output}]
transformationCatalog:
  transformations:
  - {name: make, sites: [{name: local, pfn: make, type: stageable}]}
  - {name: use, sites: [{name: local, pfn: use, type: stageable}]}
"""
JOB = """\
executable = /bin/sh
transfer_executable = false
arguments = "-c 'hostname; sleep {seconds}'"
output = {name}.out
error = {name}.err
log = {name}.log
should_transfer_files = yes
request_cpus = 1
request_memory = 1000
request_disk = 1M
queue
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The pool's host, and how EC2 is reached from there."""

    host: PoolHost
    environment: dict[str, str]

    def roost(self, *argv: str, user: str = "root") -> "subprocess.CompletedProcess[str]":
        return self.host.roost(*argv, user=user, env=self.environment)

    def submit(self, name: str, *, user: str, seconds: float = 0) -> str:
        """The cluster's id."""
        text = JOB.format(name=name, seconds=seconds)
        return self.host.out("condor_submit", "-terse", "-", user=user, feed=text).partition(".")[0]

    def status(self, cluster: str) -> str:
        """A job's JobStatus; "" when it has left the queue."""
        return self.host.out("condor_q", "-allusers", cluster, "-af", "JobStatus").strip()

    def until_status(self, cluster: str, wanted: str) -> None:
        deadline = time.monotonic() + 120
        while self.status(cluster) != wanted:
            analysis = self.host("condor_q", "-better-analyze", cluster).stdout
            assert time.monotonic() < deadline, f"job {cluster}: {self.status(cluster)}, not {wanted}\n{analysis}"
            time.sleep(0.3)


@pytest.fixture(scope="module")
def site(localec2_service: Localec2Service) -> Iterator[Site]:
    images = json.loads(localec2_service.run("image", "ls", "--json"))
    image = next(one["engine_ref"] for one in images if one["image_id"] == localec2_service.image_id)
    facts = json.loads(localec2_service.run("status", "--json"))
    host = own_pool_host.started(
        image,
        number=localec2_service.slot,
        public_network=facts["public_network"],
        router_source=localec2_service.host_public_ip,
    )
    try:
        with Ec2Proxy(localec2_service.endpoint_url, address=host.gateway) as ec2:
            environment = {
                "AWS_ENDPOINT_URL": ec2.endpoint_url,
                "AWS_ACCESS_KEY_ID": "a-key-of-the-pool-host",
                "AWS_SECRET_ACCESS_KEY": "any-secret-is-accepted",
                "ROOST_MY_ADDRESS": localec2_service.host_public_ip,
            }
            # A VPN's address would be in pool.yml like this: EC2 sees this machine as another one.
            pool = (
                f"name: burst\ncloud: aws\naccess_point: here\nsubmit_host: {host.address}\n"
                f"workers: {{count: 1, type: [c7i.large]}}\nimage: {{id: {localec2_service.image_id}}}\nlease: 1h\n"
            )
            for user in ("root", "alice", "bob"):
                host.out("sh", "-c", "cat > pool.yml", user=user, feed=pool)
            yield Site(host=host, environment=environment)
    finally:
        own_pool_host.ended(host)


@pytest.fixture(scope="module")
def burst(site: Site) -> Iterator[str]:
    """The id of the one execution point."""
    done = site.roost("join", "--yes")
    assert done.returncode == 0, done.stderr
    try:
        refused = site.roost("up", "--yes", "pool.yml", user="bob")
        assert (refused.returncode, "sudo asks for a password" in refused.stderr) == (1, True), refused.stderr
        refused = site.roost("up", "--yes", "pool.yml")
        assert (refused.returncode, "HTCondor runs no jobs of root" in refused.stderr) == (2, True), refused.stderr
        done = site.roost("up", "--yes", "pool.yml", user="alice")
        assert done.returncode == 0, done.stderr
        assert "network: outbound, because the schedd answers" in done.stderr
        yield done.stdout.split()[0]
    finally:
        site.roost("down", "pool.yml", "--now", user="alice")
        site.roost("join", "--undo", "--yes")


def test_what_join_would_write_and_who_may(site: Site) -> None:
    before = site.host.out("sh", "-c", ALL_OF_IT)
    done = site.roost("join", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "ALLOW_ADVERTISE_STARTD = $(ALLOW_DAEMON), join@physics.example, ep-*@physics.example" in done.stdout
    assert f"let TCP in to {site.host.address} port 9618" in done.stderr
    for argv, user, code, said in (
        (("join", "--yes"), "alice", 1, "sudo roost join"),
        (("join",), "root", 2, "add --yes"),
        (("join", "--submit-host", "here"), "root", 2, "no IPv4 address"),
        (("up", "--yes", "pool.yml"), "bob", 3, "sudo roost join"),
        (("join", "--undo"), "root", 0, "nothing was changed"),
    ):
        done = site.roost(*argv, user=user)
        assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert site.host.out("sh", "-c", ALL_OF_IT) == before


@pytest.mark.parametrize(
    ("variables", "code", "said"),
    [
        ({"PATH": "/none"}, 3, "there is no HTCondor on this machine"),
        ({"_CONDOR_DAEMON_LIST": "MASTER, SCHEDD"}, 3, "has no collector: its central manager is submit.physics"),
        ({"_CONDOR_DAEMON_LIST": "MASTER, COLLECTOR"}, 3, "has no schedd"),
        ({"_CONDOR_COLLECTOR_ADDRESS_FILE": "/none"}, 3, "collector does not run"),
        ({"_CONDOR_COLLECTOR_ADDRESS_FILE": "/tmp/loopback"}, 1, "listens on 127.0.0.1"),
        ({"_CONDOR_LOCAL_CONFIG_DIR": " "}, 1, "reads no directory of configuration files"),
    ],
)
def test_a_machine_that_cannot_be_joined(site: Site, variables: dict[str, str], code: int, said: str) -> None:
    site.host.out("sh", "-c", "echo '<127.0.0.1:9618?addrs=127.0.0.1-9618>' > /tmp/loopback")
    done = site.host.roost("join", "--yes", env=variables)
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr


def test_undo_restores_byte_for_byte(site: Site) -> None:
    """HTCondor has made a key; and once more on a pool that has none yet."""
    for has_key in (True, False):
        if not has_key:
            site.host.out("mv", KEY, "/root/kept-key")
        # HTCondor makes a key by itself when it reads its configuration and has none
        look = ALL_OF_IT if has_key else f"({ALL_OF_IT}) | grep -v POOL"
        before = site.host.out("sh", "-c", look)
        joined = site.roost("join", "--yes")
        assert joined.returncode == 0, joined.stderr
        assert "tried: the collector lets join@physics.example advertise" in joined.stderr
        after = site.host.out("sh", "-c", look)
        changed = {line.split()[-1] for line in set(after.splitlines()) ^ set(before.splitlines())}
        assert "90-roost-join.config" in str(changed)
        key = site.host.out("sha256sum", KEY)
        assert site.host.out("stat", "-c", "%a %U", KEY) == "600 root\n"
        assert (key.split()[0] in site.host.out("cat", DROP_IN)) is not has_key
        again = site.roost("join", "--yes")
        assert (again.returncode, "nothing was changed" in again.stderr) == (0, True), again.stderr
        assert site.host.out("sh", "-c", look) == after
        undone = site.roost("join", "--undo", "--yes")
        assert undone.returncode == 0, undone.stderr
        assert site.host.out("sh", "-c", look) == before
        assert (site.host("sha256sum", KEY).stdout == key) is has_key
    site.host.out("mv", "/root/kept-key", KEY)
    assert site.host("test", "-e", "/run/roost").returncode == 1


def test_a_key_that_is_another_by_now_stays(site: Site) -> None:
    site.host.out("mv", KEY, "/root/kept-key")
    assert site.roost("join", "--yes").returncode == 0
    site.host.out("mv", "/root/kept-key", KEY)
    before = site.host.out("sha256sum", KEY)
    undone = site.roost("join", "--undo", "--yes")
    assert (undone.returncode, "it stays" in undone.stderr) == (0, True), undone.stderr
    assert site.host.out("sha256sum", KEY) == before


def test_what_does_not_work_is_taken_back(site: Site) -> None:
    """Another file of the administrator's decides after ours."""
    later = "/etc/condor/config.d/99-site.config"
    site.host.out("sh", "-c", f"echo 'DENY_ADVERTISE_STARTD = join@*' > {later}")
    try:
        before = site.host.out("sh", "-c", ALL_OF_IT)
        done = site.roost("join", "--yes")
        assert (done.returncode, "does not let in a joining token" in done.stderr) == (1, True), done.stderr
        assert site.host.out("sh", "-c", ALL_OF_IT) == before
        site.host.out("sh", "-c", f"echo 'ALLOW_ADVERTISE_STARTD = condor@*' > {later}")
        before = site.host.out("sh", "-c", ALL_OF_IT)
        done = site.roost("join", "--yes")
        assert (done.returncode, "another file sets ALLOW_ADVERTISE_STARTD" in done.stderr) == (1, True), done.stderr
        assert site.host.out("sh", "-c", ALL_OF_IT) == before
    finally:
        site.host.out("rm", later)
        site.host.out("condor_reconfig")


def test_old_security_settings(site: Site) -> None:
    """Trust by host names, and security switched off: the reload is refused there as a command, tokens are unknown."""
    old = "/etc/condor/config.d/60-old.config"
    settings = """\
use SECURITY:HOST_BASED
SEC_DEFAULT_AUTHENTICATION = NEVER
SEC_DEFAULT_ENCRYPTION = NEVER
SEC_DEFAULT_INTEGRITY = NEVER
SEC_DEFAULT_NEGOTIATION = NEVER
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, CLAIMTOBE
ALLOW_READ = *.physics.example
"""
    site.host.out("sh", "-c", f"cat > {old}; kill -HUP 1", feed=settings)
    try:
        done = site.roost("join", "--yes")
        assert (done.returncode, "tried: the collector lets" in done.stderr) == (0, True), done.stderr
        assert "SEC_DEFAULT_AUTHENTICATION_METHODS = $(SEC_DEFAULT_AUTHENTICATION_METHODS), IDTOKENS" in done.stdout
        assert site.host.out("condor_status", "-af", "Machine") == "submit.physics.example\n"
        assert site.roost("join", "--undo", "--yes").returncode == 0
    finally:
        site.host.out("sh", "-c", f"rm -f {old} {DROP_IN}; kill -HUP 1")


def test_a_host_behind_a_nat_has_two_addresses(site: Site) -> None:
    public = site.host.gateway  # which forwards nothing, so that it does not lead back either
    done = site.roost("join", "--yes", "--submit-host", public)
    try:
        assert (done.returncode, "does not lead back here" in done.stderr) == (0, True), done.stderr
        own = site.host.out("condor_status", "-schedd", "-af", "MyAddress")
        assert own.startswith(f"<{public}:9618?PrivAddr=%3c{site.host.address}:9618"), own
        again = site.roost("join", "--yes")
        assert "nothing was changed" in again.stderr, again.stderr
    finally:
        undone = site.roost("join", "--undo", "--yes")
    assert undone.returncode == 0, undone.stderr
    assert site.host.out("condor_status", "-schedd", "-af", "MyAddress").startswith(f"<{site.host.address}:9618?")


def test_both_kinds_of_machines_are_listed(site: Site, burst: str) -> None:
    listed = site.host.out("condor_status", "-af", "Machine", "RoostPool", "RoostInstanceId", user="bob")
    machines = sorted(line.split() for line in listed.splitlines())
    assert ["submit.physics.example", "undefined", "undefined"] in machines
    assert ["burst", burst] in [words[1:] for words in machines]
    # the whole pool lets in what it let in before, and the instance by a token of its own
    deadline = time.monotonic() + 60
    while f"ep-{burst}@physics.example" not in site.host.out("cat", "/run/roost/approver.log"):
        assert time.monotonic() < deadline, site.host.out("cat", "/run/roost/approver.log")
        time.sleep(0.3)


def test_the_owners_job_runs_there_and_nobody_elses(site: Site, burst: str) -> None:
    bobs = site.submit("bobs", user="bob")
    alices = site.submit("alices", user="alice")
    site.until_status(alices, "")
    assert site.host.out("cat", "alices.out", user="alice").startswith("ip-172-31-")
    # negotiated as often as alice's, and matched with nothing
    assert site.status(bobs) == "1"
    reason = site.host.out("condor_q", "-allusers", bobs, "-af", "LastRejMatchReason", "NumJobMatches")
    assert reason.split() == ["no", "match", "found", "undefined"]
    why = site.roost("why", bobs, "--pool", "pool.yml", user="bob")
    site.host.out("condor_rm", bobs)
    assert "1 execution points do not want it: their own policy (START)" in why.stdout
    assert "type: condor_status -af:r Name Start\n" in why.stdout, "on this machine"
    assert burst


def test_a_dag_runs_there(site: Site, burst: str) -> None:
    site.host.out("sh", "-c", "cat > node.sub", user="alice", feed=JOB.format(name="$(node)", seconds=0))
    dag = 'JOB a node.sub\nJOB b node.sub\nPARENT a CHILD b\nVARS a node="a"\nVARS b node="b"\n'
    site.host.out("sh", "-c", "cat > two.dag", user="alice", feed=dag)
    site.host.out("condor_submit_dag", "two.dag", user="alice")
    site.host.out("condor_wait", "-wait", "120", "two.dag.dagman.log", user="alice")
    assert "EXITING WITH STATUS 0" in site.host.out("cat", "two.dag.dagman.out", user="alice")
    assert len({site.host.out("cat", f"{node}.out", user="alice") for node in "ab"}) == 1
    assert burst


def test_verbs_on_it(site: Site, burst: str) -> None:
    status = site.roost("status", "burst", "--cloud", "aws", "--json", user="alice")
    assert status.returncode == 0, status.stderr
    shown = json.loads(status.stdout)
    assert [i["id"] for i in shown["instances"]] == [burst]
    assert burst in {slot["instance_id"] for slot in shown["slots"]}
    verified = site.roost("verify", "pool.yml", user="alice")
    assert (verified.returncode, verified.stdout.count("yes")) == (0, 4), verified.stdout + verified.stderr
    assert "roost: " in site.roost("logs", burst, "--cloud", "aws", user="alice").stdout
    assert "no instance" in site.roost("ssh", "burst", "--cloud", "aws", user="alice").stderr
    checked = json.loads(site.roost("check", "pool.yml", "--json", user="alice").stdout)["checks"]
    assert [one["is_true"] for one in checked if one["about"] == "here"] == [True]
    again = site.roost("up", "--yes", "pool.yml", user="alice")
    assert "is up already; nothing was changed" in again.stderr, again.stderr


def test_why_an_instance_of_it_is_not_there(site: Site, burst: str) -> None:
    well = site.roost("why", burst, "--cloud", "aws", user="alice")
    assert "the collector heard of it" in well.stdout
    assert "nothing wrong can be seen" in well.stdout
    inside = ("ssh", "burst", "--cloud", "aws", "--on", burst, "--", "sudo", "systemctl")
    assert site.roost(*inside, "stop", "condor", user="alice").returncode == 0
    stopped = site.roost("why", burst, "--cloud", "aws", user="alice")
    assert site.roost(*inside, "start", "condor", user="alice").returncode == 0
    assert "the collector does not list it\n\n1. HTCondor does not run there\n" in stopped.stdout
    assert f"type: roost ssh burst --on {burst} -- sudo systemctl restart condor\n" in stopped.stdout


def test_an_execution_point_may_advertise_itself_and_nothing_else(site: Site, burst: str) -> None:
    levels = ("ADVERTISE_STARTD", "WRITE", "DAEMON", "ADMINISTRATOR", "ADVERTISE_SCHEDD")
    ping = ("sudo", "condor_ping", "-type", "COLLECTOR", "-table", *levels)
    there = site.roost("ssh", "burst", "--cloud", "aws", "--on", burst, "--", *ping, user="alice")
    decisions = {words[0]: "ALLOW" in words for line in there.stdout.splitlines() if (words := line.split())}
    assert {level: decisions[level] for level in levels} == {level: level == "ADVERTISE_STARTD" for level in levels}


def test_a_workflow_on_it(site: Site, burst: str) -> None:
    hello = str(CHECKOUT / "examples" / "hello" / "workflow.yml")
    done = site.roost("run", hello, "--pool", "pool.yml", "--name", "hello", user="alice")
    assert done.returncode == 0, done.stdout + done.stderr
    logs = site.host.out("sh", "-c", "cat /home/alice/roost-runs/hello/submit/*.log")
    assert burst in logs
    assert "submit.physics.example" not in {line.split()[-1] for line in logs.splitlines() if "SlotName" in line}


def test_a_run_with_instances_of_its_own_fails_and_is_resumed_on_those(site: Site, burst: str) -> None:
    """`roost run` alone: execution points for this run, and gone with it. Its files stay on this machine."""
    files = {
        "workflow.yml": TWO_TASKS,
        "make": "#!/bin/sh\necho made > part\n",
        "use": "#!/bin/sh\necho not yet >&2; exit 3\n",
    }
    for name, text in files.items():
        site.host.out("sh", "-c", f"mkdir -p project && cat > project/{name}", user="alice", feed=text)
    site.host.out("cp", "pool.yml", "project/pool.yml", user="alice")
    failed = site.roost("run", "project/workflow.yml", "--name", "own", "--yes", user="alice")
    assert failed.returncode == 4, failed.stdout + failed.stderr
    assert "use_ID2 (project/workflow.yml:5): exit code 3, after 2 attempts\n    not yet" in failed.stdout
    assert "0 billable resources" in failed.stdout
    instance = json.loads(site.host.out("cat", "runs/own/timeline.json", user="alice"))["instances"][0]["instance_id"]
    assert instance != burst
    late = site.roost("run", "--attach", "own", user="alice")
    assert (late.returncode, "too late: the pool two-" in late.stderr) == (3, True), late.stderr

    site.host.out("sh", "-c", "cat > project/use", user="alice", feed="#!/bin/sh\ncat part part > result\n")
    resumed = site.roost("run", "--resume", "own", "--pool", "pool.yml", user="alice")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert "1 of 2 jobs are done already" in resumed.stderr
    assert site.host.out("cat", "runs/own/output/result", user="alice") == "made\nmade\n"
    report = json.loads(site.roost("report", "own", "--json", user="alice").stdout)
    assert (report["state"], report["dag_runs"], report["tasks"]["done"]) == ("done", 2, 2)
    assert [one["name"] for one in report["instances"]] == [instance, burst]
    # what runs in the user's name is the user's: nothing of it is left in the queue
    assert site.host.out("condor_q", "alice", "-af", "ClusterId") == ""


def test_down_gives_the_jobs_back_and_leaves_the_pool_alone(site: Site, burst: str) -> None:
    running = site.submit("long", user="alice", seconds=600)
    site.until_status(running, "2")
    before = site.host.out("sh", "-c", ALL_OF_IT)
    down = site.roost("down", "pool.yml", "--now", user="alice")
    assert (down.returncode, "0 billable resources" in down.stdout) == (0, True), down.stdout + down.stderr
    site.until_status(running, "1")
    site.host.out("condor_rm", running)
    assert burst not in site.host.out("condor_status", "-af", "RoostInstanceId")
    assert "submit.physics.example" in site.host.out("condor_status", "-af", "Machine")
    assert site.host.out("sh", "-c", ALL_OF_IT) == before


@pytest.mark.parametrize("number", [2, 4])
def test_an_up_that_was_killed_is_completed_or_taken_down(
    site: Site, burst: str, localec2_service: Localec2Service, tmp_path: Path, number: int
) -> None:
    """Last of this pool. Call 4 launched the execution point, and nobody heard so."""
    assert burst, "joined"
    everything = Roost(service=localec2_service, directory=tmp_path)
    before = everything.left()
    site.host.out("sh", "-c", "sed 's/burst/cut/' pool.yml > cut.yml; rm -f up.pid", user="alice")

    def kill() -> None:
        site.host.out("sh", "-c", "kill -KILL $(cat up.pid)", user="alice")

    with Ec2Proxy(localec2_service.endpoint_url, address=site.host.gateway, after={number: kill}) as ec2:
        cut = {**site.environment, "AWS_ENDPOINT_URL": ec2.endpoint_url}
        killed = site.host.roost("up", "--yes", "cut.yml", user="alice", env=cut, pid_file="up.pid")
    assert (
        ec2.changes
        == ["ImportKeyPair", "CreateSecurityGroup", "AuthorizeSecurityGroupIngress", "RunInstances"][:number]
    )
    assert killed.returncode == 128 + signal.SIGKILL, killed.stderr
    try:
        if number == 4:
            up = site.roost("up", "--yes", "cut.yml", user="alice")
            assert up.returncode == 0, up.stderr
            assert len(up.stdout.split("\n")) == 2, "one execution point"
            verified = site.roost("verify", "cut.yml", user="alice")
            assert verified.returncode == 0, verified.stdout + verified.stderr
    finally:
        down = site.roost("down", "cut.yml", "--now", user="alice")
    assert down.returncode == 0, down.stderr
    assert everything.left() == before
