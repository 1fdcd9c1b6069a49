"""From `roost up` to the first and the last execution point that joined; from EC2's "terminated" to the end of `down`.

Whole commands against EC2 on this machine, as a user types them. Prints a Markdown table.

    localec2 start && eval "$(localec2 env)" && python bench/up_and_down.py --counts 1 8 20
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

SOURCE = Path(__file__).parents[1] / "src"
_JOINED = re.compile(r"^\[ *([\d.]+) s\].* execution-point: joined")
_POLL_S = 0.2


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """Seconds."""

    count: int
    first_s: float  # from `up`
    last_s: float
    terminated_s: float  # from `down` until EC2 says so of all
    swept_s: float  # ... from then until `down` has ended


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", type=int, nargs="+", default=[1, 8, 20], help="execution points")
    measured = [measure(count) for count in parser.parse_args().counts]
    print(table(measured))
    return 0


def measure(count: int) -> Measured:
    name = f"bench-{count}"
    with tempfile.TemporaryDirectory() as directory:
        pool = Path(directory) / "pool.yml"
        pool.write_text(f"name: {name}\nworkers:\n  count: {count}\n")
        try:
            up = roost("up", str(pool)).communicate()[1]
            joined = [float(found[1]) for line in up.splitlines() if (found := _JOINED.match(line))]
            if len(joined) != count:
                raise SystemExit(f"{len(joined)} of {count} joined:\n{up}")
            began = time.monotonic()
            down = roost("down", name, "--now")
            terminated = until_terminated(name)
            down.communicate()
            ended = time.monotonic()
        finally:
            roost("down", name, "--now").communicate()
    return Measured(
        count=count,
        first_s=min(joined),
        last_s=max(joined),
        terminated_s=terminated - began,
        swept_s=ended - terminated,
    )


def roost(*arguments: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(SOURCE), "TERM": "dumb"}
    argv = [sys.executable, "-m", "roost", *arguments]
    return subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def until_terminated(pool: str) -> float:
    ec2: Any = boto3.client("ec2")
    mine = [{"Name": "tag:roost:pool", "Values": [pool]}]
    while True:
        pages = ec2.describe_instances(Filters=mine)["Reservations"]
        if all(one["State"]["Name"] == "terminated" for each in pages for one in each["Instances"]):
            return time.monotonic()
        time.sleep(_POLL_S)


def table(measured: list[Measured]) -> str:
    """
    >>> one = Measured(count=8, first_s=20, last_s=30, terminated_s=5, swept_s=1)
    >>> print(table([one]).splitlines()[-1])
    | 8 | 20.0 | 30.0 | 1.5 | 5.0 | 1.0 |
    """
    lines = [
        "| execution points | first joined | last joined | last/first | `down`: all terminated | ... until it ends |",
        "|---|---|---|---|---|---|",
    ]
    for each in measured:
        figures = (each.first_s, each.last_s, each.last_s / each.first_s, each.terminated_s, each.swept_s)
        lines.append(f"| {each.count} | " + " | ".join(f"{one:.1f}" for one in figures) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
