"""The programs of docs/library.md, as somebody would run them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import Roost
from run_workflows import Task, write_workflow

pytestmark = pytest.mark.local

PAGE = Path(__file__).parents[2] / "docs" / "library.md"
PROGRAMS = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    (tmp_path / "pool.yml").write_text("name: library\nworkers: {count: 1}\n")
    write_workflow(tmp_path, Task(name="makes", script="echo it > result", results=["result"]))
    return Roost(service=localec2_service, directory=tmp_path)


def run(roost: Roost, program: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program],
        env=roost.environment,
        cwd=roost.directory,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_a_workflow_file(roost: Roost) -> None:
    done = run(roost, PROGRAMS[0])
    assert done.returncode == 0, done.stderr
    path, usd = done.stdout.splitlines()
    assert (roost.directory / path).read_text() == "it\n"
    assert float(usd.split()[0]) > 0
    assert done.stderr == ""
    assert (roost.directory / "runs" / "first" / "receipt.json").exists()
    assert roost.left() == []


def test_an_object_of_pegasus_api_on_a_pool_that_is_kept(roost: Roost) -> None:
    pytest.importorskip("Pegasus.api")
    try:
        done = run(roost, PROGRAMS[1])
        assert done.returncode == 0, done.stderr
        assert done.stdout.splitlines()[0] == "hello"
        assert int(done.stdout.splitlines()[-1].split()[0]) >= 1
        assert roost.left() == []
    finally:
        roost("down", "library", "--now", "--yes")
