#!/usr/bin/python3
"""Runs one task on an execution point and tells how it went. Standard library only; HTCondor sends it with each job.

In: one argument, base64 of zlib of JSON (see planner.Invocation). The task runs in `work/`, a directory of its own,
under its files' logical names; what it declared as outputs is moved to `outputs/` when it ended well, and HTCondor
sends home what is there: a task that failed sends nothing, so it is never held for a missing output.

Out, on stdout: an invocation record as pegasus-kickstart writes it (Pegasus' monitord reads it). On stderr: the end of
the task's stderr, and `PegasusLite: exitcode N`.
"""

import base64
import hashlib
import json
import os
import pwd
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

WORK, OUTPUTS = "work", "outputs"
SHOWN_BYTES = 64 * 1024  # of stdout and stderr in the record; the end is what tells
NO_OUTPUT = 74  # EX_IOERR of sysexits.h: the task ended well and did not write what it said it would
NO_TASK = 127  # as a shell says it


def main(encoded: str) -> int:
    asked = json.loads(zlib.decompress(base64.b64decode(encoded)))
    top = Path.cwd()
    work = top / WORK
    arrange(asked, top, work)
    started_at = time.time()
    status, why = run(asked, work)
    ended_at = time.time()
    code = os.waitstatus_to_exitcode(status)
    missing = [one["lfn"] for one in asked["outputs"] if not one["optional"] and not (work / one["lfn"]).exists()]
    if code == 0 and missing:
        code, status = NO_OUTPUT, NO_OUTPUT << 8
        why = f"the task ended well (exit code 0) but did not write: {', '.join(missing)}"
    said = tail(stream(asked, "stderr", work))
    streams = [line for name in ("stdout", "stderr") for line in stream_lines(name, stream(asked, name, work))]
    outputs = deliver(asked, top, work) if code == 0 else {}
    lines = record(asked, top, outputs, started_at=started_at, ended_at=ended_at, status=status)
    print("\n".join([*lines, *streams]))
    sys.stderr.write(said)
    if why:
        print(f"roost: {why}", file=sys.stderr)
    print(f"PegasusLite: exitcode {code if code >= 0 else 128 - code}", file=sys.stderr)
    return code if code >= 0 else 128 - code


def arrange(asked: dict[str, Any], top: Path, work: Path) -> None:
    """The inputs under their logical names, executables executable, directories for the outputs."""
    work.mkdir()
    (top / OUTPUTS).mkdir()
    for one in asked["inputs"]:
        target = work / one["lfn"]
        target.parent.mkdir(parents=True, exist_ok=True)
        (top / one["stored"]).rename(target)
        if one["executable"]:
            target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    for one in asked["outputs"]:
        (work / one["lfn"]).parent.mkdir(parents=True, exist_ok=True)


def run(asked: dict[str, Any], work: Path) -> tuple[int, str]:
    """(wait status of the task, what there is to say about it)."""
    environment = {**os.environ, "PATH": f"{work}:{os.environ.get('PATH', '/usr/bin:/bin')}"}
    source = work / asked["stdin"] if asked["stdin"] else Path(os.devnull)
    with (
        source.open("rb") as stdin,
        stream(asked, "stdout", work).open("wb") as out,
        stream(asked, "stderr", work).open("wb") as err,
    ):
        try:
            task = subprocess.Popen(
                [asked["executable"], *asked["arguments"]],
                cwd=work,
                stdin=stdin,
                stdout=out,
                stderr=err,
                env=environment,
            )
        except OSError as error:
            return NO_TASK << 8, f"cannot run {asked['executable']}: {error.strerror}"
        # The starter ends a job with SIGTERM: the task is told, and its record still gets home.
        signal.signal(signal.SIGTERM, lambda *_: task.terminate())
        code = task.wait()
    if code < 0:
        return -code, f"the task was ended by signal {-code} ({signal.Signals(-code).name})"
    return code << 8, ""


def stream(asked: dict[str, Any], name: str, work: Path) -> Path:
    """Where the task's stdout or stderr goes: a file it declared, or one that stays on the execution point."""
    return work / asked[name] if asked[name] else work / f".roost-{name}"


def deliver(asked: dict[str, Any], top: Path, work: Path) -> dict[str, Path]:
    """Move the outputs to where HTCondor takes them from."""
    found = {}
    for one in asked["outputs"]:
        made = work / one["lfn"]
        if made.exists():
            found[one["lfn"]] = top / OUTPUTS / one["stored"]
            made.rename(found[one["lfn"]])
    return found


def record(
    asked: dict[str, Any],
    top: Path,
    outputs: dict[str, Path],
    *,
    started_at: float,
    ended_at: float,
    status: int,
) -> list[str]:
    """The lines of the invocation record: the keys of pegasus-kickstart's that Pegasus' monitord reads, in YAML."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    machine = os.uname()
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    duration = f"{ended_at - started_at:.3f}"
    code = os.waitstatus_to_exitcode(status)
    ended = [f"      regular_exitcode: {code}"]
    if code < 0:
        name = quoted(signal.Signals(-code).name)
        ended = [f"      signalled_signal: {-code}", f"      signalled_name: {name}", "      corefile: False"]
    lines = [
        "- invocation: True",
        "  version: 3.0",
        f"  start: {iso(started_at)}",
        f"  duration: {duration}",
        f"  transformation: {quoted(asked['transformation'])}",
        f"  derivation: {quoted(asked['id'])}",
        f"  resource: {quoted(asked['site'])}",
        f"  wf-label: {quoted(asked['workflow'])}",
        f"  wf-stamp: {asked['planned_at']}",
        f"  hostaddr: {address()}",
        f"  hostname: {machine.nodename}",
        f"  pid: {os.getpid()}",
        f"  uid: {os.getuid()}",
        f"  user: {quoted(user())}",
        "  mainjob:",
        f"    start: {iso(started_at)}",
        f"    duration: {duration}",
        f"    pid: {os.getpid()}",
        "    usage:",
        f"      utime: {usage.ru_utime:.3f}",
        f"      stime: {usage.ru_stime:.3f}",
        f"      maxrss: {usage.ru_maxrss}",
        "    status:",
        f"      raw: {status}",
        *ended,
        "    executable:",
        f"      file_name: {quoted(asked['executable'])}",
        "    argument_vector:",
        *(f"      - {quoted(word)}" for word in asked["arguments"]),
        f"  cwd: {quoted(str(top))}",
        "  machine:",
        f"    uname_system: {machine.sysname.lower()}",
        f"    uname_nodename: {machine.nodename}",
        f"    uname_release: {machine.release}",
        f"    uname_machine: {machine.machine}",
        f"    ram_total: {pages // 1024}",
        f"    cpu_count: {os.cpu_count()}",
        "  files:",
    ]
    for lfn, path in outputs.items():
        lines += file_lines(lfn, path)
    return lines


def file_lines(lfn: str, path: Path) -> list[str]:
    if not path.is_file():
        return []
    found = path.stat()
    started = time.time()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return [
        f"    {quoted(lfn)}:",
        f"      lfn: {quoted(lfn)}",
        f"      file_name: {quoted(str(path))}",
        f"      size: {found.st_size}",
        f"      ctime: {iso(found.st_ctime)}",
        "      output: True",
        f"      sha256: {digest.hexdigest()}",
        f"      checksum_timing: {time.time() - started:.3f}",
    ]


def stream_lines(name: str, path: Path) -> list[str]:
    size = path.stat().st_size if path.is_file() else 0
    lines = [f"    {name}:", f"      size: {size}", f"      data_truncated: {str(size > SHOWN_BYTES).lower()}"]
    if text := tail(path):
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
    """A YAML scalar in double quotes; JSON's strings are YAML's."""
    return json.dumps(text)


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
