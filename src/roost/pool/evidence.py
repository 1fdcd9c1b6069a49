"""pure: what can be seen of an instance, as values: the look inside it (a script's output) and what others say of it.

The script prints sections and never a secret: of tokens only what `condor_token_list` shows, header and payload.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from roost.cloud.model import Ingress, PoolInstance

_SECTION = "@@ "
# The clock as a login sees it; everything else as root, from standard input: sudo logs what is on a command line.
_LOOK = 'echo "@@ time"; date +%s.%N; echo; exec sudo -n sh -s'
LOOK_INSIDE = """
at() { printf '\\n@@ %s\\n' "$1"; }
at cloud-init; timeout 5 cloud-init status --format json 2>/dev/null
at condor; systemctl show condor.service -p LoadState -p ActiveState -p SubState -p Result -p ExecMainStatus
at failed; systemctl list-units --failed --plain --no-legend --no-pager
at disks; df -Pk / /var/lib/condor/execute /var/log 2>/dev/null | tail -n +2 | sort -u
at memory; grep -E '^Mem(Total|Available)' /proc/meminfo
at killed; journalctl -q --no-pager -b -o cat -g 'oom-kill:|Out of memory: Killed' -n 3 2>/dev/null
at boot; tail -n 60 /var/log/roost/boot.jsonl 2>/dev/null
at tokens; condor_token_list 2>/dev/null
at manager; manager=$(condor_config_val CONDOR_HOST 2>/dev/null); echo "$manager"
if [ -n "$manager" ]; then timeout 4 bash -c ": < /dev/tcp/$manager/9618" 2>/dev/null; echo $?; fi
for log in MasterLog StartLog; do at $log; tail -n 60 /var/log/condor/$log 2>/dev/null; done
at CollectorLog; grep -hE 'DENIED|AUTHENTICATE|xpired' /var/log/condor/CollectorLog 2>/dev/null | tail -n 40
"""
_STAMP = re.compile(r"^\d\d/\d\d/\d\d \d\d:\d\d:\d\d ")
_COMPLAINT = re.compile(r"ERROR|FAILED|[Ff]ailed|DENIED|xpired|rejected|Can't|cannot|No space")


@dataclass(frozen=True, kw_only=True, slots=True)
class Cause:
    """One thing that may be why, best first: a sentence, what shows it, what to type."""

    likelihood: int  # higher: more likely, or nearer to the root
    sentence: str
    evidence: tuple[str, ...] = ()
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    at: str
    size_kib: int
    free_kib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """What a token says of itself; its signature is not here."""

    subject: str
    issuer: str
    expires_at_s: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Inside:
    """One look into an instance, over ssh."""

    clock_s: float
    cloud_init: str  # done, running, error, ...
    cloud_init_errors: tuple[str, ...]
    unit: dict[str, str]  # of condor.service, by systemd's names
    failed_units: tuple[str, ...]
    disks: tuple[Disk, ...]
    memory_free_mib: int | None
    killed: tuple[str, ...]  # what the kernel ended for want of memory
    events: tuple[str, ...]  # of the boot, newest last
    tokens: tuple[Token, ...]
    manager: str  # the central manager's address, as configured
    manager_answer: int | None  # exit code of a connection to its port: 0 reached, 1 refused, 124 nothing came back
    complaints: tuple[str, ...]  # of HTCondor's logs, newest last
    denials: tuple[str, ...]  # of the collector, on a central manager


@dataclass(frozen=True, kw_only=True, slots=True)
class Listed:
    """What the collector knows of an execution point."""

    heard_s_ago: float
    clock_ahead_s: float  # of its own clock, when it was heard
    activity: str


@dataclass(frozen=True, kw_only=True, slots=True)
class InstanceEvidence:
    instance: PoolInstance
    pool: str
    now: datetime
    console: str = ""
    inside: Inside | None = None
    clock_ahead_s: float | None = None  # of its clock, against ours
    unreachable: str = ""  # why nobody could look inside
    listed: Listed | None = None
    collector_answers: bool = False
    manager_clock_ahead_s: float | None = None
    denials: tuple[str, ...] = ()  # the collector's, of its address
    ingress: frozenset[Ingress] | None = None  # None: the group is not known
    own_address: str = ""
    is_submitted_elsewhere: bool = False  # the pool's access point is no member of its group
    kept_at: str = ""  # where what was kept of it lies


def look_argv() -> list[str]:
    """The command of a look inside; its standard input is `LOOK_INSIDE`."""
    return ["sh", "-c", _LOOK]


def inside(printed: str) -> Inside:
    """What `look_argv` printed; sections that are missing are empty."""
    part = sections(printed)
    status = _json(part.get("cloud-init", ""))
    manager = part.get("manager", "").split()
    return Inside(
        clock_s=float(part.get("time", "").strip() or 0),
        cloud_init=str(status.get("status", "")),
        cloud_init_errors=tuple(str(each) for each in status.get("errors", [])),
        unit=dict(line.split("=", 1) for line in part.get("condor", "").splitlines() if "=" in line),
        failed_units=tuple(line.split()[0] for line in part.get("failed", "").splitlines() if line.strip()),
        disks=tuple(_disks(part.get("disks", ""))),
        memory_free_mib=_free_mib(part.get("memory", "")),
        killed=tuple(line for line in part.get("killed", "").splitlines() if line.strip()),
        events=tuple(_events(part.get("boot", ""))),
        tokens=tokens(part.get("tokens", "")),
        manager=manager[0] if manager else "",
        manager_answer=int(manager[1]) if len(manager) > 1 else None,
        complaints=complaints(part.get("MasterLog", "") + "\n" + part.get("StartLog", "")),
        denials=tuple(line for line in part.get("CollectorLog", "").splitlines() if line.strip()),
    )


def listed_argv() -> list[str]:
    """On the access point: its clock, and what the collector lists."""
    attributes = "RoostInstanceId,LastHeardFrom,MyCurrentTime,Activity"
    return ["sh", "-c", f"date +%s && condor_status -attributes {attributes} -json"]


def listed(printed: str, instance_id: str) -> Listed | None:
    """What `listed_argv` printed, of one instance; None when the collector does not list it."""
    clock, _, ads = printed.partition("\n")
    slots = json.loads(ads) if ads.strip() else []
    mine = [each for each in slots if each.get("RoostInstanceId") == instance_id and "LastHeardFrom" in each]
    if not mine:
        return None
    newest = max(mine, key=lambda each: float(each["LastHeardFrom"]))
    heard_s = float(newest["LastHeardFrom"])
    return Listed(
        heard_s_ago=float(clock) - heard_s,
        clock_ahead_s=float(newest.get("MyCurrentTime", heard_s)) - heard_s,
        activity="busy" if any(each.get("Activity") == "Busy" for each in mine) else "idle",
    )


def sections(printed: str) -> dict[str, str]:
    """
    >>> sections("@@ time\\n5\\n\\n@@ disks\\n/dev/a 1 2\\n")
    {'time': '5\\n', 'disks': '/dev/a 1 2\\n'}
    """
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in printed.splitlines():
        if line.startswith(_SECTION):
            lines = found.setdefault(line.removeprefix(_SECTION), [])
        else:
            lines.append(line)
    return {name: "\n".join(body).strip("\n") + "\n" for name, body in found.items()}


def tokens(printed: str) -> tuple[Token, ...]:
    """What `condor_token_list` printed.

    >>> tokens('Header: {"alg":"HS256"} Payload: {"exp":9,"iss":"a.roost","sub":"ep@a.roost"} File: /etc/t')
    (Token(subject='ep@a.roost', issuer='a.roost', expires_at_s=9.0),)
    """
    payloads = [_json(found) for found in re.findall(r"Payload: (\{.*?\}) File:", printed)]
    return tuple(
        Token(
            subject=str(each.get("sub", "")),
            issuer=str(each.get("iss", "")),
            expires_at_s=float(each["exp"]) if "exp" in each else None,
        )
        for each in payloads
    )


def complaints(log: str, most: int = 4) -> tuple[str, ...]:
    """The last different complaints of a daemon's log, without their time.

    >>> complaints("11/20/26 20:10:17 Starting\\n11/20/26 20:10:18 ERROR: SECMAN:2010: DENIED\\n")
    ('ERROR: SECMAN:2010: DENIED',)
    """
    said = [_STAMP.sub("", line).strip() for line in log.splitlines() if _COMPLAINT.search(line)]
    newest_first = dict.fromkeys(reversed(said))
    return tuple(reversed(list(newest_first)[:most]))


def utc(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M UTC")


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _disks(printed: str) -> Sequence[Disk]:
    rows = [line.split() for line in printed.splitlines()]
    whole = [row for row in rows if len(row) >= 6 and row[1].isdigit() and row[3].isdigit()]
    return [Disk(at=row[5], size_kib=int(row[1]), free_kib=int(row[3])) for row in whole]


def _free_mib(printed: str) -> int | None:
    found = re.search(r"MemAvailable:\s+(\d+)", printed)
    return int(found[1]) // 1024 if found else None


def _events(printed: str) -> Sequence[str]:
    entries = [_json(line) for line in printed.splitlines()]
    return [
        " ".join([str(each["event"]), *(f"{k}={v}" for k, v in each.items() if k not in ("at", "seconds", "event"))])
        for each in entries
        if "event" in each
    ]
