"""shell (boto3): snapshots that were written by hand, and the images that are registered from them.

An image and its snapshot carry the disk's digest: the same disk again is the same image.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from roost.cloud import wire
from roost.cloud.clients import translated
from roost.cloud.ec2 import Ec2

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

DISK_TAG = "roost:disk"
ROOT_DEVICE = "/dev/xvda"


class DiskImages:
    def __init__(self, ec2: Ec2) -> None:
        self._client: EC2Client = ec2.client

    def image_of(self, digest: str) -> tuple[str, str] | None:
        """(id, name) of one that is there."""
        ours: Any = [{"Name": f"tag:{DISK_TAG}", "Values": [digest]}, {"Name": "state", "Values": ["available"]}]
        with translated("look for an image of this disk"):
            found = self._client.describe_images(Owners=["self"], Filters=ours)["Images"]
        return (found[0]["ImageId"], found[0].get("Name", "")) if found else None

    def snapshots_of(self, digest: str) -> dict[str, str]:
        """Id -> state: pending, completed, error."""
        ours: Any = [{"Name": f"tag:{DISK_TAG}", "Values": [digest]}]
        with translated("look for a snapshot of this disk"):
            found = self._client.describe_snapshots(OwnerIds=["self"], Filters=ours)["Snapshots"]
        return {each["SnapshotId"]: each["State"] for each in found}

    def delete_snapshot(self, snapshot_id: str) -> None:
        with translated(f"delete the snapshot {snapshot_id}"):
            self._client.delete_snapshot(SnapshotId=snapshot_id)

    def register(
        self,
        snapshot_id: str,
        *,
        name: str,
        description: str,
        architecture: str,
        boot_mode: str,
        tags: Mapping[str, str],
    ) -> str:
        """The image's id. Its instances speak version 2 of the metadata service only."""
        root: Any = {"DeviceName": ROOT_DEVICE, "Ebs": {"SnapshotId": snapshot_id, "VolumeType": "gp3"}}
        kind: Any = {"Architecture": architecture, "BootMode": boot_mode}
        with translated(f"register the image {name}"):
            return self._client.register_image(
                Name=name,
                Description=description,
                RootDeviceName=ROOT_DEVICE,
                BlockDeviceMappings=[root],
                VirtualizationType="hvm",
                EnaSupport=True,
                ImdsSupport="v2.0",
                TagSpecifications=wire.specification("image", tags),
                **kind,
            )["ImageId"]
