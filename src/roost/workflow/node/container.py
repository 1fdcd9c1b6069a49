"""The command that runs a task's program in a container, with what the execution point has: apptainer or podman.

Part of the job wrapper (invoke.py), standard library only. The wrapper stays outside, as PegasusLite does: a container
need not have Python. Both run without privileges, in the job's own account, so that what is written belongs to it.
"""

import fcntl
import os
import shlex
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

INSIDE = {"docker": "/scratch", "singularity": "/srv"}  # the task's directory, as under Pegasus
NONE = "no apptainer, singularity or podman is on this execution point; packages: [podman] in pool.yml, image"
_REGISTRIES = ("docker://", "library://", "shub://", "oras://")


class Command(NamedTuple):
    argv: "list[str]"
    environment: "dict[str, str]"
    end: "list[str]"  # what ends it where its own process was killed; nothing where that is enough


def command(
    program: "list[str]", task: "dict[str, Any]", work: Path, top: Path, environment: "dict[str, str]"
) -> Command:
    """Raises LookupError with a sentence where nothing here can run it."""
    asked = task["container"]
    options, launcher = (shlex.split(task.get(name, "")) for name in ("options", "launcher"))
    inside = INSIDE[asked["kind"]]
    mounts = [f"{work}:{inside}", *asked["mounts"]]
    if work.parent != top:  # jobs share it; what is sent along lies elsewhere
        mounts.append(f"{top}:{top}:ro")
    mounts += [f"{place}:{place}:ro" for place in _linked(task, work, environment)]
    store = _store(top)
    for name in ("apptainer", "singularity"):
        if path := shutil.which(name):
            binds = [word for mount in mounts for word in ("--bind", mount)]
            argv = [*launcher, path, "exec", "--no-home", *binds, "--pwd", inside, *options]
            argv += [_image(asked, top), *program]
            caches = {f"{name.upper()}_{what}": str(store) for what in ("CACHEDIR", "TMPDIR")}
            return Command(argv, {**environment, **caches}, [])
    path = shutil.which("podman")
    if path is None:
        raise LookupError(NONE)
    if asked["image"].startswith(_REGISTRIES[1:]) or (asked["kind"] == "singularity" and not _is_docker(asked)):
        raise LookupError(f"podman cannot run {asked['image']}, and no apptainer or singularity is on this instance")
    own = {
        **environment,
        "HOME": str(store),
        "XDG_RUNTIME_DIR": str(store),
        "_CONTAINERS_USERNS_CONFIGURED": "done",
        "_CONTAINERS_ROOTLESS_UID": str(os.getuid()),
        "_CONTAINERS_ROOTLESS_GID": str(os.getgid()),
        "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
    }
    podman = _podman(path, store, own)
    name = f"roost-{os.getpid()}"
    words = [
        *("run", "--rm", "--interactive", "--quiet", "--name", name, "--log-driver", "none", "--user", "0:0"),
        # The job's account is root inside and nobody else; nothing else is kept apart: HTCondor has done that.
        *("--pid", "host", "--network", "host", "--ipc", "host", "--uts", "host"),
        *(word for mount in mounts for word in ("--volume", mount)),
        *(word for key in asked["env"] if key in environment for word in ("--env", f"{key}={environment[key]}")),
        *("--workdir", inside, *options, "--entrypoint", program[0], _image(asked, top), *program[1:]),
    ]
    return Command([*launcher, *podman, *words], own, [*podman, "rm", "--force", "--time", "0", name])


def _linked(task: "dict[str, Any]", work: Path, environment: "dict[str, str]") -> "list[str]":
    """Where inputs lead that are links: files alone, for what is beside them may hide something of the container's."""
    shared = environment.get("ROOST_SCRATCH", "").partition(":")[2]
    leads = [os.path.realpath(work / lfn) for lfn in task["inputs"] if (work / lfn).is_symlink()]
    return sorted({shared if shared and path.startswith(f"{shared}/") else path for path in leads})


def _is_docker(asked: "dict[str, Any]") -> bool:
    return str(asked["image"]).startswith("docker://")


def _image(asked: "dict[str, Any]", top: Path) -> str:
    image = str(asked["image"])
    if image.startswith(_REGISTRIES):
        return image
    path = str(top / image)  # an absolute path stays what it is
    return f"docker-archive:{path}" if asked["kind"] == "docker" else path


def _store(top: Path) -> Path:
    """Where images are unpacked, for all jobs of this account on this instance."""
    store = Path(f"/var/tmp/roost-containers-{os.getuid()}")
    try:
        store.mkdir(mode=0o700, exist_ok=True)
        found = store.lstat()
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077:
            return store
    except OSError:
        pass
    own = top / ".roost-containers"
    own.mkdir(mode=0o700, exist_ok=True)
    return own


def _podman(path: str, store: Path, environment: "dict[str, str]") -> "list[str]":
    """With a storage driver that works there: overlay, or the slow one that always does."""
    known = store / "driver"
    # A user namespace of the account's one uid, told to podman by what it tells itself (pkg/rootless): those of
    # /etc/subuid take a program with privileges, and are for long-lived images of a person.
    common = ["unshare", "--user", "--map-root-user", "--mount", path]
    common += ["--root", str(store / "root"), "--runroot", str(store / "run")]
    common += ["--cgroup-manager", "cgroupfs", "--events-backend", "none", "--log-level", "error"]

    def by(driver: str) -> "list[str]":
        # the account has one uid there: files of others in an image become its own
        return [*common, "--storage-driver", driver, "--storage-opt", f"{driver}.ignore_chown_errors=true"]

    with (store / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of several jobs of one account one finds out
        if not known.exists():
            works = subprocess.run([*by("overlay"), "info"], env=environment, capture_output=True, check=False)
            if works.returncode:
                for name in ("root", "run"):  # what it has begun there is for that driver alone
                    shutil.rmtree(store / name, ignore_errors=True)
            known.write_text("vfs" if works.returncode else "overlay")
    return by(known.read_text())
