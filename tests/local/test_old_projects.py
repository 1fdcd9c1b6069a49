"""An old project and a script, on real instances; and what Pegasus' own readers say of an imported project."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pegasus_scripts
import platformdirs
import pytest
from own_service import Localec2Service
from roost_cli import EXAMPLES, Roost

from roost.workflow import pegasus_tools

OLD = Path(__file__).parents[1] / "unit" / "workflow" / "old" / "data"
POOL = "name: old\nworkers: {count: 1}\n"
# Pegasus' own readers of its files.
READERS = """\
import json, sys
import Pegasus.workflow, Pegasus.site_catalog, Pegasus.transformation_catalog, Pegasus.replica_catalog
def read(reader, name):
    with open(name) as file:
        return reader.load(file)
print(json.dumps({
    "jobs": sorted(read(Pegasus.workflow, "workflow.yml").jobs),
    "sites": sorted(read(Pegasus.site_catalog, "sites.yml").sites),
    "transformations": sorted(read(Pegasus.transformation_catalog, "transformations.yml").transformations),
    "replicas": sorted(entry.lfn for entry in read(Pegasus.replica_catalog, "replicas.yml").entries.values()),
}))
"""


@pytest.fixture(scope="module")
def roost(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roost]:
    """With a pool that is up."""
    one = Roost(service=localec2_service, directory=tmp_path_factory.mktemp("old"))
    (one.directory / "pool.yml").write_text(POOL)
    up = one("up", "pool.yml", "--yes")
    assert up.returncode == 0, up.stderr
    yield one
    down = one("down", "old", "--yes", "--now")
    assert down.returncode == 0, down.stderr


OUTER = """\
<?xml version="1.0" encoding="UTF-8"?>
<adag xmlns="http://pegasus.isi.edu/schema/DAX" version="3.4" name="outer">
  <dax id="ID0000001" file="hello.dax">
    <argument>--force --output-site local</argument>
    <uses name="numbers.txt" link="input"/>
    <uses name="range.txt" link="output" transfer="true"/>
  </dax>
</adag>
"""


@pytest.mark.local
def test_imported_workflow_of_workflows_runs(roost: Roost) -> None:
    """A DAX whose job is another DAX."""
    old = roost.directory / "hello-4-in-one"
    shutil.copytree(OLD / "hello-4", old)
    for name in ("input", "tools"):
        shutil.copytree(EXAMPLES / "hello" / name, old / name)
    (old / "outer.dax").write_text(OUTER)
    done = roost("import", old.name, "--to", "new-in-one")
    assert done.returncode == 0, done.stderr
    done = roost("run", "new-in-one/workflow.yml", "--pool", "old", "--name", "in-one")
    assert done.returncode == 0, done.stderr
    assert "is a workflow of 4 tasks" in done.stderr
    roost.check("hello", roost.directory / "runs" / "in-one" / "output")


@pytest.mark.local
@pytest.mark.parametrize("version", ["hello-2", "hello-4"])
def test_imported_project_runs(roost: Roost, version: str) -> None:
    old = roost.directory / version
    shutil.copytree(OLD / version, old)
    for name in ("input", "tools"):
        shutil.copytree(EXAMPLES / "hello" / name, old / name)
    done = roost("import", version, "--to", f"new-{version}")
    assert done.returncode == 0, done.stderr
    done = roost("run", f"new-{version}/workflow.yml", "--pool", "old", "--name", version)
    assert done.returncode == 0, done.stderr
    roost.check("hello", roost.directory / "runs" / version / "output")


@pytest.mark.local
def test_script_runs(roost: Roost) -> None:
    (roost.directory / "split").mkdir()
    (roost.directory / "split" / "split.py").write_text(pegasus_scripts.TUTORIAL)
    done = roost("run", "--pool", "old", "--name", "split", "split/split.py", "--", "--size", "4")
    assert done.returncode == 0, done.stderr
    line = pegasus_scripts.line_of_plan(pegasus_scripts.TUTORIAL)
    assert f"split.py:{line}: cluster=horizontal: " in done.stderr
    assert "The results are in split/results too" in done.stderr
    for output in ("runs/split/output", "split/results"):
        counts = {path.name: int(path.read_text().split()[0]) for path in (roost.directory / output).iterdir()}
        assert counts == {"count.a": 10, "count.b": 10, "count.c": 10, "count.d": 10}


def test_pegasus_reads_what_was_imported(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "roost", "import", str(OLD / "hello-4"), "--to", str(tmp_path / "new")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    python = pegasus_tools.environment(platformdirs.user_cache_path("roost"), say=print)
    read = subprocess.run(
        [str(python), "-c", READERS],
        cwd=tmp_path / "new",
        env=pegasus_tools.surroundings(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert read.returncode == 0, read.stderr
    assert json.loads(read.stdout) == {
        "jobs": ["ID0000001", "ID0000002", "ID0000003", "ID0000004"],
        "sites": ["condorpool", "local"],
        "transformations": [f"None::{name}::None" for name in ("analyze", "findrange", "preprocess", "python3")],
        "replicas": ["numbers.txt"],
    }
