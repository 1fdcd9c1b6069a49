"""How the tasks of a job went, as Pegasus' tools read it: records of pegasus-kickstart, lines of pegasus-cluster.

Part of the job wrapper (invoke.py), standard library only.
"""

import json
import os
import pwd
import re
import signal
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

SHOWN_BYTES = 64 * 1024  # of stdout and stderr in the record; the end is what tells


class Ended(NamedTuple):
    """How a task went."""

    started_at: float
    ended_at: float
    status: int  # as wait() has it
    why: str  # what there is to say about it
    usage: tuple[float, float, int]  # user s, system s, KiB of memory


def task_line(task: dict[str, Any], number: int, ended: Ended) -> str:
    return (
        f'[cluster-task id={number + 1}, start="{iso(ended.started_at)}", '
        f"duration={ended.ended_at - ended.started_at:.3f}, status={ended.status}, pid={os.getpid()}, "
        f'app="{task["run"]}"]'
    )


def summary_line(tasks: int, succeeded: int, failed: int, started_at: float) -> str:
    return (
        f'[cluster-summary stat="{"fail" if failed else "ok"}", lines={tasks}, tasks={tasks}, succeeded={succeeded}, '
        f"failed={failed}, extra=0, duration={time.time() - started_at:.3f}, "
        f'start="{iso(started_at)}", pid={os.getpid()}, app="pegasus-cluster"]'
    )


def record(task: dict[str, Any], work: Path, sums: dict[str, tuple[str, float]], ended: Ended) -> list[str]:
    """The lines of the invocation record: the keys of pegasus-kickstart's that Pegasus' monitord reads, in YAML."""
    machine = os.uname()
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    duration = f"{ended.ended_at - ended.started_at:.3f}"
    code = os.waitstatus_to_exitcode(ended.status)
    how = [f"      regular_exitcode: {code}"]
    if code < 0:
        name = quoted(signal.Signals(-code).name)
        how = [f"      signalled_signal: {-code}", f"      signalled_name: {name}", "      corefile: False"]
    user_s, system_s, memory_kib = ended.usage
    lines = [
        "- invocation: True",
        "  version: 3.0",
        f"  start: {iso(ended.started_at)}",
        f"  duration: {duration}",
        f"  transformation: {quoted(task['transformation'])}",
        f"  derivation: {quoted(task['id'])}",
        f"  resource: {quoted(os.environ.get('PEGASUS_SITE', ''))}",
        f"  wf-label: {quoted(os.environ.get('PEGASUS_WF_LABEL', ''))}",
        f"  wf-stamp: {os.environ.get('PEGASUS_WF_TIME', '')}",
        f"  hostaddr: {address()}",
        f"  hostname: {machine.nodename}",
        f"  pid: {os.getpid()}",
        f"  uid: {os.getuid()}",
        f"  user: {quoted(user())}",
        "  mainjob:",
        f"    start: {iso(ended.started_at)}",
        f"    duration: {duration}",
        f"    pid: {os.getpid()}",
        "    usage:",
        f"      utime: {user_s:.3f}",
        f"      stime: {system_s:.3f}",
        f"      maxrss: {memory_kib}",
        "    status:",
        f"      raw: {ended.status}",
        *how,
        "    executable:",
        f"      file_name: {quoted(task['run'])}",
        "    argument_vector:",
        *(f"      - {quoted(word)}" for word in task["arguments"]),
        f"  cwd: {quoted(str(work))}",
        "  machine:",
        f"    uname_system: {machine.sysname.lower()}",
        f"    uname_nodename: {machine.nodename}",
        f"    uname_release: {machine.release}",
        f"    uname_machine: {machine.machine}",
        f"    ram_total: {pages // 1024}",
        f"    cpu_count: {os.cpu_count()}",
        "  files:",
    ]
    for lfn, (digest, took) in sums.items():
        found = (work / lfn).stat()
        lines += [
            f"    {quoted(lfn)}:",
            f"      lfn: {quoted(lfn)}",
            f"      file_name: {quoted(str(work / lfn))}",
            f"      size: {found.st_size}",
            f"      ctime: {iso(found.st_ctime)}",
            "      output: True",
            f"      sha256: {digest}",
            f"      checksum_timing: {took:.3f}",
        ]
    return lines


def stream_lines(name: str, path: Path, more: str = "") -> list[str]:
    size = path.stat().st_size if path.is_file() else 0
    lines = [f"    {name}:", f"      size: {size}", f"      data_truncated: {str(size > SHOWN_BYTES).lower()}"]
    if text := tail(path) + more:
        lines += ["      data: |2", *(f"        {line}" for line in text.splitlines())]
    return lines


def tail(path: Path) -> str:
    """The end of a file as printable text; empty when there is none."""
    if not path.is_file():
        return ""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - SHOWN_BYTES))
        text = file.read().decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    text = "".join(char if char.isprintable() or char in "\n\t" else "?" for char in text)
    return text if not text or text.endswith("\n") else text + "\n"


def quoted(text: str) -> str:
    """A YAML scalar in double quotes. JSON's strings are YAML's, but for halves of pairs: YAML has whole characters.

    >>> print(quoted('a "b" \\u65e5 \\U0001f600'))
    "a \\"b\\" \\u65e5 \\U0001f600"
    """
    said = json.dumps(text.encode("utf-8", "replace").decode())  # what is no character is a question mark

    def whole(pair: "re.Match[str]") -> str:
        char = json.loads(f'"{pair[0]}"')
        return f"\\U{ord(char):08x}"

    return re.sub(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..", whole, said)


def iso(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}+00:00"


def user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a slot user without an entry
        return str(os.getuid())


def address() -> str:
    try:
        return socket.gethostbyname(socket.gethostname())
    except OSError:
        return "127.0.0.1"
