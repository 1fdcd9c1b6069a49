"""Real workflows end to end on two execution points of one core each: `roost run` against plain HTCondor.

Roost's pool and plan, against a pool of the same image under HTCondor's defaults on which `condor_submit_dag` runs the
same tasks, one job a task (plain_dag.py). Both pools stand in one run, in the order A B B A; each result is checked by
the example's own check. Time is DAGMan's, from its first line to its last, divided by what no schedule can beat:
max(critical path, work / cores), of the times that the tasks themselves took in Roost's runs.

    localec2 start && eval "$(localec2 env)" && python bench/makespan.py --ssh-from 198.18.15.254/32 --order ABBA
"""

import argparse
import base64
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "local"))
sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import plain_dag
from real_pool import RealPool, until
from real_runs import dag_of, dag_s, pool, run

from roost.boot.settings import Intervals

EXAMPLES = Path(__file__).parents[1] / "examples"
CORES = 2
PACKAGES = ("bwa", "samtools", "bcftools", "montage")
SIZES = {
    "montage": ("--tiles", "4", "--exact", "1"),
    "variants": ("--samples", "4", "--parts", "6", "--bases", "1000000", "--depth", "30"),
}
_RECORD = re.compile(r"^- invocation:", re.MULTILINE)
_FIELDS = re.compile(r"^  (derivation|duration): \"?([^\"\s]+)", re.MULTILINE)


@dataclass(slots=True)
class Measured:
    tasks: int = 0
    bounds_s: list[float] = field(default_factory=list)
    roost_s: list[float] = field(default_factory=list)
    plain_s: list[float] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ssh-from", required=True, help="the CIDR this machine reaches instances from")
    parser.add_argument("--order", default="ABBA", help="A: Roost, B: plain HTCondor")
    parser.add_argument("--small", action="store_true", help="the examples' own sizes, on a busy machine")
    parser.add_argument("--workflows", nargs="+", choices=list(SIZES), default=list(SIZES))
    arguments = parser.parse_args()
    measured = {name: Measured() for name in arguments.workflows}
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        for name in arguments.workflows:
            written(name, directory / name, () if arguments.small else SIZES[name])
        with (
            pool("bench-roost", directory, packages=PACKAGES, count=CORES) as ours,
            plain_pool(image_of(ours), arguments.ssh_from, directory) as theirs,
        ):
            for name in arguments.workflows:
                for turn, side in enumerate(arguments.order):
                    if side == "A":
                        by_roost(measured[name], name, ours, directory, turn)
                    else:
                        by_hand(measured[name], name, theirs, directory, turn)
                    print(f"{name} {side}: {measured[name]}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print(table(measured))
    return 0


def written(name: str, directory: Path, size: Sequence[str]) -> None:
    directory.mkdir()
    script = EXAMPLES / name / "workflow.py"
    subprocess.run([sys.executable, str(script), *size], cwd=directory, check=True)


def by_roost(measured: Measured, name: str, pool_name: str, directory: Path, turn: int) -> None:
    ran = run(directory / name / "workflow.yml", pool_name, f"{name}-{turn}", directory)
    checked(name, ran / "output", directory)
    tasks = yaml.load((directory / name / "workflow.yml").read_text(), Loader=yaml.CSafeLoader)
    took = durations(path.read_text() for path in sorted((ran / "submit").rglob("*.out.[0-9][0-9][0-9]")))
    measured.tasks = len(tasks["jobs"])
    measured.bounds_s.append(bound_s(tasks, took, CORES))
    measured.roost_s.append(dag_of(ran))


def by_hand(measured: Measured, name: str, theirs: RealPool, directory: Path, turn: int) -> None:
    flat, back = directory / f"plain-{name}", directory / f"plain-{name}-{turn}"
    shutil.rmtree(flat, ignore_errors=True)
    flat.mkdir()
    source = directory / name
    read = {path: yaml.load((source / path).read_text(), Loader=yaml.CSafeLoader) for path in sorted(catalogs(source))}
    written_by_hand(read["workflow.yml"], read["transformations.yml"], flat)
    for replica in read.get("replicas.yml", {"replicas": []})["replicas"]:
        shutil.copy(replica["pfns"][0]["pfn"], flat / replica["lfn"])
    took_s = plain_s(theirs, name, flat)
    results = [use["lfn"] for job in read["workflow.yml"]["jobs"] for use in job["uses"] if use.get("stageOut")]
    back.mkdir()
    packed_back = base64.b64decode(theirs.ssh("sh", "-c", f"cd {name} && tar -cz {' '.join(results)} | base64"))
    subprocess.run(["tar", "-xz", "-C", str(back)], input=packed_back, check=True)
    checked(name, back, directory)
    measured.plain_s.append(took_s)


def written_by_hand(workflow: Mapping[str, Any], transformations: Mapping[str, Any], flat: Path) -> None:
    for file, text in plain_dag.texts(workflow, transformations).items():
        (flat / file).write_text(text)
    for program in plain_dag.programs(transformations):
        shutil.copy(program, flat)


def plain_s(theirs: RealPool, name: str, flat: Path) -> float:
    """Send what is in `flat`, and run its DAG to the end: DAGMan's seconds."""
    theirs.ssh("sh", "-c", f"rm -rf {name} && mkdir {name} && base64 -d | tar -xz -C {name}", feed=packed(flat))
    theirs.ssh("sh", "-c", f"cd {name} && condor_submit_dag {plain_dag.DAG} > /dev/null")
    # each look is short: an ssh session has an end of its own
    log = f"{name}/{plain_dag.DAG}.dagman.out"
    until(
        lambda: "EXITING WITH STATUS" in theirs.ssh_once("tail", "-n", "3", log).stdout, name, timeout_s=3600, pause_s=2
    )
    text = theirs.ssh("cat", log)
    if "EXITING WITH STATUS 0" not in text:
        raise SystemExit(f"the plain DAG of {name} failed: {text[-2000:]}")
    return dag_s(text)


def catalogs(directory: Path) -> Iterator[str]:
    for name in ("workflow.yml", "transformations.yml", "replicas.yml"):
        if (directory / name).exists():
            yield name


def packed(directory: Path) -> str:
    return base64.b64encode(
        subprocess.run(["tar", "-cz", "-C", str(directory), "."], stdout=-1, check=True).stdout
    ).decode()


def checked(name: str, results: Path, directory: Path) -> None:
    """By the example's own check; of a montage of another size than the committed one it needs the truth."""
    truth = [str(directory / name / "truth.json")] if (directory / name / "truth.json").exists() else []
    argv = [sys.executable, str(EXAMPLES / name / "check.py"), str(results), *truth]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the results of {name} are wrong:\n{done.stdout}{done.stderr}")


@contextmanager
def plain_pool(image_id: str, ssh_from: str, directory: Path) -> Iterator[RealPool]:
    """HTCondor's own intervals on the same image."""
    ec2: Any = boto3.client("ec2")
    with RealPool(ec2, name="bench-plain", image_id=image_id, ssh_from=ssh_from, directory=directory) as theirs:
        theirs.start_access_point(intervals=Intervals.HTCONDOR_DEFAULT)
        for _ in range(CORES):
            theirs.start_execution_point(
                lease_s=8 * 3600, idle_s=4 * 3600, config="NUM_CPUS = 1", intervals=Intervals.HTCONDOR_DEFAULT
            )
        until(lambda: len(theirs.joined()) == CORES, "the plain pool")
        time.sleep(5)
        yield theirs


def image_of(pool_name: str) -> str:
    ec2: Any = boto3.client("ec2")
    mine = [{"Name": "tag:roost:pool", "Values": [pool_name]}, {"Name": "instance-state-name", "Values": ["running"]}]
    return str(ec2.describe_instances(Filters=mine)["Reservations"][0]["Instances"][0]["ImageId"])


def durations(records: Iterator[str]) -> dict[str, float]:
    """Seconds that each task took, by its id, from invocation records; the last try counts.

    >>> durations(iter(["- invocation: True\\n  duration: 1.5\\n  derivation: ID1\\n  x:\\n    duration: 1\\n"]))
    {'ID1': 1.5}
    """
    found = {}
    for text in records:
        for record in _RECORD.split(text)[1:]:
            fields = dict(reversed(_FIELDS.findall(record)))
            found[fields["derivation"]] = float(fields["duration"])
    return found


def bound_s(workflow: Mapping[str, Any], took: Mapping[str, float], cores: int) -> float:
    """max(critical path, work / cores)."""
    parents: dict[str, list[str]] = {job["id"]: [] for job in workflow["jobs"]}
    for edge in workflow["jobDependencies"]:
        for child in edge["children"]:
            parents[child].append(edge["id"])
    ends: dict[str, float] = {}
    for job in workflow["jobs"]:  # the examples write parents before children
        ends[job["id"]] = max((ends[one] for one in parents[job["id"]]), default=0.0) + took[job["id"]]
    return max(max(ends.values()), sum(took[one] for one in parents) / cores)


def table(measured: Mapping[str, Measured]) -> str:
    """
    >>> print(table({"x": Measured(tasks=9, bounds_s=[10], roost_s=[14], plain_s=[70])}).splitlines()[-1])
    | x | 9 | 10 | 14 | 1.40 | 70 | 7.00 | 5.0 |
    """
    lines = [
        "| workflow | tasks | bound s | Roost s | times the bound | plain s | times the bound | plain / Roost |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, one in measured.items():
        bound, ours, plain = (statistics.median(side) for side in (one.bounds_s, one.roost_s, one.plain_s))
        of_ours, of_plain = f"{ours:.0f} | {ours / bound:.2f}", f"{plain:.0f} | {plain / bound:.2f}"
        lines.append(f"| {name} | {one.tasks} | {bound:.0f} | {of_ours} | {of_plain} | {plain / ours:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
