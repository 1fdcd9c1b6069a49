"""shell (processes): run a program to its end; what it says on failure becomes our error."""

import os
import subprocess
from collections.abc import Sequence

from localec2.failures import Localec2Error

TIMEOUT_S = 300.0


def run(argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = TIMEOUT_S) -> str:
    """Standard output. Raises `Localec2Error` when the program is absent, fails or takes too long."""
    done = attempt(argv, stdin=stdin, timeout_s=timeout_s)
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip() or "it said nothing"
        raise Localec2Error(f"`{' '.join(argv[:4])} ...` failed with exit code {done.returncode}: {said[-800:]}")
    return done.stdout


def attempt(
    argv: Sequence[str], *, stdin: str | None = None, timeout_s: float = TIMEOUT_S
) -> subprocess.CompletedProcess[str]:
    """The same, where failing is an answer."""
    try:
        return subprocess.run(
            argv,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            env=_environment(),
            text=True,
            errors="replace",
            timeout=timeout_s,
            check=False,
        )
    except FileNotFoundError as error:
        raise Localec2Error(f"{argv[0]} is not installed", "`localec2 check` says what is missing.") from error
    except subprocess.TimeoutExpired as error:
        raise Localec2Error(f"`{' '.join(argv[:4])} ...` did not end within {timeout_s:.0f} s") from error


def _environment() -> dict[str, str]:
    return {
        **os.environ,
        # A plain user's path often lacks the directories of `ip` and `nft`.
        "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin",
        # podman 5 warns about it at every call, and that would stand where its reasons are read
        "PODMAN_IGNORE_CGROUPSV1_WARNING": "1",
    }
