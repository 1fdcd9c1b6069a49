"""shell (tar): many files as one stream, with modes that make sense on the other side.

GNU's format on purpose: names are raw bytes there, while tar(1) under the C locale cannot convert pax's UTF-8 names.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO

from roost.errors import NotFoundError, RoostError


def require(paths: Iterable[Path]) -> None:
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        raise NotFoundError(f"cannot send {', '.join(missing)}: no such file", "check the path")


def write(files: Mapping[str, Path], stream: IO[bytes]) -> None:
    """Files and directories (with what is in them) under the names given, absolute ones too. Links are followed."""
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT, dereference=True) as tar:
        for name, path in files.items():
            tar.add(path, arcname=name, filter=partial(_sendable, root="/" if name.startswith("/") else ""))


def extract(stream: IO[bytes], directory: Path) -> None:
    """Regular files and directories, below `directory` and nowhere else. What has its name is whole."""
    directory.mkdir(parents=True, exist_ok=True)
    with tarfile.open(fileobj=stream, mode="r|") as tar:
        for member in tar:
            target = directory / inside(member.name)
            if member.isdir():
                _make_directory(target, below=directory)
            elif member.isreg() and (content := tar.extractfile(member)) is not None:
                _make_directory(target.parent, below=directory)
                with content:
                    _write_whole(content, target, member)


def inside(name: str) -> PurePosixPath:
    """A member's path below where it is extracted; RoostError for one that would leave it.

    >>> inside("./output/a b.vcf")
    PurePosixPath('output/a b.vcf')
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise RoostError(f"refused to write {name}, a name outside of the directory asked for")
    return path


def _make_directory(path: Path, *, below: Path) -> None:
    """A link that is there already may not lead out, not even to where directories would be made."""
    if not path.resolve().is_relative_to(below.resolve()):
        raise RoostError(
            f"refused to write into {path}: a symbolic link there leads out of {below}", f"look at it: ls -l {path}"
        )
    path.mkdir(parents=True, exist_ok=True)


def _write_whole(content: IO[bytes], target: Path, member: tarfile.TarInfo) -> None:
    """Under another name until it is complete. A link that has the name is replaced, never followed."""
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".roost-", suffix=".partial")
    partial_file = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            shutil.copyfileobj(content, file)
        partial_file.chmod(_mode(member))
        os.utime(partial_file, (member.mtime, member.mtime))
        partial_file.replace(target)
    finally:
        partial_file.unlink(missing_ok=True)


def _sendable(member: tarfile.TarInfo, *, root: str) -> tarfile.TarInfo:
    member.name = root + member.name  # tarfile takes the leading / away
    member.mode = _mode(member)
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _mode(member: tarfile.TarInfo) -> int:
    """Like git: only whether it can be executed is carried over."""
    return 0o755 if member.isdir() or member.mode & 0o100 else 0o644
