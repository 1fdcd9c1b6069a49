"""shell (all stages): the recipe of `roost run`. Check everything that is free to check, then launch, run, end."""

import json
import re
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from roost.boot.roles import Role
from roost.cloud import pricing
from roost.cloud.image import PoolImage
from roost.cloud.model import Found, PoolInstance
from roost.errors import NotFoundError, PartialError, RoostError, UsageError
from roost.pool.access_point import AccessPoint
from roost.pool.verification import verification
from roost.pool.verify import Question, Verdict
from roost.report import receipt as receipts
from roost.report.receipt import Attempt, Outcome, Receipt
from roost.report.reporter import Reporter
from roost.report.timeline import Milestone, rows
from roost.spec import PoolSpec
from roost.verbs import entrance, following, prepared
from roost.verbs.ending import end
from roost.verbs.places import requirements, runs
from roost.verbs.rising import RisenPool, rise
from roost.verbs.which_pool import Site, found_pool, read_spec
from roost.workflow import source
from roost.workflow.abstract import Workflow
from roost.workflow.failure import Failure
from roost.workflow.image_check import missing_executables
from roost.workflow.planner import ExecutableWorkflow, RunPaths, plan
from roost.workflow.planner import Site as ExecutionSite
from roost.workflow.profiles import Profiles
from roost.workflow.progress import Attempt as JobAttempt
from roost.workflow.progress import Outcome as JobOutcome
from roost.workflow.progress import Progress

_VERIFY_TIMEOUT_S = 120.0
_RUN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a directory here and on the access point
_OUTCOMES = {JobOutcome.DONE: Outcome.OK, JobOutcome.FAILED: Outcome.FAILED}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was typed."""

    workflow: Path
    pool: str | None
    cloud: str | None
    name: str | None
    keep: bool
    yes: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class RunOutcome:
    text: str  # for standard output: the results, the receipt
    error: RoostError | None


@dataclass(slots=True)
class _Run:
    """What one run has come to so far; the receipt is made of it, however it ends."""

    directory: Path
    risen: RisenPool | None = None
    executable: ExecutableWorkflow | None = None
    progress: Progress | None = None
    failures: list[str] = field(default_factory=list)

    @property
    def attempts(self) -> list[Attempt]:
        if self.progress is None:
            return []
        return [a for job in self.progress.jobs.values() for one in job.attempts if (a := _attempt(one)) is not None]

    @property
    def joined_at_s(self) -> dict[str, float]:
        return self.risen.joined_at_s if self.risen else {}


def run(wish: Wish, reporter: Reporter) -> RunOutcome:
    workflow = source.load(wish.workflow)
    if wish.name is not None and not _RUN_NAME.fullmatch(wish.name):
        raise UsageError(
            f"'{wish.name}' cannot be the name of a run: letters, digits, dots, hyphens", "--name first-try"
        )
    run_name = wish.name or f"{_word(workflow.name)}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"
    reporter.step(f"{wish.workflow} is a workflow of {len(workflow.jobs)} tasks")
    this = _Run(directory=_new_directory(Path("runs") / run_name))
    try:
        if wish.pool is not None:
            return _run_on_existing(wish, workflow, this, reporter)
        return _run_on_own(wish, workflow, this, reporter)
    finally:
        with suppress(OSError):  # they hold something, but for a run that was refused before it began
            this.directory.rmdir()
            this.directory.parent.rmdir()


def _run_on_own(wish: Wish, workflow: Workflow, this: _Run, reporter: Reporter) -> RunOutcome:
    """A pool for this run alone: it goes when the run ends, however that is."""
    spec = _own_spec(wish, workflow)
    site = prepared.site(spec, reporter)
    image = prepared.image(spec, site, reporter)
    _check_executables(workflow, image)
    actions = prepared.planned(spec, site)
    with reporter.paused():
        prepared.ask(spec, site, actions, yes=wish.yes)
    reporter.note(prepared.price(spec, prepared.rates(spec, site)))
    is_interrupted = True
    given: Receipt | None = None
    try:
        this.risen = rise(spec, site, image, reporter)
        this.risen = _verified(this.risen, site, reporter)
        _execute(workflow, this.risen, site, this, reporter)
        is_interrupted = False
    except RoostError:
        is_interrupted = False
        raise
    finally:
        if wish.keep:
            reporter.note(f"the pool is left up. To end it: roost down {spec.name}")
        else:
            if is_interrupted:
                reporter.note("interrupted: taking down what was launched")
            try:
                given = _end(spec, site, this, reporter)
            except KeyboardInterrupt:
                reporter.note(f"interrupted again; the pool may still be there. To end it: roost down {spec.name}")
                raise
            if prepared.stop_if_started(site):
                reporter.note("EC2 on this machine is stopped again")
    return _outcome(workflow, this, given)


def _run_on_existing(wish: Wish, workflow: Workflow, this: _Run, reporter: Reporter) -> RunOutcome:
    spec, site, found = found_pool(wish.pool, wish.cloud, say=reporter.note)
    points = found.with_role(Role.ACCESS_POINT)
    if not points and spec.access_point == "cloud":
        raise NotFoundError(f"the pool {spec.name} has no access point", f"roost up {wish.pool}")
    # What is on its image is known where the image is one of ours.
    if wish.pool is not None and wish.pool.endswith((".yml", ".yaml")):
        _check_executables(workflow, prepared.image(spec, site, reporter))
    pool = RisenPool(
        spec=spec,
        access_point=points[0] if points else None,
        execution_points=found.with_role(Role.EXECUTION_POINT),
        moments={},
        changed=False,
    )
    _execute(workflow, pool, site, this, reporter)
    return _outcome(workflow, this, None)


def _own_spec(wish: Wish, workflow: Workflow) -> PoolSpec:
    """The pool.yml beside the workflow, under a name of its own: another run may be under way."""
    beside = wish.workflow.parent / "pool.yml"
    spec = read_spec(beside) if beside.exists() else PoolSpec()
    name = f"{_word(workflow.name)[:20].rstrip('-')}-{uuid.uuid4().hex[:6]}"
    return spec.model_copy(update={"name": name, **({"cloud": wish.cloud} if wish.cloud else {})})


def _check_executables(workflow: Workflow, image: PoolImage) -> None:
    """Before anything is launched: are the workflow's programs on the image?"""
    if image.executables is None:
        return
    missing = missing_executables(workflow, image.executables)
    if missing:
        raise UsageError(
            "\n".join(str(one) for one in missing),
            "name the Debian packages that bring them: `image: {packages: [...]}` in the pool.yml beside the workflow",
        )


def _verified(pool: RisenPool, site: Site, reporter: Reporter) -> RisenPool:
    """The same pool with the time of each instance's first job. Raises PartialError when one does not work."""
    reporter.step("verify that every instance runs a job and returns its file")
    expected = [instance.id for instance in pool.execution_points]
    moments = dict(pool.moments)
    wrong = []
    with _on_access_point(pool, site) as access_point:
        for check in verification(access_point, expected, timeout_s=_VERIFY_TIMEOUT_S):
            known = moments.get(check.instance_id)
            if check.verdict is not Verdict.YES:
                wrong.append(check.sentence)
            elif check.question is Question.RAN and known is not None:
                moments[check.instance_id] = known.at(Milestone.FIRST_JOB, time.time())
            reporter.note(check.sentence)
            reporter.timeline(rows(moments.values()))
    if wrong:
        raise PartialError("the pool does not work: " + "; ".join(wrong), f"roost status {pool.spec.name}")
    return replace(pool, moments=moments)


def _execute(workflow: Workflow, pool: RisenPool, site: Site, this: _Run, reporter: Reporter) -> None:
    """Plan, send, follow, bring back."""
    this.executable = executable = plan(
        workflow,
        ExecutionSite(profiles=_site_profiles(pool.spec)),
        RunPaths(run=runs(pool.spec) / this.directory.name),
        uuid=str(uuid.uuid4()),
        planned_at=datetime.now(UTC),
    )
    with _on_access_point(pool, site) as access_point:
        reporter.step(f"send {len(executable.jobs)} jobs and {len(executable.uploads)} files to {_place(pool)}")
        following.send(executable, access_point)
        reporter.step("run the workflow under DAGMan")
        try:
            this.progress = following.follow(executable, access_point, reporter, usd_so_far=_meter(pool, site))
            this.failures = [
                text for one in following.failures(executable, access_point, this.progress) for text in _told(one)
            ]
        finally:
            reporter.step(f"bring the results to {this.directory}")
            following.bring_back(executable, access_point, this.directory)
    (this.directory / "timeline.json").write_text(json.dumps(_timeline(pool), indent=2))


def _end(spec: PoolSpec, site: Site, this: _Run, reporter: Reporter) -> Receipt:
    given = end(spec, site, reporter, joined_at_s=this.joined_at_s, attempts=this.attempts)
    (this.directory / "receipt.json").write_text(receipts.to_json(given))
    return given


def _outcome(workflow: Workflow, this: _Run, given: Receipt | None) -> RunOutcome:
    lines = []
    error: RoostError | None = None
    if this.progress is not None and this.progress.is_success:
        outputs = sorted(p for p in (this.directory / "output").rglob("*") if p.is_file())
        lines.append(f"{workflow.name}: {len(this.progress.jobs)} jobs done")
        lines += [f"  {path}  {path.stat().st_size} bytes" for path in outputs]
    else:
        lines.append(f"{workflow.name}: failed")
        lines += this.failures
        many = len(this.progress.failed) if this.progress else 0
        error = PartialError(
            f"{many} of {len(workflow.jobs)} jobs failed",
            f"the files of every job are in {this.directory / 'submit'}",
        )
    if given is not None:
        lines += ["", receipts.text(given).rstrip("\n")]
    return RunOutcome(text="\n".join(lines) + "\n", error=error)


def _told(failure: Failure) -> list[str]:
    return [f"  {failure.sentence}", *(f"    {line}" for line in failure.stderr)]


def _on_access_point(pool: RisenPool, site: Site) -> AbstractContextManager[AccessPoint]:
    spec, points = pool.spec, [pool.access_point] if pool.access_point else []
    return entrance.access_point(spec, site, Found(instances=(*points, *pool.execution_points)))


def _place(pool: RisenPool) -> str:
    return pool.access_point.id if pool.access_point else "this machine's HTCondor"


def _site_profiles(spec: PoolSpec) -> Profiles:
    wanted = requirements(spec)
    return Profiles(condor={"requirements": wanted}) if wanted else Profiles()


def _meter(pool: RisenPool, site: Site) -> Callable[[], float | None]:
    """Dollars so far at the stated price."""
    points = [pool.access_point] if pool.access_point else []
    instances: tuple[PoolInstance, ...] = (*points, *pool.execution_points)
    known = pricing.rates(pool.spec.cloud, site.ec2.access, [i.instance_type for i in instances]).usd_per_hour
    rates = [(i.launched_at.timestamp(), known.get(i.instance_type)) for i in instances]

    def usd_so_far() -> float | None:
        now = time.time()
        return sum((now - since) / 3600 * rate for since, rate in rates if rate is not None)

    return usd_so_far if all(rate is not None for _, rate in rates) else lambda: None


def _timeline(pool: RisenPool) -> dict[str, object]:
    return {"schema": "roost/timeline/1", "instances": [asdict(known) for known in pool.moments.values()]}


def _attempt(one: JobAttempt) -> Attempt | None:
    """As the receipt counts it; one that still ran when the pool went was for nothing."""
    if not one.instance_id or one.ended_at is None:
        return None
    return Attempt(
        instance_id=one.instance_id,
        started_at_s=one.started_at,
        ended_at_s=one.ended_at,
        outcome=_OUTCOMES.get(one.outcome, Outcome.EVICTED),
    )


def _new_directory(directory: Path) -> Path:
    try:
        directory.mkdir(parents=True)
    except FileExistsError as error:
        raise UsageError(f"there is a run {directory} already", "choose another --name") from error
    except OSError as error:
        raise UsageError(
            f"the directory {directory} cannot be made: {error.strerror}", f"ls -ld {directory.parent}"
        ) from error
    return directory


def _word(name: str) -> str:
    """A workflow's name as one that a pool and a directory can have.

    >>> _word("Variant Calling (small)")
    'variant-calling-small'
    """
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return word if word[:1].isalpha() else f"run-{word}".rstrip("-")
