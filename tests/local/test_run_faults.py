"""What goes wrong while a workflow runs, on one pool of real instances: each run ends, and says what happened.

The runs are begun through the library, in this process; the faults are those that EC2 and people make.
"""

import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import SOURCE, Roost
from run_workflows import Task, write_workflow

from roost import Pool, Run
from roost.errors import PartialError
from roost.report.receipt import Outcome

pytestmark = pytest.mark.local

PATIENCE_S = 300.0
# On EC2 a cgroup's limit kills what uses too much memory, and HTCondor says so. Not every machine that tests run on
# gives instances such limits: there HTCondor measures, and its policy says so.
POOL = """\
name: run-faults
workers: {count: 2}
condor_config: |
  BASE_CGROUP =
  use POLICY:HOLD_IF_MEMORY_EXCEEDED
"""


@pytest.fixture(scope="module")
def pool(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pool]:
    """Two execution points; the library reads the environment, as the command line does."""
    directory = tmp_path_factory.mktemp("run-faults")
    (directory / "pool.yml").write_text(POOL)
    with pytest.MonkeyPatch.context() as patch:
        own = {"XDG_DATA_HOME": str(directory / "data"), "PYTHONPATH": str(SOURCE)}
        for name, value in {**localec2_service.env, **own}.items():
            patch.setenv(name, value)
        patch.chdir(directory)
        with Pool.from_file("pool.yml", verbose=True) as pool:
            yield pool
    assert pool.receipt is not None
    assert pool.receipt.billable_resources == 0


def begun(
    pool: Pool,
    directory: Path,
    *tasks: Task,
    retries: int = 0,
    replicas: dict[str, Path] | None = None,
    hooks: str = "",
) -> Run:
    path = write_workflow(directory, *tasks, retries=retries, replicas=replicas, hooks=hooks)
    return pool.run(path, name=directory.name)


def failed(run: Run) -> str:
    """What is said of the one task that failed."""
    with pytest.raises(PartialError):
        run.wait(PATIENCE_S)
    (failure,) = run.failures
    return "\n".join([failure.sentence, *failure.stderr])


def inject(service: Localec2Service, fault: str, instance_id: str) -> None:
    done = Roost(service=service, directory=Path.cwd())("local", "inject", fault, "--instance", instance_id)
    assert done.returncode == 0, done.stderr


def until(run: Run, is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < deadline, run.counts()
        time.sleep(0.5)


def test_a_task_that_fails_once(pool: Pool, tmp_path: Path) -> None:
    marker = f"/tmp/roost-{os.getpid()}-once"
    script = f"mkdir {marker}-$(cut -c1-8 /proc/sys/kernel/random/boot_id) 2>/dev/null && exit 9; echo second > result"
    pinned = "{condor: {requirements: 'regexp(\"ip-\", Machine)'}}"
    run = begun(pool, tmp_path, Task(name="flaky", script=script, results=["result"], profiles=pinned), retries=4)
    run.wait(PATIENCE_S)
    assert (run.directory / "output" / "result").read_text() == "second\n"
    outcomes = [one.outcome for one in run.attempts]
    assert outcomes[-1] is Outcome.OK
    assert set(outcomes[:-1]) == {Outcome.FAILED}


def test_a_task_that_uses_more_memory_than_it_asked_for(pool: Pool, tmp_path: Path) -> None:
    script = "exec python3 -c 'x = bytes([1]) * (400 << 20); import time; time.sleep(300)'"
    profiles = "{pegasus: {memory: '100'}, condor: {periodic_remove: JobStatus == 5}}"
    said = failed(begun(pool, tmp_path, Task(name="greedy", script=script, profiles=profiles)))
    assert "greedy_ID1 (" in said
    assert "memory usage exceeded request_memory" in said


def test_an_output_that_was_not_written(pool: Pool, tmp_path: Path) -> None:
    run = begun(pool, tmp_path, Task(name="idle", script="echo nothing to do >&2", results=["result"]))
    said = failed(run)
    assert "exit code 0) but did not write: result" in said
    assert "nothing to do" in said
    assert "held" not in said


def test_names_and_sizes_that_are_rare(pool: Pool, tmp_path: Path) -> None:
    """Blanks, other alphabets, directories, nothing in it."""
    names = ["in put.txt", "größe/ñandú 東京.txt", "empty"]
    for number, name in enumerate(names[:2]):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{number}\n")
    (tmp_path / "empty").write_bytes(b"")
    script = "cat 'in put.txt' 'größe/ñandú 東京.txt' empty > 'résumé of it.txt'; : > nothing; mkdir -p d; cp empty d/e"
    results = ["résumé of it.txt", "nothing", "d/e"]
    task = Task(name="reads", script=script, inputs=names, results=results)
    run = begun(pool, tmp_path, task, replicas={name: tmp_path / name for name in names})
    run.wait(PATIENCE_S)
    assert {str(path.relative_to(run.directory / "output")) for path in run.results} == set(results)
    assert (run.directory / "output" / "résumé of it.txt").read_text() == "0\n1\n"
    assert (run.directory / "output" / "nothing").read_bytes() == b""


def test_ten_thousand_inputs_of_one_task(pool: Pool, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    names = [f"part-{number:05}" for number in range(10_000)]
    for name in names:
        (tmp_path / "in" / name).write_text("1\n")
    task = Task(name="sums", script="cat part-* | wc -l > result", inputs=names, results=["result"])
    run = begun(pool, tmp_path, task, replicas={name: tmp_path / "in" / name for name in names})
    run.wait(PATIENCE_S)
    assert (run.directory / "output" / "result").read_text().split() == ["10000"]


def test_dagman_is_killed(pool: Pool, tmp_path: Path) -> None:
    """The schedd starts it again, and it finds out from its log what runs."""
    tasks = [
        Task(name="first", script="sleep 8; echo 1 > part", outputs=["part"]),
        Task(name="second", script="cp part result", inputs=["part"], results=["result"]),
    ]
    run = begun(pool, tmp_path, *tasks)
    until(run, lambda: run.counts().running == 1)
    with pool.access_point() as access_point:
        killed = access_point.run(["sudo", "pkill", "-KILL", "-x", "condor_dagman"])
    assert killed.exit_code == 0
    run.wait(PATIENCE_S)
    assert [one.outcome for one in run.attempts] == [Outcome.OK, Outcome.OK]
    assert (run.directory / "output" / "result").read_text() == "1\n"


def test_a_roost_is_killed_before_dagman_has_the_run(
    pool: Pool, tmp_path: Path, localec2_service: Localec2Service
) -> None:
    """Wherever that was, the next one goes on there: DAGMan gets it once."""
    path = write_workflow(tmp_path, Task(name="once", script="echo done > result", results=["result"]))
    roost = Roost(service=localec2_service, directory=Path.cwd())
    begin = ("run", str(path), "--pool", pool.name, "--name", "cut-off")
    killed = roost.interrupted(*begin, when="send 1 jobs", by=signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    attached = roost("run", "--attach", "cut-off")
    assert attached.returncode == 0, attached.stderr
    run = Path("runs") / "cut-off"
    assert (run / "output" / "result").read_text() == "done\n"
    assert (run / "submit" / "small-0.log").read_text().count("DAG Node: once_ID1") == 1
    assert pool.status().instances  # it is not the run's own


COUNTS = """\
if read n 2>/dev/null < n; then echo $n > result; exit 0; fi
trap 'echo $n > n; exit 1' TERM
n=0
while [ $n -lt 500 ]; do n=$((n + 1)); sleep 0.5; done
"""


def test_an_execution_point_goes_down_and_its_task_goes_on(
    pool: Pool, tmp_path: Path, localec2_service: Localec2Service
) -> None:
    """As when a spot instance is taken back: its jobs are told, and go on elsewhere from what they wrote."""
    run = begun(pool, tmp_path, Task(name="counts", script=COUNTS, results=["result"], checkpoints=["n"]))
    until(run, lambda: run.counts().running == 1)
    time.sleep(3)
    (down,) = run.counts().running_on
    inject(localec2_service, "reboot", down)
    run.wait(PATIENCE_S)
    assert [one.outcome for one in run.attempts] == [Outcome.EVICTED, Outcome.OK]
    assert 0 < int((run.directory / "output" / "result").read_text()) < 500


def test_an_execution_point_is_lost(pool: Pool, tmp_path: Path, localec2_service: Localec2Service) -> None:
    """Its host fails; the job starts elsewhere when its lease is over, and counts once."""
    task = Task(
        name="slow",
        script="sleep 12; echo done > result",
        results=["result"],
        profiles="{condor: {job_lease_duration: '15'}}",
    )
    run = begun(pool, tmp_path, task)
    until(run, lambda: run.counts().running == 1)
    (lost,) = run.counts().running_on
    inject(localec2_service, "kill", lost)
    run.wait(PATIENCE_S)
    assert [one.outcome for one in run.attempts] == [Outcome.EVICTED, Outcome.OK]
    assert {one.instance_id for one in run.attempts if one.outcome is Outcome.OK} != {lost}
    # nothing is sent after it: a job that comes now runs at once
    (tmp_path / "next").mkdir()
    begun(pool, tmp_path / "next", Task(name="next", script="true")).wait(60)


def test_the_access_point_loses_its_power_for_a_moment(
    pool: Pool, tmp_path: Path, localec2_service: Localec2Service
) -> None:
    """The job goes on where it is; schedd and DAGMan find it again."""
    run = begun(pool, tmp_path, Task(name="slow", script="sleep 15; echo done > result", results=["result"]))
    until(run, lambda: run.counts().running == 1)
    (point,) = [i.id for i in pool.status().instances if i.role == "access-point"]
    inject(localec2_service, "reset", point)
    run.wait(PATIENCE_S)
    assert (run.directory / "output" / "result").read_text() == "done\n"
    assert [one.outcome for one in run.attempts][-1] is Outcome.OK


def test_hooks_are_run_here_each_once(pool: Pool, tmp_path: Path) -> None:
    told = tmp_path / "told"
    say = f"echo $PEGASUS_EVENT $PEGASUS_JOBID $PEGASUS_STATUS >> {told}"
    task = Task(
        name="fails",
        script="exit 3",
        hooks=f"{{shell: [{{_on: error, cmd: '{say}'}}, {{_on: success, cmd: '{say}'}}]}}",
    )
    count = f"ls $PEGASUS_SUBMIT_DIR | grep -c out.00 >> {told}"
    of_workflow = f"{{shell: [{{_on: all, cmd: '{say}'}}, {{_on: end, cmd: '{count}'}}, {{_on: end, cmd: 'exit 1'}}]}}"
    run = begun(pool, tmp_path, task, retries=1, hooks=of_workflow)
    with pytest.raises(PartialError):
        run.wait(PATIENCE_S)
    lines = [line.split() for line in told.read_text().splitlines()]
    assert lines.count(["on_error", "fails_ID1", "3"]) == 2  # tried twice
    (uuid,) = {line[1] for line in lines if line[0] == "start"}
    assert ["at_end", uuid, "1"] in lines
    assert ["2"] in lines  # the files were here by then
    assert len(lines) == 5
