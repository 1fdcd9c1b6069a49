"""How fast Roost's planner is, all in: the interpreter's start, reading, checking, planning, and writing the run.

Whole commands in processes of their own, on traces of real runs side by side (traces.py), in the order A B B A: a
smaller and a ten times larger workflow. Wall and processor seconds, tasks a second, peak memory, and the exponent by
which time grows. The floor is what Python needs to read the same text, split it into lines and write it again.

    python bench/planning.py TRACES --rounds 2
"""

import argparse
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from traces import found, merged, read, write

SOURCE = Path(__file__).parents[1] / "src"
PLAN = Path(__file__).with_name("plan_once.py")
FLOOR = "import sys; t = open(sys.argv[1]).read().splitlines(True); open(sys.argv[2], 'w').writelines(t)"
MIB = 1024  # KiB


@dataclass(frozen=True, kw_only=True, slots=True)
class Cost:
    wall_s: float
    cpu_s: float
    peak_mib: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, help="a directory of traces")
    parser.add_argument("--tasks", type=int, nargs="+", default=[10_000, 100_000])
    parser.add_argument("--rounds", type=int, default=1, help="each round measures A B B A")
    arguments = parser.parse_args()
    trace = merged([read(path) for path in found(arguments.traces)])
    copies = [max(1, round(tasks / len(trace.tasks))) for tasks in arguments.tasks]
    sizes = [len(trace.tasks) * one for one in copies]
    plans: dict[int, list[Cost]] = {size: [] for size in sizes}
    floors: dict[int, list[Cost]] = {size: [] for size in sizes}
    with tempfile.TemporaryDirectory() as directory:
        for size, many in zip(sizes, copies, strict=True):
            write(trace, Path(directory, str(size)), copies=many)
        for size in [*sizes, *reversed(sizes)] * arguments.rounds:
            workflow, to = Path(directory, str(size), "workflow.yml"), Path(directory, "planned")
            floors[size].append(cost([sys.executable, "-c", FLOOR, str(workflow), str(to)]))
            to.unlink()
            plans[size].append(cost([sys.executable, str(PLAN), str(workflow), str(to)]))
            shutil.rmtree(to)
            print(f"{size} tasks: {plans[size][-1]}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print(table(plans, floors))
    return 0


def cost(argv: list[str]) -> Cost:
    """Of the command and of what it starts (getrusage(2): maxrss is in KiB)."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    began = time.monotonic()
    process = subprocess.Popen(argv, env=environment, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    wall_s = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{argv}: exit code {process.returncode}")
    return Cost(wall_s=wall_s, cpu_s=used.ru_utime + used.ru_stime, peak_mib=used.ru_maxrss / MIB)


def table(plans: dict[int, list[Cost]], floors: dict[int, list[Cost]]) -> str:
    """
    >>> small, large = Cost(wall_s=0.5, cpu_s=0.5, peak_mib=60), Cost(wall_s=5, cpu_s=5, peak_mib=400)
    >>> floor = Cost(wall_s=0.1, cpu_s=0.1, peak_mib=20)
    >>> print(table({10000: [small], 100000: [large]}, {10000: [floor], 100000: [floor]}).splitlines()[-1])
    From 10000 to 100000 tasks processor time grows with the exponent 1.00.
    """
    lines = [
        "| tasks | wall s | CPU s | tasks/s (wall) | tasks/s (CPU) | peak MiB | CPU, times the floor |",
        "|---|---|---|---|---|---|---|",
    ]
    for size, costs in plans.items():
        wall_s, cpu_s = (statistics.median(getattr(one, name) for one in costs) for name in ("wall_s", "cpu_s"))
        floor_s = statistics.median(one.cpu_s for one in floors[size])
        peak = max(one.peak_mib for one in costs)
        figures = f"{wall_s:.2f} | {cpu_s:.2f} | {size / wall_s:,.0f} | {size / cpu_s:,.0f} | {peak:.0f}"
        lines.append(f"| {size:,} | {figures} | {cpu_s / floor_s:.1f} |")
    small, large = min(plans), max(plans)
    if small != large:
        times = statistics.median(o.cpu_s for o in plans[large]) / statistics.median(o.cpu_s for o in plans[small])
        exponent = math.log(times) / math.log(large / small)
        lines += ["", f"From {small} to {large} tasks processor time grows with the exponent {exponent:.2f}."]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
