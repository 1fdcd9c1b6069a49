"""pure: ExecutableWorkflow -> the same with jobs that remove files which nobody needs any more.

Pegasus' in-place cleanup: a workflow of which a part fits on the access point's disk can run there. One job for each
level of the workflow, after all jobs that use what it removes; results and inputs that came from this machine stay.
"""

from collections import defaultdict
from dataclasses import replace

from roost.workflow.executable import Chores, ExecutableWorkflow, JobKind, PlannedJob, jobs_share
from roost.workflow.shapes import of_chores

AT_ONCE = 4  # as pegasus.mode=production
_CATEGORY = "cleanup"
_PRIORITY = 1000  # as Pegasus: room is made before more is written


def with_cleanup(executable: ExecutableWorkflow) -> ExecutableWorkflow:
    level_of = {job.name: job.level for job in executable.jobs}
    shared = jobs_share(executable)  # of results too: what the user gets is another copy
    elsewhere = executable.around.wanted  # the workflow around this one takes them
    users = {
        one.lfn: {job.name: None}
        for job in executable.jobs
        for one in job.outputs
        if (not one.stage_out or one.lfn in shared) and one.lfn not in elsewhere
    }
    for job in executable.jobs:
        for lfn in job.inputs:
            if lfn in users:
                users[lfn][job.name] = None
    by_level: dict[int, list[str]] = defaultdict(list)
    for lfn, names in users.items():
        by_level[max(level_of[name] for name in names)].append(lfn)
    shape = of_chores("pegasus::cleanup", retries=1, category=_CATEGORY, priority=_PRIORITY)
    jobs, parents = [], dict(executable.parents)
    for level, lfns in sorted(by_level.items()):
        name = f"clean_up_local_level_{level}_0"
        removed = tuple(executable.places[lfn] for lfn in lfns)
        jobs.append(
            PlannedJob(name, (), level + 1, 0, shape, "0", (), (), (), JobKind.CLEANUP, chores=Chores(remove=removed))
        )
        parents[name] = tuple(dict.fromkeys(user for lfn in lfns for user in users[lfn]))
    if not jobs:
        return executable
    throttles = {_CATEGORY: AT_ONCE, **executable.throttles}  # what the user says wins
    return replace(executable, jobs=(*executable.jobs, *jobs), parents=parents, throttles=throttles)
