"""docs/pool.md says what the model says: every key, every default, and an example that is valid."""

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

import yaml
from pydantic import BaseModel

from roost.spec import PoolSpec, parse, seconds

PAGE = (Path(__file__).parents[2] / "docs" / "pool.md").read_text()
ROWS = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+?) \|", PAGE, re.MULTILINE))


def _leaves(model: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _shown(cell: str) -> object:
    if cell in ("none", "empty"):
        return {"none": None, "empty": ""}[cell]
    value = seconds(yaml.safe_load(cell.strip("`")))
    return tuple(value) if isinstance(value, list) else value


def test_keys_and_defaults() -> None:
    assert {key: _shown(cell) for key, cell in ROWS.items()} == dict(_leaves(PoolSpec()))


def test_the_example_is_valid() -> None:
    example = textwrap.dedent("\n".join(line for line in PAGE.splitlines() if line.startswith("    ")))
    assert parse(example, Path("pool.yml")).workers.count == 4
