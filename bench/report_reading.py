"""What reading a run costs: growth with its size, records without PyYAML, a poll of the live view.

usage: PYTHONPATH=src:tests/unit/workflow python bench/report_reading.py [JOBS]      (default 20000; half of it too)
"""

import math
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from made_runs import Shape, write

from roost.report.run_report import RunReport, run_report
from roost.report.tally import Planned, tally
from roost.workflow import records, run_files
from roost.workflow.progress import begin, fold
from roost.workflow.static_bp import from_static_bp


def main(jobs: int) -> None:
    with tempfile.TemporaryDirectory() as directory:
        costs = []
        for size in (jobs // 2, jobs):
            place = Path(directory) / str(size)
            write(place, Shape(jobs=size, wide=500, instances=50, cores=8))
            costs.append(cpu_s(partial(reported, place), times=3))
            print(f"{size:>7} jobs read and reported: {costs[-1]:.2f} CPU s, {size / costs[-1]:,.0f} jobs/s")
        print(f"growth exponent {math.log2(costs[1] / costs[0]):.2f}")
        texts = [path.read_text() for path in sorted(place.glob("*/*.out.000"))[:2000]]
        texts = [text for text in texts if records.fast_tree(text) is not None]
        fast = cpu_s(lambda: [records.fast_tree(text) for text in texts], times=3)
        slow = cpu_s(lambda: [records.slow_tree(text) for text in texts], times=3)
        print(f"records: {slow / fast:.1f} times as fast as PyYAML's C loader ({len(texts) / fast:,.0f} a second)")
        poll(place)


def reported(place: Path) -> RunReport:
    return run_report(run_files.read(place), now=time.time())


def poll(place: Path) -> None:
    """What a look costs when one job in a thousand has news, over what one costs when all have."""
    with (place / "made-0.static.bp").open() as lines:
        plan = from_static_bp(lines)
    log = (place / "made-0.log").read_text()
    progress = begin(plan)
    known = tally(
        [Planned(name=job.name, tasks=((plan.transformation(job), 1),)) for job in plan.jobs],
        progress.children,
        clock=time.process_time,
    )
    step = len(log) // 1000 + 1
    looks = []
    for at in range(0, len(log), step):
        began = time.process_time()
        fold(progress, log[at : at + step])
        known.update(progress.take_changed())
        looks.append(time.process_time() - began)
    whole = cpu_s(lambda: fold(begin(plan), log), times=1)
    print(f"a look at a thousandth of the log: {statistics.median(looks) * 1000:.1f} ms; the whole log {whole:.1f} s")


def cpu_s(act: Callable[[], object], *, times: int) -> float:
    """The median."""
    found = []
    for _ in range(times):
        began = time.process_time()
        act()
        found.append(time.process_time() - began)
    return statistics.median(found)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20_000)
