"""shell (files, EC2, EBS): a disk of this machine -> snapshot -> image; what is there already is used."""

import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from roost import VERSION
from roost.cloud.bake import Baked, Step
from roost.cloud.disk import Disk, measure
from roost.cloud.disk_images import DISK_TAG, DiskImages
from roost.cloud.ebs import Ebs
from roost.cloud.manifest import BY_HAND, Manifest, tags
from roost.errors import CloudError, WaitTimeoutError
from roost.report.images import USD_PER_GIB_MONTH
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import prepared

_TIMEOUT_S = 3600.0  # as for any image
_SAY_EVERY_S = 5.0
_LOOK_EVERY_S = {"local": 0.3, "aws": 5.0}


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was typed."""

    disk: Path
    name: str | None
    pool: str
    architecture: str
    boot_mode: str
    cloud: str | None
    region: str | None


def registered(wish: Wish, reporter: Reporter) -> Baked:
    told_region = {"region": wish.region} if wish.region else {}
    spec = PoolSpec.model_validate({"name": wish.pool, "cloud": wish.cloud or "local", **told_region})
    reporter.step(f"read {wish.disk}")
    disk = measure(wish.disk)
    if not disk.is_partitioned:
        reporter.note(f"{disk.path} has no partition table: EC2 boots no such disk")
    site = prepared.site(spec, reporter)
    images = DiskImages(site.ec2)
    known = images.image_of(disk.digest)
    if known is not None:
        return Baked(image_id=known[0], name=known[1], is_new=False, seconds={})
    name = wish.name or f"roost-{disk.path.stem}-{disk.digest[:12]}"[:128]
    now = datetime.now(UTC).isoformat(timespec="seconds")
    told = Manifest(recipe=BY_HAND, pool=spec.name, base_name=disk.path.name, made_at=now, version=VERSION)
    labels = {**tags(told, name=name), DISK_TAG: disk.digest}
    started = time.monotonic()
    snapshot = _snapshot(disk, images, Ebs(site.endpoint.access), labels, reporter)
    _wait(snapshot, disk, images, reporter, pause_s=_LOOK_EVERY_S[spec.cloud])
    created = time.monotonic()
    reporter.step(f"register {snapshot} as {name}")
    image_id = images.register(
        snapshot,
        name=name,
        description=f"the disk {disk.path.name}"[:255],
        architecture=wish.architecture,
        boot_mode=wish.boot_mode,
        tags=labels,
    )
    most = disk.used_mib / 1024 * USD_PER_GIB_MONTH
    reporter.note(f"its snapshot costs ${most:.2f} a month on AWS; `roost image rm {image_id}` removes both")
    if spec.cloud == "local":
        reporter.note("EC2 on this machine starts containers: this image can be launched on AWS only")
    seconds = {Step.UPLOAD: created - started, Step.CREATE: time.monotonic() - created}
    return Baked(image_id=image_id, name=name, is_new=True, seconds=seconds)


def _snapshot(disk: Disk, images: DiskImages, ebs: Ebs, labels: dict[str, str], reporter: Reporter) -> str:
    """One that holds the disk; what an interrupted upload left goes first."""
    for snapshot_id, state in images.snapshots_of(disk.digest).items():
        if state == "completed":
            reporter.note(f"{snapshot_id} holds this disk already")
            return snapshot_id
        reporter.note(f"{snapshot_id} is of an upload that was cut off: deleted")
        images.delete_snapshot(snapshot_id)
    total = len(disk.digests)
    reporter.step(f"upload {disk.used_mib} MiB of a disk of {disk.volume_gib} GiB, in {total} blocks")
    said_at = time.monotonic()

    def progress(written: int) -> None:
        nonlocal said_at
        if time.monotonic() - said_at > _SAY_EVERY_S:
            said_at = time.monotonic()
            reporter.note(f"{written} of {total} blocks")

    snapshot_id = ebs.start(disk, description=f"the disk {disk.path.name}"[:255], tags=labels, token=str(uuid.uuid4()))
    ebs.write(snapshot_id, disk, progress=progress)
    ebs.complete(snapshot_id, disk)
    return snapshot_id


def _wait(snapshot_id: str, disk: Disk, images: DiskImages, reporter: Reporter, *, pause_s: float) -> None:
    reporter.step(f"wait until {snapshot_id} is complete")
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        state = images.snapshots_of(disk.digest).get(snapshot_id, "pending")  # it may not be listed yet
        if state == "completed":
            return
        if state == "error":
            raise CloudError(f"EBS could not complete {snapshot_id}", "type the same again: it begins anew")
        if time.monotonic() > deadline:
            raise WaitTimeoutError(f"{snapshot_id} is still pending after an hour", "type the same again")
        time.sleep(pause_s)
