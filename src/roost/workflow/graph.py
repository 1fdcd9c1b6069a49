"""pure: what a graph of ids and their parents says: cycles, and the level of each id."""

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heappop, heappush

Parents = Mapping[str, Collection[str]]  # an id: its parents; roots may be left out


def cycle_in(ids: tuple[str, ...], parents: Parents) -> list[str]:
    """The ids along one cycle, first and last the same; empty when there is none.

    >>> cycle_in(("a", "b", "c"), {"b": ["a", "c"], "c": ["b"]})
    ['b', 'c', 'b']
    """
    children = children_of(ids, parents)
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


def levels(ids: tuple[str, ...], parents: Parents) -> dict[str, int] | None:
    """The level of each id, from 1: one more than that of its deepest parent. None when the graph has a cycle.

    >>> levels(("c", "a", "b"), {"b": ["a"], "c": ["b", "a"]})
    {'c': 3, 'a': 1, 'b': 2}
    """
    found: dict[str, int] = {}
    try:  # programs write parents before their children
        for one in ids:
            mine = parents.get(one)
            found[one] = 1 + max([found[parent] for parent in mine]) if mine else 1
        return found
    except KeyError:
        return _levels_in_any_order(ids, parents)


def _levels_in_any_order(ids: tuple[str, ...], parents: Parents) -> dict[str, int] | None:
    children = children_of(ids, parents)
    waiting = {one: len(parents.get(one, ())) for one in ids}
    found = dict.fromkeys(ids, 1)
    ready = [one for one, many in waiting.items() if many == 0]
    ordered = 0
    while ready:
        parent = ready.pop()
        ordered += 1
        for child in children[parent]:
            found[child] = max(found[child], found[parent] + 1)
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    return found if ordered == len(found) else None


def remaining(ids: Sequence[str], parents: Parents, seconds: Mapping[str, float]) -> dict[str, float]:
    """Of each id, the length of the longest path from its start to the end. `ids`: parents before their children.

    >>> remaining(("a", "b", "c"), {"b": ["a"], "c": ["a"]}, {"a": 1.0, "b": 2.0, "c": 5.0})
    {'a': 6.0, 'b': 2.0, 'c': 5.0}
    """
    found = dict.fromkeys(ids, 0.0)
    for one in reversed(ids):
        found[one] = whole = found[one] + seconds[one]
        for parent in parents.get(one, ()):
            if found[parent] < whole:
                found[parent] = whole
    return found


def contracted(parents: Parents, unit_of: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The same graph of units: what `unit_of` does not name is a unit of its own.

    >>> contracted({"b": ["a"], "c": ["b", "a"]}, {"b": "a"})
    {'c': ('a',)}
    """
    found: dict[str, dict[str, None]] = {}
    for child, mine in parents.items():
        unit = unit_of.get(child, child)
        into = found.setdefault(unit, {})
        for parent in mine:
            into[unit_of.get(parent, parent)] = None
        into.pop(unit, None)
    return {unit: tuple(mine) for unit, mine in found.items() if mine}


def makespan(ids: Collection[str], parents: Parents, seconds: Mapping[str, float], workers: int) -> float:
    """How long it takes when each of `workers` takes the next one that is ready. `ids`: parents before children.

    >>> makespan(("a", "b", "c"), {"c": ["a"]}, {"a": 3.0, "b": 2.0, "c": 2.0}, 2)
    5.0
    """
    children = children_of(ids, parents)
    waiting = {one: len(parents.get(one, ())) for one in ids}
    ready = deque(one for one, many in waiting.items() if many == 0)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            one = ready.popleft()
            heappush(running, (now + seconds[one], one))
        now, ended = heappop(running)
        for child in children[ended]:
            waiting[child] -= 1
            if waiting[child] == 0:
                ready.append(child)
    return now


def children_of(ids: Collection[str], parents: Parents) -> dict[str, list[str]]:
    """The same graph from above.

    >>> children_of(("a", "b"), {"b": ["a"]})
    {'a': ['b'], 'b': []}
    """
    children: dict[str, list[str]] = {one: [] for one in ids}
    for child in ids:
        for parent in parents.get(child, ()):
            children[parent].append(child)
    return children
