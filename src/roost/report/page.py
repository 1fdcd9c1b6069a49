"""pure: RunReport, Gantt -> one HTML page that needs nothing else: no network, no other file.

Its policy (CSP) lets nothing in but its own styles and the one script whose digest it names. All text is escaped
(html.py). Without the script everything is there; with it, tables can be sorted.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

from roost.report import charts
from roost.report.figures import duration, many, share, times, usd
from roost.report.gantt import Gantt
from roost.report.html import Html, element
from roost.report.page_parts import Cell, seconds_cell, section, table
from roost.report.page_times import chain_section, gantt_section, load_section, transformations_section
from roost.report.page_use import instances_section, use_section
from roost.report.run_report import FailedJob, RunReport
from roost.report.run_text import counted


def page(report: RunReport, gantt: Gantt, *, style: str, script: str) -> str:
    colour_of = charts.colours(row.transformation for row in report.transformations)
    sections = [
        _facts(report),
        _failures(report),
        chain_section(report),
        load_section(report),
        gantt_section(report, gantt, colour_of),
        transformations_section(report, colour_of),
        use_section(report),
        instances_section(report),
        _subworkflows(report),
    ]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", f"{report.name}: {report.state}"),
        element("style", Html(style)),
    )
    main = element("main", _header(report), [one for one in sections if one is not None], _footer(report))
    body = element("body", main, element("script", Html(script)))
    return f"<!doctype html>\n{element('html', head, body, lang='en')}\n"


def _header(report: RunReport) -> Html:
    again = f", in {report.dag_runs} runs of DAGMan" if report.dag_runs > 1 else ""
    return element(
        "header",
        element("h1", report.name),
        element("span", report.state, class_=f"state {report.state}"),
        element(
            "span",
            f"{_when(report.started_at)} to {_when(report.ended_at)}{again} · {report.directory}",
            class_="quiet",
        ),
    )


def _facts(report: RunReport) -> Html:
    bound, counts = report.bound, report.tasks
    facts: list[tuple[str, str, str]] = [
        ("Took", duration(report.makespan_s), "DAGMan's running time"),
        ("Tasks done", f"{counts.done:,}", counted(counts).partition(" ")[2].replace(" done", "", 1)),
        ("Jobs done", f"{report.jobs.done:,}", f"of {report.jobs.total:,}, {_trouble(report)}"),
    ]
    if bound.ratio is not None and report.state == "done":
        is_path = bound.critical_path_s >= bound.seconds
        limit = "its critical path" if is_path else f"its work on {many(bound.cores, 'core')}"
        facts.append(("Times the least possible", times(bound.ratio), f"{duration(bound.seconds)}: {limit}"))
    if bound.cores:
        useful = share(report.core_seconds.useful_s, report.core_seconds.total_s)
        facts.append(("Cores", f"{bound.cores:,}", f"{useful} of their time useful"))
    if report.receipt is not None:
        facts.append(("Cost", usd(report.receipt.get("usd")), "of all instances, see below"))
    cards = [
        element("div", element("dt", name), element("dd", value, class_="big"), element("dd", more, class_="small"))
        for name, value, more in facts
    ]
    return element("dl", cards, class_="facts")


def _trouble(report: RunReport) -> str:
    said = [many(report.jobs.retries, "retry")] if report.jobs.retries else []
    said += [many(report.evictions, "eviction")] if report.evictions else []
    return ", ".join(said) or "no retries"


def _failures(report: RunReport) -> Html | None:
    if not report.failures:
        return None
    more = many(report.failures_not_shown, "job")
    return section(
        "What failed",
        many(len(report.failures) + report.failures_not_shown, "job"),
        [_failure(one, is_open=number < 2) for number, one in enumerate(report.failures)],
        element("p", f"and {more} more", class_="quiet") if report.failures_not_shown else None,
    )


def _failure(one: FailedJob, *, is_open: bool) -> Html:
    where = f" on {one.instance}" if one.instance else ""
    return element(
        "details",
        element("summary", element("b", one.job), f": {one.reason}, {many(one.attempts, 'attempt')}{where}"),
        element("pre", "\n".join(one.stderr), tabindex="0")
        if one.stderr
        else element("p", "No stderr.", class_="quiet"),
        [element("p", path, class_="quiet") for path in one.files],
        open=is_open,
    )


def _subworkflows(report: RunReport) -> Html | None:
    if not report.subworkflows:
        return None
    rows: list[Sequence[Cell]] = [
        (
            (one.name, None),
            (one.state, None),
            (f"{one.jobs.done:,} of {one.jobs.total:,}", one.jobs.done),
            seconds_cell(one.makespan_s),
            (one.directory, None),
        )
        for one in report.subworkflows
    ]
    return section(
        "Sub-workflows",
        "Each has a report of its own: roost report DIRECTORY.",
        table("Sub-workflows", ("workflow", "state", "jobs done", "took", "directory"), rows, left=(0, 1, 4)),
    )


def _footer(report: RunReport) -> Html:
    lost = f" Invocation records that cannot be read: {report.unreadable_records}." if report.unreadable_records else ""
    return element("p", f"Made by roost report from the files of the run. {report.uuid}{lost}", class_="quiet")


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
