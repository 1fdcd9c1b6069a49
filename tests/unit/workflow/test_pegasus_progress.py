"""A run that Pegasus itself planned, followed as ours are: its DAG and DAGMan's event log, piece by piece."""

from pathlib import Path, PurePosixPath

import pytest

from roost.workflow import pegasus, pegasus_failure, run_files
from roost.workflow.attempts import JobState
from roost.workflow.pegasus import PegasusPlan, PegasusRunning
from roost.workflow.progress import Progress, begin, fold, fold_end, mark_done
from roost.workflow.run_paths import RunPaths
from roost.workflow.static_bp import from_dag

GOLDEN = Path(__file__).parent / "data" / "completed-run"


def _plan() -> PegasusPlan:
    plan = pegasus.from_braindump((GOLDEN / "braindump.yml").read_text())
    assert plan is not None
    return plan


def _running() -> PegasusRunning:
    plan = _plan()
    dag = (GOLDEN / plan.dag).read_text()
    return PegasusRunning(plan=plan, graph=from_dag(dag.splitlines()), paths=RunPaths(run=PurePosixPath("/r")))


def _log(running: PegasusRunning) -> str:
    return (GOLDEN / running.log).read_text()


def _folded(running: PegasusRunning, log: str) -> Progress:
    return fold(begin(running), log)


def test_what_its_braindump_tells() -> None:
    plan = _plan()
    assert (plan.name, plan.version, plan.dag) == ("diamond", "5.1.2", "diamond-0.dag")
    assert plan.uuid == "f5afc742-f89f-49b2-83d8-20e6040d930b"


@pytest.mark.parametrize("text", ["", "planner: roost\nwf_uuid: u\n", "[1]", "planner: /usr/bin/pegasus-plan\n"])
def test_what_is_no_braindump_of_pegasus_plan(text: str) -> None:
    assert pegasus.from_braindump(text) is None


def test_nothing_has_happened_yet() -> None:
    progress = begin(_running())
    assert len(progress.jobs) == 15
    assert list(progress.in_state[JobState.READY]) == ["create_dir_diamond_0_local"]
    assert progress.totals[JobState.WAITING] == 14


@pytest.mark.parametrize("piece", [7, 997, 10**9])
def test_to_its_end_however_the_log_arrives(piece: int) -> None:
    running = _running()
    log, progress = _log(running), begin(running)
    most_done = 0
    for at in range(0, len(log), piece):
        progress = fold(progress, log[at : at + piece])
        assert progress.totals[JobState.DONE] >= most_done
        most_done = progress.totals[JobState.DONE]
    assert progress.totals[JobState.DONE] == 15
    assert all(job.attempts[-1].exit_code == 0 for job in progress.jobs.values())
    assert progress.jobs["preprocess_ID0000001"].attempts[-1].host == "peg-pool"
    ended = fold_end(
        progress, "11/20/26 12:06:33 **** condor_scheduniv_exec.17.0 (condor_DAGMAN) EXITING WITH STATUS 0\n"
    )
    assert ended.is_success


def test_its_post_script_has_the_last_word() -> None:
    """A task without its success message is a failure for Pegasus, whatever the exit code of its job."""
    running = _running()
    events = _log(running).split("...\n")
    name = "analyze_ID0000004"
    refused = [
        one.replace("(return value 0)", "(return value 1)") if one.startswith("016") and name in one else one
        for one in events
    ]
    assert refused != events
    progress = _folded(running, "...\n".join(refused))
    assert progress.jobs[name].state is JobState.FAILED
    assert progress.failed == (progress.jobs[name],)


def test_a_failed_task_is_told_by_its_record_not_by_pegasuslite(tmp_path: Path) -> None:
    """The same run, but its last task ended with exit code 3 and said why."""
    record = "00/00/analyze_ID0000004.out.000"
    for path in GOLDEN.rglob("*"):
        if path.is_file() and "statistics" not in path.parts:
            target = tmp_path / path.relative_to(GOLDEN)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    text = (tmp_path / record).read_text()
    text = text.replace("raw: 0\n      regular_exitcode: 0", "raw: 768\n      regular_exitcode: 3")
    assert "regular_exitcode: 3" in text
    (tmp_path / record).write_text(text)
    nodes = tmp_path / _running().log
    nodes.write_text(
        "...\n".join(
            one.replace("(return value 0)", "(return value 3)")
            if one.startswith("016") and "analyze_ID" in one
            else one
            for one in nodes.read_text().split("...\n")
        )
    )
    progress = _folded(_running(), nodes.read_text())
    (failed,) = pegasus_failure.failures(run_files.read(tmp_path), progress, PurePosixPath("/r/submit"))
    assert (failed.job, failed.transformation, failed.at) == ("analyze_ID0000004", "analyze", "ID0000004")
    assert (failed.reason, failed.exit_code, failed.attempts) == ("exit code 3", 3, 1)
    assert failed.files[0] == PurePosixPath("/r/submit/00/00/analyze_ID0000004.err.000")


def test_what_a_rescue_dag_says_is_done_is_not_waited_for() -> None:
    running = _running()
    done = pegasus.done_in_rescue("# Rescue DAG file\nDONE create_dir_diamond_0_local\nDONE nobody\n")
    progress = mark_done(begin(running), done)
    assert progress.totals[JobState.DONE] == 1
    assert all(name.startswith("stage_in") for name in progress.in_state[JobState.READY])
    assert progress.totals[JobState.READY] == 3
    assert fold(progress, _log(running)).totals[JobState.DONE] == 15
