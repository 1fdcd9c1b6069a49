"""pure: what a graph of ids and edges says: cycles, and the level of each id."""

from collections.abc import Iterator

Edges = tuple[tuple[str, str], ...]  # (parent, child)


def cycle_in(ids: tuple[str, ...], edges: Edges) -> list[str]:
    """The ids along one cycle, first and last the same; empty when there is none.

    >>> cycle_in(("a", "b", "c"), (("a", "b"), ("b", "c"), ("c", "b")))
    ['b', 'c', 'b']
    """
    children: dict[str, list[str]] = {one: [] for one in ids}
    for parent, child in edges:
        children[parent].append(child)
    done: set[str] = set()
    for start in ids:
        trail: dict[str, Iterator[str]] = {}
        here: str | None = None if start in done else start
        while here is not None or trail:
            if here is not None:
                trail[here] = iter(children[here])
            last = next(reversed(trail))
            here = next((child for child in trail[last] if child not in done), None)
            if here is not None and here in trail:
                walked = list(trail)
                return [*walked[walked.index(here) :], here]
            if here is None:
                done.add(last)
                del trail[last]
    return []


def levels(ids: tuple[str, ...], edges: Edges) -> dict[str, int]:
    """The level of each id, from 1: one more than that of its deepest parent. The graph has no cycle.

    >>> levels(("c", "a", "b"), (("a", "b"), ("b", "c"), ("a", "c")))
    {'c': 3, 'a': 1, 'b': 2}
    """
    children: dict[str, list[str]] = {one: [] for one in ids}
    waiting = dict.fromkeys(ids, 0)
    for parent, child in edges:
        children[parent].append(child)
        waiting[child] += 1
    found = dict.fromkeys(ids, 1)
    ready = [one for one, parents in waiting.items() if parents == 0]
    while ready:
        parent = ready.pop()
        for child in children[parent]:
            found[child] = max(found[child], found[parent] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    return found
