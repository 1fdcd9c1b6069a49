"""shell (a stream, by default stderr): what a verb is doing, told while it does it.

`PlainReporter` writes lines for logs and pipes; `LiveReporter` (live.py) redraws a terminal. Standard output stays
free for results.
"""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from types import TracebackType
from typing import Protocol, Self, TextIO

from roost.report.job_counts import JobCounts
from roost.report.timeline import Milestone, Row

# A line of progress at most so often, the longer jobs have run the less; unless one failed or the last one ended.
_PROGRESS_EVERY_S = ((60.0, 2.0), (600.0, 10.0), (float("inf"), 60.0))  # (until, every)


class Reporter(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def step(self, sentence: str) -> None:
        """A stage begins; the one before has ended."""

    def timeline(self, rows: Sequence[Row]) -> None:
        """Where each instance is; call it as often as you look."""

    def progress(self, counts: JobCounts) -> None:
        """Where the jobs are; call it as often as you look."""

    def note(self, text: str) -> None:
        """Something worth a line of its own, now."""

    def paused(self) -> AbstractContextManager[None]:
        """Nothing is drawn meanwhile: for a question, and for results that may go to the same terminal."""


def reporter_for(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Reporter:
    """The live view where somebody can see it move, plain lines anywhere else."""
    if can_redraw(is_terminal=stream.isatty(), encoding=stream.encoding or "", environment=environment):
        # rich costs 100 ms to import: only those who see it pay
        from roost.report.live import LiveReporter

        return LiveReporter(stream)
    return PlainReporter(stream)


def can_redraw(*, is_terminal: bool, encoding: str, environment: Mapping[str, str]) -> bool:
    """NO_COLOR (https://no-color.org) is about colour alone: the live view follows it by itself."""
    is_continuous_integration = environment.get("CI", "").lower() not in ("", "0", "false")
    is_dumb = environment.get("TERM", "dumb") in ("dumb", "unknown", "")
    has_symbols = encoding.lower().replace("-", "") == "utf8"
    return is_terminal and has_symbols and not is_continuous_integration and not is_dumb


class SilentReporter:
    """For a program that is not to say anything by itself."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def step(self, sentence: str) -> None:
        pass

    def timeline(self, rows: Sequence[Row]) -> None:
        pass

    def progress(self, counts: JobCounts) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()


class PlainReporter:
    """`[  3.2 s] sentence`, each thing said once."""

    def __init__(self, stream: TextIO, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._started_s = clock()
        self._reached: set[tuple[str, Milestone]] = set()
        self._counts: JobCounts | None = None
        self._counted_at_s = self._counting_since_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def step(self, sentence: str) -> None:
        self._say(sentence)

    def timeline(self, rows: Sequence[Row]) -> None:
        for row in rows:
            for milestone, seconds in zip(Milestone, row.seconds, strict=True):
                if seconds is not None and (row.instance_id, milestone) not in self._reached:
                    self._reached.add((row.instance_id, milestone))
                    when = "" if milestone is Milestone.REQUESTED else f", {seconds:.1f} s after the request"
                    self._say(f"  {row.instance_id} {row.role}: {milestone.value}{when}")

    def progress(self, counts: JobCounts) -> None:
        before = self._counts
        if before is not None and _jobs(before) == _jobs(counts):
            return
        is_urgent = before is None or counts.failed > before.failed or counts.done == counts.total
        now = self._clock()
        self._counting_since_s = now if before is None else self._counting_since_s
        every_s = next(every for until, every in _PROGRESS_EVERY_S if now - self._counting_since_s < until)
        if is_urgent or now - self._counted_at_s >= every_s:
            self._counts, self._counted_at_s = counts, now
            self._say(f"  {counts}")

    def note(self, text: str) -> None:
        for line in text.splitlines():
            self._say(f"  {line}")

    def paused(self) -> AbstractContextManager[None]:
        return nullcontext()

    def _say(self, text: str) -> None:
        # Whoever read it may have gone (`roost run ... 2>&1 | head`): the pool is taken down all the same.
        with suppress(BrokenPipeError):
            self._stream.write(f"[{self._clock() - self._started_s:5.1f} s] {text}\n")
            self._stream.flush()


def _jobs(counts: JobCounts) -> tuple[int, ...]:
    """Without dollars and estimates, which change all the time."""
    return counts.total, counts.done, counts.running, counts.held, counts.failed, counts.retries
