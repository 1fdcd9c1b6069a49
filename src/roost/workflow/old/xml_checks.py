"""pure: which elements and attributes an XML format has; what is not among them is a mistake with the nearest word."""

from collections.abc import Mapping

from roost.workflow.old import profiles
from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Profiles
from roost.workflow.old.xml_lines import Element
from roost.yaml_lines import did_you_mean

Words = tuple[str, ...]
Format = Mapping[str, tuple[Words, Words]]  # element: (its attributes, the elements in it)


class Checks:
    """The mistakes of one file's elements; what is asked for and wrong is answered by a harmless value."""

    def __init__(self, findings: Findings, known: Format) -> None:
        self.findings = findings
        self._known = known

    def element(self, element: Element) -> None:
        """Everything in `element`, all mistakes at once."""
        attributes, inside = self._known[element.name]
        self.attributes(element, attributes)
        for child in element.elements:
            if self.is_one_of(child, inside, around=element):
                self.element(child)

    def is_one_of(self, element: Element, valid: Words, *, around: Element | None = None) -> bool:
        if element.name in valid:
            return True
        where = f" in <{around.name}>" if around else ""
        self.wrong(element, f"unknown element <{element.name}>{where}{did_you_mean(element.name, sorted(valid))}")
        return False

    def attributes(self, element: Element, valid: Words) -> None:
        for word in element.attributes:
            if word not in valid:
                self.wrong(
                    element, f"unknown attribute '{word}' of <{element.name}>{did_you_mean(word, sorted(valid))}"
                )

    def required(self, element: Element, word: str) -> str:
        if not (value := element.attributes.get(word, "")):
            self.wrong(element, f"<{element.name}> has no '{word}'")
        return value

    def is_true(self, element: Element, word: str, default: bool) -> bool:
        value = element.attributes.get(word, "").lower()
        if not value or not self.findings.choice(element.line, f"'{word}'", value, ("true", "false", "1", "0")):
            return default
        return value in ("true", "1")

    def profiles(self, element: Element) -> Profiles:
        """The <profile> elements right inside of `element`."""
        found: profiles.Gathered = {}
        for one in element.elements:
            if one.name == "profile":
                namespace, key = self.required(one, "namespace"), self.required(one, "key")
                if namespace and key:
                    profiles.add(found, self.findings, one.line, namespace, key, one.text)
        return profiles.finished(found)

    def wrong(self, element: Element, said: str) -> None:
        self.findings.wrong(element.line, said)

    def note(self, element: Element, said: str) -> None:
        self.findings.note(element.line, said)
