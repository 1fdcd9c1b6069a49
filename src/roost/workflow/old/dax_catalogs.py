"""pure: the catalogs inside of a DAX: <file>, <executable> and <transformation>."""

from pathlib import PurePath

from roost.workflow.old.dax_format import DaxChecks
from roost.workflow.old.parts import Place, Replica, Transformation, name_text
from roost.workflow.old.paths import absolute
from roost.workflow.old.systems import system
from roost.workflow.old.xml_lines import Element


def replica(checks: DaxChecks, element: Element, directory: PurePath) -> Replica | None:
    """None where the element does not say where the file is: then some job makes it, or a catalog knows."""
    lfn = checks.required(element, "name")
    places = []
    for pfn in element.elements:
        if pfn.name == "pfn" and (url := checks.required(pfn, "url")):
            places.append((pfn.attributes.get("site", "local"), absolute(url, directory)))
        elif pfn.name == "profile":
            checks.note(pfn, "a profile of a file is left out: Pegasus never read it")
    metadata = checks.metadata(element)
    if lfn and metadata and not places:
        checks.note(element, f"the metadata of '{lfn}' are left out: nothing says where that file is")
    if not lfn or not places:
        return None
    return Replica(lfn=lfn, places=tuple(places), metadata=metadata, at=checks.findings.at(element.line))


def executable(checks: DaxChecks, element: Element, directory: PurePath) -> Transformation:
    of = element.attributes
    machine = system(
        *(checks.findings, element.line),
        arch=of.get("arch", ""),
        os=of.get("os", ""),
        release=of.get("osrelease", ""),
        version=of.get("osversion", ""),
        glibc=of.get("glibc", ""),
    )
    is_installed = checks.is_true(element, "installed", True)
    places = [
        Place(
            site=pfn.attributes.get("site", "local"),
            pfn=absolute(url, directory),
            is_installed=is_installed,
            system=machine,
            container=of.get("container", ""),
            profiles=checks.profiles(pfn),
        )
        for pfn in element.elements
        if pfn.name == "pfn" and (url := checks.required(pfn, "url"))
    ]
    return Transformation(
        name=checks.name(element),
        places=tuple(places),
        profiles=checks.profiles(element),
        metadata=checks.metadata(element),
        hooks=checks.hooks(element.elements),
        at=checks.findings.at(element.line),
    )


def compound(checks: DaxChecks, element: Element) -> tuple[Transformation, tuple[str, ...]]:
    """What a transformation requires: executables, and the logical names of data files."""
    name = checks.name(element)
    requires, data = [], []
    for use in element.elements:
        if use.name != "uses":
            continue
        other = checks.name(use)
        if not checks.is_true(use, "executable", True):
            data.append(other[1])
        elif other != name:
            requires.append(other)
    if data:
        files = ", ".join(f"'{lfn}'" for lfn in data)
        checks.note(
            element, f"the data files of the transformation '{name_text(name)}' ({files}) are inputs of its jobs now"
        )
    found = Transformation(
        name=name,
        requires=tuple(requires),
        profiles=checks.profiles(element),
        metadata=checks.metadata(element),
        hooks=checks.hooks(element.elements),
        at=checks.findings.at(element.line),
    )
    return found, tuple(data)
