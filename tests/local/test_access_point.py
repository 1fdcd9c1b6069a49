"""Commands, files and followed streams on a real access point, and a pool that is verified."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from real_pool import RealPool, until

from roost.boot.roles import Role
from roost.boot.settings import BootSettings
from roost.errors import CloudError, NotFoundError, RoostError, UsageError, WaitTimeoutError
from roost.pool.access_point import SshAccessPoint, SshTarget
from roost.pool.ads import JobStatus, instance_of
from roost.pool.condor import Condor
from roost.pool.verification import verification
from roost.pool.verify import Question, Verdict
from roost.report.timeline import Milestone, Moments, noted_on_console, with_noted

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def pool(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPool]:
    ec2: Any = localec2_service.client()
    with RealPool(
        ec2,
        name="reach",
        image_id=localec2_service.image_id,
        ssh_from=f"{localec2_service.host_public_ip}/32",
        directory=tmp_path_factory.mktemp("reach"),
    ) as pool:
        yield pool


@pytest.fixture(scope="module")
def access_point(pool: RealPool) -> Iterator[SshAccessPoint]:
    """Waited for by ssh from the moment it was asked for."""
    settings = BootSettings(lease_s=7200, idle_s=0, workers=1)
    pool.access_point = pool.launch(Role.ACCESS_POINT, settings, None)
    until(lambda: "PublicIpAddress" in pool.described(pool.access_point), "an address")
    with SshAccessPoint(_target(pool)) as reached:
        reached.wait_until_reachable(120)
        yield reached


def _target(pool: RealPool, **changes: Any) -> SshTarget:
    facts: dict[str, Any] = {
        "host": pool.described(pool.access_point)["PublicIpAddress"],
        "key": pool.key,
        "known_hosts": pool.key.with_name("known hosts 100%"),
        "host_key_alias": pool.access_point,
    }
    return SshTarget(**(facts | changes))


@pytest.fixture(scope="module")
def condor(access_point: SshAccessPoint) -> Condor:
    schedd_is_listed = "condor_status -schedd -af Name | grep -q ."
    until(lambda: access_point.run(["sh", "-c", schedd_is_listed]).exit_code == 0, "the schedd")
    return Condor(access_point)


@pytest.mark.parametrize(
    ("argv", "given", "expected"),
    [
        (["echo", "a  'b' \"c\" $HOME *"], None, (0, "a  'b' \"c\" $HOME *\n", "")),
        (["cat"], "grüß\n".encode(), (0, "grüß\n", "")),
        (["cat"], None, (0, "", "")),  # nobody types
        (["sh", "-c", "echo out; echo err >&2; exit 3"], None, (3, "out\n", "err\n")),
        (["id", "-un"], None, (0, "debian\n", "")),
    ],
)
def test_run(
    argv: list[str], given: bytes | None, expected: tuple[int, str, str], access_point: SshAccessPoint
) -> None:
    done = access_point.run(argv, input=given)
    assert (done.exit_code, done.stdout, done.stderr) == expected


def test_a_later_command_needs_no_new_connection(access_point: SshAccessPoint) -> None:
    def peer() -> str:
        return access_point.run(["sh", "-c", "echo $SSH_CONNECTION"]).stdout

    assert peer() == peer() != ""


def test_a_command_that_takes_too_long(access_point: SshAccessPoint) -> None:
    with pytest.raises(WaitTimeoutError, match=r"sleep 60.* within 0.5 s"):
        access_point.run(["sleep", "60"], timeout_s=0.5)


NAMES = ["plain", "two words", "ümläut ☃", "-dash", "quote'\"s", "$HOME `id` *", "back\\slash", "new\nline"]


def test_files_of_any_name_there_and_back(access_point: SshAccessPoint, tmp_path: Path) -> None:
    here = tmp_path / "here"
    for name in NAMES:
        (here / name).mkdir(parents=True)
        (here / name / name).write_bytes(name.encode() * 1000)
    program = here / "program"
    program.write_text("#!/bin/sh\necho it-runs\n")
    program.chmod(0o700)
    (here / "link").symlink_to(program)
    access_point.put({"there/deep er": here, "/tmp/abso lute": program})
    assert access_point.run(["/tmp/abso lute"]).stdout == "it-runs\n"
    access_point.get("there/deep er", tmp_path / "back")
    assert _content(tmp_path / "back") == _content(here)
    assert (tmp_path / "back" / "program").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "back" / "plain" / "plain").stat().st_mode & 0o777 == 0o644
    access_point.get("/tmp/abso lute", tmp_path / "one")
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["abso lute"]


def _content(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_files_that_are_not_there(access_point: SshAccessPoint, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no such file"):
        access_point.put({"sent": tmp_path / "nothing"})
    with pytest.raises(RoostError, match=r"nothing.*No such file"):
        access_point.get("nothing", tmp_path / "back")
    (tmp_path / "file").write_text("x")
    with pytest.raises(RoostError, match=r"exit code 2\): tar: /proc/new"):
        access_point.put({"/proc/new": tmp_path / "file"})


def test_a_followed_stream_comes_as_it_is_written_and_ends_with_its_reader(access_point: SshAccessPoint) -> None:
    lines = access_point.lines(["sh", "-c", "echo first; sleep 0.2; echo second; exec sleep 4711"])
    assert [next(lines), next(lines)] == ["first", "second"]
    until(lambda: access_point.run(["pgrep", "-fx", "sleep 4711"]).exit_code == 0, "the program to go on")
    lines.close()
    until(lambda: access_point.run(["pgrep", "-fx", "sleep 4711"]).exit_code == 1, "the program to end", timeout_s=5)


def test_a_stream_that_ends(access_point: SshAccessPoint) -> None:
    assert list(access_point.lines(["printf", "a\\nb"])) == ["a", "b"]
    failing = access_point.lines(["sh", "-c", "echo a; echo why >&2; exit 4"])
    assert next(failing) == "a"
    with pytest.raises(RoostError, match=r"exit code 4\): why"):
        next(failing)


def test_nobody_answers(pool: RealPool, access_point: SshAccessPoint) -> None:
    assert access_point.run(["true"]).exit_code == 0
    began = time.monotonic()
    with SshAccessPoint(_target(pool, port=2222)) as other, pytest.raises(WaitTimeoutError) as caught:
        other.wait_until_reachable(2)
    assert time.monotonic() - began < 15
    assert pool.access_point in caught.value.message
    assert "roost logs" in caught.value.hint


def test_another_machine_under_the_same_name_is_refused(
    pool: RealPool, access_point: SshAccessPoint, tmp_path: Path
) -> None:
    access_point.run(["true"])
    stranger = tmp_path / "stranger"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)], check=True)
    algorithm, public_key, *_ = stranger.with_suffix(".pub").read_text().split()
    known_hosts = tmp_path / "known"
    known_hosts.write_text(f"{pool.access_point} {algorithm} {public_key}\n")
    changed = pytest.raises(CloudError, match="REMOTE HOST IDENTIFICATION HAS CHANGED")
    with SshAccessPoint(_target(pool, known_hosts=known_hosts)) as other, changed:
        other.wait_until_reachable(30)


def test_jobs(condor: Condor, access_point: SshAccessPoint) -> None:
    access_point.run(["mkdir", "-p", "a job"])
    cluster = condor.submit("executable = /bin/sleep\narguments = 9\nhold = true\nqueue 2\n", directory="a job")
    jobs = condor.jobs(cluster)
    assert [(job.id, job.status) for job in jobs] == [(f"{cluster}.{n}", JobStatus.HELD) for n in (0, 1)]
    assert {job.hold_reason for job in condor.held()} == {"submitted on hold at user's request"}
    assert [instance_of(job, condor.slots()) for job in jobs] == [None, None]
    condor.remove(cluster)
    assert condor.jobs(cluster) == []
    with pytest.raises(NotFoundError):
        condor.remove(cluster + 1000)
    with pytest.raises(UsageError):
        condor.submit("executable = /bin/sleep\n")


def test_an_instance_is_verified_from_the_moment_it_is_launched(
    pool: RealPool, condor: Condor, access_point: SshAccessPoint
) -> None:
    worker = pool.start_execution_point()
    past = condor.ended()
    began = time.monotonic()
    told = list(verification(access_point, [worker], timeout_s=120))
    assert [(check.instance_id, check.question, check.verdict) for check in told] == [
        (worker, question, Verdict.YES) for question in Question
    ]
    assert time.monotonic() - began < 100  # it ends when all is known
    assert condor.jobs() == []
    assert condor.ended() == past  # nobody's work


def test_one_instance_works_and_another_is_not_there(condor: Condor, access_point: SshAccessPoint) -> None:
    worker = next(slot.instance_id for slot in condor.slots() if slot.is_partitionable)
    told = list(verification(access_point, [worker, "i-absent"], timeout_s=6))
    assert {(check.instance_id, check.verdict) for check in told} == {(worker, Verdict.YES), ("i-absent", Verdict.NO)}
    assert len(told) == 8
    assert condor.jobs() == []
    assert access_point.run(["sh", "-c", "ls -d .roost-verify-* 2>/dev/null"]).stdout == ""


def test_a_console_becomes_a_row_of_the_boot_timeline(pool: RealPool, condor: Condor) -> None:
    worker = next(slot.instance_id for slot in condor.slots() if slot.is_partitionable)
    launched_at_s = pool.described(worker)["LaunchTime"].timestamp()
    asked = Moments(instance_id=worker, role="execution-point").at(Milestone.REQUESTED, launched_at_s)
    console = pool.ec2.get_console_output(InstanceId=worker)["Output"]
    known = with_noted(asked, noted_on_console(console), system_started_at_s=launched_at_s)
    assert list(known.at_s) == [Milestone.REQUESTED, Milestone.BOOTED, Milestone.CONDOR_STARTED, Milestone.JOINED]
    seconds = list(known.at_s.values())
    assert seconds == sorted(seconds)
    assert seconds[-1] - seconds[0] < 100
