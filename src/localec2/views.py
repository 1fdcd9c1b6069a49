"""pure: records as EC2 shows them, by botocore's member names; times as EC2 writes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from localec2.lifecycle import State
from localec2.model import Image, Instance, Snapshot, SpotRequest, Tags

View = dict[str, Any]
ROOT_DEVICE = "/dev/xvda"
ARCHITECTURE = "x86_64"


@dataclass(frozen=True, kw_only=True, slots=True)
class Surroundings:
    """What a view shows beyond its record."""

    owner_id: str
    group_names: Mapping[str, str]
    volume_gib: int = 8


def iso(seconds: float) -> str:
    """
    >>> iso(1.5)
    '1970-01-01T00:00:01.500Z'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03d}Z"


def tag_list(tags: Tags) -> list[View]:
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def state_view(state: State) -> View:
    return {"Code": state.code, "Name": str(state)}


def instance_view(instance: Instance, around: Surroundings) -> View:
    view = {
        "InstanceId": instance.id,
        "ImageId": instance.image_id,
        "State": state_view(instance.state),
        "InstanceType": instance.instance_type,
        "KeyName": instance.key_name,
        "LaunchTime": iso(instance.launched_at),
        "AmiLaunchIndex": instance.launch_index,
        "ClientToken": instance.client_token,
        "Placement": {
            "AvailabilityZone": instance.zone,
            "AvailabilityZoneId": instance.zone_id,
            "GroupName": "",
            "Tenancy": "default",
        },
        "Monitoring": {"State": "disabled"},
        "SecurityGroups": groups_view(instance, around),
        "Architecture": ARCHITECTURE,
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "UsageOperationUpdateTime": iso(instance.launched_at),
        "RootDeviceName": ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "EbsOptimized": False,
        "EnaSupport": True,
        "SourceDestCheck": True,
        "InstanceLifecycle": instance.lifecycle,
        "SpotInstanceRequestId": instance.spot_request_id,
        "StateTransitionReason": instance.reason_text,
        "StateReason": _reason_view(instance),
        "IamInstanceProfile": {"Arn": instance.profile_arn, "Id": instance.profile_id}
        if instance.profile_arn
        else None,
        "MetadataOptions": metadata_options_view(instance),
        "PrivateDnsNameOptions": {
            "HostnameType": "ip-name",
            "EnableResourceNameDnsARecord": False,
            "EnableResourceNameDnsAAAARecord": False,
        },
        "EnclaveOptions": {"Enabled": False},
        "HibernationOptions": {"Configured": False},
        "MaintenanceOptions": {"AutoRecovery": "default"},
        "CpuOptions": {"CoreCount": max(1, instance.vcpus // 2), "ThreadsPerCore": min(2, instance.vcpus)},
        "CapacityReservationSpecification": {"CapacityReservationPreference": "open"},
        "CurrentInstanceBootMode": "uefi",
        "Operator": {"Managed": False},
        "ProductCodes": [],
        "Tags": tag_list(instance.tags),
        "PrivateDnsName": "",
        "PublicDnsName": "",
        "BlockDeviceMappings": [],
        "NetworkInterfaces": [],
    }
    if instance.state is not State.TERMINATED:
        view |= _attached(instance, around)
    return {name: value for name, value in view.items() if value is not None}


def groups_view(instance: Instance, around: Surroundings) -> list[View]:
    return [
        {"GroupId": group_id, "GroupName": around.group_names.get(group_id, group_id)}
        for group_id in instance.group_ids
    ]


def metadata_options_view(instance: Instance) -> View:
    return {
        "State": "applied",
        "HttpEndpoint": instance.metadata.http_endpoint,
        "HttpTokens": instance.metadata.http_tokens,
        "HttpPutResponseHopLimit": instance.metadata.hop_limit,
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": instance.metadata.instance_tags,
    }


def status_view(instance: Instance) -> View:
    """Initializing until the instance's cloud-init has come up; not-applicable where nothing runs."""
    if instance.state is not State.RUNNING:
        checks: View = {"Status": "not-applicable"}
    elif instance.booted_ok:
        checks = {"Status": "ok", "Details": [{"Name": "reachability", "Status": "passed"}]}
    else:
        checks = {"Status": "initializing", "Details": [{"Name": "reachability", "Status": "initializing"}]}
    return {
        "InstanceId": instance.id,
        "AvailabilityZone": instance.zone,
        "AvailabilityZoneId": instance.zone_id,
        "InstanceState": state_view(instance.state),
        "InstanceStatus": checks,
        "SystemStatus": checks,
        "AttachedEbsStatus": checks,
        "Operator": {"Managed": False},
        "Events": [],
    }


def interface_view(instance: Instance, around: Surroundings) -> View:
    """As DescribeNetworkInterfaces shows it."""
    return {
        **_interface(instance, around),
        "AvailabilityZone": instance.zone,
        "RequesterManaged": False,
        "TagSet": tag_list(instance.interface_tags),
        "Attachment": {
            **_interface(instance, around)["Attachment"],
            "InstanceId": instance.id,
            "InstanceOwnerId": around.owner_id,
        },
    }


def volume_view(instance: Instance, around: Surroundings, *, snapshot_id: str) -> View:
    """The root volume, as DescribeVolumes shows it."""
    return {
        "VolumeId": instance.volume_id,
        "Size": around.volume_gib,
        "SnapshotId": snapshot_id,
        "AvailabilityZone": instance.zone,
        "State": "in-use",
        "CreateTime": iso(instance.launched_at),
        "VolumeType": "gp3",
        "Iops": 3000,
        "Throughput": 125,
        "Encrypted": False,
        "MultiAttachEnabled": False,
        "Attachments": [
            {
                "VolumeId": instance.volume_id,
                "InstanceId": instance.id,
                "Device": ROOT_DEVICE,
                "State": "attached",
                "AttachTime": iso(instance.launched_at),
                "DeleteOnTermination": True,
            }
        ],
        "Tags": tag_list(instance.volume_tags),
    }


def image_view(image: Image, *, region: str) -> View:
    view = {
        "ImageId": image.id,
        "Name": image.name,
        "Description": image.description,
        "ImageLocation": f"{image.owner_id}/{image.name}",
        "OwnerId": image.owner_id,
        "State": image.state,
        "StateReason": {"Code": "Server.InternalError", "Message": image.state_message}
        if image.state_message
        else None,
        "Public": image.public,
        "CreationDate": iso(image.created_at),
        "Architecture": image.architecture or ARCHITECTURE,
        "ImageType": "machine",
        "PlatformDetails": "Linux/UNIX",
        "UsageOperation": "RunInstances",
        "Hypervisor": "xen",
        "VirtualizationType": "hvm",
        "EnaSupport": image.ena_support,
        "BootMode": image.boot_mode or None,
        "ImdsSupport": image.imds_support or None,
        "RootDeviceName": image.root_device or ROOT_DEVICE,
        "RootDeviceType": "ebs",
        "SourceInstanceId": image.source_instance_id,
        "BlockDeviceMappings": [
            {
                "DeviceName": image.root_device or ROOT_DEVICE,
                "Ebs": {
                    "SnapshotId": image.snapshot_id,
                    "VolumeSize": image.size_gib,
                    "VolumeType": "gp3",
                    "DeleteOnTermination": True,
                    "Encrypted": False,
                },
            }
        ],
        "SourceImageRegion": region,
        "Tags": tag_list(image.tags),
    }
    return {name: value for name, value in view.items() if value is not None}


def snapshot_view(image: Image) -> View:
    state = {"available": "completed", "deregistered": "completed", "failed": "error"}.get(image.state, "pending")
    return {
        "SnapshotId": image.snapshot_id,
        "Description": f"Created by CreateImage({image.source_instance_id or ''}) for {image.id}",
        "OwnerId": image.owner_id,
        "VolumeId": "vol-ffffffff",  # what EC2 shows for a snapshot that is no plain copy of a volume
        "VolumeSize": image.size_gib,
        "State": state,
        "Progress": "100%" if state == "completed" else "0%",
        "StartTime": iso(image.created_at),
        "Encrypted": False,
        "StorageTier": "standard",
        "Tags": tag_list(image.snapshot_tags),
    }


def written_snapshot_view(snapshot: Snapshot) -> View:
    return {
        "SnapshotId": snapshot.id,
        "Description": snapshot.description,
        "OwnerId": snapshot.owner_id,
        "VolumeId": "vol-ffffffff",
        "VolumeSize": snapshot.size_gib,
        "State": snapshot.state,
        "Progress": "100%" if snapshot.state == "completed" else "0%",
        "StartTime": iso(snapshot.started_at),
        "Encrypted": snapshot.encrypted,
        "StorageTier": "standard",
        "Tags": tag_list(snapshot.tags),
    }


def spot_request_view(request: SpotRequest, launch: View, instance: Instance | None) -> View:
    view = {
        "SpotInstanceRequestId": request.id,
        "State": request.state,
        "Status": {
            "Code": request.status_code,
            "Message": request.status_message,
            "UpdateTime": iso(request.updated_at),
        },
        "SpotPrice": request.price,
        "Type": request.kind,
        "InstanceId": request.instance_id,
        "InstanceInterruptionBehavior": "terminate",
        "CreateTime": iso(request.created_at),
        "LaunchedAvailabilityZone": instance.zone if instance else None,
        "LaunchSpecification": launch,
        "ProductDescription": "Linux/UNIX",
        "Tags": tag_list(request.tags),
    }
    return {name: value for name, value in view.items() if value is not None}


def _reason_view(instance: Instance) -> View | None:
    if not instance.reason.code:
        return None
    return {"Code": instance.reason.code, "Message": instance.reason.message}


def _profile_view(instance: Instance) -> View | None:
    return {"Arn": instance.profile_arn, "Id": instance.profile_id} if instance.profile_arn else None


def _failure_view(image: Image) -> View | None:
    return {"Code": "Server.InternalError", "Message": image.state_message} if image.state_message else None


def _attached(instance: Instance, around: Surroundings) -> View:
    attached = {
        "PrivateIpAddress": instance.private_ip,
        "PrivateDnsName": instance.private_dns_name,
        "PublicIpAddress": instance.public_ip,
        "PublicDnsName": instance.public_dns_name,
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "NetworkInterfaces": [_interface(instance, around)],
        "BlockDeviceMappings": [
            {
                "DeviceName": ROOT_DEVICE,
                "Ebs": {
                    "VolumeId": instance.volume_id,
                    "AttachTime": iso(instance.launched_at),
                    "DeleteOnTermination": True,
                    "Status": "attached",
                },
            }
        ],
    }
    return {name: value for name, value in attached.items() if value is not None}


def _interface(instance: Instance, around: Surroundings) -> View:
    address: View = {
        "Primary": True,
        "PrivateIpAddress": instance.private_ip,
        "PrivateDnsName": instance.private_dns_name,
    }
    association: View = {}
    if instance.public_ip:
        shown = {
            "PublicIp": instance.public_ip,
            "PublicDnsName": instance.public_dns_name,
            "IpOwnerId": "amazon",
        }
        association = {"Association": shown}
    return {
        "NetworkInterfaceId": instance.interface_id,
        "InterfaceType": "interface",
        "Description": "",
        "Status": "in-use",
        "OwnerId": around.owner_id,
        "SubnetId": instance.subnet_id,
        "VpcId": instance.vpc_id,
        "MacAddress": instance.mac,
        "PrivateIpAddress": instance.private_ip,
        "PrivateDnsName": instance.private_dns_name,
        "PrivateIpAddresses": [address | association],
        "Groups": groups_view(instance, around),
        "SourceDestCheck": True,
        "Attachment": {
            "AttachmentId": instance.interface_id.replace("eni-", "eni-attach-"),
            "AttachTime": iso(instance.launched_at),
            "DeleteOnTermination": True,
            "DeviceIndex": 0,
            "NetworkCardIndex": 0,
            "Status": "attached",
        },
        **association,
    }
