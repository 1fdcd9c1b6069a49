"""pure: plain values -> YAML text, a hundred thousand jobs in seconds.

Blocks, as people write them; a text that YAML could take for something else stands in quotes.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

# Letters first, so no number; no character that means something to YAML.
_PLAIN = re.compile(r"-{0,2}[A-Za-z_/][A-Za-z0-9_./+-]*", re.ASCII)
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})  # YAML 1.1: not text
_UNPRINTABLE = re.compile("[\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff\u2028\u2029\x85\ufeff]")


def yaml_text(value: dict[str, Any]) -> str:
    """
    >>> print(yaml_text({"name": "x", "pfns": [{"site": "local", "pfn": "a b"}], "uses": []}), end="")
    name: x
    pfns:
    - site: local
      pfn: "a b"
    uses: []
    """
    return "".join(_table(value, ""))


def _table(table: dict[str, Any], margin: str) -> Iterator[str]:
    for key, value in table.items():
        yield f"{margin}{_scalar(key)}:"
        yield from _value(value, margin)


def _value(value: Any, margin: str) -> Iterator[str]:
    """What follows a key."""
    if isinstance(value, dict) and value:
        yield "\n"
        yield from _table(value, f"{margin}  ")
    elif isinstance(value, list) and value:
        yield "\n"
        for item in value:
            first, *rest = _table(item, f"{margin}  ") if isinstance(item, dict) else [f"{_scalar(item)}\n"]
            yield f"{margin}- {first.lstrip(' ')}"
            yield from rest
    else:
        yield f" {_scalar(value)}\n"


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        return _UNPRINTABLE.sub(_escape, json.dumps(value, ensure_ascii=False))
    return json.dumps(value)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}"
