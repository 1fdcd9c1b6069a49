"""shell (Pegasus' Python tools, pip): an environment with them, and runs of them on a submit directory.

PyPI's pegasus-wms holds the tools that read a run and none of its commands; they start as modules. It needs older
libraries than Roost, so that it has an environment of its own, made once from a lock file.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from importlib import resources
from pathlib import Path

from roost.errors import NotFoundError, RoostError
from roost.workflow.braindump import dag_of, moved, read

LOCK = "pegasus-tools.lock"
_INSTALL_TIMEOUT_S = 900
_LOG = "monitord.log"  # where pegasus-dagman has it; pegasus-statistics looks for errors there


class Tool(StrEnum):
    STATISTICS = "statistics"
    ANALYZER = "analyzer"
    STATUS = "status"
    MONITORD = "monitord"


def environment(cache: Path, *, say: Callable[[str], None]) -> Path:
    """The Python that has the tools. Made where it is missing, which takes a network and a quarter of a minute."""
    lock = resources.files("roost.workflow").joinpath(LOCK).read_text(encoding="utf-8")
    state = hashlib.sha256(f"{lock}{sys.version}{sys.prefix}".encode()).hexdigest()[:12]
    home = cache / f"pegasus-tools-{state}"
    python, complete = home / "bin" / "python", home / "complete"
    if complete.exists():
        return python
    cache.mkdir(parents=True, exist_ok=True)
    with home.with_suffix(".lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if not complete.exists():
            say(f"install Pegasus' tools in {home} (once)")
            shutil.rmtree(home, ignore_errors=True)
            _install([sys.executable, "-m", "venv", str(home)], "apt-get install python3-venv")
            (home / LOCK).write_text(lock, encoding="utf-8")
            pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            install = [*pip, "--require-hashes", "--requirement", str(home / LOCK)]
            _install(install, " ".join(install))
            complete.touch()
    return python


def argv(python: Path, tool: Tool, *arguments: str) -> list[str]:
    return [str(python), "-m", f"Pegasus.cli.pegasus-{tool}", *arguments]


def surroundings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment variables that the tools start with: nothing of what this Python imports from."""
    return {key: value for key, value in environ.items() if key not in ("PYTHONPATH", "PYTHONHOME")}


def replay(python: Path, submit: Path) -> None:
    """monitord reads the whole run, and leaves its database, its log and jobstate.log in the submit directory.

    Raises RoostError when it says that something is missing in the database: its exit code does not.
    """
    dagman_out = submit / f"{_dag(submit)}.dagman.out"
    if not dagman_out.is_file():
        raise NotFoundError(f"DAGMan has not begun in {submit}: there is no {dagman_out.name}", "roost run WORKFLOW")
    done = subprocess.run(
        argv(python, Tool.MONITORD, "--replay", "--no-notifications", str(dagman_out)),
        env=surroundings(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    (submit / _LOG).write_text(said, encoding="utf-8")
    if done.returncode != 0 or "Traceback" in said or not database(submit).is_file():
        last = next((line.strip() for line in reversed(said.splitlines()) if line.strip()), "it said nothing")
        raise RoostError(f"pegasus-monitord could not read the run in {submit}: {last}", f"less {submit / _LOG}")


def is_read(submit: Path) -> bool:
    """Whether monitord's database holds all that DAGMan has written."""
    dagman_out = submit / f"{_dag(submit)}.dagman.out"
    made = database(submit)
    return made.is_file() and dagman_out.is_file() and made.stat().st_mtime >= dagman_out.stat().st_mtime


def database(submit: Path) -> Path:
    return submit / f"{Path(_dag(submit)).stem}.stampede.db"


def settle(submit: Path) -> None:
    """The submit directory knows where it is: brought home, or moved, it still names the access point's path."""
    text = _read(submit)
    before, now = read(text).get("submit_dir", ""), str(submit.resolve())
    if before == now:
        return
    (submit / "braindump.yml").write_text(moved(text, submit_dir=now), encoding="utf-8")
    for part in submit.glob("*/braindump.yml"):
        settle(part.parent)
    for file in submit.glob("pegasus-plan_*.sub"):  # monitord looks there where a sub-workflow is
        file.write_text(file.read_text(encoding="utf-8").replace(f"{before}/", f"{now}/"), encoding="utf-8")


def run(python: Path, tool: Tool, submit: Path, arguments: Sequence[str]) -> int:
    """The tool's exit code; what it says goes where this process's output goes."""
    words = argv(python, tool, *arguments, str(submit.resolve()))
    return subprocess.run(words, env=surroundings(os.environ), check=False).returncode


def _dag(submit: Path) -> str:
    return dag_of(_read(submit))


def _read(submit: Path) -> str:
    try:
        return (submit / "braindump.yml").read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFoundError(
            f"{submit} is no submit directory: it has no braindump.yml", "name a run, or its directory runs/NAME"
        ) from None


def _install(words: Sequence[str], hint: str) -> None:
    try:
        done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=_INSTALL_TIMEOUT_S)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise RoostError(f"Pegasus' tools could not be installed: {error}", hint) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise RoostError(f"Pegasus' tools could not be installed: {said[-1] if said else 'pip said nothing'}", hint)
