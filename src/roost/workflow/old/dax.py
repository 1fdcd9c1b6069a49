"""pure: a DAX, the abstract workflow of Pegasus 1 to 4 (XML, versions 1.8 to 3.6) -> AbstractWorkflow."""

import re
from collections.abc import Iterator
from pathlib import PurePath

from roost.workflow.old.dax_catalogs import compound, executable, replica
from roost.workflow.old.dax_format import DaxChecks
from roost.workflow.old.dax_jobs import job
from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import AbstractWorkflow, Hook, Job, NameParts, Replica, Transformation
from roost.workflow.old.xml_lines import Element, NotXmlError, below_root
from roost.yaml_lines import did_you_mean

_ROOT = ("name", "version", "index", "count", "jobCount", "fileCount", "childCount", "schemaLocation")
_TOP = ("file", "filename", "executable", "transformation", "job", "dax", "dag", "child", "metadata", "invoke")
_VERSIONS = re.compile(r"1\.\d+|2\.[01]|3\.[0-6]|0\.0\.0|-")
_MOST_COMPARED = 2000  # of ids with which a wrong one is compared


def read(data: bytes, findings: Findings, directory: PurePath) -> AbstractWorkflow:
    """The workflow; what is wrong or has gone is in `findings`. Relative paths begin at `directory`."""
    reading = _Reading(findings, directory)
    try:
        reading.read(below_root(data, findings))
    except NotXmlError as error:
        findings.wrong(error.line, error.said)
    return reading.workflow()


class _Reading:
    def __init__(self, findings: Findings, directory: PurePath) -> None:
        self._findings = findings
        self._checks = DaxChecks(findings)
        self._directory = directory
        self._name = ""
        self._jobs: dict[str, Job] = {}
        self._children: dict[str, dict[str, None]] = {}
        self._edges: list[tuple[str, str, int]] = []
        self._replicas: list[Replica] = []
        self._transformations: list[Transformation] = []
        self._data_of: dict[NameParts, tuple[str, ...]] = {}
        self._metadata: dict[str, str] = {}
        self._hooks: list[Hook] = []

    def read(self, elements: Iterator[Element]) -> None:
        root = next(elements)
        self._root(root)
        for element in elements:
            if self._checks.is_one_of(element, _TOP, around=root):
                self._checks.element(element)
                self._top(element)
        if not self._jobs:
            self._checks.wrong(root, "a workflow without jobs")
        self._check_edges()
        self._check_inputs()

    def workflow(self) -> AbstractWorkflow:
        return AbstractWorkflow(
            name=self._name,
            jobs=tuple(self._jobs.values()),
            children={parent: tuple(children) for parent, children in self._children.items()},
            replicas=tuple(self._replicas),
            transformations=tuple(self._transformations),
            data_of=self._data_of,
            metadata=self._metadata,
            hooks=tuple(self._hooks),
        )

    def _root(self, root: Element) -> None:
        if root.name != "adag":
            self._checks.wrong(root, f"<{root.name}> is no workflow: a DAX begins with <adag>")
            return
        self._checks.attributes(root, _ROOT)
        version = root.attributes.get("version", "")
        if version and not _VERSIONS.fullmatch(version):
            self._checks.wrong(root, f"a DAX of version '{version}' is not known: it is one of 1.8 to 3.6")
        if (count := root.attributes.get("count", "1")) not in ("", "0", "1"):
            self._checks.note(root, f"this is one of {count} workflows of that name: each is imported by itself")
        self._name = self._checks.required(root, "name")

    def _top(self, element: Element) -> None:
        match element.name:
            case "file":
                found = replica(self._checks, element, self._directory)
                self._replicas += [found] if found else []
            case "executable":
                self._transformations.append(executable(self._checks, element, self._directory))
            case "transformation":
                one, data = compound(self._checks, element)
                self._transformations.append(one)
                self._data_of[one.name] = data
            case "job" | "dax" | "dag":
                self._job(element)
            case "child":
                self._child(element)
            case "metadata":
                self._metadata[self._checks.required(element, "key")] = element.text
            case "invoke":
                self._hooks += self._checks.hooks([element])
            case _:
                pass  # <filename> of DAX 2: a list of files that the jobs name again

    def _job(self, element: Element) -> None:
        found = job(self._checks, element)
        known = self._jobs.setdefault(found.id, found)
        if found.id and known is not found:
            self._checks.wrong(element, f"the id '{found.id}' is there twice; it is also at {known.at}")

    def _child(self, element: Element) -> None:
        child = self._checks.required(element, "ref")
        for one in element.elements:
            if one.name == "parent" and (parent := self._checks.required(one, "ref")) and child:
                self._edges.append((parent, child, one.line))

    def _check_edges(self) -> None:
        ids = list(self._jobs)[:_MOST_COMPARED]
        for parent, child, line in self._edges:
            for word in (parent, child):
                if word not in self._jobs:
                    self._findings.wrong(line, f"there is no job with the id '{word}'{did_you_mean(word, ids)}")
            self._children.setdefault(parent, {})[child] = None

    def _check_inputs(self) -> None:
        """What was said to be at the site already is sent: nothing is there on new machines."""
        made = {use.lfn for one in self._jobs.values() for use in one.uses if use.link != "input"}
        told = set[str]()
        for one in self._jobs.values():
            for use in one.uses:
                if use.link == "input" and not use.stage_out and use.lfn not in made and use.lfn not in told:
                    told.add(use.lfn)
                    said = (
                        f"the input '{use.lfn}' is transferred, in spite of transfer=\"false\": no file is there before"
                    )
                    self._findings.note(int(one.at.rpartition(":")[2]), said)
