"""What pegasus-statistics and monitord's database say, as values."""

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Counts:
    """A row of the summary."""

    succeeded: int
    failed: int
    incomplete: int
    total: int
    retries: int
    total_and_retries: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Try:
    """A row of jobs.txt; None where it has a dash."""

    job: str
    number: int
    site: str
    record_s: float | None  # kickstart's
    cpu_s: float | None
    runtime_s: float | None  # DAGMan's, in whole seconds
    exit_code: int | None  # minus the signal, for one that a signal ended
    hostname: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Breakdown:
    """A row of breakdown.txt: the invocations of a transformation that ended in one way."""

    count: int
    min_s: float
    max_s: float
    total_s: float
    max_mib: float | None


def counts(statistics: str) -> Mapping[str, Counts]:
    """By `Tasks`, `Jobs` and `Sub-Workflows`."""
    rows = re.findall(r"^(Tasks|Jobs|Sub-Workflows)" + r"\s+(\d+)" * 6 + r"\s*$", statistics, re.MULTILINE)
    names = Counts.__slots__
    return {kind: Counts(**dict(zip(names, map(int, values), strict=True))) for kind, *values in rows}


def seconds(statistics: str, title: str) -> float:
    """Of a line like `Workflow wall time : 1 min, 9.00 secs`."""
    found = re.search(rf"^{re.escape(title)}\s+: (.*)$", statistics, re.MULTILINE)
    assert found, statistics
    units = {"sec": 1, "min": 60, "hr": 3600, "hour": 3600, "day": 86400}
    return sum(float(number) * units[unit] for number, unit in re.findall(r"([\d.]+) (sec|min|hr|hour|day)", found[1]))


def checksums(statistics: str) -> tuple[int, int]:
    """How many were compared, and how many computed."""
    found = re.findall(r"^(\d+) files checksums (compared|generated)", statistics, re.MULTILINE)
    numbers = {what: int(number) for number, what in found}
    return numbers.get("compared", 0), numbers.get("generated", 0)


def tries(submit: Path) -> list[Try]:
    text = (submit / "statistics" / "jobs.txt").read_text()
    rows = [line.split() for line in text.splitlines() if line and not line.startswith(("#", "Job "))]
    return [
        Try(
            job=row[0],
            number=int(row[1]),
            site=row[2],
            record_s=_number(row[3]),
            cpu_s=_number(row[6]),
            runtime_s=_number(row[10]),
            exit_code=None if row[13] == "None" else int(row[13]),
            hostname=row[14],
        )
        for row in rows
    ]


def breakdown(submit: Path) -> Mapping[tuple[str, str], Breakdown]:
    """By transformation and `successful` or `failed`."""
    text = (submit / "statistics" / "breakdown.txt").read_text()
    rows = [line.split() for line in text.splitlines() if line and not line.startswith(("#", "Transformation "))]
    return {
        (row[0], row[1]): Breakdown(
            count=int(row[2]),
            min_s=float(row[3]),
            max_s=float(row[4]),
            total_s=float(row[6]),
            max_mib=_number(row[8]),
        )
        for row in rows
    }


def status(text: str) -> Mapping[str, int | float | str]:
    """What `pegasus-status --jsonrv` says of the root workflow."""
    answer: dict[str, int | float | str] = json.loads(text)["dags"]["root"]
    return answer


def rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def _number(text: str) -> float | None:
    return None if text in ("-", "None") else float(text)
