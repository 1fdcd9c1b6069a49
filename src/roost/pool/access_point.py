"""shell (OpenSSH): commands and files on a pool's access point, through the system's own ssh.

In: where the access point is (`SshTarget`). Out: what commands print, files, followed streams. One connection is opened
and every later command is a session in it (milliseconds instead of a handshake each). Never: a password, the user's ssh
settings, the user's known hosts.
"""

import shlex
import shutil
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

from roost.errors import CloudError, RoostError, WaitTimeoutError
from roost.pool import tar_stream

_SSH_FAILED = 255  # ssh(1), EXIT STATUS: an error of ssh itself
_SOCKET_PATH_LIMIT = 108 - 20  # unix(7); ssh binds a name that is 17 characters longer and renames it
_CHANGED_HOST_KEY = "REMOTE HOST IDENTIFICATION HAS CHANGED"
_FIRST_POLL_S, _LAST_POLL_S = 0.2, 1.0

# Runs "$@" and ends it when the reader goes away: without a terminal sshd tells the program nothing, and one that
# has nothing to write would stay for ever.
_UNTIL_STDIN_CLOSES = (
    'exec 3<&0; "$@" </dev/null & child=$!; '
    '{ cat <&3; kill "$child"; } >/dev/null 2>&1 & watch=$!; '
    'wait "$child"; code=$?; kill "$watch" 2>/dev/null; exit "$code"'
)
# A directory's content, or one file under its own name.
TAR_OUT = (
    'if [ -d "$1" ]; then set -- "$1" .; else set -- "$(dirname -- "$1")" "$(basename -- "$1")"; fi; '
    'exec tar --create --format=gnu --dereference --hard-dereference --file=- --directory="$1" -- "./$2"'
)
# --absolute-names: absolute paths stay so, others are below the home directory, which is where it starts
TAR_IN = ("tar", "--extract", "--absolute-names", "--no-same-owner", "--warning=no-timestamp", "--file=-")


@dataclass(frozen=True, kw_only=True, slots=True)
class Completed:
    exit_code: int
    stdout: str
    stderr: str


class AccessPoint(Protocol):
    """The machine people submit on, as far as the rest of Roost needs it."""

    def run(self, argv: Sequence[str], *, input: bytes | None = None, timeout_s: float = 60) -> Completed:
        """Whatever the exit code; CloudError when the machine is not reached, WaitTimeoutError when it takes longer."""

    def put(self, files: Mapping[str, Path], *, timeout_s: float = 600) -> None:
        """Copy local files and directories to those remote paths (absolute, or below the home directory)."""

    def get(self, remote: str, local: Path, *, timeout_s: float = 600) -> None:
        """Copy what a remote directory holds, or one remote file, into the local directory."""

    def lines(self, argv: Sequence[str]) -> Generator[str, None, None]:
        """The lines a remote program prints, as they come; closing the generator ends the program."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SshTarget:
    host: str
    key: Path = field(repr=False)
    known_hosts: Path  # the pool's own: addresses are reused by other instances, ids are not
    host_key_alias: str  # the instance id
    user: str = "debian"
    port: int = 22
    proxy_command: str | None = None


def ssh_argv(
    target: SshTarget,
    argv: Sequence[str] = (),
    *,
    control_path: Path | None = None,
    connect_timeout_s: int = 10,
    terminal: bool = False,
) -> list[str]:
    """The ssh command line: of one command, or of a login when `argv` is empty.

    >>> target = SshTarget(host="198.18.1.2", key=Path("/k"), known_hosts=Path("/h"), host_key_alias="i-1")
    >>> ssh_argv(target, ["echo", "a b"])[-2:]
    ['debian@198.18.1.2', "echo 'a b'"]
    """
    options = {
        "BatchMode": "yes",  # an error rather than a question that nobody sees
        "IdentityFile": _quoted(target.key),
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",  # an agent with many keys uses up the server's MaxAuthTries
        "PreferredAuthentications": "publickey",
        "StrictHostKeyChecking": "accept-new",
        "UserKnownHostsFile": _quoted(target.known_hosts),
        "GlobalKnownHostsFile": "none",
        "HostKeyAlias": target.host_key_alias,
        "UpdateHostKeys": "no",
        "ConnectTimeout": str(connect_timeout_s),
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
        "LogLevel": "ERROR",
    }
    if target.proxy_command:
        options["ProxyCommand"] = target.proxy_command
    if control_path:
        options |= {"ControlMaster": "auto", "ControlPath": _quoted(control_path), "ControlPersist": "60"}
    return [
        "ssh",
        # The user's and the system's settings stay out: a `Host *` with a ProxyJump, a RemoteCommand or another
        # ControlPath would break what works for everybody else.
        *("-F", "none"),
        *("-p", str(target.port)),
        *(word for name, value in options.items() for word in ("-o", f"{name}={value}")),
        *(["-t"] if terminal else []),
        f"{target.user}@{target.host}",
        *([shlex.join(argv)] if argv else []),
    ]


class SshAccessPoint:
    """An access point reached by ssh. Use it in a `with`, or call `close`."""

    def __init__(self, target: SshTarget) -> None:
        self.target = target
        self._directory: Path | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def wait_until_reachable(self, timeout_s: float) -> None:
        """Returns once a command ran there; WaitTimeoutError with ssh's last words otherwise."""
        deadline = time.monotonic() + timeout_s
        pause_s = _FIRST_POLL_S
        while True:
            try:
                self._run(["true"], timeout_s=15, connect_timeout_s=3)
            except (CloudError, WaitTimeoutError) as error:
                if _CHANGED_HOST_KEY in error.message:
                    raise
                if time.monotonic() + pause_s > deadline:
                    raise WaitTimeoutError(
                        f"{self.target.host_key_alias} did not answer on ssh within {timeout_s:g} s: {error.message}",
                        f"`roost logs {self.target.host_key_alias}` shows its console; if your own address has "
                        "changed since, `roost access refresh` lets the new one in",
                    ) from error
            else:
                return
            time.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _LAST_POLL_S)

    def run(self, argv: Sequence[str], *, input: bytes | None = None, timeout_s: float = 60) -> Completed:
        return self._run(argv, input=input, timeout_s=timeout_s)

    def put(self, files: Mapping[str, Path], *, timeout_s: float = 600) -> None:
        """Raises NotFoundError for a local file that does not exist; nothing is sent then."""
        tar_stream.require(files.values())
        with (
            self._process(TAR_IN, what=f"copy {len(files)} files to", timeout_s=timeout_s) as process,
            # A broken pipe is the other side's failure: its exit code and words say more.
            suppress(BrokenPipeError),
            _opened(process.stdin) as stream,
        ):
            tar_stream.write(files, stream)

    def get(self, remote: str, local: Path, *, timeout_s: float = 600) -> None:
        argv = ["sh", "-c", TAR_OUT, "sh", remote]
        cut_short: tarfile.ReadError | None = None
        with self._process(argv, what=f"bring {remote} back from", timeout_s=timeout_s) as process:
            try:
                tar_stream.extract(_opened(process.stdout), local)
            except tarfile.ReadError as error:
                cut_short = error  # mostly the other side's failure: its exit code and words say more
        if cut_short:
            raise RoostError(f"what came back of {remote} is no tar archive: {cut_short}") from cut_short

    def lines(self, argv: Sequence[str]) -> Generator[str, None, None]:
        """Ends when the program ends; RoostError when it failed."""
        remote = ["sh", "-c", _UNTIL_STDIN_CLOSES, "sh", *argv]
        with self._process(remote, what=f"follow `{shlex.join(argv)}` on", timeout_s=None) as process:
            for line in _opened(process.stdout):
                yield line.decode(errors="replace").rstrip("\r\n")

    def ssh_argv(self, argv: Sequence[str] = (), *, connect_timeout_s: int = 10) -> list[str]:
        """The command line of a session in this connection."""
        control_path = self._control_path()
        return ssh_argv(self.target, argv, control_path=control_path, connect_timeout_s=connect_timeout_s)

    def close(self) -> None:
        """Ends the connection; a later command would open a new one."""
        with self._lock:
            directory, self._directory = self._directory, None
        if directory is None:
            return
        leave = ssh_argv(self.target, control_path=directory / "c")
        leave[1:1] = ["-O", "exit"]
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(leave, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=5)
        shutil.rmtree(directory, ignore_errors=True)

    def _run(
        self, argv: Sequence[str], *, input: bytes | None = None, timeout_s: float, connect_timeout_s: int = 10
    ) -> Completed:
        words = self.ssh_argv(argv, connect_timeout_s=connect_timeout_s)
        try:
            done = subprocess.run(words, input=input or b"", capture_output=True, check=False, timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise self._took_too_long(f"run `{shlex.join(argv)}` on", timeout_s) from error
        except FileNotFoundError as error:
            raise _no_ssh() from error
        stderr = done.stderr.decode(errors="replace")
        if done.returncode == _SSH_FAILED:
            raise self._unreachable(stderr)
        return Completed(exit_code=done.returncode, stdout=done.stdout.decode(errors="replace"), stderr=stderr)

    @contextmanager
    def _process(self, argv: Sequence[str], *, what: str, timeout_s: float | None) -> Iterator[subprocess.Popen[bytes]]:
        """A session with its pipes open. Leaving waits for its end; leaving early, by an exception, ends it."""
        with tempfile.TemporaryFile() as words:
            try:
                process = subprocess.Popen(
                    self.ssh_argv(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=words
                )
            except FileNotFoundError as error:
                raise _no_ssh() from error
            expired = threading.Event()

            def expire() -> None:
                expired.set()
                process.kill()

            timer = threading.Timer(timeout_s or 0, expire)
            if timeout_s is not None:
                timer.start()
            try:
                yield process
                _close(process.stdin)
                _opened(process.stdout).read()
                process.wait()
            finally:
                timer.cancel()
                _close(process.stdin)
                _close(process.stdout)
                process.terminate()
                process.wait()
            if expired.is_set() and process.returncode < 0:
                raise self._took_too_long(what, timeout_s or 0)
            words.seek(0)
            self._require_success(process.returncode, words.read().decode(errors="replace"), what=what)

    def _require_success(self, exit_code: int, words: str, *, what: str) -> None:
        if exit_code == _SSH_FAILED:
            raise self._unreachable(words)
        if exit_code != 0:
            said = "; ".join(words.split("\n")[:3]).strip("; ") or "no error message"
            raise RoostError(
                f"cannot {what} {self.target.host_key_alias} (exit code {exit_code}): {said}",
                "`roost ssh` takes you there to look",
            )

    def _unreachable(self, words: str) -> CloudError:
        said = " ".join(words.split()) or "ssh ended without a word"
        return CloudError(
            f"cannot reach {self.target.host_key_alias} ({self.target.host}) by ssh: {said}",
            "`roost status` says whether it still runs; if your own address has changed, `roost access refresh` lets "
            "the new one in",
        )

    def _took_too_long(self, what: str, timeout_s: float) -> WaitTimeoutError:
        return WaitTimeoutError(
            f"could not {what} {self.target.host_key_alias} within {timeout_s:g} s",
            "`roost status` says whether it still runs; `roost ssh` takes you there",
        )

    def _control_path(self) -> Path:
        with self._lock:
            if self._directory is None:
                self._directory = _short_directory()
            return self._directory / "c"


def _short_directory() -> Path:
    """A private one for the control socket, whose whole path must fit into a socket address."""
    directory = Path(tempfile.mkdtemp(prefix="roost-"))
    if len(bytes(directory / "c")) <= _SOCKET_PATH_LIMIT:
        return directory
    directory.rmdir()
    return Path(tempfile.mkdtemp(prefix="roost-", dir="/tmp"))


def _quoted(path: Path) -> str:
    """For ssh_config(5), which splits at blanks and replaces tokens that start with %."""
    return '"' + str(path).replace("%", "%%") + '"'


def _opened(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise RoostError("the ssh process has no pipe")
    return pipe


def _close(pipe: IO[bytes] | None) -> None:
    with suppress(BrokenPipeError):
        _opened(pipe).close()


def _no_ssh() -> RoostError:
    return RoostError("this machine has no `ssh`", "install OpenSSH's client: apt-get install openssh-client")
