"""shell (EFS, S3): the file system that AWS keeps for a pool, in the life of the pool: made, and deleted with it.

Only AWS has one; on this machine nothing is asked.
"""

from datetime import UTC, datetime

from roost.cloud.efs import Efs
from roost.cloud.model import Found
from roost.cloud.plan import pool_tags, resource_name
from roost.cloud.s3 import bucket_region
from roost.errors import CloudError, RoostError
from roost.spec import PoolSpec
from roost.verbs.which_pool import Site


def made(spec: PoolSpec, site: Site) -> str:
    """Its address: made as far as it is not there; of a bucket, its region. "" for a pool that has none."""
    if spec.shared.kind == "s3" and spec.shared.bucket:
        return bucket_region(site.ec2.access, spec.shared.bucket)
    if spec.shared.kind != "efs":
        return ""
    group = next((g for g in site.ec2.describe(spec.name).groups if g.name == resource_name(spec.name)), None)
    if group is None:
        raise CloudError(f"the security group of the pool {spec.name} has vanished", "`roost up` again makes it again")
    subnet = site.ec2.region.network(spec.subnet)
    tags = {**pool_tags(spec, site.asker, datetime.now(UTC)), "Name": resource_name(spec.name)}
    return _efs(site).make(spec.name, tags=tags, subnet_id=subnet.id, group_id=group.id).address


def wait_until_mountable(spec: PoolSpec, site: Site) -> None:
    if spec.shared.kind == "efs":
        _efs(site).wait_until_mountable(spec.name)


def delete(spec: PoolSpec, site: Site, found: Found) -> list[RoostError]:
    """With all that is on them; what could not be done."""
    if not found.file_systems:
        return []
    try:
        _efs(site).delete(spec.name)
    except RoostError as error:
        return [error]
    return []


def _efs(site: Site) -> Efs:
    return Efs(site.ec2.access)
