"""Aliases and values that YAML lets through and nobody can use: one sentence, with its line."""

from datetime import date

import pytest

from roost.errors import UsageError
from roost.yaml_lines import parse_yaml

WRONG = {
    "a list inside itself": ("workers: &a [*a]\n", "f.yml:1: an alias contains itself"),
    "a mapping inside itself": ("name: x\nworkers: &a\n  count: *a\n", "f.yml:3: an alias contains itself"),
    "a day that is none": ("cloud: local\nname: 2026-99-99\n", "f.yml:2: month must be in 1..12"),
    "a day in a list": ("a:\n  - b\n  - 2026-02-31\n", "f.yml:3: day is out of range for month"),
    "a key twice": ("a: 1\na: 2\n", "f.yml:2: 'a' is there twice; it is also on line 1"),
}


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_file_is_refused_with_its_line(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_yaml(text, "f.yml")
    assert caught.value.message.startswith(said)


def test_an_alias_used_twice_is_no_recursion() -> None:
    assert parse_yaml("a: &x [1]\nb: *x\nc: [*x, *x]\n", "f.yml").value == {"a": [1], "b": [1], "c": [[1], [1]]}


def test_aliases_that_multiply_are_refused() -> None:
    lines = ["a0: &a0 [1, 2]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12))]
    with pytest.raises(UsageError, match=r"^f.yml:\d+: its aliases spell out too much$"):
        parse_yaml("\n".join(lines), "f.yml")


def test_other_libraries_do_not_change_what_values_are() -> None:
    """Pegasus.api's YAML takes dates for text, in every loader of the process."""
    from Pegasus.yaml import loads

    assert loads("a: 2026-11-21") == {"a": "2026-11-21"}
    assert parse_yaml("a: 2026-11-21\nb: yes\n", "f.yml").value == {"a": date(2026, 11, 21), "b": True}
