"""Workflows of workflows: one that is there, one that a task makes, a DAG; one that fails, and goes on."""

import json
import shutil
import signal
import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import platformdirs
import pytest
from hierarchies import Job, described, written
from own_service import Localec2Service
from pegasus_figures import counts, rows
from personal_pool import RUNS, started
from roost_cli import Roost
from test_pegasus_tools import counted, following, here

from roost.report.run_report import run_report
from roost.workflow import pegasus_tools, run_files, submit_dir
from roost.workflow.dag import submit_argv
from roost.workflow.executable import Site
from roost.workflow.nesting import all_uploads
from roost.workflow.planning import Options, planned
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load

pytestmark = pytest.mark.local

DEEP = {"make": Job(script="cat tmp part > deep", inputs=["tmp", "part"], results=["deep"])}
INNER = {
    "make": Job(script="echo inner > tmp; cat part > made", inputs=["part"], outputs=["tmp", "made"]),
    "below": Job(inner="deep.yml", inputs=["tmp", "part"], results=["deep"]),
    "more": Job(script="cat deep tmp > extra", inputs=["deep", "tmp"], results=["extra"]),
}
LATE = {
    "first": Job(script="cat part > tmp", inputs=["part"], outputs=["tmp"]),
    "second": Job(script="echo all went wrong >&2; exit 3", inputs=["tmp"], results=["late"]),
}
# As people write them: the files of their jobs are beside the DAG.
DAG = "JOB a a.sub\nJOB b b.sub\nPARENT a CHILD b\n"
SUBMIT = "universe = local\nexecutable = /bin/sh\narguments = \"-c '{script}'\"\nlog = dag.log\nqueue\n"


def hierarchy(directory: Path, *, late: str) -> Path:
    """`late`: the script of the task of a workflow that a task makes."""
    second = Job(script=late, inputs=LATE["second"].inputs, results=LATE["second"].results)
    made = described("late", {**LATE, "second": second}, directory / "programs")
    programs = made.pop("transformationCatalog")["transformations"]
    text = json.dumps(made, indent=1)
    outer = {
        "start": Job(
            script=f"echo outer > part; echo tmp > tmp; cat > late.yml <<'END'\n{text}\nEND",
            outputs=["part", "tmp", "late.yml"],
        ),
        "before": Job(inner="inner.yml", inputs=["part"], outputs=["made"], results=["deep"]),
        "later": Job(inner="late.yml", inputs=["part"], results=["late"]),
        "dag": Job(inner="small.dag", kind="condorWorkflow", inputs=["part", "a.sub", "b.sub"], outputs=["of_dag"]),
        "after": Job(
            script="cat made tmp late of_dag deep > all",
            inputs=["made", "tmp", "late", "of_dag", "deep"],
            results=["all"],
        ),
    }
    path = written(directory, {"outer": outer, "inner": INNER, "deep": DEEP})
    part, whole = SUBMIT.format(script="cat part > a.txt"), SUBMIT.format(script="cat a.txt a.txt > of_dag")
    add_replicas(path, {"small.dag": DAG, "a.sub": part, "b.sub": whole})
    top = json.loads(path.read_text())
    top["transformationCatalog"]["transformations"] += programs
    path.write_text(json.dumps(top, indent=1))
    return path


def add_replicas(workflow: Path, texts: dict[str, str]) -> None:
    top = json.loads(workflow.read_text())
    for name, text in texts.items():
        (workflow.parent / name).write_text(text)
        pfn = {"site": "local", "pfn": str(workflow.parent / name)}
        top["replicaCatalog"]["replicas"].append({"lfn": name, "pfns": [pfn]})
    workflow.write_text(json.dumps(top, indent=1))


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    (tmp_path / "pool.yml").write_text("workers: {count: 1}\n")
    return Roost(service=localec2_service, directory=tmp_path)


def test_one_fails_and_goes_on(roost: Roost) -> None:
    hierarchy(roost.directory, late="echo all went wrong >&2; exit 3")
    killed = roost.interrupted("run", "workflow.yml", "--name", "first", when="run the workflow", by=signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    failed = roost("run", "--attach", "first")
    assert failed.returncode == 4, failed.stderr
    assert "late.yml has been made and planned: 2 jobs more" in failed.stderr
    assert "late_ID3/second_ID2 (late.yml:" in failed.stdout
    assert "exit code 3, at the first attempt" in failed.stdout
    assert "all went wrong" in failed.stdout
    run = roost.directory / "runs" / "first"
    report = json.loads((run / "report.json").read_text())
    assert (report["tasks"]["done"], report["tasks"]["failed"], report["tasks"]["total"]) == (5, 1, 7)
    assert [one["job"] for one in report["failures"]] == ["late_ID3/second_ID2"]
    same_as_pegasus(roost, report, sub_workflows=(3, 1))

    hierarchy(roost.directory, late="cat tmp > late")
    resumed = roost("run", "--resume", "first")
    assert resumed.returncode == 0, resumed.stderr
    assert (run / "output" / "all").read_text() == "outer\ntmp\nouter\nouter\nouter\ninner\nouter\n"
    assert sorted(path.name for path in (run / "output").iterdir()) == ["all", "deep", "extra", "late"]
    log = (run / "submit" / "late_ID3.000" / "late-0.log").read_text()
    assert (log.count("DAG Node: first_ID1"), log.count("DAG Node: second_ID2")) == (1, 2)
    report = json.loads((run / "report.json").read_text())
    assert (report["tasks"]["done"], report["tasks"]["total"], report["state"]) == (7, 7, "done")
    same_as_pegasus(roost, report, sub_workflows=(4, 0))
    assert roost.left() == []


def same_as_pegasus(roost: Roost, report: dict[str, dict[str, int]], *, sub_workflows: tuple[int, int]) -> None:
    said = roost("pegasus", "statistics", "first", "-s", "all")
    assert said.returncode == 0, said.stderr
    found = counts(said.stdout)
    assert found["Jobs"] == counted(report["jobs"])
    assert found["Tasks"] == counted(report["tasks"])
    subs = found["Sub-Workflows"]
    assert (subs.succeeded, subs.failed) == sub_workflows


def test_what_cannot_be_planned_is_told_and_monitord_follows(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Live: it begins before the DAG does, and ends with it."""
    python = pegasus_tools.environment(platformdirs.user_cache_path("roost"), say=print)
    shared = tmp_path_factory.mktemp("hierarchy")
    bad = json.dumps(described("bad", {"one": Job(inputs=["nowhere"])}, shared / "programs"), indent=1)
    outer = {
        "make": Job(script=f"echo outer > part; cat > bad.yml <<'END'\n{bad}\nEND", outputs=["part", "bad.yml"]),
        "before": Job(inner="inner.yml", inputs=["part"], results=["deep"]),
        "wrong": Job(inner="bad.yml", inputs=["part"]),
        "dag": Job(inner="small.dag", kind="condorWorkflow", inputs=["a.sub"], outputs=["of_dag"]),
    }
    path = written(shared / "one", {"outer": outer, "inner": INNER, "deep": DEEP}, retries=1)
    add_replicas(path, {"small.dag": "JOB a a.sub\n", "a.sub": SUBMIT.format(script="exit 4")})
    paths = RunPaths(run=RUNS / "one" / "run")
    executable = planned(load(path), Site(), paths, Options(), uuid=str(uuid4()), planned_at=datetime.now(UTC))
    submit = here(shared, paths.submit)
    with started(request, runs=shared) as pool:
        submit_dir.write(executable, here(shared, paths.run))
        for upload in all_uploads(executable):
            shutil.copy(str(upload.local), here(shared, upload.remote))
        pool.own_runs()
        with following(pool, python, submit):
            pool.run(*submit_argv(executable))
            wait_for_end(submit / executable.dagman_out)
    history = run_files.read(submit)
    report = run_report(history, now=time.time())
    failed, dag = sorted(report.failures, key=lambda one: one.job)
    assert (dag.job, dag.exit_code, dag.attempts) == ("subdag_small_ID4", 1, 2)
    assert dag.reason == "the DAG small.dag failed (exit code 1); it goes on from small.dag.rescue002"
    assert any("failed with status 4" in line for line in dag.stderr)
    assert failed.job == "pegasus-plan_ID3"
    assert failed.reason.startswith("bad.yml cannot be planned")
    assert any("'nowhere' is used by 'ID1', made by no job" in line for line in failed.stderr)
    log = (submit / executable.dagman_out).read_text()
    assert log.count("Running PRE script of Node pegasus-plan_ID3") == 1  # a mistake stays one: no retry
    live = submit / "outer-0.stampede.db"
    jobs = "SELECT COUNT(*) FROM job_instance JOIN job USING (job_id) WHERE type_desc = 'compute'"
    assert rows(live, jobs) == [(report.jobs.done,)] == [(4,)]
    assert rows(live, "SELECT dax_label FROM workflow ORDER BY wf_id") == [("outer",), ("inner",), ("deep",)]


def wait_for_end(dagman_out: Path, timeout_s: float = 240) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if dagman_out.exists() and "EXITING WITH" in dagman_out.read_text():
            return
        time.sleep(0.5)
    raise TimeoutError(dagman_out.read_text()[-2000:] if dagman_out.exists() else "DAGMan did not begin")
