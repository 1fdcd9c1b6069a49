"""shell (all stages): an image that was made is waited for, and a small pool of it has to run a job before it counts.

Both its access point and its execution point start from the image. One that does not come, or does not work, is removed
with its snapshots; what its instances said is kept in a file.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import platformdirs

from roost.boot.roles import Role
from roost.cloud.bake import Step, never_available
from roost.cloud.image import PoolImage
from roost.cloud.images import Images
from roost.cloud.manifest import VERIFIED_TAG, RoostImage
from roost.cloud.model import PoolInstance
from roost.errors import PartialError, RoostError
from roost.pool.verification import verification
from roost.pool.verify import Verdict
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs.entrance import ssh_to
from roost.verbs.keys import pool_key
from roost.verbs.rising import rise
from roost.verbs.which_pool import Site

_VERIFY_TIMEOUT_S = 180.0
_LOOK_EVERY_S = {True: 5.0, False: 0.3}  # whether it is AWS
_SAY_EVERY_S = 20.0
_LOGS = ["sudo", "-n", "sh", "-c", "tail -n 200 /var/log/cloud-init-output.log /var/log/condor/*Log 2>&1"]


@dataclass(slots=True)
class Stopwatch:
    """Seconds of each step."""

    seconds: dict[Step, float] = field(default_factory=dict)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        since = time.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = self.seconds.get(step, 0.0) + time.monotonic() - since


def proven(image_id: str, spec: PoolSpec, site: Site, watch: Stopwatch, reporter: Reporter) -> RoostImage:
    """The image, once it has been seen at work, which its tags say from then on."""
    images = Images(site.ec2)
    try:
        with watch.step(Step.CREATE):
            image = wait_until_available(image_id, site, reporter)
        with watch.step(Step.VERIFY):
            _prove(image, spec, site, reporter)
    except RoostError as error:
        kept = _words_of_the_instances(spec, site, error)
        reporter.step(f"remove the image {image_id}, which did not prove itself")
        try:
            remove(image_id, images)
        except RoostError as second:
            reporter.note(f"{second.message}. To remove it: roost image rm {image_id}")
        raise type(error)(
            f"the image {image_id} did not prove itself, and is of no use: {error.message}",
            f"less {kept}   (its consoles and logs)",
        ) from error
    images.tag(image, {VERIFIED_TAG: datetime.now(UTC).isoformat(timespec="seconds")})
    return image


def remove(image_id: str, images: Images) -> tuple[str, ...]:
    """Deregister it and delete its snapshots, also those of one that is gone already; what was removed."""
    image = images.get(image_id)
    snapshots = dict.fromkeys([*(image.snapshots if image else ()), *images.snapshots_of(image_id)])
    images.deregister(image_id)
    for snapshot in snapshots:
        images.delete_snapshot(snapshot)
    return (*([image_id] if image else []), *snapshots)


def wait_until_available(
    image_id: str, site: Site, reporter: Reporter, *, meanwhile: Callable[[], object] = lambda: None
) -> RoostImage:
    """Raises CloudError where EC2 gives it up, WaitTimeoutError after an hour."""
    images = Images(site.ec2)
    since = said_at = time.monotonic()
    while True:
        image = images.get(image_id)
        if image is not None and image.state == "available":
            return image
        waited_s = time.monotonic() - since
        if problem := never_available(image_id, image, waited_s=waited_s):
            raise problem
        if time.monotonic() - said_at > _SAY_EVERY_S:
            said_at = time.monotonic()
            reporter.note(f"{image_id} is pending for {waited_s:.0f} s{images.progress(image_id)}")
        meanwhile()
        time.sleep(_LOOK_EVERY_S[site.endpoint.access.endpoint_url is None])


def _prove(image: RoostImage, spec: PoolSpec, site: Site, reporter: Reporter) -> None:
    reporter.step(f"prove {image.id}: a pool of one execution point has to run a job")
    start = PoolImage(id=image.id, name=image.name, root_device=image.root_device, executables=None)
    risen = rise(spec, site, start, reporter)
    if risen.access_point is None:
        raise RoostError("the pool that proves the image has no access point of its own")
    wrong = []
    with ssh_to(site, risen.access_point, pool_key(spec.cloud, spec.name)) as access_point:
        expected = [instance.id for instance in risen.execution_points]
        for check in verification(access_point, expected, timeout_s=_VERIFY_TIMEOUT_S):
            reporter.note(check.sentence)
            if check.verdict is not Verdict.YES:
                wrong.append(check.sentence)
    if wrong:
        raise PartialError("; ".join(wrong))


def _words_of_the_instances(spec: PoolSpec, site: Site, error: RoostError) -> Path:
    """A file with the consoles and the logs, as far as they can be had."""
    parts = [error.message]
    with suppress(RoostError):
        for instance in site.ec2.describe(spec.name).instances:
            if instance.role is not Role.BUILDER:
                parts.append(f"==== {instance.id} ({instance.role}, {instance.state})")
                with suppress(RoostError):
                    parts.append(site.ec2.console(instance.id))
                with suppress(RoostError):
                    parts.append(_logs(instance, spec, site))
    directory = platformdirs.user_log_path("roost")
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{spec.name}-{datetime.now(UTC):%Y%m%dT%H%M%S}.log"
    file.write_text("\n".join(parts) + "\n")
    return file


def _logs(instance: PoolInstance, spec: PoolSpec, site: Site) -> str:
    if not instance.is_usable:
        return ""
    with ssh_to(site, instance, pool_key(spec.cloud, spec.name)) as machine:
        return machine.run(_LOGS, timeout_s=15).stdout
