"""pure: the page's sections on time: where it went, jobs over time, who ran what when, and each transformation's."""

from collections.abc import Mapping, Sequence

from roost.report import charts
from roost.report.charts import Part
from roost.report.figures import duration, many
from roost.report.gantt import BARS_AT_MOST, Gantt
from roost.report.html import Html, element, joined
from roost.report.page_parts import Cell, seconds_cell, section, table
from roost.report.run_report import RunReport
from roost.report.run_text import PART_WORDS, parts_of, shown_links

_LINKS_SHOWN = 25


def chain_section(report: RunReport) -> Html | None:
    chain = report.chain
    if not chain.links:
        return None
    whole = [(PART_WORDS[name], name.removesuffix("_s"), seconds) for name, seconds in parts_of(chain.parts)]
    shown = shown_links(chain.links, _LINKS_SHOWN)
    longest = max(link.parts.total_s for link in shown)
    rows: list[Sequence[Cell]] = []
    for link in shown:
        parts: list[Part] = [(PART_WORDS[name], name.removesuffix("_s"), s) for name, s in parts_of(link.parts)]
        spent = link.parts
        rows.append(
            (
                (link.job, None),
                (link.transformation, None),
                (duration(link.began_at - report.started_at), link.began_at),
                seconds_cell(spent.total_s),
                seconds_cell(spent.running_s),
                seconds_cell(spent.queued_s),
                seconds_cell(spent.inputs_s + spent.outputs_s),
                seconds_cell(spent.dagman_s + spent.script_s),
                seconds_cell(spent.lost_s),
                (charts.thin_stack(parts, whole=longest), None),
            )
        )
    heads = ("job", "transformation", "from", "took", "running", "waiting", "files", "DAGMan", "lost", "")
    left_out = len(chain.links) - len(shown)
    return section(
        "Where the time went",
        f"Along the chain of {many(len(chain.links), 'job')} that ended last, each waiting for the one before it: "
        "every second of the run belongs to one part.",
        charts.stack(whole, label="the run's time"),
        charts.legend(whole),
        table("The critical path", heads, rows, left=(0, 1, 9)),
        element("p", f"{many(left_out, 'job')} that took less are left out.", class_="quiet") if left_out else None,
    )


def load_section(report: RunReport) -> Html:
    load, span = report.load, report.ended_at - report.started_at
    most, waiting = max(load.running), max(load.waiting)
    words = f"running, at most {most:,}", f"waiting for a slot, at most {waiting:,}"
    legend: list[Part] = [(words[0], "running", 0.0), (words[1], "queued", 0.0)]
    return section(
        "Jobs over time",
        None,
        charts.legend(legend, are_seconds=False),
        charts.areas([("running", load.running)], height=90, label=f"jobs running: at most {most:,}", seconds=None),
        charts.areas([("queued", load.waiting)], height=60, label=f"jobs waiting: at most {waiting:,}", seconds=None),
        charts.legend([("done", "good", load.done[-1])], are_seconds=False),
        charts.areas([("good", load.done)], height=60, label=f"jobs done: {load.done[-1]:,} in the end", seconds=span),
    )


def gantt_section(report: RunReport, gantt: Gantt, colour_of: dict[str, str]) -> Html | None:
    if not gantt.lanes:
        return None
    if gantt.are_bars:
        said = "A bar for each attempt, fainter while its files move."
    else:
        said = (
            f"There are more than {BARS_AT_MOST:,} attempts: a lane's height says how busy it was, its colour what "
            "took most of the time."
        )
    colour_of = _of_jobs(gantt, colour_of)
    named: dict[str, list[str]] = {}
    for name, colour in sorted(colour_of.items(), key=lambda one: one[1]):
        named.setdefault(colour, []).append(name)
    words: list[Part] = [(", ".join(some), colour, 0.0) for colour, some in named.items() if colour != "other"]
    words += [("other", "other", 0.0)] if "other" in named else []
    words += [("lost", "lost", 0.0)] if any(one.failed for one in report.instances) else []
    return section(
        "Instances",
        said,
        charts.legend(words, are_seconds=False),
        charts.lanes(gantt, colour_of, seconds=report.ended_at - report.started_at),
    )


def _of_jobs(gantt: Gantt, colour_of: Mapping[str, str]) -> dict[str, str]:
    """Of what is drawn: a job of several transformations has the colour of its first."""
    bars = [bar.transformation for lane in gantt.lanes for bar in lane.bars]
    drawn = dict.fromkeys([*bars, *(step.transformation for lane in gantt.lanes for step in lane.steps)])
    return {name: colour_of.get(name) or colour_of.get(name.partition("+")[0], "other") for name in drawn}


def transformations_section(report: RunReport, colour_of: dict[str, str]) -> Html:
    heads = ["transformation", "kind", "tasks", "failed", "retries", "min", "mean", "max", "sum", "CPU", "max MiB"]
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
            *(seconds_cell(one) for one in (row.min_s, row.mean_s, row.max_s, row.sum_s, row.cpu_s)),
            ("" if row.max_rss_mib is None else f"{row.max_rss_mib:,.0f}", row.max_rss_mib),
            *([seconds_cell(row.stated_mean_s)] if is_stated else []),
        ]
        rows.append(cells)
    return section(
        "Transformations",
        "Run times of tasks that ended well, as their invocation records say."
        + (" Estimated is what profiles say." if is_stated else ""),
        table("Transformations", [*heads, *(["estimated"] if is_stated else [])], rows, left=(0, 1), bad=(3,)),
    )
