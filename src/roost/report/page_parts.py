"""pure: what sections of the page are made of: a heading with what it says, a table that can be sorted, its cells."""

from collections.abc import Iterator, Sequence

from roost.report.figures import duration
from roost.report.html import Html, element

Cell = tuple[str | Html, float | None]  # what is shown, what it is sorted by


def section(title: str, said: str | None, *parts: Html | list[Html] | None) -> Html:
    return element("section", element("h2", title), element("p", said, class_="quiet") if said else None, *parts)


def table(
    name: str, heads: Sequence[str], rows: Sequence[Sequence[Cell]], *, left: tuple[int, ...], bad: tuple[int, ...] = ()
) -> Html:
    """A column in which nothing stands is left out."""
    kept = [at for at in range(len(heads)) if not rows or any(row[at][0] for row in rows)]

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
            yield element("tr", [cell(at, *row[at]) for at in kept])

    whole = element(
        "table",
        element("thead", element("tr", [head(at, heads[at]) for at in kept])),
        element("tbody", list(lines())),
    )
    return element("div", whole, class_="scroll", tabindex="0", role="region", aria_label=name)


def seconds_cell(amount: float | None) -> Cell:
    return ("" if not amount else duration(amount), amount)


def moment_cell(at: float | None, began_at: float) -> Cell:
    return ("", None) if at is None else (duration(at - began_at), at)
