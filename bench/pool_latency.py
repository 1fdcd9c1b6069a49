"""How long until a pool works, and how long a level of a DAG takes: Roost's intervals against HTCondor's own.

Real instances through boto3, both configurations in one run on pools that live side by side, in the order A B B A, so
that the machine's mood is shared fairly. Prints medians and their ratios as a Markdown table.

    localec2 start && localec2 image build --name bench --package condor --disable condor.service --description bench
    eval "$(localec2 env)" && python bench/pool_latency.py --ssh-from 198.18.15.254/32
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "local"))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from real_pool import RealPool, until

from roost.boot.settings import Intervals

JOB = "#!/bin/sh\nexec date +%s.%N\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Latencies:
    """Seconds since RunInstances was called; `per_level_s` stands for itself."""

    master_s: float
    startd_s: float
    collector_s: float
    first_job_s: float
    per_level_s: float


ROWS = (
    ("condor_master runs", "master_s"),
    ("condor_startd runs", "startd_s"),
    ("in the collector", "collector_s"),
    ("first job executing", "first_job_s"),
    ("one level of a DAG chain", "per_level_s"),
)


def main() -> int:
    arguments = parsed_arguments()
    ec2: Any = boto3.client("ec2")
    image_id = arguments.image_id or newest_image(ec2)
    measured: dict[Intervals, list[Latencies]] = {each: [] for each in Intervals}
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        pools = {}
        for intervals in Intervals:
            name = f"bench-{intervals}"
            pool = RealPool(ec2, name=name, image_id=image_id, ssh_from=arguments.ssh_from, directory=directory)
            pools[intervals] = stack.enter_context(pool)
            pool.start_access_point(intervals=intervals)
        a, b = Intervals
        for intervals in [a, b, b, a] * arguments.rounds:
            latencies = measure(pools[intervals], intervals, levels=arguments.levels)
            print(intervals, latencies, file=sys.stderr)
            measured[intervals].append(latencies)
    print(table(measured[Intervals.ROOST], measured[Intervals.HTCONDOR_DEFAULT]))
    return 0


def parsed_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ssh-from", required=True, help="the CIDR this machine reaches instances from")
    parser.add_argument("--image-id", default="", help="an image with HTCondor; default: our newest")
    parser.add_argument("--rounds", type=int, default=1, help="each round measures A B B A")
    parser.add_argument("--levels", type=int, default=10, help="jobs in the chain")
    return parser.parse_args()


def newest_image(ec2: Any) -> str:
    images = ec2.describe_images(Owners=["self"])["Images"]
    return str(max(images, key=lambda image: image["CreationDate"])["ImageId"])


def measure(pool: RealPool, intervals: Intervals, *, levels: int) -> Latencies:
    """A job waits in the queue; then an execution point is launched; then a chain runs on it."""
    pool.ssh("sh", "-c", "cat > job.sh && chmod 755 job.sh", feed=JOB)
    pool.submit("first", executable="../job.sh")
    # a fresh token is minted before the clock starts: `roost up` does it while the access point boots
    called_at = time.time()
    worker = pool.start_execution_point(intervals=intervals)
    listed: list[float] = []
    watcher = threading.Thread(target=lambda: listed.append(listed_at(pool, worker)))
    watcher.start()
    pool.ssh("condor_wait", "-wait", "240", "first/log")
    watcher.join()
    first_job_at = float(pool.ssh("cat", "first/out"))
    latencies = Latencies(
        master_s=born_at(pool, worker, "condor_master") - called_at,
        startd_s=born_at(pool, worker, "condor_startd") - called_at,
        collector_s=listed[0] - called_at,
        first_job_s=first_job_at - called_at,
        per_level_s=chain_s(pool, levels) / levels,
    )
    pool.ec2.terminate_instances(InstanceIds=[worker])
    return latencies


def listed_at(pool: RealPool, worker: str) -> float:
    query = f"condor_status -const 'RoostInstanceId == \"{worker}\"' -af Name"
    return float(pool.ssh("sh", "-c", f"until {query} | grep -q .; do sleep 0.1; done; date +%s.%N"))


def born_at(pool: RealPool, worker: str, program: str) -> float:
    """From the kernel's own record of the process (proc(5))."""
    script = (
        f"cut -d' ' -f22 /proc/$(pidof -s {program})/stat; cut -d' ' -f1 /proc/uptime; getconf CLK_TCK; date +%s.%N"
    )
    ticks, uptime_s, ticks_per_s, now = (float(word) for word in pool.ssh("sh", "-c", script, on=worker).split())
    return now - uptime_s + ticks / ticks_per_s


def chain_s(pool: RealPool, levels: int) -> float:
    nodes = [f"JOB N{n} job.sub" for n in range(levels)]
    edges = [f"PARENT N{n} CHILD N{n + 1}" for n in range(levels - 1)]
    pool.submit("chain", executable="/bin/true", transfer_executable="false", hold="true")
    pool.ssh("condor_rm", "-all")
    pool.ssh("sh", "-c", "cat > chain/chain.dag", feed="\n".join([*nodes, *edges]) + "\n")
    pool.ssh("sed", "-i", "/^hold/d", "chain/job.sub")
    until(lambda: not pool.ssh("condor_q", "-af", "ClusterId").strip(), "an empty queue")
    started_at = time.monotonic()
    run = "cd chain && condor_submit_dag chain.dag > /dev/null && condor_wait chain.dag.dagman.log > /dev/null"
    pool.ssh("sh", "-c", run)
    return time.monotonic() - started_at


def table(ours: Sequence[Latencies], defaults: Sequence[Latencies]) -> str:
    """Medians of each, and how many times faster ours are.

    >>> one = Latencies(master_s=1, startd_s=1, collector_s=2, first_job_s=4, per_level_s=2)
    >>> print(table([one], [one]).splitlines()[-1])
    | one level of a DAG chain | 2.0 | 2.0 | 1.0 |
    """
    lines = [
        f"| seconds from RunInstances, medians of {len(ours)} | Roost | HTCondor's defaults | ratio |",
        "|---|---|---|---|",
    ]
    for title, name in ROWS:
        our_s = statistics.median(getattr(each, name) for each in ours)
        default_s = statistics.median(getattr(each, name) for each in defaults)
        lines.append(f"| {title} | {our_s:.1f} | {default_s:.1f} | {default_s / our_s:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
