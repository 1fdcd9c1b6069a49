"""shell (this machine): what a pool shares, and whether it can be had where the pool is to be."""

from pathlib import Path

from roost.boot.roles import Role
from roost.boot.settings import Sharing
from roost.errors import UsageError
from roost.spec import PoolSpec
from roost.workflow.abstract import Workflow
from roost.workflow.properties import Data

_FILE_SYSTEMS = Path("/proc/filesystems")


def sharing(spec: PoolSpec, role: Role = Role.EXECUTION_POINT, *, server: str = "") -> Sharing | None:
    """What the instances are told; None where nothing is to be done. `server`: what is outside the pool."""
    shared = spec.shared
    if shared.kind == "s3" and shared.profile and role is Role.ACCESS_POINT:
        return Sharing(kind="s3", at="", server=server)
    if shared.kind in ("none", "s3"):
        return None
    copies = shared.copies if shared.kind == "gluster" and shared.layout == "replica" else 1
    return Sharing(kind=shared.kind, at=shared.at, copies=copies, server=server)


def is_mounted(spec: PoolSpec) -> bool:
    """Do its execution points and its access point see a directory in common?"""
    return spec.shared.kind in ("gluster", "nfs", "efs") and spec.access_point == "cloud"


def require_shared(workflow: Workflow, pool: str, *, is_shared: bool) -> None:
    """Raises UsageError where the tasks of a workflow are to work in what a pool shares, and cannot."""
    if workflow.data is not Data.SHAREDFS:
        return
    asked = (
        f"the tasks are to work in a directory that all instances see (pegasus.data.configuration = {workflow.data})"
    )
    instead = "pegasus.data.configuration = condorio, and HTCondor moves the files that tasks declare"
    if not is_shared:
        said = f"{asked}, and those of the pool {pool} share none"
        raise UsageError(said, f"`shared: gluster` in pool.yml; or {instead}")
    if workflow.subs:
        raise UsageError(f"not supported yet: {asked}, in a workflow of which others are parts", instead)


def require_possible(spec: PoolSpec) -> None:
    """Raises UsageError, before the first thing is made, where the pool cannot share what it is to share."""
    known = _FILE_SYSTEMS.read_text().split() if spec.cloud == "local" else []
    problem = obstacle(spec, kernel_has_nfs="nfs4" in known and "nfsd" in known)
    if problem:
        raise UsageError(problem, "`shared: gluster` works here too")


def obstacle(spec: PoolSpec, *, kernel_has_nfs: bool) -> str | None:
    """Why it cannot; None where it can."""
    if spec.cloud != "local":
        return None
    if spec.shared.kind == "s3":
        return "HTCondor speaks to S3 by https alone, and that of EC2 on this machine is http"
    if spec.shared.kind == "efs":
        return "`shared: efs` is a service of AWS: there is none on this machine"
    if spec.shared.kind == "nfs" and not kernel_has_nfs:
        return (
            "`shared: nfs` is the kernel's work, instances on this machine share its kernel, and that has no nfs4 and"
            " nfsd (/proc/filesystems)"
        )
    return None
