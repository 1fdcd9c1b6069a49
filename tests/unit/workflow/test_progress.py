"""Progress, folded from event logs that HTCondor 23.9.6 wrote for planned workflows."""

from itertools import pairwise
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_submit_dir import hello

from roost.workflow.attempts import JobProgress, JobState, Outcome
from roost.workflow.event_log import parse_events
from roost.workflow.failure import failure, reason
from roost.workflow.progress import Progress, begin, begin_again, dag_exit_code, fold, fold_end
from roost.workflow.static_bp import from_dag

DATA = Path(__file__).parent / "data"
LOG = (DATA / "hello.log").read_text()
AT = 1795205594.0  # 2026-11-20 20:13:14 UTC, the first submission


def waiting(*names: str, retries: int = 1) -> Progress:
    return Progress(jobs={name: JobProgress(name=name, state=JobState.READY, retries=retries) for name in names})


def test_nothing_has_happened() -> None:
    found = begin(hello())
    assert found.totals[JobState.READY] == 1
    assert found.totals[JobState.WAITING] == 3
    assert not found.is_over


def test_hello_to_its_end() -> None:
    found = fold(begin(hello()), LOG)
    assert found.totals[JobState.DONE] == 4
    assert found.started_at == AT
    (attempt,) = found.jobs["preprocess_ID0000001"].attempts
    assert (attempt.started_at, attempt.exit_code, attempt.outcome) == (AT + 3, 0, Outcome.DONE)
    assert (attempt.slot, attempt.host, attempt.instance_id) == ("slot1_1@rbd-d", "rbd-d", "i-0123456789abcdef0")
    assert attempt.sent_bytes > 0
    assert attempt.received_bytes > 0
    assert found.rests == {"": ""}


def test_children_become_ready_when_all_parents_are_done() -> None:
    states = []
    found = begin(hello())
    for event in LOG.split("\n...\n")[:-1]:
        found = fold(found, event + "\n...\n")
        states.append((found.jobs["findrange_ID0000002"].state, found.jobs["analyze_ID0000004"].state))
    assert (JobState.READY, JobState.WAITING) in states
    assert (JobState.RUNNING, JobState.WAITING) in states
    assert (JobState.DONE, JobState.READY) in states


def test_when_an_attempt_waited_and_moved_its_files() -> None:
    (attempt,) = fold(begin(hello()), LOG).jobs["preprocess_ID0000001"].attempts
    assert (attempt.queued_at, attempt.inputs_at, attempt.outputs_at, attempt.ended_at) == (AT, AT + 2, AT + 3, AT + 3)
    assert (attempt.cpus, attempt.instance_cpus) == (1, None)
    whole = LOG.replace("\tCpus = 1\n", "\tCpus = 2\n\tTotalCpus = 16.0\n")
    (attempt,) = fold(begin(hello()), whole).jobs["preprocess_ID0000001"].attempts
    assert (attempt.cpus, attempt.instance_cpus) == (2, 16)


def test_what_changed_is_told_once() -> None:
    found = begin(hello())
    assert found.take_changed() == ()
    first, second = LOG[: LOG.index("000 (009")], LOG[LOG.index("000 (009") :]
    names = [job.name for job in fold(found, first).take_changed()]
    assert names == ["preprocess_ID0000001", "findrange_ID0000002", "findrange_ID0000003"]  # the children are ready
    assert "preprocess_ID0000001" not in [job.name for job in fold(found, second).take_changed()]
    assert found.take_changed() == ()


SCRIPT = """\
016 (001.000.000) 2026-11-20 20:13:40 POST Script terminated.
	(1) Normal termination (return value {code})
    DAG Node: A
...
"""


@pytest.mark.parametrize(
    ("code", "retries", "state"), [(0, 0, JobState.DONE), (1, 0, JobState.FAILED), (1, 1, JobState.RETRYING)]
)
def test_a_post_script_has_the_last_word(code: int, retries: int, state: JobState) -> None:
    ended = "005 (001.000.000) 2026-11-20 20:13:30 Job terminated.\n\t(1) Normal termination (return value 0)\n...\n"
    log = EVICTED[: EVICTED.index("{event}")] + ended + SCRIPT.format(code=code)
    job = fold(waiting("A", retries=retries), log).jobs["A"]
    assert (job.state, job.script_ended_at) == (state, AT + 26)


@settings(deadline=None)  # a loaded machine takes its time
@given(st.lists(st.integers(0, len(LOG)), max_size=20))
def test_cut_anywhere(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(LOG)]
    found = begin(hello())
    for start, end in pairwise(places):
        found = fold(found, LOG[start:end])
    assert found == fold(begin(hello()), LOG)


def test_failed_twice() -> None:
    log = (DATA / "retry.log").read_text()
    found = fold(waiting("A", "B"), log)
    assert found.jobs["A"].state is JobState.DONE
    assert found.jobs["B"].state is JobState.FAILED
    assert [one.exit_code for one in found.jobs["B"].attempts] == [3, 3]
    once = log[: log.index("000 (004")]
    assert fold(waiting("A", "B"), once).jobs["B"].state is JobState.RETRYING
    assert fold(waiting("A", "B", retries=0), once).jobs["B"].state is JobState.FAILED


def test_end_of_the_dag() -> None:
    end = (DATA / "retry.dagman.out").read_text()
    assert dag_exit_code(end) == 1
    log = (DATA / "retry.log").read_text()
    found = fold_end(fold(waiting("A", "B"), log[: log.index("000 (004")]), end)
    assert (found.is_over, found.is_success) == (True, False)
    assert [job.name for job in found.failed] == ["B"]
    assert fold_end(waiting("A"), "11/20/26 20:02:50 Writing Rescue DAG") == waiting("A")


def test_held_then_removed() -> None:
    log = (DATA / "held.log").read_text()
    held = fold(waiting("reads_ID1", retries=0), log[: log.index("009 (")])
    assert held.jobs["reads_ID1"].state is JobState.HELD
    assert held.jobs["reads_ID1"].hold_code == 13
    assert "No such file or directory" in held.jobs["reads_ID1"].hold_reason
    assert fold(held, log[log.index("009 (") :]).jobs["reads_ID1"].state is JobState.FAILED


EVICTED = """\
000 (001.000.000) 2026-11-20 20:13:14 Job submitted from host: <a>
    DAG Node: A
...
001 (001.000.000) 2026-11-20 20:13:17 Job executing on host: <a>
	SlotName: slot1_1@one
...
{event}
...
001 (001.000.000) 2026-11-20 20:14:17 Job executing on host: <b>
	SlotName: slot1_1@two
...
"""


@pytest.mark.parametrize(
    "event",
    [
        "004 (001.000.000) 2026-11-20 20:13:30 Job was evicted.",
        "007 (001.000.000) 2026-11-20 20:13:30 Shadow exception!\n\tError from slot1_1@one",
        "024 (001.000.000) 2026-11-20 20:13:30 Job reconnection failed",
        "006 (001.000.000) 2026-11-20 20:13:30 Image size of job updated: 1",  # not a word about the eviction
    ],
)
def test_lost_execution_point_is_no_retry(event: str) -> None:
    job = fold(waiting("A"), EVICTED.format(event=event)).jobs["A"]
    assert [(one.host, one.outcome) for one in job.attempts] == [("one", Outcome.EVICTED), ("two", Outcome.RUNNING)]
    assert (job.state, job.submits) == (JobState.RUNNING, 1)


def test_dots_in_a_text_end_no_event() -> None:
    log = "012 (001.000.000) 2026-11-20 20:13:30 Job was held.\n\tsee the log...\n\tCode 1 Subcode 0\n...\n"
    (event,) = parse_events(log)
    assert "Code 1" in event.text


@pytest.mark.parametrize(
    ("stderr", "reason", "lines"),
    [
        ("a\nb\nPegasusLite: exitcode 3\n", "exit code 3", ("a", "b")),
        ("roost: the task ended well (exit code 0) but did not write: x\n", "the task ended well (exit code 0)", ()),
        ("", "exit code 3", ()),
    ],
)
def test_failure_in_words(stderr: str, reason: str, lines: tuple[str, ...]) -> None:
    log = (DATA / "retry.log").read_text().replace("DAG Node: B", "DAG Node: analyze_ID0000004")
    executable = hello()
    job = fold(begin(executable), log).jobs["analyze_ID0000004"]
    found = failure(executable, job, stderr)
    assert found.reason.startswith(reason)
    assert (found.stderr, found.attempts, found.exit_code) == (lines, 2, 3)
    assert found.instance_id == "i-0123456789abcdef0"
    assert found.files[0] == PurePosixPath("/home/debian/runs/hello-1/submit/analyze_ID0000004.err.001")
    assert "workflow.yml:" in found.at


def test_held_job_in_words() -> None:
    log = (DATA / "held.log").read_text().replace("reads_ID1", "analyze_ID0000004")
    executable = hello()
    found = failure(executable, fold(begin(executable), log).jobs["analyze_ID0000004"], "")
    assert found.reason.startswith("held: its inputs could not be sent to the execution point (")


def event(kind: int, cluster: int, second: int, said: str) -> str:
    return f"{kind:03} ({cluster:03}.000.000) 2026-11-21 10:00:{second:02} {said}\n...\n"


def state(progress: Progress, name: str) -> JobState:
    return progress.jobs[name].state


def submitted(cluster: int, second: int, node: str) -> str:
    return event(0, cluster, second, f"Job submitted from host: <x>\n    DAG Node: {node}")


def ended(cluster: int, second: int, code: int) -> str:
    return event(5, cluster, second, f"Job terminated.\n\t(1) Normal termination (return value {code})")


RUNNING = "Job executing on host: <x>"
FIRST = (  # "a" is done, "b" failed for good, "c" ran when its pool went
    submitted(1, 0, "a") + submitted(2, 0, "b") + submitted(3, 0, "c")
    + "".join(event(1, cluster, 1, RUNNING) for cluster in (1, 2, 3))
    + ended(1, 2, 0) + ended(2, 3, 7)
    + submitted(4, 4, "b") + event(1, 4, 5, RUNNING) + ended(4, 6, 7)
)  # fmt: skip


def test_a_run_that_is_sent_again_keeps_what_is_done() -> None:
    found = begin_again(fold_end(fold(waiting("a", "b", "c"), FIRST), "EXITING WITH STATUS 1"))
    assert not found.is_over
    assert {name: job.state for name, job in found.jobs.items()} == {
        "a": JobState.DONE,
        "b": JobState.READY,
        "c": JobState.READY,
    }
    (cut_short,) = found.jobs["c"].attempts
    assert cut_short.outcome is Outcome.EVICTED
    assert cut_short.ended_at == found.last_at


def test_tries_are_counted_on_and_retries_are_new() -> None:
    """Cluster ids begin at 1 again: it is another schedd."""
    found = begin_again(fold(waiting("a", "b", "c"), FIRST))
    fold(found, submitted(1, 10, "b") + event(1, 1, 11, RUNNING) + ended(1, 12, 7))
    assert state(found, "b") == JobState.RETRYING
    fold(found, submitted(2, 13, "b") + event(1, 2, 14, RUNNING) + ended(2, 15, 7))
    assert state(found, "b") == JobState.FAILED
    assert (found.jobs["b"].submits, len(found.jobs["b"].attempts)) == (4, 4)


def test_one_that_was_done_runs_again_where_its_files_are_lost() -> None:
    found = begin_again(fold(waiting("a", "b", "c"), FIRST))
    fold(found, submitted(1, 10, "a"))
    assert state(found, "a") == JobState.SUBMITTED
    fold(found, event(1, 1, 11, RUNNING) + ended(1, 12, 7))
    assert state(found, "a") == JobState.RETRYING
    fold(found, submitted(2, 13, "a") + event(1, 2, 14, RUNNING) + ended(2, 15, 0))
    assert state(found, "a") == JobState.DONE


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("", None),
        ("x EXITING WITH STATUS 0\n", 0),
        ("x EXITING WITH STATUS 3\n", None),  # its schedd goes down, and will start it again
        ("x EXITING WITH STATUS 1\n** x (CONDOR_DAGMAN) STARTING UP\nmore\n", None),
        ("** (CONDOR_DAGMAN) STARTING UP\nEXITING WITH STATUS 3\n** STARTING UP\nEXITING WITH STATUS 2\n", 2),
    ],
)
def test_the_end_of_dagman(said: str, code: int | None) -> None:
    assert dag_exit_code(said) == code


def test_a_hold_by_the_execution_points_policy_is_told() -> None:
    """The event log tells the eviction first."""
    held = event(12, 2, 3, "Job was held.\n\tmemory usage exceeded request_memory\n\tCode 26 Subcode 102")
    log = submitted(2, 0, "b") + event(1, 2, 1, RUNNING) + event(4, 2, 2, "Job was evicted.") + held
    found = fold_end(fold(waiting("b", retries=0), log + event(9, 2, 4, "Job was aborted.")), "EXITING WITH STATUS 1")
    assert found.jobs["b"].state is JobState.FAILED
    assert found.jobs["b"].hold_reason == "memory usage exceeded request_memory"


def test_a_post_script_tells_of_a_job_that_could_not_be_submitted() -> None:
    """Its cluster is -1; it is the only trace of that job in a log of events."""
    log = "016 (-01.000.000) 2026-11-21 18:27:18.845 POST Script terminated.\n"
    log += "\t(1) Normal termination (return value 2)\n    DAG Node: a\n...\n"
    progress = fold(begin(from_dag(["JOB a a.sub", "JOB b b.sub", "PARENT a CHILD b"])), log)
    ended = fold_end(progress, "11/21/26 18:27:19 (condor_DAGMAN) pid 155 EXITING WITH STATUS 1\n")
    (failed,) = ended.failed
    assert (failed.name, reason(failed, "")) == (
        "a",
        "HTCondor did not take it: the messages of DAGMan (*.dagman.out) say why",
    )
