"""PyPI's Pegasus tools on our submit directories: one that succeeded, one with several tasks in a job, one that failed,
and that one resumed.

Nothing of Pegasus is on the pool. Its tools read the same directory from this machine: monitord live, in the pool's
process namespace, because it looks whether DAGMan is alive; all of them afterwards, on copies.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any
from uuid import uuid4

import platformdirs
import pytest
import yaml
from pegasus_figures import Counts, breakdown, checksums, counts, rows, seconds, status, tries
from personal_pool import RUNS, PersonalPool, started
from roost_cli import SOURCE

from roost.workflow import event_files, pegasus_tools, records, submit_dir
from roost.workflow.attempts import JobState, Outcome
from roost.workflow.cleanup import with_cleanup
from roost.workflow.dag import submit_argv
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.pegasus_tools import Tool
from roost.workflow.planner import plan
from roost.workflow.progress import Progress, begin, fold, fold_end
from roost.workflow.records import Invocation, Records
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load

pytestmark = pytest.mark.local

# `flaky` works the second time, `slow` loses its slot once, `last` takes their files.
WELL = {
    "first": "echo 1 > out.txt; python3 -c 'sum(range(20_000_000)); b = bytearray(60 << 20); b[::4096] = b[::4096]'",
    "flaky": "mkdir $ROOST_TEST/flaky.once 2>/dev/null && { echo not yet >&2; exit 9; }; cat first.txt > out.txt",
    "slow": "mkdir $ROOST_TEST/slow.once 2>/dev/null && sleep 600; cat first.txt > out.txt",
    "last": "cat flaky.txt slow.txt > out.txt",
}
EDGES_WELL = {"first": ("flaky", "slow"), "flaky": ("last",), "slow": ("last",)}
# `held` never runs while its input is missing: it leaves no invocation record.
ILL = {
    "good": "echo fine > out.txt",
    "fails": "echo to stdout; echo all went wrong >&2; [ -e $ROOST_TEST/mended ] || exit 3; echo 2 > out.txt",
    "killed": "[ -e $ROOST_TEST/mended ] || kill -9 $$; echo 3 > out.txt",
    "held": "cat given.txt > out.txt",
    "after": "cat fails.txt killed.txt > out.txt",
}
# `left`, `middle` and `right` are one job; the second of them fails once, and the third begins the second time only.
MANY = {
    "root": "echo 1 > out.txt",
    "left": "cat root.txt > out.txt",
    "middle": "mkdir $ROOST_TEST/middle.once 2>/dev/null && { echo not yet >&2; exit 9; }; cat root.txt > out.txt",
    "right": "cat root.txt > out.txt",
    "join": "cat left.txt middle.txt right.txt > out.txt",
}
EDGES_MANY = {"root": ("left", "middle", "right"), "left": ("join",), "middle": ("join",), "right": ("join",)}
TOGETHER = ("left", "middle", "right")
EDGES_ILL = {"good": ("fails", "killed", "held"), "fails": ("after",), "killed": ("after",)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    """A run as we read it, and where a copy of its submit directory is."""

    executable: ExecutableWorkflow
    submit: Path
    log: str
    dagman_out: str

    @property
    def progress(self) -> Progress:
        progress = begin(self.executable)
        fold(progress, self.log)
        fold_end(progress, self.dagman_out)
        return progress

    @property
    def records(self) -> Mapping[tuple[str, int], Records]:
        """By job and number of the try, 1 the first; one that was held left none."""
        found = {}
        for path in self.submit.glob("*.out.[0-9][0-9][0-9]"):
            name, _, number = path.name.rpartition(".")
            found[name.removesuffix(".out"), int(number) + 1] = records.read(path.read_text())
        return {key: one for key, one in found.items() if one.invocations}

    @property
    def invocations(self) -> list[Invocation]:
        return [one for read_records in self.records.values() for one in read_records.invocations]

    @property
    def report(self) -> Any:
        """What `roost report` says."""
        return json.loads(roost("report", str(self.submit.parent), "--json", home=self.submit.parent).stdout)


@dataclass(frozen=True, kw_only=True, slots=True)
class Runs:
    well: Ran
    many: Ran
    failed: Ran
    resumed: Ran
    live: Path  # the directory that monitord followed


@pytest.fixture(scope="session")
def python() -> Path:
    return pegasus_tools.environment(platformdirs.user_cache_path("roost"), say=print)


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, python: Path) -> Runs:
    top = tmp_path_factory.mktemp("pegasus")
    shared = top / "shared"
    shared.mkdir()
    with started(request, runs=shared) as pool:
        well = planned(pool, shared, "well", WELL, EDGES_WELL)
        many = planned(pool, shared, "many", MANY, EDGES_MANY)
        ill = planned(pool, shared, "ill", ILL, EDGES_ILL)
        missing = here(shared, next(one.remote for one in ill.uploads if one.remote.name == "given.txt"))
        missing.unlink()
        with following(pool, python, here(shared, well.paths.submit)):
            for executable in (well, many, ill):
                pool.run(*submit_argv(executable))
            wait(shared, well, lambda now: now.jobs["slow_ID3"].state is JobState.RUNNING)
            pool.run("condor_vacate_job", "-constraint", 'pegasus_wf_xformation == "slow"')
            wait(shared, well, lambda now: now.is_over)
        wait(shared, many, lambda now: now.is_over)
        wait(shared, ill, lambda now: now.is_over)
        failed = kept(shared, ill, top / "failed")
        missing.write_text("given\n")
        (shared / "ill" / "mended").touch()
        pool.run(*submit_argv(ill))
        wait(shared, ill, lambda now: now.is_over, runs=2)
        return Runs(
            well=kept(shared, well, top / "well"),
            many=kept(shared, many, top / "many"),
            failed=failed,
            resumed=kept(shared, ill, top / "resumed"),
            live=here(shared, well.paths.submit),
        )


def planned(
    pool: PersonalPool, shared: Path, name: str, scripts: Mapping[str, str], edges: Mapping[str, tuple[str, ...]]
) -> ExecutableWorkflow:
    """A run's directory in what the pool and this machine share, without its DAG being submitted."""
    path = written(shared / name, scripts, edges)
    paths = RunPaths(run=RUNS / name / "run")
    executable = plan(load(path), Site(), paths, uuid=str(uuid4()), planned_at=datetime.now(UTC))
    if name == "many":
        executable = with_cleanup(in_one_job(executable, TOGETHER))
    submit_dir.write(executable, here(shared, paths.run))
    for upload in executable.uploads:
        shutil.copy(str(upload.local), here(shared, upload.remote))
    pool.own_runs()
    return executable


def in_one_job(executable: ExecutableWorkflow, transformations: Sequence[str]) -> ExecutableWorkflow:
    """Jobs with the same parents and children become one."""
    parts = [job for job in executable.jobs if job.task.transformation in transformations]
    whole = parts[0]._replace(
        name="merge_together",
        tasks=tuple(job.task for job in parts),
        outputs=tuple(one for job in parts for one in job.outputs),
        sent=tuple(dict.fromkeys(one for job in parts for one in job.sent)),
    )
    jobs = tuple(whole if job is parts[0] else job for job in executable.jobs if job not in parts[1:])
    names = {job.name: whole.name for job in parts}
    parents = {
        names.get(child, child): tuple(dict.fromkeys(names.get(parent, parent) for parent in above))
        for child, above in executable.parents.items()
    }
    return replace(executable, jobs=jobs, parents=parents)


def here(shared: Path, remote: PurePosixPath) -> Path:
    return shared / remote.relative_to(RUNS)


def written(directory: Path, scripts: Mapping[str, str], edges: Mapping[str, tuple[str, ...]]) -> Path:
    """A task for each script, whose output `out.txt` is NAME.txt for the tasks after it."""
    directory.mkdir()
    ids = {name: f"ID{number}" for number, name in enumerate(scripts, start=1)}
    parents = {name: [parent for parent, children in edges.items() if name in children] for name in scripts}
    replicas = {"given.txt": "given\n"} if any("given.txt" in script for script in scripts.values()) else {}
    jobs, programs = [], []
    for name, script in scripts.items():
        program = directory / name
        program.write_text(f"#!/bin/sh\n{script.replace('out.txt', f'{name}.txt')}\n")
        programs.append({"name": name, "sites": [{"name": "local", "pfn": str(program), "type": "stageable"}]})
        taken = [f"{one}.txt" for one in parents[name] if f"{one}.txt" in script]
        given = [one for one in replicas if one in script]
        uses = [{"lfn": lfn, "type": "input"} for lfn in (*taken, *given)]
        jobs.append(
            {
                "type": "job",
                "name": name,
                "id": ids[name],
                "arguments": [],
                "metadata": {"script": script},
                "uses": [*uses, {"lfn": f"{name}.txt", "type": "output", "stageOut": name not in edges}],
                "profiles": {
                    "env": {"ROOST_TEST": str(RUNS / directory.name)},
                    "condor": {"periodic_remove": "JobStatus == 5 && time() - EnteredCurrentStatus > 2"},
                },
            }
        )
    text = {
        "pegasus": "5.0.4",
        "name": directory.name,
        "metadata": {"experiment": directory.name},
        "jobs": jobs,
        "jobDependencies": [
            {"id": ids[parent], "children": [ids[child] for child in children]} for parent, children in edges.items()
        ],
        "transformationCatalog": {"transformations": programs},
    }
    if replicas:
        for lfn, content in replicas.items():
            (directory / lfn).write_text(content)
        pfns = [{"lfn": lfn, "pfns": [{"site": "local", "pfn": str(directory / lfn)}]} for lfn in replicas]
        text["replicaCatalog"] = {"replicas": pfns}
    path = directory / "workflow.yml"
    path.write_text(yaml.safe_dump(text, sort_keys=False))
    (directory / "pegasus.properties").write_text("dagman.retry = 1\n")
    return path


@contextmanager
def following(pool: PersonalPool, python: Path, submit: Path) -> Iterator[None]:
    """monitord at work on a run from before its DAG begins until it says that the DAG has ended."""
    dagman_out = submit / f"{next(submit.glob('*.dag')).name}.dagman.out"
    words = pegasus_tools.argv(python, Tool.MONITORD, "--no-notifications", str(dagman_out))
    with (submit / "monitord.log").open("wb") as log:
        monitord = subprocess.Popen(
            ["nsenter", "--target", str(pool.pid), "--pid", *words],
            env=surroundings(submit.parent),
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
        assert monitord.wait(timeout=120) == 0, (submit / "monitord.log").read_text()[-4000:]
    finally:
        monitord.kill()
        monitord.wait()


def wait(
    shared: Path,
    executable: ExecutableWorkflow,
    until: Callable[[Progress], bool],
    *,
    runs: int = 1,
    timeout_s: float = 240,
) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        now = read(executable, here(shared, executable.paths.submit))
        if until(now.progress) and (not now.progress.is_over or now.dagman_out.count("EXITING WITH") >= runs):
            return
        time.sleep(0.5)
    raise TimeoutError(f"{executable.name} did not come to it: {now.progress.totals} {now.dagman_out[-2000:]}")


def read(executable: ExecutableWorkflow, submit: Path) -> Ran:
    def text(name: str) -> str:
        return (submit / name).read_text() if (submit / name).exists() else ""

    return Ran(executable=executable, submit=submit, log=text(executable.log), dagman_out=text(executable.dagman_out))


def kept(shared: Path, executable: ExecutableWorkflow, copy: Path) -> Ran:
    """A copy without what monitord wrote, as it comes home."""
    ours = shutil.ignore_patterns("*.db", "monitord*", "jobstate.log*")
    shutil.copytree(here(shared, executable.paths.submit), copy / "submit", ignore=ours)
    return read(executable, copy / "submit")


def surroundings(home: Path) -> dict[str, str]:
    """The tools keep a list of all runs in the home directory: not in the user's."""
    cache = platformdirs.user_cache_path()
    return {**pegasus_tools.surroundings(os.environ), "HOME": str(home), "XDG_CACHE_HOME": str(cache)}


def roost(*arguments: str, home: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "roost", *arguments],
        env={**surroundings(home), "PYTHONPATH": str(SOURCE)},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
    )


def pegasus(tool: Tool, ran: Ran, *arguments: str, exit_code: int = 0) -> str:
    """`roost pegasus`, whose standard output is the tool's."""
    done = roost("pegasus", tool, str(ran.submit.parent), *arguments, home=ran.submit.parent)
    assert done.returncode == exit_code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(params=["well", "many", "failed", "resumed"])
def ran(request: pytest.FixtureRequest, runs: Runs) -> Ran:
    one: Ran = getattr(runs, request.param)
    return one


def test_jobs_and_tasks(ran: Ran) -> None:
    found, ours = counts(pegasus(Tool.STATISTICS, ran, "-s", "all")), ran.report
    assert found["Jobs"] == counted(ours["jobs"])
    assert found["Sub-Workflows"].total == 0
    # Without a record nothing tells monitord whose task it was.
    held = ran.progress.jobs.get("held_ID4")
    lost = sum(("held_ID4", number + 1) not in ran.records for number in range(held.submits)) if held else 0
    is_lost = bool(held and held.state is JobState.FAILED)
    ours["tasks"]["failed"] -= is_lost
    ours["tasks"]["not_run"] += is_lost
    ours["tasks"]["retries"] -= lost - is_lost
    assert found["Tasks"] == counted(ours["tasks"])


def counted(ours: Mapping[str, int]) -> Counts:
    """As `roost report` counts."""
    return Counts(
        succeeded=ours["done"],
        failed=ours["failed"],
        incomplete=ours["not_run"] + ours["running"],
        total=ours["total"],
        retries=ours["retries"],
        total_and_retries=ours["done"] + ours["failed"] + ours["retries"],
    )


def test_each_try(ran: Ran) -> None:
    pegasus(Tool.STATISTICS, ran, "-s", "all")
    progress, kept_records = ran.progress, ran.records
    found = {(one.job, one.number): one for one in tries(ran.submit)}
    assert set(found) == {(job.name, number + 1) for job in progress.jobs.values() for number in range(job.submits)}
    for key, one in found.items():
        assert one.site == "condorpool"
        if key not in kept_records:
            # one that was held did not end; of what the access point did itself, monitord takes DAGMan's time
            is_cleanup = one.job.startswith("clean_up")
            assert (one.record_s, one.cpu_s, one.exit_code) == ((one.runtime_s, None, 0) if is_cleanup else (None,) * 3)
            continue
        tasks = kept_records[key].invocations
        assert one.record_s == pytest.approx(sum(task.duration_s for task in tasks), abs=0.001)
        assert one.cpu_s == pytest.approx(sum(task.cpu_s for task in tasks), abs=0.001)
        assert one.hostname == "personal-pool"
    for name, job in progress.jobs.items():
        ended = [one for one in job.attempts if one.outcome in (Outcome.DONE, Outcome.FAILED)]
        shown = [one for one in found.values() if one.job == name and one.exit_code is not None]
        assert [one.runtime_s for one in shown] == [(one.ended_at or 0) - one.started_at for one in ended], name
        # the shell's way of saying it, and Pegasus'
        codes = [code if code <= 128 else 128 - code for code in [one.exit_code or 0 for one in ended]]
        assert [one.exit_code for one in shown] == codes, name


def test_transformations(ran: Ran) -> None:
    pegasus(Tool.STATISTICS, ran, "-s", "all")
    ours: dict[tuple[str, str], list[Invocation]] = {}
    for one in ran.invocations:
        ours.setdefault((one.transformation, "failed" if one.exit_code else "successful"), []).append(one)
    found = breakdown(ran.submit)
    of_roost = [("pegasus::cleanup", "successful")] if ran.executable.name == "many" else []
    assert set(found) == {*ours, *of_roost}
    for key, invocations in ours.items():
        durations = [one.duration_s for one in invocations]
        most_mib = max(one.max_rss_kib for one in invocations) / 1024
        told = found[key]
        assert told.count == len(invocations)
        assert [told.min_s, told.max_s, told.total_s, told.max_mib] == pytest.approx(
            [min(durations), max(durations), sum(durations), most_mib], abs=0.001
        )
    if ran.executable.name == "well":
        assert (found["first", "successful"].max_mib or 0) > 60


def test_times(ran: Ran) -> None:
    said, ours = pegasus(Tool.STATISTICS, ran, "-s", "all"), ran.report
    titles = {
        "Cumulative job wall time": "job_wall_s",
        "Cumulative job badput wall time": "badput_s",
        "Cumulative job wall time as seen from submit side": "submit_side_s",
        "Cumulative job badput wall time as seen from submit side": "submit_side_badput_s",
    }
    assert [seconds(said, title) for title in titles] == pytest.approx(
        [ours["pegasus"][key] for key in titles.values()], abs=0.02
    )
    # monitord takes DAGMan's beginning and end from its log, in whole seconds
    assert seconds(said, "Workflow wall time") == pytest.approx(ours["pegasus"]["wall_s"], abs=2 * ours["dag_runs"])
    assert checksums(said) == (ours["integrity"]["checked"], ours["integrity"]["computed"])


def test_status(ran: Ran) -> None:
    root = status(pegasus(Tool.STATUS, ran, "--jsonrv"))
    ours = counted(ran.report["jobs"])
    assert (root["succeeded"], root["failed"], root["total"]) == (ours.succeeded, ours.failed, ours.total)
    assert root["state"] == ("Failure" if ours.failed else "Success")


@pytest.mark.parametrize("name", ["well", "many", "resumed"])
def test_analyzer_finds_nothing_wrong(runs: Runs, name: str) -> None:
    said = pegasus(Tool.ANALYZER, getattr(runs, name))
    assert "Workflow Status    : success" in said
    assert "# jobs failed      :      0" in said


def test_analyzer_shows_what_failed(runs: Runs) -> None:
    said = pegasus(Tool.ANALYZER, runs.failed, exit_code=2)
    assert "Workflow Status    : failure" in said
    assert "# jobs failed      :      3 (60.00%)" in said
    about = dict(re.findall(r"^=+([a-z]+_ID\d)=+$(.*?)(?=^=|\Z)", said, re.MULTILINE | re.DOTALL))
    assert re.search(r"^exitcode    : 3$", about["fails_ID2"], re.MULTILINE)
    assert "to stdout" in about["fails_ID2"]
    assert "all went wrong" in about["fails_ID2"]
    assert re.search(r"^exitcode    : -9$", about["killed_ID3"], re.MULTILINE)
    assert "the task was ended by signal 9 (SIGKILL)" in about["killed_ID3"]
    assert "given.txt: (errno 2) No such file or directory" in said  # why held_ID4 was held


def test_live_monitord_saw_what_a_replay_sees(runs: Runs) -> None:
    pegasus(Tool.MONITORD, runs.well)
    live, replayed = runs.live / "well-0.stampede.db", runs.well.submit / "well-0.stampede.db"
    of_jobs = "FROM job JOIN job_instance USING (job_id)"
    what = "transformation, task_submit_seq, start_time, remote_duration, invocation.exitcode, abs_task_id, maxrss"
    states = (
        "SELECT exec_job_id, job_submit_seq, state, timestamp, jobstate_submit_seq"
        f" {of_jobs} JOIN jobstate USING (job_instance_id) ORDER BY 2, 5, 3"
    )
    tables = [
        states,
        f"SELECT exec_job_id, job_submit_seq, {what} {of_jobs} JOIN invocation USING (job_instance_id) ORDER BY 2",
        "SELECT state, timestamp, status FROM workflowstate ORDER BY timestamp",
    ]
    for query in tables:
        assert rows(live, query) == rows(replayed, query) != []
    assert ("slow_ID3", 3, "JOB_EVICTED") in {row[:3] for row in rows(replayed, states)}


def test_metadata_are_in_the_database(runs: Runs) -> None:
    pegasus(Tool.MONITORD, runs.well)
    database = runs.well.submit / "well-0.stampede.db"
    assert ("experiment", "well") in rows(database, "SELECT key, value FROM workflow_meta")
    of_tasks = rows(database, "SELECT abs_task_id, key, value FROM task_meta JOIN task USING (task_id) ORDER BY 1")
    assert of_tasks == [(f"ID{n}", "script", script) for n, script in enumerate(WELL.values(), start=1)]


def test_events_are_those_that_monitord_sees(ran: Ran, tmp_path: Path) -> None:
    """Pegasus' workflow-monitor takes them from monitord's database; ours come from the event log."""
    pegasus(Tool.MONITORD, ran)
    event_files.write(ran.submit, tmp_path / "events.jsonl")
    ours = [json.loads(line) for line in (tmp_path / "events.jsonl").read_text().splitlines()]
    of_jobs = "FROM job JOIN job_instance USING (job_id) JOIN jobstate USING (job_instance_id)"
    order = "ORDER BY exec_job_id, job_submit_seq, jobstate_submit_seq, state"
    database = ran.submit / f"{ran.executable.name}-0.stampede.db"
    theirs = rows(database, f"SELECT exec_job_id, state, timestamp {of_jobs} {order}")
    states = sorted(
        (line for line in ours if line["event_type"] == "job_state"),
        key=lambda line: (line["exec_job_id"], line["job_instance_id"], line["jobstate_submit_seq"]),
    )
    assert [(line["exec_job_id"], line["state"]) for line in states] == [row[:2] for row in theirs]
    # what DAGMan adds to the event log, monitord times when DAGMan says it
    for line, (_, state, at) in zip(states, theirs, strict=True):
        if state not in ("JOB_SUCCESS", "JOB_FAILURE", "JOB_HELD"):
            assert line["timestamp"] == at, line
    peaks = "SELECT MAX(maxrss) FROM invocation WHERE maxrss IS NOT NULL GROUP BY job_instance_id"
    memory = {line["maxrss"] for line in states if "maxrss" in line}
    assert memory == {row[0] for row in rows(database, peaks)}
    workflow = [(line["state"], line["status"]) for line in ours if line["event_type"] == "workflow_state"]
    assert workflow == rows(database, "SELECT state, status FROM workflowstate ORDER BY timestamp")
    assert ours[-1]["failed"] == ran.report["jobs"]["failed"]


def test_what_has_no_run_is_told(tmp_path: Path) -> None:
    done = roost("pegasus", "statistics", "nowhere", home=tmp_path)
    assert done.returncode == 3
    assert "there is no run 'nowhere'" in done.stderr
