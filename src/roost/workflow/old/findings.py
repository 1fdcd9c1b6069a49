"""pure: what reading an old file finds: what is wrong in it, and what of it has no counterpart today.

Nothing of an old project is dropped without a sentence that has its file and line.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from roost.workflow.mistakes import Mistakes
from roost.yaml_lines import did_you_mean


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """What was left out, or became something else."""

    source: str
    line: int
    said: str
    more: int = 0  # further lines of the same file of which the same is to be said

    def __str__(self) -> str:
        others = f" (and {self.more} more like it)" if self.more else ""
        return f"{self.source}:{self.line}: {self.said}{others}"


@dataclass(frozen=True, slots=True)
class Findings:
    """Of one file; `mistakes` and `notes` are those of the project."""

    source: str
    mistakes: Mistakes
    notes: list[Note] = field(default_factory=list)

    def wrong(self, line: int, said: str) -> None:
        self.mistakes.text(self.source, line, said)

    def note(self, line: int, said: str) -> None:
        self.notes.append(Note(source=self.source, line=line, said=said))

    def at(self, line: int) -> str:
        return f"{self.source}:{line}"

    def choice(self, line: int, what: str, value: str, valid: Iterable[str]) -> bool:
        """Is `value` one of `valid`? A mistake with the nearest word when not."""
        words = tuple(valid)
        if value in words:
            return True
        if "${" in value:
            self.wrong(line, f"{what} is the variable '{value}' here: write its value")
            return False
        self.wrong(line, f"{what} cannot be '{value}'{did_you_mean(value, words)}")
        return False


def gathered(notes: Iterable[Note]) -> tuple[Note, ...]:
    """By file and line, one note for all lines of which the same is said: a thousand jobs can have the same profile.

    >>> [str(note) for note in gathered([Note(source="f", line=n, said="x") for n in (3, 5, 9)])]
    ['f:3: x (and 2 more like it)']
    """
    every = list(notes)
    many = Counter((note.source, note.said) for note in every)
    first: dict[tuple[str, str], Note] = {}
    for note in every:
        known = first.setdefault((note.source, note.said), note)
        if note.line < known.line:
            first[(note.source, note.said)] = note
    files = list(dict.fromkeys(note.source for note in every))
    found = (
        Note(source=note.source, line=note.line, said=note.said, more=many[key] - 1) for key, note in first.items()
    )
    return tuple(sorted(found, key=lambda note: (files.index(note.source), note.line)))
