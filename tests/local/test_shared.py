"""A pool whose instances share a file system: GlusterFS of their own disks, and what its failures look like."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from roost_cli import Roost
from s3_server import KEYS, S3Server, s3_server

pytestmark = pytest.mark.local

JOB = """\
executable = /bin/sh
arguments = "-c '{script}'"
transfer_executable = false
transfer_output_files = ""
requirements = RoostInstanceId == "{on}" && RoostShared == "/shared"
output = {name}.out
error = {name}.err
log = {name}.log
request_cpus = 1
request_memory = 100
request_disk = 1M
queue
"""


class Pool:
    """One that `roost up` has made."""

    def __init__(self, roost: Roost, name: str, shared: str, *, count: int = 2, image: str = "") -> None:
        self.roost, self.name = roost, name
        text = f"name: {name}\nworkers: {{count: {count}}}\nshared: {shared}\nnetwork: {{mode: outbound}}\n{image}"
        (roost.directory / f"{name}.yml").write_text(text)

    @property
    def ec2(self) -> Any:
        return self.roost.service.client()

    def up(self, *options: str) -> Any:
        return self.roost("up", f"{self.name}.yml", *options, timeout_s=600)

    def down(self) -> None:
        down = self.roost("down", self.name, "--yes")
        assert down.returncode == 0, down.stderr
        assert "0 billable resources" in down.stdout

    def run(self, *argv: str, on: str = "") -> str:
        where = ("--on", on) if on else ()
        done = self.roost("ssh", self.name, *where, "--", *argv)
        assert done.returncode == 0, f"{argv}: {done.stdout} {done.stderr}"
        return done.stdout

    def execution_points(self) -> list[str]:
        mine = [
            {"Name": "tag:roost:pool", "Values": [self.name]},
            {"Name": "tag:roost:role", "Values": ["execution-point"]},
            {"Name": "instance-state-name", "Values": ["running"]},
        ]
        found = self.ec2.describe_instances(Filters=mine)["Reservations"]
        return sorted(i["InstanceId"] for reservation in found for i in reservation["Instances"])

    def submit(self, name: str, script: str, *, on: str) -> None:
        text = JOB.format(name=name, script=script, on=on)
        self.run("sh", "-c", f"cat > {name}.sub <<'END'\n{text}END\ncondor_submit {name}.sub")

    def job(self, name: str, script: str, *, on: str) -> str:
        """What it printed."""
        self.submit(name, script, on=on)
        self.run("condor_wait", "-wait", "180", f"{name}.log")
        return self.run("cat", f"{name}.out")

    def slot(self, instance_id: str, attribute: str) -> str:
        constraint = f'RoostInstanceId == "{instance_id}" && PartitionableSlot'
        return self.run("condor_status", "-const", constraint, "-af", attribute).strip()


def until(is_so: Callable[[], bool], what: str, *, timeout_s: float = 180) -> None:
    deadline = time.monotonic() + timeout_s
    while not is_so():
        assert time.monotonic() < deadline, f"waited {timeout_s:.0f} s for {what}"
        time.sleep(1)


@pytest.fixture(scope="module")
def roost(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path_factory.mktemp("shared"))


@pytest.fixture(scope="module")
def distributed(roost: Roost) -> Iterator[Pool]:
    pool = Pool(roost, "dist", "gluster")
    try:
        up = pool.up()
        assert up.returncode == 0, up.stderr
        yield pool
    finally:
        pool.down()


@pytest.fixture(scope="module")
def server(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(localec2_service.host_public_ip, tmp_path_factory.mktemp("s3")) as server:
        (server.buckets / "data").mkdir()
        (server.buckets / "data" / "in.txt").write_text("text\n")
        yield server


def test_it_is_mounted_before_htcondor_starts(distributed: Pool) -> None:
    def events_of(instance_id: str) -> list[str]:
        lines = distributed.run("cat", "/var/log/roost/boot.jsonl", on=instance_id).splitlines()
        return [json.loads(line)["event"] for line in lines]

    for instance_id in distributed.execution_points():
        # it notes that it has joined when it has a token of its own, a moment after the collector lists it
        until(partial(lambda one: "joined" in events_of(one), instance_id), "the note that it has joined")
        events = events_of(instance_id)
        assert events.index("shared") < events.index("condor started") < events.index("joined")
        assert int(distributed.slot(instance_id, "RoostSharedGiB")) > 0


def test_what_a_job_writes_another_instances_job_reads(distributed: Pool) -> None:
    first, second = distributed.execution_points()
    distributed.job("write", "hostname > /shared/from-the-first", on=first)
    printed = distributed.job("read", "cat /shared/from-the-first; hostname", on=second)
    writer, reader = printed.split()
    assert writer != reader
    assert distributed.run("cat", "/shared/from-the-first").strip() == writer  # on the access point


@pytest.mark.parametrize("data", ["nonsharedfs", "sharedfs"])
def test_a_run_leaves_its_files_there_for_its_own_jobs_alone(distributed: Pool, server: S3Server, data: str) -> None:
    """What was lost there is made again by --resume; a run that ended well leaves nothing to be asked about.

    Its input is an object of S3, which the access point fetches to there by a URL that was signed here.
    """
    first, second = distributed.execution_points()
    workflow = _chain(distributed.roost.directory / data, data, first, second)
    roost = replace(distributed.roost, env=server.env)
    lost = roost("run", workflow, "--pool", "dist", "--name", data)
    assert lost.returncode == 4, lost.stderr
    assert "mid" in lost.stdout
    assert "what held it may be gone" in lost.stdout
    assert f"/shared/runs/{data}-" in distributed.roost("down", "dist").stderr
    resumed = roost("run", "--resume", data, "--pool", "dist")
    assert resumed.returncode == 0, resumed.stderr
    made = (distributed.roost.directory / "runs" / data / "output" / "out" / "b.txt").read_text().split()
    assert made[0] == "text"
    assert made[1] != made[2], "it was made on one instance and read on the other"
    assert distributed.run("ls", "-A", "/shared/runs").split() == []
    ours = [{"Name": "tag:roost:pool", "Values": ["dist"]}, {"Name": "tag:roost:role", "Values": ["access-point"]}]
    (found,) = distributed.ec2.describe_instances(Filters=ours)["Reservations"]
    came = {who for who, method, _, status in server.seen if (method, status) == ("GET", 200)}
    assert came == {found["Instances"][0]["PublicIpAddress"]}
    seen = distributed.run("sh", "-c", f"stat -c '%a %U' runs/{data}/signed.json; cat runs/{data}/signed.json")
    assert seen.startswith("600 debian\n")
    assert KEYS[1] not in seen


CHAIN = """\
pegasus: 5.0.4
name: chain
jobs:
- type: job
  name: a
  id: A
  arguments: []
  uses: [{lfn: in.txt, type: input}, {lfn: mid/a.txt, type: output, stageOut: false}]
  profiles: {condor: {requirements: RoostInstanceId == "FIRST"}}
- type: job
  name: lose
  id: L
  arguments: []
  uses: []
  profiles: {condor: {requirements: RoostInstanceId == "SECOND"}}
- type: job
  name: b
  id: B
  arguments: []
  uses: [{lfn: mid/a.txt, type: input}, {lfn: out/b.txt, type: output}]
  profiles: {condor: {requirements: RoostInstanceId == "SECOND"}}
jobDependencies: [{id: A, children: [L]}, {id: L, children: [B]}]
transformationCatalog:
  transformations:
  - {name: a, sites: [{name: local, pfn: a, type: stageable}]}
  - {name: b, sites: [{name: local, pfn: b, type: stageable}]}
  - {name: lose, sites: [{name: local, pfn: lose, type: stageable}]}
replicaCatalog:
  replicas:
  - {lfn: in.txt, pfns: [{site: s3, pfn: "s3://data/in.txt"}]}
"""


def _chain(directory: Path, data: str, first: str, second: str) -> str:
    """The first time a file is lost in the middle, as where a peer goes."""
    directory.mkdir()
    scripts = {
        "a": "{ cat in.txt; hostname; } > mid/a.txt",
        "b": "{ cat mid/a.txt; hostname; } > out/b.txt",
        "lose": f"mkdir /shared/{data}-lost && rm -r /shared/runs/*/mid*; true",
    }
    for name, script in scripts.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / "workflow.yml").write_text(CHAIN.replace("FIRST", first).replace("SECOND", second))
    properties = f"pegasus.data.configuration = {data}\ndagman.retry = 0\n"
    (directory / "pegasus.properties").write_text(properties)
    return str(directory / "workflow.yml")


def test_down_asks_before_files_are_lost(distributed: Pool) -> None:
    distributed.run("sh", "-c", "echo precious > /shared/precious")
    refused = distributed.roost("down", "dist")
    assert refused.returncode == 2
    assert "/shared/precious" in refused.stderr
    assert "roost fetch dist" in refused.stderr
    fetched = distributed.roost("fetch", "dist", "--to", "home")
    assert fetched.returncode == 0, fetched.stderr
    assert (distributed.roost.directory / "home" / "precious").read_text() == "precious\n"
    distributed.run("sh", "-c", "echo more > /shared/later")
    again = distributed.roost("down", "dist")
    assert again.returncode == 2
    assert "/shared/later" in again.stderr
    assert "/shared/precious" not in again.stderr
    assert len(distributed.execution_points()) == 2


def test_an_instance_that_is_added_brings_its_disk(distributed: Pool) -> None:
    distributed.run("sh", "-c", "echo there before > /shared/before")
    before = distributed.execution_points()
    grown = Pool(distributed.roost, "dist", "gluster", count=3)
    up = grown.up()
    assert up.returncode == 0, up.stderr
    (added,) = set(grown.execution_points()) - set(before)
    # it joins when it has mounted what is there; its own disk is added at the access point's next look
    info = ("sudo", "gluster", "volume", "info", "shared")
    until(lambda: grown.run(*info).count(":/srv/roost/brick") == 3, "its disk in the volume")
    assert grown.job("late", "cat /shared/before", on=added) == "there before\n"
    until(lambda: grown.slot(added, "RoostSharedOk") == "true", "its look at all three")


def test_a_peer_that_dies_takes_its_files_along_and_no_job_starts(distributed: Pool) -> None:
    """Last of this pool."""
    first, second, *others = distributed.execution_points()
    until(lambda: distributed.slot(second, "RoostSharedOk") == "true", "a first look")
    distributed.ec2.terminate_instances(InstanceIds=[first])
    until(lambda: distributed.slot(second, "RoostSharedOk") == "false", "the other one to notice")
    assert f"1 of {2 + len(others)} peers is gone" in distributed.slot(second, "RoostSharedReason")
    assert distributed.slot(second, "Start") in ("false", "undefined")


def test_a_peer_that_dies_leaves_the_other_copy(roost: Roost) -> None:
    pool = Pool(roost, "copies", "{kind: gluster, layout: replica}")
    try:
        up = pool.up()
        assert up.returncode == 0, up.stderr
        first, second = pool.execution_points()
        # some would be on each, were there no copies
        pool.run("sh", "-c", "for number in 0 1 2 3 4 5 6 7; do echo $number > /shared/$number; done")
        reading = "until [ -e /shared/enough ]; do cat /shared/[0-7] || exit 1; sleep 1; done | sort -u | paste -sd+"
        pool.submit("reader", reading, on=second)
        until(lambda: "Job executing" in pool.run("cat", "reader.log"), "the reader to start")
        pool.ec2.terminate_instances(InstanceIds=[first])
        until(lambda: "gone" in pool.slot(second, "RoostSharedReason"), "the other one to notice")
        assert pool.slot(second, "RoostSharedOk") == "true"
        pool.run("touch", "/shared/enough")
        pool.run("condor_wait", "-wait", "120", "reader.log")
        assert pool.run("cat", "reader.out", "reader.err") == "0+1+2+3+4+5+6+7\n"
        assert pool.job("writer", "echo 8 > /shared/8; cat /shared/8", on=second) == "8\n"
    finally:
        pool.down()


def test_an_instance_that_cannot_mount_stays_out_and_says_why(roost: Roost) -> None:
    """Its image has no GlusterFS."""
    image = f"image: {{id: {roost.service.image_id}}}\n"
    pool = Pool(roost, "without", "gluster", count=1, image=image)
    try:
        up = pool.up("--timeout", "45s")
        assert up.returncode != 0
        (lonely,) = pool.execution_points()
        until(lambda: "failed reason=/shared (gluster)" in roost("logs", lonely).stdout, "its reason")
        assert "glusterd" in roost("logs", lonely).stdout
        assert pool.run("condor_status", "-af", "Name") == ""
        unit = pool.run("sh", "-c", "systemctl is-active condor.service || true", on=lonely)
        assert unit.strip() == "inactive"
    finally:
        pool.down()


def test_what_cannot_be_shared_here_is_refused_before_anything_is_made(roost: Roost) -> None:
    pool = Pool(roost, "nfs", "nfs")
    refused = pool.up()
    if refused.returncode == 0:  # a machine whose kernel has it
        pool.down()
        pytest.skip("this kernel has NFS")
    assert refused.returncode == 2
    assert "has no nfs4" in refused.stderr
    assert not [left for left in roost.left() if "roost-nfs" in left]  # another pool of this module is up
