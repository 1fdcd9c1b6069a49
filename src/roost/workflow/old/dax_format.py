"""pure: the elements and attributes of a DAX (versions 1.8 to 3.6), and what several of them have in common.

Pegasus' schemas `dax-3.6.xsd` and `dax-2.1.xsd`; what VDL wrote besides is known, and has no effect.
"""

from collections.abc import Iterable

from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Hook, NameParts
from roost.workflow.old.xml_checks import Checks, Format
from roost.workflow.old.xml_lines import Element

_NAME = ("name", "namespace", "version")
_USES = (
    "link",
    "optional",
    "register",
    "transfer",
    "size",
    "executable",
    "type",
    "file",
    "dontRegister",
    "dontTransfer",
    "temporaryHint",
)
STREAMS = ("stdin", "stdout", "stderr")
_IN_JOB = ("argument", "profile", "metadata", *STREAMS, "uses", "invoke")
_OF_VDL = ("level", "dv-name", "dv-namespace", "dv-version", "compound")  # DAX 2: provenance, without effect
_KNOWN: Format = {
    "file": (("name", "link", "optional"), ("profile", "metadata", "pfn")),
    "executable": (
        (*_NAME, "installed", "arch", "os", "osrelease", "osversion", "glibc", "container"),
        ("profile", "metadata", "pfn", "invoke"),
    ),
    "transformation": (_NAME, ("uses", "metadata", "invoke", "profile")),
    "job": (
        (*_NAME, "id", "node-label", *_OF_VDL),
        _IN_JOB,
    ),
    "dax": (("id", "file", "name", "node-label"), _IN_JOB),
    "dag": (("id", "file", "name", "node-label"), _IN_JOB),
    "child": (("ref",), ("parent",)),
    "parent": (("ref", "edge-label"), ()),
    "metadata": (("key", "type", "namespace"), ()),
    "invoke": (("when",), ()),
    "profile": (("namespace", "key", "origin"), ()),
    "pfn": (("url", "site"), ("profile",)),
    "argument": ((), ("file", "filename")),
    "uses": ((*_NAME, *_USES), ("metadata", "profile")),
    **dict.fromkeys(STREAMS, (("name", "file", "link", *_USES[1:5], "varname"), ())),
    "filename": (("file", "link", *_USES[1:4]), ()),
}
_EVENTS = {
    "never": "never",
    "start": "start",
    "on_error": "error",
    "on_success": "success",
    "at_end": "end",
    "all": "all",
}


class DaxChecks(Checks):
    """Checks, and the parts that elements of a DAX share."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(findings, _KNOWN)

    def name(self, element: Element) -> NameParts:
        of = element.attributes
        return of.get("namespace", ""), of.get("file") or self.required(element, "name"), of.get("version", "")

    def metadata(self, element: Element) -> dict[str, str]:
        return {self.required(one, "key"): one.text for one in element.elements if one.name == "metadata"}

    def hooks(self, elements: Iterable[Element]) -> tuple[Hook, ...]:
        found = []
        for one in elements:
            if one.name != "invoke":
                continue
            when = self.required(one, "when")
            if when and self.findings.choice(one.line, "'when'", when, _EVENTS):
                found.append(Hook(on=_EVENTS[when], command=one.text))
        return tuple(found)
