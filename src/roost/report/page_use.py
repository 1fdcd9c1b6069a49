"""pure: the page's sections on what the time of cores and instances was used for, and what it cost."""

from collections.abc import Sequence

from roost.report import charts
from roost.report.charts import Part
from roost.report.figures import duration, many, size, usd
from roost.report.html import Html, element, joined
from roost.report.page_parts import Cell, moment_cell, section, table
from roost.report.run_report import RunReport
from roost.report.run_text import SPLIT_WORDS, instance_split
from roost.report.use import SUBMIT_MACHINE

_INSTANCES_SHOWN = 200
_SPLIT_COLOURS = {"useful_s": "good", "overhead_s": "overhead", "badput_s": "lost", "idle_s": "idle"}
_INSTANCE_COLOURS = {"boot": "boot", "busy": "good", "badput": "lost", "idle": "idle", "shutdown": "shutdown"}


def use_section(report: RunReport) -> Html | None:
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
            table("Cost", ("instances", "type", "count", "instance time", "cost"), rows, left=(0, 1)),
            element("p", str(report.receipt.get("price_note", "")), class_="quiet"),
        ]
    )


def instances_section(report: RunReport) -> Html | None:
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
                moment_cell(one.first_at, report.started_at),
                moment_cell(one.last_at, report.started_at),
                ("" if one.usd is None else usd(one.usd), one.usd),
            )
        )
    heads = ("instance", "type", "cores", "attempts", "lost", "busy", "first job", "last job", "cost")
    seen = " Cores are the most that were in use at once." if not report.bound.cores_are_told else ""
    machine = f" Jobs of the {SUBMIT_MACHINE} need no slot." if report.instances[-1].name == SUBMIT_MACHINE else ""
    left_out = len(report.instances) - len(rows)
    more = f" {many(left_out, 'instance')} more are left out." if left_out else ""
    return section(
        "Jobs per instance",
        f"Busy is the share of core time from its first job to its last.{seen}{machine}{more}",
        table("Jobs per instance", heads, rows, left=(0, 1), bad=(4,)),
    )
