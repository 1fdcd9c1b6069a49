"""pure: YAML that remembers its lines, and the nearest valid word for a wrong one.

In: the text of a file. Out: plain objects, as PyYAML's safe loader gives them, and the line of each key and item.
"""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from roost.errors import UsageError

Path = tuple[str | int, ...]

_MOST_REPEATED = 500_000  # keys and items that aliases repeat: a few short lines can spell out billions

# libyaml's parser is ten times faster; a PyYAML without it still works.
_Fastest: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Fastest):  # type: ignore[misc]
    """With PyYAML's own idea of values: Pegasus.api changes the common loader for everybody when it is imported."""

    yaml_constructors = dict(yaml.constructor.SafeConstructor.yaml_constructors)


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """A YAML document: `value` is plain objects, `line(path)` the place of one of them.

    Lines are looked up in the text when somebody asks for one: a document without mistakes never pays for them.
    """

    source: str
    value: Any
    text: str = ""
    item_lines: Mapping[str, Sequence[int]] = field(default_factory=dict)  # of the lists at the top
    item_text: Callable[[str, int], str] | None = None  # of an item of such a list, where it can be read by itself
    _places: dict[Path, "_Places"] = field(default_factory=dict)

    def line(self, path: Path) -> int:
        """The line (from 1) of a key or list item, or of the nearest thing around it that has one.

        >>> parse_yaml("a:\\n  b: [1, 2]\\n", "f.yml").line(("a", "b", 1))
        2
        """
        match path:
            case str(key), int(number), *below if key in self.item_lines and (not below or self.item_text):
                begins = self.item_lines[key][number]
                return begins + self._in_item(key, number).line((0, *below)) - 1 if below else begins
        return self._looked_up.line(path)

    def line_of_text(self, path: Path, number: int) -> int:
        """The line on which line `number` (from 1) of a text is written, where it is written as it is (`key: |`).

        >>> parse_yaml("a: |\\n  x\\n  y\\nb: x y\\n", "f.yml").line_of_text(("a",), 2)
        3
        """
        begins = self._looked_up.literal_lines.get(path)
        return self.line(path) if begins is None else begins + number - 1

    def at(self, path: Path) -> str:
        """`file:line`, as the start of a sentence about a mistake."""
        return f"{self.source}:{self.line(path)}"

    @property
    def _looked_up(self) -> "_Places":
        if () not in self._places:
            self._places[()] = _places(self.text)
        return self._places[()]

    def _in_item(self, key: str, number: int) -> "_Places":
        """Of one item alone: to walk through all of a large document takes minutes."""
        assert self.item_text is not None
        if (key, number) not in self._places:
            self._places.clear()  # mistakes come in the order of the file
            self._places[key, number] = _places(self.item_text(key, number))
        return self._places[key, number]


class Place(NamedTuple):
    """`file:line` of something in a document, looked up when it is told."""

    document: Document
    path: Path

    def __str__(self) -> str:
        return self.document.at(self.path)


@dataclass(frozen=True, slots=True)
class _Places:
    lines: dict[Path, int]
    literal_lines: dict[Path, int]  # where the text of a `key: |` begins

    def line(self, path: Path) -> int:
        """Of the nearest thing around it that has one."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse_yaml(text: str, source: str) -> Document:
    """Parse one document. Raises UsageError (file, line) for YAML that is none, and for a key that is there twice.

    >>> parse_yaml("name: x", "f.yml").value
    {'name': 'x'}
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document(source, None, text)
        _refuse_unusable(root, source)
        return Document(source, _constructed(loader, root, source), text, _item_lines(root))
    except yaml.YAMLError as error:
        raise UsageError(_syntax(error, source), f"edit {source}") from error
    finally:
        loader.dispose()


def is_text(scalar: str) -> bool:
    """Whether YAML 1.1 takes a scalar without quotes for text: not for a number, a truth value, a date or nothing.

    >>> is_text("2mass"), is_text("1_000"), is_text("No"), is_text("2026-11-21")
    (True, False, False, False)
    """
    patterns: Any = yaml.SafeLoader.yaml_implicit_resolvers.get(scalar[:1], ())
    return not any(pattern.match(scalar) for _, pattern in patterns)


def _item_lines(root: Any) -> Mapping[str, Sequence[int]]:
    """Of each list at the top: the lines of its items."""
    entries = root.value if isinstance(root, yaml.MappingNode) else ()
    lists = ((key, value.value) for key, value in entries if isinstance(value, yaml.SequenceNode))
    return {str(_key(key)): [item.start_mark.line + 1 for item in items] for key, items in lists}


def _refuse_unusable(root: Any, source: str) -> None:
    """Aliases that go round or multiply, and keys that are there twice, which YAML lets through."""
    seen: set[int] = set()
    is_repeated = is_twice = False
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.ScalarNode):
            continue
        if id(node) in seen:
            is_repeated = True
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            is_twice |= len({_key(key) for key, _ in node.value}) < len(node.value)
            stack.extend(value for _, value in node.value)
        else:
            stack.extend(node.value)
    # Only a document that has such a thing is walked with its paths, which takes ten times longer.
    if is_repeated:
        _refuse_endless(root, source)
    if is_twice:
        raise UsageError("\n".join(_twice(root, source)), f"edit {source}")


def _refuse_endless(root: Any, source: str) -> None:
    repeated = 0
    seen: set[int] = set()
    for _, mark, _node in _walk(root, source):
        repeated += id(mark) in seen
        seen.add(id(mark))
        if repeated > _MOST_REPEATED:
            raise UsageError(f"{source}:{mark.start_mark.line + 1}: its aliases spell out too much", f"edit {source}")


def _twice(root: Any, source: str) -> list[str]:
    lines: dict[Path, int] = {}
    said = []
    for path, mark, _ in _walk(root, source):
        if path in lines:
            here = f"{source}:{mark.start_mark.line + 1}"
            said.append(f"{here}: '{path[-1]}' is there twice; it is also on line {lines[path]}")
        lines.setdefault(path, mark.start_mark.line + 1)
    return said


def _places(text: str) -> _Places:
    found = _Places({}, {})
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        for path, mark, node in _walk(root, "") if root is not None else ():
            found.lines.setdefault(path, mark.start_mark.line + 1)
            if getattr(node, "style", None) == "|":
                found.literal_lines.setdefault(path, node.start_mark.line + 2)
        return found
    finally:
        loader.dispose()


def _walk(root: Any, source: str) -> Iterator[tuple[Path, Any, Any]]:
    """(path, the node that marks its line, the node itself), for all below; an explicit stack: depth is the user's."""
    stack: list[tuple[Path, Any, Any]] = [((), root, root)]
    around: list[Any] = []  # the nodes that the one at hand is inside of, one for each step of its path
    while stack:
        here, mark, node = stack.pop()
        yield here, mark, node
        del around[len(here) :]
        if isinstance(node, yaml.MappingNode):
            below = [((*here, _key(key)), key, value) for key, value in node.value]
        elif isinstance(node, yaml.SequenceNode):
            below = [((*here, number), item, item) for number, item in enumerate(node.value)]
        else:
            continue
        if any(node is outer for outer in around):
            raise UsageError(f"{source}:{mark.start_mark.line + 1}: an alias contains itself", f"edit {source}")
        around.append(node)
        stack.extend(reversed(below))


def _constructed(loader: Any, root: Any, source: str) -> Any:
    """The plain objects. PyYAML hands on Python's own ValueError for a value such as 2026-99-99."""
    try:
        return loader.construct_document(root)
    except ValueError as error:
        line = next((n.start_mark.line for n in _scalars(root) if _is_wrong(n)), root.start_mark.line) + 1
        raise UsageError(f"{source}:{line}: {error}: put it in quotes if it is text", f"edit {source}") from error


def _scalars(root: Any) -> Iterator[Any]:
    """Every scalar, keys too, in the order of the file."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif isinstance(node, yaml.MappingNode):
            stack.extend(part for key, value in reversed(node.value) for part in (value, key))
        elif isinstance(node, yaml.SequenceNode):
            stack.extend(reversed(node.value))


def _is_wrong(node: Any) -> bool:
    try:
        yaml.constructor.SafeConstructor().construct_object(node)
    except ValueError:
        return True
    return False


def _key(node: Any) -> str | int:
    return node.value if isinstance(node.value, str) else f"line {node.start_mark.line + 1}"


def _syntax(error: yaml.YAMLError, source: str) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    context = getattr(error, "context", None)
    said = f"{problem} ({context})" if context else problem
    return f"{source}:{mark.line + 1 if mark else 1}: this is not YAML: {said}"


def nearest(word: str, valid: Iterable[str]) -> str | None:
    """The valid word that was probably meant.

    >>> nearest("wokers", ["workers", "image"])
    'workers'
    >>> nearest("zzz", ["workers", "image"]) is None
    True
    """
    found = difflib.get_close_matches(word, list(valid), n=1)
    return found[0] if found else None


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """The end of a sentence about a wrong word: the nearest one, else all of them (when they are few).

    >>> did_you_mean("aw", ["aws", "local"])
    "; did you mean 'aws'?"
    >>> did_you_mean("azure", ["aws", "local"])
    '; valid: aws, local'
    """
    words = list(valid)
    found = nearest(word, words)
    if found is not None:
        return f"; did you mean '{found}'?"
    return f"; valid: {', '.join(words)}" if 0 < len(words) <= 20 else ""
