"""pure: (Workflow, what is on the image) -> the programs that are missing there, before anything is launched."""

from dataclasses import dataclass

from roost.workflow.abstract import SUB_TRANSFORMATIONS, Workflow
from roost.workflow.transformations import Kind

_START_CONTAINERS = ("/usr/bin/apptainer", "/usr/bin/singularity", "/usr/bin/podman")


@dataclass(frozen=True, kw_only=True, slots=True)
class MissingExecutable:
    transformation: str
    pfn: str
    at: str

    def __str__(self) -> str:
        return f"{self.at}: transformation '{self.transformation}' needs {self.pfn}, which is not on the image"


def missing_executables(workflow: Workflow, executables: frozenset[str]) -> list[MissingExecutable]:
    """Installed transformations (and what they require) whose path is not among the image's `executables`."""
    needed = dict.fromkeys(
        name
        for job in workflow.jobs
        if job.transformation not in SUB_TRANSFORMATIONS
        for name in (job.transformation, *workflow.transformations[job.transformation].requires)
    )
    found = [workflow.transformations[name] for name in needed]
    there = {merged_usr(path) for path in executables}
    parts = [sub.workflow for sub in workflow.subs.values() if sub.workflow is not None]
    for_containers = [
        MissingExecutable(transformation=one.name, pfn="apptainer or podman", at=one.at)
        for one in found
        if one.container is not None and there.isdisjoint(_START_CONTAINERS)
    ]
    return (
        for_containers
        + [
            MissingExecutable(transformation=one.name, pfn=str(one.pfn), at=one.at)
            for one in found
            if one.kind is Kind.INSTALLED and one.container is None and merged_usr(str(one.pfn)) not in there
        ]
        + [missing for part in parts for missing in missing_executables(part, executables)]
    )


def merged_usr(path: str) -> str:
    """Debian's /bin is /usr/bin: both names are the same file.

    >>> merged_usr("/bin/sh"), merged_usr("/opt/bin/x")
    ('/usr/bin/sh', '/opt/bin/x')
    """
    merged = any(path.startswith(f"/{top}/") for top in ("bin", "sbin", "lib"))
    return f"/usr{path}" if merged else path
