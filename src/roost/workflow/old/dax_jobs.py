"""pure: <job>, <dax> and <dag> of a DAX -> Job. Defaults as in Pegasus' DAXParser3."""

from collections.abc import Iterator

from roost.workflow.old.dax_format import STREAMS, DaxChecks
from roost.workflow.old.parts import Job, NameParts, Use
from roost.workflow.old.xml_lines import Element

_KINDS = {"job": "job", "dax": "pegasusWorkflow", "dag": "condorWorkflow"}
_LINKS = ("input", "output", "inout", "checkpoint", "none")
_TRANSFERS = ("true", "false", "optional")


def job(checks: DaxChecks, element: Element) -> Job:
    is_job = element.name == "job"
    name = checks.name(element) if is_job else ("", "", "")
    executables: list[NameParts] = []
    return Job(
        id=checks.required(element, "id"),
        kind=_KINDS[element.name],
        name=name,
        file="" if is_job else checks.required(element, "file"),
        label=element.attributes.get("node-label", ""),
        arguments=tuple(word for one in element.elements if one.name == "argument" for word in _words(one)),
        streams={one.name: checks.name(one)[1] for one in element.elements if one.name in STREAMS},
        uses=tuple(_uses(checks, element, executables)),
        executables=tuple(other for other in executables if other != name),
        profiles=checks.profiles(element),
        metadata=checks.metadata(element),
        hooks=checks.hooks(element.elements),
        at=checks.findings.at(element.line),
    )


def _uses(checks: DaxChecks, element: Element, executables: list[NameParts]) -> Iterator[Use]:
    """The files; what are executables is added to `executables`."""
    for one in element.elements:
        if one.name != "uses":
            continue
        of = one.attributes
        name = checks.name(one)
        if checks.is_true(one, "executable", of.get("type", "data") == "executable"):
            executables.append(name)
            continue
        lfn = name[1]
        link = of.get("link", "none").lower()
        if not lfn or not checks.findings.choice(one.line, "'link'", link, _LINKS):
            continue
        if link == "none":
            checks.note(one, f"the use of '{lfn}' is left out: without a link (input, output) it has no effect")
            continue
        yield _use(checks, one, lfn, link)


def _use(checks: DaxChecks, one: Element, lfn: str, link: str) -> Use:
    of = one.attributes
    default = "false" if of.get("dontTransfer") == "true" else "true"
    transfer = of.get("transfer", default).lower()
    if not checks.findings.choice(one.line, "'transfer'", transfer, _TRANSFERS):
        transfer = default
    return Use(
        lfn=lfn,
        link=link,
        stage_out=transfer != "false",
        register=checks.is_true(one, "register", of.get("dontRegister") != "true"),
        is_optional=checks.is_true(one, "optional", False) or transfer == "optional",
        size=of.get("size", ""),
        metadata=checks.metadata(one),
    )


def _words(argument: Element) -> Iterator[str]:
    """The words of a command line whose text is interrupted by files. A shell's quotes keep a word together, as in 5.

    >>> list(_words(Element("argument", {}, 1, ["-i ", Element("file", {"name": "f.a"}, 1), " -m 'a b' --o=", \\
    ...     Element("file", {"name": "o p"}, 1)])))
    ['-i', 'f.a', '-m', "'a b'", '--o=o p']
    """
    word, quote, is_escaped = "", "", False
    for part in argument.parts:
        if isinstance(part, Element):
            word += part.attributes.get("name") or part.attributes.get("file", "")
            continue
        for letter in part:
            if letter.isspace() and not quote and not is_escaped:
                if word:
                    yield word
                word = ""
                continue
            if is_escaped:
                is_escaped = False
            elif letter == "\\" and quote != "'":
                is_escaped = True
            elif letter in "'\"" and quote in ("", letter):
                quote = "" if quote else letter
            word += letter
    if word:
        yield word
