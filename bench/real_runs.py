"""Whole runs of `roost run` on a pool of execution points with one core each, and what is read from them."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
_MOMENT = re.compile(r"^(\d\d/\d\d/\d\d \d\d:\d\d:\d\d)", re.MULTILINE)


def roost(*arguments: str, directory: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TERM": "dumb"}
    argv = [sys.executable, "-m", "roost", *arguments]
    return subprocess.run(argv, cwd=directory, env=environment, capture_output=True, text=True, check=False)


@contextmanager
def pool(name: str, directory: Path, *, packages: tuple[str, ...] = (), count: int = 2) -> Iterator[str]:
    """A pool that is up, of `count` execution points that have one core for HTCondor."""
    text = f"name: {name}\nworkers: {{count: {count}}}\nnetwork: {{mode: outbound}}\nlease: 8h\nidle: 4h\n"
    text += "condor_config: |\n  NUM_CPUS = 1\n"
    if packages:
        text += f"image: {{packages: [{', '.join(packages)}]}}\n"
    (directory / f"{name}.yml").write_text(text)
    try:
        up = roost("up", f"{name}.yml", directory=directory)
        if up.returncode:
            raise SystemExit(up.stderr)
        yield name
    finally:
        roost("down", name, "--now", directory=directory)


class RunFailed(Exception):
    """What the command said at its end."""


def run(workflow: Path, pool_name: str, name: str, directory: Path, *more: str) -> Path:
    """The directory of a run that ended well. Raises RunFailed."""
    done = roost("run", str(workflow), "--pool", pool_name, "--name", name, *more, directory=directory)
    if done.returncode:
        said = (done.stdout + done.stderr)[-2000:]
        raise RunFailed(f"{workflow}: exit code {done.returncode}\n{said}")
    return directory / "runs" / name


def dag_s(dagman_out: str) -> float:
    """Seconds from DAGMan's first line to its last: HTCondor's clock for a whole workflow.

    >>> dag_s("11/21/26 14:00:01 starting\\n11/21/26 14:00:31 exiting\\n")
    30.0
    """
    moments = [datetime.strptime(one, "%m/%d/%y %H:%M:%S") for one in _MOMENT.findall(dagman_out)]
    return (moments[-1] - moments[0]).total_seconds()


def dag_of(run_directory: Path) -> float:
    (dagman_out,) = (run_directory / "submit").glob("*.dag.dagman.out")
    return dag_s(dagman_out.read_text())
