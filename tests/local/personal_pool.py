"""A personal HTCondor pool in one container: central manager, schedd and startd, on an address of its own alone.

It stands in for an access point with one execution point where only DAGs and jobs are tested, in seconds.
"""

import json
import os
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pytest

RUNS = PurePosixPath("/srv/runs")  # DAGMan refuses to keep its log below /tmp
INSTANCE_ID = "i-0123456789abcdef0"
_CONFIG = f"""\
use ROLE:Personal
use FEATURE:PartitionableSlot
CONDOR_HOST = 127.0.0.1
NETWORK_INTERFACE = 127.0.0.1
NUM_CPUS = 4
MEMORY = 4096
START = True
RoostInstanceId = "{INSTANCE_ID}"
STARTD_ATTRS = $(STARTD_ATTRS) RoostInstanceId
NEGOTIATOR_INTERVAL = 1
NEGOTIATOR_MIN_INTERVAL = 1
NEGOTIATOR_CYCLE_DELAY = 1
SCHEDD_INTERVAL = 2
SCHEDD_MIN_INTERVAL = 1
PERIODIC_EXPR_INTERVAL = 2
"""
# What systemd would do, without systemd: run-time directories, the submitting user, condor_master.
_START = f"""\
id debian >/dev/null 2>&1 || useradd --create-home --shell /bin/bash debian
install -d -o condor -g condor /run/condor /run/lock/condor
cat > /etc/condor/config.d/50-personal-pool.config <<'END'
{_CONFIG}END
exec condor_master -f
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonalPool:
    container: str

    def run(self, *argv: str, timeout_s: float = 60) -> str:
        """A command's standard output, as the submitting user."""
        return _podman("exec", "--user", "debian", self.container, *argv, timeout_s=timeout_s)

    def put(self, local: Path, remote: str) -> None:
        """The contents of a directory, owned by the submitting user."""
        _podman("exec", self.container, "mkdir", "-p", remote)
        _podman("cp", f"{local}/.", f"{self.container}:{remote}")
        _podman("exec", self.container, "chown", "-R", "debian:debian", remote)

    def own_runs(self) -> None:
        """What was written there from outside becomes the submitting user's."""
        _podman("exec", self.container, "chown", "-R", "debian:debian", str(RUNS))

    def kill(self, program: str) -> None:
        """All processes of that name in the pool's container, without a word; there may be none."""
        _start("exec", self.container, "pkill", "-KILL", "-x", program, timeout_s=60)

    @property
    def pid(self) -> int:
        """Of its first process, on this machine."""
        return int(_podman("inspect", "--format", "{{.State.Pid}}", self.container))

    def read(self, remote: str) -> str:
        """A file's text; empty while it is not there."""
        return self.run("sh", "-c", 'cat "$1" 2>/dev/null || true', "sh", remote)


@pytest.fixture(scope="session")
def personal_pool(request: pytest.FixtureRequest) -> Iterator[PersonalPool]:
    with started(request) as pool:
        yield pool


@contextmanager
def started(request: pytest.FixtureRequest, *, runs: Path | None = None) -> Iterator[PersonalPool]:
    """A pool that goes with the context; a directory of this machine is RUNS there."""
    image = os.environ.get("ROOST_TEST_IMAGE") or os.environ.get("ROOST_DEV_IMAGE") or _service_image(request)
    name = f"roost-personal-pool-{uuid.uuid4().hex[:8]}"
    # crun refuses the hybrid cgroup hierarchy of older distributions.
    runtime = ["--runtime", "runc"] if Path("/sys/fs/cgroup/unified").is_dir() else []
    limits = ["--ulimit", "nofile=1024:20000", "--ulimit", "nproc=4096:4096"]
    volumes = ["--volume", f"{runs}:{RUNS}"] if runs else []
    try:
        # Its name has to resolve, or each daemon tries for a minute; podman 5 leaves it out where there is no network.
        known_by = ["--name", name, "--hostname", "personal-pool", "--add-host", "personal-pool:127.0.0.1"]
        alone = ["--network", "none", *volumes]
        _podman(*runtime, "run", "--detach", *limits, *known_by, *alone, image, "sh", "-c", _START)
        pool = PersonalPool(container=name)
        _wait_for_slot(pool)
        yield pool
    finally:
        _remove(name)


def _remove(name: str) -> None:
    """podman gives up on a container that ends by itself at that moment; the next time it is gone."""
    for _ in range(5):
        done = _start("rm", "--force", "--ignore", "--time", "1", name, timeout_s=120)
        if done.returncode == 0:
            return
        time.sleep(1)
    raise AssertionError(f"podman cannot remove {name}: {done.stderr}")


def _service_image(request: pytest.FixtureRequest) -> str:
    """The tests' image, by podman's name for it."""
    service = request.getfixturevalue("localec2_service")
    images = json.loads(service.run("image", "ls", "--json"))
    return str(next(image["engine_ref"] for image in images if image["image_id"] == service.image_id))


def _wait_for_slot(pool: PersonalPool) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = _start("exec", pool.container, "condor_status", "-af", "Name", timeout_s=30)
        if done.returncode == 0 and done.stdout.strip():
            return
        time.sleep(0.3)
    raise TimeoutError(f"no slot after a minute: {_start('logs', pool.container, timeout_s=30)}")


def _podman(*arguments: str, timeout_s: float = 120) -> str:
    done = _start(*arguments, timeout_s=timeout_s)
    assert done.returncode == 0, f"podman {' '.join(arguments)[:200]}: {done.stderr}"
    return done.stdout


def _start(*arguments: str, timeout_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["podman", *arguments], capture_output=True, text=True, check=False, timeout=timeout_s)
