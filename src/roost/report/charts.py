"""pure: figures of a run -> SVG and HTML bars. Graphics alone are SVG, stretched to the page; words are HTML."""

import math
from collections.abc import Iterable, Mapping, Sequence

from roost.report.figures import duration, share
from roost.report.gantt import STEPS, Bar, Gantt, Lane, Step
from roost.report.html import Html, element
from roost.workflow.attempts import Outcome

_WIDTH = 1000.0  # of an SVG's own units
_ROW = 12.0
_LANE = 16.0
_COLOURS = 8  # --c0 to --c7; what comes after them is --other
_TICKS_AT_MOST = 5
_LATE = 0.9  # share of an axis; from there on words go to the left of their tick
_MINUTE_S, _HOUR_S, _DAY_S = 60.0, 3600.0, 86400.0
_STEPS_S = (
    *(number * 10.0**power for power in range(-3, 1) for number in (1, 2, 5)),
    *(10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 14400.0, 21600.0, 43200.0, _DAY_S),
)

Part = tuple[str, str, float]  # (words, name of a colour, amount)


def stack(parts: Sequence[Part], *, label: str) -> Html:
    """One bar, split."""
    whole = sum(amount for _, _, amount in parts) or 1.0
    said = ", ".join(f"{words} {share(amount, whole)}" for words, _, amount in parts if amount > 0)
    return element("div", _spans(parts, whole), class_="stack", role="img", aria_label=f"{label}: {said}")


def thin_stack(parts: Sequence[Part], *, whole: float) -> Html:
    """The same in a row of a table, as long as its share of `whole`."""
    total = sum(amount for _, _, amount in parts)
    return element("div", _spans(parts, whole), class_="stack thin", role="img", aria_label=duration(total))


def _spans(parts: Sequence[Part], whole: float) -> list[Html]:
    return [
        element(
            "span", style=f"width:{amount / whole:.4%};background:var(--{colour})", title=f"{words}: {duration(amount)}"
        )
        for words, colour, amount in parts
        if amount > 0 and whole > 0
    ]


def legend(parts: Sequence[Part], *, are_seconds: bool = True) -> Html:
    whole = sum(amount for _, _, amount in parts)
    items = [
        element(
            "li",
            element("i", style=f"background:var(--{colour})"),
            f"{words} ",
            element("b", duration(amount) if are_seconds else f"{amount:,.0f}") if amount else None,
            f" ({share(amount, whole)})" if are_seconds and amount else None,
        )
        for words, colour, amount in parts
        if amount > 0 or not are_seconds
    ]
    return element("ul", items, class_="legend")


def colours(names: Iterable[str]) -> dict[str, str]:
    """For the names in their order: a colour each, as long as there are any."""
    return {name: f"c{at}" if at < _COLOURS else "other" for at, name in enumerate(names)}


def times(seconds: float) -> Html:
    """What stands below an axis of time."""
    ticks = [
        element("span", words, style=f"left:{at / seconds:.3%}", class_="late" if at / seconds > _LATE else None)
        for at, words in (round_times(seconds) if seconds > 0 else [])
    ]
    return element("div", ticks, class_="times", aria_hidden="true")


def round_times(seconds: float) -> list[tuple[float, str]]:
    """Few moments from zero on that are easily read.

    >>> [words for _, words in round_times(44.3)], [words for _, words in round_times(0.9)]
    (['0', '10 s', '20 s', '30 s', '40 s'], ['0', '0.2 s', '0.4 s', '0.6 s', '0.8 s'])
    >>> [words for _, words in round_times(4000)], [words for _, words in round_times(500000)]
    (['0', '15 min', '30 min', '45 min', '60 min'], ['0', '2 d', '4 d'])
    """
    step = next((one for one in _STEPS_S if seconds / one <= _TICKS_AT_MOST), None)
    if step is None:
        step = _DAY_S * 2 ** math.ceil(math.log2(seconds / _DAY_S / _TICKS_AT_MOST))
    if step < _MINUTE_S:
        unit, word = 1.0, "s"
    elif step < _HOUR_S:
        unit, word = _MINUTE_S, "min"
    else:
        unit, word = (_HOUR_S, "h") if step < _DAY_S else (_DAY_S, "d")
    many = int(seconds / step * 1.000001)
    return [(at * step, f"{at * step / unit:g} {word}" if at else "0") for at in range(many + 1)]


def areas(layers: Sequence[tuple[str, Sequence[int]]], *, height: int, label: str, seconds: float | None) -> Html:
    """Step curves, one over the other; each starts from zero. `seconds`: of the axis below, if there is one."""
    top = max((max(values) for _, values in layers), default=0) or 1
    paths = [
        element("path", d=_steps(values, top, height), fill=f"var(--{colour})", fill_opacity=0.85)
        for colour, values in layers
    ]
    svg = element(
        "svg",
        paths,
        viewBox=f"0 0 {_WIDTH:.0f} {height}",
        height=height,
        preserveAspectRatio="none",
        role="img",
        aria_label=label,
    )
    scale = element("div", element("span", f"{top:,}"), element("span", "0"), class_="y", aria_hidden="true")
    return element(
        "div", scale, element("div", svg, class_="area"), times(seconds) if seconds is not None else None, class_="plot"
    )


def lanes(gantt: Gantt, colour_of: Mapping[str, str], *, seconds: float) -> Html:
    """A row of HTML for each lane: who, and when."""
    cells: list[Html] = []
    for lane in gantt.lanes:
        drawn = (
            [_bar(bar, colour_of) for bar in lane.bars]
            if gantt.are_bars
            else [_step(step, colour_of, seconds) for step in lane.steps]
        )
        height = lane.rows * _ROW if gantt.are_bars else _LANE
        cells += [
            element("div", lane.name, class_="who", title=lane.name),
            element(
                "svg",
                drawn,
                viewBox=f"0 0 {_WIDTH:.0f} {height:.0f}",
                height=height,
                preserveAspectRatio="none",
                role="img",
                aria_label=_lane_label(lane),
            ),
        ]
    return element("div", cells, times(seconds), class_="lanes")


def _lane_label(lane: Lane) -> str:
    return f"{lane.name}: {lane.attempts:,} attempts"


def _bar(bar: Bar, colour_of: Mapping[str, str]) -> Html:
    is_lost = bar.outcome not in (Outcome.DONE, Outcome.RUNNING)
    colour = "lost" if is_lost else colour_of.get(bar.transformation, "other")
    said = f"{bar.job} ({bar.transformation}), {bar.outcome.value}: {duration(bar.seconds)}"
    y = bar.row * _ROW + 1
    # files come and go: the same colour, fainter
    pieces = [(bar.begin, bar.runs_from, 0.45), (bar.runs_from, bar.runs_to, 1.0), (bar.runs_to, bar.end, 0.45)]
    drawn = [
        element(
            "rect",
            x=begin * _WIDTH,
            y=y,
            width=max((end - begin) * _WIDTH - 0.4, 0.8),
            height=_ROW - 2,
            fill=f"var(--{colour})",
            fill_opacity=opacity,
        )
        for begin, end, opacity in pieces
        if end > begin or opacity == 1.0
    ]
    return element("g", element("title", said), drawn)


def _step(step: Step, colour_of: Mapping[str, str], seconds: float) -> Html:
    colour = "lost" if step.has_lost else colour_of.get(step.transformation, "other")
    unit = _WIDTH / STEPS
    begin, end = duration(seconds * step.begin / STEPS), duration(seconds * step.end / STEPS)
    said = f"{begin} to {end}: {step.busy:.0%} of the lane's peak, mostly {step.transformation}"
    return element(
        "rect",
        element("title", f"{said}, lost" if step.has_lost else said),
        x=step.begin * unit,
        y=_LANE * (1 - step.busy),
        width=(step.end - step.begin) * unit,
        height=_LANE * step.busy,
        fill=f"var(--{colour})",
    )


def _steps(values: Sequence[int], top: int, height: int) -> str:
    unit = _WIDTH / max(1, len(values) - 1)
    path = [f"M0 {height}"]
    last: int | None = None
    for at, value in enumerate(values):
        if value != last:
            x, y = at * unit, height - value / top * (height - 2)
            path.append(f"H{x:.1f}V{y:.1f}")
            last = value
    path.append(f"H{_WIDTH:.0f}V{height}Z")
    return "".join(path)
