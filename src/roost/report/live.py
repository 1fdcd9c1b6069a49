"""shell (rich): the live view of a terminal.

What has ended stays above as lines; below, redrawn: the stage that is under way, the instances' boot table, the jobs.
"""

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self, TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from roost.report.reporter import JobCounts
from roost.report.timeline import Milestone, Row

_ROWS_SHOWN = 12


class LiveReporter:
    def __init__(self, stream: TextIO) -> None:
        self._console = Console(file=stream, highlight=False)
        self._sentence = ""
        self._step_began_s = time.monotonic()
        self._spinner = Spinner("dots")
        self._rows: Sequence[Row] = ()
        self._counts: JobCounts | None = None
        self._live = Live(  # asks for the first picture at once
            console=self._console,
            get_renderable=self._picture,
            refresh_per_second=8,
            transient=True,  # what stays is printed line by line
            redirect_stdout=False,  # results may be piped
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end_step(succeeded=kind is None)
        self._live.stop()

    def step(self, sentence: str) -> None:
        self._end_step(succeeded=True)
        self._sentence, self._step_began_s = sentence, time.monotonic()

    def timeline(self, rows: Sequence[Row]) -> None:
        self._rows = tuple(rows)

    def progress(self, counts: JobCounts) -> None:
        self._counts = counts

    def note(self, text: str) -> None:
        self._console.print(Text(f"  {text}"))

    def _end_step(self, *, succeeded: bool) -> None:
        if self._sentence:
            mark = Text("✓ ", style="green") if succeeded else Text("✗ ", style="red")
            self._console.print(mark + Text(self._sentence) + Text(f"  {self._elapsed_s():.1f} s", style="dim"))
        if self._rows:
            self._console.print(_boot_table(self._rows))
        if self._counts:
            self._console.print(Text(f"  {self._counts}"))
        self._sentence, self._rows, self._counts = "", (), None

    def _picture(self) -> RenderableType:
        # Called from rich's own thread: each field is read once.
        sentence, rows, counts = self._sentence, self._rows, self._counts
        parts: list[RenderableType] = []
        if sentence:
            self._spinner.update(text=Text(sentence) + Text(f"  {self._elapsed_s():.0f} s", style="dim"))
            parts.append(self._spinner)
        if rows:
            parts.append(_boot_table(rows))
        if counts:
            parts.append(_job_line(counts))
        return Group(*parts)

    def _elapsed_s(self) -> float:
        return time.monotonic() - self._step_began_s


def _boot_table(rows: Sequence[Row]) -> Table:
    """Those that are behind come first: they are what one waits for."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("  instance", no_wrap=True)
    for milestone in list(Milestone)[1:]:  # all were requested
        table.add_column(milestone.value, justify="right")
    order = list(Milestone)
    behind_first = sorted(rows, key=lambda row: order.index(row.latest))
    for row in behind_first[:_ROWS_SHOWN]:
        cells = [Text("·", style="dim") if s is None else Text(f"{s:.1f} s") for s in row.seconds[1:]]
        table.add_row(Text(f"  {row.instance_id} ") + Text(row.role.removesuffix("-point"), style="dim"), *cells)
    if len(rows) > _ROWS_SHOWN:
        table.add_row(Text(f"  and {len(rows) - _ROWS_SHOWN} more", style="dim"))
    return table


def _job_line(counts: JobCounts) -> RenderableType:
    grid = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=max(1, counts.total), completed=counts.done, width=30)
    grid.add_row("  jobs", bar, Text(str(counts), style="red" if counts.failed or counts.held else ""))
    return grid
