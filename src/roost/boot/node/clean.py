"""shell (this disk): what belongs to one instance alone is taken off a disk that becomes an image, and looked for.

Fed to `python3 -` on the instance by ssh: one file, standard library only. `list` says what would go, `clean` removes
it, `set-aside` keeps it in memory for `put-back` (an instance that goes on working), `scan` prints each secret that is
still there. Answers are one JSON document on standard output.
"""

import fnmatch
import hashlib
import json
import os
import re
import shutil
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_SET_ASIDE = Path("run/roost-set-aside.tar")  # a tmpfs: on no image
# Who this instance is, and what it may do: another one makes these for itself at its first boot.
STATE = (
    ("etc/ssh/ssh_host_*", "ssh host keys"),
    ("root/.ssh/authorized_keys*", "authorized keys"),
    ("home/*/.ssh/authorized_keys*", "authorized keys"),
    ("root/.ssh/known_hosts*", "known hosts"),
    ("home/*/.ssh/known_hosts*", "known hosts"),
    ("etc/condor/tokens.d/*", "HTCondor tokens"),
    ("root/.condor/tokens.d/*", "HTCondor tokens"),
    ("home/*/.condor/tokens.d/*", "HTCondor tokens"),
    ("etc/condor/passwords.d/*", "HTCondor signing keys and passwords"),
    ("etc/condor/*password", "HTCondor signing keys and passwords"),
    ("var/lib/condor/*password*", "HTCondor signing keys and passwords"),
    ("etc/condor/config.d/50-roost.config", "the configuration of one pool"),
    ("etc/condor/config.d/60-user-data.config", "the configuration of one pool"),
    ("usr/local/lib/roost", "the boot programs of one pool"),
    ("var/lib/roost", "the state of Roost's boot program"),
    ("var/lib/cloud/data", "cloud-init state"),
    ("var/lib/cloud/instance", "cloud-init state"),
    ("var/lib/cloud/instances", "cloud-init state"),
    ("var/lib/cloud/seed", "cloud-init state"),
    ("var/lib/cloud/sem", "cloud-init state"),
    *(
        (f"var/lib/glusterd/{name}", "the identity of a GlusterFS peer")
        for name in ("glusterd.info", "peers/*", "vols/*")
    ),
    ("etc/netplan/50-cloud-init.yaml", "the network of one instance"),
    ("etc/network/interfaces.d/50-cloud-init*", "the network of one instance"),
    ("etc/systemd/network/10-cloud-init-*", "the network of one instance"),
    ("etc/udev/rules.d/70-persistent-*", "the network of one instance"),
    ("etc/machine-id", "the machine's identity"),
    ("var/lib/dbus/machine-id", "the machine's identity"),
    ("var/lib/systemd/random-seed", "random seed"),
    ("var/lib/systemd/credential.secret", "random seed"),
    *((f"{home}/{name}", "cloud credentials") for home in ("root", "home/*") for name in (".aws", ".boto", ".s3cfg")),
    *(
        (f"{home}/{name}", "histories")
        for home in ("root", "home/*")
        for name in (
            *(".*_history", ".lesshst", ".viminfo", ".wget-hsts", ".Rhistory", ".sudo_as_admin_successful"),
            *(".local/share/fish/fish_history", ".local/state/*/history"),
        )
    ),
)
# Grown while it worked; nobody misses it.
WASTE = (
    ("var/log/**/*", "logs"),
    ("var/cache/apt/*.bin", "apt caches"),
    ("var/cache/apt/archives/*.deb", "apt caches"),
    ("var/cache/apt/archives/partial/*", "apt caches"),
    ("var/lib/apt/lists/*_*", "apt caches"),
    ("var/lib/condor/spool/*", "HTCondor spool"),
    ("var/lib/condor/execute/*", "HTCondor execute directory"),
)
_EMPTIED = ("etc/machine-id",)  # there and empty: systemd makes a new one (machine-id(5))

_DISKS = {"ext2", "ext3", "ext4", "xfs", "btrfs", "vfat", "overlay", "f2fs"}
_MOST_BYTES = 64 * 2**20  # of a file, that are looked through
_CONTENT = (
    # (what must be there at all, which is quick, then the whole pattern)
    (
        (b"PRIVATE KEY-----",),
        rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----\s+(?:[A-Za-z-]+: [^\n]*\n)*\s*[A-Za-z0-9+/=]{32,}",
        "a private key",
    ),
    ((b"eyJ",), rb"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{20,}", "a token"),
    ((b"AKIA", b"ASIA"), rb"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "an AWS access key"),
    ((b"aws_secret_access_key",), rb"aws_secret_access_key\s*[=:]\s*[\"']?[A-Za-z0-9/+]{30,}", "an AWS secret"),
)
# By its place alone, when it is not empty.
_PLACES = (
    ("*/authorized_keys", "authorized keys"),
    ("*/authorized_keys2", "authorized keys"),
    ("*/.*_history", "a history"),
    ("*/.aws/credentials", "AWS credentials"),
    ("*/.netrc", "passwords"),
    ("*/.git-credentials", "passwords"),
    ("*/.docker/config.json", "passwords"),
    ("/etc/ssh/ssh_host_*_key", "an ssh host key"),
    ("/etc/condor/tokens.d/*", "an HTCondor token"),
    ("/etc/condor/passwords.d/*", "an HTCondor signing key or password"),
    ("*/pool_password", "an HTCondor password"),
    ("/var/lib/roost/*", "the state of Roost's boot program"),
    ("/var/lib/cloud/instances/*", "the user data of an instance"),
)


def main(argv: list[str]) -> None:
    root = Path("/")
    match argv:
        case ["list"]:
            answer: object = listed(root, (*STATE, *WASTE))
        case ["clean"]:
            answer = listed(root, (*STATE, *WASTE))
            clean(root)
        case ["set-aside"]:
            answer = listed(root, (*STATE, *WASTE))
            set_aside(root)
            clean(root)
        case ["put-back"]:
            answer = put_back(root)
        case ["scan", *kept]:
            disks = _mounted(Path("/proc/self/mounts").read_text())
            answer = [{"path": path, "what": what} for path, what in scan(root, kept=kept, elsewhere=disks)]
        case _:
            sys.exit("list | clean | set-aside | put-back | scan [KEPT]...")
    print(json.dumps(answer))


def listed(root: Path, table: Iterable[tuple[str, str]]) -> dict[str, int]:
    """What is there, and how many files of it."""
    found: dict[str, int] = {}
    for path, what in _matches(root, table):
        many = sum(len(names) for _, _, names in os.walk(path)) if path.is_dir() and not path.is_symlink() else 1
        if many and not (path.is_file() and path.stat().st_size == 0):
            found[what] = found.get(what, 0) + many
    return found


def clean(root: Path) -> None:
    for path, what in list(_matches(root, (*STATE, *WASTE))):
        if str(path.relative_to(root)) in _EMPTIED:
            path.write_bytes(b"")
        elif what == "logs":
            _empty_log(path)
        elif path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def set_aside(root: Path) -> None:
    """The state in one archive that only root may read."""
    place = root / _SET_ASIDE
    if place.exists():
        return  # of a bake that was cut off: what was there before counts
    new = place.with_suffix(".new")
    new.unlink(missing_ok=True)
    archive = os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    with archive, tarfile.open(fileobj=archive, mode="w") as tar:
        for path, _ in _matches(root, STATE):
            tar.add(path, arcname=str(path.relative_to(root)))
    new.replace(place)


def put_back(root: Path) -> bool:
    """False where nothing was set aside."""
    place = root / _SET_ASIDE
    if not place.exists():
        return False
    with tarfile.open(place) as tar:
        # Python 3.11.2 has no `filter` argument yet, 3.14 trusts nobody without one (tarfile, "Extraction filters").
        tar.extraction_filter = getattr(tarfile, "fully_trusted_filter", None)
        tar.extractall(root)
    place.unlink()
    return True


def scan(root: Path, *, kept: Iterable[str] = (), elsewhere: Iterable[str] = ()) -> list[tuple[str, str]]:
    """(path, what it is) for each secret; `elsewhere`: directories that are not on the disk."""
    left_out = {*elsewhere, *kept}
    found = []
    for path in _files(root, left_out):
        name = "/" + str(path.relative_to(root))
        what = _secret(path, name)
        if what and name not in left_out:
            found.append((name, what))
    if found:
        packaged = _packaged(root)
        found = [(name, what) for name, what in found if packaged.get(name) != _md5(root / name.lstrip("/"))]
    return sorted(found)


def _secret(path: Path, name: str) -> str | None:
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES)
    except OSError:
        return None
    for signs, pattern, what in _CONTENT:
        if any(sign in content for sign in signs) and re.search(pattern, content):
            return what
    if content.strip():
        return next((what for place, what in _PLACES if fnmatch.fnmatchcase(name, place)), None)
    return None


def _files(root: Path, left_out: set[str]) -> Iterator[Path]:
    for directory, below, names in os.walk(root):
        here = "/" + os.path.relpath(directory, root) if directory != str(root) else ""
        below[:] = [name for name in below if f"{here}/{name}" not in left_out]
        for name in names:
            path = Path(directory, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _mounted(mounts: str) -> set[str]:
    """Where the disk ends: mount points of file systems that are none (fstab(5) for the columns).

    >>> sorted(_mounted("overlay / overlay rw 0 0\\nproc /proc proc rw 0 0\\ntmpfs /run tmpfs rw 0 0\\n"))
    ['/proc', '/run']
    """
    rows = [line.split() for line in mounts.splitlines()]
    return {row[1] for row in rows if row[2] not in _DISKS and row[1] != "/"}


def _packaged(root: Path) -> dict[str, str]:
    """Path -> MD5 of what came with a Debian package: its own examples and test keys are no secret."""
    sums = {}
    for file in (root / "var/lib/dpkg/info").glob("*.md5sums"):
        for line in file.read_text(errors="replace").splitlines():
            digest, _, name = line.partition("  ")
            sums["/" + name] = digest
            # /bin, /sbin and /lib are links into /usr
            sums["/usr/" + name] = digest
    return sums


def _md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()


def _matches(root: Path, table: Iterable[tuple[str, str]]) -> Iterator[tuple[Path, str]]:
    for pattern, what in table:
        for path in sorted(root.glob(pattern)):
            if "**" not in pattern or not path.is_dir():
                yield path, what


def _empty_log(path: Path) -> None:
    """Daemons keep writing to the file that they have open, and expect their directories."""
    if path.is_symlink() or not path.is_file():
        return
    if "journal" in path.parts or re.search(r"\.(\d+|gz|xz|zst|old)$", path.name):
        path.unlink(missing_ok=True)
    else:
        os.truncate(path, 0)


if __name__ == "__main__":
    main(sys.argv[1:])
