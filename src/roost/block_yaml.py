"""pure: the block style in which programs write YAML -> the plain objects that PyYAML gives, twenty times sooner.

Pegasus.api writes a task as some thirty short lines; PyYAML's C loader reads 4,000 such tasks a second, and a real
workflow has 100,000. Here a document is cut along its lines and what is inside is looked at by its shape. Whatever is
not plainly of that shape goes to PyYAML: an item of a long list by itself, everything else as a whole.
"""

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from roost.errors import UsageError
from roost.yaml_lines import Document, is_text, parse_yaml

_LONG = 20_000  # characters; below that PyYAML is quick enough
_REMEMBERED = 20_000  # scalars and ends of mappings

_TOP = re.compile(r"\n[^ \n-]")
_ITEM = re.compile(r"\n- ")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
# A scalar without quotes that is text by how it begins: not a number, a truth value, a date or nothing.
_WORDS = r"(?!(?i:yes|no|true|false|on|off|null)\Z)"
_BEGINS = rf"{_WORDS}[A-Za-z_/]|--?[A-Za-z]|[0-9](?=[0-9_.]*[g-su-wyG-SU-WY])"
_CHARACTERS = r"[!-\"$-9;-~]*"  # then what is no comment and no key, and characters again
_GOES_ON = rf"{_CHARACTERS}(?:(?::(?=[!-~])|(?<! )#| +(?=[!-\"$-~])){_CHARACTERS})*"
_TEXT = re.compile(rf"(?:{_BEGINS}){_GOES_ON}")
_ANY = re.compile(rf"[A-Za-z0-9_/.+-]{_GOES_ON}")
_SINGLE = re.compile(r"'((?:[ -&(-~]|'')*)'")
_DOUBLE = re.compile(r'"([ !#-\[\]-~]*)"')
_ENTRIES = {indent: re.compile(rf"\n {{{indent}}}(?=[^ -])") for indent in range(2, 16, 2)}


class NotBlockStyle(Exception):
    """Something that only a whole YAML parser can read, or that is wrong."""


class Items(Sequence[Any]):
    """The items of a long list, each made when it is asked for: 100,000 tasks need not be there at once.

    Raises NotBlockStyle for an item that is no YAML by itself.
    """

    __slots__ = ("_starts", "_style", "_text")

    def __init__(self, text: str, starts: list[int], style: "_Style") -> None:
        self._text, self._starts, self._style = text, starts, style

    def __len__(self) -> int:
        return len(self._starts) - 1

    def __iter__(self) -> Iterator[Any]:
        text, read = self._text, self._style.item
        start = self._starts[0]
        for end in self._starts[1:]:
            yield read(text[start + 2 : end - 1])
            start = end

    def __getitem__(self, index: Any) -> Any:
        start, end = self._starts[index], self._starts[index + 1]
        return self._style.item(self._text[start + 2 : end - 1])

    def text(self, index: int) -> str:
        """An item as it is written, as a list of one."""
        return self._text[self._starts[index] : self._starts[index + 1]]

    @property
    def lines(self) -> list[int]:
        """The line of each item, from 1."""
        text, starts = self._text, self._starts
        found = [text.count("\n", 0, starts[0]) + 1]
        for start, end in itertools.pairwise(starts[:-1]):
            found.append(found[-1] + text.count("\n", start, end))
        return found


def parse_block_yaml(text: str, source: str) -> Document:
    """As `parse_yaml`, with long lists at the top as `Items`.

    Raises NotBlockStyle where it is not sure that the two agree: then ask `parse_yaml`, which also knows what is wrong.
    """
    if len(text) < _LONG:
        return parse_yaml(text, source)
    if not text.isascii() or "\r" in text or "\t" in text or not text.endswith("\n"):
        raise NotBlockStyle
    style = _Style()
    value: dict[str, Any] = {}
    item_lines = {}
    starts = [0, *(found.start() + 1 for found in _TOP.finditer(text))]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        head = text[start : text.index("\n", start)]
        key = head.removesuffix(":")
        if not _KEY.fullmatch(key.partition(":")[0]):
            raise NotBlockStyle
        if key != head and end - start > _LONG and text.startswith("- ", start + len(head) + 1):
            found = [one.start() + 1 for one in _ITEM.finditer(text, start, end)]
            items = Items(text, [*found, end], style)
            item_lines[key] = items.lines
            part: dict[str, Any] = {key: items}
        else:
            part = _part(text[start:end], source)
        if any(one in value for one in part):
            raise NotBlockStyle
        value.update(part)
    return Document(source, value, text, item_lines, lambda key, index: value[key].text(index))


def _part(text: str, source: str) -> dict[str, Any]:
    try:
        value = parse_yaml(text, source).value
    except UsageError as error:
        raise NotBlockStyle from error
    if not isinstance(value, dict):
        raise NotBlockStyle
    return value


class _Style:
    """Reads items, and remembers the scalars and the ends of mappings that come again and again."""

    def __init__(self) -> None:
        self._keys: set[str] = set()
        self._scalars: dict[str, Any] = {}
        self._ends: dict[str, dict[str, Any]] = {}

    def item(self, text: str) -> Any:
        """An item of a list at the top, without its dash."""
        try:
            return self._mapping(text, 2)
        except NotBlockStyle:
            try:
                (found,) = parse_yaml(f"- {text}\n", "").value
            except (UsageError, ValueError, TypeError) as error:
                raise NotBlockStyle from error
            return found

    def _mapping(self, text: str, indent: int) -> dict[str, Any]:
        """`key: value` lines; the first begins at once, the others after `indent` spaces."""
        if indent not in _ENTRIES:
            raise NotBlockStyle
        entries = _ENTRIES[indent].split(text)
        found = {}
        keys, scalars = self._keys, self._scalars
        for entry in entries:
            key, colon, value = entry.partition(":")
            if not colon:
                raise NotBlockStyle
            if key not in keys:
                self._learn_key(key)
            if value[:1] == " ":
                scalar = value[1:]
                known = scalars.get(scalar)
                found[key] = self._scalar(scalar) if known is None else known
            elif not value:
                found[key] = None
            elif value[0] == "\n":
                found[key] = self._below(value, indent)
            else:
                raise NotBlockStyle
        if len(found) != len(entries):
            raise NotBlockStyle
        return found

    def _below(self, text: str, indent: int) -> Any:
        """What stands on the lines after `key:`: a list at its indent, or a mapping two deeper."""
        dash = f"\n{' ' * indent}- "
        if not text.startswith(dash):
            deeper = f"\n{' ' * (indent + 2)}"
            if text.startswith(deeper) and text[len(deeper)] not in " -":
                return self._mapping(text[len(deeper) :], indent + 2)
            raise NotBlockStyle
        items = []
        keys, scalars, ends = self._keys, self._scalars, self._ends
        for item in text[len(dash) :].split(dash):
            first, newline, rest = item.partition("\n")
            if newline:
                end = ends.get(rest)
                if end is None:
                    end = self._end(rest, indent + 2)
                key, colon, value = first.partition(": ")
                if not colon or key in end:
                    raise NotBlockStyle
                if key not in keys:
                    self._learn_key(key)
                known = scalars.get(value)
                items.append({key: self._scalar(value) if known is None else known, **end})
            else:
                known = scalars.get(item)
                items.append(self._scalar(item) if known is None else known)
        return items

    def _end(self, text: str, indent: int) -> dict[str, Any]:
        """The lines of a mapping after its first."""
        spaces = " " * indent
        if not text.startswith(spaces) or text[indent : indent + 1] in (" ", "-", ""):
            raise NotBlockStyle
        found = self._mapping(text[indent:], indent)
        if len(self._ends) < _REMEMBERED:
            self._ends[text] = found
        return found

    def _learn_key(self, text: str) -> None:
        if not _KEY.fullmatch(text) or self._scalar(text) != text:
            raise NotBlockStyle
        self._keys.add(text)

    def _scalar(self, text: str) -> Any:
        if _TEXT.fullmatch(text):
            found: Any = text
        elif text.isdigit() and text[0] != "0":
            return int(text)
        elif quoted := _SINGLE.fullmatch(text):
            found = quoted[1].replace("''", "'")
        elif quoted := _DOUBLE.fullmatch(text):
            found = quoted[1]
        elif text in ("[]", "{}"):  # as Pegasus.api writes a task without arguments
            return [] if text == "[]" else {}
        elif not _ANY.fullmatch(text) or text == "-":
            raise NotBlockStyle
        elif is_text(text):
            found = text
        else:
            found = _part(f"it: {text}\n", "")["it"]
        if len(self._scalars) >= _REMEMBERED:  # a file is read soon after it was written, seldom long after
            self._scalars.clear()
        self._scalars[text] = found
        return found
