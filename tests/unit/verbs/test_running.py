"""A workflow's name becomes the name of a pool and of a directory, whatever it is."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.spec import PoolSpec
from roost.verbs.running import _word


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("variants", "variants"),
        ("Variant Calling (small)", "variant-calling-small"),
        ("variant_calling.yml", "variant-calling-yml"),
        ("1000-genomes", "run-1000-genomes"),
        ("../../etc/passwd", "etc-passwd"),
        ("--yes", "yes"),
        ("$(reboot); `true`", "reboot-true"),
        ("Überprüfung", "berpr-fung"),
        ("ワークフロー", "run"),
        ("", "run"),
        ("---", "run"),
    ],
)
def test_a_name_as_a_word(name: str, expected: str) -> None:
    assert _word(name) == expected


@given(name=st.text())
def test_any_name_is_a_word(name: str) -> None:
    word = _word(name)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", word)
    assert _word(word) == word


@given(name=st.text(min_size=15))
def test_any_word_is_the_beginning_of_a_pools_name(name: str) -> None:
    """As a run's own pool has it; pydantic refuses a name that EC2's tags and names could not take."""
    pool = f"{_word(name)[:20].rstrip('-')}-0a1b2c"
    assert PoolSpec(name=pool).name == pool
