"""A range of ports has room for what an execution point listens on."""

import pytest

from roost.boot.settings import Shape
from roost.errors import UsageError
from roost.spec import Network, PoolSpec, Workers
from roost.verbs.doors import require_ports

SHAPES = {"small": Shape(cpus=2, memory_mib=4096), "large": Shape(cpus=16, memory_mib=65536)}


def spec(mode: str, ports: str | None, *types: str) -> PoolSpec:
    network = Network.model_validate({"mode": mode, "ports": ports})
    return PoolSpec(network=network, workers=Workers(type=types))


@pytest.mark.parametrize(
    ("mode", "ports", "types"),
    [
        ("direct", None, ("large",)),
        ("direct", "40000-40003", ("small",)),
        ("auto", "40000-40017", ("small", "large")),
        ("outbound", "40000-40001", ("large",)),
        ("direct", "40000-40001", ("unknown",)),
    ],
)
def test_there_is_room(mode: str, ports: str | None, types: tuple[str, ...]) -> None:
    require_ports(spec(mode, ports, *types), SHAPES)


@pytest.mark.parametrize(
    ("mode", "ports", "types", "said", "hint"),
    [
        ("direct", "40000-40002", ("small",), "are 3, and a small needs 4", "{ports: 40000-40003}"),
        ("auto", "40000-40010", ("small", "large"), "are 11, and a large needs 18", "{ports: 40000-40017}"),
    ],
)
def test_there_is_none(mode: str, ports: str, types: tuple[str, ...], said: str, hint: str) -> None:
    with pytest.raises(UsageError, match=said) as refused:
        require_ports(spec(mode, ports, *types), SHAPES)
    assert hint in refused.value.hint
