"""The command line of the service: what is wrong is said in a sentence, and what was interrupted leaves nothing."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from own_service import Localec2Service, localec2

from localec2 import slots

pytestmark = pytest.mark.local

SOURCE = Path(__file__).parents[2] / "src"


def command(
    *arguments: str, env: Mapping[str, str] | None = None, timeout_s: float = 120
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "localec2", *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout_s,
    )


def test_start_again_finds_what_runs(localec2_service: Localec2Service) -> None:
    again = command("start", "--state-dir", str(localec2_service.state_dir))
    assert (again.returncode, again.stdout.strip()) == (0, localec2_service.endpoint_url)
    assert "already running" in again.stderr


@pytest.mark.parametrize("other", [("--port", "1"), ("--region", "eu-west-1")])
def test_start_again_otherwise_says_what_runs(other: tuple[str, str], localec2_service: Localec2Service) -> None:
    again = command("start", "--state-dir", str(localec2_service.state_dir), *other)
    assert again.returncode == 1
    assert other[1] in again.stderr
    assert "localec2 stop" in again.stderr


def test_the_environment_for_other_clients(localec2_service: Localec2Service) -> None:
    assert f"export AWS_ENDPOINT_URL={localec2_service.endpoint_url}" in localec2_service.run("env").splitlines()


def test_an_image_is_built_once_and_its_executables_are_known(localec2_service: Localec2Service) -> None:
    paths = localec2_service.run("image", "executables", localec2_service.image_name).splitlines()
    assert {"/usr/bin/bwa", "/bin/sh", "/usr/sbin/condor_master"} <= set(paths)
    images = json.loads(localec2_service.run("image", "ls", "--json"))
    assert [image["name"] for image in images if image["image_id"] == localec2_service.image_id] == ["roost-tests"]


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = command("start", "--state-dir", str(tmp_path), "--port", str(port))
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "--port" in done.stderr
    assert "Traceback" not in done.stderr
    assert json.loads(localec2("status", "--json", "--state-dir", str(tmp_path)))["slot"] is None


def test_without_podman_the_remedy_is_a_command_to_type(tmp_path: Path) -> None:
    done = command("start", "--state-dir", str(tmp_path / "s"), env={"PATH": str(tmp_path)})
    assert done.returncode == 1
    assert "podman is installed" in done.stderr
    assert "apt-get install --yes --no-install-recommends podman" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("verb", ["env", "image"])
def test_without_a_service_the_next_step_is_start(verb: str, tmp_path: Path) -> None:
    done = command(*([verb, "ls"] if verb == "image" else [verb]), "--state-dir", str(tmp_path))
    assert (done.returncode, "localec2 start" in done.stderr) == (3, True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(tmp_path)], check=True)
    try:
        yield tmp_path
    finally:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=False)


def test_a_full_disk_is_said_with_what_is_needed_and_where(small_disk: Path, localec2_service: Localec2Service) -> None:
    done = build("a-full-disk", localec2_service, small_disk)
    assert done.returncode == 1
    assert "needs 2500 MiB" in done.stderr
    assert str(small_disk) in done.stderr
    assert "XDG_CACHE_HOME" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGINT])
def test_an_interrupted_build_leaves_no_half_image(
    signal_number: int, tmp_path: Path, localec2_service: Localec2Service
) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "localec2", *build_arguments("jq", localec2_service)],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "XDG_CACHE_HOME": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert child.stderr is not None
    for line in child.stderr:
        if "installing remaining" in line:
            break
    assert processes_of(tmp_path)
    child.send_signal(signal_number)
    child.wait()
    cache = tmp_path / "localec2"
    assert not [*cache.glob("*.tar"), *cache.glob("*.executables")]
    deadline = time.monotonic() + 30
    while processes_of(tmp_path):
        assert time.monotonic() < deadline, "the build goes on"
        time.sleep(0.2)
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_a_package_that_does_not_exist_is_said(tmp_path: Path, localec2_service: Localec2Service) -> None:
    done = build("no-such-package", localec2_service, tmp_path)
    assert done.returncode == 1
    assert "no-such-package" in done.stderr
    assert "Traceback" not in done.stderr


_CLAIM = """\
import sys, time
from pathlib import Path
from localec2 import slots
while time.time() < float(sys.argv[2]):
    pass
print(slots.claim(Path(sys.argv[1]), port=4711, region=None).config.slot)
"""


def test_services_that_start_together_take_different_slots(tmp_path: Path) -> None:
    """Claims alone: nothing is started, and the slots are given back."""
    directories = [tmp_path / str(number) for number in range(4)]
    for directory in directories:
        directory.mkdir()
    at = str(time.time() + 2)
    claiming = [
        subprocess.Popen(
            [sys.executable, "-c", _CLAIM, str(directory), at],
            env={**os.environ, "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for directory in directories
    ]
    try:
        taken = [process.communicate(timeout=60)[0].strip() for process in claiming]
        assert len(set(taken)) == len(directories)
        held = [slots.existing(directory) for directory in directories]
        assert [str(config.slot) if config else "" for config in held] == taken
    finally:
        for config in filter(None, map(slots.existing, directories)):
            slots.release(config)


def processes_of(directory: Path) -> list[int]:
    """Processes that have this directory in their command line."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str(directory) in (process / "cmdline").read_text():
                found.append(int(process.name))
        except OSError:
            continue
    return found


def build(package: str, service: Localec2Service, cache: Path) -> "subprocess.CompletedProcess[str]":
    return command(*build_arguments(package, service), env={"XDG_CACHE_HOME": str(cache)})


def build_arguments(package: str, service: Localec2Service) -> list[str]:
    name = ["--name", package, "--description", "never finished"]
    return ["image", "build", *name, "--package", package, "--state-dir", str(service.state_dir)]
