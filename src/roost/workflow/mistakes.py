"""pure: every mistake in a set of YAML files, collected so that they are told all at once.

A mistake is a place (file, line) and a sentence; the methods check one thing, note what is wrong and go on.
"""

from collections.abc import Collection, Iterator
from typing import Any

from roost.block_yaml import Items
from roost.errors import UsageError
from roost.yaml_lines import Document, Path, did_you_mean

MOST = 200  # nobody reads more, and in a workflow of 100,000 tasks one mistake may be there in each
NO_EFFECT = frozenset({"x-pegasus", "pegasus", "metadata"})  # notes: never change what is run


class Mistakes:
    def __init__(self, *, label_key: str = "label") -> None:
        self.label_key = label_key  # the pegasus profile that labels tasks: properties can name another
        self._found: dict[tuple[str, int, str], None] = {}
        self._notes: dict[str, tuple[str, int]] = {}  # sentence: where it is true first, and how often

    @property
    def count(self) -> int:
        return len(self._found)

    @property
    def found(self) -> tuple[tuple[str, int, str], ...]:
        """(file, line, `file:line: sentence`) of each."""
        return tuple(self._found)

    def add(self, document: Document, path: Path, said: str) -> None:
        line = document.line(path)
        self.text(document.source, line, said)

    def unsupported(self, document: Document, path: Path, what: str) -> None:
        self.add(document, path, f"not supported yet: {what}")

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences: what is no mistake, and has no effect."""
        return tuple(f"{said} ({_places(*places)})" for said, places in self._notes.items())

    def note(self, document: Document, path: Path, said: str) -> None:
        first, times = self._notes.get(said) or (document.at(path), 0)
        self._notes[said] = (first, times + 1)

    def note_text(self, source: str, line: int, said: str) -> None:
        """Of a file that is not YAML."""
        first, times = self._notes.get(said, (f"{source}:{line}", 0))
        self._notes[said] = (first, times + 1)

    def text(self, source: str, line: int, said: str) -> None:
        """A mistake in a file that is not YAML."""
        self._found.setdefault((source, line, f"{source}:{line}: {said}"))
        if len(self._found) >= MOST:
            self.finish()

    def finish(self) -> None:
        """Raise one UsageError for all that was found, by file and line."""
        if not self._found:
            return
        files = list(dict.fromkeys(source for source, _, _ in self._found))
        ordered = sorted(self._found, key=lambda found: (files.index(found[0]), found[1]))
        told = [said for _, _, said in ordered]
        if len(told) >= MOST:
            told.append(f"these are the first {MOST}; more were not looked for")
        raise UsageError("\n".join(told), f"edit {' and '.join(files)}")

    def table(
        self,
        document: Document,
        path: Path,
        value: Any,
        *,
        known: Collection[str],
        later: Collection[str] = (),
    ) -> dict[str, Any]:
        """`value` as a mapping with `known` keys; those in `later` are Pegasus's and not ours yet."""
        if type(value) is dict and isinstance(known, frozenset) and value.keys() <= known:
            return value
        if not isinstance(value, dict):
            self.add(document, path, f"{_name(path)} has to be a list of `key: value` lines, not {value!r}")
            return {}
        for key in value:
            if key in later and value[key]:
                self.unsupported(document, (*path, key), f"'{key}'")
            elif key not in known and key not in later and key not in NO_EFFECT:
                said = f"unknown key '{key}'{did_you_mean(str(key), sorted({*known, *later}))}"
                self.add(document, (*path, str(key)), said)
        return value

    def items(self, document: Document, path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
        """(path, item) for each item of a list; nothing where there is none."""
        for number, item in self.numbered(document, path, value):
            yield (*path, number), item

    def numbered(self, document: Document, path: Path, value: Any) -> Iterator[tuple[int, Any]]:
        """(place, item) for each item of a list; nothing where there is none."""
        if isinstance(value, list | Items):
            return enumerate(value)
        if value is not None:
            self.add(document, path, f"{_name(path)} has to be a list, not {value!r}")
        return iter(())

    def word(self, document: Document, path: Path, table: dict[str, Any], key: str) -> str:
        """The required text at `key`; empty when it is not there (which is a mistake)."""
        value = table.get(key)
        if isinstance(value, str | int | float) and not isinstance(value, bool) and str(value):
            return str(value)
        if key in table:
            self.add(document, (*path, key), f"'{key}' cannot be {value!r}")
        elif table:
            self.add(document, path, f"'{key}' is missing")
        return ""


def _places(first: str, times: int) -> str:
    """
    >>> _places("w.yml:3", 1), _places("w.yml:3", 3)
    ('w.yml:3', 'w.yml:3 and 2 other places')
    """
    others = times - 1
    return first + (f" and {others:,} other place{'s' * (others > 1)}" if others else "")


def _name(path: Path) -> str:
    return f"'{path[-1]}'" if path and isinstance(path[-1], str) else "this"
