from typing import Any

import pytest

from localec2.errors import Ec2Error
from localec2.filters import NOTHING, matching

VIEWS = [
    {
        "Id": "i-1",
        "On": True,
        "Size": 8,
        "Groups": [{"Id": "a"}, {"Id": "b"}],
        "Tags": [{"Key": "Name", "Value": "x y"}],
    },
    {"Id": "i-2", "On": False, "Size": 16, "Groups": [], "TagSet": [{"Key": "role", "Value": ""}]},
]
PATHS = {"id": "Id", "on": "On", "size": "Size", "group": "Groups.Id", "never": NOTHING}


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (None, ["i-1", "i-2"]),
        ([], ["i-1", "i-2"]),
        ([{"Name": "id", "Values": ["i-2"]}], ["i-2"]),
        ([{"Name": "id", "Values": ["i-2", "i-1"]}], ["i-1", "i-2"]),
        ([{"Name": "id", "Values": ["i-?"]}, {"Name": "size", "Values": ["8"]}], ["i-1"]),
        ([{"Name": "id", "Values": ["*"]}], ["i-1", "i-2"]),
        ([{"Name": "id", "Values": [r"i-\?"]}], []),
        ([{"Name": "id", "Values": ["i"]}], []),
        ([{"Name": "id", "Values": ["I-1"]}], []),
        ([{"Name": "id", "Values": []}], []),
        ([{"Name": "on", "Values": ["true"]}], ["i-1"]),
        ([{"Name": "group", "Values": ["b"]}], ["i-1"]),
        ([{"Name": "never", "Values": ["*"]}], []),
        ([{"Name": "tag:Name", "Values": ["x*"]}], ["i-1"]),
        ([{"Name": "tag:role", "Values": [""]}], ["i-2"]),
        ([{"Name": "tag:name", "Values": ["x*"]}], []),
        ([{"Name": "tag-key", "Values": ["role", "other"]}], ["i-2"]),
    ],
)
def test_matching(filters: Any, expected: list[str]) -> None:
    assert [view["Id"] for view in matching(VIEWS, filters, PATHS)] == expected


@pytest.mark.parametrize(("name", "tagged"), [("size-of", True), ("", True), ("tag:Name", False)])
def test_an_unknown_filter_is_an_error_even_when_nothing_is_there(name: str, tagged: bool) -> None:
    with pytest.raises(Ec2Error) as raised:
        matching([], [{"Name": name, "Values": ["x"]}], PATHS, tagged=tagged)
    assert raised.value.message == f"The filter '{name}' is invalid"
