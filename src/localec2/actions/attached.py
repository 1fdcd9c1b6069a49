"""shell (records): instances' root volumes and network interfaces, beside the ones that moto keeps."""

from collections.abc import Sequence

from localec2.context import Context, end_dry_run
from localec2.filters import matching
from localec2.model import Image
from localec2.paging import page
from localec2.protocol import Params, Result
from localec2.views import View, interface_view, tag_list, volume_view

_VOLUME_PATHS = {
    "attachment.attach-time": "Attachments.AttachTime",
    "attachment.delete-on-termination": "Attachments.DeleteOnTermination",
    "attachment.device": "Attachments.Device",
    "attachment.instance-id": "Attachments.InstanceId",
    "attachment.status": "Attachments.State",
    "availability-zone": "AvailabilityZone",
    "create-time": "CreateTime",
    "encrypted": "Encrypted",
    "multi-attach-enabled": "MultiAttachEnabled",
    "size": "Size",
    "snapshot-id": "SnapshotId",
    "status": "State",
    "volume-id": "VolumeId",
    "volume-type": "VolumeType",
}
_INTERFACE_PATHS = {
    "addresses.association.public-ip": "PrivateIpAddresses.Association.PublicIp",
    "addresses.primary": "PrivateIpAddresses.Primary",
    "addresses.private-ip-address": "PrivateIpAddresses.PrivateIpAddress",
    "association.public-dns-name": "Association.PublicDnsName",
    "association.public-ip": "Association.PublicIp",
    "attachment.attachment-id": "Attachment.AttachmentId",
    "attachment.delete-on-termination": "Attachment.DeleteOnTermination",
    "attachment.device-index": "Attachment.DeviceIndex",
    "attachment.instance-id": "Attachment.InstanceId",
    "attachment.status": "Attachment.Status",
    "availability-zone": "AvailabilityZone",
    "description": "Description",
    "group-id": "Groups.GroupId",
    "group-name": "Groups.GroupName",
    "interface-type": "InterfaceType",
    "mac-address": "MacAddress",
    "network-interface-id": "NetworkInterfaceId",
    "owner-id": "OwnerId",
    "private-dns-name": "PrivateDnsName",
    "private-ip-address": "PrivateIpAddress",
    "requester-managed": "RequesterManaged",
    "source-dest-check": "SourceDestCheck",
    "status": "Status",
    "subnet-id": "SubnetId",
    "vpc-id": "VpcId",
}


def describe_volumes(params: Params, context: Context) -> Result:
    end_dry_run(params)
    ours = []
    for instance in context.alive():
        image = context.world.get(Image, instance.image_id)
        around = context.surroundings(instance.image_id)
        ours.append(volume_view(instance, around, snapshot_id=image.snapshot_id if image else ""))
    found = _with_theirs("DescribeVolumes", "Volumes", "VolumeId", ours, params.get("VolumeIds"), context)
    shown, token = page(
        matching(found, params.get("Filters"), _VOLUME_PATHS), params, key=lambda view: str(view["VolumeId"])
    )
    return {"Volumes": shown} | ({"NextToken": token} if token else {})


def describe_network_interfaces(params: Params, context: Context) -> Result:
    end_dry_run(params)
    around = context.surroundings()
    ours = [interface_view(instance, around) for instance in context.alive()]
    found = _with_theirs(
        "DescribeNetworkInterfaces",
        "NetworkInterfaces",
        "NetworkInterfaceId",
        ours,
        params.get("NetworkInterfaceIds"),
        context,
    )
    shown, token = page(
        matching(found, params.get("Filters"), _INTERFACE_PATHS),
        params,
        key=lambda view: str(view["NetworkInterfaceId"]),
    )
    return {"NetworkInterfaces": shown} | ({"NextToken": token} if token else {})


def describe_iam_instance_profile_associations(params: Params, context: Context) -> Result:
    end_dry_run(params)
    views = [
        {
            "AssociationId": instance.interface_id.replace("eni-", "iip-assoc-"),
            "InstanceId": instance.id,
            "IamInstanceProfile": {"Arn": instance.profile_arn, "Id": instance.profile_id},
            "State": "associated",
            "Tags": tag_list({}),
        }
        for instance in context.alive()
        if instance.profile_arn
    ]
    named = params.get("AssociationIds")
    views = [view for view in views if not named or view["AssociationId"] in named]
    paths = {"instance-id": "InstanceId", "state": "State"}
    return {"IamInstanceProfileAssociations": matching(views, params.get("Filters"), paths, tagged=False)}


def _with_theirs(
    action: str, member: str, id_member: str, ours: Sequence[View], named: list[str] | None, context: Context
) -> list[View]:
    """moto is asked for what is not ours; it complains about ids that nobody has."""
    if not named:
        return [*ours, *context.moto.ask(action, {}).get(member, [])]
    found = [view for view in ours if view[id_member] in named]
    rest = sorted(set(named) - {str(view[id_member]) for view in found})
    return [*found, *(context.moto.ask(action, {f"{id_member}s": rest}).get(member, []) if rest else [])]
