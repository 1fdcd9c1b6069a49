"""pure: ExecutableWorkflow -> the same with jobs that fetch files of servers to the access point, once each.

Pegasus' stage-in jobs do this. Files of this machine need none: they are sent along with the run.
"""

from collections.abc import Mapping
from dataclasses import replace

from roost.workflow.abstract import Workflow
from roost.workflow.executable import Chores, ExecutableWorkflow, Fetch, JobKind, PlannedJob
from roost.workflow.shapes import Shape, of_chores

AT_ONCE = 10  # as pegasus.mode=production
_FILES = 20  # of one job: one server that is slow does not keep back the rest
_CATEGORY = "stagein"
_PRIORITY = 700  # as Pegasus


def with_stage_in(executable: ExecutableWorkflow, workflow: Workflow) -> ExecutableWorkflow:
    """Each job waits for the files that it takes; as it is where nothing comes from a server."""
    by_lfn = {
        replica.lfn: Fetch(replica.url, executable.places[replica.lfn], replica.sha256)
        for replica in workflow.replicas.values()
        if replica.url and not replica.local and not replica.on_site
    }
    programs = [workflow.transformations[name] for name in executable.programs]
    sent = {one for program in programs for one in (program.name, *program.requires)}
    by_program = {
        one.file_name: Fetch(one.url, f"../executables/{one.file_name}", one.sha256)
        for one in (workflow.transformations[name] for name in sorted(sent))
        if one.url
    }
    containers = {program.name: program.container for program in programs if program.container}
    by_image = {
        name: Fetch(one.url, f"../executables/{one.image}", one.sha256) for name, one in containers.items() if one.url
    }
    if not by_lfn and not by_program and not by_image:
        return executable
    retries = max(workflow.retries, 3)  # a server that does not answer may do so a minute later
    shape = of_chores("pegasus::transfer", retries=retries, category=_CATEGORY, priority=_PRIORITY)
    fetched = [*by_lfn.values(), *by_program.values(), *dict.fromkeys(by_image.values())]
    parts = [fetched[at : at + _FILES] for at in range(0, len(fetched), _FILES)]
    jobs = [_job(executable, shape, number, part) for number, part in enumerate(parts)]
    names = {fetch.place: job.name for job in jobs for fetch in job.chores.fetch}
    waits = _waits(executable, by_lfn, by_program, by_image, names)
    parents = {
        job.name: (*executable.parents.get(job.name, ()), *waits.get(job.name, ()))
        for job in executable.jobs
        if job.name in executable.parents or job.name in waits
    }
    throttles = {_CATEGORY: AT_ONCE, **executable.throttles}  # what the user says wins
    return replace(executable, jobs=(*jobs, *executable.jobs), parents=parents, throttles=throttles)


def _job(executable: ExecutableWorkflow, shape: Shape, number: int, fetched: list[Fetch]) -> PlannedJob:
    name = f"stage_in_remote_{executable.site}_0_{number}"
    return PlannedJob(name, (), 1, 0, shape, "0", (), (), (), JobKind.STAGE_IN, chores=Chores(fetch=tuple(fetched)))


def _waits(
    executable: ExecutableWorkflow,
    by_lfn: Mapping[str, Fetch],
    by_program: Mapping[str, Fetch],
    by_image: Mapping[str, Fetch],
    names: Mapping[str, str],
) -> dict[str, tuple[str, ...]]:
    waits = {}
    for job in executable.jobs:
        places = [by_lfn[lfn].place for lfn in job.inputs if lfn in by_lfn]
        places += [by_program[one].place for one in job.sent if one in by_program]
        places += [by_image[task.transformation].place for task in job.tasks if task.transformation in by_image]
        if places:
            waits[job.name] = tuple(dict.fromkeys(names[place] for place in places))
    return waits
