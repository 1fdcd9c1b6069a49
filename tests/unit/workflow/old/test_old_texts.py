"""The catalogs in text: what people wrote, and whatever can be written."""

import shlex
from pathlib import PurePath
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import UsageError
from roost.workflow.mistakes import Mistakes
from roost.workflow.old import dax, rc_text, tc_columns, tc_text
from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Place, System

HERE = PurePath("/p")
TEXT = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\x85"), min_size=1)
WORD = st.from_regex(r"[A-Za-z][A-Za-z0-9_.-]{0,8}", fullmatch=True)


def quoted(text: str) -> str:
    """As Pegasus writes it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def said_of(findings: Findings) -> str:
    with pytest.raises(UsageError) as caught:
        findings.mistakes.finish()
    return caught.value.message


# Replica catalogs


@pytest.mark.parametrize(
    ("text", "lfn", "places"),
    [
        ('f.a file:///data/f.a site="local"', "f.a", (("local", "file:///data/f.a"),)),
        ("f.a gsiftp://h/f.a pool=isi", "f.a", (("isi", "gsiftp://h/f.a"),)),
        ('"a b" "/d/a b" site="local"', "a b", (("local", "/d/a b"),)),
        ('"a\\"b\\\\" /x site="local"', 'a"b\\', (("local", "/x"),)),
        ("\tf.a   input/f.a\tsite=local  ", "f.a", (("local", "/p/input/f.a"),)),
        (
            "# c\n\nf.a /x site=local\nf.a http://h/x site=web\nf.a /x pool=local",
            "f.a",
            (("local", "/x"), ("web", "http://h/x")),
        ),
        ("f.a http://h/f.a", "f.a", (("nonlocal", "http://h/f.a"),)),
    ],
)
def test_replicas(text: str, lfn: str, places: tuple[tuple[str, str], ...]) -> None:
    findings = Findings("rc", Mistakes())
    (found,) = rc_text.read(text, findings, HERE)
    findings.mistakes.finish()
    assert (found.lfn, found.places) == (lfn, places)


def test_attributes_of_a_replica() -> None:
    text = 'f.* http://h/[0] site="web" regex="true" size="5" checksum.type="sha256" checksum.value="ab"'
    (found,) = rc_text.read(text, Findings("rc", Mistakes()), HERE)
    assert (found.is_regex, found.sha256, found.metadata) == (True, "ab", {"size": "5"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\nf.a", "rc:2: 'f.a' has no physical file name"),
        ("f.a /x y", "rc:1: 'y' is one word too many"),
        ('"f.a /x', "rc:1: '\"f.a /x' is not understood: a quote is not closed"),
        ("f.a http://h/?a=b", "a word with '=', a quote or a backslash in it stands in quotes"),
    ],
)
def test_wrong_replicas(text: str, said: str) -> None:
    findings = Findings("rc", Mistakes())
    rc_text.read(text, findings, HERE)
    assert said in said_of(findings)


@given(lfn=TEXT, pfn=TEXT, site=TEXT, key=WORD.filter(lambda word: word not in ("site", "pool", "regex")), value=TEXT)
def test_any_replica_in_quotes(lfn: str, pfn: str, site: str, key: str, value: str) -> None:
    line = f"{quoted(lfn)} {quoted('/' + pfn)} site={quoted(site)} {key}={quoted(value)}"
    findings = Findings("rc", Mistakes())
    (found,) = rc_text.read(line, findings, HERE)
    findings.mistakes.finish()
    assert (found.lfn, found.places) == (lfn, ((site, "/" + pfn),))
    assert found.metadata == ({key: value} if key != "sha256" else {})


# Transformation catalogs of Pegasus 3 and 4


def test_transformations() -> None:
    text = """
# of all sites
tr example::keg:1.0 {
  profile env "APP_HOME" "/tmp/my \\"scratch\\""   # a comment
  site isi {
    profile globus "maxwalltime" "10"
    metadata "size" "5"
    pfn "/path/to/keg"  arch "x86"  os "linux"  osrelease "fc"  osversion "4"
    type "INSTALLED"  container "centos"
  }
  site local { pfn "bin/keg" type "stageable" }
}
cont centos{
  type "docker"
  image "docker:///rynge/montage:latest"
  mount "/a:/b:ro"
  mount "/c:/d"
  profile env "JAVA_HOME" "/opt/java"
}
"""
    findings = Findings("tc.txt", Mistakes())
    (keg,), (centos,) = tc_text.read(text, findings, HERE)
    findings.mistakes.finish()
    assert (keg.name, keg.at) == (("example", "keg", "1.0"), "tc.txt:3")
    assert keg.profiles == {"env": {"APP_HOME": '/tmp/my "scratch"'}}
    assert keg.places == (
        Place(
            site="isi",
            pfn="/path/to/keg",
            is_installed=True,
            system=System(arch="x86_64", os="linux", release="fc", version="4"),
            container="centos",
            profiles={"pegasus": {"runtime": "600"}},
            metadata={"size": "5"},
        ),
        Place(site="local", pfn="/p/bin/keg", is_installed=False),
    )
    assert (centos.kind, centos.mounts) == ("docker", ("/a:/b:ro", "/c:/d"))
    assert [note.line for note in findings.notes] == [6, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tr a {\n  sight x {", "tc:2: unknown word 'sight' in 'tr a'; did you mean 'site'?"),
        ('tr a {\n site x {\n pfm "/a"', "tc:3: unknown word 'pfm' in 'site'; did you mean 'pfn'?"),
        ("tr a {\n site x {\n pfn /a }}", "tc:3: what follows 'pfn' stands in quotes, unlike '/a'"),
        ('tr a {\n site x {\n pfn "/a }}', "tc:3: a quote is not closed on its line"),
        ('tr a { site x { pfn "/a" }\n', "tc:2: a '}' is missing at the end"),
        (
            'tr a { site x {\n pfn "/a"\n type "INSTALED" } }',
            "tc:3: 'type' cannot be 'INSTALED'; did you mean 'INSTALLED'?",
        ),
        ('tr a { site x { type "INSTALLED" } }', "tc:1: the site 'x' has no pfn"),
        ("tr a { }", "tc:1: the transformation 'a' has no site"),
        ("transformation a { }", "tc:1: 'tr' or 'cont' has to be here, not 'transformation'"),
        ('cont c { type "dokker" image "x" }', "'type' cannot be 'dokker'; did you mean 'docker'?"),
        ('cont c { type "docker" }', "the container 'c' has no image"),
        ('tr a { site x { pfn "/a" profile "k" "v" } }', "a profile begins with its namespace"),
        ('tr a { site x { pfn "/a" profile envv "k" "v" } }', "did you mean 'env'?"),
    ],
)
def test_wrong_transformations(text: str, said: str) -> None:
    findings = Findings("tc", Mistakes())
    tc_text.read(text, findings, HERE)
    assert said in said_of(findings)


@given(pfn=TEXT, key=WORD, value=TEXT, comment=TEXT)
def test_any_transformation_in_quotes(pfn: str, key: str, value: str, comment: str) -> None:
    said = f'metadata "{key}" {quoted(value)} pfn {quoted("/" + pfn)} type "INSTALLED"'
    text = f"tr a {{ # {comment}\nsite x {{ {said} }} }}"
    findings = Findings("tc", Mistakes())
    (found,), _ = tc_text.read(text, findings, HERE)
    findings.mistakes.finish()
    assert found.places == (Place(site="x", pfn="/" + pfn, is_installed=True, metadata={key: value}),)


# Transformation catalogs of Pegasus 1 to 3


def test_columns() -> None:
    text = """#site lfn pfn type sysinfo profiles
isi   pegasus::transfer  /opt/bin/transfer  INSTALLED  INTEL32::LINUX  env::VDS_HOME="/vdt",A="x;y";condor::priority=5
isi   sort:1.0           /bin/sort          null       null            null
local sort:1.0           file:///bin/sort   STATIC_BINARY INTEL64::LINUX:rhel_4
isi   make               make.tgz           SOURCE     null            null
"""
    findings = Findings("tc.data", Mistakes())
    transfer, sort = tc_columns.read(text, findings, HERE)
    findings.mistakes.finish()
    assert transfer.places[0].profiles == {"env": {"A": "x;y"}, "condor": {"priority": "5"}}
    assert sort.name == ("", "sort", "1.0")
    assert [(place.site, place.is_installed) for place in sort.places] == [("isi", True), ("local", False)]
    assert sort.places[1].system == System(arch="x86_64", os="linux", release="rhel", version="4")
    assert [note.line for note in findings.notes] == [2, 2, 5]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("isi sort", "has too few columns"),
        ("isi sort /bin/sort INSTALED null null", "the type of 'sort' cannot be 'INSTALED'; did you mean 'INSTALLED'?"),
        ("isi sort /bin/sort INSTALLED INTEL33::LINUX null", "arch cannot be 'INTEL33'; did you mean 'INTEL32'?"),
        ("isi sort /bin/sort INSTALLED null A=1", "the profiles 'A=1' are not understood"),
        ('isi sort /bin/sort INSTALLED null env::A="1', "are not understood"),
    ],
)
def test_wrong_columns(text: str, said: str) -> None:
    findings = Findings("tc", Mistakes())
    tc_columns.read(text, findings, HERE)
    assert said in said_of(findings)


@given(st.dictionaries(WORD, TEXT, min_size=1, max_size=4))
def test_any_profiles_in_quotes(values: dict[str, str]) -> None:
    pairs = ",".join(f"{key}={quoted(value)}" for key, value in values.items())
    findings = Findings("tc", Mistakes())
    (found,) = tc_columns.read(f"isi sort /bin/sort INSTALLED null env::{pairs}", findings, HERE)
    findings.mistakes.finish()
    gone = {note.said.partition("env::")[2].split()[0] for note in findings.notes}
    assert {**found.places[0].profiles.get("env", {})}.keys() | gone == values.keys()
    assert all(values[key] == value for key, value in found.places[0].profiles.get("env", {}).items())


# Command lines in a DAX


def is_shell_s(text: str) -> bool:
    try:
        return bool(shlex.split(text))
    except ValueError:
        return False


@given(st.text(st.sampled_from("ab \n'\"\\\t=;"), min_size=1, max_size=12).filter(is_shell_s))
def test_any_command_line(text: str) -> None:
    document = f"<adag name='w'><job id='a' name='t'><argument>{escape(text)}</argument></job></adag>"
    findings = Findings("f", Mistakes())
    (job,) = dax.read(document.encode(), findings, HERE).jobs
    findings.mistakes.finish()
    assert [word for one in job.arguments for word in shlex.split(one)] == shlex.split(text)
