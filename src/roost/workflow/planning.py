"""pure: (Workflow, site, paths, Options) -> ExecutableWorkflow: what is there is reused, the rest is planned."""

from dataclasses import dataclass, replace
from datetime import datetime

from roost.errors import UsageError
from roost.workflow.abstract import SubWorkflow, Workflow
from roost.workflow.around import Around
from roost.workflow.cleanup import with_cleanup
from roost.workflow.clustering import Policy, wanted
from roost.workflow.executable import Deferred, ExecutableWorkflow, PlannedJob, Site
from roost.workflow.nesting import around_part, uuid_of_part, with_parts
from roost.workflow.planner import plan
from roost.workflow.reuse import reuse
from roost.workflow.run_paths import RunPaths
from roost.workflow.staging import with_stage_in

INPLACE = "inplace"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """What the user wants of a plan; pegasus-plan's options of the same names."""

    reuse: tuple[str, ...] = ()  # replica catalogs that count beside the workflow's own: absolute paths of files
    force: bool = False  # make everything, also what is there already
    cleanup: str | None = None  # inplace: remove intermediate files while it runs; none; None: as the planner does


def planned(
    workflow: Workflow,
    site: Site,
    paths: RunPaths,
    options: Options,
    *,
    uuid: str,
    planned_at: datetime,
    policy: Policy | None = None,
    around: Around | None = None,
) -> ExecutableWorkflow:
    """As `planner.plan`, with the workflows that are parts of it. UsageError where nothing is left to run, too."""
    reused = reuse(replace(workflow, made_before={}) if options.force else workflow)
    if not reused.workflow.jobs:
        raise UsageError(
            f"nothing is left to run of {workflow.name}: all the files that it makes are there",
            "take them from where the replica catalog says they are; or: roost run --force",
        )
    executable = plan(reused.workflow, site, paths, uuid=uuid, planned_at=planned_at, policy=policy, around=around)
    executable = replace(with_stage_in(executable, reused.workflow), reused=reused.results)
    if options.cleanup == INPLACE:
        executable = with_cleanup(executable)
    if not workflow.subs:
        return executable

    def plan_part(sub: SubWorkflow, executable: ExecutableWorkflow, job: PlannedJob) -> ExecutableWorkflow | Deferred:
        asked = sub.options
        mine = replace(options, force=options.force or asked.force, cleanup=asked.cleanup or options.cleanup)
        by = policy if asked.cluster is None or policy is None else wanted(asked.cluster, cores=policy.cores)
        if sub.workflow is None:
            from roost.workflow.deferred import deferred  # which plans in its turn

            return deferred(executable, job, sub, site, mine, by)
        inner = replace(sub.workflow, dagman={**sub.workflow.dagman, **sub.dagman})
        return planned(
            _not_taken(inner, job),
            site,
            executable.paths.part(job.part),
            mine,
            uuid=uuid_of_part(executable, job),
            planned_at=planned_at,
            policy=by,
            around=around_part(executable, job),
        )

    return with_parts(executable, reused.workflow, plan_part)


def _not_taken(inner: Workflow, job: PlannedJob) -> Workflow:
    """What the workflow around it takes is made, where it wants it; the rest may be there already."""
    taken = {one.lfn for one in job.outputs}
    left = replace(inner, made_before={lfn: one for lfn, one in inner.made_before.items() if lfn not in taken})
    return left if not left.made_before or reuse(left).workflow.jobs else replace(left, made_before={})
