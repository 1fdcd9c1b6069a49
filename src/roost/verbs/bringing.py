"""shell (the access point): what a run has made comes here: outputs, logs, and what the rest of it would need.

Never: intermediate files of a run that came to its end.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import unquote

from roost.pool.access_point import AccessPoint
from roost.verbs.run_directory import MADE, RunDirectory
from roost.workflow import resuming
from roost.workflow.catalog_text import made_text
from roost.workflow.executable import ExecutableWorkflow
from roost.workflow.progress import Progress
from roost.workflow.replicas import Replica
from roost.workflow.run_paths import RunPaths

TRANSFER_S = 6 * 3600.0
_KEPT = "kept"  # beside the submit directory: links to the intermediate files that are to come here
_NUL = "\0"
# Links to those that are there; how large these are. What is gone with an instance is made again.
_LINK = 'mkdir -p -- "$1" && xargs -0 -r cp -s -t "$1" -- 2>/dev/null; du -sbL -- "$1"'


def bring_back(paths: RunPaths, access_point: AccessPoint, directory: RunDirectory, *, is_flat: bool) -> None:
    """Outputs to `output/`, the submit directory with its logs to `submit/`. `is_flat`: as Roost's planner has them."""
    access_point.get(str(paths.output), directory.output, timeout_s=TRANSFER_S)
    if is_flat:
        _unfold(directory.output)
    access_point.get(str(paths.submit), directory.submit, timeout_s=TRANSFER_S)
    made = {path.relative_to(directory.output).as_posix(): str(path.absolute()) for path in directory.results}
    (directory.path / MADE).write_text(made_text(made), encoding="utf-8")


def take_reused(reused: Mapping[str, Replica], directory: RunDirectory) -> None:
    """Results that were there before belong to the run's as well."""
    for lfn, where in reused.items():
        target = directory.output / lfn
        if where.local is not None and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(where.local, target)


def _unfold(output: Path) -> None:
    """The results under their logical names, directories and all; on the access point they lie flat."""
    for stored in list(output.iterdir()) if output.is_dir() else ():
        target = output / unquote(stored.name)
        if target != stored:  # a directory too
            target.parent.mkdir(parents=True, exist_ok=True)
            stored.replace(target)


def bring_kept(
    executable: ExecutableWorkflow,
    access_point: AccessPoint,
    directory: RunDirectory,
    progress: Progress,
    *,
    say: Callable[[str], None],
) -> None:
    """Of a run that did not come to its end: the intermediate files that the rest of it needs, and no others."""
    done = resuming.done_in(progress)
    left = [name for name in progress.jobs if name not in done]
    here = Kept(executable, directory)
    wanted = [one for one in resuming.needed(executable, left) if not here.at(one).is_relative_to(directory.output)]
    if not wanted:
        return
    kept = str(executable.paths.run / _KEPT)
    access_point.run(["rm", "-rf", "--", kept])
    by_place: dict[str, list[PurePosixPath]] = {}
    for one in wanted:
        by_place.setdefault(str(here.at(one).relative_to(directory.path).parent), []).append(one)
    size = 0
    for place, remotes in by_place.items():
        names = _NUL.join(map(str, remotes)).encode()
        linked = access_point.run(["sh", "-c", _LINK, "sh", f"{kept}/{place}"], input=names, timeout_s=600)
        size += int(linked.stdout.split()[0])
    many = f"{len(wanted)} intermediate files" if len(wanted) > 1 else "1 intermediate file"
    say(f"bring {many} ({size / 1e6:.1f} MB) for --resume")
    access_point.get(kept, directory.path, timeout_s=TRANSFER_S)
    access_point.run(["rm", "-rf", "--", kept])


class Kept:
    """Where a run's files of the access point are on this machine, if they were brought back."""

    def __init__(self, executable: ExecutableWorkflow, directory: RunDirectory) -> None:
        self._paths, self._directory = executable.paths, directory
        shared = executable.paths.shared is not None
        self._results = {executable.remote(lfn): lfn for lfn in executable.results} if shared else {}

    def at(self, remote: PurePosixPath) -> Path:
        if remote.is_relative_to(self._paths.output):
            return self._directory.output / unquote(remote.name)
        if (result := self._results.get(remote)) is not None:  # what jobs took was another copy of it
            return self._directory.output / result
        if self._paths.shared is not None and remote.is_relative_to(self._paths.files):
            return self._directory.scratch / remote.relative_to(self._paths.files)
        return self._directory.path / remote.relative_to(self._paths.run)


def clear_shared(executable: ExecutableWorkflow, access_point: AccessPoint) -> None:
    """A run that came to its end leaves nothing for `down` to ask about: its results are here."""
    if shared := executable.paths.shared:
        access_point.run(["sudo", "-n", "rm", "-rf", "--", str(shared.place)], timeout_s=600)
