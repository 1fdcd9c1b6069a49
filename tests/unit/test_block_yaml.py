"""The quick reader of block style gives what PyYAML gives, or says that it cannot tell."""

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.block_yaml import _LONG, NotBlockStyle, parse_block_yaml
from roost.yaml_lines import parse_yaml

AWKWARD = [
    "",
    "[]",
    "{}",
    "yes",
    "No",
    "null",
    "~",
    "1e3",
    "012",
    "0o7",
    "1_000",
    "-",
    "- a",
    "a: b",
    "a #b",
    "a ",
    "é",
]
AWKWARD += [
    "2026-01-02",
    "12:30:00",
    "!x",
    "&x",
    "*x",
    "%x",
    "@x",
    "`x`",
    "'x'",
    '"x"',
    "x\ny",
    "x\ty",
    "key:",
    "..",
    "=",
]
texts = st.sampled_from(AWKWARD) | st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=12)
words = st.text("abcdefgh.-_0123456789", min_size=1, max_size=8)
scalars = texts | words | st.integers() | st.booleans() | st.none() | st.floats(allow_nan=False)
keys = st.text("abcdefghijk", min_size=1, max_size=5)
maps = st.dictionaries(keys, scalars, max_size=4)
jobs = st.fixed_dictionaries(
    {"id": words, "arguments": st.lists(scalars, max_size=4), "uses": st.lists(maps, max_size=4)},
    optional={"profiles": st.dictionaries(keys, maps, max_size=2), "stdout": scalars},
)


def quickly(text: str) -> Any:
    value = parse_block_yaml(text, "w.yml").value
    return {key: list(part) if key == "jobs" else part for key, part in value.items()}


@settings(max_examples=60, deadline=None)
@given(st.lists(jobs, min_size=1, max_size=3))
def test_quick_reader_agrees(items: list[Any]) -> None:
    text = yaml.safe_dump({"name": "x", "jobs": items}, sort_keys=False, allow_unicode=True)
    copies = _LONG // len(text) + 1
    text = yaml.dump({"name": "x", "jobs": items * copies}, Dumper=NoAliases, sort_keys=False, allow_unicode=True)
    try:
        found = quickly(text)
    except NotBlockStyle:
        return
    assert found == parse_yaml(text, "w.yml").value


class NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


@pytest.mark.parametrize("empty", ["[]", "{}"])
def test_task_without_arguments_is_read_quickly(empty: str) -> None:
    """Each has a list of its own: none is shared."""
    text = "jobs:\n" + f"- id: a\n  arguments: {empty}\n" * _LONG
    first, second, *_ = quickly(text)["jobs"]
    assert first == {"id": "a", "arguments": yaml.safe_load(empty)}
    assert first["arguments"] is not second["arguments"]


@pytest.mark.parametrize(
    "path",
    [
        ("jobs",),
        ("jobs", 0),
        ("jobs", 3, "id"),
        ("jobs", 700, "uses", 1, "type"),
        ("jobs", 700, "uses", 9),
        ("jobs", 999, "nothing"),
        ("name",),
        ("after", 1, "a"),
    ],
)
def test_lines_are_those_of_the_whole(path: tuple[str | int, ...]) -> None:
    item = "- id: a\n  arguments:\n  - x\n  uses:\n  - lfn: b\n  - lfn: c\n    type: input\n"
    text = "name: x\njobs:\n" + item * 1000 + "after:\n- a: 1\n- a: 2\n"
    assert parse_block_yaml(text, "w.yml").line(path) == parse_yaml(text, "w.yml").line(path)
