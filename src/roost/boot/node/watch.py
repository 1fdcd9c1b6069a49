"""shell (condor_*, /proc, systemd): when this instance ends itself before its lease, and how its HTCondor goes.

Comes in: the instructions, what the collector and the queue say, who is logged in. Goes out: a power-off, which
terminates the instance; on the way down of the system, from whatever cause, jobs that are vacated. Never: a power-off
while somebody works on the instance. The lease is a timer of systemd's, which asks nobody and needs no program.
"""

import re
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import NoReturn

from roost.boot.node.system import INSTRUCTIONS, LEASE, STATE, StepError, run
from roost.boot.node.timeline import note
from roost.boot.roles import Role
from roost.boot.settings import JOINING_FLAG, LEFT_FLAG, instructions_from_json

VACATE_S = 20.0  # for jobs to end by themselves when the system goes down; EC2 gives some minutes, a spot notice two
# of its unit: ... and some more for this program, altogether
WAYS = ("Restart=always", "RestartSec=5", "TimeoutStopSec=30", "KillMode=mixed")
_TICK_S = 2.0
_LOOK_S = (1.0, 60.0)  # the collector is asked a tenth of the patience apart, within these
_LAUNCHING_S = 15 * 60  # a joining token lives so long: execution points may be on their way
_WARNINGS_S = (60.0, 300.0, 600.0)  # before the lease ends
_SSHD = ("sshd", "sshd-session", "sshd-auth")


@dataclass(frozen=True, kw_only=True, slots=True)
class Process:
    name: str
    parent: int
    terminal: str  # "" for none


@dataclass(slots=True)
class Patience:
    """How long something may be so without a break; 0: for ever."""

    limit_s: float
    since_s: float

    def is_over(self, *, is_so: bool, now_s: float) -> bool:
        if not is_so:
            self.since_s = now_s
        return 0 < self.limit_s <= now_s - self.since_s


def main() -> NoReturn:
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    if instructions.role is Role.ACCESS_POINT:
        live(instructions.settings.idle_s, _Queue(), "no job, no execution point, nobody here")
    live(instructions.settings.lost_s, Unlisted(), "no job, and not in the collector's list")


def live(patience_s: float, is_useless: Callable[[], bool], what: str) -> NoReturn:
    signal.signal(signal.SIGTERM, _end)
    lease_ends_at = float(LEASE.read_text())
    reason = wait_for_reason(patience_s, is_useless, what, lease_ends_at=lease_ends_at)
    power_off(reason, lease_ends_at=lease_ends_at)


def wait_for_reason(patience_s: float, is_useless: Callable[[], bool], what: str, *, lease_ends_at: float) -> str:
    """Returns when there is one, in words."""
    waited = Patience(patience_s, time.monotonic())
    look_s = min(max(patience_s / 10, _LOOK_S[0]), _LOOK_S[1])
    look_at = time.monotonic() + look_s
    warned: dict[str, float] = {}
    while True:
        if Path(LEFT_FLAG).exists():
            return "HTCondor has left, mostly for lack of jobs"
        if patience_s and time.monotonic() >= look_at:
            if waited.is_over(is_so=is_useless(), now_s=time.monotonic()):
                return f"{what} for {patience_s:g} s"
            look_at = time.monotonic() + look_s
        warn(lease_ends_at - time.time(), warned)
        time.sleep(min(_TICK_S, look_s))


def power_off(reason: str, *, lease_ends_at: float) -> NoReturn:
    """As soon as nobody is logged in; the lease does not wait."""
    told: set[str] = set()
    warned: dict[str, float] = {}
    while present := sessions(processes()):
        left_s = lease_ends_at - time.time()
        new = terminals(present) - told
        tell(
            new,
            f"{reason}: this instance powers itself off when you have logged out, in {duration(left_s)} at the latest",
        )
        told |= new
        warn(left_s, warned)
        time.sleep(_TICK_S)
    note("powering off", reason=reason)
    run("systemctl", "poweroff")
    while True:
        time.sleep(60)


def warn(left_s: float, warned: dict[str, float]) -> None:
    """Everybody who is here, of the lease; `warned`: how early each terminal has been told."""
    if (due := warning_due(left_s)) is None:
        return
    new = {one for one in terminals(sessions(processes())) if due < warned.get(one, float("inf"))}
    tell(new, f"the lease ends in {duration(left_s)}, and this instance with it; nothing delays that")
    warned.update(dict.fromkeys(new, due))


def warning_due(left_s: float) -> float | None:
    """
    >>> warning_due(601), warning_due(590), warning_due(59)
    (None, 600.0, 60.0)
    """
    return min([one for one in _WARNINGS_S if left_s <= one], default=None)


def duration(seconds: float) -> str:
    """
    >>> duration(59.7), duration(600), duration(9000)
    ('59 s', '10 min', '2 h 30 min')
    """
    whole = max(0, int(seconds))
    if whole < 120:
        return f"{whole} s"
    return f"{whole // 60} min" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"


class Unlisted:
    """An execution point is useless when the collector does not list it, for whatever reason: the central manager has
    gone, its token is no good, it never joined. A job that runs is HTCondor's to judge, by the lease of its claim."""

    def __init__(self) -> None:
        instance_id = (STATE / "instance-id").read_text()
        self._query = ("condor_status", "-startd", "-const", f'RoostInstanceId == "{instance_id}"', "-af", "Name")

    def __call__(self) -> bool:
        try:
            is_listed = bool(run(*self._query, timeout_s=20).strip())
        except StepError:
            is_listed = False
        return not is_listed and not running_jobs(processes())


class _Queue:
    """An access point is useless without jobs in its queue, without execution points (or a launch under way) and
    without anybody logged in. One that cannot be asked keeps what is on its disk until the lease ends."""

    def __init__(self) -> None:
        self._seen_at = 0.0  # an execution point, epoch s

    def __call__(self) -> bool:
        try:
            has_points = bool(run("condor_status", "-startd", "-limit", "1", "-af", "Name", timeout_s=20).strip())
            has_jobs = bool(run("condor_q", "-allusers", "-limit", "1", "-af", "ClusterId", timeout_s=20).strip())
        except StepError:
            return False
        now = time.time()
        if has_points:
            self._seen_at = now
        flag = Path(JOINING_FLAG)
        launched_at = flag.stat().st_mtime if flag.exists() else 0.0
        is_launching = launched_at > self._seen_at and now - launched_at < _LAUNCHING_S
        return not (has_points or has_jobs or is_launching or sessions(processes()))


def sessions(running: Mapping[int, Process]) -> dict[int, Process]:
    """What people and programs do here over ssh: what a server of sshd's has started. A connection that is merely open
    (a ControlMaster) does nothing. From /proc, since not every image has logind or utmp.

    >>> shell = Process(name="bash", parent=8, terminal="/dev/pts/1")
    >>> server = Process(name="sshd-session", parent=1, terminal="")
    >>> list(sessions({8: server, 9: shell})), sessions({8: server})
    ([9], {})
    """
    return {
        pid: one
        for pid, one in running.items()
        if one.name not in _SSHD and one.parent in running and running[one.parent].name in _SSHD
    }


def running_jobs(running: Mapping[int, Process]) -> int:
    return sum(one.name == "condor_starter" for one in running.values())


def processes() -> dict[int, Process]:
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            found[int(path.parent.name)] = process(path.read_text())
    return found


def process(stat: str) -> Process:
    """/proc/PID/stat (proc(5)): a pseudo-terminal has a major number from 136, its minor one is its name.

    >>> process("7 (a (b) c) S 6 7 7 34817 7 4194560 0")
    Process(name='a (b) c', parent=6, terminal='/dev/pts/1')
    """
    name = stat[stat.index("(") + 1 : stat.rindex(")")]
    fields = stat[stat.rindex(")") + 1 :].split()
    device = int(fields[4])
    major, minor = device >> 8 & 0xFFF, device & 0xFF | device >> 12 & 0xFFF00
    terminal = f"/dev/pts/{minor}" if 136 <= major <= 143 else ""
    return Process(name=name, parent=int(fields[1]), terminal=terminal)


def terminals(present: Mapping[int, Process]) -> set[str]:
    return {one.terminal for one in present.values()} - {""}


def tell(screens: Iterable[str], words: str) -> None:
    """As wall(1) does, which knows only whom utmp knows."""
    for name in screens:
        with suppress(OSError), Path(name).open("w") as screen:
            screen.write(f"\r\nroost: {words}\r\n")


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    """systemd stops this program before HTCondor: when the whole system goes, jobs are asked to end and get some time.

    Then systemd ends HTCondor the fast way; either way it takes its ads out of the collector and jobs go back to the
    queue at once. Where there is no collector any more HTCondor would try to tell it for some twenty seconds.
    """
    with suppress(StepError):
        if run("systemctl", "list-jobs", "--no-legend", "shutdown.target").strip():
            if running_jobs(processes()):
                vacate()
            if not is_answering(run("condor_config_val", "COLLECTOR_HOST")):
                run("systemctl", "kill", "--signal=KILL", "condor.service")
    sys.exit(0)


def vacate() -> None:
    note("vacating jobs")
    run("condor_off", "-graceful", "-startd", timeout_s=10)
    deadline = time.monotonic() + VACATE_S
    while running_jobs(processes()) and time.monotonic() < deadline:
        time.sleep(0.2)


def is_answering(collector: str) -> bool:
    """True also for an address that is not written HOST:PORT."""
    if (found := re.fullmatch(r"([\w.-]+):(\d+)", collector.strip())) is None:
        return True
    try:
        socket.create_connection((found[1], int(found[2])), timeout=1).close()
    except OSError:
        return False
    return True


if __name__ == "__main__":
    main()
