"""Runs with clustered jobs and with cleanup, on a pool that stays: failed, mended, resumed; and reused."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest
import stand_in_pegasus
import workflow_monitor
from own_service import Localec2Service
from roost_cli import Roost
from run_workflows import Task, write_workflow

from roost import Pool
from roost.errors import NotFoundError

pytestmark = pytest.mark.local

MAKE = [
    Task(name=f"make{n}", script=f"echo {n} > p{n}", outputs=[f"p{n}"], profiles="{pegasus: {label: m}}")
    for n in (1, 2)
]
USE = [
    Task(name=f"use{n}", script=f"cp p{n} u{n}", inputs=[f"p{n}"], outputs=[f"u{n}"], profiles="{pegasus: {label: u}}")
    for n in (1, 2)
]
LAST = Task(name="last", script="cat u1 u2 > result", inputs=["u1", "u2"], results=["result"])
FAILS = "echo not yet >&2; exit 3"


@pytest.fixture(scope="module")
def roost(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roost]:
    directory = tmp_path_factory.mktemp("again")
    (directory / "pool.yml").write_text("name: again\nworkers: {count: 1}\n")
    roost = Roost(service=localec2_service, directory=directory)
    try:
        up = roost("up", "pool.yml")
        assert up.returncode == 0, up.stderr
        yield roost
    finally:
        roost("down", "again", "--now", "--yes")


def test_clusters_and_cleanup_are_resumed(roost: Roost) -> None:
    """Twice: inside a clustered job, and after cleanup has removed what only done jobs had needed."""
    run = roost.directory / "runs" / "c"
    write_workflow(roost.directory, *MAKE, USE[0], replace(USE[1], script=FAILS), LAST)
    failed = roost(
        *("run", "workflow.yml", "--pool", "again", "--name", "c", "--cluster", "label", "--cleanup", "inplace")
    )
    assert failed.returncode == 4, failed.stderr
    assert "merge_u (workflow.yml:" in failed.stdout
    assert "not yet" in failed.stdout
    assert "task ID4" in failed.stdout
    assert sorted(path.name for path in (run / "scratch").iterdir() if path.suffix != ".sha256") == ["p1", "p2"]

    write_workflow(roost.directory, *MAKE, *USE, replace(LAST, script=FAILS))
    again = roost("run", "--resume", "c")
    assert again.returncode == 4, again.stderr
    assert "1 of 5 jobs are done already" in again.stderr
    assert "last_ID5 (" in again.stdout

    write_workflow(roost.directory, *MAKE, *USE, LAST)
    done = roost("run", "--resume", "c")
    assert done.returncode == 0, done.stderr
    assert "3 of 5 jobs are done already" in done.stderr
    assert (run / "output" / "result").read_text() == "1\n2\n"
    assert "small: 5 tasks done" in done.stdout
    log = (run / "submit" / "small-0.log").read_text()
    times = {name: log.count(f"DAG Node: {name}\n") for name in ("merge_m", "merge_u", "last_ID5")}
    assert times == {"merge_m": 1, "merge_u": 2, "last_ID5": 2}
    report = json.loads(roost("report", "c", "--json").stdout)
    assert (report["state"], report["dag_runs"]) == ("done", 3)
    assert report["tasks"] == {"total": 5, "done": 5, "failed": 0, "running": 0, "not_run": 0, "retries": 3}
    assert report["jobs"]["done"] == report["jobs"]["total"] == 5

    events = [json.loads(line) for line in (run / "events.jsonl").read_text().splitlines()]
    assert workflow_monitor.mistakes(events) == []
    assert set(workflow_monitor.last_states(events).values()) == {("JOB_SUCCESS", 0)}
    assert [line["exitcode"] for line in events if line.get("state") == "JOB_FAILURE"] == [3 << 8, 3 << 8]

    refused = roost("run", "--resume", "c", "--cluster", "none")
    assert refused.returncode == 2
    assert "a run that was begun keeps the plan that it has" in refused.stderr


def test_the_library_takes_the_same_options(roost: Roost, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the test above: its run has made `result`."""
    more = Task(name="more", script="cat result result > twice", inputs=["result"], results=["twice"])
    write_workflow(roost.directory, *MAKE, *USE, LAST, more)
    monkeypatch.chdir(roost.directory)
    for name, value in roost.environment.items():
        monkeypatch.setenv(name, value)
    with Pool.find("again") as pool:
        with pytest.raises(NotFoundError, match="nothing is known of what the run runs/absent has made"):
            pool.run("workflow.yml", reuse=["absent"])
        run = pool.run("workflow.yml", name="r", reuse="c", cluster="none", cleanup="none")
        assert run.jobs == 1
        run.wait()
        assert {path.name: path.read_text() for path in run.results} == {
            "result": "1\n2\n",
            "twice": "1\n2\n1\n2\n",
        }
        forced = pool.run("workflow.yml", name="f", reuse=["c"], force=True, cluster="label")
        assert forced.jobs == 4
        forced.wait()
        assert len(forced.attempts) == 4


def test_a_run_that_pegasus_plan_has_planned_is_attached_to_and_resumed(roost: Roost) -> None:
    """By a stand-in for it (see there), which the access point has from now on. DAGMan is the real one."""
    write_workflow(roost.directory, *MAKE, *USE, LAST)
    installed = roost("ssh", "again", "--", "sudo", "sh", "-c", stand_in_pegasus.installing())
    assert installed.returncode == 0, installed.stderr
    refused = roost("run", "workflow.yml", "--pool", "again", "--planner", "pegasus", "--reuse", "c")
    assert (refused.returncode, "--planner roost" in refused.stderr) == (2, True), refused.stderr

    begun = roost.interrupted(
        *("run", "workflow.yml", "--pool", "again", "--name", "p", "--force", "--cleanup", "none"),
        when="run the workflow",
        by=signal.SIGKILL,
    )
    assert "planned by Pegasus 5.1.2" in begun.stderr, begun.stderr
    run = roost.directory / "runs" / "p"
    assert json.loads((run / "run.json").read_text())["planner"] == "pegasus"
    attached = roost("run", "--attach", "p")
    assert attached.returncode == 4, attached.stdout + attached.stderr
    assert "use_ID2 (job): exit code 3, at the first attempt\n    not yet" in attached.stdout
    asked = (run / "submit" / "braindump.yml").read_text()
    assert (
        "--relative-submit-dir submit --sites ec2 --output-sites local --cluster label --force --cleanup none" in asked
    )

    mended = roost("ssh", "again", "--", "touch", "runs/p/mended")
    assert mended.returncode == 0, mended.stderr
    resumed = roost("run", "--resume", "p")
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert (run / "output" / "result").read_text() == "made\n"
    assert (run / "submit" / "small-0.dag.rescue001").is_file()
    report = json.loads(roost("report", "p", "--json").stdout)
    assert (report["state"], report["dag_runs"], report["jobs"]["done"]) == ("done", 2, 2)
    again = roost("run", "--resume", "p")
    assert (again.returncode, "nothing is left to run of p" in again.stderr) == (2, True), again.stderr
