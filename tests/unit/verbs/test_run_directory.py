"""A run's directory and its record; a workflow's name becomes the name of a pool and of a directory."""

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import NotFoundError, UsageError
from roost.spec import PoolSpec
from roost.verbs import run_directory
from roost.verbs.run_directory import RunDirectory, RunRecord, word


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("variants", "variants"),
        ("Variant Calling (small)", "variant-calling-small"),
        ("variant_calling.yml", "variant-calling-yml"),
        ("1000-genomes", "run-1000-genomes"),
        ("../../etc/passwd", "etc-passwd"),
        ("--yes", "yes"),
        ("$(reboot); `true`", "reboot-true"),
        ("Überprüfung", "berpr-fung"),
        ("ワークフロー", "run"),
        ("", "run"),
        ("---", "run"),
    ],
)
def test_a_name_as_a_word(name: str, expected: str) -> None:
    assert word(name) == expected


@given(name=st.text())
def test_any_name_is_a_word(name: str) -> None:
    made = word(name)
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", made)
    assert word(made) == made


@given(name=st.text(min_size=15))
def test_any_word_is_the_beginning_of_a_pools_name(name: str) -> None:
    """As a run's own pool has it; pydantic refuses a name that EC2's tags and names could not take."""
    pool = f"{word(name)[:20].rstrip('-')}-0a1b2c"
    assert PoolSpec(name=pool).name == pool


RECORD = RunRecord(
    name="one",
    workflow="/w/workflow.yml",
    uuid="1",
    planned_at=datetime(2026, 11, 21, tzinfo=UTC),
    pool="galaxy",
    cloud="local",
    region="us-east-1",
    owns_pool=True,
    keep=False,
    directory="/home/debian/runs/one",
)


def test_a_record_is_read_as_it_was_written() -> None:
    assert RunRecord.from_json(RECORD.to_json()) == RECORD


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": "roost/run/1"}', '{"schema": "roost/run/2"}', RECORD.to_json() + "}"]
)
def test_what_is_no_record(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (whatever it says)
        RunRecord.from_json(text)


def test_a_run_that_was_refused_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with run_directory.new("one"):
        assert (tmp_path / "runs" / "one").is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_run_that_began_stays_and_its_name_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with run_directory.new("one") as directory:
        directory.save(RECORD)
    with pytest.raises(UsageError, match="there is a run runs/one already"), run_directory.new("one"):
        pass
    with pytest.raises(NotFoundError, match="did you mean 'one'"), run_directory.existing("ome"):
        pass
    with run_directory.existing("runs/one") as found:
        assert found.record == RECORD
        with pytest.raises(UsageError, match="another roost is at work"), run_directory.existing("one"):
            pass
    with run_directory.existing("one"):
        pass


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "a b", "x" * 101])
def test_what_no_run_can_be_called(name: str) -> None:
    with pytest.raises(UsageError), run_directory.new(name):
        pass


def test_reports_of_earlier_submissions_are_kept(tmp_path: Path) -> None:
    directory = RunDirectory(tmp_path)
    for submissions in (1, 2, 3):
        directory.save(replace(RECORD, submissions=submissions))
        directory.write("receipt.json", f"{submissions}")
        directory.write("receipt.json", f"{submissions}")
    kept = {path.name: path.read_text() for path in tmp_path.glob("receipt*")}
    assert kept == {"receipt.json": "3", "receipt-1.json": "1", "receipt-2.json": "2"}
