"""`condor_config` of pool.yml: what HTCondor rejects is told in its words, with the line, and nothing is launched."""

from pathlib import Path

import pytest
from own_service import Localec2Service, localec2
from roost_cli import Roost

pytestmark = pytest.mark.local

POOL = """\
name: wrong
image:
  packages: [bcftools, bwa, samtools]
condor_config: |
  # comments count
  Galaxy = True
"""


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("this is wrong", "pool.yml:7: HTCondor rejects 'this is wrong': Configuration Error"),
        (
            "use ROLE:Executor",
            "pool.yml:7: HTCondor rejects 'use ROLE:Executor': use ROLE:Executor: does not recognise",
        ),
        ("START = (1 +", "pool.yml:7: HTCondor rejects 'START = (1 +': Syntax error in START expression: '(1 +'"),
        ("NUM_CPUS = abc", "pool.yml:7: HTCondor rejects 'NUM_CPUS = abc': Invalid result (not an integer)"),
    ],
)
def test_nothing_is_launched(roost: Roost, line: str, said: str) -> None:
    (roost.directory / "pool.yml").write_text(f"{POOL}  {line}\n")
    done = roost("up")
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "NUM_CPUS" not in done.stderr or "NUM_CPUS" in line
    assert roost.left() == []


def test_on_an_image_a_command_runs_once(localec2_service: Localec2Service) -> None:
    on_image = ("image", "exec", "--state-dir", str(localec2_service.state_dir), localec2_service.image_name, "--")
    assert "CondorVersion: 23.9" in localec2(*on_image, "condor_config_val", "-version")
    assert localec2(*on_image, "sh", "-c", "ip -o link | wc -l").strip() == "1", "it has a network"
