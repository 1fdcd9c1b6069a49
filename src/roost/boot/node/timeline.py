"""shell (/var/log/roost, /dev/console): what happened here and when, one JSON line and one console line each.

EC2 shows the console from outside (GetConsoleOutput), also when nothing else of the instance can be reached.
"""

import json
import time
from contextlib import suppress
from pathlib import Path

TIMELINE = Path("/var/log/roost/boot.jsonl")
_CONSOLE = Path("/dev/console")


def note(event: str, **details: str | int) -> None:
    """`roost: 3.2s condor started` on the console; the same with its time and details in the file."""
    seconds = round(seconds_since_boot(), 1)
    line = json.dumps({"at": round(time.time(), 3), "seconds": seconds, "event": event, **details})
    TIMELINE.parent.mkdir(parents=True, exist_ok=True)
    with TIMELINE.open("a") as file:
        file.write(line + "\n")
    shown = " ".join([event, *(f"{name}={value}" for name, value in details.items())])
    with suppress(OSError), _CONSOLE.open("w") as console:  # an instance may have none
        console.write(f"roost: {seconds:.1f}s {shown}\r\n")


def seconds_since_boot() -> float:
    """Since this system's first process started: in a container the kernel is older than the system."""
    uptime_s = float(Path("/proc/uptime").read_text().split()[0])
    return uptime_s - started_at_s(Path("/proc/1/stat").read_text(), ticks_per_s=100)


def started_at_s(stat: str, *, ticks_per_s: int) -> float:
    """Field 22 of /proc/PID/stat, in seconds after the kernel's start (proc(5)).

    >>> started_at_s("1 (a (b) c) S 0 1 1 0 -1 4194560 9 8 7 6 5 4 3 2 20 0 1 0 250 1 2", ticks_per_s=100)
    2.5
    """
    after_name = stat[stat.rindex(")") + 1 :].split()
    return int(after_name[22 - 3]) / ticks_per_s
