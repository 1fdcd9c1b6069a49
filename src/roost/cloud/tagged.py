"""shell (boto3): everything of EC2 in a region that carries a tag of Roost's, and its removal.

In: a region. Out: `things`. Never: a look at, or a hand on, what has no such tag.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from roost.cloud import wire
from roost.cloud.clients import Access, open_client, translated
from roost.cloud.model import EXPIRES_TAG, OWNER_TAG, POOL_TAG
from roost.cloud.patience import Patience
from roost.cloud.things import OF_EC2, Kind, Thing

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_PREFIX = "roost:"
_TRY_AGAIN = ("DependencyViolation", "VolumeInUse", "InvalidSnapshot.InUse", "InvalidNetworkInterface.InUse")


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
        self._patience = Patience(pause=pause, clock=clock)
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
        remove = partial(_ROWS[thing.kind].remove, self._client, thing.id)
        with translated(f"remove the {thing}"):
            self._patience.remove(remove, codes=_TRY_AGAIN, for_s=patience_s)

    def states(self, instance_ids: Collection[str]) -> dict[str, str]:
        with translated("look at what was terminated"):
            found = self._described(Kind.INSTANCE, None)
            return {one["InstanceId"]: one["State"]["Name"] for one in found if one["InstanceId"] in instance_ids}

    def _described(self, kind: Kind, pool: str | None) -> Iterable[Any]:
        name, values = (f"tag:{POOL_TAG}", [pool]) if pool else ("tag-key", [f"{_PREFIX}*"])
        return _ROWS[kind].described(self._client, [{"Name": name, "Values": values}])

    def _thing(self, kind: Kind, one: Any) -> Thing:
        row = _ROWS[kind]
        its: Mapping[str, str] = wire.tags(one.get("Tags") or one.get("TagSet"))
        state = one.get("State", one.get("Status", ""))
        size_gib = int(one.get("Size", one.get("VolumeSize", 0)) or 0)
        volume_type = one.get("VolumeType", "")
        size = f"{size_gib} GiB {volume_type}".strip() if size_gib else ""
        return Thing(
            kind=kind,
            id=str(one[row.named]),
            region=self.region,
            pool=its.get(POOL_TAG, ""),
            owner=its.get(OWNER_TAG, ""),
            created_at=_time(one.get(row.made)) if row.made else None,
            expires_at=_time(its.get(EXPIRES_TAG)),
            detail=one.get("InstanceType") or size or _name(one, its),
            state=str(state.get("Name", "")) if isinstance(state, Mapping) else str(state),
            type=one.get("InstanceType") or volume_type,
            size_gib=size_gib,
            goes_with=_goes_with(kind, one),
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """How EC2 speaks of a kind."""

    named: str  # what names it
    made: str = ""  # when it was made
    described: Callable[["EC2Client", Any], Iterable[Any]]  # those that filters let through
    remove: Callable[["EC2Client", str], object]


def _alive(client: "EC2Client", filters: Any) -> Iterable[Any]:
    spot = client.get_paginator("describe_spot_instance_requests").paginate(Filters=filters)
    return (one for one in _listed(spot, "SpotInstanceRequests") if one["State"] in ("open", "active"))


def _instances(client: "EC2Client", filters: Any) -> Iterable[Any]:
    pages = client.get_paginator("describe_instances").paginate(Filters=filters)
    return (one for each in _listed(pages, "Reservations") for one in each["Instances"])


def _listed(pages: Iterable[Any], name: str) -> Iterator[Any]:
    return (one for page in pages for one in page[name])


# File systems are EFS': see `efs`.
_ROWS: dict[Kind, _Row] = {
    Kind.INSTANCE: _Row(
        named="InstanceId",
        made="LaunchTime",
        described=_instances,
        remove=lambda client, its: client.terminate_instances(InstanceIds=[its]),
    ),
    Kind.SPOT_REQUEST: _Row(
        named="SpotInstanceRequestId",
        made="CreateTime",
        described=_alive,
        remove=lambda client, its: client.cancel_spot_instance_requests(SpotInstanceRequestIds=[its]),
    ),
    Kind.VOLUME: _Row(
        named="VolumeId",
        made="CreateTime",
        described=lambda client, of: _listed(client.get_paginator("describe_volumes").paginate(Filters=of), "Volumes"),
        remove=lambda client, its: client.delete_volume(VolumeId=its),
    ),
    Kind.INTERFACE: _Row(
        named="NetworkInterfaceId",
        described=lambda client, of: _listed(
            client.get_paginator("describe_network_interfaces").paginate(Filters=of), "NetworkInterfaces"
        ),
        remove=lambda client, its: client.delete_network_interface(NetworkInterfaceId=its),
    ),
    Kind.ADDRESS: _Row(
        named="AllocationId",
        described=lambda client, of: client.describe_addresses(Filters=of)["Addresses"],
        remove=lambda client, its: client.release_address(AllocationId=its),
    ),
    Kind.TEMPLATE: _Row(
        named="LaunchTemplateId",
        made="CreateTime",
        described=lambda client, of: _listed(
            client.get_paginator("describe_launch_templates").paginate(Filters=of), "LaunchTemplates"
        ),
        remove=lambda client, its: client.delete_launch_template(LaunchTemplateId=its),
    ),
    Kind.GROUP: _Row(
        named="GroupId",
        described=lambda client, of: _listed(
            client.get_paginator("describe_security_groups").paginate(Filters=of), "SecurityGroups"
        ),
        remove=lambda client, its: client.delete_security_group(GroupId=its),
    ),
    Kind.KEY: _Row(
        named="KeyName",
        made="CreateTime",
        described=lambda client, of: client.describe_key_pairs(Filters=of)["KeyPairs"],
        remove=lambda client, its: client.delete_key_pair(KeyName=its),
    ),
    Kind.IMAGE: _Row(
        named="ImageId",
        made="CreationDate",
        described=lambda client, of: _listed(
            client.get_paginator("describe_images").paginate(Owners=["self"], Filters=of), "Images"
        ),
        remove=lambda client, its: client.deregister_image(ImageId=its),
    ),
    Kind.SNAPSHOT: _Row(
        named="SnapshotId",
        made="StartTime",
        described=lambda client, of: _listed(
            client.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=of), "Snapshots"
        ),
        remove=lambda client, its: client.delete_snapshot(SnapshotId=its),
    ),
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
