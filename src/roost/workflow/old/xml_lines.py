"""pure: XML whose elements remember their lines. No entity of a document's own is expanded, none is fetched.

In: the bytes of a file. Out: its elements below the root, one by one, so that 100,000 jobs need not be in memory at
once. What people forget in XML that they copy out of a page (`&&` for `&amp;&amp;`, the end of the last element) is
read as it was meant, and told.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from roost.workflow.old.findings import Findings

_CHUNK = 1 << 16
_DEEPEST = 50  # no format of Pegasus nests deeper than eight
_DECLARATION = re.compile(rb"\A(?:\xef\xbb\xbf)?\s*<\?xml[^>]*\?>")
_ENCODING = re.compile(rb"""encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
_CDATA = re.compile(rb"(<!\[CDATA\[.*?\]\]>)", re.DOTALL)
_BARE_AMPERSAND = re.compile(rb"&(?!#[0-9]+;|#x[0-9a-fA-F]+;|[A-Za-z_][\w.-]*;)")
_FIRST_ELEMENT = re.compile(rb"<([A-Za-z_][\w:.-]*)")
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)


class NotXmlError(Exception):
    """The text cannot be read from `line` on."""

    def __init__(self, line: int, said: str) -> None:
        super().__init__(said)
        self.line = line
        self.said = said


@dataclass(slots=True)
class Element:
    name: str
    attributes: dict[str, str]
    line: int
    parts: list["Element | str"] = field(default_factory=list)  # text and elements as they follow each other

    @property
    def elements(self) -> Iterator["Element"]:
        return (part for part in self.parts if isinstance(part, Element))

    @property
    def text(self) -> str:
        return "".join(part for part in self.parts if isinstance(part, str)).strip()


def root_name(data: bytes) -> str:
    """The name of the first element, without its prefix; empty where there is none.

    >>> root_name(b"<!-- <x/> --><a:adag>")
    'adag'
    """
    found = _FIRST_ELEMENT.search(_COMMENT.sub(b"", data))
    return found[1].decode("ascii", "replace").split(":")[-1] if found else ""


def below_root(data: bytes, findings: Findings, *, around: str = "") -> Iterator[Element]:
    """The root element, still empty, and then each element right below it.

    With `around` the text is a piece of a document: it is read as if it stood in an element of that name, and what
    it leaves open is closed. Raises NotXmlError for what is no XML.
    """
    text = _meant_ampersands(_utf8(data), findings)
    reader = _Reader()
    if around:
        reader.feed(f"<{around}>".encode())
    for start in range(0, len(text), _CHUNK):
        reader.feed(text[start : start + _CHUNK])
        yield from reader.taken()
    if around:
        for open_element in reversed(reader.open[1:]):
            findings.note(open_element.line, f"<{open_element.name}> has no end: read as if it ended with the file")
            reader.feed(f"</{open_element.name}>".encode())
        reader.feed(f"</{around}>".encode())
    reader.end()
    yield from reader.taken()


class _Reader:
    """expat's events, folded into elements."""

    def __init__(self) -> None:
        self.open: list[Element] = []
        self._done: list[Element] = []
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._finish
        parser.CharacterDataHandler = self._text
        parser.EntityDeclHandler = self._entity
        self._parser = parser

    def feed(self, text: bytes) -> None:
        self._parse(text, is_last=False)

    def end(self) -> None:
        self._parse(b"", is_last=True)

    def taken(self) -> Iterator[Element]:
        """What has ended since it was asked last."""
        done, self._done = self._done, []
        return iter(done)

    def _parse(self, text: bytes, *, is_last: bool) -> None:
        try:
            self._parser.Parse(text, is_last)
        except expat.ExpatError as error:
            still_open = f" inside of <{self.open[-1].name}> of line {self.open[-1].line}" if self.open else ""
            raise NotXmlError(error.lineno, f"this is not XML: {expat.ErrorString(error.code)}{still_open}") from error

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        element = Element(_local(name), _without_namespaces(attributes), self._parser.CurrentLineNumber)
        if len(self.open) >= _DEEPEST:
            raise NotXmlError(element.line, f"more than {_DEEPEST} elements inside of each other")
        if len(self.open) == 0:
            self._done.append(element)
        elif len(self.open) > 1:
            self.open[-1].parts.append(element)
        self.open.append(element)

    def _finish(self, _: str) -> None:
        element = self.open.pop()
        if len(self.open) == 1:
            self._done.append(element)

    def _text(self, text: str) -> None:
        if len(self.open) > 1:
            self.open[-1].parts.append(text)

    def _entity(self, name: str, *_: object) -> None:
        said = f"the entity '{name}' is not read, for an entity can stand for anything: write the text itself"
        raise NotXmlError(self._parser.CurrentLineNumber, said)


def _utf8(data: bytes) -> bytes:
    """The text in UTF-8, its lines where they were."""
    declaration = _DECLARATION.match(data)
    named = _ENCODING.search(declaration[0]) if declaration else None
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else named[1].decode() if named else "utf-8"
    try:
        text = data.decode("utf-8-sig" if encoding.lower() == "utf-8" else encoding).encode()
    except (UnicodeError, LookupError) as error:
        raise NotXmlError(1, f"this is not text in the encoding {encoding}") from error
    # The declaration has to be the first thing in a document, and it can stand below a comment in one made by hand.
    return _DECLARATION.sub(lambda found: b"\n" * found[0].count(b"\n"), text)


def _meant_ampersands(text: bytes, findings: Findings) -> bytes:
    if not _BARE_AMPERSAND.search(text):
        return text
    parts = _CDATA.split(text)  # every second one is a CDATA section, in which an ampersand is one
    line, told = 1, 0  # where it is, and the last one that was told
    for number, part in enumerate(parts):
        seen = 0
        for bare in _BARE_AMPERSAND.finditer(part) if number % 2 == 0 else ():
            line += part.count(b"\n", seen, bare.start())
            seen = bare.start()
            if line != told:
                findings.note(line, "'&' is read as '&amp;', which is how XML writes it")
                told = line
        line += part.count(b"\n", seen)
        if number % 2 == 0:
            parts[number] = _BARE_AMPERSAND.sub(b"&amp;", part)
    return b"".join(parts)


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _without_namespaces(attributes: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in attributes.items() if ":" not in name and name != "xmlns"}
