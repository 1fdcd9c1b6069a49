"""shell (podman): instances as system containers.

Create, start, stop, remove, commit and ask: nothing else in localec2 knows podman. Containers carry the slot and the
instance's id as labels, and are found again by them.
"""

import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from localec2 import devices
from localec2.ailments import PANIC, Ill, clock_files, disk
from localec2.config import Config
from localec2.failures import Localec2Error
from localec2.guest import CLOUD_CONFIG, CLOUD_CONFIG_PATH, DATASOURCE, DATASOURCE_DIR
from localec2.model import Image, Instance
from localec2.process import attempt, run
from localec2.rootless import cgroup_of, holder, is_inside

LABEL_SLOT = "localec2.slot"
LABEL_INSTANCE = "localec2.instance"
COMMITTED = "localhost/localec2-ami"  # what CreateImage makes; the images that `rootfs` builds are shared by services
CONSOLE_BYTES = 65536  # what GetConsoleOutput keeps
# Says its last words and answers nothing, the engine's wish that it stop included.
_PANICS = f"printf '%s\\r\\n' '[    1.5] {PANIC}' > /dev/console; while :; do sleep 3600; done"
_LIBRARIES = "*/faketime/libfaketimeMT.so.1"
# A machine whose package lists were never fetched knows no package.
_FETCH_LIBRARY = """\
cd "$0" && { apt-get download -q libfaketime || { apt-get update -q && apt-get download -q libfaketime; }; } &&
dpkg-deb -x libfaketime_*.deb .
"""
_CLOCK_LIBRARY = "/usr/local/lib/libfaketimeMT.so.1"
_HYBRID_CGROUP = Path("/sys/fs/cgroup/unified")


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    instance_id: str
    is_running: bool
    pid: int
    exit_code: int


class Engine:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._runtime, self._flags = _system_flags(is_hybrid=_HYBRID_CGROUP.is_dir())
        # There podman gives a plain user's containers no cgroup (nor limits), and systemd needs one that it may write.
        self._has_own_cgroups = is_inside() and _HYBRID_CGROUP.is_dir()

    def prepare(self) -> None:
        """Write what every instance sees read-only."""
        datasource_dir = self._config.guest_dir / "datasource"
        datasource_dir.mkdir(parents=True, exist_ok=True)
        (datasource_dir / "__init__.py").write_text("")
        (datasource_dir / "DataSourceEc2.py").write_text(DATASOURCE)
        (self._config.guest_dir / "cloud.cfg").write_text(CLOUD_CONFIG)

    def create(self, instance: Instance, image: Image) -> None:
        name = self._config.container(instance.id)
        guest = self._config.guest_dir
        self._podman(
            *("create", "--pull", "never"),
            *("--name", name, "--label", f"{LABEL_SLOT}={self._config.slot}"),
            *("--label", f"{LABEL_INSTANCE}={instance.id}"),
            *("--hostname", instance.private_dns_name.split(".")[0]),
            *("--network", f"ns:/run/netns/{self._config.namespace(instance.id)}"),
            *("--no-hosts", "--dns", self._config.dns_ip, "--dns-search", _domain(instance)),
            *("--systemd=always", "--tty", "--log-driver", "k8s-file", "--log-opt", "max-size=1mb"),
            # systemd makes the machine's identity of it; without SYS_BOOT a guest cannot say poweroff from reboot.
            *("--env", f"container_uuid={_machine_uuid(instance.id)}"),
            *("--cap-add", "SYS_BOOT", "--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW"),
            *("--volume", f"{guest}/cloud.cfg:{CLOUD_CONFIG_PATH}:ro"),
            *("--volume", f"{guest}/datasource:{DATASOURCE_DIR}:ro"),
            *devices.flags(image),
            *self._flags,
            *self._limits(instance),
            *self._disks(instance),
            image.engine_ref,
            *(("/bin/sh", "-c", _PANICS) if _has(instance, Ill.NO_BOOT) else ("/sbin/init",)),
        )
        if instance.ailments:
            self._afflict(name, instance)
        if image.source_instance_id is not None:
            self._blank_machine_id(name)

    def start(self, instance_id: str) -> int:
        """Its PID 1."""
        run([*self._in_own_cgroup(instance_id), *self._argv("start", self._config.container(instance_id))])
        found = self.inspect(instance_id)
        if found is None:
            raise Localec2Error(f"the container of {instance_id} vanished while it started")
        return found.pid

    def stop(self, instance_id: str, *, timeout_s: int) -> None:
        """An orderly shutdown; after `timeout_s` the power goes."""
        attempt(self._argv("stop", "--time", str(timeout_s), self._config.container(instance_id)))

    def remove(self, instance_id: str) -> None:
        if attempt(self._argv("rm", "--force", "--time", "0", self._config.container(instance_id))).returncode != 0:
            self._podman("rm", "--force", "--ignore", "--time", "0", self._config.container(instance_id))
        if self._has_own_cgroups:
            _remove_cgroup(self._cgroup(instance_id))

    def commit(self, instance_id: str, image_id: str) -> str:
        """The instance's disk as an image; returns its reference."""
        reference = f"{COMMITTED}:{self._config.prefix}-{image_id}"
        self._podman("commit", "--quiet", self._config.container(instance_id), reference)
        return reference

    def remove_image(self, reference: str) -> bool:
        """False while a container still needs it."""
        return not image_exists(reference) or attempt(self._argv("rmi", reference)).returncode == 0

    def inspect(self, instance_id: str) -> Container | None:
        """None when there is no such container."""
        done = attempt(self._argv("container", "inspect", self._config.container(instance_id)))
        if done.returncode != 0:
            return None
        return _container(json.loads(done.stdout)[0], instance_id)

    def exit_code(self, instance_id: str) -> int | None:
        """How PID 1 ended; waits for the engine to have noticed. None when there is no such container."""
        done = attempt(self._argv("wait", self._config.container(instance_id)), timeout_s=60)
        return int(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.strip() else None

    def console(self, instance_id: str) -> str:
        """The end of what PID 1 and the kernel's place-holder wrote on the console; empty when there is none."""
        done = attempt(self._argv("logs", self._config.container(instance_id)), timeout_s=20)
        return (done.stdout + done.stderr)[-CONSOLE_BYTES:] if done.returncode == 0 else ""

    def instance_ids(self) -> set[str]:
        """Every instance of this slot that has a container."""
        label = f"label={LABEL_SLOT}={self._config.slot}"
        out = self._podman("ps", "--all", "--filter", label, "--format", "{{.Names}}")
        return {name.removeprefix(f"{self._config.prefix}-") for name in out.split()}

    def _limits(self, instance: Instance) -> list[str]:
        if self._has_own_cgroups:
            return []
        return _limits(instance, host_cpus=os.cpu_count() or 1, host_memory_mib=_host_memory_mib())

    def _cgroup(self, instance_id: str) -> Path:
        """Beside the holder, which stays where the first start put it."""
        return cgroup_of(holder(self._config.state_dir) or os.getpid()) / self._config.container(instance_id)

    def _in_own_cgroup(self, instance_id: str) -> list[str]:
        """What a command line starts with to run in the instance's cgroup."""
        if not self._has_own_cgroups:
            return []
        directory = self._cgroup(instance_id)
        directory.mkdir(exist_ok=True)
        return ["sh", "-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', str(directory)]

    def _blank_machine_id(self, container: str) -> None:
        root = Path(self._podman("mount", container).strip())
        try:
            (root / "etc/machine-id").write_text("")
        finally:
            self._podman("umount", container)

    def _disks(self, instance: Instance) -> list[str]:
        small = [disk(each.value) for each in instance.ailments if each.kind is Ill.SMALL_DISK]
        return [word for path, mib in small for word in ("--tmpfs", f"{path}:rw,size={mib}m,mode=1777")]

    def _afflict(self, container: str, instance: Instance) -> None:
        """Make its ailments true on its disk, before it starts."""
        root = Path(self._podman("mount", container).strip())
        try:
            for each in instance.ailments:
                match each.kind:
                    case Ill.MASKED_UNIT:
                        _link(root / "etc/systemd/system" / Path(each.value).name, "/dev/null")
                    case Ill.CLOCK:
                        shutil.copyfile(clock_library(self._config.guest_dir), root / _CLOCK_LIBRARY.lstrip("/"))
                        for path, text in clock_files(each.value, _CLOCK_LIBRARY).items():
                            (root / path).parent.mkdir(parents=True, exist_ok=True)
                            (root / path).write_text(text)
        finally:
            self._podman("umount", container)

    def _podman(self, *arguments: str) -> str:
        return run(self._argv(*arguments))

    def _argv(self, *arguments: str) -> list[str]:
        return ["podman", *self._runtime, *arguments]


def clock_library(cache: Path) -> Path:
    """libfaketime of this machine, or Debian's, fetched once. Raises `Localec2Error` where neither is to be had."""
    work = cache / "clock"
    there = next(iter([*Path("/usr/lib").glob(_LIBRARIES), *(work / "usr/lib").glob(_LIBRARIES)]), None)
    if there is None:
        work.mkdir(parents=True, exist_ok=True)
        run(["sh", "-c", _FETCH_LIBRARY, str(work)])
        there = next((work / "usr/lib").glob(_LIBRARIES), None)
    if there is None:
        raise Localec2Error("a wrong clock needs libfaketime", "Type `apt-get install libfaketime`.")
    return there


def _link(place: Path, target: str) -> None:
    place.unlink(missing_ok=True)
    place.symlink_to(target)


def _has(instance: Instance, kind: Ill) -> bool:
    return any(each.kind is kind for each in instance.ailments)


def import_image(tarball: Path, reference: str) -> None:
    run(["podman", "import", "--quiet", str(tarball), reference], timeout_s=900)


def run_once(reference: str, argv: Sequence[str]) -> int:
    """A command on an image, in a container that is gone afterwards; its exit code. What it prints is ours."""
    runtime, flags = _system_flags(is_hybrid=_HYBRID_CGROUP.is_dir())
    once = ("run", "--rm", "--interactive", "--pull", "never", "--network", "none", "--entrypoint", argv[0])
    return subprocess.run(["podman", *runtime, *once, *flags, reference, *argv[1:]], check=False).returncode


def image_exists(reference: str) -> bool:
    return attempt(["podman", "image", "exists", reference]).returncode == 0


def _system_flags(*, is_hybrid: bool) -> tuple[list[str], list[str]]:
    """What systemd needs to be PID 1: nothing on cgroup v2; on hybrid cgroups runc and the unified tree."""
    if not is_hybrid:
        return [], []
    return ["--runtime", "runc"], [
        *("--ulimit", "nofile=1024:20000", "--ulimit", "nproc=4096:4096"),
        *("--volume", f"{_HYBRID_CGROUP}:/sys/fs/cgroup:rw"),
    ]


def _remove_cgroup(directory: Path) -> None:
    """With those that the guest's systemd made; its last processes may still be on their way out."""
    deadline = time.monotonic() + 5
    while directory.is_dir() and time.monotonic() < deadline:
        for each in sorted((path for path in directory.rglob("*") if path.is_dir()), reverse=True):
            _remove_empty(each)
        _remove_empty(directory)
        time.sleep(0.05)


def _remove_empty(directory: Path) -> None:
    try:
        directory.rmdir()
    except OSError:
        return


def _limits(instance: Instance, *, host_cpus: int, host_memory_mib: int) -> list[str]:
    """The instance type's size, where this machine has more than that."""
    memory = ["--memory", f"{instance.memory_mib}m"] if 0 < instance.memory_mib < host_memory_mib else []
    cpus = ["--cpus", str(instance.vcpus)] if 0 < instance.vcpus < host_cpus else []
    return [*memory, *cpus]


def _container(described: dict[str, object], instance_id: str) -> Container:
    state = described["State"]
    if not isinstance(state, dict):
        raise Localec2Error(f"podman inspect of {instance_id} has no State")
    return Container(
        instance_id=instance_id,
        is_running=state.get("Status") == "running",
        pid=int(state.get("Pid") or 0),
        exit_code=int(state.get("ExitCode") or 0),
    )


def _machine_uuid(instance_id: str) -> str:
    """The same at every start of the instance, another one for every instance."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"localec2:{instance_id}"))


def _domain(instance: Instance) -> str:
    return instance.private_dns_name.split(".", 1)[1]


def _host_memory_mib() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20
