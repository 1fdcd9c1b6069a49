"""shell (all stages): a run that the real planner plans, where it is on the access point.

Catalogs and files go there, pegasus-plan is called, pegasus-run hands its DAG to DAGMan; from then on the run is
followed, brought back and found again as any other.
"""

import tempfile
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path, PurePosixPath

from roost.errors import NotFoundError, RoostError, UsageError
from roost.pool.access_point import AccessPoint
from roost.verbs import bringing, following, places, pool_facts, sending
from roost.verbs.archiving import CATALOGS, write_texts
from roost.verbs.ground import Ground
from roost.verbs.loading import Planner, require_no_reuse
from roost.verbs.run_directory import RECORD, RunDirectory, RunRecord
from roost.verbs.runs import Run
from roost.workflow import pegasus, pegasus_failure, run_files, user_catalogs
from roost.workflow.clustering import Kind, wanted
from roost.workflow.failure import Failure
from roost.workflow.needs import Outline
from roost.workflow.pegasus import PROGRAM, Asked, PegasusPlan, PegasusRunning
from roost.workflow.pegasus_errors import refusal
from roost.workflow.pegasus_files import PegasusFiles, pegasus_files, without_catalogs
from roost.workflow.planning import Options
from roost.workflow.progress import Progress, dag_exit_code
from roost.workflow.run_paths import RunPaths
from roost.workflow.static_bp import from_dag

_PLAN_S = 6 * 3600.0  # 100,000 tasks take it minutes, with the drawing hours
_MONITORD_S = 60.0
_RESCUE = 'for file in "$1".rescue[0-9][0-9][0-9]; do :; done; [ ! -f "$file" ] || cat -- "$file"'
_SIZES = 'for file; do printf "%s\\n" "$(($(wc -c < "$file" 2>/dev/null || echo 0)))"; done'


class PegasusRun(Run):
    _is_flat = False

    def _failures(self, access_point: AccessPoint, progress: Progress) -> tuple[Failure, ...]:
        """From the files that Pegasus leaves; they come here first."""
        # pegasus-dagman stays until monitord has written what it knows: that is brought too
        following.until_left(access_point, self._record, timeout_s=_MONITORD_S)
        if not progress.failed:
            return ()
        bringing.bring_back(self._sent.paths, access_point, self._directory, is_flat=self._is_flat)
        return pegasus_failure.failures(run_files.read(self._directory.submit), progress, self._sent.paths.submit)

    def _bring_kept(self, access_point: AccessPoint, progress: Progress) -> None:
        """Nothing: its intermediate files are named in ways that only its plan knows, and stay where they are."""


def is_planner(ground: Ground, record: RunRecord) -> bool:
    """Whether the real planner plans, or has planned, this run."""
    match record.planner:
        case Planner.AUTO:
            with ground.access_point() as access_point:
                return _is_there(access_point)
        case planner:
            return planner == Planner.PEGASUS


def require_planner(executables: Collection[str]) -> None:
    """Raises NotFoundError where an image with these `executables` (absolute paths) does not have it."""
    if not any(path.endswith(f"/{PROGRAM}") for path in executables):
        raise _without_pegasus("the image")


def _is_there(access_point: AccessPoint) -> bool:
    return PROGRAM in pool_facts.programs_on(access_point, [PROGRAM])


def _without_pegasus(place: str) -> NotFoundError:
    return NotFoundError(
        f"{place} has no {PROGRAM}", "an image with Pegasus, as docs/pegasus.md says; or --planner roost"
    )


def begin_run(ground: Ground, directory: RunDirectory, record: RunRecord) -> Run:
    """Send, plan there, submit: DAGMan has it then."""
    remote = places.runs(ground.pool.spec) / directory.name
    record = replace(record, directory=str(remote), submissions=1, planner=Planner.PEGASUS)
    directory.save(record)
    with ground.access_point() as access_point:
        if not _is_there(access_point):
            raise _without_pegasus(ground.place)
        require_no_reuse(record.options)
        files, outline = _files(ground, access_point, Path(record.workflow), remote)
        write_texts(files.texts, directory.path / CATALOGS)
        ground.reporter.step(f"send the catalogs and {len(files.uploads)} files to {ground.place}")
        _send(files, access_point, remote)
        ground.reporter.step(f"plan {outline.tasks} tasks with {PROGRAM}")
        planned = _plan(files, access_point, remote, _with_clusters(outline, record.cluster), record.options)
        ground.reporter.note(f"planned by Pegasus {planned.version}")
        return _handed_over(ground, directory, replace(record, uuid=planned.uuid), planned, access_point)


def again(ground: Ground, directory: RunDirectory) -> Run:
    """What is left of it, where its files are: on the access point it was on.

    Raises UsageError where that is not this one, or where it has not ended.
    """
    record = directory.record
    with ground.access_point() as access_point:
        planned = _found(record, access_point)
        if planned is None:
            raise UsageError(
                f"the run {record.name} was planned by Pegasus on an access point that is not there any more, and its"
                " intermediate files were there",
                f"roost run {record.workflow} --name ANOTHER",
            )
        sending.require_ended(access_point, record)
        messages = access_point.run(["tail", "-c", "4000", "--", str(planned.submit / planned.dagman_out)]).stdout
        if dag_exit_code(messages) == 0:
            raise UsageError(
                f"nothing is left to run of {directory.name}: all its jobs are done", f"ls {directory.output}"
            )
        logs = [str(planned.submit / one) for one in (planned.dagman_log, planned.dagman_out)]
        log_bytes, dagman_out_bytes = map(int, access_point.run(["sh", "-c", _SIZES, "sh", *logs]).stdout.split())
        is_rescued = bool(_rescue(planned, access_point))
        if is_rescued:  # DAGMan would empty it in a moment, while it is being followed
            access_point.run(["mv", "-f", "--", logs[0], f"{logs[0]}.{record.submissions}"])
        record = replace(
            record,
            submissions=record.submissions + 1,
            log_bytes=0 if is_rescued else log_bytes,
            dagman_out_bytes=dagman_out_bytes,
        )
        return _handed_over(ground, directory, record, planned, access_point)


def attach(ground: Ground, directory: RunDirectory) -> Run:
    """As it is on this pool: followed if it was submitted, submitted if it was planned, begun if it was not."""
    record = directory.record
    with ground.access_point() as access_point:
        planned = _found(record, access_point)
        if planned is not None:
            return _handed_over(ground, directory, replace(record, uuid=planned.uuid), planned, access_point)
    ground.reporter.note(f"the run {record.name} has not been planned on {ground.place} yet")
    return begin_run(ground, directory, record)


def _handed_over(
    ground: Ground, directory: RunDirectory, record: RunRecord, planned: PegasusPlan, access_point: AccessPoint
) -> Run:
    """DAGMan gets it, once."""
    dag = access_point.run(["cat", str(planned.submit / planned.dag)], timeout_s=300).stdout
    running = PegasusRunning(
        plan=planned,
        graph=from_dag(dag.splitlines()),
        paths=RunPaths(run=PurePosixPath(record.directory)),
        done=pegasus.done_in_rescue(_rescue(planned, access_point)),
    )
    directory.save(record)
    access_point.put({str(record.remote / RECORD): directory.path / RECORD})
    sending.submit_by(pegasus.run_argv(planned), "pegasus-run", access_point, record, dagman_out=planned.dagman_out)
    return PegasusRun(ground, directory, record, running)


def _rescue(planned: PegasusPlan, access_point: AccessPoint) -> str:
    """The newest rescue DAG; empty where DAGMan wrote none."""
    return access_point.run(["sh", "-c", _RESCUE, "sh", str(planned.submit / planned.dag)], timeout_s=300).stdout


def _files(
    ground: Ground, access_point: AccessPoint, workflow: Path, remote: PurePosixPath
) -> tuple[PegasusFiles, Outline]:
    """What is to be planned, and from what."""
    spec = ground.pool.spec
    files = user_catalogs.read(workflow.parent, workflow)
    if files.workflow is None:
        raise RoostError(f"{workflow} was not read")
    wanted = files.needs
    programs = pool_facts.programs_of_image(spec, access_point, [one.name for one in wanted.transformations])
    text = without_catalogs(workflow.read_text(encoding="utf-8"), files.workflow)
    written = pegasus_files(
        files.entries,
        pool_facts.facts(spec, ground.site, programs),
        wanted,
        user_catalogs.beside(files, wanted),
        workflow=text,
        run=remote,
    )
    return written, files.outline


def _send(files: PegasusFiles, access_point: AccessPoint, remote: PurePosixPath) -> None:
    missing = [str(one.local) for one in files.uploads if not Path(one.local).is_file()]
    if missing:
        raise NotFoundError(
            f"catalogs name files that are not there: {', '.join(missing)}",
            "roost catalogs lint --planner pegasus says in which lines",
        )
    with tempfile.TemporaryDirectory(prefix="roost-plan-") as temporary:
        written = Path(temporary)
        write_texts(files.texts, written)
        for name in ("scratch", "output", "input"):
            (written / name).mkdir()
        uploads = {str(one.remote): Path(one.local) for one in files.uploads}
        access_point.put({str(remote): written, **uploads}, timeout_s=bringing.TRANSFER_S)


def _with_clusters(outline: Outline, asked: str) -> Outline:
    """`auto` is Roost's alone."""
    policy = wanted(asked)
    kinds = tuple(sorted(kind.value for kind in policy.kinds - {Kind.AUTO}))
    return outline if policy.by_profiles else replace(outline, clusterings=kinds)


def _plan(
    files: PegasusFiles, access_point: AccessPoint, remote: PurePosixPath, outline: Outline, options: Options
) -> PegasusPlan:
    asked = Asked(
        run=remote,
        sites=files.sites,
        staging_sites=files.staging_sites,
        clusterings=outline.clusterings,
        force=options.force,
        cleanup=options.cleanup,
        tasks=outline.tasks,
    )
    done = access_point.run(pegasus.plan_argv(asked), timeout_s=_PLAN_S)
    if done.exit_code != 0:
        raise refusal(f"{done.stderr}\n{done.stdout}", done.exit_code)
    return pegasus.planned(done.stdout)


def _found(record: RunRecord, access_point: AccessPoint) -> PegasusPlan | None:
    """What was planned of it on this access point."""
    braindump = access_point.run(["cat", str(RunPaths(run=record.remote).submit / "braindump.yml")])
    return pegasus.from_braindump(braindump.stdout) if braindump.exit_code == 0 and record.directory else None
