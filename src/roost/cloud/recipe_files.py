"""shell (files): what is in the files that a recipe names."""

import hashlib
from pathlib import Path

from roost.cloud.recipe import Contents
from roost.errors import UsageError
from roost.spec import Image, Mentioned


def contents(image: Image) -> Contents:
    """Raises UsageError that names every file that is not there, and the line that asks for it."""
    script = image.mentioned_script
    _require(image, script)
    return Contents(
        files=tuple((each.target, _digest(each.path)) for each in image.mentioned_files),
        script=_digest(script.path) if script else "",
    )


def _require(image: Image, script: Mentioned | None) -> None:
    missing = [f"{each.at}: there is no file {each.path}" for each in image.mentioned_files if not each.path.exists()]
    if script and not script.path.is_file():
        missing.append(f"{script.at}: there is no file {script.path}")
    elif script and not script.path.read_bytes().startswith(b"#!"):
        missing.append(f"{script.at}: {script.path} does not say what runs it: its first line has to be like #!/bin/sh")
    if missing:
        raise UsageError("\n".join(missing), "paths are relative to the file that names them")


def _digest(path: Path) -> str:
    """Of a file's bytes and whether it can be run, or of all that is in a directory."""
    found = sorted(each for each in path.rglob("*") if each.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for each in found:
        with each.open("rb") as file:
            inner = hashlib.file_digest(file, "sha256").hexdigest()
        is_program = bool(each.stat().st_mode & 0o100)
        name = each.relative_to(path) if each != path else ""
        digest.update(f"{name}\0{is_program}\0{inner}\n".encode())
    return digest.hexdigest()[:16]
