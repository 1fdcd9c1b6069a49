"""What the tests share that boot instances."""

from collections.abc import Iterator

import pytest
from own_service import Localec2Service, localec2, started


@pytest.fixture(scope="session")
def localec2_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Localec2Service]:
    state_dir = tmp_path_factory.mktemp("localec2")
    try:
        yield started(state_dir)
    finally:
        localec2("stop", "--all", "--state-dir", str(state_dir))
