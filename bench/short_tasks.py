"""Many short tasks on two cores: what Roost's own clustering makes of them, against one job a task.

1,000 tasks of 0.1 s that have nothing to do with each other, by `roost run` on EC2 on this machine, both sides on one
pool in the order A B B A. Seconds are DAGMan's, from its first line to its last.

    localec2 start && eval "$(localec2 env)" && python bench/short_tasks.py --order ABBA
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from real_runs import dag_of, pool, run
from traces import Task, Trace, write

POOL = "bench-short"
SIDES = {"one job a task": ["--cluster", "none"], "clustered": []}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--order", default="ABBA", help="A: one job a task, B: clustered")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each task")
    arguments = parser.parse_args()
    measured: dict[str, list[float]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        write(short(arguments.tasks, arguments.seconds), directory / "short", runtimes=True)
        workflow = directory / "short" / "workflow.yml"
        with pool(POOL, directory) as name:
            for turn, side in enumerate(dict(zip("AB", SIDES, strict=True))[letter] for letter in arguments.order):
                measured[side].append(dag_of(run(workflow, name, f"run-{turn}", directory, *SIDES[side])))
                print(f"{side}: {measured[side][-1]:.0f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print(table(measured, tasks=arguments.tasks, seconds=arguments.seconds))
    return 0


def short(tasks: int, seconds: float) -> Trace:
    return Trace(
        name="short",
        sizes={},
        tasks=tuple(
            Task(
                id=f"ID{number:07d}",
                transformation="sleep",
                arguments=(str(seconds),),
                runtime_s=seconds,
                cpu_share=0.0,
                inputs=(),
                outputs=(),
                parents=(),
            )
            for number in range(1, tasks + 1)
        ),
    )


def table(measured: dict[str, list[float]], *, tasks: int, seconds: float) -> str:
    """
    >>> print(table({"one job a task": [500.0], "clustered": [80.0]}, tasks=1000, seconds=0.1).splitlines()[-1])
    | clustered | 80 | 12.5 | 1.6 | 6.2 |
    """
    bound_s = tasks * seconds / 2
    lines = [
        f"| {tasks:,} tasks of {seconds} s | DAGMan's s | tasks/s | times the bound | faster |",
        "|---|---|---|---|---|",
    ]
    alone_s = statistics.median(measured["one job a task"])
    for side, times in measured.items():
        took_s = statistics.median(times)
        figures = f"{took_s:.0f} | {tasks / took_s:.1f} | {took_s / bound_s:.1f} | {alone_s / took_s:.1f}"
        lines.append(f"| {side} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
