"""pure: a list -> parts of it, by how many or how long they are together, as Pegasus' horizontal clustering does it."""

from collections.abc import Callable, Sequence
from heapq import heapify, heapreplace
from typing import TypeVar

T = TypeVar("T")


def of_size(items: Sequence[T], size: int) -> list[list[T]]:
    """
    >>> of_size("abcde", 2)
    [['a', 'b'], ['c', 'd'], ['e']]
    """
    return [list(items[start : start + size]) for start in range(0, len(items), size)]


def so_many(items: Sequence[T], number: int) -> list[list[T]]:
    """`number` parts that differ by one item at most, the larger ones first.

    >>> so_many("abcde", 3), so_many("ab", 3)
    ([['a', 'b'], ['c', 'd'], ['e']], [['a'], ['b']])
    """
    size, larger = divmod(len(items), number)
    parts: list[list[T]] = []
    start = 0
    while start < len(items):
        end = start + size + (len(parts) < larger)
        parts.append(list(items[start:end]))
        start = end
    return parts


def even(items: Sequence[T], seconds: Callable[[T], float], number: int) -> list[list[T]]:
    """`number` parts that take about as long: the longest first, each to the part that is shortest so far.

    >>> even([5, 1, 4, 2, 2], float, 2)
    [[5, 2], [1, 4, 2]]
    """
    parts: list[list[tuple[int, T]]] = [[] for _ in range(min(number, len(items)))]
    filled = [(0.0, place) for place in range(len(parts))]
    heapify(filled)
    for place, item in _longest_first(items, seconds):
        so_far, part = filled[0]
        parts[part].append((place, item))
        heapreplace(filled, (so_far + seconds(item), part))
    return _in_order(parts)


def not_longer(items: Sequence[T], seconds: Callable[[T], float], limit_s: float) -> list[list[T]]:
    """Each part takes `limit_s` at most; an item that takes longer is a part of its own.

    >>> not_longer([1, 4, 9, 3, 2], float, 5.0)
    [[9], [1, 4], [3, 2]]
    """
    parts: list[list[tuple[int, T]]] = []
    open_parts: list[tuple[list[tuple[int, T]], float]] = []  # and what they can still take
    shortest = min((seconds(item) for item in items), default=0.0)
    for place, item in _longest_first(items, seconds):
        needed = seconds(item)
        fitting = next((number for number, (_, left) in enumerate(open_parts) if left >= needed), None)
        if fitting is None:
            parts.append([(place, item)])
            open_parts.append((parts[-1], limit_s - needed))
            fitting = len(open_parts) - 1
        else:
            part, left = open_parts[fitting]
            part.append((place, item))
            open_parts[fitting] = (part, left - needed)
        if open_parts[fitting][1] < shortest:
            del open_parts[fitting]
    return _in_order(parts)


def in_time(items: Sequence[T], seconds: Callable[[T], float], number: int) -> list[list[T]]:
    """`number` parts at most, of neighbours, that take about as long.

    >>> in_time([1, 1, 1, 3, 1, 1], float, 3)
    [[1, 1, 1], [3], [1, 1]]
    """
    whole = sum(map(seconds, items))
    parts: list[list[T]] = [[]]
    so_far = 0.0
    for item in items:
        # By where its middle lies: a part is too long or too short by half an item at most.
        if parts[-1] and so_far + seconds(item) / 2 > whole * len(parts) / number:
            parts.append([])
        parts[-1].append(item)
        so_far += seconds(item)
    return parts


def _longest_first(items: Sequence[T], seconds: Callable[[T], float]) -> list[tuple[int, T]]:
    return sorted(enumerate(items), key=lambda placed: -seconds(placed[1]))


def _in_order(parts: list[list[tuple[int, T]]]) -> list[list[T]]:
    return [[item for _, item in sorted(part, key=lambda placed: placed[0])] for part in parts]
