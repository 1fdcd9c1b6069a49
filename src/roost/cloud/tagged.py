"""shell (boto3): everything of EC2 in a region that carries a tag of Roost's, and its removal.

In: a region. Out: `things`. Never: a look at, or a hand on, what has no such tag.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, assert_never

import botocore.exceptions

from roost.cloud import wire
from roost.cloud.clients import Access, open_client, translated
from roost.cloud.model import EXPIRES_TAG, OWNER_TAG, POOL_TAG
from roost.cloud.things import OF_EC2, Kind, Thing

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_PREFIX = "roost:"
_TRY_AGAIN = ("DependencyViolation", "VolumeInUse", "InvalidSnapshot.InUse", "InvalidNetworkInterface.InUse")
_POLL_S = 1.0
_GONE = "NotFound"


def regions(access: Access) -> list[str]:
    """Those that the account may use."""
    with translated("list the regions"):
        described = open_client("ec2", access).describe_regions(AllRegions=False)["Regions"]
        return sorted(str(one["RegionName"]) for one in described)


class Tagged:
    def __init__(
        self,
        access: Access,
        *,
        pause: Callable[[float], None] = time.sleep,  # s
        clock: Callable[[], float] = time.monotonic,  # s
    ) -> None:
        self.region = access.region
        self._pause, self._clock = pause, clock
        self._client: EC2Client = open_client("ec2", access)

    def things(self, kinds: Collection[Kind] = OF_EC2, *, pool: str | None = None) -> list[Thing]:
        """All of those kinds that carry a tag of Roost's, or that pool's."""
        found = []
        for kind in kinds:
            with translated(f"list what there is of the kind {kind} in {self.region}"):
                found += [self._thing(kind, one) for one in self._described(kind, pool)]
        return found

    def remove(self, thing: Thing, *, patience_s: float) -> None:
        """What is gone already is removed. `patience_s`: for what still hangs on to it."""
        deadline = self._clock() + patience_s
        with translated(f"remove the {thing}"):
            while True:
                try:
                    return self._remove(thing)
                except botocore.exceptions.ClientError as error:
                    code = error.response["Error"]["Code"]
                    if _GONE in code:
                        return None
                    if code not in _TRY_AGAIN or self._clock() > deadline:
                        raise
                    self._pause(_POLL_S)

    def states(self, instance_ids: Collection[str]) -> dict[str, str]:
        with translated("look at what was terminated"):
            found = self._described(Kind.INSTANCE, None)
            return {one["InstanceId"]: one["State"]["Name"] for one in found if one["InstanceId"] in instance_ids}

    def _described(self, kind: Kind, pool: str | None) -> Iterator[Any]:
        name, values = (f"tag:{POOL_TAG}", [pool]) if pool else ("tag-key", [f"{_PREFIX}*"])
        tagged: Any = {"Filters": [{"Name": name, "Values": values}]}
        client = self._client
        match kind:
            case Kind.INSTANCE:
                pages = client.get_paginator("describe_instances").paginate(**tagged)
                return (one for page in pages for each in page["Reservations"] for one in each["Instances"])
            case Kind.SPOT_REQUEST:
                spot = client.get_paginator("describe_spot_instance_requests").paginate(**tagged)
                alive = ("open", "active")
                return (one for page in spot for one in page["SpotInstanceRequests"] if one["State"] in alive)
            case Kind.VOLUME:
                volumes = client.get_paginator("describe_volumes").paginate(**tagged)
                return (one for page in volumes for one in page["Volumes"])
            case Kind.INTERFACE:
                interfaces = client.get_paginator("describe_network_interfaces").paginate(**tagged)
                return (one for page in interfaces for one in page["NetworkInterfaces"])
            case Kind.ADDRESS:
                return iter(client.describe_addresses(**tagged)["Addresses"])
            case Kind.TEMPLATE:
                templates = client.get_paginator("describe_launch_templates").paginate(**tagged)
                return (one for page in templates for one in page["LaunchTemplates"])
            case Kind.GROUP:
                groups = client.get_paginator("describe_security_groups").paginate(**tagged)
                return (one for page in groups for one in page["SecurityGroups"])
            case Kind.KEY:
                return iter(client.describe_key_pairs(**tagged)["KeyPairs"])
            case Kind.IMAGE:
                images = client.get_paginator("describe_images").paginate(Owners=["self"], **tagged)
                return (one for page in images for one in page["Images"])
            case Kind.SNAPSHOT:
                snapshots = client.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], **tagged)
                return (one for page in snapshots for one in page["Snapshots"])
            case Kind.FILE_SYSTEM:
                return iter(())  # EFS has them: see `efs`
            case _:
                assert_never(kind)

    def _remove(self, thing: Thing) -> None:
        client = self._client
        match thing.kind:
            case Kind.INSTANCE:
                client.terminate_instances(InstanceIds=[thing.id])
            case Kind.SPOT_REQUEST:
                client.cancel_spot_instance_requests(SpotInstanceRequestIds=[thing.id])
            case Kind.VOLUME:
                client.delete_volume(VolumeId=thing.id)
            case Kind.INTERFACE:
                client.delete_network_interface(NetworkInterfaceId=thing.id)
            case Kind.ADDRESS:
                client.release_address(AllocationId=thing.id)
            case Kind.TEMPLATE:
                client.delete_launch_template(LaunchTemplateId=thing.id)
            case Kind.GROUP:
                client.delete_security_group(GroupId=thing.id)
            case Kind.KEY:
                client.delete_key_pair(KeyName=thing.id)
            case Kind.IMAGE:
                client.deregister_image(ImageId=thing.id)
            case Kind.SNAPSHOT:
                client.delete_snapshot(SnapshotId=thing.id)
            case Kind.FILE_SYSTEM:
                raise ValueError(f"EC2 has no {thing}")
            case _:
                assert_never(thing.kind)

    def _thing(self, kind: Kind, one: Any) -> Thing:
        id_name, created_name = _NAMES[kind]
        its: Mapping[str, str] = wire.tags(one.get("Tags") or one.get("TagSet"))
        state = one.get("State", one.get("Status", ""))
        size_gib = int(one.get("Size", one.get("VolumeSize", 0)) or 0)
        volume_type = one.get("VolumeType", "")
        size = f"{size_gib} GiB {volume_type}".strip() if size_gib else ""
        return Thing(
            kind=kind,
            id=str(one[id_name]),
            region=self.region,
            pool=its.get(POOL_TAG, ""),
            owner=its.get(OWNER_TAG, ""),
            created_at=_time(one.get(created_name)) if created_name else None,
            expires_at=_time(its.get(EXPIRES_TAG)),
            detail=one.get("InstanceType") or size or _name(one, its),
            state=str(state.get("Name", "")) if isinstance(state, Mapping) else str(state),
            type=one.get("InstanceType") or volume_type,
            size_gib=size_gib,
            goes_with=_goes_with(kind, one),
        )


# (what names it, when it was made)
_NAMES: dict[Kind, tuple[str, str]] = {
    Kind.INSTANCE: ("InstanceId", "LaunchTime"),
    Kind.SPOT_REQUEST: ("SpotInstanceRequestId", "CreateTime"),
    Kind.VOLUME: ("VolumeId", "CreateTime"),
    Kind.INTERFACE: ("NetworkInterfaceId", ""),
    Kind.ADDRESS: ("AllocationId", ""),
    Kind.TEMPLATE: ("LaunchTemplateId", "CreateTime"),
    Kind.GROUP: ("GroupId", ""),
    Kind.KEY: ("KeyName", "CreateTime"),
    Kind.IMAGE: ("ImageId", "CreationDate"),
    Kind.SNAPSHOT: ("SnapshotId", "StartTime"),
}


def _name(one: Any, its: Mapping[str, str]) -> str:
    names = (one.get(name) for name in ("GroupName", "LaunchTemplateName", "PublicIp", "Name"))
    return str(next(filter(None, names), its.get("Name", "")))


def _goes_with(kind: Kind, one: Any) -> str:
    attachments = one.get("Attachments", []) if kind is Kind.VOLUME else [one.get("Attachment") or {}]
    taken = [a.get("InstanceId", "") for a in attachments if kind in (Kind.VOLUME, Kind.INTERFACE)]
    return next((str(i) for i, a in zip(taken, attachments, strict=False) if i and a.get("DeleteOnTermination")), "")


def _time(said: object) -> datetime | None:
    """botocore's datetime, or ISO 8601 text; what is neither is no time."""
    if isinstance(said, datetime):
        return said
    try:
        found = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return found if found.tzinfo else None
