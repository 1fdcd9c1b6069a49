import pytest

from localec2.faults import Fault, Faults, fault


@pytest.mark.parametrize(
    ("described", "action", "body", "meets"),
    [
        ({"action": "RunInstances", "code": "X"}, "RunInstances", "", True),
        ({"action": "RunInstances", "code": "X"}, "DescribeInstances", "", False),
        ({"code": "X"}, "DescribeInstances", "", True),
        ({"code": "X", "match": "c5.large"}, "RunInstances", "InstanceType=c5.large&", True),
        ({"code": "X", "match": "c5.large"}, "RunInstances", "InstanceType=c6.large&", False),
        ({"code": "X", "count": 0}, "RunInstances", "", False),
    ],
)
def test_which_requests_a_fault_meets(described: dict[str, object], action: str, body: str, meets: bool) -> None:
    assert fault(described).meets(action, body) is meets


def test_a_fault_is_used_up() -> None:
    faults = Faults()
    faults.set([Fault(code="A", count=2), Fault(code="B")])
    taken = [faults.take("RunInstances", "") for _ in range(4)]
    assert [each.code if each else None for each in taken] == ["A", "A", "B", None]
    assert faults.pending() == []


def test_a_typo_in_a_fault() -> None:
    with pytest.raises(ValueError, match="unknown key 'cuont'"):
        fault({"cuont": 1})


@pytest.mark.parametrize(
    ("capacity", "alive", "room"),
    [
        ({}, [], None),
        ({"t3.large": 1}, [], None),
        ({"t3.medium": 3}, ["t3.medium", "t3.large"], 2),
        ({"*": 3}, ["t3.medium", "t3.large"], 1),
        ({"*": 2, "t3.medium": 5}, ["t3.medium"], 1),
        ({"t3.medium": 1}, ["t3.medium", "t3.medium"], 0),
    ],
)
def test_room(capacity: dict[str, int], alive: list[str], room: int | None) -> None:
    faults = Faults()
    faults.set_capacity(capacity)
    assert faults.room("t3.medium", alive) == room
