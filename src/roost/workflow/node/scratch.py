"""A run's directory on the file system that all instances see: jobs leave files for each other there by themselves.

Jobs run in accounts of their own: what they make there is for all of them. A file that has its name there is whole,
but where jobs work in that directory. Part of the job wrapper (invoke.py), standard library only.
"""

import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from roost.workflow.node.sandbox import OUTPUTS, inputs, make_executable, stored_name

_LOST = "on the file system that the jobs share; what held it may be gone"
_BLOCK = 1 << 24


class Scratch(NamedTuple):
    how: str  # as in run_paths.py: copy, link, here
    place: Path


def scratch(said: str) -> "Scratch | None":
    """None: HTCondor brings the files."""
    how, _, place = said.partition(":")
    if not place:
        return None
    os.umask(0)
    return Scratch(how, Path(place))


def take(job: "dict[str, Any]", top: Path, there: Scratch) -> None:
    """The inputs beside what HTCondor has brought, as if it had brought them too."""
    for lfn in outside(job):
        source = there.place / stored_name(lfn)
        require(source)
        if there.how == "link":
            (top / source.name).symlink_to(source)
        else:
            copy(source, top / source.name)


def put(job: "dict[str, Any]", work: Path, there: Scratch) -> None:
    """What other jobs take, whole or not at all."""
    for lfn in job["share"]:
        if (work / lfn).exists():
            target = there.place / stored_name(lfn)
            part = target.with_name(f".{target.name[:150]}.{socket.gethostname()}.{os.getpid()}.part")
            try:
                copy(work / lfn, part)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)


def enter(job: "dict[str, Any]", top: Path, work: Path) -> None:
    """The tasks run where the files are. What an earlier try has left of its outputs is no output of this one."""
    for lfn, path in job.get("links", {}).items():
        (work / lfn).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):  # another job was here before
            (work / lfn).symlink_to(path)
    taken = inputs(job)
    for lfn in taken:
        require(work / lfn)
    for task in job["tasks"]:
        for lfn in task["outputs"]:
            (work / lfn).parent.mkdir(parents=True, exist_ok=True)
            if lfn not in taken:
                (work / lfn).unlink(missing_ok=True)
    for name in job.get("programs", ()):
        make_executable(top / name)


def leave(job: "dict[str, Any]", top: Path, work: Path) -> None:
    """What goes home is where HTCondor takes it from, which follows links."""
    for lfn in job["home"]:
        if (work / lfn).exists():
            (top / OUTPUTS / stored_name(lfn)).symlink_to(work / lfn)


def outside(job: "dict[str, Any]") -> "list[str]":
    """The inputs that are neither made in the job nor there wherever jobs run."""
    return [lfn for lfn in inputs(job) if lfn not in job.get("links", {})]


def require(path: Path) -> None:
    try:
        path.stat()
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror} {_LOST}", str(path)) from error


def copy(source: Path, target: Path) -> None:
    with source.open("rb") as file, target.open("wb") as made:
        while os.sendfile(made.fileno(), file.fileno(), None, _BLOCK):
            pass
    if source.stat().st_mode & 0o100:
        make_executable(target)
