"""pure: ExecutableWorkflow -> the same with jobs that remove files which nobody needs any more.

Pegasus' in-place cleanup: a workflow of which a part fits on the access point's disk can run there. One job for each
level of the workflow, after all jobs that use what it removes; results and inputs that came from this machine stay.
"""

from collections import defaultdict
from dataclasses import replace

from roost.workflow.planner import Chores, ExecutableWorkflow, JobKind, PlannedJob
from roost.workflow.shapes import Shape

AT_ONCE = 4  # as pegasus.mode=production
_CATEGORY = "cleanup"
_PRIORITY = 1000  # as Pegasus: room is made before more is written


def with_cleanup(executable: ExecutableWorkflow) -> ExecutableWorkflow:
    makers = {one.lfn: job.name for job in executable.jobs for one in job.outputs if not one.stage_out}
    last = {job.name: job.level for job in executable.jobs}
    users: dict[str, dict[str, None]] = {lfn: {maker: None} for lfn, maker in makers.items()}
    for job in executable.jobs:
        for lfn in job.inputs:
            if lfn in users:
                users[lfn][job.name] = None
    by_level: dict[int, list[str]] = defaultdict(list)
    for lfn, names in users.items():
        by_level[max(last[name] for name in names)].append(lfn)
    shape = Shape(
        transformation="pegasus::cleanup",
        universe="local",
        commands={},
        env={},
        retries=1,
        category=_CATEGORY,
        abort_dag_on="",
        priority=_PRIORITY,
    )
    jobs, parents = [], dict(executable.parents)
    for level, lfns in sorted(by_level.items()):
        name = f"clean_up_local_level_{level}_0"
        removed = tuple(executable.places[lfn] for lfn in lfns)
        jobs.append(
            PlannedJob(name, (), level + 1, shape, "0", (), (), (), JobKind.CLEANUP, chores=Chores(remove=removed))
        )
        parents[name] = tuple(dict.fromkeys(user for lfn in lfns for user in users[lfn]))
    if not jobs:
        return executable
    throttles = {**executable.throttles, _CATEGORY: AT_ONCE}
    return replace(executable, jobs=(*executable.jobs, *jobs), parents=parents, throttles=throttles)
