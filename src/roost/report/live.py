"""shell (rich): the live view of a terminal.

What has ended stays above as lines; below, redrawn: the stage that is under way, the instances' boot table, the jobs.
The boot table lives longer than a stage: it stays above once, when it is complete or the verb ends.
"""

import time
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from roost.boot.roles import Role
from roost.report.cells import cut
from roost.report.figures import duration, many
from roost.report.job_counts import JobCounts, KindCounts
from roost.report.timeline import Milestone, Row

_ROWS_SHOWN = 12
_INSTANCES_SHOWN = 8
_BAR_WIDTH = 30
_WIDTH_FOR_MEANS = 60
_ROOM_FOR_KINDS = 7  # lines; below that where jobs run is told, and not of what kind they are
_OTHER_LINES = 4  # the step, the resting line, and some of what was said last
_INDENT = (0, 0, 0, 2)
_IDLE = Text("idle", style="dim")


class LiveReporter:
    def __init__(self, stream: TextIO, *, width: int | None = None, height: int | None = None) -> None:
        self._console = Console(file=stream, highlight=False, width=width, height=height)
        self._sentence = ""
        self._step_began_s = time.monotonic()
        self._spinner = Spinner("dots")
        self._rows: tuple[Row, ...] = ()
        self._rows_told: tuple[Row, ...] = ()
        self._counts: JobCounts | None = None
        self._at_work: frozenset[str] = frozenset()  # instances that had a job so far
        self._live = self._new_live()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_step(succeeded=kind is None)
        self._tell_rows()
        self._live.stop()

    def step(self, sentence: str) -> None:
        self._end_step(succeeded=True)
        self._sentence, self._step_began_s = sentence, time.monotonic()

    def timeline(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    def progress(self, counts: JobCounts) -> None:
        self._counts, self._at_work = counts, self._at_work | counts.running_on.keys()

    def note(self, text: str) -> None:
        self._console.print(Padding(Text(text), _INDENT))

    @contextmanager
    def paused(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live = self._new_live()  # an old one would erase as many lines as it had drawn last
            self._live.start()

    def picture(self) -> RenderableType:
        """What is redrawn now."""
        # Called from rich's own thread: each field is read once.
        sentence, rows, counts = self._sentence, self._rows, self._counts
        parts: list[RenderableType] = []
        if sentence:
            parts.append(_step_line(self._spinner, sentence, f"{self._elapsed_s():.0f} s", on_one_line=True))
        if rows and rows != self._rows_told:
            parts.append(_boot_table(rows))
        if counts:
            parts += _job_view(counts, self._at_work, width=self._console.width, height=self._console.height)
        # An empty line to rest on: the `^C` that a terminal echoes would make a full one wrap, and a line stay behind.
        return Group(*parts, *([Text("")] if parts else []))

    def _end_step(self, *, succeeded: bool) -> None:
        # Taken out of the picture first: nothing is seen twice.
        sentence, counts, elapsed_s = self._sentence, self._counts, self._elapsed_s()
        self._sentence, self._counts = "", None
        if sentence:
            mark = Text("✓", style="green") if succeeded else Text("✗", style="red")
            self._console.print(_step_line(mark, sentence, f"{elapsed_s:.1f} s"))
        if counts:
            self._console.print(Padding(Text(str(counts)), _INDENT))
        if self._rows and all(_is_complete(row) for row in self._rows):
            self._tell_rows()

    def _tell_rows(self) -> None:
        rows, self._rows = self._rows, ()
        if rows and rows != self._rows_told:
            self._console.print(_boot_table(rows))
            self._rows_told = rows

    def _new_live(self) -> Live:
        return Live(  # asks for the first picture at once
            console=self._console,
            get_renderable=self.picture,
            refresh_per_second=8,
            transient=True,  # what stays is printed line by line
            redirect_stdout=False,  # results may be piped, and click goes around rich's stand-in: see `paused`
        )

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._step_began_s


def _step_line(mark: RenderableType, sentence: str, elapsed: str, *, on_one_line: bool = False) -> RenderableType:
    # What is redrawn keeps its height; what stays is told in full.
    told = Text(sentence, no_wrap=on_one_line, overflow="ellipsis" if on_one_line else "fold")
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True)
    grid.add_column()  # the one that gives way
    grid.add_column(no_wrap=True)
    grid.add_row(mark, told, Text(f" {elapsed}", style="dim"))
    return grid


def _is_complete(row: Row) -> bool:
    return row.latest is (Milestone.JOINED if row.role == Role.ACCESS_POINT else Milestone.FIRST_JOB)


def _boot_table(rows: Sequence[Row]) -> Table:
    """Those that are behind come first: they are what one waits for."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("  instance", no_wrap=True)
    for milestone in list(Milestone)[1:]:  # all were requested
        table.add_column(milestone.value, justify="right")
    order = list(Milestone)
    behind_first = sorted(rows, key=lambda row: (_is_complete(row), order.index(row.latest)))
    for row in behind_first[:_ROWS_SHOWN]:
        not_yet = Text("·", style="dim")
        cells = [not_yet if s is None else Text(f"{s:.1f} s") for s in row.seconds[1:]]
        if row.role == Role.ACCESS_POINT:
            cells[-1] = Text("")  # it runs no jobs
        table.add_row(Text(f"  {row.instance_id} ") + Text(row.role.removesuffix("-point"), style="dim"), *cells)
    if len(rows) > _ROWS_SHOWN:
        table.add_row(Text(f"  and {len(rows) - _ROWS_SHOWN} more", style="dim"))
    return table


def _job_view(counts: JobCounts, at_work: Set[str], *, width: int, height: int) -> list[RenderableType]:
    """As many lines as the terminal has room for below what else is drawn; each where it was before."""
    lines: list[RenderableType] = [_job_line(counts, width=width)]
    lines += [_line(f"  {said}") for said in (counts.outlook, _movement(counts)) if said or counts.kinds]
    room = height - len(lines) - _OTHER_LINES
    seen = at_work if len(at_work) <= _INSTANCES_SHOWN else counts.running_on.keys()
    busy = [(instance_id, counts.running_on.get(instance_id, ())) for instance_id in sorted(seen)]
    instances = min(len(busy), _INSTANCES_SHOWN, max(2, room // 3) if len(counts.kinds) > 1 else max(2, room))
    # one more of each says how many are left out, one is the head of the table
    kinds = max(2, room - instances - (len(busy) > instances) - 2)
    if len(counts.kinds) > 1 and room >= _ROOM_FOR_KINDS:
        lines.append(_kind_table(counts.kinds, kinds, width=width))
    return [*lines, *_running_lines(busy, instances)]


def _job_line(counts: JobCounts, *, width: int) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(no_wrap=True, min_width=len("  jobs"))
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True, overflow="ellipsis")
    bar = ProgressBar(total=max(1, counts.total), completed=counts.done, width=min(_BAR_WIDTH, width // 4))
    grid.add_row("  jobs", bar, Text(counts.states, style="red" if counts.failed or counts.held else ""))
    return grid


def _movement(counts: JobCounts) -> str:
    moving = f"files of {many(counts.transferring, 'job')} on their way" if counts.transferring else ""
    return ", ".join(part for part in (counts.trouble, moving) if part)


def _line(text: str) -> Text:
    return Text(text, no_wrap=True, overflow="ellipsis")


def _kind_table(kinds: Sequence[KindCounts], at_most: int, *, width: int) -> RenderableType:
    """In the order of the workflow; what there is no room for is what is done, and what waits longest."""
    order = sorted(range(len(kinds)), key=lambda at: (not kinds[at].running, not kinds[at].waiting))
    numbers_shown = sorted(order if len(order) <= at_most else order[: max(1, at_most - 1)])
    shown = [kinds[at] for at in numbers_shown]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("  tasks of", no_wrap=True, overflow="ellipsis")
    words = ("waiting", "running", "done", "failed", *(("   mean",) if width >= _WIDTH_FOR_MEANS else ()))
    widest = len(f"{max(kind.total for kind in kinds):,}")
    widths = [max(len(word), widest) for word in words]
    room = max(12, width - sum(widths) - 2 * len(widths) - 2)  # it is the names that give way
    for word, cells in zip(words, widths, strict=True):
        table.add_column(word, justify="right", no_wrap=True, min_width=cells)
    for kind in shown:
        failed = Text(f"{kind.failed:,}", style="red") if kind.failed else Text("")
        mean = Text("" if kind.mean_s is None else duration(kind.mean_s), style="dim")
        numbers = (Text(_number(kind.waiting)), Text(_number(kind.running)), Text(_number(kind.done)))
        name = Text(cut(f"  {kind.transformation}", room), style="" if kind.running or kind.failed else "dim")
        table.add_row(name, *(*numbers, failed, mean)[: len(words)])
    if len(shown) < len(order):
        rest = [kinds[at] for at in order[len(shown) :]]
        left, done = sum(kind.waiting + kind.running for kind in rest), sum(kind.done for kind in rest)
        said = f"  and {len(rest)} more: {left:,} to do, {done:,} done"
        return Group(table, Text(said, style="dim", no_wrap=True, overflow="ellipsis"))
    return table


def _number(count: int) -> str:
    return f"{count:,}" if count else ""


def _running_lines(busy: Sequence[tuple[str, tuple[str, ...]]], at_most: int) -> list[RenderableType]:
    """A line for each instance, cut where the terminal ends."""
    lines = [
        Text(f"  {instance_id}  ", style="dim", no_wrap=True, overflow="ellipsis")
        + (Text(f"{len(names)}: {', '.join(names)}" if len(names) > 1 else names[0]) if names else _IDLE)
        for instance_id, names in busy[:at_most]
    ]
    if len(busy) > at_most:
        more, jobs = len(busy) - at_most, sum(len(names) for _, names in busy[at_most:])
        said = f"  {many(jobs, 'job')} on {more} more instance{'' if more == 1 else 's'}"
        lines.append(Text(said, style="dim"))
    return list(lines)
