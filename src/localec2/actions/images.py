"""shell (records): images and their snapshots. moto's own images are never shown."""

from dataclasses import replace

from localec2 import devices
from localec2.actions.filter_tables import IMAGES, SNAPSHOTS
from localec2.actions.wanted import tags_by_type
from localec2.blocks import Blocks
from localec2.context import Context, end_dry_run
from localec2.errors import (
    CANNOT_IMAGE,
    IMAGE_MALFORMED,
    IMAGE_NAME_TAKEN,
    IMAGE_NOT_FOUND,
    SNAPSHOT_IN_USE,
    SNAPSHOT_NOT_FOUND,
)
from localec2.filters import matching
from localec2.identities import is_well_formed, new_id
from localec2.lifecycle import State
from localec2.model import Image, Instance, Snapshot, Tags
from localec2.paging import page
from localec2.protocol import Params, Result
from localec2.views import image_view, snapshot_view, written_snapshot_view

DEREGISTERED = "deregistered"


def create_image(params: Params, context: Context) -> Result:
    instance = context.instance(params["InstanceId"])
    if instance.state not in (State.RUNNING, State.STOPPED):
        raise CANNOT_IMAGE(id=instance.id)
    check_name_is_free(params["Name"], context)
    tags = tags_by_type(params.get("TagSpecifications", []))
    end_dry_run(params)
    image = new_image(
        params["Name"],
        description=params.get("Description", ""),
        tags={**_inherited(instance, context), **tags.get("image", {})},
        context=context,
    )
    context.world.put(
        replace(
            image,
            source_instance_id=instance.id,
            no_reboot=bool(params.get("NoReboot")),
            snapshot_tags=tags.get("snapshot", {}),
        )
    )
    return {"ImageId": image.id}


def _inherited(instance: Instance, context: Context) -> Tags:
    """What is on the disk may still want the devices."""
    source = context.world.get(Image, instance.image_id)
    return {device.tag: "yes" for device in devices.wanted(source)} if source is not None else {}


def new_image(name: str, *, description: str, tags: Tags, context: Context) -> Image:
    """A record that is still pending."""
    return Image(
        id=new_id("ami", context.rng),
        name=name,
        description=description,
        owner_id=context.config.account_id,
        engine_ref="",
        snapshot_id=new_id("snap", context.rng),
        created_at=context.now,
        tags=tags,
    )


def check_name_is_free(name: str, context: Context) -> None:
    for image in context.world.all(Image):
        if image.name == name and image.state not in (DEREGISTERED, "failed"):
            raise IMAGE_NAME_TAKEN(name=name, id=image.id)


def describe_images(params: Params, context: Context) -> Result:
    images = [image for image in context.world.all(Image) if image.state != DEREGISTERED]
    for image_id in params.get("ImageIds", []):
        registered_image(image_id, context)
    if params.get("ImageIds"):
        images = [image for image in images if image.id in params["ImageIds"]]
    owners = [context.config.account_id if owner == "self" else owner for owner in params.get("Owners", [])]
    if owners:
        images = [image for image in images if image.owner_id in owners]
    views = [image_view(image, region=context.config.region) for image in images]
    views = matching(views, params.get("Filters"), IMAGES)
    end_dry_run(params)
    shown, token = page(views, params, key=lambda view: str(view["ImageId"]), least=1)
    return {"Images": shown} | ({"NextToken": token} if token else {})


def deregister_image(params: Params, context: Context) -> Result:
    """The snapshot stays until DeleteSnapshot, as in EC2."""
    image = registered_image(params["ImageId"], context)
    end_dry_run(params)
    if image.is_disk:
        context.world.forget([image])
    else:
        context.world.put(replace(image, state=DEREGISTERED))
    return {"Return": True}


def registered_image(image_id: str, context: Context) -> Image:
    """Raises `Ec2Error` when there is none, or its id is none."""
    if not is_well_formed(image_id, "ami"):
        raise IMAGE_MALFORMED(id=image_id)
    image = context.world.get(Image, image_id)
    if image is None or image.state == DEREGISTERED:
        raise IMAGE_NOT_FOUND(id=image_id)
    return image


def describe_snapshots(params: Params, context: Context) -> Result:
    images = [image for image in context.world.all(Image) if image.snapshot_id and not image.is_disk]
    found = [snapshot_view(image) for image in images]
    found += [written_snapshot_view(snapshot) for snapshot in context.world.all(Snapshot)]
    wanted = params.get("SnapshotIds", [])
    for snapshot_id in wanted:
        if not any(view["SnapshotId"] == snapshot_id for view in found):
            raise SNAPSHOT_NOT_FOUND(id=snapshot_id)
    if wanted:
        found = [view for view in found if view["SnapshotId"] in wanted]
    owners = [context.config.account_id if owner == "self" else owner for owner in params.get("OwnerIds", [])]
    if owners:
        found = [view for view in found if view["OwnerId"] in owners]
    views = matching(found, params.get("Filters"), SNAPSHOTS)
    end_dry_run(params)
    shown, token = page(views, params, key=lambda view: str(view["SnapshotId"]))
    return {"Snapshots": shown} | ({"NextToken": token} if token else {})


def delete_snapshot(params: Params, context: Context) -> Result:
    snapshot_id = params["SnapshotId"]
    written = context.world.get(Snapshot, snapshot_id)
    if written is not None:
        end_dry_run(params)
        forget_snapshot(written, context)
        return {}
    image = next((each for each in context.world.all(Image) if each.snapshot_id == snapshot_id), None)
    if image is None:
        raise SNAPSHOT_NOT_FOUND(id=snapshot_id)
    if image.state != DEREGISTERED:
        raise SNAPSHOT_IN_USE(id=snapshot_id, image=image.id)
    end_dry_run(params)
    # The record stays until the engine's image is gone, for which instances that run from it may have to end.
    context.world.put(replace(image, snapshot_id=""))
    return {}


def forget_snapshot(snapshot: Snapshot, context: Context) -> None:
    """One that a client wrote, with its blocks."""
    for image in context.world.all(Image):
        if image.is_disk and image.snapshot_id == snapshot.id:
            raise SNAPSHOT_IN_USE(id=snapshot.id, image=image.id)
    context.world.forget([snapshot])
    Blocks(context.config.snapshot_dir).forget(snapshot.id)
