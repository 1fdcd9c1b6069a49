"""Traces of real runs, replayed by `roost run` on EC2 on this machine: none may fail, all outputs have to be right.

Each task of a trace becomes `replay_task`: it reads its inputs whole, sleeps its time scaled, and writes outputs of
scaled sizes whose content follows from what was read. So the last files of a workflow are right only if every task
before them ran on the right files: that is computed here from the graph alone, and compared.

    localec2 start && eval "$(localec2 env)" && python bench/replay.py TRACES --bound 10 --megabytes 20
"""

import argparse
import hashlib
import os
import runpy
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from real_runs import RunFailed, dag_of, pool, run
from traces import REPLAY_TASK, Trace, found, given_content, read, replayable, write_replay

POOL = "bench-replay"


@dataclass(frozen=True, kw_only=True, slots=True)
class Replayed:
    name: str
    tasks: int
    bound_s: float
    dag_s: float
    wall_s: float  # of the whole command
    results: int
    wrong: tuple[str, ...]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, help="a directory of traces")
    parser.add_argument("--bound", type=float, default=10.0, help="seconds that two cores need at least")
    parser.add_argument("--megabytes", type=float, default=20.0, help="that move in and out of a workflow's tasks")
    parser.add_argument("--cluster", default="auto", help="as of `roost run`")
    parser.add_argument("--burn", action="store_true", help="use processor time as the tasks did, instead of sleeping")
    arguments = parser.parse_args()
    replayed: list[Replayed] = []
    failed = []
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        with pool(POOL, directory):
            for path in found(arguments.traces):
                trace = replayable(
                    read(path), bound_s=arguments.bound, megabytes=arguments.megabytes, burn=arguments.burn
                )
                try:
                    replayed.append(replay(trace, directory, cluster=arguments.cluster))
                    print(f"{replayed[-1]}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
                except RunFailed as error:
                    failed.append(trace.name)
                    print(error, file=sys.stderr)
    print(table(replayed))
    print(f"\nFailed: {', '.join(failed) or 'none'}.")
    return int(bool(failed) or any(one.wrong for one in replayed))


def replay(trace: Trace, directory: Path, *, cluster: str) -> Replayed:
    write_replay(trace, directory / trace.name)
    began = time.monotonic()
    workflow = directory / trace.name / "workflow.yml"
    ran = run(workflow, POOL, trace.name, directory, "--cluster", cluster)
    return Replayed(
        name=trace.name,
        tasks=len(trace.tasks),
        bound_s=trace.bound_s(cores=2),
        dag_s=dag_of(ran),
        wall_s=time.monotonic() - began,
        results=len(trace.results),
        wrong=tuple(wrong_results(trace, ran / "output")),
    )


def wrong_results(trace: Trace, output: Path) -> list[str]:
    """The files that are missing, or are not what the graph says that they have to be."""
    expected = result_digests(trace)
    return [lfn for lfn in trace.results if _digest_of(output / lfn) != expected[lfn]]


def result_digests(trace: Trace) -> Mapping[str, bytes]:
    """SHA-256 of every file of a `replayable` trace, without running anything."""
    content = runpy.run_path(str(REPLAY_TASK))["content"]
    digests = {lfn: hashlib.sha256(given_content(lfn, trace.sizes[lfn])).digest() for lfn in trace.given}
    for task in trace.tasks:
        came_in = {lfn: digests[lfn] for lfn in task.inputs}
        for lfn in task.outputs:
            digests[lfn] = hashlib.sha256(content(lfn, trace.sizes[lfn], came_in)).digest()
    return digests


def _digest_of(path: Path) -> bytes | None:
    return hashlib.sha256(path.read_bytes()).digest() if path.is_file() else None


def table(replayed: list[Replayed]) -> str:
    """
    >>> one = Replayed(name="x", tasks=9, bound_s=10, dag_s=15, wall_s=20, results=3, wrong=("a",))
    >>> print(table([one]).splitlines()[-1])
    | x | 9 | 10 | 15 | 1.5 | 20 | 2 of 3 |
    """
    lines = [
        "| trace | tasks | bound s | DAGMan's s | times the bound | `roost run` s | results right |",
        "|---|---|---|---|---|---|---|",
    ]
    for one in replayed:
        right = f"{one.results - len(one.wrong)} of {one.results}"
        times = f"{one.bound_s:.0f} | {one.dag_s:.0f} | {one.dag_s / one.bound_s:.1f} | {one.wall_s:.0f}"
        lines.append(f"| {one.name} | {one.tasks} | {times} | {right} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
