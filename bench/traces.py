"""Traces of real runs, in the WfCommons project's format, as Pegasus 5 workflows of any size.

Comes in: WfFormat 1.5 (https://wfcommons.org/format), `.json` or `.json.xz`. Goes out: workflow.yml and its catalogs in
the block style of Pegasus.api's own writer, as text, because a library would take minutes for 100,000 tasks. The traces
that the figures in README.md are of are in https://github.com/wfcommons/WfInstances at commit f085867 (LGPL-3.0); they
are not part of this repository: name their directory.

    python bench/traces.py TRACES --tasks 10000 --to big/         # all of them side by side, as often as it takes
"""

import argparse
import json
import lzma
import math
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

REPLAY_TASK = Path(__file__).parent / "replay_task"
_COPY = "\x01"  # stands where a copy's suffix comes
_HEAD = "x-pegasus:\n  apiLang: python\n  createdBy: roost\n  createdOn: 11-20-26T12:00:00Z\npegasus: 5.0.4\n"
_PLAIN = re.compile(r"[A-Za-z_/.][A-Za-z0-9_/.+@-]*")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n", ".nan", ".inf"))
_PLATFORM = "    arch: x86_64\n    os.type: linux\n"


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    id: str
    transformation: str
    arguments: tuple[str, ...]
    runtime_s: float
    cpu_share: float  # of the run time
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    parents: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trace:
    name: str
    tasks: tuple[Task, ...]  # parents before children
    sizes: Mapping[str, int]  # bytes of each file

    @property
    def made(self) -> frozenset[str]:
        return frozenset(lfn for task in self.tasks for lfn in task.outputs)

    @property
    def given(self) -> list[str]:
        """Files that no task makes."""
        made = self.made
        return list(dict.fromkeys(lfn for task in self.tasks for lfn in task.inputs if lfn not in made))

    @property
    def results(self) -> list[str]:
        """Files that no task reads."""
        read = {lfn for task in self.tasks for lfn in task.inputs}
        return [lfn for task in self.tasks for lfn in task.outputs if lfn not in read]

    @property
    def moved_bytes(self) -> int:
        return sum(self.sizes[lfn] for task in self.tasks for lfn in (*task.inputs, *task.outputs))

    def bound_s(self, cores: int) -> float:
        """max(critical path, work / cores): nothing can be faster."""
        ends: dict[str, float] = {}
        for task in self.tasks:
            ends[task.id] = max((ends[one] for one in task.parents), default=0.0) + task.runtime_s
        return max(max(ends.values()), sum(task.runtime_s for task in self.tasks) / cores)


def read(path: Path) -> Trace:
    """Called after its file: two runs of one workflow have one name."""
    raw = path.read_bytes()
    trace = parsed(json.loads(lzma.decompress(raw) if path.suffix == ".xz" else raw))
    return replace(trace, name=path.name.split(".")[0])


def parsed(document: Mapping[str, Any]) -> Trace:
    workflow = document["workflow"]
    specification, execution = workflow["specification"], workflow["execution"]
    ran = {one["id"]: one for one in execution["tasks"]}
    tasks = [_task(number, one, ran[one["id"]]) for number, one in enumerate(specification["tasks"], start=1)]
    ids = {one["id"]: task.id for one, task in zip(specification["tasks"], tasks, strict=True)}
    tasks = [replace(task, parents=tuple(ids[one] for one in task.parents)) for task in tasks]
    sizes = {_lfn(one["id"]): int(one["sizeInBytes"]) for one in specification["files"]}
    return Trace(name=re.sub(r"[^A-Za-z0-9-]+", "-", document["name"]), tasks=tuple(_in_order(tasks)), sizes=sizes)


def _task(number: int, asked: Mapping[str, Any], ran: Mapping[str, Any]) -> Task:
    command = ran.get("command", {})
    program = command.get("program", "")
    is_word = re.fullmatch(r"[A-Za-z0-9_+-][A-Za-z0-9_.+-]*", program)
    return Task(
        id=f"ID{number:07d}",
        transformation=program if is_word else asked["name"].rsplit(".", 1)[-1],
        arguments=tuple(str(one) for one in command.get("arguments", ())),
        runtime_s=float(ran["runtimeInSeconds"]),
        cpu_share=min(1.0, float(ran.get("avgCPU", 100.0)) / 100),
        inputs=tuple(_lfn(one) for one in asked.get("inputFiles", ())),
        outputs=tuple(_lfn(one) for one in asked.get("outputFiles", ())),
        parents=tuple(asked["parents"]),
    )


def _lfn(name: str) -> str:
    """Some names of the Nextflow trace are addresses or absolute.

    >>> _lfn("https://github.com/x/y.gz"), _lfn("/d0/43/y.gz")
    ('https/github.com/x/y.gz', 'd0/43/y.gz')
    """
    return name.replace("://", "/").lstrip("/")


def _in_order(tasks: Sequence[Task]) -> Iterator[Task]:
    done: set[str] = set()
    left = list(tasks)
    while left:
        ready = [task for task in left if done.issuperset(task.parents)]
        if not ready:
            raise ValueError("the trace has a cycle")
        yield from ready
        done.update(task.id for task in ready)
        left = [task for task in left if task.id not in done]


def merged(traces: Sequence[Trace]) -> Trace:
    """All of them side by side, as one workflow."""
    tasks: list[Task] = []
    sizes: dict[str, int] = {}
    for trace in traces:
        prefix, before = f"{trace.name}.", len(tasks)
        ids = {task.id: f"ID{before + number:07d}" for number, task in enumerate(trace.tasks, start=1)}
        tasks += [
            replace(
                task,
                id=ids[task.id],
                parents=tuple(ids[one] for one in task.parents),
                inputs=tuple(prefix + lfn for lfn in task.inputs),
                outputs=tuple(prefix + lfn for lfn in task.outputs),
            )
            for task in trace.tasks
        ]
        sizes |= {prefix + lfn: size for lfn, size in trace.sizes.items()}
    return Trace(name="traces", tasks=tuple(tasks), sizes=sizes)


def replayable(trace: Trace, *, bound_s: float, megabytes: float, burn: bool = False) -> Trace:
    """The same graph with `replay_task` for every task: time scaled so that two cores could do it in `bound_s`, sizes
    so that `megabytes` move in and out of tasks. `burn`: processor time in the trace's share, else all is slept.
    """
    times = bound_s / trace.bound_s(cores=2)
    bytes_ = min(1.0, megabytes * 1e6 / max(1, trace.moved_bytes))
    sizes = {lfn: math.ceil(size * bytes_) for lfn, size in trace.sizes.items()}
    tasks = []
    for task in trace.tasks:
        runtime_s = task.runtime_s * times
        burnt_s = runtime_s * task.cpu_share if burn else 0.0
        targets = [word for lfn in task.outputs for word in (lfn, str(sizes[lfn]))]
        words = (f"{runtime_s - burnt_s:.4f}", f"{burnt_s:.4f}", *task.inputs, "--", *targets)
        # some traces list the program among a task's files: the stand-in cannot have its name
        name = f"{task.transformation}-task" if task.transformation in sizes else task.transformation
        tasks.append(replace(task, transformation=name, runtime_s=runtime_s, arguments=words))
    return replace(trace, tasks=tuple(tasks), sizes=sizes)


def workflow_text(trace: Trace, copies: int, *, runtimes: bool = False) -> Iterator[str]:
    """The abstract workflow, `copies` times side by side; the ids and the files of each have its number as a suffix.

    `runtimes`: each task says how long it takes, as a profile; Pegasus has whole seconds.
    """
    final = frozenset(trace.results)
    jobs = "".join(_job(task, final, runtimes=runtimes) for task in trace.tasks)
    children: dict[str, list[str]] = {}
    for task in trace.tasks:
        for parent in task.parents:
            children.setdefault(parent, []).append(task.id)
    edges = "".join(
        f"- id: {parent}{_COPY}\n  children:\n" + "".join(f"  - {child}{_COPY}\n" for child in below)
        for parent, below in children.items()
    )
    yield f"{_HEAD}name: {_scalar(trace.name)}\njobs:\n"
    suffixes = _suffixes(copies)
    for suffix in suffixes:
        yield jobs.replace(_COPY, suffix)
    yield "jobDependencies:\n" if edges else "jobDependencies: []\n"
    for suffix in suffixes:
        yield edges.replace(_COPY, suffix)


def _job(task: Task, final: frozenset[str], *, runtimes: bool) -> str:
    files = {*task.inputs, *task.outputs}
    words = [one + _COPY if one in files else one for one in task.arguments]
    lines = [f"- type: job\n  name: {_scalar(task.transformation)}\n  id: {task.id}{_COPY}\n"]
    lines += ["  arguments:\n", *(f"  - {_scalar(one)}\n" for one in words)] if words else ["  arguments: []\n"]
    lines += ["  uses:\n"] if files else ["  uses: []\n"]
    lines += [f"  - lfn: {_scalar(lfn + _COPY)}\n    type: input\n" for lfn in task.inputs]
    for lfn in task.outputs:
        is_final = "true" if lfn in final else "false"
        lines.append(f"  - lfn: {_scalar(lfn + _COPY)}\n    type: output\n    stageOut: {is_final}\n")
        lines.append("    registerReplica: false\n")
    if runtimes:
        lines.append(f"  profiles:\n    pegasus:\n      runtime: '{math.ceil(task.runtime_s) or 1}'\n")
    return "".join(lines)


@lru_cache(maxsize=100_000)
def _scalar(text: str) -> str:
    """As PyYAML would write it.

    >>> [_scalar(one) for one in ("a.fits", "12", "yes", "a: b", "")]
    ['a.fits', "'12'", "'yes'", "'a: b'", "''"]
    """
    bare = text.replace(_COPY, "")
    if _PLAIN.fullmatch(bare) and bare.lower() not in _WORDS and bare[0] != ".":
        return text
    written = yaml.safe_dump(bare if _COPY not in text else text.replace(_COPY, "C0PY"), width=math.inf)
    return written.removesuffix("\n...\n").rstrip("\n").replace("C0PY", _COPY)


def write(trace: Trace, directory: Path, *, copies: int = 1, runtimes: bool = False) -> None:
    """A workflow that can be planned: its programs are on the image, its inputs are all one file."""
    text = workflow_text(trace, copies, runtimes=runtimes)
    _write(trace, directory, text, site="condorpool", kind="installed", program="/usr/bin/{name}")
    (directory / "input").write_text("what a trace does not say\n")
    _write_replicas(directory, (lfn + suffix for suffix in _suffixes(copies) for lfn in trace.given), "input")


def write_replay(trace: Trace, directory: Path) -> None:
    """A workflow that can be run: of a `replayable` trace, with inputs of its sizes."""
    text = workflow_text(trace, 1, runtimes=True)
    _write(trace, directory, text, site="local", kind="stageable", program=str(REPLAY_TASK.resolve()))
    for lfn in trace.given:
        path = directory / "input" / lfn
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(given_content(lfn, trace.sizes[lfn]))
    _write_replicas(directory, trace.given, "input/{lfn}")


def given_content(lfn: str, size: int) -> bytes:
    return (lfn.encode() * (size // len(lfn.encode()) + 1))[:size]


def _write(trace: Trace, directory: Path, text: Iterator[str], *, site: str, kind: str, program: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "workflow.yml").open("w", encoding="utf-8") as target:
        target.writelines(text)
    with (directory / "transformations.yml").open("w", encoding="utf-8") as target:
        target.write(f"{_HEAD}transformations:\n")
        for name in dict.fromkeys(task.transformation for task in trace.tasks):
            target.write(f"- name: {_scalar(name)}\n  sites:\n  - name: {site}\n    pfn: {program.format(name=name)}\n")
            target.write(f"    type: {kind}\n{_PLATFORM}")


def _write_replicas(directory: Path, lfns: Iterable[str], pfn: str) -> None:
    rows = [
        f"- lfn: {_scalar(lfn)}\n  pfns:\n  - site: local\n    pfn: {_scalar(pfn.format(lfn=lfn))}\n" for lfn in lfns
    ]
    if rows:
        (directory / "replicas.yml").write_text(f"{_HEAD}replicas:\n" + "".join(rows), encoding="utf-8")


def _suffixes(copies: int) -> list[str]:
    return [f"-{number}" for number in range(1, copies + 1)] if copies > 1 else [""]


def found(directory: Path) -> list[Path]:
    """The traces in a directory."""
    paths = sorted([*directory.glob("*.json"), *directory.glob("*.json.xz")])
    if not paths:
        raise SystemExit(f"there are no traces (*.json, *.json.xz) in {directory}")
    return paths


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("traces", type=Path, help="a directory of traces")
    parser.add_argument("--tasks", type=int, default=10_000, help="at least so many")
    parser.add_argument("--to", type=Path, required=True)
    arguments = parser.parse_args()
    trace = merged([read(path) for path in found(arguments.traces)])
    copies = -(-arguments.tasks // len(trace.tasks))
    write(trace, arguments.to, copies=copies)
    print(f"{len(trace.tasks) * copies} tasks in {arguments.to / 'workflow.yml'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
