"""shell (all stages): the recipe of `roost run`: a run begins, is resumed, or is found again; then it is followed.

Everything that is free to check is checked before anything is launched. What it says at the end is a RunOutcome.
"""

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from roost.errors import NotFoundError, RoostError, UsageError
from roost.report import receipt as receipts
from roost.report.figures import many, size
from roost.report.receipt import Receipt
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import bringing, places, prepared, reported, run_directory, sending, which_pool
from roost.verbs.library import Pool
from roost.verbs.loading import Loaded, Planner, load, tasks
from roost.verbs.run_directory import RunDirectory, RunRecord
from roost.verbs.runs import Run
from roost.verbs.which_pool import read_spec
from roost.workflow import clustering
from roost.workflow.abstract import Workflow
from roost.workflow.clustering import Policy
from roost.workflow.failure import Failure
from roost.workflow.plan_options import Wanted
from roost.workflow.planner import require_clusters
from roost.workflow.planning import Options
from roost.workflow.reuse import Reused, reuse

_SHOWN = 20  # results


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was typed."""

    workflow: Path | None
    pool: str | None
    cloud: str | None
    name: str | None
    resume: str | None
    attach: str | None
    wanted: Wanted
    keep: bool
    yes: bool
    planner: str = Planner.AUTO


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOutcome:
    text: str  # for standard output: the results, the receipt
    error: RoostError | None
    output: Path  # the directory with the results


def run(wish: Wish, reporter: Reporter) -> RunOutcome:
    by = clustering.wanted(wish.wanted.cluster or "")
    is_new = wish.workflow is not None
    if not is_new and wish.wanted != Wanted():
        raise UsageError(
            "a run that was begun keeps the plan that it has", "leave out --cluster, --reuse, --force and --cleanup"
        )
    match wish:
        case Wish(resume=str(name), attach=None, workflow=None):
            return _resume(wish, name, reporter)
        case Wish(attach=str(name), resume=None, workflow=None):
            return _attach(wish, name, reporter)
        case Wish(workflow=Path() as path, resume=None, attach=None):
            return _begin(wish, path, by, reporter)
        case _:
            said = [wish.workflow, wish.resume, wish.attach]
            wrong = "only one of" if any(said) else "nothing to run was named; it can be"
            raise UsageError(
                f"{wrong} WORKFLOW, --resume NAME, --attach NAME" + (" can be named" if any(said) else ""),
                "roost run WORKFLOW, or roost run --resume NAME, or roost run --attach NAME",
            )


def _begin(wish: Wish, path: Path, by: Policy, reporter: Reporter) -> RunOutcome:
    options = run_directory.options(wish.wanted)
    workflow = _loaded(path, wish.planner, options, reporter)
    if isinstance(workflow, Workflow):
        if not (reused := reuse(workflow)).workflow.jobs and not options.force:
            return _nothing_to_run(workflow, reused, wish)
        require_clusters(workflow, by)
    with run_directory.new(wish.name or run_directory.default_name(workflow.name)) as directory:
        if wish.pool is not None:
            pool = Pool.found(wish.pool, cloud=wish.cloud, reporter=reporter)
            pool.check(workflow)
        else:
            name = f"{run_directory.word(workflow.name)[:20].rstrip('-')}-{uuid.uuid4().hex[:6]}"
            pool = _own(_own_spec(path, name=name, cloud=wish.cloud), workflow, wish, reporter)
        record = pool.record(path, directory, wish.planner, cluster=wish.wanted.cluster, options=options)
        directory.save(record)
        return _to_its_end(workflow, pool, lambda: pool.begin(workflow, directory, record))


def _resume(wish: Wish, name: str, reporter: Reporter) -> RunOutcome:
    """On a pool of its own again, or on one that is up."""
    with run_directory.existing(name) as directory:
        record = directory.record
        workflow = _loaded(Path(record.workflow), record.planner, record.options, reporter)
        if wish.pool is None and record.owns_pool:
            spec = _own_spec(Path(record.workflow), name=record.pool, cloud=wish.cloud or record.cloud)
            pool = _own(spec, workflow, wish, reporter)
        else:
            region = None if wish.pool else record.region
            pool = Pool.found(
                wish.pool or record.pool, cloud=wish.cloud or record.cloud, region=region, reporter=reporter
            )
            pool.check(workflow)
        return _to_its_end(workflow, pool, lambda: pool.again(workflow, directory))


def _attach(wish: Wish, name: str, reporter: Reporter) -> RunOutcome:
    """To a run that another roost began; one that has a pool of its own takes it down at the end."""
    with _known_here_or_there(wish, name, reporter) as directory:
        record = directory.record
        workflow = _loaded(Path(record.workflow), record.planner, record.options, reporter)
        _require_in_time(record, reporter)
        keep = wish.keep or record.keep or not record.owns_pool
        if record.directory or not record.owns_pool:
            pool = Pool.found(record.pool, cloud=record.cloud, region=record.region, keep=keep, reporter=reporter)
        else:
            reporter.note("that roost was cut off while its pool rose")
            spec = _own_spec(Path(record.workflow), name=record.pool, cloud=record.cloud)
            pool = _own(spec, workflow, replace(wish, keep=keep), reporter)
        return _to_its_end(workflow, pool, lambda: pool.follow(workflow, directory))


def _to_its_end(workflow: Loaded, pool: Pool, start: Callable[[], Run]) -> RunOutcome:
    with pool:
        one = start()
        one.follow()
    return _outcome(workflow, one, pool.receipt)


def _nothing_to_run(workflow: Workflow, reused: Reused, wish: Wish) -> RunOutcome:
    """Each file that its user wants to have is there."""
    with run_directory.new(wish.name or run_directory.default_name(workflow.name)) as directory:
        bringing.take_reused(reused.results, directory)
        results = _files(directory.results)
    said = f"{workflow.name}: nothing to run, all its files are there (--force makes them again)"
    return RunOutcome(text="".join(f"{line}\n" for line in (said, *results)), error=None, output=directory.output)


def _loaded(path: Path, planner: str, options: Options, reporter: Reporter) -> Loaded:
    workflow = load(path, planner, options)
    reporter.step(f"{path} is a workflow of {tasks(workflow)} tasks")
    return workflow


def _own(spec: PoolSpec, workflow: Loaded, wish: Wish, reporter: Reporter) -> Pool:
    """A pool for this run alone, checked and agreed to, and not launched yet."""
    pool = Pool(spec, keep=wish.keep, reporter=reporter)
    actions = pool.prepare()
    pool.check(workflow)
    with reporter.paused():
        prepared.ask(spec, pool.site, actions, yes=wish.yes)
    return pool


def _own_spec(workflow: Path, *, name: str, cloud: str | None) -> PoolSpec:
    """The pool.yml beside the workflow, under a name of its own: another run may be under way."""
    beside = workflow.parent / "pool.yml"
    spec = read_spec(beside) if beside.exists() else PoolSpec()
    return spec.model_copy(update={"name": name, **({"cloud": cloud} if cloud else {})})


def _require_in_time(record: RunRecord, reporter: Reporter) -> None:
    """Raises NotFoundError where the pool of a run has gone."""
    spec = PoolSpec(name=record.pool).model_copy(update={"cloud": record.cloud, "region": record.region})
    site = which_pool.site(spec, say=reporter.note, start=False)
    if site.ec2.describe(record.pool).usable:
        return
    raise NotFoundError(
        f"too late: the pool {record.pool}, on which the run {record.name} was, is not there any more. It was taken"
        " down, or it ended by itself, by its lease or for lack of work; what was only on its access point is lost",
        f"roost run --resume {record.name}   (runs what has not been brought here)",
    )


@contextmanager
def _known_here_or_there(wish: Wish, name: str, reporter: Reporter) -> Iterator[RunDirectory]:
    """By its directory here; or, where that is gone, by the one on an access point of a pool."""
    if RunDirectory(run_directory.located(name)).has_record:
        with run_directory.existing(name) as directory:
            yield directory
        return
    record = _found_on_access_points(wish, run_directory.located(name).name, reporter)
    if record is None:
        with run_directory.existing(name) as directory:  # says which there are
            yield directory
        return
    reporter.note(f"the run {record.name} is not known here; found on the pool {record.pool}")
    with run_directory.new(record.name) as directory:
        directory.save(record)
        yield directory


def _found_on_access_points(wish: Wish, name: str, reporter: Reporter) -> RunRecord | None:
    spec = which_pool.spec_of(wish.pool, wish.cloud)
    site = which_pool.site(spec, say=reporter.note, start=False)
    for pool in [spec.name] if wish.pool else site.ec2.pools():
        with suppress(RoostError):  # one whose key is elsewhere, or that rises just now
            there = Pool.found(pool, cloud=spec.cloud, region=spec.region, reporter=reporter)
            with there.access_point() as access_point:
                record = sending.read_record(access_point, places.runs(there.spec) / name)
            if record is not None:
                return record
    return None


def _outcome(workflow: Loaded, one: Run, given: Receipt | None) -> RunOutcome:
    lines = []
    if one.is_success:
        lines.append(f"{workflow.name}: {_many(tasks(workflow), one.jobs)} done")
        lines += _files(one.results)
    else:
        lines.append(f"{workflow.name}: failed")
        lines += [line for failure in one.failures for line in _told(failure)]
    lines.append(f"  {reported.written(one.directory)}")
    if given is not None:
        lines += ["", receipts.text(given).rstrip("\n")]
    return RunOutcome(text="\n".join(lines) + "\n", error=one.problem, output=one.directory / "output")


def _files(paths: Sequence[Path]) -> list[str]:
    more = [f"  and {len(paths) - _SHOWN:,} more below {paths[0].parent}"] if len(paths) > _SHOWN else []
    return [*(f"  {path}  {size(path.stat().st_size)}" for path in paths[:_SHOWN]), *more]


def _many(tasks: int, jobs: int) -> str:
    """
    >>> _many(94, 94), _many(1000, 16), _many(1, 2)
    ('94 tasks', '1,000 tasks in 16 jobs', '1 task in 2 jobs')
    """
    done = many(tasks, "task")
    return f"{done} in {many(jobs, 'job')}" if jobs != tasks else done


def _told(failure: Failure) -> list[str]:
    return [f"  {failure.sentence}", *(f"    {line}" for line in failure.stderr)]
