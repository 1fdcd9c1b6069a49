"""pure: RunReport, Gantt -> one HTML page that needs nothing else: no network, no other file.

Its policy (CSP) lets nothing in but its own styles and the one script whose digest it names. All text is escaped
(html.py). Without the script everything is there; with it, tables can be sorted.
"""

import base64
import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from roost.report import charts
from roost.report.charts import Part
from roost.report.figures import duration, many, share, size, usd
from roost.report.gantt import BARS_AT_MOST, Gantt
from roost.report.html import Html, element, joined
from roost.report.run_report import FailedJob, RunReport
from roost.report.run_text import PART_WORDS, SPLIT_WORDS, counted, instance_split, parts_of, shown_links
from roost.report.use import SUBMIT_MACHINE

_LINKS_SHOWN = 25
_INSTANCES_SHOWN = 200
_SPLIT_COLOURS = {"useful_s": "good", "overhead_s": "overhead", "badput_s": "lost", "idle_s": "idle"}
_INSTANCE_COLOURS = {"boot": "boot", "busy": "good", "badput": "lost", "idle": "idle", "shutdown": "shutdown"}

Cell = tuple[str | Html, float | None]  # what is shown, what it is sorted by


def page(report: RunReport, gantt: Gantt, *, style: str, script: str) -> str:
    colour_of = charts.colours(row.transformation for row in report.transformations)
    sections = [
        _facts(report),
        _failures(report),
        _chain(report),
        _load(report),
        _gantt(report, gantt, colour_of),
        _transformations(report, colour_of),
        _use(report),
        _instances(report),
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
    if bound.ratio is not None:
        limit = "critical path" if bound.critical_path_s >= bound.seconds else "work over cores"
        facts.append(("Times its bound", f"{bound.ratio:.2f}", f"{duration(bound.seconds)}: {limit}"))
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
    return _section(
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


def _chain(report: RunReport) -> Html | None:
    chain = report.chain
    if not chain.links:
        return None
    whole = [(PART_WORDS[name], name.removesuffix("_s"), seconds) for name, seconds in parts_of(chain.parts)]
    shown = shown_links(chain.links, _LINKS_SHOWN)
    longest = max(link.parts.total_s for link in shown)
    rows: list[Sequence[Cell]] = []
    for link in shown:
        parts: list[Part] = [(PART_WORDS[name], name.removesuffix("_s"), s) for name, s in parts_of(link.parts)]
        seconds = link.parts
        rows.append(
            (
                (link.job, None),
                (link.transformation, None),
                (duration(link.began_at - report.started_at), link.began_at),
                _seconds(seconds.total_s),
                _seconds(seconds.running_s),
                _seconds(seconds.queued_s),
                _seconds(seconds.inputs_s + seconds.outputs_s),
                _seconds(seconds.dagman_s + seconds.script_s),
                _seconds(seconds.lost_s),
                (charts.thin_stack(parts, whole=longest), None),
            )
        )
    heads = ("job", "transformation", "from", "took", "running", "waiting", "files", "DAGMan", "lost", "")
    left_out = len(chain.links) - len(shown)
    return _section(
        "Where the time went",
        f"Along the chain of {many(len(chain.links), 'job')} that ended last, each waiting for the one before it: "
        "every second of the run belongs to one part.",
        charts.stack(whole, label="the run's time"),
        charts.legend(whole),
        _table("The critical path", heads, rows, left=(0, 1, 9)),
        element("p", f"{many(left_out, 'job')} that took less are left out.", class_="quiet") if left_out else None,
    )


def _load(report: RunReport) -> Html:
    load, span = report.load, report.ended_at - report.started_at
    most, waiting = max(load.running), max(load.waiting)
    legend: list[Part] = [("running, at most", "running", most), ("waiting for a slot, at most", "queued", waiting)]
    return _section(
        "Jobs over time",
        None,
        charts.legend(legend, are_seconds=False),
        charts.areas([("running", load.running)], height=90, label=f"jobs running: at most {most:,}", seconds=None),
        charts.areas([("queued", load.waiting)], height=60, label=f"jobs waiting: at most {waiting:,}", seconds=None),
        charts.legend([("done", "good", load.done[-1])], are_seconds=False),
        charts.areas([("good", load.done)], height=60, label=f"jobs done: {load.done[-1]:,} in the end", seconds=span),
    )


def _gantt(report: RunReport, gantt: Gantt, colour_of: dict[str, str]) -> Html | None:
    if not gantt.lanes:
        return None
    if gantt.are_bars:
        said = "A bar for each attempt, fainter while its files move."
    else:
        said = (
            f"There are more than {BARS_AT_MOST:,} attempts: a lane's height says how busy it was, its colour what "
            "took most of the time."
        )
    used = [row.transformation for row in report.transformations]
    named: list[Part] = [(name, colour_of[name], 0.0) for name in dict.fromkeys(used) if colour_of[name] != "other"]
    if "other" in colour_of.values():
        named.append(("other", "other", 0.0))
    lost: list[Part] = [("lost", "lost", 0.0)] if any(one.failed for one in report.instances) else []
    return _section(
        "Instances",
        said,
        charts.legend([*named, *lost], are_seconds=False),
        charts.lanes(gantt, colour_of, seconds=report.ended_at - report.started_at),
    )


def _transformations(report: RunReport, colour_of: dict[str, str]) -> Html:
    heads = ["transformation", "kind", "tasks", "failed", "retries", "min", "mean", "max", "sum", "CPU", "MiB"]
    is_stated = any(row.stated_mean_s is not None for row in report.transformations)
    rows: list[Sequence[Cell]] = []
    for row in report.transformations:
        swatch = element("i", class_="swatch", style=f"background:var(--{colour_of[row.transformation]})")
        cells: list[Cell] = [
            (joined([swatch, element("span", row.transformation)]), None),
            (row.kind, None),
            (f"{row.tasks:,}", row.tasks),
            (str(row.failed or ""), row.failed),
            (str(row.retries or ""), row.retries),
            *(_seconds(one) for one in (row.min_s, row.mean_s, row.max_s, row.sum_s, row.cpu_s)),
            ("" if row.max_rss_mib is None else f"{row.max_rss_mib:,.0f}", row.max_rss_mib),
            *([_seconds(row.stated_mean_s)] if is_stated else []),
        ]
        rows.append(cells)
    return _section(
        "Transformations",
        "Run times of tasks that ended well, as their invocation records say."
        + (" Estimated is what profiles say." if is_stated else ""),
        _table("Transformations", [*heads, *(["estimated"] if is_stated else [])], rows, left=(0, 1), bad=(3,)),
    )


def _use(report: RunReport) -> Html | None:
    split, parts = report.core_seconds, []
    if split.total_s > 0:
        cores: list[Part] = [(word, _SPLIT_COLOURS[key], getattr(split, key)) for key, word in SPLIT_WORDS.items()]
        parts.append(
            element(
                "div",
                element("h2", "Use of the cores"),
                element(
                    "p", "Core seconds while DAGMan ran. Badput is attempts that were for nothing.", class_="quiet"
                ),
                charts.stack(cores, label="use of the cores"),
                charts.legend(cores),
            )
        )
    if report.receipt is not None:
        lives: list[Part] = [(word, _INSTANCE_COLOURS[word], s) for word, s in instance_split(report.receipt)]
        parts.append(
            element(
                "div",
                element("h2", "Use of the instances"),
                element("p", "Seconds of execution points, from launch to termination.", class_="quiet"),
                charts.stack(lives, label="use of the instances"),
                charts.legend(lives),
            )
        )
    moved, checks = report.transfers, report.integrity
    facts = f"Files: {size(moved.inputs)} to the jobs, {size(moved.outputs)} back"
    facts += f", {size(moved.staged)} staged" if moved.staged else ""
    facts += f". Checksums: {checks.computed:,} computed, {checks.checked:,} checked, {checks.wrong:,} wrong."
    costs = _costs(report)
    return element("section", element("div", parts, class_="two"), element("p", facts, class_="quiet"), costs)


def _costs(report: RunReport) -> Html | None:
    if not report.receipt or not report.receipt.get("items"):
        return None
    rows: list[Sequence[Cell]] = [
        (
            (str(item.get("role", "")).replace("-", " "), None),
            (str(item.get("instance_type", "")), None),
            (str(item.get("count", "")), item.get("count")),
            (duration(item.get("seconds")), item.get("seconds")),
            (usd(item.get("usd")), item.get("usd")),
        )
        for item in report.receipt["items"]
    ]
    total = report.receipt.get("usd")
    done = report.tasks.done
    each = f", {usd(total / done)} a task" if isinstance(total, int | float) and done else ""
    return joined(
        [
            element("h2", f"Cost: {usd(total)}{each}"),
            _table("Cost", ("instances", "type", "count", "instance time", "cost"), rows, left=(0, 1)),
            element("p", str(report.receipt.get("price_note", "")), class_="quiet"),
        ]
    )


def _instances(report: RunReport) -> Html | None:
    if not report.instances:
        return None
    rows: list[Sequence[Cell]] = []
    for one in report.instances[:_INSTANCES_SHOWN]:
        rows.append(
            (
                (one.name, None),
                (one.instance_type, None),
                (str(one.cores), one.cores),
                (f"{one.attempts:,}", one.attempts),
                (str(one.failed or ""), one.failed),
                ("" if one.busy is None else f"{one.busy:.0%}", one.busy),
                _moment(one.first_at, report),
                _moment(one.last_at, report),
                ("" if one.usd is None else usd(one.usd), one.usd),
            )
        )
    heads = ("instance", "type", "cores", "attempts", "lost", "busy", "first job", "last job", "cost")
    seen = " Cores are the most that were in use at once." if not report.bound.cores_are_told else ""
    machine = f" Jobs of the {SUBMIT_MACHINE} need no slot." if report.instances[-1].name == SUBMIT_MACHINE else ""
    left_out = len(report.instances) - len(rows)
    more = f" {many(left_out, 'instance')} more are left out." if left_out else ""
    return _section(
        "Jobs per instance",
        f"Busy is the share of core time from its first job to its last.{seen}{machine}{more}",
        _table("Jobs per instance", heads, rows, left=(0, 1), bad=(4,)),
    )


def _subworkflows(report: RunReport) -> Html | None:
    if not report.subworkflows:
        return None
    rows: list[Sequence[Cell]] = [
        (
            (one.name, None),
            (one.state, None),
            (f"{one.jobs.done:,} of {one.jobs.total:,}", one.jobs.done),
            _seconds(one.makespan_s),
            (one.directory, None),
        )
        for one in report.subworkflows
    ]
    return _section(
        "Sub-workflows",
        "Each has a report of its own: roost report DIRECTORY.",
        _table("Sub-workflows", ("workflow", "state", "jobs done", "took", "directory"), rows, left=(0, 1, 4)),
    )


def _footer(report: RunReport) -> Html:
    lost = f" Invocation records that cannot be read: {report.unreadable_records}." if report.unreadable_records else ""
    return element("p", f"Made by roost report from the files of the run. {report.uuid}{lost}", class_="quiet")


def _section(title: str, said: str | None, *parts: Html | list[Html] | None) -> Html:
    return element("section", element("h2", title), element("p", said, class_="quiet") if said else None, *parts)


def _table(
    name: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, left: tuple[int, ...], bad: tuple[int, ...] = ()
) -> Html:
    def head(at: int, word: str) -> Html:
        inner = element("button", word, type="button") if word else ""
        return element("th", inner, scope="col", class_="left" if at in left else None)

    def cell(at: int, shown: str | Html, value: float | None) -> Html:
        kinds = ["left"] if at in left else []
        kinds += ["name"] if at in left and at < 2 else []
        kinds += ["bad"] if at in bad and value else []
        title = shown if at in left and not isinstance(shown, Html) and len(shown) > 30 else None
        by = None if at in left else f"{value:.6g}" if value is not None else ""
        return element("td", shown, class_=" ".join(kinds) or None, data_v=by, title=title)

    def lines() -> Iterator[Html]:
        for row in rows:
            yield element("tr", [cell(at, shown, value) for at, (shown, value) in enumerate(row)])

    table = element(
        "table",
        element("thead", element("tr", [head(at, word) for at, word in enumerate(heads)])),
        element("tbody", list(lines())),
    )
    return element("div", table, class_="scroll", tabindex="0", role="region", aria_label=name)


def _seconds(amount: float | None) -> Cell:
    return ("" if not amount else duration(amount), amount)


def _moment(at: float | None, report: RunReport) -> Cell:
    return ("", None) if at is None else (duration(at - report.started_at), at)


def _when(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
