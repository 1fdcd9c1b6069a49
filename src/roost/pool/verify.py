"""pure: does the pool work? One small job pinned to each instance, and what its traces prove.

Four questions for each instance: has it joined, did a job match it, did the job run, did its file come back?
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from roost.pool.ads import VERIFY_ATTRIBUTE, Slot

LOG = "verify.log"
_NONCE, _ANSWER = "nonce", "answer"
_HOLD_GRACE_S = 10.0  # what puts a job on hold may release it: a policy, a person who is at it

# Events of the job's log (HTCondor's manual, "Job Event Log Codes")
_SUBMITTED, _EXECUTING, _TERMINATED, _ABORTED, _HELD, _RELEASED, _TRANSFER = 0, 1, 5, 9, 12, 13, 40
_EVENT = re.compile(
    r"^(?P<code>\d{3}) \(\d+\.(?P<process>\d+)\.\d+\) (?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\S* (?P<text>.*?)^\.\.\.$",
    re.MULTILINE | re.DOTALL,
)


class Question(StrEnum):
    JOINED = "joined"
    MATCHED = "matched"
    RAN = "ran"
    RETURNED = "returned"


class Verdict(StrEnum):
    YES = "yes"
    NO = "no"
    NOT_YET = "not yet"


@dataclass(frozen=True, kw_only=True, slots=True)
class Check:
    instance_id: str
    question: Question
    verdict: Verdict
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    code: int
    process: int
    at: datetime  # the access point's own clock, in UTC
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """What can be seen at one moment."""

    slots: Sequence[Slot]
    log: str
    returned: Mapping[str, str]  # instance id -> what its file holds
    nonce: str
    now_s: float  # the access point's clock
    is_over: bool  # nobody waits any longer: what is not there yet is a no


def submit_description(instance_ids: Sequence[str]) -> str:
    """One cluster, one process for each instance in this order. It transfers `nonce` in, and a copy of it back."""
    return "\n".join(
        [
            "executable = /bin/cp",
            "transfer_executable = false",
            f"arguments = {_NONCE} {_ANSWER}",
            "should_transfer_files = yes",
            f"transfer_input_files = {_NONCE}",
            f"transfer_output_files = {_ANSWER}",
            f'transfer_output_remaps = "{_ANSWER}={_ANSWER}.$(instance)"',
            f"log = {LOG}",
            'requirements = TARGET.RoostInstanceId == "$(instance)"',
            "request_cpus = 1",
            "request_memory = 32",
            "request_disk = 1M",
            f"+{VERIFY_ATTRIBUTE} = true",
            "priority = 20",  # before the user's own waiting jobs
            'batch_name = "roost verify"',
            "queue instance from (",
            *(f"  {instance_id}" for instance_id in instance_ids),
            ")",
            "",
        ]
    )


def checks(expected: Sequence[str], evidence: Evidence) -> tuple[Check, ...]:
    """The four answers for each instance, in the order of `submit_description`."""
    log = events(evidence.log)
    return tuple(
        check
        for process, instance_id in enumerate(expected)
        for check in _instance_checks(instance_id, [e for e in log if e.process == process], evidence)
    )


def events(log: str) -> list[Event]:
    """The events of a job log; one that is being written is left for the next time.

    >>> events("001 (12.0.0) 2026-11-20 20:06:31 Job executing on host: <10.0.0.1>\\n...\\n005 (12.0")[0].code
    1
    """
    return [
        Event(
            code=int(found["code"]),
            process=int(found["process"]),
            at=datetime.fromisoformat(found["at"]).replace(tzinfo=UTC),
            text=found["text"].strip(),
        )
        for found in _EVENT.finditer(log)
    ]


def returned(printed: str) -> dict[str, str]:
    """Instance id -> content, from the lines that `grep -H . answer.*` prints, marked `returned`.

    >>> returned("returned answer.i-1:6b1f\\n")
    {'i-1': '6b1f'}
    """
    return dict(re.findall(rf"^returned {_ANSWER}\.([^:\n]+):(.*)$", printed, re.MULTILINE))


def _instance_checks(instance_id: str, log: Sequence[Event], evidence: Evidence) -> tuple[Check, ...]:
    answers = {
        Question.JOINED: _joined(instance_id, evidence),
        Question.MATCHED: _matched(log, evidence),
        Question.RAN: _ran(log, evidence),
        Question.RETURNED: _returned(instance_id, log, evidence),
    }
    return tuple(
        Check(
            instance_id=instance_id,
            question=question,
            verdict=Verdict.NO if verdict is Verdict.NOT_YET and evidence.is_over else verdict,
            sentence=f"{instance_id} {sentence}",
        )
        for question, (verdict, sentence) in answers.items()
    )


def _joined(instance_id: str, evidence: Evidence) -> tuple[Verdict, str]:
    whole = next((s for s in evidence.slots if s.instance_id == instance_id and s.is_partitionable), None)
    if whole is None:
        return Verdict.NOT_YET, f"has not joined; `roost logs {instance_id}` shows its console"
    size = f"{whole.total_cpus} CPUs and {whole.total_memory_mib} MiB"
    if whole.daemon_started_at_s is None:
        return Verdict.YES, f"joined with {size}"
    return (
        Verdict.YES,
        f"joined with {size}; its HTCondor has run for {evidence.now_s - whole.daemon_started_at_s:.0f} s",
    )


def _matched(log: Sequence[Event], evidence: Evidence) -> tuple[Verdict, str]:
    # The schedd notes the transfer of input files as its first act with a slot that it was given.
    matched = _first(log, _TRANSFER, _EXECUTING)
    if matched is None:
        return _stopped(log, evidence) or (Verdict.NOT_YET, "was not matched with its job")
    return Verdict.YES, f"was matched with its job after {_seconds(log, matched)}"


def _ran(log: Sequence[Event], evidence: Evidence) -> tuple[Verdict, str]:
    started, ended = _first(log, _EXECUTING), _first(log, _TERMINATED)
    if ended is None or started is None:
        state = "runs its job" if started else "did not start its job"
        return _stopped(log, evidence) or (Verdict.NOT_YET, state)
    if "return value 0" not in ended.text:
        return Verdict.NO, f"ran its job, which failed: {_line(ended.text, 1)}"
    return Verdict.YES, f"started its job after {_seconds(log, started)}; it ended after {_seconds(log, ended)}"


def _returned(instance_id: str, log: Sequence[Event], evidence: Evidence) -> tuple[Verdict, str]:
    content = evidence.returned.get(instance_id)
    ended = _first(log, _TERMINATED)
    if content is None or ended is None:
        return _stopped(log, evidence) or (Verdict.NOT_YET, "did not return its file")
    if content.strip() != evidence.nonce:
        return Verdict.NO, f"returned a file with {content.strip()!r} in it instead of {evidence.nonce!r}"
    return Verdict.YES, f"returned its file after {_seconds(log, ended)}"


def _stopped(log: Sequence[Event], evidence: Evidence) -> tuple[Verdict, str] | None:
    """Removed is for good. A hold that lasts is a no; one that was released is nothing."""
    last = next((event for event in reversed(log) if event.code in (_HELD, _RELEASED, _ABORTED)), None)
    if last is None or last.code == _RELEASED:
        return None
    if last.code == _ABORTED:
        return Verdict.NO, f"had its job removed: {_line(last.text, 1)}"
    is_lasting = evidence.now_s - last.at.timestamp() >= _HOLD_GRACE_S
    return Verdict.NO if is_lasting else Verdict.NOT_YET, f"has its job on hold: {_line(last.text, 1)}"


def _first(log: Sequence[Event], *codes: int) -> Event | None:
    return next((event for event in log if event.code in codes), None)


def _seconds(log: Sequence[Event], event: Event) -> str:
    submitted = _first(log, _SUBMITTED) or event
    seconds = (event.at - submitted.at).total_seconds()
    return f"{seconds:.0f} s" if seconds >= 1 else "less than 1 s"


def _line(text: str, number: int) -> str:
    lines = text.splitlines()
    return " ".join(lines[min(number, len(lines) - 1)].split()) if lines else "no reason given"
