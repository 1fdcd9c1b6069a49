"""Which ready job runs first: what each rule costs in a simulated schedule of the traces of real runs.

No machine is measured: each trace is scheduled on 2, 8, 32 and 128 workers, a job taking 0.3 s more than its task and a
child being ready 1.5 s after its last parent, as on Roost's pools. The figure is the schedule's length divided by
max(critical path, work / workers); over all traces its geometric mean.

    python bench/job_order.py TRACES
"""

import argparse
import statistics
import sys
from collections.abc import Mapping, Sequence
from heapq import heappop, heappush
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import traces
from traces import Trace

from roost.workflow.graph import children_of, levels
from roost.workflow.planner import urgencies

WORKERS = (2, 8, 32, 128)
JOB_S, LEVEL_S = 0.3, 1.5


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, help="a directory of traces")
    all_traces = [traces.read(path) for path in traces.found(parser.parse_args().traces)]
    print("| workers | deepest first | longest way to go, in tasks | ... in seconds |\n|---|---|---|---|")
    for workers in WORKERS:
        ratios = [[scheduled_s(one, workers, rule) / one.bound_s(workers) for rule in rules(one)] for one in all_traces]
        means = (statistics.geometric_mean(column) for column in zip(*ratios, strict=True))
        print(f"| {workers} | {' | '.join(f'{mean:.3f}' for mean in means)} |")
    return 0


def rules(trace: Trace) -> Sequence[Mapping[str, int]]:
    parents = {task.id: task.parents for task in trace.tasks}
    depths = levels(tuple(parents), parents)
    assert depths is not None
    by_tasks = urgencies(dict.fromkeys(parents, "0"), parents)
    return depths, by_tasks, urgencies({task.id: str(task.runtime_s) for task in trace.tasks}, parents)


def scheduled_s(trace: Trace, workers: int, urgency: Mapping[str, int]) -> float:
    """List scheduling: whoever is free takes the most urgent job, of equals the one that was ready first.

    >>> from traces import Task
    >>> def task(name, *parents):
    ...     return Task(id=name, transformation="t", arguments=(), runtime_s=1.0, cpu_share=1.0, inputs=(), outputs=(),
    ...                 parents=parents)
    >>> trace = Trace(name="x", tasks=(task("a"), task("b"), task("c", "a")), sizes={})
    >>> scheduled_s(trace, 1, {"a": 1, "b": 2, "c": 1})
    5.4
    """
    ids = [task.id for task in trace.tasks]
    children = children_of(ids, {task.id: task.parents for task in trace.tasks})
    waiting = {task.id: len(task.parents) for task in trace.tasks}
    runtimes = {task.id: task.runtime_s for task in trace.tasks}
    order = {one: place for place, one in enumerate(ids)}
    ready = [(-urgency[one], order[one], one) for one in ids if not waiting[one]]
    ready.sort()
    events: list[tuple[float, bool, int, str]] = []  # (when, it is ready rather than ended, place, job)
    now, end, free = 0.0, 0.0, workers
    while ready or events:
        while ready and free:
            _, place, one = heappop(ready)
            heappush(events, (now + runtimes[one] + JOB_S, False, place, one))
            free -= 1
        now, is_ready, place, one = heappop(events)
        if is_ready:
            heappush(ready, (-urgency[one], place, one))
            continue
        free, end = free + 1, now
        for child in children[one]:
            waiting[child] -= 1
            if not waiting[child]:
                heappush(events, (now + LEVEL_S, True, order[child], child))
    return round(end, 6)


if __name__ == "__main__":
    sys.exit(main())
