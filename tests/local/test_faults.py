"""What EC2 and instances do on bad days, on a real pool: what Roost makes of it, and what `roost why` says.

One pool rises in spite of what `roost local inject` put in its way, and is then hurt one by one; another never rises.
"""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import until
from roost_cli import Roost
from run_workflows import Task, write_workflow

pytestmark = pytest.mark.local

Done = subprocess.CompletedProcess[str]
PATIENCE_S = 240.0


@dataclass(frozen=True, kw_only=True)
class HurtPool:
    """A pool of two execution points: one with another clock, one with a small disk; and how it rose."""

    roost: Roost
    up: Done
    name: str = "hurt"

    def instances(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.roost("status", self.name, "--json").stdout)["instances"]
        return [each for each in found if each["state"] == "running"]

    def access_point(self) -> str:
        return next(str(each["id"]) for each in self.instances() if each["role"] == "access-point")

    def execution_points(self) -> list[str]:
        return [str(each["id"]) for each in self.instances() if each["role"] == "execution-point"]

    def run(self, *argv: str, on: str = "") -> str:
        done = self.roost("ssh", self.name, *(("--on", on) if on else ()), "--", *argv)
        assert done.returncode == 0, f"{argv}: {done.stdout} {done.stderr}"
        return done.stdout

    def submit(self, **description: str) -> str:
        """A job's id; its log is `ID.log`."""
        lines = {
            "executable": "/bin/sleep",
            "transfer_executable": "false",
            "arguments": "1",
            "request_cpus": "1",
            "request_memory": "100",
            "request_disk": "1M",
            "log": "$(cluster).log",
            **description,
        }
        text = "".join(f"{name} = {value}\n" for name, value in lines.items()) + "queue\n"
        printed = self.run("sh", "-c", f"echo '{text}' | condor_submit -terse -")
        return printed.split()[0]

    def why(self, what: str) -> dict[str, Any]:
        done = self.roost("why", what, "--pool", self.name, "--json")
        assert done.returncode == 0, done.stderr
        told: dict[str, Any] = json.loads(done.stdout)
        assert told["schema"] == "roost/why/1"
        return told


@pytest.fixture(scope="module")
def roost(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Roost:
    directory = tmp_path_factory.mktemp("faults")
    (directory / "hurt.yml").write_text("name: hurt\nworkers:\n  count: 2\n")
    (directory / "sick.yml").write_text("name: sick\nworkers:\n  count: 1\n")
    return Roost(service=localec2_service, directory=directory)


@pytest.fixture(scope="module")
def pool(roost: Roost) -> Iterator[HurtPool]:
    inject(roost, "no-capacity", "--type", "c7i.large")
    inject(roost, "not-found")
    inject(roost, "throttled", "--count", "2")
    inject(roost, "answer-lost")
    inject(roost, "clock")
    inject(roost, "small-disk")
    try:
        yield HurtPool(roost=roost, up=roost("up", "hurt.yml"))
    finally:
        roost("local", "inject", "--clear")
        assert roost("down", "hurt").returncode == 0


@pytest.fixture(scope="module")
def small(pool: HurtPool) -> str:
    """The execution point whose disk is small."""
    return next(i for i in pool.execution_points() if "tmpfs" in pool.run("df", "/var/lib/condor/execute", on=i))


@pytest.fixture(scope="module")
def ahead(pool: HurtPool, small: str) -> str:
    """The one whose clock is ahead."""
    return next(i for i in pool.execution_points() if i != small)


# ---- it rises in spite of EC2


def test_a_type_without_capacity_is_told_and_the_next_is_tried(pool: HurtPool) -> None:
    assert pool.up.returncode == 0, pool.up.stderr
    assert "c7i.large has no capacity in us-east-1; trying c6i.large" in pool.up.stderr
    types = {each["instance_type"] for each in pool.instances() if each["role"] == "execution-point"}
    assert types == {"c6i.large"}


def test_throttling_a_lost_answer_and_what_is_not_known_yet(pool: HurtPool) -> None:
    """All of them were met, nothing waits any more; and nothing was launched twice."""
    assert pool.up.returncode == 0, pool.up.stderr
    assert len(pool.instances()) == 3
    assert json.loads(pool.roost.service.run("control", "faults")) == []


@pytest.mark.parametrize(
    ("fault", "code"), [("quota", "VcpuLimitExceeded"), ("instance-quota", "InstanceLimitExceeded")]
)
def test_a_quota_is_named(roost: Roost, fault: str, code: str) -> None:
    (roost.directory / "greedy.yml").write_text("name: greedy\n")
    inject(roost, fault)
    done = roost("up", "greedy.yml")
    assert done.returncode == 6
    assert "Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances (L-1216C47A, in vCPUs)" in done.stderr
    assert f"is used up ({code})" in done.stderr
    assert "https://console.aws.amazon.com/servicequotas/home/services/ec2/quotas/L-1216C47A" in done.stderr
    assert "aws service-quotas request-service-quota-increase" in done.stderr
    assert roost("down", "greedy").returncode == 0


# ---- why an instance is not what it should be


def test_a_clock_an_hour_off(pool: HurtPool, small: str, ahead: str) -> None:
    told = pool.why(ahead)
    assert sentences(told)[0].startswith("its clock is 60 min ahead")
    assert {line.split(":")[0] for line in told["causes"][0]["evidence"]} == {
        "clock against this machine's",
        "clock against the central manager's",
    }
    assert "its clock" not in " ".join(sentences(pool.why(small)))


def test_nothing_is_wrong_with_the_access_point(pool: HurtPool) -> None:
    told = pool.why(pool.access_point())
    assert told["causes"] == []
    assert told["sentence"].endswith("its HTCondor answers")


def test_an_id_that_is_none(pool: HurtPool) -> None:
    right = pool.access_point()
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    done = pool.roost("why", wrong)
    assert (done.returncode, done.stdout) == (3, "")
    assert f"did you mean '{right}'?" in done.stderr
    assert pool.roost("why", "galaxy").returncode == 2


# ---- why a job does not run


def test_a_disk_that_fills(pool: HurtPool, small: str) -> None:
    pool.run("sh", "-c", "head -c 100000000 /dev/zero > big")
    job = pool.submit(transfer_input_files="big", requirements=f'TARGET.RoostInstanceId == "{small}"')
    told = once(pool, job, lambda told: bool(told["causes"]) and "on hold" in told["sentence"])
    assert sentences(told) == ["its input files could not be brought to it: there the disk is full"]
    assert "No space left on device" in told["causes"][0]["evidence"][0]
    assert "request_disk" in told["causes"][0]["remedy"]
    assert f"condor_release {job}" in told["causes"][0]["remedy"]
    pool.run("condor_rm", job)


def test_a_run_whose_task_fills_the_disk(pool: HurtPool, small: str) -> None:
    """Its own words are told; what it wrote is gone with it."""
    profiles = f"{{pegasus: {{diskspace: '10'}}, condor: {{requirements: 'TARGET.RoostInstanceId == \"{small}\"'}}}}"
    fills = Task(name="fills", script="head -c 100000000 /dev/zero > big", results=["big"], profiles=profiles)
    path = write_workflow(pool.roost.directory, fills)
    done = pool.roost("run", path.name, "--pool", pool.name, "--name", "full")
    assert done.returncode == 4, done.stderr
    assert "fills_ID1 (workflow.yml:" in done.stdout
    assert "No space left on the execution point's disk (exit code 1)" in done.stdout


def test_a_job_that_fits_nowhere(pool: HurtPool) -> None:
    job = pool.submit(request_memory="16GB", requirements="TARGET.HasGalaxy == true")
    told = once(pool, job, lambda told: len(told["causes"]) == 2)
    assert sentences(told) == [
        "it asks for 16.0 GiB of memory, and the largest execution point has 3.8 GiB",
        "its requirements want `TARGET.HasGalaxy == true`, and none of 2 execution points has that",
    ]
    pool.run("condor_rm", job)


def test_a_job_that_runs_and_one_that_waits_for_it(pool: HurtPool, small: str) -> None:
    here = f'TARGET.RoostInstanceId == "{small}"'
    runs = pool.submit(arguments="300", request_cpus="2", requirements=here)
    told = once(pool, runs, lambda told: "runs on" in told["sentence"])
    assert told["sentence"].startswith(f"{runs} runs on {small}, since 0 min")
    assert told["causes"] == []
    elsewhere = pool.submit(arguments="300", request_cpus="2", requirements=f"!({here})")
    once(pool, elsewhere, lambda told: "runs on" in told["sentence"])
    waits = pool.submit(request_cpus="2")
    told = once(pool, waits, lambda told: "busy" in " ".join(sentences(told)))
    assert "all execution points are busy with 2 jobs" in " ".join(sentences(told))
    pool.run("condor_rm", runs, elsewhere, waits)


def test_a_job_that_has_ended_and_one_that_never_was(pool: HurtPool) -> None:
    job = pool.submit(executable="/bin/false", arguments="")
    told = once(pool, job, lambda told: "ended with exit code 1" in told["sentence"])
    assert sentences(told) == ["it ended with exit code 1: the program's own failure, or what it was given"]
    done = pool.roost("why", "4711.0", "--pool", "hurt")
    assert (done.returncode, done.stdout) == (3, "")
    assert "the pool hurt has no job 4711.0, and had none" in done.stderr


# ---- instances that fail while jobs run


def test_jobs_survive_a_reboot_of_the_access_point(pool: HurtPool, small: str, ahead: str) -> None:
    """They go on where they are, and are not started again."""
    jobs = [
        pool.submit(arguments="40", requirements=f'TARGET.RoostInstanceId == "{point}"') for point in (small, ahead)
    ]
    for job in jobs:
        once(pool, job, lambda told: "runs on" in told["sentence"])
    booted = pool.run("cat", "/var/log/roost/boot.jsonl").count("condor started")
    inject(pool.roost, "reboot", "--instance", pool.access_point())
    until(lambda: _boots(pool) > booted, "the access point to boot again", timeout_s=PATIENCE_S)
    for job in jobs:
        once(pool, job, lambda told: "ended with exit code 0" in told["sentence"])
        log = pool.run("cat", f"{job.partition('.')[0]}.log")
        assert events(log).count("001") == 1, log  # executing
        assert events(log).count("023") == 1, log  # reconnected


def test_a_host_that_fails(pool: HurtPool, small: str) -> None:
    """Its job would wait for it for long; `why` says so, and what to type starts it elsewhere."""
    job = pool.submit(arguments="20", rank=f'TARGET.RoostInstanceId == "{small}"')
    once(pool, job, lambda told: f"runs on {small}" in told["sentence"])
    inject(pool.roost, "kill", "--instance", small)
    told = once(pool, small, lambda told: "terminated" in told["sentence"] or "shutting-down" in told["sentence"])
    assert sentences(told)[0] == "EC2 failed: its host, or EC2's own service"
    assert "Server.InternalError" in told["causes"][0]["evidence"][0]
    told = once(pool, job, lambda told: bool(told["causes"]))
    assert sentences(told)[0].startswith("its execution point is gone")
    _, _, typed = told["causes"][0]["remedy"].partition(" -- sh -c '")
    pool.run("sh", "-c", typed.partition("'")[0])
    once(pool, job, lambda told: "on hold" not in told["sentence"] and small not in told["sentence"])
    pool.run("condor_rm", job)


def test_a_wrong_token(pool: HurtPool, ahead: str) -> None:
    inject(pool.roost, "wrong-token", "--instance", ahead)
    told = once(pool, ahead, lambda told: "token" in " ".join(sentences(told)))
    assert "the central manager does not accept its token: wrong, revoked or of another pool" in sentences(told)
    shown = next(cause["evidence"] for cause in told["causes"] if "token" in cause["sentence"])
    assert "AUTHENTICATE" in " ".join(shown)
    assert "eyJ" not in json.dumps(told)


def test_a_port_that_is_blocked(pool: HurtPool, ahead: str) -> None:
    inject(pool.roost, "port-blocked", "--instance", ahead)
    said = "it does not reach the central manager: port 9618 of "
    once(pool, ahead, lambda told: any(one.startswith(said) for one in sentences(told)[:1]))


# ---- instances that never join


def test_an_instance_that_never_boots(roost: Roost) -> None:
    inject(roost, "no-boot")
    up = roost("up", "sick.yml", "--timeout", "25s")
    assert up.returncode == 5
    assert "the pool sick did not rise within 25 s" in up.stderr
    point = up.stderr.rpartition("`roost why ")[2].partition("`")[0]
    why = roost("why", point)
    assert "1. it never booted: its kernel or its root disk failed" in why.stdout
    assert "Kernel panic - not syncing: VFS: Unable to mount root fs" in why.stdout
    down = roost("down", "sick")
    assert down.returncode == 0, down.stderr
    assert f"console and logs of {point} are kept in " in down.stderr
    [kept] = (roost.directory / "data").glob(f"**/{point}/console.txt")
    assert "Kernel panic" in kept.read_text()
    assert_still_told(roost, point, kept)


def test_an_instance_that_boots_and_never_joins(roost: Roost) -> None:
    inject(roost, "no-htcondor")
    up = roost("up", "sick.yml", "--timeout", "2m")
    assert up.returncode == 4, up.stderr
    point = up.stderr.rpartition("`roost why ")[2].partition("`")[0]
    why = roost("why", point)
    assert "1. HTCondor does not start there: its service is masked" in why.stdout
    assert f"type: roost ssh sick --on {point} -- sudo sh -c 'systemctl unmask condor" in why.stdout
    assert roost("down", "sick").returncode == 0


def assert_still_told(roost: Roost, point: str, kept: Path) -> None:
    """After it has been terminated, and also on what alone was kept."""
    assert "it never booted" in roost("why", point).stdout
    facts = kept.with_name("instance.json")
    elsewhere = kept.parent.with_name("i-00000000000000000")
    elsewhere.mkdir()
    facts_there = elsewhere / "instance.json"
    facts_there.write_text(facts.read_text())
    (elsewhere / "console.txt").write_text(kept.read_text())
    gone = roost("why", "i-00000000000000000")
    assert "is gone; this is what was kept of it" in gone.stdout
    assert "it never booted" in gone.stdout


def inject(roost: Roost, *arguments: str) -> None:
    done = roost("local", "inject", *arguments)
    assert done.returncode == 0, done.stderr


def sentences(told: dict[str, Any]) -> Sequence[str]:
    return [str(cause["sentence"]) for cause in told["causes"]]


def once(pool: HurtPool, what: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """What `why` says, as soon as it says so."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        told = pool.why(what)
        if is_so(told):
            return told
        assert time.monotonic() < deadline, told
        time.sleep(1)


def events(log: str) -> list[str]:
    """The codes of a job log's events."""
    return [line[:3] for line in log.splitlines() if line[:3].isdigit() and line[3:5] == " ("]


def _boots(pool: HurtPool) -> int:
    done = pool.roost("ssh", pool.name, "--", "cat", "/var/log/roost/boot.jsonl")
    return done.stdout.count("condor started") if done.returncode == 0 else 0
