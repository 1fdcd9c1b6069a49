"""What the plain reporter prints, and who sees which reporter."""

import io
from collections.abc import Callable, Iterator

import pytest

from roost.report.job_counts import JobCounts
from roost.report.reporter import PlainReporter, can_redraw
from roost.report.timeline import Milestone, Moments, rows


def _clock(*seconds: float) -> Callable[[], float]:
    """Those readings, then the last one for ever."""
    readings: Iterator[float] = iter(seconds)
    last = [seconds[-1]]

    def read() -> float:
        return next(readings, last[0])

    return read


def _lines(act: Callable[[PlainReporter], None], *seconds: float) -> list[str]:
    stream = io.StringIO()
    with PlainReporter(stream, clock=_clock(*(seconds or (0.0,)))) as reporter:
        act(reporter)
    return stream.getvalue().splitlines()


def test_elapsed_seconds_come_first() -> None:
    assert _lines(lambda r: r.step("launching"), 100.0, 103.25) == ["[  3.2 s] launching"]


def test_notes_of_many_lines() -> None:
    assert _lines(lambda r: r.note("one\ntwo")) == ["[  0.0 s]   one", "[  0.0 s]   two"]


def test_a_milestone_is_said_once() -> None:
    asked = Moments(instance_id="i-1", role="access-point").at(Milestone.REQUESTED, 5.0)

    def act(reporter: PlainReporter) -> None:
        for known in (asked, asked, asked.at(Milestone.RUNNING, 5.4), asked.at(Milestone.RUNNING, 5.4)):
            reporter.timeline(rows([known]))

    assert _lines(act) == [
        "[  0.0 s]   i-1 access-point: requested",
        "[  0.0 s]   i-1 access-point: running, 0.4 s after the request",
    ]


FIRST = JobCounts(total=4, running=2)


@pytest.mark.parametrize(
    ("then", "at_s", "is_said"),
    [
        (FIRST, 9.0, False),
        (JobCounts(total=4, running=2, usd=0.5), 9.0, False),  # only the dollars grew
        (JobCounts(total=4, running=1, done=1), 0.5, False),  # too soon
        (JobCounts(total=4, running=1, done=1), 9.0, True),
        (JobCounts(total=4, running=1, failed=1), 0.5, True),  # a failure does not wait
        (JobCounts(total=4, done=4), 0.5, True),  # nor does the end
    ],
)
def test_progress(then: JobCounts, at_s: float, is_said: bool) -> None:
    def act(reporter: PlainReporter) -> None:
        reporter.progress(FIRST)
        reporter.progress(then)

    # readings: the start, the first line and when it was counted, everything after
    assert len(_lines(act, 0.0, 0.0, 0.0, at_s)) == (2 if is_said else 1)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (JobCounts(total=4), "0 of 4 jobs done, 4 waiting"),
        (JobCounts(total=4, done=1, running=1, held=1, failed=1), "1 of 4 jobs done, 1 running, 1 held, 1 failed"),
        (JobCounts(total=4, done=4, usd=0.00123), "4 of 4 jobs done; $0.0012 so far"),
        (JobCounts(total=1, done=1, running=1), "1 of 1 jobs done, 1 running"),  # DAGMan's own
    ],
)
def test_counts_as_words(counts: JobCounts, expected: str) -> None:
    assert str(counts) == expected


@pytest.mark.parametrize(
    ("is_terminal", "encoding", "environment", "expected"),
    [
        (True, "utf-8", {"TERM": "xterm"}, True),
        (True, "UTF8", {"TERM": "xterm", "CI": ""}, True),
        (True, "utf-8", {"TERM": "xterm", "NO_COLOR": "1"}, True),  # without colours
        (False, "utf-8", {"TERM": "xterm"}, False),
        (True, "utf-8", {"TERM": "dumb"}, False),
        (True, "utf-8", {}, False),
        (True, "utf-8", {"TERM": "xterm", "CI": "true"}, False),
        (True, "ascii", {"TERM": "xterm"}, False),
    ],
)
def test_who_sees_it_move(is_terminal: bool, encoding: str, environment: dict[str, str], expected: bool) -> None:
    assert can_redraw(is_terminal=is_terminal, encoding=encoding, environment=environment) is expected


class _Gone(io.StringIO):
    """A pipe whose reader has gone."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_has_gone_ends_nothing() -> None:
    with PlainReporter(_Gone()) as reporter:
        reporter.step("launch")
        reporter.note("launched")
        reporter.progress(JobCounts(total=1))
