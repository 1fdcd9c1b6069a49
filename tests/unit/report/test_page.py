"""The page as text: who worked when, and that text stays text."""

from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import Shape, write

from roost.report.gantt import LANES_AT_MOST, STEPS, Gantt, gantt
from roost.report.html import Html, element
from roost.report.page import page
from roost.report.run_report import RunReport, run_report
from roost.workflow import run_files
from roost.workflow.history import RunHistory
from roost.workflow.static_bp import StaticPlan, StaticTask

LATER = 1_900_000_000.0


def read(directory: Path, shape: Shape) -> tuple[RunHistory, RunReport, Gantt]:
    write(directory, shape)
    history = run_files.read(directory)
    report = run_report(history, now=LATER)
    return history, report, gantt(history, began_at=report.started_at, ended_at=report.ended_at)


class Seen(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.texts += [value or "" for name, value in attrs if name == "title"]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


TEXT = st.one_of(
    st.sampled_from(
        ["<script>alert(1)</script>", "</title><img src=x onerror=alert(1)>", "\"' onload=x", "]]>-->", "&lt;"]
    ),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1),
)


@settings(deadline=None, max_examples=30)
@given(TEXT, TEXT)
def test_text_is_text(name: str, transformation: str) -> None:
    """Whatever a workflow calls its things: the page has the same elements, and says the names."""
    tags, texts = [], []
    for one, other in (("plain", "align"), (name, transformation)):
        directory = Path(__file__).parents[1] / "workflow" / "data" / "completed-run"
        history = run_files.read(directory)
        tasks = {key: StaticTask(id=key, transformation=other) for key in history.plan.tasks}
        plan = history.plan
        history = RunHistory(
            name=one,
            directory=one,
            plan=StaticPlan(jobs=plan.jobs, edges=plan.edges, tasks=tasks, tasks_of=plan.tasks_of),
            progress=history.progress,
            dag_runs=history.dag_runs,
            records=history.records,
        )
        report = run_report(history, now=LATER)
        seen = Seen(page(report, gantt(history, began_at=0, ended_at=1), style="", script=""))
        tags.append(seen.tags)
        texts.append(seen.texts)
    assert tags[0] == tags[1]
    assert name in texts[1]
    assert transformation in texts[1]


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (element("p", "<b>"), "<p>&lt;b&gt;</p>"),
        (element("p", Html("<b>")), "<p><b></p>"),
        (element("p", None, [element("i"), element("i")]), "<p><i></i><i></i></p>"),
        (element("td", "1", class_=None, hidden=True, data_v=0.5), '<td hidden data-v="0.5">1</td>'),
        (element("svg", viewBox="0 0 1 1", aria_label="a & b"), '<svg viewBox="0 0 1 1" aria-label="a &amp; b"></svg>'),
    ],
)
def test_elements(made: Html, expected: str) -> None:
    assert made == expected


def test_a_bar_for_each_attempt(tmp_path: Path) -> None:
    history, _, found = read(tmp_path, Shape(jobs=200, instances=3, cores=2))
    assert found.are_bars
    attempts = sum(len(job.attempts) for job in history.progress.jobs.values())
    assert sum(len(lane.bars) for lane in found.lanes) == attempts
    for lane in found.lanes:
        assert lane.rows <= 2  # as many as it has cores
        for row in range(lane.rows):
            bars = [bar for bar in lane.bars if bar.row == row]
            assert all(one.end <= other.begin + 1e-9 for one, other in pairwise(bars))


def test_above_a_thousand_attempts_it_is_how_busy_they_were(tmp_path: Path) -> None:
    _, report, found = read(tmp_path, Shape(jobs=3000, wide=300, instances=70, cores=2))
    assert not found.are_bars
    assert len(found.lanes) <= LANES_AT_MOST
    for lane in found.lanes:
        assert not lane.bars
        assert all(0 <= step.begin < step.end <= STEPS and 0 < step.busy <= 1 for step in lane.steps)
    assert len(page(report, found, style="", script="")) < 500_000


def test_everything_is_in_one_page(tmp_path: Path) -> None:
    _, report, found = read(tmp_path, Shape(jobs=50, dead=1))
    text = page(report, found, style="p{}", script="1")
    assert "://" not in text
    assert "url(" not in text
    for tag in ("<link", "<iframe", " src=", " href="):
        assert tag not in text
