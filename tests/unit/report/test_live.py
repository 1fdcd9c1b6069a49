"""What the live view leaves above, and what it redraws, at a width."""

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from roost.report.cells import cells
from roost.report.job_counts import JobCounts, KindCounts
from roost.report.live import LiveReporter
from roost.report.timeline import Milestone, Moments, Row, rows

LONG = "terminate " + ", ".join(f"i-{n:017x}" for n in range(8))


def _row(role: str, *reached: Milestone) -> Row:
    known = Moments(instance_id=f"i-{role[:1]}", role=role)
    for at_s, milestone in enumerate((Milestone.REQUESTED, *reached)):
        known = known.at(milestone, float(at_s))
    [row] = rows([known])
    return row


BOOTING = _row("execution-point", Milestone.RUNNING)
WORKS = _row("execution-point", *list(Milestone)[1:])
READY = _row("access-point", *list(Milestone)[1:5])


def _kept(act: Callable[[LiveReporter], None], *, width: int = 100) -> list[str]:
    stream = io.StringIO()
    with LiveReporter(stream, width=width) as reporter:
        act(reporter)
    return [line.rstrip() for line in stream.getvalue().splitlines() if line.strip()]


def _redrawn(act: Callable[[LiveReporter], None], *, width: int = 100, height: int = 30) -> list[str]:
    reporter = LiveReporter(io.StringIO(), width=width, height=height)
    act(reporter)
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        console.print(reporter.picture())
    *lines, last = (line.rstrip() for line in captured.get().splitlines())
    assert last == ""  # where the cursor rests
    return lines


def test_notes_and_steps_hang_below_their_mark() -> None:
    def act(reporter: LiveReporter) -> None:
        reporter.step(LONG)
        reporter.note("word " * 40)

    lines = _kept(act, width=60)
    assert sum(line.startswith("✓ ") for line in lines) == 1
    assert all(line.startswith("  ") for line in lines if not line.startswith("✓ "))
    assert "".join(" ".join(lines).split()).count("i-0000") == 8  # nothing is cut


def test_what_is_redrawn_keeps_its_height() -> None:
    lines = _redrawn(lambda r: r.step(LONG), width=60)
    assert len(lines) == 1
    assert lines[0][1:].startswith(" terminate i-")  # after the spinner
    assert lines[0].endswith("…  0 s")


@pytest.mark.parametrize(
    ("tables", "expected_headers"),
    [
        ([[BOOTING]], 1),  # the verb ends: it is told how far it came
        ([[BOOTING], [WORKS]], 1),
        ([[BOOTING, READY], [WORKS, READY]], 1),
        ([[WORKS, READY], [WORKS, READY]], 1),  # told again by the next stage
        ([], 0),
    ],
)
def test_the_boot_table_stays_once(tables: list[list[Row]], expected_headers: int) -> None:
    def act(reporter: LiveReporter) -> None:
        for table in tables:
            reporter.step("look")
            reporter.timeline(table)

    assert sum("HTCondor" in line for line in _kept(act)) == expected_headers


def test_the_boot_table_is_carried_into_the_next_step() -> None:
    def act(reporter: LiveReporter) -> None:
        reporter.timeline([BOOTING])
        reporter.step("launch")
        reporter.step("wait")

    assert sum("i-e execution" in line for line in _redrawn(act)) == 1


def _running(*counts: int) -> Callable[[LiveReporter], None]:
    where = {f"i-{n}": tuple(f"job{m}" for m in range(many)) for n, many in enumerate(counts)}
    return lambda r: r.progress(JobCounts(total=99, running=sum(counts), running_on=where))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((), []),
        ((0,), ["  i-0  idle"]),
        ((0, 1), ["  i-0  idle", "  i-1  job0"]),
        ((1, 2), ["  i-0  job0", "  i-1  2: job0, job1"]),
        ((1,) * 9, [*(f"  i-{n}  job0" for n in range(8)), "  1 job on 1 more instance"]),
        ((1,) * 10, [*(f"  i-{n}  job0" for n in range(8)), "  2 jobs on 2 more instances"]),
    ],
)
def test_which_jobs_run_where(counts: tuple[int, ...], expected: list[str]) -> None:
    assert _redrawn(_running(*counts))[1:] == expected


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_line_of_many_jobs_is_cut(width: int) -> None:
    *_, line = _redrawn(_running(50), width=width)
    assert line.startswith("  i-0  50: job0")
    assert line.endswith("…")
    assert len(line) <= width


def _kinds(many: int, *, running: int = 0) -> tuple[KindCounts, ...]:
    return tuple(
        KindCounts(transformation=f"kind{n}", waiting=3, running=int(n >= many - running), done=n, failed=0, mean_s=1.5)
        for n in range(many)
    )


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (40, 10)])
def test_two_hundred_transformations_fit(width: int, height: int) -> None:
    where = {f"i-{n}": (f"job{n}",) for n in range(30)}
    counts = JobCounts(
        total=9000,
        done=123,
        running=30,
        failed=2,
        retries=7,
        transferring=4,
        usd=0.5,
        usd_at_end=1.25,
        seconds_left=4000,
        running_on=where,
        kinds=_kinds(200, running=3),
    )

    def act(reporter: LiveReporter) -> None:
        reporter.step("run")
        reporter.progress(counts)

    lines = _redrawn(act, width=width, height=height)
    assert len(lines) < height
    assert all(cells(line) <= width for line in lines)
    text = "\n".join(lines)
    assert "about 1 h 07 min left" in text
    if height > 20:
        assert all(name in text for name in ("kind0", "kind197", "kind199"))  # what runs is there, the rest as it fits
        assert "more:" in text


def test_lines_stay_where_they_are() -> None:
    """What runs now, and where, moves no line up or down."""

    def view(now: int) -> list[str]:
        kinds = tuple(
            KindCounts(transformation=f"kind{n}", waiting=n > now, running=n == now, done=n < now, failed=0)
            for n in range(3)
        )

        def act(reporter: LiveReporter) -> None:
            for at in range(now + 1):
                running_on = {f"i-{at % 2}": ("job",)}
                reporter.progress(
                    JobCounts(total=3, running=1, transferring=at % 2, kinds=kinds, running_on=running_on)
                )

        return [line.split()[0] if line.split() else "" for line in _redrawn(act)]

    assert view(1)[-5:] == view(2)[-5:] == ["kind0", "kind1", "kind2", "i-0", "i-1"]
    assert len(view(1)) == len(view(2))


def test_names_of_wide_characters_and_of_tricks() -> None:
    names = ("日本語の変換" * 8, "a\x1b[2Jb", "[red]x[/red]")
    kinds = tuple(KindCounts(transformation=name, waiting=0, running=1, done=0, failed=0) for name in names)
    lines = _redrawn(lambda r: r.progress(JobCounts(total=3, running=3, kinds=kinds)), width=80)
    assert all(cells(line) <= 80 for line in lines)
    assert "a?[2Jb" in "\n".join(lines)
    assert "[red]x[/red]" in "\n".join(lines)
    (wide,) = (line for line in lines if "日本語" in line)
    assert wide.split()[-1] == "1"  # the number stays in sight


def test_where_jobs_run_does_not_stay() -> None:
    def act(reporter: LiveReporter) -> None:
        reporter.step("run")
        _running(2)(reporter)

    assert not any("job0" in line for line in _kept(act))


def test_a_question_is_asked_while_nothing_is_drawn() -> None:
    def act(reporter: LiveReporter) -> None:
        with reporter.paused():
            reporter.note("asked")

    assert _kept(act) == ["  asked"]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_was_printed_meanwhile_is_not_erased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    up = "\x1b[1A"
    stream = _Terminal()
    with LiveReporter(stream, width=80) as reporter:
        reporter.timeline([BOOTING])
        reporter.step("before")
        with reporter.paused():
            stream.write("ANSWER\n")
        reporter.step("after")
    before, _, after = stream.getvalue().partition("ANSWER\n")
    assert up in before
    assert up not in after[: after.index("before")]
