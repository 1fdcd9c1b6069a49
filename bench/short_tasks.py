"""Many short tasks on two cores: what Roost's own clustering makes of them, against one job a task.

1,000 tasks of 0.1 s that have nothing to do with each other, on EC2 on this machine: by `roost run`, both of its sides
on one pool, and by plain `condor_submit_dag` on a pool of the same image under HTCondor's defaults. Seconds are
DAGMan's, from its first line to its last.

    localec2 start && eval "$(localec2 env)" && python bench/short_tasks.py --ssh-from 198.18.15.254/32 --order CABBAC
"""

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

import yaml
from makespan import image_of, plain_pool, plain_s, written_by_hand
from real_runs import dag_of, pool, run
from traces import Task, Trace, write

POOL = "bench-short"
PLAIN = "plain HTCondor, one job a task"
SIDES = {"A": "one job a task", "B": "clustered", "C": PLAIN}
CLUSTER = {"A": ["--cluster", "none"], "B": []}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ssh-from", required=True, help="the CIDR this machine reaches instances from")
    parser.add_argument("--order", default="CABBAC", help="A: one job a task, B: clustered, C: plain HTCondor")
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=0.1, help="of each task")
    arguments = parser.parse_args()
    measured: dict[str, list[float]] = {side: [] for side in SIDES.values()}
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        write(short(arguments.tasks, arguments.seconds), directory / "short", runtimes=True)
        workflow, flat = directory / "short" / "workflow.yml", directory / "flat"
        flat.mkdir()
        transformations = workflow.with_name("transformations.yml")
        written_by_hand(yaml.safe_load(workflow.read_text()), yaml.safe_load(transformations.read_text()), flat)
        with pool(POOL, directory) as name, plain_pool(image_of(name), arguments.ssh_from, directory) as theirs:
            for turn, letter in enumerate(arguments.order):
                if letter == "C":
                    took_s = plain_s(theirs, f"plain-{turn}", flat)
                else:
                    took_s = dag_of(run(workflow, name, f"run-{turn}", directory, *CLUSTER[letter]))
                measured[SIDES[letter]].append(took_s)
                print(f"{SIDES[letter]}: {took_s:.0f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
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
    >>> print(table({"clustered": [80.0], PLAIN: [500.0]}, tasks=1000, seconds=0.1).splitlines()[-2])
    | clustered | 80 | 12.5 | 1.6 | 6.2 |
    """
    bound_s = tasks * seconds / 2
    lines = [
        f"| {tasks:,} tasks of {seconds} s | DAGMan's s | tasks/s | times the bound | times plain HTCondor's tasks/s |",
        "|---|---|---|---|---|",
    ]
    alone_s = statistics.median(measured[PLAIN])
    for side, times in measured.items():
        if not times:
            continue
        took_s = statistics.median(times)
        figures = f"{took_s:.0f} | {tasks / took_s:.1f} | {took_s / bound_s:.1f} | {alone_s / took_s:.1f}"
        lines.append(f"| {side} | {figures} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
