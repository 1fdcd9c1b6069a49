"""shell (records, files): images that are registered from a snapshot, and the snapshots that clients write.

EC2 on this machine starts containers: such an image can be described and removed, not launched.
"""

from dataclasses import replace

from localec2.actions.images import check_name_is_free, new_image
from localec2.actions.wanted import tags_by_type
from localec2.context import Context, end_dry_run
from localec2.errors import (
    INVALID_VALUE,
    MISSING_PARAMETER,
    SNAPSHOT_NOT_COMPLETED,
    SNAPSHOT_NOT_FOUND,
    UNSUPPORTED,
)
from localec2.model import Snapshot
from localec2.protocol import Params, Result

_ARCHITECTURES = ("i386", "x86_64", "arm64", "x86_64_mac", "arm64_mac")
_BOOT_MODES = ("legacy-bios", "uefi", "uefi-preferred")


def register_image(params: Params, context: Context) -> Result:
    """From one snapshot, which is the root device."""
    name = params.get("Name")
    if not name:
        raise MISSING_PARAMETER(name="Name")
    check_name_is_free(name, context)
    device = params.get("RootDeviceName") or ""
    snapshot = _root_snapshot(params, device, context)
    architecture = params.get("Architecture") or "i386"  # EC2's own default
    boot_mode = params.get("BootMode") or ""
    if architecture not in _ARCHITECTURES:
        raise INVALID_VALUE(value=architecture, name="architecture", why=f"One of {', '.join(_ARCHITECTURES)}.")
    if boot_mode and boot_mode not in _BOOT_MODES:
        raise INVALID_VALUE(value=boot_mode, name="bootMode", why=f"One of {', '.join(_BOOT_MODES)}.")
    if params.get("VirtualizationType", "paravirtual") != "hvm":
        raise UNSUPPORTED(why="only hvm images can be registered")
    tags = tags_by_type(params.get("TagSpecifications", [])).get("image", {})
    end_dry_run(params)
    image = new_image(name, description=params.get("Description", ""), tags=tags, context=context)
    context.world.put(
        replace(
            image,
            state="available",
            snapshot_id=snapshot.id,
            size_gib=snapshot.size_gib,
            is_disk=True,
            root_device=device,
            architecture=architecture,
            boot_mode=boot_mode,
            imds_support=params.get("ImdsSupport") or "",
            ena_support=bool(params.get("EnaSupport")),
        )
    )
    return {"ImageId": image.id}


def _root_snapshot(params: Params, device: str, context: Context) -> Snapshot:
    mappings = [each for each in params.get("BlockDeviceMappings", []) if each.get("DeviceName") == device]
    snapshot_id = (mappings[0].get("Ebs") or {}).get("SnapshotId") if mappings else None
    if not device or not snapshot_id:
        raise MISSING_PARAMETER(name="a block device mapping with a snapshot for the root device")
    found = context.world.get(Snapshot, snapshot_id)
    if found is None:
        raise SNAPSHOT_NOT_FOUND(id=snapshot_id)
    if found.state != "completed":
        raise SNAPSHOT_NOT_COMPLETED(id=snapshot_id, state=found.state)
    return found
