"""pure: RunReport -> text for a terminal of 100 columns."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from roost.report.cells import cells as _cells
from roost.report.cells import cut, padded
from roost.report.chain import Link, Parts
from roost.report.figures import duration, many, share, size, times, usd
from roost.report.run_report import Counts, RunReport

WIDTH = 100
_LINKS_SHOWN = 12
_ROWS_SHOWN = 30
_INSTANCES_SHOWN = 20
_STDERR_SHOWN = 8
PART_WORDS = {
    "running_s": "running",
    "queued_s": "waiting for a slot",
    "inputs_s": "inputs",
    "outputs_s": "outputs",
    "dagman_s": "DAGMan",
    "script_s": "POST scripts",
    "lost_s": "lost attempts",
    "stopped_s": "stopped",
}
SPLIT_WORDS = {
    "useful_s": "useful",
    "overhead_s": "overhead",
    "badput_s": "badput",
    "idle_s": "idle",
}


def text(report: RunReport) -> str:
    sections = [
        _head(report),
        _bound(report),
        _chain(report),
        _transformations(report),
        _instances(report),
        _use(report),
        _costs(report.receipt),
        _failures(report),
        _subworkflows(report),
    ]
    return "\n\n".join("\n".join(lines) for one in sections if (lines := list(one))) + "\n"


def _head(report: RunReport) -> Iterator[str]:
    began = datetime.fromtimestamp(report.started_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    again = f", in {report.dag_runs} runs of DAGMan" if report.dag_runs > 1 else ""
    yield cut(f"{report.name}: {report.state}, {duration(report.makespan_s)}{again}, since {began}", WIDTH)
    yield f"  tasks  {counted(report.tasks)}"
    evicted = f", {many(report.evictions, 'eviction')}" if report.evictions else ""
    yield f"  jobs   {counted(report.jobs)}{evicted}"


def counted(counts: Counts) -> str:
    states = [(counts.failed, "failed"), (counts.running, "running"), (counts.not_run, "not run")]
    shown = [f"{counts.done:,} of {counts.total:,} done", *(f"{number:,} {word}" for number, word in states if number)]
    return ", ".join([*shown, *([many(counts.retries, "retry")] if counts.retries else [])])


def _bound(report: RunReport) -> Iterator[str]:
    bound = report.bound
    if bound.ratio is None or report.state != "done":  # of half a run it says nothing
        return
    cores = f"{many(bound.cores, 'core')}{'' if bound.cores_are_told else ' (seen in use)'}"
    yield f"bound: {duration(bound.seconds)}, the run took {times(bound.ratio)} times that"
    yield f"  critical path {duration(bound.critical_path_s)}; work {duration(bound.work_core_s)} on {cores}"


def _chain(report: RunReport) -> Iterator[str]:
    """Where the time went: all of the run, then its longest links."""
    links = report.chain.links
    if not links:
        return
    parts = "; ".join(
        f"{PART_WORDS[name]} {duration(seconds)} ({share(seconds, report.chain.parts.total_s)})"
        for name, seconds in parts_of(report.chain.parts)
    )
    yield f"where the time went, along the chain of {many(len(links), 'job')} that ended last:"
    yield from textwrap.wrap(parts, WIDTH, initial_indent="  ", subsequent_indent="  ")
    shown = shown_links(links, _LINKS_SHOWN)
    rows: list[tuple[str, ...]] = [("  job", "took", "running", "waiting", "files", "DAGMan", "lost", "on")]
    for link in shown:
        part = link.parts
        files = part.inputs_s + part.outputs_s
        seconds = (part.total_s, part.running_s, part.queued_s, files, part.dagman_s + part.script_s, part.lost_s)
        rows.append((f"  {link.job}", *(_tenths(one) for one in seconds), link.host))
    yield from _table(rows, right=range(1, 7), widest=38)
    if len(shown) < len(links):
        yield f"  and {many(len(links) - len(shown), 'job')} that took less"


def shown_links(links: Sequence[Link], at_most: int) -> list[Link]:
    """Those that took longest, in the order in which they ran."""
    longest = sorted(links, key=lambda link: -link.parts.total_s)[:at_most]
    return sorted(longest, key=lambda link: link.began_at)


def parts_of(parts: Parts) -> list[tuple[str, float]]:
    """(name of the part, seconds), those that were."""
    return [(name, getattr(parts, name)) for name in PART_WORDS if getattr(parts, name) >= 0.001]


def _transformations(report: RunReport) -> Iterator[str]:
    rows: list[tuple[str, ...]] = [
        (
            "transformation",
            "tasks",
            "failed",
            "retries",
            "min s",
            "mean s",
            "max s",
            "sum s",
            "CPU s",
            "max MiB",
            "stated s",
        )
    ]
    for row in report.transformations[:_ROWS_SHOWN]:
        name = row.transformation if row.kind == "compute" else f"{row.transformation} ({row.kind})"
        times = (row.min_s, row.mean_s, row.max_s, row.sum_s, row.cpu_s, row.max_rss_mib, row.stated_mean_s)
        counts = (f"{row.tasks:,}", str(row.failed or ""), str(row.retries or ""))
        rows.append((name, *counts, *("" if one is None else _tenths(one) for one in times)))
    if not any(row[-1] for row in rows[1:]):
        rows = [row[:-1] for row in rows]
    yield from _table(rows, right=range(1, len(rows[0])), widest=44)
    if len(report.transformations) > _ROWS_SHOWN:
        yield f"and {many(len(report.transformations) - _ROWS_SHOWN, 'transformation')} more"


def _instances(report: RunReport) -> Iterator[str]:
    rows = [("instance", "type", "cores", "jobs", "lost", "busy", "cost")]
    for one in report.instances[:_INSTANCES_SHOWN]:
        busy = "" if one.busy is None else f"{one.busy:.0%}"
        cost = usd(one.usd) if one.usd is not None else ""
        rows.append(
            (one.name, one.instance_type, str(one.cores), f"{one.attempts:,}", str(one.failed or ""), busy, cost)
        )
    if len(rows) > 1:
        kept = [at for at in range(7) if any(row[at] for row in rows[1:])]  # no receipt: no types, no costs
        yield from _table([[row[at] for at in kept] for row in rows], right=range(kept.index(2), len(kept)), widest=40)
    if len(report.instances) > _INSTANCES_SHOWN:
        yield f"and {many(len(report.instances) - _INSTANCES_SHOWN, 'instance')} more"


def _use(report: RunReport) -> Iterator[str]:
    split = report.core_seconds
    if split.total_s > 0:
        shares = ", ".join(f"{word} {share(getattr(split, name), split.total_s)}" for name, word in SPLIT_WORDS.items())
        yield f"{many(report.bound.cores, 'core')} for {duration(report.makespan_s)}: {shares}"
    moved = report.transfers
    staged = f"; staged {size(moved.staged)}" if moved.staged else ""
    yield f"files: {size(moved.inputs)} to the jobs, {size(moved.outputs)} back{staged}"
    checks = report.integrity
    if checks.checked or checks.wrong or checks.computed:
        wrong = f", {checks.wrong} WRONG" if checks.wrong else ""
        yield f"checksums: {checks.computed:,} computed, {checks.checked:,} checked{wrong}; {duration(checks.seconds)}"
    if report.unreadable_records:
        yield f"invocation records that cannot be read: {report.unreadable_records}"


def _costs(receipt: Mapping[str, Any] | None) -> Iterator[str]:
    if not receipt:
        return
    items = "; ".join(f"{one['count']} x {one['instance_type']} {usd(one['usd'])}" for one in receipt.get("items", ()))
    yield f"cost: {usd(receipt.get('usd'))} ({items})"
    split = instance_split(receipt)
    whole = sum(seconds for _, seconds in split)
    if whole > 0:
        yield "  execution points: " + ", ".join(f"{word} {share(seconds, whole)}" for word, seconds in split)


def instance_split(receipt: Mapping[str, Any]) -> list[tuple[str, float]]:
    """(word, seconds) of the execution points' time, as the receipt splits it."""
    split = receipt.get("split") or {}
    return [(word, float(split.get(f"{word}_s") or 0)) for word in ("boot", "busy", "badput", "idle", "shutdown")]


def _failures(report: RunReport) -> Iterator[str]:
    for one in report.failures:
        where = f" on {one.instance}" if one.instance else ""
        yield f"failed: {one.job}: {one.reason}, {many(one.attempts, 'attempt')}{where}"
        yield from (f"    {line}" for line in one.stderr[-_STDERR_SHOWN:])
        yield from (f"  {path}" for path in one.files[:1])
    if report.failures_not_shown:
        yield f"and {many(report.failures_not_shown, 'job')} more that failed"


def _subworkflows(report: RunReport) -> Iterator[str]:
    rows = [("sub-workflow", "state", "jobs", "took", "roost report ...")]
    rows += [
        (one.name, one.state, f"{one.jobs.done:,} of {one.jobs.total:,}", duration(one.makespan_s), one.directory)
        for one in report.subworkflows
    ]
    if len(rows) > 1:
        yield from _table(rows, right=(), widest=60)


def _tenths(number: float) -> str:
    """
    >>> _tenths(0), _tenths(0.254), _tenths(1234.56), _tenths(71234.5)
    ('0', '0.25', '1,234.6', '71,234')
    """
    if not number:
        return "0"
    return f"{number:,.2f}" if abs(number) < 10 else f"{number:,.1f}" if abs(number) < 10_000 else f"{number:,.0f}"


def _table(rows: Sequence[Sequence[str]], *, right: Sequence[int] | range, widest: int) -> Iterator[str]:
    """No line is wider than WIDTH: the first column gives way, down to 12; what is still too wide is cut."""
    widths = [max(_cells(row[column]) for row in rows) for column in range(len(rows[0]))]
    rest = sum(widths[1:]) + 2 * (len(widths) - 1)
    widths[0] = max(12, min(widths[0], widest, WIDTH - rest))
    for row in rows:
        cells = [
            padded(cell, width, right=column in right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield cut("  ".join(cells).rstrip(), WIDTH)
