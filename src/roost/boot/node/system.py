"""shell (files, processes): what the node programs do to their instance."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

STATE = Path("/var/lib/roost")  # survives stop and start; belongs to one instance id
INSTRUCTIONS = STATE / "instructions.json"
LEASE = STATE / "lease-ends-at"  # epoch s
CONDOR_CONFIG = Path("/etc/condor/config.d/50-roost.config")
SHARED_CONFIG = CONDOR_CONFIG.with_name("60-roost-shared.config")  # there once it is mounted
TOKENS = Path("/etc/condor/tokens.d")
SIGNING_KEYS = Path("/etc/condor/passwords.d")


class StepError(Exception):
    """A step of the boot failed: what was run and what it said."""


def run(*argv: str, feed: str | None = None, timeout_s: float = 60) -> str:
    """Standard output of a program that must succeed."""
    try:
        done = subprocess.run(argv, input=feed, capture_output=True, text=True, timeout=timeout_s, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise StepError(f"{' '.join(argv)}: {error}") from error
    if done.returncode:
        raise StepError(f"{' '.join(argv)}: exit code {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def write(path: Path, text: str, *, mode: int = 0o644) -> None:
    """Whole or not at all, and never readable by more than `mode` says."""
    new = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as file:
        file.write(text)
    new.chmod(mode)
    new.replace(path)


def keep_running(unit: str, module: str, *properties: str, words: Sequence[str] = ()) -> None:
    """Start a node program as a service, once HTCondor has been started.

    A transient unit: nothing to enable, nothing left over on an image baked from this instance.
    """
    run(
        *("systemd-run", "--no-block", "--collect", f"--unit={unit}", "--property=After=condor.service"),
        *(f"--property={each}" for each in properties),
        *(f"--setenv=PYTHONPATH={os.environ['PYTHONPATH']}", "python3", "-m", f"roost.boot.node.{module}", *words),
    )


def power_off_in(unit: str, seconds: int, reason: str) -> None:
    run(
        *("systemd-run", f"--unit={unit}", f"--on-active={seconds}s"),
        # it starts now: other timers wait for the stage of the boot that waits for us
        *("--timer-property=AccuracySec=1s", "--timer-property=DefaultDependencies=no", "sh", "-c"),
        f"printf 'roost: {reason}, powering off\\r\\n' > /dev/console; systemctl poweroff",
    )
