"""shell (files): ExecutableWorkflow -> the run's directory, written here and sent to the access point whole.

The paths in its texts are the access point's. What is already there from an earlier plan is overwritten.
"""

from importlib import resources
from pathlib import Path, PurePosixPath

from roost.workflow.dag import WRAPPER, texts
from roost.workflow.planner import ExecutableWorkflow


def write(executable: ExecutableWorkflow, directory: Path) -> None:
    """Write what belongs into `executable.paths.run`: `submit/` with its files, and empty directories for the rest."""
    for remote in executable.directories:
        _below(executable, directory, remote).mkdir(parents=True, exist_ok=True)
    submit = _below(executable, directory, executable.paths.submit)
    for name, text in texts(executable).items():
        (submit / name).write_text(text, encoding="utf-8")
    wrapper = submit / WRAPPER
    wrapper.write_text(
        resources.files("roost.workflow").joinpath("node", WRAPPER).read_text(encoding="utf-8"), encoding="utf-8"
    )
    wrapper.chmod(0o755)
    source = Path(executable.source)
    if source.is_file():
        (submit / "workflow.yml").write_bytes(source.read_bytes())


def _below(executable: ExecutableWorkflow, directory: Path, remote: PurePosixPath) -> Path:
    return directory / remote.relative_to(executable.paths.run)
