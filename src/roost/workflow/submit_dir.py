"""shell (files): ExecutableWorkflow -> the run's directory, written here and sent to the access point whole.

The paths in its texts are the access point's. What is already there from an earlier plan is overwritten.
"""

import shutil
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path, PurePosixPath

from roost.workflow.abstract import Data
from roost.workflow.dag import CHORES, DAGMAN_CONFIG, DAGMAN_SETTINGS, TRIES, dag_lines, for_monitord, shapes
from roost.workflow.executable import ExecutableWorkflow
from roost.workflow.stampede import braindump, static_events
from roost.workflow.wrapper import WRAPPER, wrapper

_NODE = resources.files("roost.workflow").joinpath("node")


def texts(executable: ExecutableWorkflow, more: dict[str, str] | None = None) -> Mapping[str, Iterable[str]]:
    """File name in the submit directory: its text, in pieces. `more` gets other files, once the DAG has been taken."""
    return {
        executable.dag: dag_lines(executable, more),
        DAGMAN_CONFIG: [DAGMAN_SETTINGS, *(f"{key} = {value}\n" for key, value in executable.dagman.items())],
        "braindump.yml": [braindump(executable)],
        f"{executable.name}-0.static.bp": static_events(executable),
        TRIES: [],
        **{name: [for_monitord(executable, shape)] for name, shape in shapes(executable).items()},
        f"{executable.name}-0.notify": [],
        "pegasus.properties": [f"pegasus.data.configuration = {_data(executable)}\n"],
    }


def _data(executable: ExecutableWorkflow) -> Data:
    if executable.paths.shared is None:
        return Data.CONDORIO
    return Data.SHAREDFS if executable.paths.shared.how == "here" else Data.NONSHAREDFS


def programs(executable: ExecutableWorkflow) -> Mapping[str, bytes]:
    """What jobs run, by its name in the submit directory."""
    has_chores = any(not job.tasks for job in executable.jobs)
    return {WRAPPER: wrapper(), **({CHORES: _NODE.joinpath(CHORES).read_bytes()} if has_chores else {})}


def write(executable: ExecutableWorkflow, directory: Path) -> None:
    """Write what belongs into `executable.paths.run`: `submit/` with its files, and empty directories for the rest."""
    for remote in executable.directories:
        _below(executable, directory, remote).mkdir(parents=True, exist_ok=True)
    submit = _below(executable, directory, executable.paths.submit)
    more: dict[str, str] = {}
    for name, pieces in texts(executable, more).items():
        with (submit / name).open("w", encoding="utf-8", buffering=1 << 20) as file:
            file.writelines(pieces)
    for name, text in more.items():
        (submit / name).write_text(text, encoding="utf-8")
    for name, program in programs(executable).items():
        (submit / name).write_bytes(program)
        (submit / name).chmod(0o755)
    for name in executable.checkpoints:  # HTCondor holds a job whose input is not there
        _below(executable, directory, executable.remote_checkpoint(name)).touch()
    source = Path(executable.source)
    if source.is_file():
        shutil.copyfile(source, submit / "workflow.yml")


def _below(executable: ExecutableWorkflow, directory: Path, remote: PurePosixPath) -> Path:
    return directory / remote.relative_to(executable.paths.run)
