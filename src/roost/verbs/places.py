"""shell (this machine): where a pool's access point keeps runs, and on which of its machines their jobs may be."""

from pathlib import PurePosixPath

from roost.pool.here import HereAccessPoint, submitter
from roost.spec import PoolSpec

_HOME = PurePosixPath("/home/debian/runs")


def runs(spec: PoolSpec) -> PurePosixPath:
    if spec.access_point == "cloud":
        return _HOME
    return PurePosixPath(HereAccessPoint(submitter(spec.owners)).home / "roost-runs")


def requirements(spec: PoolSpec) -> str:
    """In a pool that has other machines too, a run is for those it was launched for; a job may say otherwise."""
    return "" if spec.access_point == "cloud" else f'TARGET.RoostPool == "{spec.name}"'
