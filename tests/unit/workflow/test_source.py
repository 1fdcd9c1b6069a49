"""Where a workflow's catalogs are looked for, and what a properties file may say."""

import shutil
from pathlib import Path

import pytest

from roost.errors import NotFoundError, RoostError, UsageError
from roost.workflow.mistakes import MOST
from roost.workflow.source import load

HELLO = Path(__file__).parents[3] / "examples" / "hello"


@pytest.fixture
def hello(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HELLO, tmp_path / "hello")) / "workflow.yml"


def test_no_workflow(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no workflow .*absent\.yml"):
        load(tmp_path / "absent.yml")


def test_catalog_under_another_name(hello: Path) -> None:
    hello.with_name("replicas.yml").rename(hello.with_name("rc.yml"))
    hello.with_name("pegasus.properties").write_text(
        "# ours\npegasus.catalog.replica.file = rc.yml\npegasus.data.configuration=condorio\ndagman.retry = 4\n"
    )
    found = load(hello)
    assert found.retries == 4
    assert set(found.replicas) == {"numbers.txt"}


def test_variables_are_expanded_everywhere(hello: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_HERE", str(hello.parent))
    text = hello.read_text() + "profiles: {env: {AT: '${ROOST_HERE}/x'}}\n"
    hello.write_text(f"# ${{NOT_SET}}\n{text}")
    replicas = hello.with_name("replicas.yml")
    replicas.write_text(replicas.read_text().replace("pfn: ", "pfn: ${ROOST_HERE}/"))
    found = load(hello)
    assert found.jobs[0].profiles.env == {"AT": f"{hello.parent}/x"}
    assert found.replicas["numbers.txt"].local == hello.parent / "input" / "numbers.txt"


def test_a_variable_that_is_not_set(hello: Path) -> None:
    number = len(hello.read_text().splitlines()) + 1
    with hello.open("a") as text:
        text.write("profiles: {env: {AT: '${ROOST_NOWHERE}', KEPT: '\\${ROOST_NOWHERE}'}}\n")
    with pytest.raises(RoostError) as caught:
        load(hello)
    (said,) = caught.value.message.splitlines()
    assert f"workflow.yml:{number}: '${{ROOST_NOWHERE}}': there is no environment variable ROOST_NOWHERE" in said


def test_workflow_s_own_section_wins(hello: Path) -> None:
    other = hello.with_name("other.txt")
    other.write_text("1\n")
    with hello.open("a") as text:
        text.write("replicaCatalog:\n  replicas:\n  - lfn: numbers.txt\n    pfns: [{site: local, pfn: other.txt}]\n")
    assert load(hello).replicas["numbers.txt"].local == other


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ("pegasus.data.configuration = shared", "1: 'pegasus.data.configuration' cannot be 'shared'"),
        ("\npegasus.cleanup = x", "2: unknown property 'pegasus.cleanup'"),
        ("dagman.retry = many", "1: 'dagman.retry' cannot be 'many'"),
        ("pegasus.catalog.site.file = no.yml", "names the catalog"),
    ],
)
def test_properties_that_roost_cannot_follow(hello: Path, properties: str, said: str) -> None:
    hello.with_name("pegasus.properties").write_text(properties + "\n")
    with pytest.raises(RoostError) as caught:
        load(hello)
    assert said in caught.value.message


def test_mistakes_of_all_files_at_once(hello: Path) -> None:
    hello.with_name("input").joinpath("numbers.txt").unlink()
    catalog = hello.with_name("transformations.yml")
    catalog.write_text(catalog.read_text().replace("type: stageable", "type: stagable", 1))
    with pytest.raises(UsageError) as caught:
        load(hello)
    assert f"{catalog}:6: 'type' cannot be 'stagable'; did you mean 'stageable'?" in caught.value.message
    assert f"{hello}:10: the input file 'numbers.txt' is not there" in caught.value.message
    assert len(caught.value.message.splitlines()) == 2, "no mistake that only follows from another"


def test_file_that_is_no_text(hello: Path) -> None:
    hello.write_bytes(b"name: \xff\xfe\n")
    with pytest.raises(UsageError, match=r"workflow\.yml:1: this is not text"):
        load(hello)


def test_a_mistake_in_each_of_very_many_tasks_is_told_a_number_of_times(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yml"
    task = "- type: job\n  name: nobody\n  id: ID{}\n  arguments: []\n  uses:\n  - lfn: x\n    type: imput\n"
    path.write_text("name: many\njobs:\n" + "".join(task.format(number) for number in range(5000)))
    with pytest.raises(UsageError) as caught:
        load(path)
    first, second, *more = caught.value.message.splitlines()
    assert first.startswith(f"{path}:4: unknown transformation 'nobody'")
    assert second.startswith(f"{path}:9: 'type' cannot be 'imput'; did you mean 'input'?")
    assert len(more) == MOST - 1
    assert more[-1] == f"these are the first {MOST}; more were not looked for"
