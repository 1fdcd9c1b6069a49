"""tests/aws, run against EC2 on this machine: so that it works for whoever has an account."""

import os
import subprocess
import sys
from pathlib import Path

from own_service import Localec2Service

ROOT = Path(__file__).parents[2]


def test_the_suite_for_aws_runs(localec2_service: Localec2Service, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        **localec2_service.env,
        "ROOST_TEST_AWS": "1",
        "ROOST_TEST_AWS_REGION": localec2_service.region,
        "ROOST_TEST_AWS_IMAGE": localec2_service.image_id,
        "ROOST_TEST_AWS_ENDPOINT": localec2_service.endpoint_url,
        "ROOST_MY_ADDRESS": localec2_service.host_public_ip,
        "XDG_CACHE_HOME": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "tests/aws", "-p", "no:cacheprovider"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=540,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
