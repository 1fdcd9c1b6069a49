"""The faults that users can ask for: what the page says, and what EC2 on this machine is told."""

from pathlib import Path

import pytest

from roost.cloud.faults import BY_NAME, KINDS, FaultKind, Where, faults

PAGE = Path(__file__).parents[3] / "docs" / "faults.md"


def test_the_page_lists_them_all() -> None:
    listed = [line.split("`")[1] for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    assert sorted(listed) == sorted(BY_NAME)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_each_says_what_it_does(kind: FaultKind) -> None:
    assert bool(kind.script) is (kind.where is Where.INSIDE)
    assert bool(kind.what) is (kind.where not in (Where.INSIDE, Where.CAPACITY))
    assert kind.needs_instance is ("--instance" in kind.sentence)


def test_each_meets_so_many() -> None:
    assert [one["count"] for one in faults(BY_NAME["not-found"], count=3)] == [3, 3]
