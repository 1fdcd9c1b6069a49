"""`roost run` from nothing to results, and every way in which it can end."""

import json
import signal
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import EXAMPLES, Roost

pytestmark = pytest.mark.local

FAILING = """\
pegasus: "5.0.4"
name: failing
transformationCatalog:
  transformations:
    - name: good
      sites: [{name: condorpool, pfn: /bin/true, type: installed}]
    - name: bad
      sites: [{name: condorpool, pfn: /bin/ls, type: installed}]
jobs:
  - {type: job, name: good, id: ID1, arguments: [], uses: []}
  - {type: job, name: bad, id: ID2, arguments: [/there-is-no-such-directory], uses: []}
jobDependencies:
  - {id: ID1, children: [ID2]}
"""
HELD = """\
pegasus: "5.0.4"
name: held
transformationCatalog:
  transformations:
    - name: sleep
      sites: [{name: condorpool, pfn: /bin/sleep, type: installed}]
jobs:
  - type: job
    name: sleep
    id: ID1
    arguments: ["300"]
    uses: []
    profiles: {condor: {periodic_hold: "JobStatus == 2", periodic_remove: "JobStatus == 5"}, dagman: {RETRY: "0"}}
"""


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path)


def test_hello(roost: Roost) -> None:
    done = roost("run", str(EXAMPLES / "hello" / "workflow.yml"), "--name", "first")
    assert done.returncode == 0, done.stderr
    results = roost.directory / "runs" / "first"
    roost.check("hello", results / "output")
    assert "runs/first/output/range.txt" in done.stdout
    assert "runs/first/report.html" in done.stdout
    report = json.loads((results / "report.json").read_text())
    assert (report["state"], report["tasks"]["done"], report["integrity"]["computed"]) == ("done", 4, 5)
    assert report["bound"]["cores_are_told"]
    assert report["bound"]["cores"] == 4  # of both execution points, whoever ran the jobs
    assert sum(report["chain"]["parts"].values()) == pytest.approx(report["makespan_s"], abs=0.05)
    assert len(report["chain"]["links"]) == 3
    assert report["receipt"]["usd"] > 0
    shown = roost("report", "first")
    assert "hello: done" in shown.stdout
    assert "0 billable resources" in done.stdout
    receipt = json.loads((results / "receipt.json").read_text())
    assert receipt["schema"] == "roost/receipt/1"
    assert receipt["attempts"]["ok"] == 4
    events = [json.loads(line) for line in (results / "events.jsonl").read_text().splitlines()]
    assert (events[-1]["event_type"], events[-1]["done"], events[-1]["failed"]) == ("workflow_end", 4, 0)
    assert f'submit_dir: "{results / "submit"}"' in (results / "submit" / "braindump.yml").read_text()
    split = receipt["split"]
    assert sum(split.values()) == pytest.approx(receipt["instance_seconds"])
    assert split["boot_s"] > 0
    # each instance told its way into the pool
    for milestone in ("requested", "running", "booted", "HTCondor started", "joined", "first job"):
        assert done.stderr.count(f"execution-point: {milestone}") == 2, done.stderr
    assert roost.left() == []


def test_variants_are_called_right(roost: Roost) -> None:
    done = roost("run", str(EXAMPLES / "variants" / "workflow.yml"), "--name", "calls")
    assert done.returncode == 0, done.stderr
    roost.check("variants", roost.directory / "runs" / "calls" / "output")
    assert roost.left() == []


def test_a_failed_job_is_shown_with_its_stderr(roost: Roost) -> None:
    (roost.directory / "workflow.yml").write_text(FAILING)
    done = roost("run", "workflow.yml", "--name", "failed")
    assert done.returncode == 4, done.stderr
    assert "bad_ID2 (workflow.yml:11)" in done.stdout
    assert "exit code 2" in done.stdout
    assert "cannot access '/there-is-no-such-directory'" in done.stdout
    assert "0 billable resources" in done.stdout
    assert "badput" in done.stdout
    assert "Error: 1 of 2 jobs failed" in done.stderr
    receipt = json.loads((roost.directory / "runs" / "failed" / "receipt.json").read_text())
    assert receipt["attempts"] == {"ok": 1, "failed": 2, "evicted": 0}  # tried twice
    assert roost.left() == []


def test_a_held_job_says_why(roost: Roost) -> None:
    (roost.directory / "workflow.yml").write_text(HELD)
    done = roost("run", "workflow.yml", "--name", "held")
    assert done.returncode == 4, done.stderr
    assert "sleep_ID1 is held: " in done.stderr
    assert "sleep_ID1 (workflow.yml:8): held: its own policy held it" in done.stdout
    assert roost.left() == []


@pytest.mark.parametrize(
    ("when", "by"),
    [
        ("launch 1 access point", signal.SIGINT),
        ("wait for 2 execution points", signal.SIGTERM),
        ("run the workflow under DAGMan", signal.SIGINT),
    ],
)
def test_interrupted_run_takes_down_what_it_launched(roost: Roost, when: str, by: signal.Signals) -> None:
    done = roost.interrupted("run", str(EXAMPLES / "hello" / "workflow.yml"), when=when, by=by)
    assert done.returncode == 130, done.stderr
    assert "taking down what was launched" in done.stderr
    assert "Traceback" not in done.stderr
    assert roost.left() == []


def test_a_pool_that_stays(roost: Roost) -> None:
    """up, up again, status, verify, ssh, two runs on it, down, down again."""
    (roost.directory / "pool.yml").write_text("name: stays\nworkers: {count: 1}\n")
    try:
        up = roost("up")
        assert up.returncode == 0, up.stderr
        assert len(up.stdout.splitlines()) == 2
        assert "network: outbound, because the schedd answers from here" in up.stderr

        again = roost("up", "pool.yml")
        assert again.returncode == 0
        assert "is up already; nothing was changed" in again.stderr
        assert again.stdout == up.stdout
        dry = roost("up", "--dry-run")
        assert dry.stdout.splitlines()[0].startswith(
            "nothing is charged on this machine; on EC2: 2 instances, at most $"
        )

        verified = roost("verify", "stays")
        assert verified.returncode == 0, verified.stderr
        assert verified.stdout.count("yes  i-") == 4

        status = json.loads(roost("status", "--json").stdout)
        assert [i["role"] for i in status["instances"]] == ["access-point", "execution-point"]
        assert len(status["slots"]) >= 1
        assert "cost so far: nothing is charged on this machine; on EC2 it would be $" in roost("status").stdout

        there = roost("ssh", "stays", "--", "condor_status", "-af", "RoostInstanceId")
        assert there.stdout.split()[0] == verified.stdout.split()[1]

        worker = verified.stdout.split()[1]
        assert "roost: " in roost("logs", worker).stdout
        assert "condor started" in roost("logs", "stays").stdout
        unknown = roost("logs", "i-0123456789abcdef0")
        assert (unknown.returncode, unknown.stdout) == (3, "")
        assert "i-0123456789abcdef0" in unknown.stderr

        run = roost("run", str(EXAMPLES / "hello" / "workflow.yml"), "--pool", "stays", "--name", "here")
        assert run.returncode == 0, run.stderr
        assert (roost.directory / "runs" / "here" / "output" / "range.txt").exists()
        assert roost.left() != []
    finally:
        down = roost("down", "stays")
    assert down.returncode == 0, down.stderr
    assert "0 billable resources" in down.stdout
    assert "job attempts that ended well: " in down.stdout
    assert roost.left() == []
    again = roost("down", "stays")
    assert again.returncode == 3
    assert "no pool stays on EC2 on this machine" in again.stderr
