"""docs/from-the-tutorial.md does what it says: its files are written, its commands run in order, its output compared.

In a `console` block a line that begins with `$ ` is a command and the lines below it, if any, are what it prints;
`...` stands for anything, within a line and over lines. A block that begins with `# NAME` is a file of that name.
"""

import doctest
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import EXAMPLES, SOURCE, Roost

pytestmark = pytest.mark.local

PAGE = Path(__file__).parents[2] / "docs" / "from-the-tutorial.md"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_TIMEOUT_S = 400


@dataclass(frozen=True, kw_only=True)
class Command:
    line: int
    text: str
    expected: str


@dataclass(frozen=True, kw_only=True)
class File:
    name: str
    text: str


def steps(page: str) -> Iterator[Command | File]:
    for block in _BLOCK.finditer(page):
        kind, text = block[1], block[2]
        line = page.count("\n", 0, block.start()) + 2
        if kind == "console":
            yield from commands(text, line)
        elif text.startswith("# ") and re.fullmatch(r"# \S+", text.split("\n", 1)[0]):
            first, rest = text.split("\n", 1)
            yield File(name=first[2:], text=rest)


def commands(block: str, line: int) -> Iterator[Command]:
    """
    >>> list(commands("$ a\\n$ b \\\\\\n    -c\\nx\\n", 7))  # doctest: +NORMALIZE_WHITESPACE
    [Command(line=7, text='a', expected=''), Command(line=8, text='b \\\\\\n    -c', expected='x\\n')]
    """
    found = list(re.finditer(r"^\$ ((?:.*\\\n)*.*)\n", block, re.MULTILINE))
    for one, following in zip(found, [*found[1:], None], strict=True):
        expected = block[one.end() : following.start() if following else len(block)]
        yield Command(line=line + block.count("\n", 0, one.start()), text=one[1], expected=expected)


def test_the_page_runs(localec2_service: Localec2Service, tmp_path: Path) -> None:
    roost = Roost(service=localec2_service, directory=tmp_path)
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("roost", "localec2"):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable} -m {name} "$@"\n')
        (programs / name).chmod(0o755)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**roost.environment, "PATH": path, "PYTHONPATH": str(SOURCE)}
    (tmp_path / "examples").symlink_to(EXAMPLES)
    ran = 0
    try:
        for step in steps(PAGE.read_text()):
            if isinstance(step, File):
                (tmp_path / step.name).write_text(step.text)
            else:
                run(step, tmp_path, environment)
                ran += 1
    finally:
        for pool in ("tutorial", "cluster"):
            roost("down", pool, "--now", "--yes")
    assert ran > 15
    assert roost.left() == []


def run(command: Command, directory: Path, environment: dict[str, str]) -> None:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", command.text],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=_TIMEOUT_S,
    )
    where = f"{PAGE.name}:{command.line}: {command.text}"
    assert done.returncode == 0, f"{where}\n{done.stdout}{done.stderr}"
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    if command.expected:
        assert doctest.OutputChecker().check_output(command.expected, done.stdout, flags), f"{where}\n{done.stdout}"
