"""shell (files): a Pegasus submit directory, or a run's directory with one below it -> RunHistory. Nothing is written.

Read is what pegasus-plan and Roost both leave: `*.static.bp` (or the DAG), the event log, DAGMan's log, and the jobs'
output files with their invocation records. A directory below that holds a plan of its own is a sub-workflow.
"""

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from roost.errors import NotFoundError, UsageError
from roost.workflow import history, records
from roost.workflow.attempts import JobState
from roost.workflow.dag_parts import planning_log
from roost.workflow.failure import refused_jobs
from roost.workflow.history import DagRun, RunHistory
from roost.workflow.progress import begin, fold, fold_dagman_log, fold_end
from roost.workflow.records import Records
from roost.workflow.static_bp import StaticPlan, from_dag, from_static_bp, stated_runtimes

_OUTPUT = re.compile(r"(.+)\.out(?:\.(\d{3,}))?")
_STDERR = re.compile(r"(.+)\.err(?:\.(\d{3,}))?")
_STATED = re.compile(r"^\+pegasus_job_runtime *= *\"?(\d+(?:\.\d+)?)", re.MULTILINE)
_DAGMAN_LOG = re.compile(r"\b_CONDOR_DAGMAN_LOG=(\S+)")
_NAMED = re.compile(r"""^dag: ["']?([^"'\n]+)""", re.MULTILINE)
_BLOCK = 1 << 22
_STDERR_BYTES = 8000
_FAILURES_READ = 200  # the stderr of so many failed jobs is read


@dataclass(slots=True)
class _Files:
    """What lies in a submit directory, by job and number of the try."""

    outputs: dict[str, dict[int, Path]] = field(default_factory=dict)
    stderr: dict[str, dict[int, Path]] = field(default_factory=dict)
    below: list[Path] = field(default_factory=list)  # directories of sub-workflows


def read(directory: Path) -> RunHistory:
    """`directory` is a submit directory or holds one as `submit/`. NotFoundError where no plan lies in either."""
    for place in (directory, directory / "submit"):
        if place.is_dir() and (_plans(place) or _dags(place)):
            return _read(place)
    if not directory.exists():
        raise NotFoundError(f"there is no run in {directory}", f"ls {directory.parent}")
    raise NotFoundError(
        f"{directory} is no run: neither a *.static.bp nor a *.dag lies there, nor in its submit/",
        "name the directory that pegasus-plan, or roost run, made",
    )


def _read(directory: Path) -> RunHistory:
    dag = _dag(directory)
    stem = dag.stem if dag else _plans(directory)[0].name.removesuffix(".static.bp")
    plan, stated_s = _plan(directory, dag, stem)
    progress = begin(plan)
    logs = [directory / f"{stem}.log", directory / f"{stem}.dag.nodes.log"]
    for text in blocks(logs[0]):
        fold(progress, text)
    for text in blocks(logs[1]):
        fold_dagman_log(progress, text)
    files = _files(directory)
    found = {name: read_records for name in progress.clusters.values() if (read_records := _records(files, name))}
    zone_s = history.zone_of_log(progress, found)
    runs = dag_runs(directory, stem, zone_s)
    if runs and runs[-1].exit_code is not None:
        fold_end(progress, f"EXITING WITH STATUS {runs[-1].exit_code}")
    history.shift(progress, zone_s)
    if not stated_s:
        stated_s = dict(_stated_in_submit_files(directory, plan))
    refused = dict(_refused(directory, plan))
    if runs and runs[-1].exit_code:
        refused |= {job: said for job, said in _not_taken(directory / f"{stem}.dag.dagman.out") if job in progress.jobs}
    for name in refused:
        if progress.jobs[name].state in (JobState.READY, JobState.WAITING):
            progress.move(progress.jobs[name], JobState.FAILED)
    tails = {job.name: _tail(files.stderr.get(job.name, {})) for job in progress.failed[:_FAILURES_READ]}
    return RunHistory(
        name=re.sub(r"-\d+$", "", stem),
        directory=str(directory),
        plan=plan,
        progress=progress,
        dag_runs=runs,
        records=found,
        stated_s=stated_s,
        stderr={**tails, **{name: text for name, text in refused.items() if name in tails}},
        files={job.name: _where(files, job.name) for job in progress.failed[:_FAILURES_READ]},
        subworkflows=tuple(_subworkflow(directory, place, plan) for place in sorted(files.below)),
    )


def _not_taken(messages: Path) -> Iterator[tuple[str, str]]:
    """Jobs that HTCondor refused, as DAGMan tells at the end of its messages."""
    with messages.open("rb") as file:
        file.seek(max(0, messages.stat().st_size - _BLOCK))
        yield from refused_jobs(file.read().decode(errors="replace")).items()


def _refused(directory: Path, plan: StaticPlan) -> Iterator[tuple[str, str]]:
    """Workflows that could not be planned when they were to begin, and what was said of it."""
    for job in plan.jobs:
        if job.kind == "dax" and (log := directory / planning_log(job.name)).is_file():
            text = log.read_text(encoding="utf-8", errors="replace")
            if text.rstrip("\n").rpartition("\n")[2].startswith("roost: "):
                yield job.name, text


def _subworkflow(directory: Path, place: Path, plan: StaticPlan) -> RunHistory:
    """In `place`, below; what it is for the workflow around it, that one's submit files say."""
    begin = re.sub(r"\.\d{3}$", "", place.name)
    nodes = [job.name for job in plan.jobs if job.kind == "dax" and _part_of(directory / job.submit_file) == begin]
    return replace(_read(place), part=place.name.removesuffix(".000"), node=nodes[0] if nodes else "")


def _part_of(submit_file: Path) -> str:
    """The name of its directory, without the number that Pegasus gives each plan."""
    text = submit_file.read_text(encoding="utf-8", errors="replace") if submit_file.is_file() else ""
    found = _DAGMAN_LOG.search(text)
    return Path(found[1]).parent.name if found else ""


def planned(directory: Path) -> tuple[StaticPlan, str]:
    """What was planned, and what the names of DAGMan's files there begin with."""
    dag = _dag(directory)
    stem = dag.stem if dag else _plans(directory)[0].name.removesuffix(".static.bp")
    return _plan(directory, dag, stem)[0], stem


def outputs(directory: Path) -> Iterator[tuple[str, int, Path]]:
    """Jobs' output files: the job, the number of its submission (1 the first), the file."""
    for name, tries in _files(directory).outputs.items():
        yield from ((name, number + 1, path) for number, path in tries.items() if number >= 0)


def _plan(directory: Path, dag: Path | None, stem: str) -> tuple[StaticPlan, dict[str, float]]:
    stated_s: dict[str, float] = {}
    if dag is not None:
        with dag.open(encoding="utf-8", errors="replace") as lines:
            stated_s = stated_runtimes(lines)
    static = directory / f"{stem}.static.bp"
    if static.is_file():
        try:
            with static.open(encoding="utf-8", errors="replace") as lines:
                plan = from_static_bp(lines)
        except (KeyError, ValueError) as error:
            raise UsageError(f"{static} cannot be read: {error!r}", "plan the workflow again") from error
        if plan.jobs:
            return plan, stated_s
    if dag is None:
        raise NotFoundError(f"{static} names no jobs, and there is no DAG beside it", f"ls {directory}")
    with dag.open(encoding="utf-8", errors="replace") as lines:
        return from_dag(lines), stated_s


def _plans(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.static.bp"))


def _dags(directory: Path) -> list[Path]:
    return sorted(directory.glob("*.dag"))


def _dag(directory: Path) -> Path | None:
    """The one that the braindump names, where several lie there."""
    there = _dags(directory)
    said = directory / "braindump.yml"
    if len(there) > 1 and said.is_file():
        named = re.search(
            r"""^dag: ["']?([^"'\n]+)""", said.read_text(encoding="utf-8", errors="replace"), re.MULTILINE
        )
        there = [one for one in there if named and one.name == named[1].strip()] or there
    return there[0] if there else None


def dag_runs(directory: Path, stem: str, zone_s: float = 0.0) -> tuple[DagRun, ...]:
    """When DAGMan began and ended; `zone_s` is added to the times of its log."""
    lines = []
    for text in blocks(directory / f"{stem}.dag.dagman.out", whole_lines=True):
        if "STARTING UP" in text or "EXITING WITH" in text:  # few lines of very many
            lines += [line for line in text.splitlines() if "STARTING UP" in line or "EXITING WITH" in line]
    runs = tuple(one.moved(zone_s) for one in history.dag_runs("".join(f"{line}\n" for line in lines)))
    metrics = directory / f"{stem}.dag.metrics"
    return history.with_metrics(runs, metrics.read_text(encoding="utf-8")) if metrics.is_file() else runs


def blocks(path: Path, *, whole_lines: bool = False) -> Iterator[str]:
    """A log, piece by piece; nothing where there is none."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        while text := file.read(_BLOCK):
            yield text + file.readline() if whole_lines else text


def _files(directory: Path) -> _Files:
    found = _Files()
    for place, directories, names in os.walk(directory):
        here = Path(place)
        if here != directory and any(name.endswith(".static.bp") for name in names):
            found.below.append(here)
            directories.clear()
            continue
        for name in names:
            if (output := _OUTPUT.fullmatch(name)) is not None:
                found.outputs.setdefault(output[1], {})[int(output[2] or -1)] = here / name
            elif (stderr := _STDERR.fullmatch(name)) is not None:
                found.stderr.setdefault(stderr[1], {})[int(stderr[2] or -1)] = here / name
    return found


def _records(files: _Files, name: str) -> tuple[Records, ...]:
    tries = files.outputs.get(name, {})
    order = sorted(tries, key=lambda number: (number == -1, number))
    return tuple(records.read(tries[number].read_text(encoding="utf-8", errors="replace")) for number in order)


def _stated_in_submit_files(directory: Path, plan: StaticPlan) -> Iterator[tuple[str, float]]:
    known: dict[str, float] = {"": 0.0}  # jobs may share one
    for job in plan.jobs:
        name = job.submit_file
        if name not in known:
            path = directory / name
            text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
            said = _STATED.search(text)
            known[name] = float(said[1]) if said else 0.0
        if known[name] > 0:
            yield job.name, known[name]


def _tail(tries: Mapping[int, Path]) -> str:
    if not tries:
        return ""
    path = _latest(tries)
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _STDERR_BYTES))
        return file.read().decode("utf-8", "replace")


def _where(files: _Files, name: str) -> tuple[str, ...]:
    kinds = (files.stderr.get(name), files.outputs.get(name))
    return tuple(str(_latest(tries)) for tries in kinds if tries)


def _latest(tries: Mapping[int, Path]) -> Path:
    """What lies there without a number is the last try, that nobody has numbered yet."""
    return tries[-1] if -1 in tries else tries[max(tries)]
