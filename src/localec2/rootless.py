"""shell (podman unshare, nsenter): the namespaces in which a plain user's service is root.

A holder process keeps a user, a mount and a network namespace alive. Inside them the user is root of a "machine" of
their own: links, routes, rules and containers are made there exactly as root makes them on the real one. The service
enters on its own, so that instances survive its end; ssh enters through `localec2 ssh-proxy`. Nobody else sees the
public addresses, and nothing is left when the holder ends.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from localec2.config import Config
from localec2.failures import Localec2Error

HOLDER_TIMEOUT_S = 30.0
UPSTREAM_RESOLVER = "10.0.2.3"  # slirp4netns's
_INSIDE = "LOCALEC2_INSIDE"
_TUN = Path("/dev/net/tun")
_HYBRID = Path("/sys/fs/cgroup/unified")
# The real /run is not ours to write to; the machine's resolver stays where /etc/resolv.conf points to.
_HOLD = """
set -e
mount --rbind /run "$1"
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/netns
if [ -d "$1/systemd/resolve" ]; then
    mkdir -p /run/systemd/resolve
    mount --rbind "$1/systemd/resolve" /run/systemd/resolve
fi
ip link set lo up
echo $$ > "$2.partial"
mv "$2.partial" "$2"
exec sleep infinity
"""


def is_needed() -> bool:
    """This is a plain user, outside."""
    return os.geteuid() != 0


def is_inside() -> bool:
    """This is a plain user, inside: root of their own namespaces only."""
    return _INSIDE in os.environ


def ensure_holder(state_dir: Path) -> int:
    """The process whose namespaces are the service's. Raises `Localec2Error` when they cannot be made."""
    found = holder(state_dir)
    if found is not None:
        return found
    _prepare(state_dir)
    pid_file = state_dir / "holder.pid"
    pid_file.unlink(missing_ok=True)
    ended, held = os.pipe()  # the holder's end closes with it
    with (state_dir / "holder.log").open("wb") as log:
        child = subprocess.Popen(
            [
                *("podman", "unshare", "unshare", "--mount", "--net", "--propagation", "private", "--"),
                *("sh", "-c", _HOLD, "localec2-holder", str(state_dir / "host-run"), str(pid_file)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(state_dir, inside=False),
            start_new_session=True,
            pass_fds=[held],
            cwd="/",
        )
    os.close(held)
    deadline = time.monotonic() + HOLDER_TIMEOUT_S
    while not pid_file.is_file():
        if child.poll() is not None or time.monotonic() > deadline:
            said = (state_dir / "holder.log").read_text(errors="replace").strip()
            raise Localec2Error(
                f"a plain user's namespaces could not be made: {said[-500:] or 'podman unshare said nothing'}",
                "`localec2 check` says what is missing. Does `podman unshare unshare --mount --net true` work?",
            )
        time.sleep(0.05)
    pid = int(pid_file.read_text())
    facts = {"pid": pid, "started_ticks": _started_ticks(pid), "boot_id": _boot_id()}
    (state_dir / "holder.json").write_text(json.dumps(facts))
    _reach_outside(state_dir, pid, ended=ended)
    os.close(ended)
    # Instances of a holder that is lost have lost their network with it: they end as if the machine had.
    run_inside(state_dir, pid, ["podman", "stop", "--all", "--time", "5"], has_network=True)
    return pid


def holder(state_dir: Path) -> int | None:
    """The holder that lives, if any."""
    facts = _facts(state_dir)
    if not facts or facts["boot_id"] != _boot_id():
        return None
    pid = int(facts["pid"])
    return pid if _started_ticks(pid) == facts["started_ticks"] else None


def end_holder(state_dir: Path) -> None:
    """The namespaces go, and what podman kept of them."""
    pid = holder(state_dir)
    if pid is not None:
        os.kill(pid, signal.SIGKILL)
        while holder(state_dir) is not None:
            time.sleep(0.02)
    for pid_file in (state_dir / "run").glob("libpod/tmp/pause.pid"):
        pause = int(pid_file.read_text())
        if _command_of(pause).startswith(("catatonit", "/usr/libexec/podman/catatonit", "podman")):
            os.kill(pause, signal.SIGKILL)
        pid_file.unlink()
    (state_dir / "holder.json").unlink(missing_ok=True)


def entrance(state_dir: Path, pid: int, *, has_network: bool, has_mounts: bool = True) -> list[str]:
    """What a command line starts with to run inside; without the network it keeps the real machine's."""
    return [
        *("nsenter", "--target", str(pid), "--user", *(["--mount"] if has_mounts else [])),
        *(["--net"] if has_network else []),
        *("--preserve-credentials", "--", "env", "--chdir", str(_working_directory())),
        *(f"{name}={value}" for name, value in _settings(state_dir).items()),
    ]


def run_inside(
    state_dir: Path, pid: int, argv: Sequence[str], *, has_network: bool
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*entrance(state_dir, pid, has_network=has_network), *argv],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        env=_environment(state_dir, inside=True),
    )


def go_inside(state_dir: Path, *, has_network: bool = False, has_mounts: bool = True) -> None:
    """This command again, inside; returns only where that is not needed. Raises `Localec2Error` without a service."""
    if not is_needed():
        return
    pid = holder(state_dir)
    if pid is None:
        raise Localec2Error(f"no service has its state in {state_dir}", "`localec2 start` starts one.", exit_code=3)
    command = [sys.executable, "-m", "localec2", *sys.argv[1:]]
    environment = {**_environment(state_dir, inside=True), "LOCALEC2_STATE_DIR": str(state_dir)}
    os.execvpe(
        "nsenter", [*entrance(state_dir, pid, has_network=has_network, has_mounts=has_mounts), *command], environment
    )


def proxy_command(config: Config) -> str | None:
    """OpenSSH's ProxyCommand for the instances; None where they are reached straight on."""
    if not is_needed():
        return None
    command = ["env", f"PYTHONPATH={_module_path()}", sys.executable, "-m", "localec2", "ssh-proxy"]
    words = [*command, "--state-dir", str(config.state_dir)]
    return shlex.join(words).replace("%", "%%") + " %h %p"


def cgroup_of(pid: int) -> Path:
    """A process's directory in the cgroup v2 hierarchy."""
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    return (_HYBRID if _HYBRID.is_dir() else Path("/sys/fs/cgroup")) / path


def reaches_outside() -> bool:
    """Packets of instances leave the machine through slirp4netns, where it may make its device."""
    return shutil.which("slirp4netns") is not None and os.access(_TUN, os.R_OK | os.W_OK)


def _reach_outside(state_dir: Path, pid: int, *, ended: int) -> None:
    """Returns when the way is there; slirp4netns ends when the holder does."""
    if not reaches_outside():
        return
    ready, telling = os.pipe()
    with (state_dir / "slirp4netns.log").open("wb") as log:
        subprocess.Popen(
            [
                *("slirp4netns", "--configure", "--mtu", "1500", "--disable-host-loopback"),
                *("--ready-fd", str(telling), "--exit-fd", str(ended), str(pid), "tap0"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            pass_fds=[telling, ended],
            cwd="/",
        )
    os.close(telling)
    with os.fdopen(ready, "rb") as file:
        if not file.read(1):
            raise Localec2Error(
                f"slirp4netns, the instances' way to the outside, did not start: {state_dir}/slirp4netns.log says why"
            )


def _prepare(state_dir: Path) -> None:
    facts = _facts(state_dir)
    if facts and facts["boot_id"] != _boot_id():
        # podman takes its runtime directory's loss for the sign of a reboot.
        shutil.rmtree(state_dir / "run", ignore_errors=True)
    for name in ("run", "share", "host-run"):
        (state_dir / name).mkdir(exist_ok=True, mode=0o700)
    # podman chooses to copy whole images where overlay is not asked for.
    storage = {"driver": "overlay", "graphroot": f"{state_dir}/share/containers/storage"}
    storage["runroot"] = f"{state_dir}/run/containers"
    lines = [f'{key} = "{value}"' for key, value in storage.items()]
    (state_dir / "storage.conf").write_text("\n".join(["[storage]", *lines, ""]))


def _settings(state_dir: Path) -> dict[str, str]:
    """What podman is told: a storage of our own, and that it is in its namespace already."""
    return {
        "CONTAINERS_STORAGE_CONF": f"{state_dir}/storage.conf",
        "XDG_RUNTIME_DIR": f"{state_dir}/run",
        "XDG_DATA_HOME": f"{state_dir}/share",
        "HOME": str(Path.home()),
        "_CONTAINERS_USERNS_CONFIGURED": "done",
        "_CONTAINERS_ROOTLESS_UID": str(os.getuid()),
        "_CONTAINERS_ROOTLESS_GID": str(os.getgid()),
        _INSIDE: "1",
    }


def _environment(state_dir: Path, *, inside: bool) -> dict[str, str]:
    names = ("CONTAINERS_STORAGE_CONF", "XDG_RUNTIME_DIR", "XDG_DATA_HOME", "HOME")
    settings = _settings(state_dir)
    path = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    chosen = settings if inside else {name: settings[name] for name in names}
    return {**os.environ, **chosen, "PATH": path, "PYTHONPATH": _module_path()}


def _module_path() -> str:
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError:
        return Path("/")


def _facts(state_dir: Path) -> dict[str, str | int]:
    try:
        found: dict[str, str | int] = json.loads((state_dir / "holder.json").read_text())
    except (OSError, ValueError):
        return {}
    return found


def _boot_id() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started_ticks(pid: int) -> int | None:
    """A process's own birth: process ids are used again."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


def _command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ")
    except OSError:
        return ""
