"""shell (programs, /proc): does this machine have what instances need? Sentences, each with its verdict and remedy."""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from localec2.failures import Localec2Error
from localec2.process import attempt

PACKAGES = {
    "podman": "podman",
    "runc": "runc",
    "ip": "iproute2",
    "nft": "nftables",
    "mmdebstrap": "mmdebstrap",
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
    yield _is_root()
    needed = ["podman", "ip", "nft", *(["runc"] if _HYBRID.is_dir() else [])]
    for program in needed:
        yield _installed(program)
    yield Check(
        is_ok=_find("mmdebstrap") is not None,
        sentence="mmdebstrap, which builds images, is installed",
        remedy=install_command(["mmdebstrap"]),
        is_required=False,
    )
    if os.geteuid() == 0 and _find("podman") is not None:
        yield _podman_version()
        yield _storage_driver()
    yield _control_groups()
    yield _inotify()
    if os.geteuid() == 0 and _find("nft") is not None:
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


def _is_root() -> Check:
    return Check(
        is_ok=os.geteuid() == 0,
        sentence="this is root",
        remedy="Instances need network namespaces, routes and control groups of their own, which a plain user may not"
        " make here: run it with sudo (`sudo localec2 start`), or on a machine of its own where you are root.",
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
