"""`roost import`, and `roost run` of what should be imported first."""

import json
import shutil
from pathlib import Path

import pytest

from roost.cli import exit_code

DATA = Path(__file__).parents[1] / "workflow" / "old" / "data"
HELLO = Path(__file__).parents[3] / "examples" / "hello"


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of Pegasus 4 in the directory where the user is."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(DATA / "hello-4", tmp_path / "old")
    for name in ("input", "tools"):
        shutil.copytree(HELLO / name, tmp_path / "old" / name)
    return Path("old")


def test_a_directory(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["import", str(old)]) == 0
    out, err = capsys.readouterr()
    assert "imported/workflow.yml" in out
    assert "4 jobs" in out
    assert "old/sites.xml:12: the gatekeeper" in out
    assert err == "Next:  roost run imported/workflow.yml\n"
    assert sorted(path.name for path in Path("imported").iterdir()) == [
        *("pegasus.properties", "replicas.yml", "sites.yml", "transformations.yml", "workflow.yml")
    ]


def test_properties_name_the_catalogs(old: Path) -> None:
    (old / "conf").mkdir()
    (old / "tc.txt").rename(old / "conf" / "programs")
    properties = old / "pegasus.properties"
    properties.write_text(properties.read_text().replace("=tc.txt", "=conf/programs"))
    assert exit_code(["import", str(properties), str(old / "hello.dax")]) == 0
    assert "tools/findrange" in Path("imported/transformations.yml").read_text()


def test_nothing_is_overwritten(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("new").mkdir()
    mine = Path("new/sites.yml")
    mine.write_text("mine")
    assert exit_code(["import", str(old), "--to", "new"]) == 2
    assert "new/sites.yml is there already" in capsys.readouterr().err
    assert [path.name for path in Path("new").iterdir()] == ["sites.yml"]
    assert mine.read_text() == "mine"
    assert exit_code(["import", str(old), "--to", "new", "--force"]) == 0
    assert mine.read_text() != "mine"


def test_dry_run_writes_nothing(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["import", str(old), "--dry-run", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["schema"] == "roost/import/1"
    assert {file["path"] for file in shown["files"]} >= {"imported/workflow.yml", "imported/sites.yml"}
    assert {"source": "old/sites.xml", "line": 15}.items() <= shown["notes"][1].items()
    assert exit_code(["import", str(old), "--dry-run"]) == 0
    assert "==> imported/workflow.yml <==" in capsys.readouterr().out
    assert not Path("imported").exists()


@pytest.mark.parametrize(
    ("typed", "code", "said"),
    [
        ("absent.dax", 3, "there is no file absent.dax"),
        ("empty", 3, "there is no file of an old Pegasus project in empty"),
        ("notes", 2, "notes: this is in no format of an old Pegasus"),
        ("today.yml", 2, "today.yml: this is of Pegasus 5 already"),
    ],
)
def test_what_cannot_be_imported(
    old: Path, capsys: pytest.CaptureFixture[str], typed: str, code: int, said: str
) -> None:
    Path("empty").mkdir()
    Path("notes").write_text("to do")
    shutil.copy(HELLO / "workflow.yml", "today.yml")
    assert exit_code(["import", str(old), typed]) == code
    assert said in capsys.readouterr().err
    assert not Path("imported").exists()


def test_what_roost_would_refuse_is_told(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (old / "input" / "numbers.txt").unlink()
    assert exit_code(["import", str(old)]) == 0
    err = capsys.readouterr().err
    assert "To be done before `roost run imported/workflow.yml`:\n" in err
    assert "the input file 'numbers.txt' is not there" in err


def test_several_workflows(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(old / "hello.dax", old / "again.dax")
    assert exit_code(["import", str(old)]) == 0
    assert capsys.readouterr().err == "Next:  roost run imported/again.yml\nNext:  roost run imported/hello.yml\n"
    (old / "input" / "numbers.txt").unlink()
    assert exit_code(["import", str(old), "--to", "new"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line for line in said if line.startswith("To be done")] == [
        "To be done before `roost run new/again.yml`:",
        "To be done before `roost run new/hello.yml`:",
    ]


def test_run_of_a_dax(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code(["run", str(old / "hello.dax")]) == 2
    assert capsys.readouterr().err == (
        "Error: old/hello.dax is a workflow of Pegasus 4 or older (DAX)\n"
        "Try:   roost import old, and then: roost run imported/workflow.yml\n"
    )
