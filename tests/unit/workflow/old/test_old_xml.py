"""XML of old: lines, what people forget, and what is refused."""

from pathlib import Path, PurePath

import pytest

from roost.errors import UsageError
from roost.workflow.mistakes import Mistakes
from roost.workflow.old import dax, sites_xml
from roost.workflow.old.findings import Findings, Note
from roost.workflow.old.parts import Site
from roost.workflow.old.xml_lines import NotXmlError, below_root

DATA = Path(__file__).with_name("data")


def told(notes: list[Note]) -> list[str]:
    return [f"{note.line}: {note.said}" for note in notes]


def sites(data: bytes) -> tuple[tuple[Site, ...], Findings]:
    findings = Findings("sites.xml", Mistakes())
    return sites_xml.read(data, findings), findings


def test_the_tutorial_s_site_word_for_word() -> None:
    (site,), findings = sites((DATA / "tutorial-ec2.xml").read_bytes())
    assert findings.mistakes.count == 0
    assert (site.name, site.system.arch, site.system.os) == ("ec2", "x86_64", "linux")
    assert site.profiles == {
        "pegasus": {"stagein.clusters": "1", "stageout.clusters": "1", "style": "condor"},
        "condor": {"universe": "vanilla"},
    }
    assert site.directories == ()
    assert site.grids == ()
    # Each of its 14 lines is either in the site, or told.
    assert [note.line for note in findings.notes] == [10, 1, 11, 12, 13, 14, 2, 3, 4, 5, 6, 7, 8, 10]
    assert told(findings.notes)[:2] == [
        "10: '&' is read as '&amp;', which is how XML writes it",
        "1: <site> has no end: read as if it ended with the file",
    ]


def test_directories_of_three_versions() -> None:
    of_4 = b"""<sitecatalog version="4.0"><site handle="s"><directory type="shared-scratch" path="/work">
    <file-server operation="all" url="gsiftp://h/work"/></directory></site></sitecatalog>"""
    of_3 = b"""<sitecatalog version="3.0"><site handle="s"><head-fs><scratch><shared>
    <file-server protocol="gsiftp" url="gsiftp://h" mount-point="/work"/><internal-mount-point mount-point="/work"/>
    </shared></scratch></head-fs></site></sitecatalog>"""
    of_2 = b"""<sitecatalog version="2.0"><site handle="s"><gridftp url="gsiftp://h" storage="/" major="4" minor="0"/>
    <workdirectory>/work</workdirectory></site></sitecatalog>"""
    (directory,), *others = (sites(data)[0][0].directories for data in (of_4, of_3, of_2))
    assert others == [(directory,), (directory,)]
    assert (directory.kind, directory.path) == ("sharedScratch", "/work")
    assert [server.url for server in directory.servers] == ["gsiftp://h/work"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            '<sitecatalog>\n<site handel="x"/></sitecatalog>',
            "2: unknown attribute 'handel' of <site>; did you mean 'handle'?",
        ),
        ("<sitecatalog>\n<sight/></sitecatalog>", "2: unknown element <sight> in <sitecatalog>; did you mean 'site'?"),
        (
            '<sitecatalog><site\nhandle="x" arch="x86-64"/></sitecatalog>',
            "1: arch cannot be 'x86-64'; did you mean 'x86_64'?",
        ),
        ('<site handle="x"><profile namespace="envy" key="a">1</profile></site>', "did you mean 'env'?"),
        (
            '<site handle="x">\n<directory type="shared-scrach" path="/"/></site>',
            "2: 'type' cannot be 'shared-scrach'; did",
        ),
        ('<sitecatalog><site handle="x"/>\n<site handle="x"/></sitecatalog>', "2: the site 'x' is there twice"),
        (
            '<site handle="x"><profile namespace="globus" key="count">many</profile></site>',
            "globus::count cannot be 'many'",
        ),
        ("<sitecatalog>\n<site></sitecatalog>", "2: this is not XML: mismatched tag inside of <site> of line 2"),
    ],
)
def test_mistakes(text: str, said: str) -> None:
    _, findings = sites(text.encode())
    with pytest.raises(UsageError) as caught:
        findings.mistakes.finish()
    assert said in str(caught.value)


def test_all_mistakes_at_once() -> None:
    _, findings = sites(b'<sitecatalog>\n<site handel="x" arch="x87"/>\n<sight/>\n</sitecatalog>')
    assert findings.mistakes.count == 4  # handel, no handle, arch, sight


@pytest.mark.parametrize(
    "text",
    [
        b'<!DOCTYPE a [<!ENTITY l "lol"><!ENTITY m "&l;&l;&l;">]><adag name="x"><invoke when="all">&m;</invoke></adag>',
        b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><adag name="x"><metadata key="k">&f;</metadata></adag>',
    ],
)
def test_entities_are_refused(text: bytes) -> None:
    with pytest.raises(NotXmlError, match="is not read"):
        list(below_root(text, Findings("f", Mistakes())))


def test_depth_is_limited() -> None:
    with pytest.raises(NotXmlError, match="more than 50 elements"):
        list(below_root(b"<a>" * 60, Findings("f", Mistakes())))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-1"])
def test_encodings(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n<adag name="x">\n<metadata key="who">Zoë</metadata></adag>'
    (_, element) = below_root(text.encode(encoding), Findings("f", Mistakes()))
    assert (element.text, element.line) == ("Zoë", 3)


def test_ampersand_in_cdata_is_one() -> None:
    findings = Findings("f", Mistakes())
    text = b"<a><b><![CDATA[x && y]]></b>\n<b>x && y</b></a>"
    _, first, second = below_root(text, findings)
    assert (first.text, second.text) == ("x && y", "x && y")
    assert told(findings.notes) == ["2: '&' is read as '&amp;', which is how XML writes it"]


def test_jobs() -> None:
    text = b"""<adag version="3.6" name="w">
<file name="f.a"><metadata key="size">10</metadata><pfn url="gsiftp://h/f.a" site="isi"/></file>
<executable name="t" namespace="n" version="1.0" installed="false" arch="x86"><pfn url="bin/t" site="local">
  <profile namespace="env" key="A">1</profile></pfn></executable>
<transformation name="t" namespace="n" version="1.0">
  <uses name="data" executable="false"/><uses name="u"/></transformation>
<job id="a" name="t" namespace="n" version="1.0" node-label="first">
  <argument>--in=<file name="f.a"/> "two  words"
   -x</argument>
  <stdin name="f.a"/><stdout name="out" link="output"/>
  <uses name="f.a" link="input"/><uses name="cp" link="checkpoint"/><uses name="out" link="output" transfer="optional"/>
  <uses name="u" executable="true"/>
  <invoke when="at_end">mail me</invoke><metadata key="k">v</metadata>
</job>
<dax id="b" file="inner.dax"><argument>--force</argument></dax>
<child ref="b"><parent ref="a"/></child>
</adag>"""
    findings = Findings("w.dax", Mistakes())
    found = dax.read(text, findings, PurePath("/p"))
    findings.mistakes.finish()
    first, inner = found.jobs
    assert first.name == ("n", "t", "1.0")
    assert first.arguments == ("--in=f.a", '"two  words"', "-x")
    assert first.streams == {"stdin": "f.a", "stdout": "out"}
    assert [(use.lfn, use.link, use.is_optional) for use in first.uses] == [
        ("f.a", "input", False),
        ("cp", "checkpoint", False),
        ("out", "output", True),
    ]
    assert first.executables == (("", "u", ""),)
    assert [(hook.on, hook.command) for hook in first.hooks] == [("end", "mail me")]
    assert (first.metadata, first.label, first.at) == ({"k": "v"}, "first", "w.dax:7")
    assert (inner.kind, inner.file, inner.arguments) == ("pegasusWorkflow", "inner.dax", ("--force",))
    assert found.children == {"a": ("b",)}
    assert found.replicas[0].places == (("isi", "gsiftp://h/f.a"),)
    executable, compound = found.transformations
    assert (executable.places[0].pfn, executable.places[0].is_installed) == ("/p/bin/t", False)
    assert compound.requires == (("", "u", ""),)
    assert found.data_of == {("n", "t", "1.0"): ("data",)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('<adag name="w">\n</adag>', "1: a workflow without jobs"),
        ('<adag name="w" version="4.0"><job id="a" name="t"/></adag>', "a DAX of version '4.0' is not known"),
        (
            '<adag name="w"><job id="a" name="t"/>\n<job id="a" name="t"/></adag>',
            "2: the id 'a' is there twice; it is also at f:1",
        ),
        (
            '<adag name="w"><job id="ID1" name="t"/><child ref="ID1">\n<parent ref="ID2"/></child></adag>',
            "2: there is no job with the id 'ID2'; did you mean 'ID1'?",
        ),
        (
            '<adag name="w"><job id="a" name="t"><uses name="x" link="inputt"/></job></adag>',
            "'link' cannot be 'inputt'; did you mean 'input'?",
        ),
        (
            '<adag name="w"><job id="a" name="t"><use name="x"/></job></adag>',
            "unknown element <use> in <job>; did you mean 'uses'?",
        ),
        ('<adag name="w"><job id="a"/></adag>', "<job> has no 'name'"),
        (
            '<adag name="w"><job id="a" name="t"><invoke when="on_end">x</invoke></job></adag>',
            "'when' cannot be 'on_end'; did",
        ),
        ("<html/>", "1: <html> is no workflow"),
        ("", "1: this is not XML: no element found"),
    ],
)
def test_mistakes_of_a_dax(text: str, said: str) -> None:
    findings = Findings("f", Mistakes())
    dax.read(text.encode(), findings, PurePath("/p"))
    with pytest.raises(UsageError) as caught:
        findings.mistakes.finish()
    assert said in str(caught.value)
