"""shell (the access point): a run's directory goes to the access point, and DAGMan gets it. Each can be done twice.

In: an ExecutableWorkflow and the run's directory here. Out: both there. What of it is there is said by the record that
is sent last.
"""

import shutil
import tempfile
from collections.abc import Collection, Sequence
from enum import StrEnum
from pathlib import Path, PurePosixPath

from roost.errors import RoostError, UsageError
from roost.pool.access_point import AccessPoint
from roost.verbs import bringing
from roost.verbs.run_directory import RECORD, RunDirectory, RunRecord
from roost.workflow import resuming, submit_dir
from roost.workflow.dag import submit_argv
from roost.workflow.executable import ExecutableWorkflow
from roost.workflow.nesting import all_uploads, members
from roost.workflow.run_paths import RunPaths

# Once, whoever calls it and however often: submitted when it is not in the queue, and has not ended since it was sent.
_SUBMIT = """\
cd "$1" || exit 1
exec 9> .roost-submit.lock
flock 9
queued=$(condor_q -constraint "$2" -af ClusterId) || exit 1
[ -z "$queued" ] || exit 0
[ ! -f "$3" ] || [ "$(wc -c < "$3")" -le "$4" ] || exit 0
shift 4
"$@" 9>&-
"""


class Whereabouts(StrEnum):
    """What an access point has of a run."""

    NOTHING = "nothing"
    SENT = "sent"  # whole, and DAGMan may have it


def send(
    executable: ExecutableWorkflow,
    access_point: AccessPoint,
    directory: RunDirectory,
    *,
    left: Collection[str] | None = None,
) -> None:
    """The run's directory with its inputs goes there. What says that it is whole goes last.

    `left`: the jobs that have to run, where the others are done; what they take from those is sent too.
    """
    paths = executable.paths
    with tempfile.TemporaryDirectory(prefix="roost-plan-") as temporary:
        written = Path(temporary)
        submit_dir.write(executable, written)
        shutil.copytree(written / paths.submit.name, directory.submit, dirs_exist_ok=True)
        shutil.rmtree(written / paths.submit.name)
        for lock in directory.submit.rglob("*.lock"):  # a DAGMan's, which does not run any more
            lock.unlink()
        kept = {}
        if left is not None:
            _write_rescues(executable, directory, left)
            here = bringing.Kept(executable, directory)
            kept = {str(remote): here.at(remote) for remote in resuming.needed(executable, left)}
            for remote in resuming.checkpoints(executable, left):
                if not kept[str(remote)].exists():
                    del kept[str(remote)]  # the empty one that was written says that there is none
        uploads = {str(upload.remote): Path(upload.local) for upload in all_uploads(executable)}
        there = {str(paths.run): written, str(paths.submit): directory.submit, **uploads, **kept}
        _make_shared(executable, access_point)
        access_point.put(there, timeout_s=bringing.TRANSFER_S)
    access_point.put({str(paths.run / RECORD): directory.path / RECORD})


def _make_shared(executable: ExecutableWorkflow, access_point: AccessPoint) -> None:
    """The directories on what all instances see, for all accounts that jobs run in."""
    shared = executable.paths.shared
    if shared is None:
        return
    below = {(shared.place / place).parent for place in executable.places.values()}
    names = "\0".join(map(str, {shared.place, *below})).encode()
    made = access_point.run(["sh", "-c", "umask 0; xargs -0 mkdir -p --"], input=names)
    if made.exit_code != 0:
        raise RoostError(
            f"{shared.place} cannot be made on the file system that the instances share: {made.stderr.strip()}",
            "roost ssh, then look at it: df; ls -l",
        )


def _write_rescues(executable: ExecutableWorkflow, directory: RunDirectory, left: Collection[str]) -> None:
    """DAGMan of each workflow of the run goes on from there."""
    for prefix, _, workflow in members(executable):
        submit = directory.submit / executable.paths.submit_of(workflow.paths)
        mine = [job.name for job in workflow.jobs if prefix + job.name in left]
        rescue = resuming.rescue_name(workflow, [path.name for path in submit.iterdir()])
        (submit / rescue).write_text(resuming.rescue_text(workflow, mine))


def require_ended(access_point: AccessPoint, record: RunRecord) -> None:
    """Raises UsageError where DAGMan has it."""
    if access_point.run(["condor_q", "-constraint", in_queue(record), "-af", "ClusterId"]).stdout.strip():
        raise UsageError(
            f"the run {record.name} has not ended: DAGMan is at work on it", f"roost run --attach {record.name}"
        )


def whereabouts(record: RunRecord, access_point: AccessPoint) -> Whereabouts:
    if not record.directory:
        return Whereabouts.NOTHING
    found = read_record(access_point, record.remote)
    is_sent = found is not None and (found.uuid, found.submissions) == (record.uuid, record.submissions)
    return Whereabouts.SENT if is_sent else Whereabouts.NOTHING


def read_record(access_point: AccessPoint, run: PurePosixPath) -> RunRecord | None:
    """That of a run which was sent whole."""
    try:
        return RunRecord.from_json(access_point.run(["cat", str(run / RECORD)]).stdout)
    except ValueError:
        return None


def submit(executable: ExecutableWorkflow, access_point: AccessPoint, record: RunRecord) -> None:
    """DAGMan gets it, if it has not got it already."""
    submit_by(submit_argv(executable), "condor_submit_dag", access_point, record, dagman_out=executable.dagman_out)


def submit_by(
    submitting: Sequence[str], program: str, access_point: AccessPoint, record: RunRecord, *, dagman_out: str
) -> None:
    """By a command of that `program`'s; it runs in the submit directory."""
    directory = RunPaths(run=record.remote).submit
    argv = ["sh", "-c", _SUBMIT, "sh", str(directory), in_queue(record), dagman_out]
    started = access_point.run([*argv, str(record.dagman_out_bytes), *submitting], timeout_s=300)
    if started.exit_code != 0:
        said = (started.stderr.strip() or started.stdout.strip()).splitlines()
        raise RoostError(
            f"{program} refused the workflow: {' / '.join(said[-3:])}", f"roost ssh, then look into {directory}"
        )


def in_queue(record: RunRecord) -> str:
    """The constraint that the run's DAGMan fulfils."""
    return f'JobUniverse == 7 && DAGManJobId =?= undefined && pegasus_wf_uuid == "{record.uuid}"'
