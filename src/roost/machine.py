"""shell (apt, PATH): the programs of this machine that Roost calls, and how they get here.

In: the commands a verb is about to use. Out: they are on the PATH, or an error with the exact command to type.
Never installs anything without having said so.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from roost.errors import RoostError

# command -> the Debian package that brings it
OPENSSH = {"ssh": "openssh-client", "ssh-keygen": "openssh-client"}
EC2_ON_THIS_MACHINE = {
    "podman": "podman",
    "nft": "nftables",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    **OPENSSH,
}
# Daemons' tools live here, and a plain user's PATH often leaves it out.
_SYSTEM_PATH = "/usr/sbin:/sbin"


def ensure_commands(commands: dict[str, str], say: Callable[[str], None]) -> None:
    """Install the Debian packages of those `commands` that are missing; says the command before it runs it.

    Raises RoostError with the command to type where this user may not, or where apt fails.
    """
    packages = missing_packages(commands)
    if not packages:
        return
    install = [*_as_root(), "apt-get", "install", "--yes", *packages]
    typed = f"{'' if os.geteuid() == 0 else 'sudo '}apt-get install {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        raise RoostError(
            f"this machine lacks {', '.join(packages)} (named as in Debian), and it has no apt-get",
            "install them with this machine's own package tool",
        )
    if os.geteuid() != 0 and not _may_sudo():
        raise RoostError(
            f"this machine lacks the packages {', '.join(packages)}, and only root may install them", typed
        )
    say(f"installing what this machine lacks: {typed}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*_as_root(), "apt-get", "update"], capture_output=True, check=False)
    done = subprocess.run(install, capture_output=True, text=True, env=environment, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RoostError(f"apt-get could not install {', '.join(packages)}: {last}", typed)


def missing_packages(commands: dict[str, str]) -> list[str]:
    path = f"{os.environ.get('PATH', os.defpath)}:{_SYSTEM_PATH}"
    if "podman" in commands:
        commands = {**commands, **_for_podman()}
    return sorted({package for command, package in commands.items() if not shutil.which(command, path=path)})


def _for_podman() -> dict[str, str]:
    """What its package only recommends, or not even that."""
    needed = {}
    if Path("/sys/fs/cgroup/unified").is_dir():
        # crun, podman's usual runtime, refuses the mixed cgroup v1 and v2 layout; runc takes it
        needed["runc"] = "runc"
    if os.geteuid() != 0:
        # a plain user's instances: more than one user in a namespace, and a way out for the network
        needed |= {"newuidmap": "uidmap", "slirp4netns": "slirp4netns"}
    return needed


def _as_root() -> list[str]:
    return [] if os.geteuid() == 0 else ["sudo", "-n"]


def _may_sudo() -> bool:
    if shutil.which("sudo") is None:
        return False
    return subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
