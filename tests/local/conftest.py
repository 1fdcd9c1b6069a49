"""What the tests share that boot instances."""

import signal
from collections.abc import Iterator
from typing import Any

import pytest
from own_service import Localec2Service, localec2, started


@pytest.fixture(scope="session")
def localec2_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Localec2Service]:
    state_dir = tmp_path_factory.mktemp("localec2")
    try:
        yield started(state_dir)
    finally:
        localec2("stop", "--all", "--state-dir", str(state_dir))


@pytest.fixture(scope="session")
def ec2(localec2_service: Localec2Service) -> Any:
    return localec2_service.client()


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c_reaches_what_tests_start() -> Iterator[None]:
    """A suite that a shell started in the background ignores SIGINT, and every program it starts would too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
