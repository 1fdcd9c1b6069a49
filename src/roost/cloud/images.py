"""shell (boto3): images and their snapshots, in EC2's words.

In: an instance that becomes an image, ids. Out: images as values. They and their snapshots are tagged in the call that
makes them.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from roost.cloud import wire
from roost.cloud.clients import translated
from roost.cloud.ec2 import Ec2
from roost.cloud.manifest import RoostImage, manifest
from roost.cloud.model import POOL_TAG, RECIPE_TAG, InstanceState

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client
    from mypy_boto3_ec2.type_defs import ImageTypeDef


class Images:
    def __init__(self, ec2: Ec2) -> None:
        self._client: EC2Client = ec2.client

    def all(self) -> tuple[RoostImage, ...]:
        """Ours, by Roost's tag, the newest first."""
        ours: Any = [{"Name": "tag-key", "Values": [RECIPE_TAG]}]
        with translated("list the images"):
            pages = self._client.get_paginator("describe_images").paginate(Owners=["self"], Filters=ours)
            found = [_image(one) for page in pages for one in page["Images"]]
        return tuple(sorted(found, key=lambda image: image.made_at, reverse=True))

    def get(self, image_id: str) -> RoostImage | None:
        """Any image that we may see, also one that is still pending."""
        by_id: Any = [{"Name": "image-id", "Values": [image_id]}]  # an unknown id is no error of a filter
        with translated(f"look at the image {image_id}"):
            found = self._client.describe_images(Filters=by_id)["Images"]
        return _image(found[0]) if found else None

    def usable(self, digest: str) -> RoostImage | None:
        """The newest of a recipe that instances can start from: built, or baked and proven."""
        return next(
            (i for i in self.all() if i.manifest.recipe == digest and i.state == "available" and i.manifest.is_usable),
            None,
        )

    def create(
        self, instance_id: str, *, name: str, description: str, tags: Mapping[str, str], reboot: bool = True
    ) -> str:
        """The new image's id; it is pending. Without a reboot the instance goes on working meanwhile."""
        with translated(f"make the image {name} of {instance_id}"):
            return self._client.create_image(
                InstanceId=instance_id,
                Name=name,
                Description=description,
                NoReboot=not reboot,
                TagSpecifications=[*wire.specification("image", tags), *wire.specification("snapshot", tags)],
            )["ImageId"]

    def tag(self, image: RoostImage, tags: Mapping[str, str]) -> None:
        """On the image and its snapshots."""
        pairs: Any = [{"Key": key, "Value": value} for key, value in tags.items()]
        with translated(f"tag the image {image.id}"):
            self._client.create_tags(Resources=[image.id, *image.snapshots], Tags=pairs)

    def snapshots_of(self, image_id: str) -> tuple[str, ...]:
        """Those that CreateImage made for it; also when the image is gone. EC2 names it in their description."""
        made: Any = [
            {"Name": "description", "Values": [f"Created by CreateImage(*) for {image_id}*"]},
            {"Name": "tag-key", "Values": [RECIPE_TAG]},
        ]
        return self._snapshots(made)

    def snapshots(self) -> tuple[str, ...]:
        """All that carry Roost's tag."""
        return self._snapshots([{"Name": "tag-key", "Values": [RECIPE_TAG]}])

    def progress(self, image_id: str) -> str:
        """How far its snapshots are, as the end of a sentence."""
        made: Any = [{"Name": "description", "Values": [f"Created by CreateImage(*) for {image_id}*"]}]
        with translated("look at the snapshots"):
            found = self._client.describe_snapshots(OwnerIds=["self"], Filters=made)["Snapshots"]
        return "".join(f", {one['SnapshotId']} at {one.get('Progress') or '0%'}" for one in found)

    def deregister(self, image_id: str) -> None:
        """One that is gone already is no error."""
        with translated(f"deregister the image {image_id}"):
            if self.get(image_id) is not None:
                self._client.deregister_image(ImageId=image_id)

    def delete_snapshot(self, snapshot_id: str) -> None:
        with translated(f"delete the snapshot {snapshot_id}"):
            self._client.delete_snapshot(SnapshotId=snapshot_id)

    def users(self, image_id: str) -> dict[str, str]:
        """Instances that run from it -> the pool of each, empty for one that is in none."""
        from_it: Any = [{"Name": "image-id", "Values": [image_id]}]
        with translated(f"look who uses the image {image_id}"):
            pages = self._client.get_paginator("describe_instances").paginate(Filters=from_it)
            return {
                one["InstanceId"]: wire.tags(one.get("Tags")).get(POOL_TAG, "")
                for page in pages
                for reservation in page["Reservations"]
                for one in reservation["Instances"]
                if one["State"]["Name"] != InstanceState.TERMINATED.value
            }

    def pool_of(self, instance_id: str) -> str:
        """The pool that an instance carries the tag of; empty for one in none. Raises NotFoundError for no instance."""
        with translated(f"look at the instance {instance_id}"):
            found = self._client.describe_instances(InstanceIds=[instance_id])["Reservations"]
        return next((wire.tags(one.get("Tags")).get(POOL_TAG, "") for each in found for one in each["Instances"]), "")

    def _snapshots(self, filters: Any) -> tuple[str, ...]:
        with translated("list the snapshots"):
            pages = self._client.get_paginator("describe_snapshots").paginate(OwnerIds=["self"], Filters=filters)
            return tuple(one["SnapshotId"] for page in pages for one in page["Snapshots"])


def _image(described: "ImageTypeDef") -> RoostImage:
    disks = [each["Ebs"] for each in described.get("BlockDeviceMappings", []) if "Ebs" in each]
    return RoostImage(
        id=described["ImageId"],
        name=described.get("Name", ""),
        state=described["State"],
        state_reason=described.get("StateReason", {}).get("Message", ""),
        made_at=wire.moment(described.get("CreationDate", "1970-01-01T00:00:00.000Z")),
        root_device=described.get("RootDeviceName", "/dev/xvda"),
        size_gib=sum(disk.get("VolumeSize", 0) for disk in disks),
        snapshots=tuple(disk["SnapshotId"] for disk in disks if disk.get("SnapshotId")),
        manifest=manifest(wire.tags(described.get("Tags"))),
    )
