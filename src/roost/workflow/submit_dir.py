"""shell (files): ExecutableWorkflow -> the run's directory, written here and sent to the access point whole.

The paths in its texts are the access point's. What is already there from an earlier plan is overwritten.
"""

import shutil
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path, PurePosixPath

from roost.workflow.dag import CHORES, DAGMAN_CONFIG, DAGMAN_SETTINGS, ads, dag_lines, for_monitord, shapes
from roost.workflow.dag_parts import (
    DAG_FILES,
    DAG_STARTER,
    DAG_STARTER_TEXT,
    PLANNING,
    PLANNING_TEXT,
    STARTER,
    STARTER_TEXT,
    part_for_monitord,
)
from roost.workflow.executable import ExecutableWorkflow
from roost.workflow.nesting import members
from roost.workflow.planner_archive import planner_archive
from roost.workflow.properties import Data
from roost.workflow.stampede import braindump, static_events
from roost.workflow.tries import TRIES
from roost.workflow.wrapper import WRAPPER, wrapper

RESULTS = "results"  # beside the submit directory: a file for each result, in it the name of the workflow that makes it
CONTEXT = "context.json"  # of a part that is planned later
_NODE = resources.files("roost.workflow").joinpath("node")


def texts(executable: ExecutableWorkflow, more: dict[str, str] | None = None) -> Mapping[str, Iterable[str]]:
    """File name in the submit directory: its text, in pieces. `more` gets other files, once the DAG has been taken."""
    return {
        executable.dag: dag_lines(executable, more),
        DAGMAN_CONFIG: _dagman_config(executable.dagman),
        "braindump.yml": [braindump(executable)],
        f"{executable.stem}.static.bp": static_events(executable),
        TRIES: [],
        **{name: [for_monitord(executable, shape)] for name, shape in shapes(executable).items()},
        f"{executable.stem}.notify": [],
        **_of_parts(executable),
        "pegasus.properties": [f"pegasus.data.configuration = {_data(executable)}\n"],
    }


def _dagman_config(settings: Mapping[str, str]) -> list[str]:
    return [DAGMAN_SETTINGS, *(f"{key} = {value}\n" for key, value in settings.items())]


def _data(executable: ExecutableWorkflow) -> Data:
    if executable.paths.shared is None:
        return Data.CONDORIO
    return Data.SHAREDFS if executable.paths.shared.how == "here" else Data.NONSHAREDFS


def _of_parts(executable: ExecutableWorkflow) -> dict[str, Iterable[str]]:
    """What workflows that are parts of it need beside its own files."""
    nodes = [job for job in executable.jobs if job.kind.is_workflow] if executable.has_parts else []
    return {f"{job.name}.sub": [part_for_monitord(executable, job, ads(executable, job.shape))] for job in nodes}


def programs(executable: ExecutableWorkflow) -> Mapping[str, bytes]:
    """What jobs run, by its name in the submit directory."""
    found = {WRAPPER: wrapper()}
    if any(not job.tasks for job in executable.jobs):
        found[CHORES] = _NODE.joinpath(CHORES).read_bytes()
    if executable.has_parts:
        found[STARTER] = STARTER_TEXT.encode()
    if executable.dags:
        found[DAG_STARTER] = DAG_STARTER_TEXT.encode()
    if executable.deferred:
        found[PLANNING] = PLANNING_TEXT.encode()
    return found


def write(executable: ExecutableWorkflow, directory: Path) -> None:
    """Write what belongs into `executable.paths.run`: `submit/` with its files, and empty directories for the rest."""
    write_all(executable, directory, executable.paths.run)
    if any(member.workflow.deferred for member in members(executable)):
        _claim_results(executable, directory / RESULTS)
        planner = directory / executable.paths.planner.relative_to(executable.paths.run)
        planner.write_bytes(planner_archive())


def _claim_results(executable: ExecutableWorkflow, directory: Path) -> None:
    """So that a workflow that is planned later does not make files of these names."""
    directory.mkdir(exist_ok=True)
    for member in members(executable):
        for place in member.workflow.results.values():
            (directory / place.name).write_text("/".join(member.workflow.around.path))


def write_all(executable: ExecutableWorkflow, directory: Path, run: PurePosixPath) -> None:
    """All its workflows; `directory` is where `run` of the access point is here."""
    for member in members(executable):
        _write(member.workflow, directory, run)


def _write(executable: ExecutableWorkflow, directory: Path, run: PurePosixPath) -> None:
    for remote in executable.directories:
        (directory / remote.relative_to(run)).mkdir(parents=True, exist_ok=True)
    submit = directory / executable.paths.submit.relative_to(run)
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
        (directory / executable.remote_checkpoint(name).relative_to(run)).touch()
    for dag in executable.dags.values():
        place = directory / dag.paths.submit.relative_to(run)
        (place / DAG_FILES).write_text(dag.files, encoding="utf-8")
        (place / DAGMAN_CONFIG).write_text("".join(_dagman_config(dag.dagman)), encoding="utf-8")
    for later in executable.deferred.values():
        (directory / (later.paths.submit / CONTEXT).relative_to(run)).write_text(later.context, encoding="utf-8")
    source = Path(executable.source)
    if source.is_file():
        shutil.copyfile(source, submit / "workflow.yml")
