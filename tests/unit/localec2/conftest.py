"""The service as unit tests use it."""

from collections.abc import Iterator

import pytest
from localec2_client import Ec2

from localec2.world import World


@pytest.fixture
def ec2() -> Iterator[Ec2]:
    world = World(":memory:")
    yield Ec2(world=world)
    world.close()
