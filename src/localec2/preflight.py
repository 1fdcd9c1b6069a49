"""shell (programs, /proc): does this machine have what instances need? Sentences, each with its verdict and remedy."""

import os
import pwd
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localec2 import devices, rootless
from localec2.failures import Localec2Error
from localec2.process import attempt

PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "ip": "iproute2",
    "nft": "nftables",
    "mmdebstrap": "mmdebstrap",
    "newuidmap": "uidmap",
}
MIN_PODMAN = 4
# systemd holds a handful of inotify instances per container; the kernel's default of 128 is enough for about 25.
MIN_INOTIFY_INSTANCES = 1024
_INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
_HYBRID = Path("/sys/fs/cgroup/unified")


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    is_ok: bool
    sentence: str
    remedy: str = ""
    is_required: bool = True
    program: str | None = None  # what is to be installed, where that is the remedy


def checks() -> Iterator[Check]:
    needed = ["podman", "ip", "nft", *(["runc"] if _HYBRID.is_dir() else [])]
    if rootless.is_needed():
        needed.append("newuidmap")
    for program in needed:
        yield _installed(program)
    yield Check(
        is_ok=_find("mmdebstrap") is not None,
        sentence="mmdebstrap, which builds images, is installed",
        remedy=install_command(["mmdebstrap"]),
        is_required=False,
    )
    if _find("podman") is not None:
        yield _podman_version()
    if os.geteuid() == 0 and _find("podman") is not None:
        yield _storage_driver()
    yield _control_groups()
    if rootless.is_needed():
        yield _subordinate_ids()
        yield _own_cgroup()
        yield _way_out()
    yield from map(_device, devices.DEVICES)
    yield _inotify()
    if os.geteuid() == 0 and not rootless.is_inside() and _find("nft") is not None:
        yield _forwarding()


def require() -> None:
    """Raises `Localec2Error` that names every thing that is missing, with its remedy."""
    failed = [check for check in checks() if check.is_required and not check.is_ok]
    if not failed:
        return
    absent = [check.program for check in failed if check.program is not None]
    remedies = [f"Type {install_command(absent)}."] if absent else []
    remedies += [check.remedy for check in failed if check.program is None]
    raise Localec2Error(
        "EC2 on this machine cannot start; not true here: " + "; ".join(check.sentence for check in failed),
        " ".join(remedies),
    )


def raise_inotify_limit() -> str | None:
    """As root, make room for 40 instances and more; the sentence says so. None when nothing was to do."""
    if os.geteuid() != 0 or _limit() >= MIN_INOTIFY_INSTANCES:
        return None
    before = _limit()
    try:
        _INOTIFY.write_text(str(MIN_INOTIFY_INSTANCES * 4))
    except OSError:
        return None
    return f"raised fs.inotify.max_user_instances from {before} to {MIN_INOTIFY_INSTANCES * 4} until the next reboot"


def install_command(programs: list[str]) -> str:
    """What to type for programs that are absent."""
    return f"`apt-get install --yes --no-install-recommends {' '.join(PACKAGES[program] for program in programs)}`"


def _subordinate_ids() -> Check:
    """Instances have users of their own, which are nobody else on this machine."""
    user = pwd.getpwuid(os.getuid()).pw_name
    has = all(_has_range(Path(file), user) for file in ("/etc/subuid", "/etc/subgid"))
    return Check(
        is_ok=has,
        sentence=f"{user} has subordinate user ids",
        remedy=f"As root: `usermod --add-subuids 100000-165535 --add-subgids 100000-165535 {user}` (a range that"
        " nobody has in /etc/subuid), or run it as root.",
    )


def _has_range(file: Path, user: str) -> bool:
    try:
        lines = file.read_text().splitlines()
    except OSError:
        return False
    return any(line.split(":")[0] in (user, str(os.getuid())) for line in lines)


def _own_cgroup() -> Check:
    """systemd in an instance wants a cgroup; a systemd user session gives one, a mixed v1 and v2 layout does not."""
    own = rootless.cgroup_of(os.getpid())
    user = pwd.getpwuid(os.getuid()).pw_name
    new = f"/sys/fs/cgroup/unified/localec2-{user}"
    return Check(
        is_ok=os.access(own, os.W_OK) and os.access(own / "cgroup.procs", os.W_OK),
        sentence=f"a plain user may make control groups (here in {own})",
        remedy=f"As root: `mkdir -p {new} && chown {user} {new} {new}/cgroup.procs {new}/cgroup.subtree_control && echo"
        f" PID > {new}/cgroup.procs`, where PID is that of your shell (`echo $$`); it lasts until the next reboot. Or"
        " run it as root."
        if _HYBRID.is_dir()
        else "Start it in a scope of your own: `systemd-run --user --scope --property=Delegate=yes localec2 start`; or"
        " run it as root.",
    )


def _way_out() -> Check:
    return Check(
        is_ok=rootless.reaches_outside(),
        sentence="instances of a plain user reach the outside through slirp4netns",
        remedy="Install slirp4netns, and as root: `chmod 0666 /dev/net/tun`. Without, they reach each other only.",
        is_required=False,
    )


def _installed(program: str) -> Check:
    return Check(
        is_ok=_find(program) is not None,
        sentence=f"{program} is installed",
        remedy=f"Type {install_command([program])}.",
        program=program,
    )


def _podman_version() -> Check:
    said = attempt(["podman", "--version"]).stdout
    found = re.search(r"(\d+)\.\d+", said)
    return Check(
        is_ok=found is not None and int(found[1]) >= MIN_PODMAN,
        sentence=f"podman is version {MIN_PODMAN} or newer (here: {said.strip() or 'unknown'})",
        remedy="Use a distribution with podman 4 or newer: Debian 12, Ubuntu 23.04, Fedora 36.",
    )


def _storage_driver() -> Check:
    driver = attempt(["podman", "info", "--format", "{{.Store.GraphDriverName}}"]).stdout.strip()
    return Check(
        is_ok=driver != "vfs",
        sentence=f"podman's storage driver shares layers (here: {driver or 'unknown'})",
        remedy='Put `[storage]\\ndriver = "overlay"` into /etc/containers/storage.conf; with vfs every instance copies'
        " its whole image.",
        is_required=False,
    )


def _control_groups() -> Check:
    is_usable = _HYBRID.is_dir() or Path("/sys/fs/cgroup/cgroup.controllers").is_file()
    return Check(
        is_ok=is_usable,
        sentence="the cgroup v2 hierarchy is mounted",
        remedy="Boot with `systemd.unified_cgroup_hierarchy=1`, or mount cgroup2 on /sys/fs/cgroup/unified.",
    )


def _device(device: devices.Device) -> Check:
    obstacle = device.obstacle(is_plain_user=rootless.is_needed(), has_device=device.path.exists())
    return Check(
        is_ok=obstacle is None,
        sentence=f"instances of images that are tagged {device.tag}=yes can {device.use} ({device.path})",
        remedy=obstacle or "",
        is_required=False,
    )


def _inotify() -> Check:
    return Check(
        is_ok=_limit() >= MIN_INOTIFY_INSTANCES or os.geteuid() == 0,
        sentence=f"there is room for 40 instances' inotify watches (fs.inotify.max_user_instances is {_limit()}"
        + ("; start raises it)" if _limit() < MIN_INOTIFY_INSTANCES and os.geteuid() == 0 else ")"),
        remedy=f"As root: `sysctl fs.inotify.max_user_instances={MIN_INOTIFY_INSTANCES * 4}`.",
        is_required=False,
    )


def _forwarding() -> Check:
    """Docker, firewalld and ufw drop what this machine would forward for others."""
    found = attempt(["nft", "list", "chain", "ip", "filter", "FORWARD"])
    return Check(
        is_ok="policy drop" not in found.stdout,
        sentence="this machine's firewall lets instances reach the outside (chain FORWARD)",
        remedy="For the service of slot 0: `iptables -I FORWARD -i lec0-host -j ACCEPT` and"
        " `iptables -I FORWARD -o lec0-host -j ACCEPT`. Instances reach each other and this machine without.",
        is_required=False,
    )


def _limit() -> int:
    try:
        return int(_INOTIFY.read_text())
    except OSError:
        return MIN_INOTIFY_INSTANCES


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")
