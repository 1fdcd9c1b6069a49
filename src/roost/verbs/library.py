"""shell (all stages): the library: a pool as an object, and the runs on it. `from roost import Pool`.

The command line is a shell over it: `roost run` is a Pool that rises, a Run, and a Pool that goes.
"""

import os
import sys
import uuid
from collections.abc import Iterable
from contextlib import AbstractContextManager, ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from roost.boot.roles import Role
from roost.cloud.image import PoolImage
from roost.cloud.model import Action
from roost.errors import NotFoundError, RoostError, UsageError
from roost.pool.access_point import AccessPoint
from roost.report.receipt import Receipt
from roost.report.reporter import PlainReporter, Reporter, SilentReporter
from roost.spec import PoolSpec
from roost.verbs import objects, planners, prepared, run_directory, sharing
from roost.verbs.ending import end
from roost.verbs.first_jobs import first_jobs
from roost.verbs.ground import Ground
from roost.verbs.history import pool_history
from roost.verbs.loading import Loaded, load
from roost.verbs.pool_status import PoolStatus, pool_status
from roost.verbs.rising import RisenPool, rise
from roost.verbs.run_directory import RunDirectory, RunRecord
from roost.verbs.runs import Run
from roost.verbs.which_pool import Site, found_pool, is_file_name, read_spec
from roost.workflow import clustering
from roost.workflow.abstract import Workflow
from roost.workflow.plan_options import Wanted
from roost.workflow.planner import require_clusters
from roost.workflow.planning import Options

_WORKFLOW = "workflow.yml"  # in the run's directory: what an object of Pegasus.api wrote


class ApiWorkflow(Protocol):
    """A `Pegasus.api.Workflow`, as far as it is needed here."""

    name: str

    def write(self, file: str) -> object:
        """Write it as YAML."""


class Pool:
    """A pool of EC2 instances. In a `with` it rises, and goes again at the end, however that is.

        with Pool.from_file("pool.yml") as pool:
            run = pool.run("workflow.yml")
            run.wait()
            print(run.results)

    Nobody is asked: where `cloud: aws` is written, `up` launches what costs money. All errors are `roost.errors`.
    """

    def __init__(self, spec: PoolSpec, *, keep: bool = False, reporter: Reporter | None = None) -> None:
        self.spec = spec
        self.keep = keep
        self.receipt: Receipt | None = None  # when it has gone
        self._reporter = reporter or SilentReporter()
        self._site: Site | None = None
        self._image: PoolImage | None = None
        self._risen: RisenPool | None = None
        self._goes = False  # at the end of the `with`
        self._runs: list[Run] = []
        self._held = ExitStack()  # the directories of the runs

    @classmethod
    def from_file(
        cls,
        path: str | os.PathLike[str] = "pool.yml",
        *,
        cloud: str | None = None,
        keep: bool = False,
        verbose: bool = False,
    ) -> Self:
        """The pool that a pool.yml describes; `up` launches it, or what is missing of it.

        Args:
            path: the pool.yml.
            cloud: `local` or `aws`, instead of what the file says.
            keep: leave it up at the end of the `with`.
            verbose: tell on standard error what happens.

        Raises:
            UsageError: with every mistake in the file. NotFoundError: there is no such file.
        """
        spec = read_spec(Path(path))
        spec = spec.model_copy(update={"cloud": cloud}) if cloud else spec
        return cls(spec, keep=keep, reporter=_reporter(verbose=verbose))

    @classmethod
    def find(cls, word: str, *, cloud: str | None = None, verbose: bool = False) -> Self:
        """A pool that is up, by its name or its pool.yml. It is left up.

        Raises:
            NotFoundError: EC2 describes no such pool, or it has no access point.
        """
        return cls.found(word, cloud=cloud, reporter=_reporter(verbose=verbose))

    @classmethod
    def found(
        cls, word: str, *, cloud: str | None, reporter: Reporter, region: str | None = None, keep: bool = True
    ) -> Self:
        """As `find`, for whoever has a reporter; without `keep` the pool goes at the end of the `with`."""
        spec, site, found = found_pool(word, cloud, say=reporter.note, region=region)
        points = found.with_role(Role.ACCESS_POINT)
        if not points and spec.access_point == "cloud":
            raise NotFoundError(f"the pool {spec.name} has no access point", f"roost up {word}")
        pool = cls(spec, keep=keep, reporter=reporter)
        pool._site = site
        pool._risen = RisenPool(
            spec=spec,
            access_point=points[0] if points else None,
            execution_points=found.with_role(Role.EXECUTION_POINT),
            moments={},
            changed=False,
        )
        pool._goes = not keep
        # What is on its image is known where the image is one of ours.
        if is_file_name(word):
            pool._image = prepared.image(spec, site, reporter)
        return pool

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def site(self) -> Site:
        """The EC2 that it is on."""
        if self._site is None:
            self._site = prepared.site(self.spec, self._reporter)
        return self._site

    def access_point(self) -> AbstractContextManager[AccessPoint]:
        """The machine on which it submits jobs."""
        return self._ground().access_point()

    def __enter__(self) -> Self:
        self.up()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave(error)

    def prepare(self) -> list[Action]:
        """Everything that is free to check, before anything is launched. What `up` would do."""
        self._image = prepared.image(self.spec, self.site, self._reporter)
        return prepared.planned(self.spec, self.site)

    def up(self) -> None:
        """Launch what is missing, wait until every instance has joined, prove that each runs a job.

        What it launched is taken down again where that fails.

        Raises:
            PartialError: instances do not work. RefusedError: a quota. CloudError: EC2 said no.
            WaitTimeoutError: they have not joined in time.
        """
        if self._risen is not None:
            return
        if self._image is None:
            self.prepare()
        reporter = self._reporter
        reporter.note(prepared.price(self.spec, prepared.rates(self.spec, self.site)))
        self._goes = True
        try:
            self._risen = rise(self.spec, self.site, self._image or self._no_image(), reporter)
            if self._risen.changed:  # one that was up before has proven itself then, and may be busy
                with self.access_point() as access_point:
                    self._risen = first_jobs(self._risen, access_point, reporter)
        except BaseException as error:
            self._leave(error)
            raise

    def down(self) -> Receipt:
        """Terminate it, sweep what it leaves. Runs that have not ended are ended, for `resume` to go on from.

        Raises:
            StillBillableError: something that costs money is left.
        """
        for run in self._runs:
            with suppress(RoostError):  # the access point may be what is broken
                run.salvage()
        found = self.site.ec2.describe(self.name)
        joined_at_s = self._risen.joined_at_s if self._risen else {}
        if self._risen is not None and not joined_at_s:  # it rose without us
            joined_at_s = pool_history(self.spec, self.site, found, say=self._reporter.note).joined_at_s
        ours = {instance.id for instance in found.instances}
        attempts = [one for run in self._runs for one in run.attempts if one.instance_id in ours]
        self._goes = False
        self.receipt = end(self.spec, self.site, self._reporter, joined_at_s=joined_at_s, attempts=attempts)
        self._risen = None
        for run in self._runs:
            run.keep_receipt(self.receipt)
        if prepared.stop_if_started(self.site):
            self._reporter.note("EC2 on this machine is stopped again")
        return self.receipt

    def status(self) -> PoolStatus:
        """Its instances, slots and queue, as EC2 and HTCondor say now."""
        return pool_status(self.spec, self.site, self.site.ec2.describe(self.name), say=self._reporter.note)

    def run(
        self,
        workflow: "str | os.PathLike[str] | ApiWorkflow",
        *,
        name: str | None = None,
        planner: Literal["auto", "roost", "pegasus"] = "auto",
        cluster: str | None = None,
        reuse: str | os.PathLike[str] | Iterable[str | os.PathLike[str]] = (),
        force: bool = False,
        cleanup: Literal["none", "inplace"] | None = None,
    ) -> Run:
        """Hand it a workflow: a Pegasus 5 YAML file, or an object of Pegasus.api. `Run.wait` waits for its end.

        Args:
            workflow: the catalogs are beside the file, or in it.
            name: the results go to `runs/NAME` (default: the workflow's name and the time).
            planner: Roost's own, or pegasus-plan on the access point; `auto` is pegasus-plan where that is installed.
            cluster: which tasks share a job, as `roost run --cluster` takes it (default: those that its
                profiles put together, and short ones).
            reuse: runs (names, or directories) whose files are taken instead of being made again.
            force: make everything, also files that a replica catalog says are there.
            cleanup: `inplace` removes intermediate files while it runs (default: `none`; pegasus-plan's: `inplace`).

        Raises:
            UsageError: with every mistake in the workflow and its catalogs; or nothing is left to run of it.
            NotFoundError: nothing is known of what a run of `reuse` has made.
        """
        names = [reuse] if isinstance(reuse, str | os.PathLike) else reuse
        wanted = Wanted(cluster=cluster, reuse=tuple(str(one) for one in names), force=force, cleanup=cleanup)
        options = run_directory.options(wanted)
        if isinstance(workflow, str | os.PathLike):
            path = Path(workflow)
            read = load(path, planner, options)
            directory = self._held.enter_context(run_directory.new(name or run_directory.default_name(read.name)))
        else:
            directory = self._held.enter_context(run_directory.new(name or run_directory.default_name(workflow.name)))
            path = directory.path / _WORKFLOW
            workflow.write(str(path))
            read = load(path, planner, options)
        if isinstance(read, Workflow):
            require_clusters(read, clustering.wanted(cluster or ""))
        self.check(read)
        return self.begin(read, directory, self.record(path, directory, planner, cluster=cluster, options=options))

    def resume(self, name: str) -> Run:
        """What is left of the run `runs/NAME`, which failed or was cut off. Done jobs are not run again.

        Raises:
            NotFoundError: there is no such run here. UsageError: its workflow is another one by now, or all is done.
        """
        directory = self._held.enter_context(run_directory.existing(name))
        workflow = planners.loaded(directory.record)
        self.check(workflow)
        return self.again(workflow, directory)

    def attach(self, name: str) -> Run:
        """The run `runs/NAME`, which another process began on this pool.

        Raises:
            NotFoundError: there is no such run here.
        """
        directory = self._held.enter_context(run_directory.existing(name))
        return self.follow(planners.loaded(directory.record), directory)

    def check(self, workflow: Loaded) -> None:
        """Are the workflow's programs, or its planner, on the image? Raises an error where they are known not to be.

        So it does where its tasks would work in what instances share, and those of this pool would share nothing, and
        where inputs are not in S3 that should be.
        """
        if isinstance(workflow, Workflow):
            if self._risen is None:
                sharing.require_shared(workflow, self.name, is_shared=sharing.is_mounted(self.spec))
            objects.require_objects(workflow, self.spec)
        if self._image is not None and self._image.executables is not None:
            planners.require_programs(workflow, self._image.executables)

    def begin(self, workflow: Loaded, directory: RunDirectory, record: RunRecord) -> Run:
        self._require_execution_points()
        return self._known(planners.begin(self._ground(), directory, record, workflow))

    def again(self, workflow: Loaded, directory: RunDirectory) -> Run:
        self._require_execution_points()
        return self._known(planners.again(self._ground(), directory, workflow))

    def follow(self, workflow: Loaded, directory: RunDirectory) -> Run:
        return self._known(planners.follow(self._ground(), directory, workflow))

    def record(
        self,
        path: Path,
        directory: RunDirectory,
        planner: str,
        *,
        cluster: str | None,
        options: Options,
    ) -> RunRecord:
        """Of a run that is about to begin."""
        return RunRecord(
            name=directory.name,
            workflow=str(path.absolute()),
            uuid=str(uuid.uuid4()),
            planned_at=datetime.now(UTC).replace(microsecond=0),
            pool=self.name,
            cloud=self.spec.cloud,
            region=self.spec.region,
            owns_pool=self._risen is None or self._goes,
            keep=self.keep,
            directory="",
            planner=planner,
            cluster=cluster or "",
            options=options,
        )

    def _require_execution_points(self) -> None:
        """Raises NotFoundError where jobs would wait for ever."""
        if self._risen is not None and not self._risen.execution_points:
            raise NotFoundError(
                f"the pool {self.name} has no execution point, so nothing would run; they end themselves when they have"
                " been idle for long",
                f"roost up {self.name}",
            )

    def _ground(self) -> Ground:
        if self._risen is None:
            raise UsageError(f"the pool {self.name} is not up", "pool.up(), or use it in a `with`")
        return Ground(pool=self._risen, site=self.site, reporter=self._reporter)

    def _known(self, run: Run) -> Run:
        self._runs.append(run)
        return run

    def _no_image(self) -> PoolImage:
        raise UsageError(f"no image is known for the pool {self.name}", "pool.prepare()")

    def _leave(self, error: BaseException | None) -> None:
        """The end of a `with`: what was launched goes, unless it is to be kept."""
        with self._held:
            if not self._goes:
                return
            if self.keep:
                self._reporter.note(f"the pool is left up. To end it: roost down {self.name}")
                return
            if error is not None and not isinstance(error, RoostError):
                self._reporter.note("interrupted: taking down what was launched")
            try:
                self.down()
            except KeyboardInterrupt:
                self._reporter.note(
                    f"interrupted again; the pool may still be there. To end it: roost down {self.name}"
                )
                raise


def _reporter(*, verbose: bool) -> Reporter:
    return PlainReporter(sys.stderr) if verbose else SilentReporter()
