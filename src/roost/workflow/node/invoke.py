#!/usr/bin/python3
"""Runs the tasks of one job on an execution point and tells how they went. Standard library only; HTCondor sends it
with each job.

In: one argument (see invocation.py), or `@` and the name of a file that holds it: the tasks, one after another. They
run in `work/`, a directory of their own, under their files' logical names; each alone where they run `apart`, so that
they cannot see what others left. What the job has to send home is moved to `outputs/` when all of them ended well, and
HTCondor sends what is there: a job that failed sends nothing, so it is never held for a missing output. Beside its
outputs lies a file with their checksums; jobs that use them get it, and check what came.

Out, on stdout: an invocation record for each task as pegasus-kickstart writes it, and for many what pegasus-cluster
writes (Pegasus' monitord reads both). On stderr: the end of the tasks' stderr, and `PegasusLite: exitcode N`.
"""

import base64
import hashlib
import json
import os
import pwd
import re
import resource
import signal
import socket
import stat
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any, NamedTuple

WORK, MADE, OUTPUTS, SUMS = "work", "made", "outputs", ".sha256"
SHOWN_BYTES = 64 * 1024  # of stdout and stderr in the record; the end is what tells
ROOM_BYTES = 1 << 20
WRONG_INPUT = 65  # EX_DATAERR of sysexits.h: an input is not what its job made
NO_OUTPUT = 74  # EX_IOERR: the task ended well and did not write what it said it would
NO_TASK = 127  # as a shell says it
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~+@")


class Ended(NamedTuple):
    """How a task went."""

    started_at: float
    ended_at: float
    status: int  # as wait() has it
    why: str  # what there is to say about it
    usage: tuple[float, float, int]  # user s, system s, KiB of memory


def main(word: str) -> int:
    job = read(word)
    tasks = job["tasks"]
    apart = job.get("apart", False)
    top = Path.cwd()
    work = top / WORK
    started_at = time.time()
    try:
        checked, wrong = check(job, top)
        arrange(job, top, work)
    except OSError as error:
        return fail(WRONG_INPUT, f"an input is not there: {error.filename}: {error.strerror}")
    if wrong:
        return fail(WRONG_INPUT, wrong)
    code, done = 0, 0
    for number, task in enumerate(tasks):
        if apart:
            begin(job, number, top, work)
        ended = run(task, work)
        code = os.waitstatus_to_exitcode(ended.status)
        made = [lfn for lfn in task["outputs"] if (work / lfn).exists()]
        missing = [lfn for lfn in task["outputs"] if lfn not in made and lfn not in task.get("optional", ())]
        if code == 0 and missing:
            code = NO_OUTPUT
            why = f"the task ended well (exit code 0) but did not write: {', '.join(missing)}"
            ended = ended._replace(status=code << 8, why=why)
        if code != 0 and is_full(work):
            make_room(task, work)
            ended = ended._replace(why=f"No space left on the execution point's disk (exit code {code})")
        sums = {lfn: checksum(work / lfn) for lfn in made if (work / lfn).is_file()} if code == 0 else {}
        job.setdefault("sums", {}).update(sums)
        said = tail(stream(task, "stderr", work))
        about = f"task {task['id']}: " if len(tasks) > 1 else ""
        if about and (said or code):
            print(f"roost: {about}says", file=sys.stderr)
        streams = stream_lines("stdout", stream(task, "stdout", work))
        # pegasus-analyzer shows this alone
        streams += stream_lines("stderr", stream(task, "stderr", work), f"roost: {ended.why}\n" if ended.why else "")
        print("\n".join([*record(task, work, sums, ended), *streams]))
        if len(tasks) > 1:
            print(task_line(task, number, ended))
        sys.stderr.write(said)
        if ended.why or (about and code):
            print(f"roost: {about}{ended.why or f'exit code {code}'}", file=sys.stderr)
        if code != 0:
            break
        if apart:
            end(task, top, work)
        done += 1
    if len(tasks) > 1:
        print(summary_line(len(tasks), done, number + 1 - done, started_at))
    if code == 0:
        deliver(job, top, top / MADE if apart else work)
    if checked:
        print("---------------pegasus-multipart\n- integrity_summary:")
        print(f"    succeeded: {checked}\n    failed: 0\n    duration: {job['checking']:.3f}")
    code = code if code >= 0 else 128 - code
    print(f"PegasusLite: exitcode {code}", file=sys.stderr)
    return code


def read(word: str) -> dict[str, Any]:
    if word.startswith("@"):
        word = Path(word[1:].partition(":")[0]).read_text()
    data = base64.b64decode(word)
    found: dict[str, Any] = json.loads(data if data.startswith(b"{") else zlib.decompress(data))
    return found


def fail(code: int, why: str) -> int:
    print(f"roost: {why}\nPegasusLite: exitcode {code}", file=sys.stderr)
    return code


def stored_name(lfn: str) -> str:
    """As the planner's; urllib.parse, which has it, takes longer to import than most of this."""
    return "".join(chr(byte) if chr(byte) in _SAFE else f"%{byte:02X}" for byte in lfn.encode())


def inputs(job: dict[str, Any]) -> list[str]:
    """The files that come from outside: what a task of the job makes for a later one does not."""
    made: set[str] = set()
    found: dict[str, None] = {}
    for task in job["tasks"]:
        found.update(dict.fromkeys(lfn for lfn in task["inputs"] if lfn not in made))
        made.update(task["outputs"])
    return list(found)


def check(job: dict[str, Any], top: Path) -> tuple[int, str]:
    """(how many inputs were compared with what their jobs made, what is wrong)."""
    expected: dict[str, str] = dict(job.get("expected", {}))
    for path in top.glob(f"*{SUMS}"):
        for line in path.read_text().splitlines():
            digest, _, stored = line.partition("  ")
            expected[stored] = digest
    started_at, checked, wrong = time.time(), 0, []
    for lfn in inputs(job):
        if (digest := expected.get(stored_name(lfn), "")) and (path := top / stored_name(lfn)).is_file():
            checked += 1
            if (found := checksum(path)[0]) != digest:
                wrong.append(f"{lfn} came with the SHA-256 {found}, its job made {digest}")
    job["checking"] = time.time() - started_at
    return checked, "; ".join(wrong)


def arrange(job: dict[str, Any], top: Path, work: Path) -> None:
    """The inputs under their logical names, executables executable, directories for the outputs."""
    (top / OUTPUTS).mkdir()
    for lfn, path in job.get("links", {}).items():
        (top / stored_name(lfn)).symlink_to(path)
        (top / stored_name(lfn)).stat()
    if job.get("apart"):
        (top / MADE).mkdir()
        for name in job.get("programs", ()):
            make_executable(top / name)
        for lfn in inputs(job):
            (top / stored_name(lfn)).stat()  # raises what the caller tells
        return
    work.mkdir()
    for lfn in inputs(job):
        target = work / lfn
        target.parent.mkdir(parents=True, exist_ok=True)
        (top / stored_name(lfn)).rename(target)
    for name in job.get("programs", ()):
        (top / name).rename(work / name)
        make_executable(work / name)
    for task in job["tasks"]:
        for lfn in task["outputs"]:
            (work / lfn).parent.mkdir(parents=True, exist_ok=True)


def begin(job: dict[str, Any], number: int, top: Path, work: Path) -> None:
    """A directory for one task alone, with its files under their logical names."""
    task = job["tasks"][number]
    work.mkdir()
    for lfn in task["inputs"]:
        made = top / MADE / lfn
        (work / lfn).parent.mkdir(parents=True, exist_ok=True)
        link(made if made.exists() else top / stored_name(lfn), work / lfn)
    for name in job.get("programs", ()):
        link(top / name, work / name)
    for lfn in task["outputs"]:
        (work / lfn).parent.mkdir(parents=True, exist_ok=True)


def end(task: dict[str, Any], top: Path, work: Path) -> None:
    """What the task made is kept; what else it left is not."""
    import shutil  # which takes as long to import as most of this: not where nobody needs it

    for lfn in task["outputs"]:
        if (work / lfn).exists():
            (top / MADE / lfn).parent.mkdir(parents=True, exist_ok=True)
            (work / lfn).rename(top / MADE / lfn)
    shutil.rmtree(work, ignore_errors=True)
    if work.exists():  # a directory that may not be written into
        work.rename(work.with_name(f"{WORK}-{task['id']}".replace("/", "_")))


def link(source: Path, target: Path) -> None:
    """The same file under another name; a directory, or a file on another file system, by its path."""
    try:
        os.link(source, target)
    except OSError:
        target.symlink_to(source)


def make_executable(path: Path) -> None:
    path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def run(task: dict[str, Any], work: Path) -> Ended:
    path = f"{work}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    environment = {**os.environ, **task.get("env", {}), "PATH": path}
    source = work / task["stdin"] if "stdin" in task else Path(os.devnull)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_at = time.time()
    with (
        source.open("rb") as stdin,
        stream(task, "stdout", work).open("wb") as out,
        stream(task, "stderr", work).open("wb") as err,
    ):
        try:
            process = subprocess.Popen(
                [task["run"], *task["arguments"]], cwd=work, stdin=stdin, stdout=out, stderr=err, env=environment
            )
        except OSError as error:
            why = f"cannot run {task['run']}: {error.strerror}"
            return Ended(started_at, time.time(), NO_TASK << 8, why, (0.0, 0.0, 0))
        # The starter ends a job with SIGTERM: the task is told, and its record still gets home.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        code = process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime, after.ru_maxrss)
    if code < 0:
        why = f"the task was ended by signal {-code} ({signal.Signals(-code).name})"
        return Ended(started_at, time.time(), -code, why, used)
    return Ended(started_at, time.time(), code << 8, "", used)


def is_full(work: Path) -> bool:
    disk = os.statvfs(work)
    return disk.f_bavail * disk.f_frsize < ROOM_BYTES


def make_room(task: dict[str, Any], work: Path) -> None:
    """What a task that failed has written goes nowhere; its record needs the room to get home."""
    kept = [stream(task, name, work) for name in ("stdout", "stderr")]
    for directory, _, names in os.walk(work):
        for path in (Path(directory, name) for name in names):
            if path not in kept:
                path.unlink()


def stream(task: dict[str, Any], name: str, work: Path) -> Path:
    """Where the task's stdout or stderr goes: a file it declared, or one that stays on the execution point."""
    return work / task[name] if name in task else work / f".roost-{name}"


def deliver(job: dict[str, Any], top: Path, work: Path) -> None:
    """Move the outputs, which lie in `work`, to where HTCondor takes them from, and say what they are."""
    home = top / OUTPUTS
    lines = []
    for lfn in job.get("home", [lfn for task in job["tasks"] for lfn in task["outputs"]]):
        if (work / lfn).exists():
            (work / lfn).rename(home / stored_name(lfn))
            if lfn in job["sums"]:
                lines.append(f"{job['sums'][lfn][0]}  {stored_name(lfn)}\n")
    (home / f"{os.environ['PEGASUS_DAG_JOB_ID']}{SUMS}").write_text("".join(lines))


def checksum(path: Path) -> tuple[str, float]:
    """(SHA-256, seconds that it took)."""
    started = time.time()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest(), time.time() - started


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
