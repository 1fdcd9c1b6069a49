"""The mosaic, from a script for Pegasus.api to a picture of the sky that was put in."""

import subprocess
import sys
from pathlib import Path

import pytest
from own_service import Localec2Service
from roost_cli import EXAMPLES, Roost

pytestmark = pytest.mark.local

SIZE = ["--tiles", "2", "--pixels", "200", "--stars", "40", "--galaxies", "3"]


def test_mosaic_shows_what_was_put_in(localec2_service: Localec2Service, tmp_path: Path) -> None:
    subprocess.run([sys.executable, str(EXAMPLES / "montage" / "workflow.py"), *SIZE], cwd=tmp_path, check=True)
    (tmp_path / "pool.yml").write_bytes((EXAMPLES / "montage" / "pool.yml").read_bytes())
    roost = Roost(service=localec2_service, directory=tmp_path)
    done = roost("run", "workflow.yml", "--name", "mosaic", timeout_s=480)
    assert done.returncode == 0, done.stdout + done.stderr
    roost.check("montage", tmp_path / "runs" / "mosaic" / "output", str(tmp_path / "truth.json"))
    assert roost.left() == []
