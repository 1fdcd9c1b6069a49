"""pure: the `Filters` of Describe actions.

What a filter looks at is a path into the answer itself (botocore's member names), kept in tables beside the actions:
`"network-interface.group-id": "NetworkInterfaces.Groups.GroupId"`. A path leads through lists. A documented filter
that nothing here can match has the path `NOTHING`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from localec2.errors import INVALID_FILTER
from localec2.model import Tags

NOTHING = ""
View = Mapping[str, Any]
Filters = Sequence[Mapping[str, Any]] | None


def matching(views: Sequence[View], filters: Filters, paths: Mapping[str, str], *, tagged: bool = True) -> list[Any]:
    """The views that all filters match: any of a filter's values does. Raises `Ec2Error` for an unknown filter."""
    wanted = [
        (str(each.get("Name", "")), [_pattern(value) for value in each.get("Values", [])]) for each in filters or ()
    ]
    for name, _ in wanted:
        if name not in paths and not (tagged and (name == "tag-key" or name.startswith("tag:"))):
            raise INVALID_FILTER(name=name)
    return [
        view
        for view in views
        if all(any(p.fullmatch(v) for p in patterns for v in _values(view, name, paths)) for name, patterns in wanted)
    ]


def values_at(view: Any, path: str) -> Iterator[str]:
    """Every value at a path, as EC2 writes it.

    >>> list(values_at({"Groups": [{"Id": 1}, {"Id": True}]}, "Groups.Id"))
    ['1', 'true']
    """
    if isinstance(view, list):
        for item in view:
            yield from values_at(item, path)
    elif path:
        name, _, rest = path.partition(".")
        if isinstance(view, Mapping) and view.get(name) is not None:
            yield from values_at(view[name], rest)
    elif isinstance(view, bool):
        yield "true" if view else "false"
    elif not isinstance(view, Mapping):
        yield str(view)


def tags_of(view: View) -> Tags:
    return {tag["Key"]: tag["Value"] for tag in view.get("Tags") or view.get("TagSet") or []}


def _values(view: View, name: str, paths: Mapping[str, str]) -> list[str]:
    if name == "tag-key":
        return list(tags_of(view))
    if name.startswith("tag:"):
        value = tags_of(view).get(name.removeprefix("tag:"))
        return [] if value is None else [value]
    path = paths[name]
    return [] if path == NOTHING else list(values_at(view, path))


def _pattern(value: str) -> re.Pattern[str]:
    r"""EC2's wildcards: `*` any text, `?` any character, `\` takes the meaning away.

    >>> bool(_pattern("2026-11-20T*").fullmatch("2026-11-20T10:00:00.000Z")), bool(_pattern(r"a\*").fullmatch("ab"))
    (True, False)
    """
    words = {"*": ".*", "?": "."}
    parts = re.findall(r"\\.|.", value, re.DOTALL)
    return re.compile("".join(words.get(part, re.escape(part[-1])) for part in parts), re.DOTALL)
