"""What lies where while a job runs: its inputs, checked, in `work/`; its outputs, with their checksums, in `outputs/`.

Part of the job wrapper (invoke.py), standard library only.
"""

import hashlib
import os
import stat
import time
from pathlib import Path
from typing import Any

WORK, MADE, OUTPUTS, SUMS = "work", "made", "outputs", ".sha256"
ROOM_BYTES = 1 << 20
_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~+@")


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


def check(job: dict[str, Any], top: Path, here: "Path | None" = None) -> tuple[int, str]:
    """(how many inputs were compared with what their jobs made, what is wrong). `here`: where the files are instead."""
    expected: dict[str, str] = dict(job.get("expected", {}))
    only: dict[str, list[str]] = job.get("only", {})
    for path in top.glob(f"*{SUMS}"):
        # of another workflow's jobs: they have files of the same names that are others
        told = next((files for begin, files in only.items() if path.name.startswith(begin)), None)
        for line in path.read_text().splitlines():
            digest, _, stored = line.partition("  ")
            if told is None or stored in told:
                expected[stored] = digest
    started_at, checked, wrong = time.time(), 0, []
    for lfn in inputs(job):
        path = here / lfn if here else top / stored_name(lfn)
        if (digest := expected.get(stored_name(lfn), "")) and path.is_file():
            checked += 1
            if (found := checksum(path)[0]) != digest:
                wrong.append(f"{lfn} came with the SHA-256 {found}, its job made {digest}")
    job["checking"] = time.time() - started_at
    return checked, "; ".join(wrong)


def arrange(job: dict[str, Any], top: Path, work: Path) -> None:
    """The inputs under their logical names, executables executable, directories for the outputs."""
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


def stream(task: dict[str, Any], name: str, work: Path, top: Path) -> Path:
    """Where the task's stdout or stderr goes: a file it declared, or one that stays on the execution point."""
    return work / task[name] if name in task else top / f".roost-{name}"


def deliver(job: dict[str, Any], top: Path, work: Path) -> None:
    """Move the outputs, which lie in `work`, to where HTCondor takes them from."""
    for lfn in job.get("home", [lfn for task in job["tasks"] for lfn in task["outputs"]]):
        if (work / lfn).exists():
            (work / lfn).rename(top / OUTPUTS / stored_name(lfn))


def say_sums(job: dict[str, Any], top: Path) -> None:
    """What the job has made, for those that use it."""
    made = {*job.get("home", job["sums"]), *job.get("share", ())}
    lines = [f"{digest}  {stored_name(lfn)}\n" for lfn, (digest, _) in job["sums"].items() if lfn in made]
    (top / OUTPUTS / f"{os.environ['PEGASUS_DAG_JOB_ID']}{SUMS}").write_text("".join(lines))


def checksum(path: Path) -> tuple[str, float]:
    """(SHA-256, seconds that it took)."""
    started = time.time()
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest(), time.time() - started


def is_full(work: Path) -> bool:
    disk = os.statvfs(work)
    return disk.f_bavail * disk.f_frsize < ROOM_BYTES


def make_room(task: dict[str, Any], work: Path, more: "list[Path]") -> None:
    """What a task that failed has written goes nowhere, but for `more`; its record needs the room to get home."""
    kept = [*more, *(work / task[name] for name in ("stdout", "stderr") if name in task)]
    for directory, _, names in os.walk(work):
        for path in (Path(directory, name) for name in names):
            if not any(path.is_relative_to(one) for one in kept):
                path.unlink()
