"""pure: rows of words -> a table for the terminal."""

from collections.abc import Sequence


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Each column as wide as its longest cell, two blanks between, nothing after the last.

    >>> print(columns([("what", "id"), ("key pair", "k")]))
    what      id
    key pair  k
    """
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
