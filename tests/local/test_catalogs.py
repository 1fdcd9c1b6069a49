"""`roost catalogs` of a pool that is up: what its collector and its image say."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from own_service import Localec2Service
from roost_cli import Roost

WORKFLOW = """\
pegasus: 5.0.4
name: count
jobs:
- {type: job, name: wc, id: A, arguments: [-l, a.txt], stdout: lines.txt, uses: [{lfn: a.txt, type: input}]}
- {type: job, name: sort, id: B, arguments: [lines.txt], stdout: sorted.txt, uses: [{lfn: lines.txt, type: input}]}
"""


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Iterator[Roost]:
    roost = Roost(service=localec2_service, directory=tmp_path)
    (tmp_path / "pool.yml").write_text("name: known\nworkers: {count: 1}\n")
    (tmp_path / "workflow.yml").write_text(WORKFLOW)
    (tmp_path / "a.txt").write_text("1\n2\n")
    yield roost
    roost("down", "known", "--now")


def test_catalogs_of_a_pool_before_and_while_it_is_up(roost: Roost, tmp_path: Path) -> None:
    before = roost("catalogs", "write")
    assert before.returncode == 0, before.stderr
    assert "nothing is known of its slots" in before.stderr
    assert {Path(line).name for line in before.stdout.split()} == {
        "sites.yml",
        "transformations.yml",
        "replicas.yml",
        "pegasus.properties",
    }
    transformations = (tmp_path / "catalogs" / "transformations.yml").read_text()
    programs = {one["name"]: one["sites"][0]["pfn"] for one in yaml.safe_load(transformations)["transformations"]}
    assert programs == {"wc": "/usr/bin/wc", "sort": "/usr/bin/sort"}

    up = roost("up", "--yes")
    assert up.returncode == 0, up.stderr
    while_up = roost("catalogs", "write", "known", "--to", "live")
    assert while_up.returncode == 0, while_up.stderr
    assert (tmp_path / "live" / "transformations.yml").read_text() == transformations, "the image says the same"
    assert "# The pool known: 1 instances, of up to 2 cores" in (tmp_path / "live" / "sites.yml").read_text()

    # What was written is enough to run the workflow, which has no catalogs of its own.
    for path in (tmp_path / "live").iterdir():
        path.rename(tmp_path / path.name)
    assert roost("catalogs", "lint").returncode == 0
    ran = roost("run", "workflow.yml", "--pool", "known", "--name", "first")
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "runs" / "first" / "output" / "lines.txt").read_text() == "2 a.txt\n"
    kept = tmp_path / "runs" / "first" / "catalogs"
    assert yaml.safe_load((kept / "replicas.yml").read_text())["replicas"][0]["lfn"] == "a.txt"
    assert (tmp_path / "runs" / "first" / "submit" / "catalogs" / "sites.yml").is_file()

    wide = WORKFLOW.replace("name: sort, id: B", "name: sort, id: B, profiles: {pegasus: {cores: 64}}")
    (tmp_path / "wide.yml").write_text(wide)
    too_wide = roost("catalogs", "lint", "--workflow", "wide.yml")
    assert too_wide.returncode == 2
    assert "wide.yml:5: asks for 64 cores, and the largest instance of the pool has 2" in too_wide.stderr

    without = roost("run", "workflow.yml", "--pool", "known", "--planner", "pegasus")
    assert without.returncode == 3
    assert "has no pegasus-plan" in without.stderr
