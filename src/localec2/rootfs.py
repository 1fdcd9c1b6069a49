"""shell (mmdebstrap, podman): a recipe -> a machine image, built once.

The tarball and the list of its executables are kept in the cache under the hash of the recipe. Each step works beside
its goal and renames: what was interrupted leaves nothing that looks finished.
"""

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from localec2.engine import image_exists, import_image
from localec2.failures import Localec2Error
from localec2.preflight import install_command

FORMAT = 2  # counts changes of this builder that change its images
NEEDED_MIB = 2500  # tree and tarball while building
BASE_PACKAGES = (
    "ca-certificates",
    "cloud-init",
    "curl",
    "dbus",
    "iproute2",
    "iputils-ping",
    "netcat-openbsd",
    "nftables",
    "openssh-server",
    "procps",
    "python3-minimal",
    "sudo",
    "systemd",
    "systemd-sysv",
)
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")
# Forty instances that look for updates at the same time are a load without a use.
_IDLE_WORK = ("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer")
# Should we be killed, all of the build ends with us; its mounts are in a namespace of their own and go too.
_TIED_TO_US = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child",
    "--mount-proc",
)
_EXECUTABLE_DIRS = "/bin /sbin /usr/bin /usr/sbin /usr/libexec /usr/lib /usr/local /opt"


@dataclass(frozen=True, kw_only=True, slots=True)
class AddedFile:
    source: Path
    target: str  # absolute, on the image


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    suite: str = "trixie"
    packages: tuple[str, ...] = ()  # on top of BASE_PACKAGES
    files: tuple[AddedFile, ...] = ()
    disabled_units: tuple[str, ...] = ()
    hooks: tuple[str, ...] = field(default=())  # shell; the image's root is "$1"

    @property
    def all_packages(self) -> tuple[str, ...]:
        return tuple(sorted({*BASE_PACKAGES, *self.packages}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    reference: str
    executables: Path


def recipe_hash(recipe: Recipe) -> str:
    """Twelve digits that change with anything that goes into the image; reads the added files."""
    files = [
        [added.target, added.source.stat().st_mode & 0o777, hashlib.sha256(added.source.read_bytes()).hexdigest()]
        for added in recipe.files
    ]
    facts = [FORMAT, recipe.suite, recipe.all_packages, files, sorted(recipe.disabled_units), recipe.hooks]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]


def build(recipe: Recipe, cache_dir: Path, *, progress: Callable[[str], None]) -> Built:
    """The image in podman's storage, made only as far as it is not there. Raises `Localec2Error`."""
    name = recipe_hash(recipe)
    reference = f"localhost/localec2:{name}"
    cache_dir.mkdir(parents=True, exist_ok=True)
    tarball, executables = cache_dir / f"{name}.tar", cache_dir / f"{name}.executables"
    with _one_builder(cache_dir / f"{name}.lock", progress):
        if not (executables.is_file() and (tarball.is_file() or image_exists(reference))):
            _bootstrap(recipe, tarball, executables, progress=progress)
        if not image_exists(reference):
            progress(f"importing the image as {reference}")
            import_image(tarball, reference)
    return Built(reference=reference, executables=executables)


def mmdebstrap_command(recipe: Recipe, *, target: Path, executables: Path) -> list[str]:
    """The whole command line (pure)."""
    hooks = [
        *(_copy_hook(added) for added in recipe.files),
        *(f'chroot "$1" systemctl disable {shlex.quote(unit)}' for unit in (*_IDLE_WORK, *recipe.disabled_units)),
        *recipe.hooks,
        # Every instance makes these for itself at its first boot.
        'truncate --size 0 "$1/etc/machine-id"; rm -f "$1"/var/lib/dbus/machine-id "$1"/etc/ssh/ssh_host_*',
        'rm -f "$1/etc/hostname" "$1/etc/resolv.conf"',
        # Nothing was updated offline: the first boot need not rebuild the linker's and the journal's caches.
        'touch "$1/etc/.updated" "$1/var/.updated"',
        f'chroot "$1" find -L {_EXECUTABLE_DIRS} -type f -perm -0111 ! -name "*.so*" 2>/dev/null'
        f" | sort > {shlex.quote(str(executables))}",
    ]
    return [
        "mmdebstrap",
        "--mode=root",
        "--variant=minbase",
        "--format=tar",
        f"--include={','.join(recipe.all_packages)}",
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        # the directories alone: packages (Java's) link their manual pages there when they are set up
        "--dpkgopt=path-include=/usr/share/man/man[1-9]",
        *(f"--customize-hook={hook}" for hook in hooks),
        recipe.suite,
        str(target),
    ]


def _bootstrap(recipe: Recipe, tarball: Path, executables: Path, *, progress: Callable[[str], None]) -> None:
    if shutil.which("mmdebstrap") is None:
        raise Localec2Error(
            "images are built with mmdebstrap, which is not installed", f"Type {install_command(['mmdebstrap'])}."
        )
    _require_space(tarball.parent)
    progress(f"building Debian {recipe.suite} with {', '.join(recipe.packages) or 'the base packages'} (about 1 min)")
    with tempfile.TemporaryDirectory(prefix=f"{tarball.stem}.build-", dir=tarball.parent) as work:
        # mmdebstrap drops root for apt's downloads: its user must reach the directory.
        Path(work).chmod(0o755)
        new, new_list = Path(work, "image.tar"), Path(work, "executables")
        _run(mmdebstrap_command(recipe, target=new, executables=new_list), work, progress=progress)
        new_list.replace(executables)
        new.replace(tarball)


def _run(argv: list[str], work: str, *, progress: Callable[[str], None]) -> None:
    said: list[str] = []
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "TMPDIR": work, "LC_ALL": "C.UTF-8", **_proxies()}
    with subprocess.Popen(
        [*_TIED_TO_US, *argv], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as child:
        try:
            for line in child.stdout or ():
                said.append(line.rstrip())
                if line.startswith("I: ") and line.rstrip().endswith("..."):
                    progress(line[3:].strip())
        except BaseException:
            child.kill()  # unshare passes no other signal on
            raise
    if child.returncode == 0:
        return
    end = "\n".join(line for line in said[-15:] if line)
    if any("No space left on device" in line for line in said):
        raise _disk_full(Path(work).parent)
    raise Localec2Error(
        f"mmdebstrap failed with exit code {child.returncode}:\n{end}",
        "Are the package names right, and is the Debian mirror reachable? `apt-get update` shows the latter.",
    )


def _require_space(directory: Path) -> None:
    if shutil.disk_usage(directory).free < NEEDED_MIB * 2**20:
        raise _disk_full(directory)


def _disk_full(directory: Path) -> Localec2Error:
    free_mib = shutil.disk_usage(directory).free // 2**20
    return Localec2Error(
        f"building an image needs {NEEDED_MIB} MiB in {directory}, where {free_mib} MiB are free",
        f"Free some (`rm {directory}/*.tar` drops older images' tarballs, `podman image prune` unused layers),"
        " or set XDG_CACHE_HOME to a larger disk.",
    )


def _copy_hook(added: AddedFile) -> str:
    mode = f"{added.source.stat().st_mode & 0o777:o}"
    source = shlex.quote(str(added.source.absolute()))
    return f'install -D --mode={mode} {source} "$1"{shlex.quote(added.target)}'


@contextmanager
def _one_builder(lock: Path, progress: Callable[[str], None]) -> Iterator[None]:
    with lock.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("another process builds this image; waiting for it")
            fcntl.flock(file, fcntl.LOCK_EX)
        _sweep(lock)
        yield


def _sweep(lock: Path) -> None:
    """What a killed builder of this image left; never through something that is mounted there."""
    mounted = Path("/proc/self/mountinfo").read_text()
    for left in lock.parent.glob(f"{lock.stem}.build-*"):
        if str(left) not in mounted:
            shutil.rmtree(left, ignore_errors=True)


def _proxies() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
