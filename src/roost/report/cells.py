"""pure: text in a terminal's cells: wide characters take two, and what could move the cursor is shown, not obeyed."""

import unicodedata


def cells(text: str) -> int:
    """How many cells a text takes.

    >>> cells("abc"), cells("日本"), cells("e\\u0301")
    (3, 4, 1)
    """
    return len(text) if text.isascii() else sum(map(_cells_of, text))


def cut(text: str, width: int) -> str:
    """At most `width` cells, with an ellipsis where something is left out.

    >>> cut("abcdef", 4), cut("日本語", 4), cut("abc", 3), cut("a\\x1b[2Jb", 9)
    ('abc…', '日…', 'abc', 'a?[2Jb')
    """
    text = printable(text)
    if cells(text) <= width:
        return text
    kept, taken = [], 0
    for char in text:
        taken += _cells_of(char)
        if taken > width - 1:
            break
        kept.append(char)
    return "".join(kept) + "…"


def padded(text: str, width: int, *, right: bool = False) -> str:
    """Exactly `width` cells.

    >>> padded("日", 4), padded("7", 3, right=True)
    ('日  ', '  7')
    """
    text = cut(text, width)
    blanks = " " * (width - cells(text))
    return blanks + text if right else text + blanks


def printable(text: str) -> str:
    return text if text.isprintable() else "".join(char if char.isprintable() else "?" for char in text)


def _cells_of(char: str) -> int:
    if unicodedata.combining(char) or unicodedata.category(char) in ("Cf", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
