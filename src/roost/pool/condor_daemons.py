"""shell (this machine's HTCondor): what `join` changes on a central manager, and takes back.

Root's work. Every change is a whole file, or nothing.
"""

import hashlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from roost.boot.commands import HERE
from roost.boot.condor_config import joining_identity
from roost.errors import RoostError, WaitTimeoutError
from roost.pool import joining
from roost.pool.joining import MadeKey

_RELOAD_TIMEOUT_S = 120.0
_PATIENCE_S = 20.0
_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class KeyFile:
    """The pool's signing key: whoever has it can be anybody in the pool."""

    path: Path

    def is_missing(self) -> bool:
        """False where it cannot be seen: then it is HTCondor's."""
        try:
            return not self.path.exists()
        except PermissionError:
            return False

    def draft(self) -> "DraftedKey":
        """Text: HTCondor reads a key up to its first NUL byte."""
        text = secrets.token_hex(32)
        return DraftedKey(text=text, key=MadeKey(path=str(self.path), digest=hashlib.sha256(text.encode()).hexdigest()))

    def remove(self, made: MadeKey) -> bool:
        """Only the key that was made; False when another one is there."""
        if not self.path.exists():
            return True
        if hashlib.sha256(self.path.read_bytes()).hexdigest() != made.digest:
            return False
        self.path.unlink()
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class DraftedKey:
    """A key that is not there yet."""

    text: str = field(repr=False)
    key: MadeKey

    def write(self) -> None:
        path = Path(self.key.path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        replace(path, self.text, mode=0o600)


def replace(file: Path, text: str, *, mode: int = 0o644) -> None:
    """Whole or not at all; no text: no file."""
    if not text:
        file.unlink(missing_ok=True)
        return
    # HTCondor reads no file of a configuration directory whose name begins with a dot
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as stream:
        stream.write(text)
    new.chmod(mode)
    new.replace(file)


@dataclass(frozen=True, kw_only=True, slots=True)
class Running:
    """HTCondor's daemons before a change: afterwards its commands may look for them elsewhere."""

    master_pid: int | None
    master_address: str
    collector_pid: int | None


def require_running() -> None:
    if running().master_pid is None:
        raise RoostError("HTCondor does not run on this machine", "systemctl start condor")


def are_older_than(file: Path) -> bool:
    """Whether the daemons were started before that file was written, by what the collector says of itself."""
    said = _start(["condor_status", "-collector", "-af", "DaemonStartTime"]).stdout.split()
    return not said or not said[0].isdigit() or int(said[0]) < int(file.stat().st_mtime)


def running() -> Running:
    address = ""
    with suppress(OSError, RoostError):
        address = Path(_run(["condor_config_val", "MASTER_ADDRESS_FILE"], "find condor_master").strip()).read_text()
    return Running(
        master_pid=_pid("condor_master"),
        master_address=joining.from_inside(address.partition("\n")[0]),
        collector_pid=_pid("condor_collector"),
    )


def take_up(before: Running, *, needs_restart: bool) -> None:
    """HTCondor reads its configuration again. Returns when its collector answers."""
    if before.master_pid is None:
        raise RoostError("HTCondor does not run on this machine", "systemctl start condor")
    if needs_restart:
        _restart(before)
    else:
        # A signal, which root may always send: condor_reconfig is a command that old security settings refuse to
        # everybody, and it says nothing then.
        os.kill(before.master_pid, signal.SIGHUP)
    deadline = time.monotonic() + _RELOAD_TIMEOUT_S
    while True:
        done = _start(["condor_status", "-schedd", "-af", "Name"])
        is_new = not needs_restart or running().collector_pid not in (None, before.collector_pid)
        if is_new and done.returncode == 0 and done.stdout.strip():
            return
        if time.monotonic() > deadline:
            raise WaitTimeoutError(
                f"HTCondor does not answer {_RELOAD_TIMEOUT_S:.0f} s after it was told to read its configuration: "
                f"{done.stderr.strip() or 'the collector lists no schedd'}",
                "systemctl status condor",
            )
        time.sleep(_POLL_S)


def try_joining(trust_domain: str) -> str:
    """What a joining token of this pool may do here, as a sentence. Raises RoostError where it does not let in."""
    identity = joining_identity(trust_domain)
    token = _run(
        ["condor_token_create", "-identity", identity, "-authz", "ADVERTISE_STARTD", "-lifetime", "60"],
        "make a joining token",
    ).strip()
    with tempfile.TemporaryDirectory(prefix="roost-") as directory:
        (Path(directory) / "joining").write_text(token + "\n")
        (Path(directory) / "joining").chmod(0o600)
        # As an execution point: with that token and nothing else, above all without the key that makes any.
        environment = {
            **os.environ,
            "_CONDOR_SEC_TOKEN_DIRECTORY": directory,
            "_CONDOR_SEC_TOKEN_SYSTEM_DIRECTORY": directory,
            "_CONDOR_SEC_PASSWORD_DIRECTORY": f"{directory}/none",
            "_CONDOR_SEC_TOKEN_POOL_SIGNING_KEY_FILE": f"{directory}/none/POOL",
            "_CONDOR_SEC_CLIENT_AUTHENTICATION_METHODS": "IDTOKENS",
            "_CONDOR_SEC_CLIENT_AUTHENTICATION": "REQUIRED",
        }
        ping = ["condor_ping", "-type", "COLLECTOR", "-long", "ADVERTISE_STARTD"]
        deadline = time.monotonic() + _PATIENCE_S  # daemons read their configuration when they get to it
        while (done := _start(ping, environment)).returncode != 0 and time.monotonic() < deadline:
            time.sleep(_POLL_S)
    said = done.stdout + done.stderr
    if done.returncode != 0 or identity not in said:
        raise RoostError(
            f"the collector does not let in a joining token of this pool: {' '.join(said.split())[:600]}",
            "its log says why: condor_config_val COLLECTOR_LOG",
        )
    return f"the collector lets {identity} advertise execution points"


def forget_joining() -> None:
    """The flags of pools that joined; the program that grants tokens ends by itself."""
    shutil.rmtree(HERE, ignore_errors=True)


def _restart(before: Running) -> None:
    is_service = shutil.which("systemctl") and _start(["systemctl", "is-active", "condor"]).returncode == 0
    by_hand = ["condor_restart", "-addr", before.master_address]
    _run(["systemctl", "restart", "condor"] if is_service else by_hand, "restart HTCondor")


def _pid(program: str) -> int | None:
    """This machine's own: not a user's personal one, nor one in a container. proc(5); names there have 15 characters.

    condor_who finds no daemon any more whose public address leads to another machine.
    """
    for process in sorted(Path("/proc").glob("[0-9]*"), key=lambda path: int(path.name)):
        with suppress(OSError):
            real_uid = re.search(r"^Uid:\s(\d+)", (process / "status").read_text(), re.MULTILINE)
            is_systems = real_uid is not None and real_uid[1] == "0"
            if is_systems and (process / "comm").read_text().strip() == program[:15] and not _is_contained(process):
                return int(process.name)
    return None


def _is_contained(process: Path) -> bool:
    try:
        return (process / "ns" / "pid").readlink() != Path("/proc/self/ns/pid").readlink()
    except PermissionError:  # root of a container may not look; it sees no others either
        return False


def _run(argv: Sequence[str], what: str) -> str:
    done = _start(argv)
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}"
        raise RoostError(f"cannot {what}: {said}", "systemctl status condor")
    return done.stdout


def _start(argv: Sequence[str], environment: Mapping[str, str] = os.environ) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, env=environment)
