"""A run's events, as Pegasus' workflow-monitor reads them (its replay.py): a header, a roster, states in order."""

import json
from pathlib import Path

import pytest
import workflow_monitor
from test_submit_dir import hello

from roost.workflow.events import About, Try, events, text
from roost.workflow.history import DagRun
from roost.workflow.stampede import static_events
from roost.workflow.static_bp import from_static_bp

LOG = (Path(__file__).parent / "data" / "retry.log").read_text().replace("DAG Node: B", "DAG Node: analyze_ID0000004")
RUN = DagRun(started_at=1795204960.0, ended_at=1795204970.0, exit_code=1)
NAME = "analyze_ID0000004"


def lines(*, block: int = 1 << 20, runs: tuple[DagRun, ...] = (RUN,)) -> list[dict[str, object]]:
    blocks = [LOG[start : start + block] for start in range(0, len(LOG), block)]
    about = About(uuid="u", label="hello", user="roost", planner_version="5", submit_dir="/runs/a/submit")
    tries = {(NAME, 2): Try(stdout=f"{NAME}.out.001", peak_kib=1234)}
    written = text(events(about, from_static_bp(static_events(hello())), blocks, runs, tries))
    return [json.loads(line) for line in written]


def test_header_and_roster_come_first() -> None:
    found = lines()
    assert [line["event_type"] for line in found[:3]] == ["workflow_start", "jobs_init", "workflow_state"]
    assert found[0]["dax_label"] == "hello"
    assert found[0]["wf_start"] == RUN.started_at
    roster = found[1]["jobs"]
    assert isinstance(roster, list)
    assert roster[3] == {
        "job_id": 4,
        "exec_job_id": NAME,
        "type_desc": "compute",
        "transformation": "analyze",
    }
    assert {line["wf_uuid"] for line in found} == {"u"}


def test_each_try_is_an_instance() -> None:
    states = [line for line in lines() if line["event_type"] == "job_state" and line["exec_job_id"] == NAME]
    once = ["SUBMIT", "EXECUTE", "JOB_TERMINATED", "JOB_FAILURE"]
    assert [line["state"] for line in states] == once * 2
    assert [line["jobstate_submit_seq"] for line in states] == [1, 2, 3, 4] * 2
    assert len({line["job_instance_id"] for line in states}) == 2
    assert [line.get("exitcode") for line in states] == [None, None, 768, 768] * 2
    assert [line.get("maxrss") for line in states] == [None] * 6 + [1234] * 2
    assert states[-1]["stdout_file"] == f"{NAME}.out.001"


def test_end() -> None:
    last = lines()[-1]
    assert last["event_type"] == "workflow_end"
    assert (last["wf_status"], last["total_jobs"], last["failed"], last["elapsed"]) == (1, 4, 1, 10.0)


def test_a_run_that_goes_on_has_no_end() -> None:
    found = lines(runs=(DagRun(started_at=RUN.started_at),))
    assert "workflow_end" not in {line["event_type"] for line in found}


def test_blocks_may_be_cut_anywhere() -> None:
    assert lines(block=7) == lines()


@pytest.mark.parametrize("runs", [(RUN,), (DagRun(started_at=RUN.started_at),), (RUN, RUN.moved(60))])
def test_workflow_monitor_can_replay_them(runs: tuple[DagRun, ...]) -> None:
    found = lines(runs=runs)
    assert workflow_monitor.mistakes(found) == []
    assert workflow_monitor.last_states(found)[NAME] == ("JOB_FAILURE", 768)


@pytest.mark.parametrize(
    ("number", "change", "said"),
    [
        (0, {"event_type": "workflow_state"}, "the first event is no workflow_start"),
        (1, {"total_jobs": 7}, "4 jobs, and total_jobs says 7"),
        (2, {"status": "0"}, "status cannot be '0'"),
        (3, {"timestamp": 0}, "not in the order of time"),
        (3, {"state": "RUNNING"}, "unknown state 'RUNNING'"),
        (3, {"job_id": 2}, "is not in the roster as 2"),
        (-1, {"usd": 1.0}, "has usd, which nobody knows"),
    ],
)
def test_what_it_could_not_replay_is_found(number: int, change: dict[str, object], said: str) -> None:
    found = lines()
    found[number] = {**found[number], **change}
    assert any(said in one for one in workflow_monitor.mistakes(found))
