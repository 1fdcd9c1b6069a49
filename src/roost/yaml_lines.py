"""pure: YAML that remembers its lines, and the nearest valid word for a wrong one.

In: the text of a file. Out: plain objects, as PyYAML's safe loader gives them, and the line of each key and item.
"""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from roost.errors import UsageError

Path = tuple[str | int, ...]

_MOST_REPEATED = 500_000  # keys and items that aliases repeat: a few short lines can spell out billions

# libyaml's parser is ten times faster; a PyYAML without it still works.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A YAML document: `value` is plain objects, `line(path)` the place of one of them."""

    source: str
    value: Any
    lines: dict[Path, int]
    literal_lines: dict[Path, int] = field(default_factory=dict)  # where the text of a `key: |` begins

    def line(self, path: Path) -> int:
        """The line (from 1) of a key or list item, or of the nearest thing around it that has one.

        >>> parse_yaml("a:\\n  b: [1, 2]\\n", "f.yml").line(("a", "b", 1))
        2
        """
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def line_of_text(self, path: Path, number: int) -> int:
        """The line on which line `number` (from 1) of a text is written, where it is written as it is (`key: |`).

        >>> parse_yaml("a: |\\n  x\\n  y\\nb: x y\\n", "f.yml").line_of_text(("a",), 2)
        3
        """
        begins = self.literal_lines.get(path)
        return self.line(path) if begins is None else begins + number - 1

    def at(self, path: Path) -> str:
        """`file:line`, as the start of a sentence about a mistake."""
        return f"{self.source}:{self.line(path)}"


def parse_yaml(text: str, source: str) -> Document:
    """Parse one document. Raises UsageError (file, line) for YAML that is none, and for a key that is there twice.

    >>> parse_yaml("name: x", "f.yml").value
    {'name': 'x'}
    """
    loader = _Loader(text)
    try:
        root = loader.get_single_node()
        if root is None:
            return Document(source, None, {})
        lines: dict[Path, int] = {}
        literal_lines: dict[Path, int] = {}
        twice: list[str] = []
        seen: set[int] = set()
        repeated = 0
        for path, node, value in _walk(root, source):
            repeated += id(node) in seen
            seen.add(id(node))
            if repeated > _MOST_REPEATED:
                raise UsageError(
                    f"{source}:{node.start_mark.line + 1}: its aliases spell out too much", f"edit {source}"
                )
            if path in lines:
                here = f"{source}:{node.start_mark.line + 1}"
                twice.append(f"{here}: '{path[-1]}' is there twice; it is also on line {lines[path]}")
            lines.setdefault(path, node.start_mark.line + 1)
            if getattr(value, "style", None) == "|":
                literal_lines.setdefault(path, value.start_mark.line + 2)
        if twice:
            raise UsageError("\n".join(twice), f"edit {source}")
        return Document(source, _constructed(loader, root, source), lines, literal_lines)
    except yaml.YAMLError as error:
        raise UsageError(_syntax(error, source), f"edit {source}") from error
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
