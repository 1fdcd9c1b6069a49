"""shell (this machine's HTCondor): an access point that is this machine itself.

In: who submits here. Out: commands and files as over ssh, without ssh; what HTCondor's configuration says; a joining
token, and the program that grants execution points their own. Never: a change of this HTCondor (`verbs.join` makes it).
"""

import os
import pwd
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roost.boot import commands
from roost.errors import NotFoundError, RoostError, WaitTimeoutError
from roost.pool import joining, tar_stream
from roost.pool.access_point import TAR_IN, TAR_OUT, Completed

_NOT_FOUND = 127  # what a shell says of a program that is not there


@dataclass(frozen=True, kw_only=True, slots=True)
class Host:
    """The pool of this machine, as execution points have to know it."""

    name: str
    trust_domain: str
    collector: joining.Address
    schedd: joining.Address


class HereAccessPoint:
    """This machine, as the user who submits; a root that stands in for somebody becomes that user."""

    def __init__(self, user: str | None = None) -> None:
        is_another = user is not None and os.geteuid() == 0 and user != "root"
        self._who = pwd.getpwnam(user) if is_another and user is not None else pwd.getpwuid(os.geteuid())
        self._is_another = is_another

    @property
    def home(self) -> Path:
        return Path(self._who.pw_dir)

    def run(self, argv: Sequence[str], *, input: bytes | None = None, timeout_s: float = 60) -> Completed:
        try:
            done = subprocess.run(
                argv, input=input or b"", capture_output=True, check=False, timeout=timeout_s, **self._as_user()
            )
        except subprocess.TimeoutExpired as error:
            raise WaitTimeoutError(f"`{shlex.join(argv)}` did not end within {timeout_s:g} s", "try again") from error
        except FileNotFoundError as error:
            return Completed(exit_code=_NOT_FOUND, stdout="", stderr=str(error))
        return Completed(
            exit_code=done.returncode,
            stdout=done.stdout.decode(errors="replace"),
            stderr=done.stderr.decode(errors="replace"),
        )

    def put(self, files: Mapping[str, Path], *, timeout_s: float = 600) -> None:
        """Raises NotFoundError for a local file that does not exist; nothing is copied then."""
        tar_stream.require(files.values())
        with tempfile.TemporaryFile() as packed:
            tar_stream.write(files, packed)
            packed.seek(0)
            self._require(TAR_IN, what=f"copy {len(files)} files", timeout_s=timeout_s, stdin=packed)

    def get(self, remote: str, local: Path, *, timeout_s: float = 600) -> None:
        with tempfile.TemporaryFile() as packed:
            argv = ["sh", "-c", TAR_OUT, "sh", remote]
            self._require(argv, what=f"read {remote}", timeout_s=timeout_s, stdout=packed)
            packed.seek(0)
            tar_stream.extract(packed, local)

    def lines(self, argv: Sequence[str]) -> Generator[str, None, None]:
        """Ends when the program ends; RoostError when it failed."""
        with subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **self._as_user()
        ) as process:
            try:
                for line in process.stdout or ():
                    yield line.decode(errors="replace").rstrip("\r\n")
            finally:
                process.terminate()
        if process.returncode != 0:
            raise RoostError(f"`{shlex.join(argv)}` failed with exit code {process.returncode}")

    def _require(self, argv: Sequence[str], *, what: str, timeout_s: float, **files: Any) -> None:
        try:
            done = subprocess.run(
                argv, stderr=subprocess.PIPE, check=False, timeout=timeout_s, **files, **self._as_user()
            )
        except subprocess.TimeoutExpired as error:
            raise WaitTimeoutError(f"could not {what} within {timeout_s:g} s", "try again") from error
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip() or "no error message"
            raise RoostError(f"cannot {what} as {self._who.pw_name} (exit code {done.returncode}): {said}", "df -h ~")

    def _as_user(self) -> dict[str, Any]:
        """What a login of that user would start with."""
        settings: dict[str, Any] = {"cwd": self._who.pw_dir if Path(self._who.pw_dir).is_dir() else "/"}
        if self._is_another:
            name = self._who.pw_name
            settings |= {
                "user": self._who.pw_uid,
                "group": self._who.pw_gid,
                "extra_groups": os.getgrouplist(name, self._who.pw_gid),
                "env": {**os.environ, "HOME": self._who.pw_dir, "USER": name, "LOGNAME": name},
            }
        return settings


def submitter(owners: Sequence[str]) -> str | None:
    """Who submits, for root: the user behind sudo, or else the first whose jobs are taken. None: the caller."""
    if os.geteuid() != 0:
        return None
    behind_sudo = os.environ.get("SUDO_USER", "root")
    if behind_sudo != "root":
        return behind_sudo
    return next((owner for owner in owners if owner != joining.ANYBODY), None)


def caller() -> str:
    """The name of who called, root's too; behind sudo whoever called that."""
    return submitter(()) or pwd.getpwuid(os.geteuid()).pw_name


def configured(names: Iterable[str], *, without: Path | None = None) -> dict[str, str | None]:
    """HTCondor's configuration here; None: not defined. With `without` as if there were no such file."""
    environment = dict(os.environ)
    with tempfile.NamedTemporaryFile("w", prefix="roost-", suffix=".config") as other:
        if without is not None:
            other.write(joining.other_sources(_condor("condor_config_val", "-config"), without=without))
            other.flush()
            environment["CONDOR_CONFIG"] = other.name
        return {name: _value(name, environment) for name in names}


def host() -> Host:
    """Raises NotFoundError where no pool can be joined here, with what to do about it."""
    values = configured(joining.NEEDED)
    daemons = joining.words(values["DAEMON_LIST"] or "")
    if "COLLECTOR" not in daemons:
        raise NotFoundError(
            "this machine's HTCondor has no collector"
            + (f": its central manager is {values['CONDOR_HOST']}" if values["CONDOR_HOST"] else ""),
            "call roost on the pool's central manager",
        )
    if "SCHEDD" not in daemons:
        raise NotFoundError(
            "this machine's HTCondor has no schedd, so nobody submits here",
            "add SCHEDD to DAEMON_LIST; a schedd on another machine is not supported",
        )
    return Host(
        name=values["FULL_HOSTNAME"] or os.uname().nodename,
        trust_domain=values["TRUST_DOMAIN"] or values["UID_DOMAIN"] or "",
        collector=_address("COLLECTOR", values["COLLECTOR_ADDRESS_FILE"]),
        schedd=_address("SCHEDD", values["SCHEDD_ADDRESS_FILE"]),
    )


def host_name() -> str:
    return configured(["FULL_HOSTNAME"])["FULL_HOSTNAME"] or os.uname().nodename


def own_address() -> str:
    """The one by which this machine is known where it is: the collector's, from inside."""
    file = configured(["COLLECTOR_ADDRESS_FILE"])["COLLECTOR_ADDRESS_FILE"] or ""
    return joining.address(joining.from_inside(Path(file).read_text().partition("\n")[0])).host


def answers(address: str, port: int) -> bool:
    """Whether a connection from here comes about."""
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True


def mint_joining_token(pool: str, *, lease_s: int, trust_domain: str) -> str:
    """Starts the program that grants own tokens too. Root's work: by sudo where it takes no password."""
    source = str(Path(__file__).parents[2])
    argv = commands.mint_here(
        pool, lease_s=lease_s, domain=trust_domain, python=sys.executable, path=_python_path(source)
    )
    minted = as_root(argv)
    try:
        return commands.joining_token(minted.stdout)
    except ValueError as error:
        said = minted.stderr.strip() or minted.stdout.strip() or "nothing"
        raise RoostError(f"this HTCondor made no joining token; it said: {said}", "sudo roost join") from error


def as_root(argv: Sequence[str], *, input: bytes = b"") -> Completed:
    """Raises RoostError where this user may not."""
    if os.geteuid() != 0:
        argv = ["sudo", "-n", *argv]
    try:
        done = subprocess.run(argv, input=input, capture_output=True, check=False, timeout=60)
    except FileNotFoundError:
        done = subprocess.CompletedProcess(argv, _NOT_FOUND, b"", b"sudo: not found")
    stderr = done.stderr.decode(errors="replace")
    if done.returncode != 0 and os.geteuid() != 0 and stderr.startswith("sudo:"):
        raise RoostError(
            f"only root may have this HTCondor make tokens, and sudo asks for a password: {stderr.strip()}",
            "the same command with sudo before it",
        )
    return Completed(exit_code=done.returncode, stdout=done.stdout.decode(errors="replace"), stderr=stderr)


def _python_path(source: str) -> str:
    """As sudo takes PYTHONPATH away."""
    given = os.environ.get("PYTHONPATH", "")
    return os.pathsep.join(dict.fromkeys([source, *(os.path.abspath(p) for p in given.split(os.pathsep) if p)]))  # noqa: PTH100


def _value(name: str, environment: Mapping[str, str]) -> str | None:
    done = _start(["condor_config_val", name], environment)
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def _condor(*argv: str) -> str:
    done = _start(argv, os.environ)
    if done.returncode != 0:
        raise RoostError(f"`{shlex.join(argv)}` failed: {done.stderr.strip() or done.stdout.strip()}", shlex.join(argv))
    return done.stdout


def _start(argv: Sequence[str], environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, env=environment)
    except FileNotFoundError as error:
        raise NotFoundError(
            f"there is no HTCondor on this machine ({argv[0]} is not to be found)",
            "call roost on the pool's submit host; or leave out `access_point: here`, and the pool has its own",
        ) from error


def _address(daemon: str, file: str | None) -> joining.Address:
    with suppress(OSError, ValueError):
        return joining.address(Path(file or "").read_text())
    raise NotFoundError(
        f"this machine's {daemon.lower()} does not run, or its address cannot be read ({daemon}_ADDRESS_FILE = {file})",
        "systemctl status condor",
    )
