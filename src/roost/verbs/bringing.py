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
from roost.workflow.executable import ExecutableWorkflow, RunPaths
from roost.workflow.progress import Progress
from roost.workflow.replicas import Replica

TRANSFER_S = 6 * 3600.0
_KEPT = "kept"  # beside the submit directory: hard links to the intermediate files that are to come here
_NUL = "\0"
_LINK = 'rm -rf -- "$1" && mkdir -- "$1" && cd -- "$2" && { xargs -0 -r ln -t "$1" -- 2>/dev/null; du -sb -- "$1"; }'


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
        if stored.is_file() and target != stored:
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
    paths = executable.paths
    done = resuming.done_in(progress)
    left = [job.name for job in executable.jobs if job.name not in done]
    wanted = [one for one in resuming.needed(executable, left) if one.is_relative_to(paths.scratch)]
    if not wanted:
        return
    kept = paths.run / _KEPT
    names = _NUL.join(str(one.relative_to(paths.scratch)) for one in wanted).encode()
    linked = access_point.run(["sh", "-c", _LINK, "sh", str(kept), str(paths.scratch)], input=names, timeout_s=600)
    size = linked.stdout.split()
    many = f"{len(wanted)} intermediate files" if len(wanted) > 1 else "1 intermediate file"
    say(f"bring {many} ({int(size[0]) / 1e6 if size else 0:.1f} MB) for --resume")
    access_point.get(str(kept), directory.scratch, timeout_s=TRANSFER_S)
    access_point.run(["rm", "-rf", "--", str(kept)])


def kept_at(executable: ExecutableWorkflow, directory: RunDirectory, remote: PurePosixPath) -> Path:
    """Where a file of the access point is on this machine, if it was brought back."""
    paths = executable.paths
    if remote.is_relative_to(paths.output):
        return directory.output / unquote(remote.name)
    return directory.scratch / remote.relative_to(paths.scratch)
