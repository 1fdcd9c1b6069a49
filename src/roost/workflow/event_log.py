"""pure: the text of HTCondor's event log -> events, and what their texts tell.

HTCondor's manual, "Job Event Log Codes". Times are seconds since the epoch; the access point writes UTC.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

END_OF_EVENT = "\n...\n"  # a line of its own: text may end in dots
SUBMITTED, EXECUTING, EVICTED, TERMINATED, SHADOW_EXCEPTION, REMOVED = 0, 1, 4, 5, 7, 9
HELD, RELEASED, POST_SCRIPT_ENDED, RECONNECT_FAILED, FILE_TRANSFER = 12, 13, 16, 24, 40
TOLD = frozenset(  # by the others (image size, suspension, ...) nothing of ours changes
    {
        SUBMITTED,
        EXECUTING,
        EVICTED,
        TERMINATED,
        SHADOW_EXCEPTION,
        REMOVED,
        HELD,
        RELEASED,
        POST_SCRIPT_ENDED,
        RECONNECT_FAILED,
        FILE_TRANSFER,
    }
)

# The cluster of a POST script whose job could not be submitted is -1.
_HEAD = re.compile(r"(\d{3}) \((-?\d+)\.\d+\.\d+\) (\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)Z? ?(.*)")
_SEPARATOR = re.compile(r"^\.\.\.\n", re.MULTILINE)
_NODE = re.compile(r"^\s+DAG Node: (\S+)", re.MULTILINE)
_ATTRIBUTE = re.compile(r'^\t(\w+)(?: = |: )"?([^"\n]*)"?$', re.MULTILINE)
_RETURN = re.compile(r"\(1\) Normal termination \(return value (-?\d+)\)")
_SIGNAL = re.compile(r"\(0\) Abnormal termination \(signal (\d+)\)")
_SENT = re.compile(r"^\t(\d+)  -  Run Bytes Sent By Job", re.MULTILINE)
_RECEIVED = re.compile(r"^\t(\d+)  -  Run Bytes Received By Job", re.MULTILINE)
_HOLD_CODE = re.compile(r"Code (\d+) Subcode")


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One entry of an event log."""

    kind: int
    cluster: int
    at: float
    text: str


def parse_events(text: str) -> list[Event]:
    """The complete events of a piece of an event log.

    >>> parse_events("001 (7.000.000) 2026-11-20 20:02:43 Job executing on host: <a>\\n...\\n001 (8.0")
    [Event(kind=1, cluster=7, at=1795204963.0, text='Job executing on host: <a>\\n')]
    """
    return list(_events(text))


def told_events(text: str) -> Iterator[Event]:
    """Those of them by which a job changes."""
    return _events(text, only=TOLD)


def node(text: str) -> str | None:
    """Of which node of the DAG a submission, or the end of a POST script, is.

    >>> node("Job submitted from host: <a>\\n    DAG Node: findrange_ID2\\n")
    'findrange_ID2'
    """
    found = _NODE.search(text)
    return found[1] if found else None


def attributes(text: str) -> dict[str, str]:
    """The attributes of the slot in an execute event.

    >>> attributes('Job executing on host: <x>\\n\\tSlotName: slot1_1@a\\n\\tRoostInstanceId = "i-0a"\\n')
    {'SlotName': 'slot1_1@a', 'RoostInstanceId': 'i-0a'}
    """
    return dict(_ATTRIBUTE.findall(text))


def exit_code(text: str) -> int:
    """128 + signal for a job that a signal ended, as a shell says it.

    >>> exit_code("\\t(1) Normal termination (return value 3)"), exit_code("\\t(0) Abnormal termination (signal 9)")
    (3, 137)
    """
    if found := _RETURN.search(text):
        return int(found[1])
    found = _SIGNAL.search(text)
    return 128 + int(found[1]) if found else 1


def transferred(text: str) -> tuple[int, int]:
    """Bytes that the job sent (outputs) and received (inputs), in an event that ends its run.

    >>> transferred("Job terminated.\\n\\t12  -  Run Bytes Sent By Job\\n\\t34  -  Run Bytes Received By Job\\n")
    (12, 34)
    """
    sent, received = _SENT.search(text), _RECEIVED.search(text)
    return int(sent[1]) if sent else 0, int(received[1]) if received else 0


def hold(text: str) -> tuple[str, int]:
    """Why a job is held: in words, and HTCondor's code.

    >>> hold("Job was held.\\n\\tno such file\\n\\tCode 13 Subcode 2\\n")
    ('no such file', 13)
    """
    lines = [line.strip() for line in text.splitlines()[1:] if line.strip()]
    code = _HOLD_CODE.search(text)
    return " ".join(line for line in lines if not line.startswith("Code ")), int(code[1]) if code else 0


def _events(text: str, *, only: frozenset[int] | None = None) -> Iterator[Event]:
    midnights: dict[str, float] = {}
    for chunk in _SEPARATOR.split(text)[:-1]:
        first, _, below = chunk.partition("\n")
        head = _HEAD.fullmatch(first.rstrip())
        if head is None:
            continue
        code, cluster, day, clock, said = head.groups()
        kind = int(code)
        if only is not None and kind not in only:
            continue
        if day not in midnights:
            midnights[day] = datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()
        at = midnights[day] + int(clock[:2]) * 3600 + int(clock[3:5]) * 60 + float(clock[6:])
        yield Event(kind=kind, cluster=int(cluster), at=at, text=f"{said}\n{below}")
