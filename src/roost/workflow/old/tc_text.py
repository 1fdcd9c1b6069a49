"""pure: the text of a transformation catalog of Pegasus 3 and 4 (`tr ns::name:ver { site x { ... } }`) -> its entries.

After Pegasus' `TransformationCatalogTextScanner.java` and `-Parser.java`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePath

from roost.workflow.old import profiles as profile
from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Container, NameParts, Place, Transformation
from roost.workflow.old.paths import absolute
from roost.workflow.old.systems import system
from roost.yaml_lines import did_you_mean

_TOKEN = re.compile(
    r'(?P<space>\s+)|(?P<comment>#[^\n]*)|(?P<brace>[{}])|"(?P<text>(?:[^"\\\n]|\\.)*)"|(?P<word>[^\s{}"#]+)'
)
_ESCAPE = re.compile(r"\\(.)")
_IN_SITE = ("pfn", "arch", "os", "osrelease", "osversion", "type", "profile", "metadata", "container")
_IN_CONTAINER = ("type", "image", "image_site", "dockerfile", "mount", "profile")
_TYPES = {"INSTALLED": True, "STAGEABLE": False, "STATIC_BINARY": False}
_CONTAINERS = ("docker", "singularity", "shifter")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # brace | text | word | end
    value: str
    line: int


@dataclass(slots=True)
class _Block:
    """What stands between braces: words with their values, profiles, metadata."""

    line: int
    values: dict[str, _Token] = field(default_factory=dict)
    mounts: list[str] = field(default_factory=list)
    profiles: profile.Gathered = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)

    def of(self, word: str) -> str:
        return self.values[word].value if word in self.values else ""


class _NotUnderstoodError(Exception):
    """The text is not in the format from here on: `line` and `said`."""

    def __init__(self, token: _Token, said: str) -> None:
        super().__init__(said)
        self.line = token.line
        self.said = said


def read(
    text: str, findings: Findings, directory: PurePath
) -> tuple[tuple[Transformation, ...], tuple[Container, ...]]:
    """The transformations and containers; what is wrong or has gone is in `findings`."""
    reading = _Reading(findings, directory)
    try:
        reading.catalog(text)
    except _NotUnderstoodError as error:
        findings.wrong(error.line, error.said)
    return tuple(reading.transformations), tuple(reading.containers)


def parsed_name(text: str) -> NameParts:
    """
    >>> parsed_name("diamond::findrange:2.0"), parsed_name("sort"), parsed_name("a::b")
    (('diamond', 'findrange', '2.0'), ('', 'sort', ''), ('a', 'b', ''))
    """
    namespace, separator, rest = text.partition("::")
    if not separator:
        namespace, rest = "", text
    name, _, version = rest.partition(":")
    return namespace, name, version


class _Reading:
    def __init__(self, findings: Findings, directory: PurePath) -> None:
        self.findings = findings
        self.directory = directory
        self.transformations: list[Transformation] = []
        self.containers: list[Container] = []
        self._tokens: Iterator[_Token] = iter(())
        self._next = _Token("end", "", 1)

    def catalog(self, text: str) -> None:
        self._tokens = _tokens(text)
        self._next = next(self._tokens)
        while self._next.kind != "end":
            opening = self._take()
            match opening.value.lower() if opening.kind == "word" else "":
                case "tr":
                    self._transformation(opening)
                case "cont":
                    self._container(opening)
                case _:
                    words = did_you_mean(opening.value, ("tr", "cont"))
                    raise _NotUnderstoodError(opening, f"'tr' or 'cont' has to be here, not '{opening.value}'{words}")

    def _transformation(self, opening: _Token) -> None:
        name = self._name("tr")
        shared = _Block(opening.line)
        places = []
        while not self._is_brace("}"):
            word = self._take()
            if word.kind == "word" and word.value.lower() in ("profile", "metadata"):
                self._keyed(word, shared)
            elif word.kind == "word" and word.value.lower() == "site":
                places.append(self._place(word))
            else:
                words = did_you_mean(word.value, ("site", "profile", "metadata"))
                raise _NotUnderstoodError(word, f"unknown word '{word.value}' in 'tr {name.value}'{words}")
        self._take()
        if not places:
            self.findings.wrong(opening.line, f"the transformation '{name.value}' has no site")
        self.transformations.append(
            Transformation(
                name=parsed_name(name.value),
                places=tuple(place for place in places if place),
                profiles=profile.finished(shared.profiles),
                metadata=shared.metadata,
                at=self.findings.at(opening.line),
            )
        )

    def _place(self, opening: _Token) -> Place | None:
        site = self._name("site").value
        block = self._block(opening, _IN_SITE)
        kind = block.values.get("type")
        if not block.of("pfn"):
            self.findings.wrong(opening.line, f"the site '{site}' has no pfn: nothing says where the program is")
            return None
        if kind and not self.findings.choice(kind.line, "'type'", kind.value.upper(), _TYPES):
            return None
        return Place(
            site=site,
            pfn=absolute(block.of("pfn"), self.directory),
            is_installed=_TYPES[kind.value.upper()] if kind else True,
            system=system(
                *(self.findings, opening.line),
                arch=block.of("arch"),
                os=block.of("os"),
                release=block.of("osrelease"),
                version=block.of("osversion"),
            ),
            container=block.of("container"),
            profiles=profile.finished(block.profiles),
            metadata=block.metadata,
        )

    def _container(self, opening: _Token) -> None:
        name = self._name("cont")
        block = self._block(opening, _IN_CONTAINER)
        kind = block.values.get("type")
        is_known = kind is not None and self.findings.choice(kind.line, "'type'", kind.value.lower(), _CONTAINERS)
        for word in ("type", "image"):
            if not block.of(word):
                self.findings.wrong(opening.line, f"the container '{name.value}' has no {word}")
        if file := block.of("dockerfile"):
            self.findings.note(opening.line, f"the dockerfile '{file}' is left out: Pegasus 5 starts from an image")
        if kind is not None and is_known and block.of("image"):
            self.containers.append(
                Container(
                    name=name.value,
                    kind=kind.value.lower(),
                    image=block.of("image"),
                    image_site=block.of("image_site"),
                    mounts=tuple(block.mounts),
                    profiles=profile.finished(block.profiles),
                    at=self.findings.at(opening.line),
                )
            )

    def _block(self, opening: _Token, known: tuple[str, ...]) -> _Block:
        block = _Block(opening.line)
        while not self._is_brace("}"):
            word = self._take()
            lower = word.value.lower()
            if word.kind != "word" or lower not in known:
                said = f"unknown word '{word.value}' in '{opening.value}'{did_you_mean(lower, known)}"
                raise _NotUnderstoodError(word, said)
            if lower in ("profile", "metadata"):
                self._keyed(word, block)
                continue
            value = self._text(word)
            if lower == "mount":
                block.mounts.append(value.value)
            elif lower in block.values:
                self.findings.wrong(
                    word.line, f"'{word.value}' is there twice; it is also on line {block.values[lower].line}"
                )
            else:
                block.values[lower] = value
        self._take()
        return block

    def _keyed(self, word: _Token, block: _Block) -> None:
        """`profile namespace "key" "value"` or `metadata "key" "value"`."""
        if word.value.lower() == "metadata":
            key = self._text(word)
            block.metadata[key.value] = self._text(word).value
            return
        namespace = self._take()
        if namespace.kind != "word":
            raise _NotUnderstoodError(namespace, 'a profile begins with its namespace: profile env "KEY" "value"')
        key, value = self._text(word), self._text(word)
        if namespace.value.lower() == "metadata":
            block.metadata[key.value] = value.value
        else:
            profile.add(block.profiles, self.findings, word.line, namespace.value, key.value, value.value)

    def _name(self, after: str) -> _Token:
        name = self._take()
        if name.kind == "brace" or name.kind == "end" or not name.value:
            raise _NotUnderstoodError(name, f"a name has to follow '{after}'")
        if not self._is_brace("{"):
            raise _NotUnderstoodError(
                self._next, f"'{{' has to follow '{after} {name.value}', not '{self._next.value}'"
            )
        self._take()
        return name

    def _text(self, word: _Token) -> _Token:
        token = self._take()
        if token.kind != "text":
            raise _NotUnderstoodError(token, f"what follows '{word.value}' stands in quotes, unlike '{token.value}'")
        return token

    def _is_brace(self, brace: str) -> bool:
        if self._next.kind == "end" and brace == "}":
            raise _NotUnderstoodError(self._next, "a '}' is missing at the end")
        return self._next.kind == "brace" and self._next.value == brace

    def _take(self) -> _Token:
        token = self._next
        if token.kind != "end":
            self._next = next(self._tokens)
        return token


def _tokens(text: str) -> Iterator[_Token]:
    position, line = 0, 1
    while position < len(text):
        found = _TOKEN.match(text, position)
        if found is None:
            raise _NotUnderstoodError(_Token("end", "", line), "a quote is not closed on its line")
        if found["text"] is not None:
            yield _Token("text", _ESCAPE.sub(r"\1", found["text"]), line)
        elif found["brace"] or found["word"]:
            yield _Token("brace" if found["brace"] else "word", found[0], line)
        line += found[0].count("\n")
        position = found.end()
    yield _Token("end", "the end of the file", line)
