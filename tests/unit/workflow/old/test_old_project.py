"""Profiles, properties, several files of one project, and the YAML in which they are written."""

from pathlib import PurePath

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import UsageError
from roost.workflow.mistakes import Mistakes
from roost.workflow.old import profiles, properties
from roost.workflow.old.findings import Findings
from roost.workflow.old.kinds import Kind, kind_of
from roost.workflow.old.project import Imported, OldFile, imported
from roost.workflow.old.yaml_text import yaml_text
from roost.yaml_lines import parse_yaml


@pytest.mark.parametrize(
    ("namespace", "key", "value", "today"),
    [
        ("globus", "maxwalltime", "30", {"pegasus": {"runtime": "1800"}}),
        ("globus", "count", "4", {"pegasus": {"cores": "4"}}),
        ("globus", "maxMemory", "512", {"pegasus": {"memory": "512"}}),
        ("globus", "rsl", "(project=x)", {}),
        ("globus", "queue", "normal", {}),
        ("pegasus", "queue", "normal", {}),
        ("pegasus", "collapse", "3", {"pegasus": {"clusters.size": "3"}}),
        ("pegasus", "job.runtime", "60", {"pegasus": {"runtime": "60"}}),
        ("pegasus", "style", "condor", {"pegasus": {"style": "condor"}}),
        ("pegasus", "style", "glite", {}),
        ("pegasus", "JAVA_HOME", "/opt", {}),
        ("condor", "universe", "vanilla", {"condor": {"universe": "vanilla"}}),
        ("condor", "universe", "standard", {}),
        ("condor", "grid_resource", "gt2 x", {}),
        ("condor", "should_transfer_files", "YES", {}),
        ("condor", "+ProjectName", "x", {"condor": {"+ProjectName": "x"}}),
        ("condor", "requirements", "Memory > 4 && Disk!=0", {"condor": {"requirements": "Memory > 4 && Disk!=0"}}),
        ("condor", "requirements", 'Arch == "INTEL"', {"condor": {"requirements": 'Arch == "X86_64"'}}),
        ("env", "GLOBUS_LOCATION", "/opt", {}),
        ("env", "LD_LIBRARY_PATH", "/opt/globus/lib:/opt/lib", {"env": {"LD_LIBRARY_PATH": "/opt/lib"}}),
        ("env", "JAVA_HOME", "/opt", {"env": {"JAVA_HOME": "/opt"}}),
        ("dagman", "RETRY", "3", {"dagman": {"retry": "3"}}),
        ("hints", "executionPool", "isi", {}),
        ("hints", "executionPool", "local", {"selector": {"execution.site": "local"}}),
        ("stat", "x", "1", {}),
    ],
)
def test_profiles(namespace: str, key: str, value: str, today: dict[str, dict[str, str]]) -> None:
    findings = Findings("f", Mistakes())
    found: profiles.Gathered = {}
    profiles.add(found, findings, 7, namespace, key, value)
    findings.mistakes.finish()
    assert profiles.finished(found) == today
    # What is not as it was is told, with its line.
    is_as_it_was = {name.lower() for keys in today.values() for name in keys} == {key.lower()} and value in str(today)
    assert [note.line for note in findings.notes] == ([] if is_as_it_was else [7])


def test_properties() -> None:
    text = """# ours
pegasus.catalog.site=XML
pegasus.catalog.site.file=conf/sites.xml
pegasus.catalog.replica : RLS
pegasus.data.configuration = Condor
pegasus.dir.useTimestamp true
pegasus.transfer.links = \\
   true
condor.universe = globus
globus.maxwalltime = 10
pegasus.clusters.size = 5
pegasus.rls.url = rls://x
pegasus.dashboard.output = sqlite:///x
"""
    findings = Findings("p", Mistakes())
    found = properties.read(text, findings, frozenset({"site"}))
    findings.mistakes.finish()
    assert found == (
        "pegasus.data.configuration = condorio",
        "pegasus.catalog.site.file = sites.yml",
        "pegasus.dir.useTimestamp = true",
        "pegasus.transfer.links = true",
        "pegasus.catalog.master.url = sqlite:///x",
        "pegasus.runtime = 600",
        "pegasus.clusters.size = 5",
    )
    assert sorted(note.line for note in findings.notes) == [4, 5, 9, 10, 12, 13]
    assert list(properties.named_files(text)) == [(3, "conf/sites.xml")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "\npegasus.dir.useTimestap = true",
            "2: unknown property 'pegasus.dir.useTimestap'; did you mean 'pegasus.dir.useTimestamp'?",
        ),
        ("pegasus.data.configuration = sharedfss", "did you mean 'sharedfs'?"),
        ("globus.count = many", "globus::count cannot be 'many'"),
    ],
)
def test_wrong_properties(text: str, said: str) -> None:
    findings = Findings("p", Mistakes())
    properties.read(text, findings, frozenset())
    with pytest.raises(UsageError) as caught:
        findings.mistakes.finish()
    assert said in caught.value.message


def project(**texts: str) -> Imported:
    files = [
        OldFile(name=name, path=PurePath("/p") / name, kind=kind, data=text.encode())
        for name, text in texts.items()
        if (kind := kind_of(text.encode()))
    ]
    assert len(files) == len(texts)
    return imported(files, to=PurePath("/new"))


def read_back(result: Imported, name: str) -> object:
    return parse_yaml(next(file.text for file in result.files if file.name == name), name).value


def test_workflows_inside_of_workflows() -> None:
    outer = """<adag name="outer"><file name="inner.dax"><pfn url="file:///p/sub.dax" site="local"/></file>
    <dax id="a" file="inner.dax"/></adag>"""
    result = project(outer=outer, **{"sub.dax": '<adag name="inner"><job id="b" name="t"/></adag>'})
    assert [file.name for file in result.files] == ["workflow.yml", "sub.yml", "replicas.yml", "pegasus.properties"]
    assert read_back(result, "workflow.yml")["jobs"][0]["file"] == "sub.yml"  # type: ignore[index]
    assert read_back(result, "replicas.yml")["replicas"] == [  # type: ignore[index]
        {"lfn": "sub.yml", "pfns": [{"site": "local", "pfn": "/new/sub.yml"}]}
    ]


def test_inner_workflow_that_is_not_there_is_told() -> None:
    result = project(outer='<adag name="outer">\n<dax id="a" file="inner.dax"/></adag>')
    assert "outer:2: the inner workflow 'inner.dax' is not among the files" in str(result.notes[0])


def test_what_a_workflow_says_itself_wins() -> None:
    dax = """<adag name="w"><executable name="t" installed="true"><pfn url="/new/t" site="isi"/></executable>
    <transformation name="t"><uses name="f" executable="false"/></transformation><job id="a" name="t"/></adag>"""
    result = project(dax=dax, tc='tr t { site isi { pfn "/old/t" } site other { pfn "/other/t" } }')
    (one,) = read_back(result, "transformations.yml")["transformations"]  # type: ignore[index]
    assert [(place["name"], place["pfn"]) for place in one["sites"]] == [("isi", "/new/t"), ("other", "/other/t")]
    assert read_back(result, "workflow.yml")["jobs"][0]["uses"] == [{"lfn": "f", "type": "input"}]  # type: ignore[index]
    assert "dax:1: 't' at 'isi' is /new/t now, not /old/t (tc:1)" in [str(note) for note in result.notes]


def test_mistakes_of_all_files_at_once() -> None:
    with pytest.raises(UsageError) as caught:
        project(dax='<adag name="w">', rc='"f.a /x', tc="tr a {\n sight")
    assert [line.partition(":")[0] for line in caught.value.message.splitlines()] == ["rc", "tc", "dax"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- <site> --><adag>", Kind.DAX),
        (b"  <p:sitecatalog>", Kind.SITES),
        (b"<html>", None),
        (b"# c\ntr a::b:1.0 {", Kind.TC_TEXT),
        (b"cont c{\n", Kind.TC_TEXT),
        (b"isi a::b /x INSTALLED null null", Kind.TC_COLUMNS),
        (b"f.a file:///x site=local", Kind.REPLICAS),
        (b'"f a" x', Kind.REPLICAS),
        (b"pegasus.dir.storage.deep true", Kind.PROPERTIES),
        (b"dagman.retry=3", Kind.PROPERTIES),
        (b"# only a comment\n", None),
        (b"\x00\x01\xff", None),
    ],
)
def test_kinds(text: bytes, kind: Kind | None) -> None:
    assert kind_of(text) is kind


WORDS = st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(
    ["yes", "No", "null", "~", "1", "1e5", "0x1", "1:30", "-", "- a", "a: b", "#", "=", "<<"]
)
VALUES = st.recursive(
    WORDS | st.booleans(),
    lambda inner: (
        st.lists(WORDS, max_size=3)
        | st.dictionaries(WORDS, inner, max_size=3)
        | st.lists(st.dictionaries(WORDS, inner, min_size=1, max_size=3), max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(WORDS, VALUES, min_size=1, max_size=4))
def test_any_value_is_read_back(value: dict[str, object]) -> None:
    assert yaml.safe_load(yaml_text(value)) == value
