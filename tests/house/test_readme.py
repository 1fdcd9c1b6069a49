"""The README says what is: its commands exist, its links lead somewhere, its exit codes are those of the errors."""

import re
from pathlib import Path

import pytest

from roost import errors
from roost.cli import INTERRUPTED, VERBS

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / "docs").glob("*.md"),
    *ROOT.glob("examples/*/README.md"),
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_commands(page: Path) -> None:
    text = page.read_text()
    links = [link for link in re.findall(r"\]\(([^)#]+)", text) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link).exists()] == []
    verbs = set(re.findall(r"(?:\./|`|^    )roost ([a-z]+)\b", text, re.MULTILINE))
    assert verbs - VERBS.keys() == set()
    paths = re.findall(r"(?:examples|tests|bench|docs)/[\w./-]*\w", text)
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_main_command_is_the_one_that_is_tested() -> None:
    assert "./roost run examples/variants/workflow.yml" in (ROOT / "README.md").read_text()
    assert (ROOT / ".ci" / "run").read_text().rstrip().endswith("exec ./test")


def test_exit_codes() -> None:
    sentence = re.search(r"Exit codes: [^.]+", (ROOT / "README.md").read_text())
    assert sentence is not None
    told = {int(code) for code in re.findall(r"\b(\d+) [a-z]", sentence[0])}
    ours = {
        each.exit_code
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.RoostError)
    }
    assert told == {0, INTERRUPTED, *ours}
