"""Verdicts and sentences from a recorded log (HTCondor 23.9.6), and from what can go wrong."""

import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.pool.ads import Slot
from roost.pool.verify import Check, Evidence, Question, Verdict, checks, events, returned, submit_description

LOG = (Path(__file__).parent / "data" / "verify.log").read_text()
SUBMITTED = LOG[: LOG.index("040 (")]  # both jobs, nothing more
GOOD, ABSENT = "i-0a1b2c3d4e5f60718", "i-none"
NONCE = "17039380e6f20153"
SLOT = Slot(
    name="slot1@rbg-1",
    machine="rbg-1",
    instance_id=GOOD,
    is_partitionable=True,
    state="Unclaimed",
    activity="Idle",
    free_cpus=4,
    free_memory_mib=4096,
    total_cpus=4,
    total_memory_mib=4096,
    daemon_started_at_s=1795205152.0,
)
ALL_WELL = Evidence(slots=[SLOT], log=LOG, returned={GOOD: NONCE}, nonce=NONCE, now_s=1795205511.0, is_over=False)
HELD = """012 (025.000.000) 2026-11-20 20:11:53 Job was held.
	Error from slot1_1@rbg-1: Failed to open 'nonce': No such file or directory (errno 2)
	Code 13 Subcode 2
...
"""
RELEASED = "013 (025.000.000) 2026-11-20 20:11:54 Job was released.\n\tvia condor_release (by user debian)\n...\n"
AFTER_HOLD_S = datetime(2026, 11, 20, 20, 11, 53, tzinfo=UTC).timestamp()
REMOVED = "009 (025.000.000) 2026-11-20 20:11:53 Job was aborted.\n\tvia condor_rm (by user debian)\n...\n"


def _of(instance_id: str, evidence: Evidence) -> dict[Question, Check]:
    return {c.question: c for c in checks([GOOD, ABSENT], evidence) if c.instance_id == instance_id}


def test_all_well() -> None:
    assert [(c.verdict, c.sentence) for c in _of(GOOD, ALL_WELL).values()] == [
        (Verdict.YES, f"{GOOD} joined with 4 CPUs and 4096 MiB; its HTCondor has run for 359 s"),
        (Verdict.YES, f"{GOOD} was matched with its job after less than 1 s"),
        (Verdict.YES, f"{GOOD} started its job after less than 1 s; it ended after less than 1 s"),
        (Verdict.YES, f"{GOOD} returned its file after less than 1 s"),
    ]


@pytest.mark.parametrize(("is_over", "verdict"), [(False, Verdict.NOT_YET), (True, Verdict.NO)])
def test_an_instance_that_is_not_there(is_over: bool, verdict: Verdict) -> None:
    found = _of(ABSENT, dataclasses.replace(ALL_WELL, is_over=is_over))
    assert {c.verdict for c in found.values()} == {verdict}
    assert found[Question.JOINED].sentence == f"{ABSENT} has not joined; `roost logs {ABSENT}` shows its console"
    assert found[Question.MATCHED].sentence == f"{ABSENT} was not matched with its job"


@pytest.mark.parametrize(
    ("changes", "question", "verdict", "words"),
    [
        ({"returned": {}}, Question.RETURNED, Verdict.NOT_YET, "did not return its file"),
        ({"returned": {GOOD: "x"}}, Question.RETURNED, Verdict.NO, f"a file with 'x' in it instead of '{NONCE}'"),
        (
            {"log": SUBMITTED + HELD, "now_s": AFTER_HOLD_S + 10},
            Question.MATCHED,
            Verdict.NO,
            "has its job on hold: Error from slot1_1@rbg-1",
        ),
        ({"log": SUBMITTED + HELD, "now_s": AFTER_HOLD_S + 9}, Question.RAN, Verdict.NOT_YET, "(errno 2)"),
        ({"log": SUBMITTED + HELD, "is_over": True}, Question.RAN, Verdict.NO, "(errno 2)"),
        (
            {"log": SUBMITTED + HELD + RELEASED, "now_s": AFTER_HOLD_S + 99},
            Question.RAN,
            Verdict.NOT_YET,
            "did not start its job",
        ),
        ({"log": SUBMITTED + HELD + RELEASED + HELD, "now_s": AFTER_HOLD_S + 99}, Question.RAN, Verdict.NO, "on hold"),
        ({"log": HELD + RELEASED + LOG}, Question.RAN, Verdict.YES, "started its job"),
        ({"log": HELD + RELEASED + LOG}, Question.RETURNED, Verdict.YES, "returned its file"),
        ({"log": SUBMITTED + HELD + REMOVED}, Question.RAN, Verdict.NO, "had its job removed: via condor_rm"),
        ({"log": SUBMITTED + REMOVED}, Question.RAN, Verdict.NO, "had its job removed: via condor_rm"),
        ({"log": SUBMITTED}, Question.MATCHED, Verdict.NOT_YET, "was not matched"),
        ({"log": ""}, Question.RAN, Verdict.NOT_YET, "did not start its job"),
        ({"log": LOG[: LOG.index("005 (")]}, Question.RAN, Verdict.NOT_YET, "runs its job"),
        ({"log": LOG.replace("return value 0", "return value 1")}, Question.RAN, Verdict.NO, "(return value 1)"),
        ({"log": LOG.replace("20:11:51 Job exec", "20:11:58 Job exec")}, Question.RAN, Verdict.YES, "job after 7 s"),
        ({"slots": []}, Question.JOINED, Verdict.NOT_YET, "has not joined"),
        (
            {"slots": [dataclasses.replace(SLOT, is_partitionable=False)]},
            Question.JOINED,
            Verdict.NOT_YET,
            "has not joined",
        ),
    ],
)
def test_what_can_go_wrong(changes: dict[str, object], question: Question, verdict: Verdict, words: str) -> None:
    check = _of(GOOD, dataclasses.replace(ALL_WELL, **changes))[question]  # type: ignore[arg-type]
    assert check.verdict is verdict
    assert words in check.sentence


@given(st.integers(0, len(LOG)))
def test_a_log_that_is_being_written(cut: int) -> None:
    whole = events(LOG)
    part = events(LOG[:cut])
    assert part == whole[: len(part)]


def test_every_instance_has_its_job() -> None:
    lines = submit_description([GOOD, ABSENT]).splitlines()
    assert lines[-4:] == ["queue instance from (", f"  {GOOD}", f"  {ABSENT}", ")"]
    assert "+RoostVerify = true" in lines
    assert 'requirements = TARGET.RoostInstanceId == "$(instance)"' in lines


def test_returned_files() -> None:
    printed = LOG + f"returned answer.{GOOD}:{NONCE}\nreturned answer.i-2:a:b\n"
    assert returned(printed) == {GOOD: NONCE, "i-2": "a:b"}
