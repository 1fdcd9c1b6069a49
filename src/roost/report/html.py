"""pure: HTML, with all text escaped: what is not made here by `element` is text.

>>> print(element("p", "a < b ", element("b", "c"), class_="said", title='"q"'))
<p class="said" title="&quot;q&quot;">a &lt; b <b>c</b></p>
"""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "rect", "path", "line", "br"})


class Html(str):
    """Text that is HTML already: of `element`, or of a file of ours."""

    __slots__ = ()


Child = str | Iterable["Html"] | None


def element(tag: str, *children: Child, **attributes: str | float | bool | None) -> Html:
    """A trailing `_` of an attribute's name is left out, other `_` are `-`; None and False leave the attribute out."""
    said = "".join(_attribute(name, value) for name, value in attributes.items())
    if tag in _VOID and not children:
        return Html(f"<{tag}{said}>" if tag in ("meta", "br") else f"<{tag}{said}/>")
    return Html(f"<{tag}{said}>{''.join(map(_inner, children))}</{tag}>")


def joined(parts: Iterable[Html]) -> Html:
    return Html("".join(parts))


def _inner(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Html):
        return child
    return escape(child) if isinstance(child, str) else "".join(child)


def _attribute(name: str, value: str | float | bool | None) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-") if name != "viewBox" and name != "preserveAspectRatio" else name
    if value is True:
        return f" {name}"
    text = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return f' {name}="{escape(text)}"'
