"""Reports of a run by the real Pegasus 5.1.2, and of made ones."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import BEGAN_AT, Shape, receipt, write

from roost.report.cells import cells
from roost.report.chain import longest_path
from roost.report.run_report import SCHEMA, RunReport, run_report, to_json
from roost.report.run_text import WIDTH, text
from roost.workflow import run_files

REAL = Path(__file__).parents[1] / "workflow" / "data" / "completed-run"
STATISTICS = {name: (REAL / "statistics" / f"{name}.txt").read_text() for name in ("summary", "breakdown")}
LATER = BEGAN_AT + 10_000_000.0


def reported(directory: Path, given: str | None = None) -> RunReport:
    return run_report(run_files.read(directory), now=LATER, receipt=json.loads(given) if given else None)


def made(directory: Path, shape: Shape) -> RunReport:
    write(directory / "submit", shape)
    return reported(directory)


def test_figures_are_those_of_pegasus_statistics() -> None:
    found = reported(REAL)
    said = dict(re.findall(r"^([A-Z].*?) +: (.*)$", STATISTICS["summary"], re.MULTILINE))
    assert said["Workflow wall time"] == "1 min, 27 secs"
    assert round(found.pegasus.wall_s) == 87
    assert said["Cumulative job wall time"] == f"{found.pegasus.job_wall_s:.2f} secs"
    assert said["Cumulative job wall time as seen from submit side"] == "1 min, 12 secs"
    assert found.pegasus.submit_side_s == 72
    assert (found.pegasus.badput_s, found.pegasus.submit_side_badput_s) == (0, 0)
    counts = dict(re.findall(r"^(Tasks|Jobs) +(\d+ .*?) *$", STATISTICS["summary"], re.MULTILINE))
    for kind, ours in (("Tasks", found.tasks), ("Jobs", found.jobs)):
        retried = ours.total + ours.retries
        numbers = (ours.done, ours.failed, ours.not_run + ours.running, ours.total, ours.retries, retried)
        assert counts[kind].split() == [str(number) for number in numbers]


def test_transformations_are_those_of_pegasus_statistics() -> None:
    rows = re.findall(r"^(\S+) +successful (\d+) +([\d.]+) +([\d.]+) +[\d.]+ +([\d.]+)", STATISTICS["breakdown"], re.M)
    theirs = {name: (int(count), float(low), float(high), float(total)) for name, count, low, high, total in rows}
    ours: dict[str, tuple[int, float, float, float]] = {}
    for row in reported(REAL).transformations:
        assert row.min_s is not None
        assert row.max_s is not None
        before = ours.get(row.transformation, (0, row.min_s, row.max_s, 0.0))
        low, high = min(before[1], row.min_s), max(before[2], row.max_s)
        ours[row.transformation] = (before[0] + row.tasks, low, high, round(before[3] + row.sum_s, 3))
    del theirs["dagman::post"]  # no job's
    assert ours == theirs


def test_the_chain_of_the_real_run() -> None:
    chain = reported(REAL).chain
    assert [link.job for link in chain.links] == [
        "create_dir_diamond_0_local",
        "stage_in_remote_local_0_0",
        "preprocess_ID0000001",
        "findrange_ID0000002",
        "analyze_ID0000004",
        "stage_out_local_local_2_0",
        "clean_up_local_level_6_0",
        "cleanup_diamond_0_local",
    ]
    preprocess = chain.links[2].parts
    assert (preprocess.dagman_s, preprocess.queued_s, preprocess.inputs_s, preprocess.running_s) == (2, 7, 1, 13)


SHAPES = st.builds(
    Shape,
    jobs=st.integers(1, 60),
    instances=st.integers(1, 3),
    wide=st.integers(1, 20),
    mean_s=st.floats(0.1, 100),
    failing=st.floats(0, 0.3),
    evicted=st.floats(0, 0.3),
    dead=st.integers(0, 1),
    seed=st.integers(0, 1000),
    records=st.booleans(),
)


@settings(deadline=None, max_examples=40)
@given(shape=SHAPES)
def test_what_always_holds(shape: Shape, tmp_path_factory: pytest.TempPathFactory) -> None:
    found = made(tmp_path_factory.mktemp("run"), shape)
    # every second of the run belongs to one part
    assert found.chain.parts.total_s == pytest.approx(found.makespan_s, abs=0.01)
    assert sum(link.parts.total_s for link in found.chain.links) <= found.makespan_s + 0.01
    # every task is somewhere
    for counts in (found.tasks, found.jobs):
        assert counts.total == counts.done + counts.failed + counts.running + counts.not_run == shape.jobs
    assert sum(row.tasks for row in found.transformations) == shape.jobs
    assert (found.state == "done") == (found.jobs.done == shape.jobs)
    # no schedule beats the bound
    assert found.bound.ratio is None or found.bound.ratio >= 1
    split = found.core_seconds
    parts = split.useful_s + split.overhead_s + split.badput_s + split.idle_s
    assert parts == pytest.approx(split.total_s, rel=0.01) or split.idle_s == 0
    assert (found.load.running[-1], found.load.waiting[-1]) == (0, 0)
    assert found.load.done[-1] == found.jobs.done
    assert all(cells(line) <= WIDTH for line in text(found).splitlines())
    assert json.loads(to_json(found))["schema"] == SCHEMA


def test_what_failed_and_why(tmp_path: Path) -> None:
    found = made(tmp_path, Shape(jobs=30, dead=2))
    assert (found.state, found.exit_code, found.jobs.failed) == ("failed", 1, 2)
    one = next(one for one in found.failures if one.job == "job29_ID29")
    assert (one.exit_code, one.attempts, one.stderr) == (3, 3, ("job29_ID29 went wrong",))
    assert one.files[0].endswith("job29_ID29.err.002")
    assert "failed: job29_ID29: exit code 3, 3 attempts on i-" in text(found)


def test_only_the_dag_is_left(tmp_path: Path) -> None:
    write(tmp_path, Shape(jobs=30))
    whole = reported(tmp_path)
    (tmp_path / "made-0.static.bp").unlink()
    found = reported(tmp_path)
    assert (found.tasks.total, found.jobs, found.makespan_s) == (30, whole.jobs, whole.makespan_s)
    assert found.chain.parts == whole.chain.parts


def test_estimated_and_real(tmp_path: Path) -> None:
    assert {row.stated_mean_s for row in made(tmp_path, Shape(jobs=30)).transformations} == {15.0}


def test_costs_come_from_the_receipt(tmp_path: Path) -> None:
    shape = Shape(jobs=30)
    write(tmp_path, shape)
    found = reported(tmp_path, receipt(shape, 300))
    assert {one.instance_type for one in found.instances} == {"c7i.large"}
    assert "cost: $0.03" in text(found)
    assert "execution points: boot 3%, busy 70%" in text(found)


def test_a_run_under_way(tmp_path: Path) -> None:
    """Half of the log is there, cut in the middle of a line."""
    write(tmp_path, Shape(jobs=60))
    log = (tmp_path / "made-0.log").read_text()
    (tmp_path / "made-0.log").write_text(log[: len(log) // 2])
    dagman = tmp_path / "made-0.dag.dagman.out"
    dagman.write_text(dagman.read_text().splitlines()[0] + "\n")
    found = run_report(run_files.read(tmp_path), now=BEGAN_AT + 3600.0)
    assert (found.state, found.makespan_s) == ("running", 3600)
    assert 0 < found.jobs.done < 60
    assert found.chain.parts.total_s == pytest.approx(3600)


def test_planned_and_never_run(tmp_path: Path) -> None:
    write(tmp_path, Shape(jobs=5))
    for name in ("made-0.log", "made-0.dag.dagman.out"):
        (tmp_path / name).unlink()
    found = reported(tmp_path)
    assert (found.state, found.jobs.not_run, found.chain.links) == ("planned", 5, ())
    assert "0 of 5 done, 5 not run" in text(found)


def test_a_run_that_was_resumed(tmp_path: Path) -> None:
    """The night between two runs of DAGMan is nobody's work."""
    write(tmp_path, Shape(jobs=4, wide=1, evicted=0, failing=0, mean_s=1))
    whole = reported(tmp_path)
    log = (tmp_path / "made-0.log").read_text()
    at = log.index("    DAG Node: job2_ID2")
    at = log.rindex("\n000 ", 0, at) + 1
    night = log[at:].replace("2026-11-20 20:", "2026-11-21 08:")
    (tmp_path / "made-0.log").write_text(log[:at] + night)
    began = "11/20/26 20:13:14 ** x (CONDOR_DAGMAN) STARTING UP\n11/20/26 20:14:14 ** x EXITING WITH STATUS 1\n"
    again = began.replace("11/20/26 20:13:14", "11/21/26 08:13:00").replace("11/20/26 20:14:14", "11/21/26 08:15:00")
    (tmp_path / "made-0.dag.dagman.out").write_text(began + again.replace("STATUS 1", "STATUS 0"))
    found = reported(tmp_path)
    assert (found.dag_runs, found.makespan_s, found.state) == (2, 180, "done")
    assert found.chain.parts.stopped_s == pytest.approx(12 * 3600 - 74, abs=2)
    assert found.chain.parts.running_s == pytest.approx(whole.chain.parts.running_s)


def test_a_log_in_local_time(tmp_path: Path) -> None:
    """Records say their zone; the event log of a submit machine in New York does not."""
    write(tmp_path, Shape(jobs=6))
    before = reported(tmp_path)
    log = (tmp_path / "made-0.log").read_text()
    (tmp_path / "made-0.log").write_text(log.replace("2026-11-20 20:", "2026-11-20 15:"))
    dagman = tmp_path / "made-0.dag.dagman.out"
    dagman.write_text(dagman.read_text().replace(" 20:", " 15:"))
    found = reported(tmp_path)
    assert replace(found, directory="") == replace(before, directory="")


CLUSTERED = """\
ts=0 event=task.info xwf.id=u task.id="ID1" transformation="sort"
ts=0 event=task.info xwf.id=u task.id="ID2" transformation="sort"
ts=0 event=task.info xwf.id=u task.id="ID3" transformation="sort"
ts=0 event=job.info xwf.id=u job.id="merge_sort_PID1_ID1" type_desc="compute" clustered="1" max_retries="0"
ts=0 event=wf.map.task_job xwf.id=u job.id="merge_sort_PID1_ID1" task.id="ID1"
ts=0 event=wf.map.task_job xwf.id=u job.id="merge_sort_PID1_ID1" task.id="ID2"
ts=0 event=wf.map.task_job xwf.id=u job.id="merge_sort_PID1_ID1" task.id="ID3"
"""
INVOCATION = """\
- invocation: True
  start: 2026-11-20T20:13:{second}.000+00:00
  duration: {seconds}
  transformation: sort
  derivation: {task}
  mainjob:
    start: 2026-11-20T20:13:{second}.000+00:00
    duration: {seconds}
    usage:
      utime: 0.5
      stime: 0.0
      maxrss: 2048
    status:
      raw: {raw}
      regular_exitcode: {code}
"""
JOB = """\
000 (001.000.000) 2026-11-20 20:13:14 Job submitted from host: <a>
    DAG Node: merge_sort_PID1_ID1
...
001 (001.000.000) 2026-11-20 20:13:16 Job executing on host: <a>
	SlotName: slot1_1@one
...
005 (001.000.000) 2026-11-20 20:13:24 Job terminated.
	(1) Normal termination (return value 3)
...
"""


def test_a_clustered_job_that_failed_half_way(tmp_path: Path) -> None:
    """One task ended well, one failed, one was not run any more."""
    (tmp_path / "c-0.static.bp").write_text(CLUSTERED)
    (tmp_path / "c-0.log").write_text(JOB)
    well = INVOCATION.format(second=16, seconds=4.0, task="ID1", raw=0, code=0)
    bad = INVOCATION.format(second=20, seconds=2.0, task="ID2", raw=768, code=3)
    summary = '[cluster-summary stat="fail", tasks=3, submitted=2, succeeded=1, failed=1, duration=6.0]\n'
    (tmp_path / "merge_sort_PID1_ID1.out.000").write_text(f"{well}{bad}{summary}")
    found = reported(tmp_path)
    assert (found.tasks.total, found.tasks.done, found.tasks.failed, found.tasks.not_run) == (3, 1, 1, 1)
    assert (found.jobs.total, found.jobs.failed) == (1, 1)
    (row,) = found.transformations
    assert (row.transformation, row.tasks, row.done, row.min_s, row.max_rss_mib) == ("sort", 3, 1, 4.0, 2.0)
    assert (found.pegasus.job_wall_s, found.pegasus.submit_side_badput_s) == (6.0, 8.0)


def test_the_jobs_of_a_sub_workflow_count(tmp_path: Path) -> None:
    """They may have the names of ours."""
    write(tmp_path, Shape(jobs=12, seed=1))
    before = reported(tmp_path)
    write(tmp_path / "00" / "inner" / "run0001", Shape(jobs=7, seed=2))
    found = reported(tmp_path)
    (inner,) = found.subworkflows
    assert (inner.name, inner.jobs.total, inner.state) == ("made", 7, "done")
    assert inner.directory == str(tmp_path / "00" / "inner" / "run0001")
    assert (before.jobs.total, found.jobs.total, found.tasks.total) == (12, 19, 19)
    assert sum(row.tasks for row in found.transformations) == 19
    assert "sub-workflow" in text(found)


def test_the_longest_path_of_a_wide_graph() -> None:
    weights = {f"n{number}": 1.0 for number in range(3000)}
    edges = tuple((f"n{number}", f"n{number + 1}") for number in range(2999))
    assert longest_path(weights, edges) == 3000


def test_a_job_that_htcondor_does_not_take(tmp_path: Path) -> None:
    """It is in no log of events; DAGMan says why, and how it went before does not count."""
    made(tmp_path, Shape(jobs=3, wide=3))
    submit = tmp_path / "submit"
    (submit / "made-0.log").write_text("")
    messages = submit / "made-0.dag.dagman.out"
    first = run_files.read(tmp_path).plan.jobs[0].name
    began, ended = messages.read_text().splitlines()
    stamp = began[:17]
    refused = [
        f"{stamp} Submitting node {{}} from file inline using direct job submission",
        f"{stamp} ERROR: on Line 3",
    ]
    lines = [began, refused[0].format("mended"), refused[1], began, refused[0].format(first), refused[1]]
    messages.write_text("\n".join([*lines, ended.replace("STATUS 0", "STATUS 1"), ""]))
    found = reported(tmp_path)
    assert (found.state, found.jobs.failed, found.jobs.not_run) == ("failed", 1, 2)
    (failure,) = found.failures
    assert (failure.job, failure.stderr) == (first, ("on Line 3",))
    assert failure.reason.startswith("HTCondor did not take it")
    assert "the run took" not in text(found)
