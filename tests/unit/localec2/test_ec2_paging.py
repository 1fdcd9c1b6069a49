import pytest
from hypothesis import given
from hypothesis import strategies as st

from localec2.errors import Ec2Error
from localec2.paging import page
from localec2.protocol import Params


@given(st.sets(st.text(max_size=5), max_size=60), st.integers(min_value=5, max_value=20))
def test_pages_are_the_whole(items: set[str], size: int) -> None:
    seen: list[str] = []
    params: Params = {"MaxResults": size}
    while True:
        shown, token = page(list(items), params, key=str)
        assert len(shown) <= size
        seen += shown
        if token is None:
            break
        params = {"MaxResults": size, "NextToken": token}
    assert seen == sorted(items)


def test_what_goes_between_two_pages_moves_nothing() -> None:
    items = [f"{number:02d}" for number in range(12)]
    first, token = page(items, {"MaxResults": 5}, key=str)
    second, _ = page(items[3:], {"MaxResults": 5, "NextToken": token}, key=str)
    assert first + second == items[:10]


def test_without_a_size_everything_comes_at_once() -> None:
    assert page(["b", "a"], {}, key=str) == (["b", "a"], None)


@pytest.mark.parametrize(
    ("params", "code"),
    [({"MaxResults": 4}, "InvalidParameterValue"), ({"NextToken": "x"}, "InvalidNextToken")],
)
def test_bad_pages(params: Params, code: str) -> None:
    with pytest.raises(Ec2Error) as raised:
        page(["a"], params, key=str)
    assert raised.value.code == code
