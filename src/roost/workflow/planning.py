"""pure: (Workflow, site, paths, Options) -> ExecutableWorkflow: what is there is reused, the rest is planned."""

from dataclasses import dataclass, replace
from datetime import datetime

from roost.errors import UsageError
from roost.workflow.abstract import Workflow
from roost.workflow.cleanup import with_cleanup
from roost.workflow.clustering import Policy
from roost.workflow.executable import ExecutableWorkflow, RunPaths, Site
from roost.workflow.planner import plan
from roost.workflow.reuse import reuse
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
) -> ExecutableWorkflow:
    """As `planner.plan`. Raises UsageError where nothing is left to run, too."""
    reused = reuse(replace(workflow, made_before={}) if options.force else workflow)
    if not reused.workflow.jobs:
        raise UsageError(
            f"nothing is left to run of {workflow.name}: all the files that it makes are there",
            "take them from where the replica catalog says they are; or: roost run --force",
        )
    executable = plan(reused.workflow, site, paths, uuid=uuid, planned_at=planned_at, policy=policy)
    executable = replace(with_stage_in(executable, reused.workflow), reused=reused.results)
    return with_cleanup(executable) if options.cleanup == INPLACE else executable
