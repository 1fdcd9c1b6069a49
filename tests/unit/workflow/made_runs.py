"""Submit directories of runs that never were: any number of jobs, simulated on slots, in the real formats."""

import heapq
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

BEGAN_AT = 1795205594  # 2026-11-20 20:13:14 UTC


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What the run is like."""

    jobs: int
    transformations: tuple[str, ...] = ("split", "align", "sort", "call")
    instances: int = 4
    cores: int = 2  # of each instance
    mean_s: float = 20.0
    failing: float = 0.02  # attempts that end with exit code 1
    evicted: float = 0.01
    dead: int = 0  # jobs that always fail
    wide: int = 40  # jobs of a level
    seed: int = 1
    records: bool = True


@dataclass
class _Made:
    shape: Shape
    names: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    parents: list[list[int]] = field(default_factory=list)
    events: list[tuple[float, int, str]] = field(default_factory=list)
    records: dict[str, str] = field(default_factory=dict)
    stderr: dict[str, str] = field(default_factory=dict)
    ended_at: float = 0.0
    failed: int = 0


def write(directory: Path, shape: Shape) -> None:
    """The run's submit directory."""
    made = _simulated(shape)
    directory.mkdir(parents=True, exist_ok=True)
    made.events.sort(key=lambda one: one[:2])
    (directory / "made-0.log").write_text("".join(text for _, _, text in made.events))
    (directory / "made-0.static.bp").write_text("".join(_static(made)))
    (directory / "made-0.dag").write_text("".join(_dag(made)))
    code = 1 if made.failed else 0
    ends = f"{_stamp(made.ended_at)} **** condor_scheduniv_exec.1.0 (condor_DAGMAN) pid 9 EXITING WITH STATUS {code}\n"
    begins = f"{_stamp(BEGAN_AT)} ** condor_scheduniv_exec.1.0 (CONDOR_DAGMAN) STARTING UP\n"
    (directory / "made-0.dag.dagman.out").write_text(begins + ends)
    for number, (name, text) in enumerate(made.records.items()):
        place = directory / f"{number // 2000:02}"
        place.mkdir(exist_ok=True)
        (place / name).write_text(text)
        if name.replace(".out.", ".err.") in made.stderr:
            (place / name.replace(".out.", ".err.")).write_text(made.stderr[name.replace(".out.", ".err.")])


def receipt(shape: Shape, seconds: float) -> str:
    """Of the same run, as `roost run` writes it."""
    lives = [
        {
            "instance_id": f"i-{n:017x}",
            "instance_type": "c7i.large",
            "role": "execution-point",
            "launched_at_s": BEGAN_AT - 20.0,
            "joined_at_s": BEGAN_AT - 10.0,
            "ended_at_s": BEGAN_AT + seconds,
            "usd": round(0.0892 * (seconds + 20) / 3600, 6),
        }
        for n in range(shape.instances)
    ]
    whole = (seconds + 20) * shape.instances
    parts = {"boot_s": 10.0 * shape.instances, "busy_s": whole * 0.7, "badput_s": whole * 0.05, "shutdown_s": 6.0}
    usd = sum(float(str(one["usd"])) for one in lives)
    return json.dumps(
        {
            "schema": "roost/receipt/1",
            "items": [
                {
                    "role": "execution-point",
                    "instance_type": "c7i.large",
                    "count": shape.instances,
                    "seconds": whole,
                    "usd": usd,
                }
            ],
            "instances": lives,
            "instance_seconds": whole,
            "usd": usd,
            "price_note": "on-demand list prices, us-east-1, Linux, as of 2026-06",
            "split": {"access_point_s": seconds, **parts, "idle_s": whole - sum(parts.values())},
            "attempts": {"ok": shape.jobs, "failed": 0, "evicted": 0},
            "billable_resources": 0,
        }
    )


def _simulated(shape: Shape) -> _Made:
    dice = random.Random(shape.seed)
    made = _Made(shape=shape)
    for number in range(shape.jobs):
        kind = shape.transformations[(number // shape.wide) % len(shape.transformations)]
        made.names.append(f"job{number}_ID{number}")
        made.kinds.append(kind)
        level = range(max(0, (number // shape.wide - 1) * shape.wide), number // shape.wide * shape.wide)
        made.parents.append(sorted(dice.sample(level, k=min(len(level), dice.choice((1, 2, 2, 3))))))
    children: list[list[int]] = [[] for _ in range(shape.jobs)]
    for child, above in enumerate(made.parents):
        for parent in above:
            children[parent].append(child)
    waits_for = [len(above) for above in made.parents]
    slots = [(float(BEGAN_AT + 1), n) for n in range(shape.instances * shape.cores)]
    heapq.heapify(slots)
    ready = [(BEGAN_AT + 1 + number * 0.001, number) for number in range(shape.jobs) if not waits_for[number]]
    heapq.heapify(ready)
    ready_at = [0.0] * shape.jobs  # when the last of its parents has ended
    cluster = 10
    while ready:
        at, number = heapq.heappop(ready)
        end, is_done, cluster = _job(made, dice, number, at, slots, cluster)
        made.ended_at = max(made.ended_at, end + 1)
        for child in children[number] if is_done else ():
            waits_for[child] -= 1
            ready_at[child] = max(ready_at[child], end + dice.random())
            if not waits_for[child]:
                heapq.heappush(ready, (ready_at[child], child))
    return made


def _job(
    made: _Made, dice: random.Random, number: int, at: float, slots: list[tuple[float, int]], cluster: int
) -> tuple[float, bool, int]:
    """All tries of a job: (when it ended, whether well, the last ClusterId)."""
    shape, name = made.shape, made.names[number]
    tries = 0
    queued_at, end = at, at
    while True:
        cluster += 1
        _event(made, queued_at, 0, cluster, f"Job submitted from host: <a>\n    DAG Node: {name}\n    pool:condorpool")
        while True:
            free_at, slot = heapq.heappop(slots)
            begin = max(free_at, queued_at + dice.uniform(0.2, 2))
            seconds = dice.expovariate(1 / shape.mean_s) + 0.05
            instance = slot // shape.cores
            _event(made, begin, 40, cluster, "Started transferring input files\n\tTransferring to host: <b>")
            _event(made, begin + 0.2, 40, cluster, "Finished transferring input files")
            name_of_slot = f"slot1_{slot % shape.cores + 1}@ip-10-0-0-{instance}"
            where = f"\tSlotName: {name_of_slot}\n\tCpus = 1\n\tTotalCpus = {shape.cores}.0"
            _event(
                made,
                begin + 0.3,
                1,
                cluster,
                f'Job executing on host: <b>\n{where}\n\tRoostInstanceId = "i-{instance:017x}"',
            )
            end = begin + 0.3 + seconds
            if dice.random() < shape.evicted:
                heapq.heappush(slots, (end, slot))
                _event(made, end, 4, cluster, "Job was evicted.\n\t(0) CPU times")
                queued_at = end
                continue
            break
        is_dead = number >= shape.jobs - shape.dead
        code = 3 if is_dead else int(dice.random() < shape.failing and tries < 2)
        _event(made, end, 40, cluster, "Started transferring output files")
        end += 0.2
        heapq.heappush(slots, (end, slot))
        sizes = "\t5515  -  Run Bytes Sent By Job\n\t13307  -  Run Bytes Received By Job"
        _event(made, end, 5, cluster, f"Job terminated.\n\t(1) Normal termination (return value {code})\n{sizes}")
        if shape.records:
            record = _record(made, number, begin + 0.4, seconds * 0.95, code)
            made.records[f"{name}.out.{tries:03}"] = record
            if code:
                made.stderr[f"{name}.err.{tries:03}"] = f"{name} went wrong\nPegasusLite: exitcode {code}\n"
        tries += 1
        if not code:
            return end, True, cluster
        if tries > 2:
            made.failed += 1
            return end, False, cluster
        queued_at = end + 1


def _event(made: _Made, at: float, kind: int, cluster: int, text: str) -> None:
    when = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    made.events.append((at, len(made.events), f"{kind:03} ({cluster:03}.000.000) {when} {text}\n...\n"))


def _record(made: _Made, number: int, at: float, seconds: float, code: int) -> str:
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    said = f"    stderr:\n      size: 9\n      data: |2\n        {made.names[number]} went wrong\n" if code else ""
    return (
        f"- invocation: True\n  version: 3.0\n  start: {when}\n  duration: {seconds:.3f}\n"
        f"  transformation: {json.dumps(made.kinds[number])}\n  derivation: ID{number}\n  resource: condorpool\n"
        f"  hostname: ip-10-0-0-1\n  mainjob:\n    start: {when}\n    duration: {seconds:.3f}\n    pid: 7\n    usage:\n"
        f"      utime: {seconds * 0.8:.3f}\n      stime: 0.010\n      maxrss: {20000 + number % 977}\n"
        f"    status:\n      raw: {code << 8}\n      regular_exitcode: {code}\n"
        f"  files:\n    out{number}.txt:\n      size: 512\n      output: True\n      sha256: {number:064x}\n"
        f"      checksum_timing: 0.001\n{said}"
    )


def _static(made: _Made) -> Iterator[str]:
    head = "ts=1970-01-01T00:00:00.0Z event={} xwf.id=00000000-0000-4000-8000-000000000000 "
    for number, kind in enumerate(made.kinds):
        yield head.format("task.info") + f'task.id="ID{number}" type="1" transformation={json.dumps(kind)} argv=""\n'
    for child, above in enumerate(made.parents):
        for parent in above:
            yield head.format("task.edge") + f'parent.task.id="ID{parent}" child.task.id="ID{child}"\n'
    for name in made.names:
        yield head.format("job.info") + f'job.id="{name}" type_desc="compute" max_retries="2" task_count="1"\n'
    for number, name in enumerate(made.names):
        yield head.format("wf.map.task_job") + f'job.id="{name}" task.id="ID{number}"\n'
    for child, above in enumerate(made.parents):
        for parent in above:
            ids = f'parent.job.id="{made.names[parent]}" child.job.id="{made.names[child]}"'
            yield head.format("job.edge") + f"{ids}\n"


def _dag(made: _Made) -> Iterator[str]:
    yield "SUBMIT-DESCRIPTION jobs1.sub {\n  universe = vanilla\n}\nRETRY ALL_NODES 2\n"
    for number, name in enumerate(made.names):
        yield f'JOB {name} jobs1.sub\nVARS {name} derivation="ID{number}" runtime="15" inputs=""\n'
    for child, above in enumerate(made.parents):
        for parent in above:
            yield f"PARENT {made.names[parent]} CHILD {made.names[child]}\n"


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%m/%d/%y %H:%M:%S")
