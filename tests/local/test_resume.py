"""Runs that did not come to their end: resumed on another pool, attached to by another roost."""

import json
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import Roost
from run_workflows import Task, write_workflow

pytestmark = pytest.mark.local


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    (tmp_path / "pool.yml").write_text("workers: {count: 1}\n")
    return Roost(service=localec2_service, directory=tmp_path)


def test_a_failed_run_is_mended_and_resumed_on_a_new_pool(roost: Roost) -> None:
    """What is done is not done again, what it made has come along; tries are counted on."""
    tasks = [
        Task(name="make", script="echo made once > part; date +%N > result", outputs=["part"], results=["result"]),
        Task(
            name="use",
            script="echo not yet >&2; echo tried >> state; exit 3",
            inputs=["part"],
            results=["used"],
            checkpoints=["state"],
        ),
    ]
    write_workflow(roost.directory, *tasks, retries=1)
    with (roost.directory / "pegasus.properties").open("a") as properties:
        properties.write("pegasus.data.configuration = nonsharedfs\n")
    failed = roost("run", "workflow.yml", "--name", "first")
    assert failed.returncode == 4, failed.stderr
    assert "share no file system: HTCondor moves the files" in failed.stderr
    assert "use_ID2 (workflow.yml:10): exit code 3, after 2 attempts" in failed.stdout
    assert "not yet" in failed.stdout
    assert "roost run --resume first" in failed.stderr
    assert roost.left() == []
    run = roost.directory / "runs" / "first"
    assert (run / "scratch" / "part").read_text() == "made once\n"
    made = (run / "output" / "result").read_text()

    another = [*tasks, Task(name="more", script="true", inputs=["used"])]
    write_workflow(roost.directory, *another)
    refused = roost("run", "--resume", "first")
    assert refused.returncode == 2
    assert "more_ID3 is new" in refused.stderr
    assert roost.left() == []

    mended = replace(tasks[1], script="cat part state > used")
    write_workflow(roost.directory, tasks[0], mended)
    resumed = roost("run", "--resume", "runs/first")
    assert resumed.returncode == 0, resumed.stderr
    assert "1 of 2 jobs are done already" in resumed.stderr
    assert (run / "output" / "used").read_text() == "made once\ntried\ntried\n", "it goes on from its checkpoint"
    assert (run / "output" / "result").read_text() == made
    assert (run / "submit" / "small-0.dag.rescue001").exists()
    log = (run / "submit" / "small-0.log").read_text()
    assert log.count("DAG Node: make_ID1") == 1
    assert log.count("DAG Node: use_ID2") == 3
    assert json.loads((run / "receipt.json").read_text())["attempts"] == {"ok": 1, "failed": 0, "evicted": 0}
    assert json.loads((run / "receipt-1.json").read_text())["attempts"] == {"ok": 1, "failed": 2, "evicted": 0}
    assert roost.left() == []

    again = roost("run", "--resume", "first")
    assert again.returncode == 2
    assert "nothing is left to run" in again.stderr
    assert roost.left() == []


def test_killed_followed_by_another_interrupted_and_resumed(roost: Roost) -> None:
    """Its directory is lost too. What was done when the pool went is not done again."""
    part = Task(name="make", script="echo made > part", outputs=["part"])
    slow = Task(name="slow", script="[ -e fast ] || sleep 300; cp part result", inputs=["part"], results=["result"])
    write_workflow(roost.directory, part, slow)
    killed = roost.interrupted("run", "workflow.yml", "--name", "mine", when="run the workflow", by=signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert roost.left() != []
    shutil.rmtree(roost.directory / "runs")

    attached = roost.interrupted("run", "--attach", "mine", when="1 of 2 jobs done, 1 running", by=signal.SIGINT)
    assert attached.returncode == 130, attached.stderr
    assert "found on the pool small-" in attached.stderr
    assert "end the run mine, and bring here what is done" in attached.stderr
    assert roost.left() == []
    run = roost.directory / "runs" / "mine"
    assert (run / "scratch" / "part").read_text() == "made\n"
    assert json.loads((run / "receipt.json").read_text())["attempts"]["ok"] == 1

    late = roost("run", "--attach", "mine")
    assert late.returncode == 3
    assert "too late: the pool small-" in late.stderr
    assert "roost run --resume mine" in late.stderr

    write_workflow(roost.directory, part, replace(slow, script="cp part result"))
    resumed = roost("run", "--resume", "mine")
    assert resumed.returncode == 0, resumed.stderr
    assert "1 of 2 jobs are done already" in resumed.stderr
    assert (run / "output" / "result").read_text() == "made\n"
    log = (run / "submit" / "small-0.log").read_text()
    assert log.count("DAG Node: make_ID1") == 1
    assert log.count("DAG Node: slow_ID2") == 2
    assert roost.left() == []
