"""Planned workflows under a real DAGMan: what ends well, what fails, what is held, what is tried again."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from uuid import uuid4

import pytest
from personal_pool import INSTANCE_ID, PersonalPool, personal_pool

from roost.workflow import submit_dir
from roost.workflow.attempts import JobState, Outcome
from roost.workflow.clustering import Policy
from roost.workflow.dag import submit_argv
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.failure import Failure, failure, files
from roost.workflow.planning import Options, planned
from roost.workflow.progress import Progress, begin, fold, fold_end
from roost.workflow.run_paths import RunPaths, Shared
from roost.workflow.source import load

__all__ = ["personal_pool"]

pytestmark = pytest.mark.local

EXAMPLES = Path(__file__).parents[2] / "examples"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ran:
    executable: ExecutableWorkflow
    progress: Progress

    def state(self, name: str) -> JobState:
        return self.progress.jobs[name].state


def test_hello(personal_pool: PersonalPool, tmp_path: Path) -> None:
    ran = run(personal_pool, EXAMPLES / "hello" / "workflow.yml", tmp_path)
    assert ran.progress.is_success
    assert personal_pool.read(result(ran)) == "1 1000\n"
    attempts = [attempt for job in ran.progress.jobs.values() for attempt in job.attempts]
    assert [attempt.outcome for attempt in attempts] == [Outcome.DONE] * 4
    assert {attempt.instance_id for attempt in attempts} == {INSTANCE_ID}
    assert all(attempt.sent_bytes and attempt.received_bytes for attempt in attempts)


def test_variants_finds_what_was_put_in(personal_pool: PersonalPool, tmp_path: Path) -> None:
    ran = run(personal_pool, EXAMPLES / "variants" / "workflow.yml", tmp_path, timeout_s=300)
    assert ran.progress.is_success
    result = json.loads(personal_pool.read(str(ran.executable.paths.output / "accuracy.json")))
    assert result["precision"] >= 0.99
    assert result["recall"] >= 0.85


def test_failing_task_is_tried_again_and_shown(personal_pool: PersonalPool, tmp_path: Path) -> None:
    script = "echo all went wrong >&2; exit 3"
    ran = run(personal_pool, written(tmp_path, {"fails": script}, uses="{lfn: out.txt, type: output}"), tmp_path)
    shown = explained(personal_pool, ran, "fails_ID1")
    assert ran.progress.dag_exit_code != 0
    assert ran.state("fails_ID1") is JobState.FAILED
    assert (shown.exit_code, shown.attempts, shown.instance_id) == (3, 2, INSTANCE_ID)
    assert shown.stderr == ("all went wrong",)


def test_missing_output_is_a_failure_and_no_hold(personal_pool: PersonalPool, tmp_path: Path) -> None:
    ran = run(personal_pool, written(tmp_path, {"idle": "true"}, uses="{lfn: out.txt, type: output}"), tmp_path)
    shown = explained(personal_pool, ran, "idle_ID1")
    assert ran.state("idle_ID1") is JobState.FAILED
    assert "did not write: out.txt" in shown.reason
    assert not ran.progress.jobs["idle_ID1"].hold_reason


def test_second_attempt_can_succeed(personal_pool: PersonalPool, tmp_path: Path) -> None:
    script = "mkdir /tmp/roost-$ROOST_TEST 2>/dev/null && exit 9; echo second > out.txt"
    profiles = f"{{env: {{ROOST_TEST: {uuid4().hex}}}}}"
    ran = run(
        personal_pool,
        written(tmp_path, {"flaky": script}, uses="{lfn: out.txt, type: output}", profiles=profiles),
        tmp_path,
    )
    assert ran.progress.is_success
    assert [attempt.exit_code for attempt in ran.progress.jobs["flaky_ID1"].attempts] == [9, 0]
    assert personal_pool.read(result(ran)) == "second\n"


def test_signal_is_told(personal_pool: PersonalPool, tmp_path: Path) -> None:
    ran = run(personal_pool, written(tmp_path, {"dies": "kill -9 $$"}, retries=0), tmp_path)
    shown = explained(personal_pool, ran, "dies_ID1")
    assert shown.exit_code == 137
    assert "SIGKILL" in shown.reason


def test_file_names_with_blanks_and_directories(personal_pool: PersonalPool, tmp_path: Path) -> None:
    script = 'cat "$1" > "$2"; cat'
    path = written(
        tmp_path,
        {"copies": script},
        arguments="[in put.txt, 'results/all of it.txt']",
        uses="{lfn: in put.txt, type: input}, {lfn: results/all of it.txt, type: output}",
        extra="stdin: in put.txt\n  stdout: said.txt\n",
        replicas={"in put.txt": "some text\n"},
    )
    ran = run(personal_pool, path, tmp_path)
    assert ran.progress.is_success
    assert [personal_pool.read(str(one)) for one in ran.executable.results.values()] == ["some text\n"] * 2


def test_directories_are_files_too(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """Made, taken by another task, and brought home; with nothing in them, too."""
    scripts = {
        "makes": "mkdir -p d/e r/none; echo 1 > d/e/f; : > r/zero",
        "takes": "cat d/e/f > out.txt; ls r >> out.txt",
    }
    path = written(tmp_path, scripts)
    path.write_text(
        path.read_text()
        .replace("uses: []", "uses: [{lfn: d, type: output, stageOut: false}, {lfn: r, type: output}]", 1)
        .replace("uses: []", "uses: [{lfn: d, type: input}, {lfn: r, type: input}, {lfn: out.txt, type: output}]", 1)
    )
    ran = run(personal_pool, path, tmp_path)
    assert ran.progress.is_success, [explained(personal_pool, ran, job.name) for job in ran.progress.failed]
    places = {lfn: str(remote) for lfn, remote in ran.executable.results.items()}
    assert personal_pool.read(places["out.txt"]) == "1\nnone\nzero\n"
    assert personal_pool.run("ls", places["r"]).split() == ["none", "zero"]


def test_job_that_loses_its_slot_runs_again(personal_pool: PersonalPool, tmp_path: Path) -> None:
    script = "mkdir /tmp/roost-$ROOST_TEST 2>/dev/null && sleep 600; echo again > out.txt"
    profiles = f"{{env: {{ROOST_TEST: {uuid4().hex}}}}}"
    path = written(tmp_path, {"slow": script}, uses="{lfn: out.txt, type: output}", profiles=profiles, retries=0)
    executable = submitted(personal_pool, path, tmp_path)
    followed(personal_pool, executable, 60, until=lambda now: now.totals[JobState.RUNNING] == 1)
    personal_pool.run("condor_vacate_job", "-constraint", 'pegasus_wf_xformation == "slow"')
    progress = followed(personal_pool, executable, 120)
    assert progress.is_success
    assert [one.outcome for one in progress.jobs["slow_ID1"].attempts] == [Outcome.EVICTED, Outcome.DONE]


COUNTS = """\
read n < n || n=0
echo from $n >> trace
trap 'echo $n > n; exit 1' TERM
while [ $n -lt 60 ]; do
    n=$((n + 1))
    [ $n != 20 ] || ! mkdir /tmp/roost-$ROOST_TEST 2>/dev/null || { echo $n > n; exit 9; }
    sleep 0.5
done
cp trace out.txt
"""


def test_a_task_goes_on_from_its_checkpoint(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """It loses its slot, loses its machine without a word, fails, runs too long; and counts on from where it was."""
    profiles = f"{{env: {{ROOST_TEST: {uuid4().hex}}}, pegasus: {{checkpoint.time: 0.2, maxwalltime: 1}}}}"
    uses = "{lfn: out.txt, type: output}, {lfn: n, type: checkpoint}, {lfn: trace, type: checkpoint, stageOut: false}"
    path = written(tmp_path, {"counts": COUNTS}, uses=uses, profiles=profiles, retries=30)
    executable = submitted(personal_pool, path, tmp_path)
    vacate = ("condor_vacate_job", "-constraint", 'pegasus_wf_xformation == "counts"')
    losses: list[Callable[[], object]] = [
        lambda: personal_pool.run(*vacate),
        lambda: personal_pool.kill("condor_starter"),
    ]
    for number, lose in enumerate(losses):
        evicted = number
        while evicted == number:  # where it was just ended for its time, there is nothing to lose
            followed(personal_pool, executable, 60, until=lambda now: now.totals[JobState.RUNNING] == 1)
            time.sleep(2)
            lose()
            time.sleep(2)
            seen = followed(personal_pool, executable, 60, until=lambda _: True).jobs["counts_ID1"].attempts
            evicted = [one.outcome for one in seen].count(Outcome.EVICTED)
    progress = followed(personal_pool, executable, 300)
    assert progress.is_success
    attempts = progress.jobs["counts_ID1"].attempts
    assert attempts[-1].outcome is Outcome.DONE
    assert {one.exit_code for one in attempts if one.outcome is not Outcome.EVICTED} == {9, 14, 0}
    places = {lfn: str(remote) for lfn, remote in executable.results.items()}
    begun = [int(line.split()[1]) for line in personal_pool.read(places["out.txt"]).splitlines()]
    assert begun[0] == 0
    assert begun == sorted(set(begun)), "each try went on further than the one before"
    assert 20 in begun, "it failed there"
    assert int(personal_pool.read(places["n"])) == begun[-1]


def test_held_job_is_told(personal_pool: PersonalPool, tmp_path: Path) -> None:
    path = written(
        tmp_path,
        {"reads": "cat in.txt"},
        arguments="[]",
        uses="{lfn: in.txt, type: input}",
        replicas={"in.txt": "x"},
        profiles="{condor: {periodic_remove: JobStatus == 5 && time() - EnteredCurrentStatus > 2}}",
        retries=0,
    )
    ran = run(personal_pool, path, tmp_path, without={"in.txt"})
    shown = explained(personal_pool, ran, "reads_ID1")
    assert ran.state("reads_ID1") is JobState.FAILED
    assert "its inputs could not be sent" in shown.reason
    assert "in.txt" in shown.reason


def test_the_access_point_has_no_room_for_an_output(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """What is written to /dev/full finds its disk full. The job is held, and its DAG ends and says why."""
    go = f"/tmp/roost-{uuid4().hex}"
    script = f"while [ ! -e {go} ]; do sleep 0.2; done; echo made > out.txt"
    profiles = "{condor: {periodic_remove: JobStatus == 5 && time() - EnteredCurrentStatus > 2}}"
    uses = "{lfn: out.txt, type: output}"
    path = written(tmp_path, {"makes": script}, uses=uses, profiles=profiles, retries=0)
    executable = submitted(personal_pool, path, tmp_path)
    (remote,) = executable.results.values()
    personal_pool.run("sh", "-c", 'ln -s /dev/full "$1"; touch "$2"', "sh", str(remote), go)
    progress = followed(personal_pool, executable, 120)
    shown = explained(personal_pool, Ran(executable=executable, progress=progress), "makes_ID1")
    assert progress.jobs["makes_ID1"].state is JobState.FAILED
    assert "its outputs could not be brought back" in shown.reason
    assert "No space left on device" in shown.reason


def run(
    pool: PersonalPool,
    path: Path,
    tmp_path: Path,
    *,
    without: frozenset[str] | set[str] = frozenset(),
    options: Options | None = None,
    timeout_s: float = 90,
    policy: Policy | None = None,
    how: str = "",
) -> Ran:
    """Plan, send, submit, follow to the end."""
    executable = submitted(pool, path, tmp_path, without=without, options=options, policy=policy, how=how)
    return Ran(executable=executable, progress=followed(pool, executable, timeout_s))


def submitted(
    pool: PersonalPool,
    path: Path,
    tmp_path: Path,
    *,
    without: frozenset[str] | set[str] = frozenset(),
    options: Options | None = None,
    policy: Policy | None = None,
    how: str = "",
) -> ExecutableWorkflow:
    """`how`: of what jobs do with a directory that they share, as RunPaths has it."""
    remote = PurePosixPath(f"/home/debian/runs/{uuid4().hex[:8]}")
    wish, at = options or Options(), datetime.now(UTC)
    shared = Shared(PurePosixPath(f"/tmp/shared/{remote.name}"), how) if how else None
    paths = RunPaths(run=remote, shared=shared)
    executable = planned(load(path), Site(), paths, wish, uuid=str(uuid4()), planned_at=at, policy=policy)
    local, there = tmp_path / "run", tmp_path / "shared"
    submit_dir.write(executable, local)
    for upload in executable.uploads:
        is_shared = shared is not None and upload.remote.is_relative_to(shared.place)
        root, beside = (paths.files, there) if is_shared else (remote, local)
        target = beside / upload.remote.relative_to(root)
        if upload.remote.name not in without:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(upload.local).read_bytes())
    pool.put(local, str(remote))
    if shared is not None:
        there.mkdir(exist_ok=True)
        pool.put(there, str(shared.place))
        pool.run("sh", "-c", 'find "$1" -type d -exec chmod 777 {} +', "sh", str(shared.place))
    pool.run(*submit_argv(executable))
    return executable


def followed(
    pool: PersonalPool,
    executable: ExecutableWorkflow,
    timeout_s: float,
    *,
    until: Callable[[Progress], bool] = lambda progress: progress.is_over,
) -> Progress:
    submit = executable.paths.submit
    progress, seen = begin(executable), 0
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        end = pool.read(str(submit / executable.dagman_out))
        log = pool.read(str(submit / executable.log))
        progress = fold_end(fold(progress, log[seen:]), end)
        seen = len(log)
        if until(progress):
            return progress
        time.sleep(1)
    raise TimeoutError(f"the DAG did not come to it: {progress.totals}; {pool.run('condor_q', '-hold')}")


def result(ran: Ran) -> str:
    """The path of the one file that the user wants."""
    (path,) = ran.executable.results.values()
    return str(path)


def explained(pool: PersonalPool, ran: Ran, name: str) -> Failure:
    job = ran.progress.jobs[name]
    planned = next(one for one in ran.executable.jobs if one.name == name)
    return failure(ran.executable, job, pool.read(str(files(ran.executable, planned, job)[0])))


def written(
    directory: Path,
    scripts: Mapping[str, str],
    *,
    uses: str = "",
    arguments: str = "[]",
    profiles: str = "{}",
    extra: str = "",
    replicas: Mapping[str, str] | None = None,
    retries: int = 1,
) -> Path:
    """A workflow of one task for each script."""
    lines = ["pegasus: 5.0.4", "name: test", "jobs:"]
    programs = []
    for number, (name, script) in enumerate(scripts.items(), start=1):
        program = directory / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        programs.append(f"  - {{name: {name}, sites: [{{name: local, pfn: {program}, type: stageable}}]}}")
        lines += [f"- type: job\n  name: {name}\n  id: ID{number}\n  arguments: {arguments}", f"  uses: [{uses}]"]
        lines += [f"  profiles: {profiles}", *([f"  {extra.rstrip()}"] if extra else [])]
    lines += ["transformationCatalog:", "  transformations:", *programs]
    if replicas:
        lines += ["replicaCatalog:", "  replicas:"]
    for lfn, text in (replicas or {}).items():
        (directory / lfn).write_text(text)
        lines.append(f"  - {{lfn: {lfn}, pfns: [{{site: local, pfn: '{directory / lfn}'}}]}}")
    path = directory / "workflow.yml"
    path.write_text("\n".join(lines) + "\n")
    (directory / "pegasus.properties").write_text(f"dagman.retry = {retries}\n")
    return path
