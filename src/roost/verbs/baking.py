"""shell (all stages): an image is baked on a builder, or made of a user's instance, and proven by a pool of its own.

Used by `image bake`. It can be killed anywhere: another one goes on with the image that is there, or starts anew; what
costs money is in the pool `bake-NAME`, and an image that nobody proved says so in its tags.
"""

import fcntl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import platformdirs

from roost import VERSION
from roost.boot import builder as on_builder
from roost.boot.roles import Role
from roost.cloud.attempt import Boot
from roost.cloud.bake import LEASE_S, Baked, Step, bake_spec, image_name, plan_builder, unfinished
from roost.cloud.images import Images
from roost.cloud.manifest import BY_HAND, NOT_VERIFIED, Manifest, RoostImage, package_list, tags
from roost.cloud.model import InstanceState, PoolInstance, Terminate
from roost.cloud.recipe import Recipe
from roost.errors import NotFoundError, PartialError, RoostError, UsageError
from roost.pool import builder
from roost.pool.access_point import SshAccessPoint
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs.ending import end
from roost.verbs.entrance import ssh_to
from roost.verbs.keys import make_pool_key, pool_key
from roost.verbs.proving import Stopwatch, proven, remove, wait_until_available
from roost.verbs.which_pool import Site

_BOOT_TIMEOUT_S = 600.0
# Without a word of ours a user's instance has back by then what was set aside: longer than its disk is looked through.
_SET_ASIDE_S = 600


@dataclass(frozen=True, kw_only=True, slots=True)
class Order:
    """What is to be baked. `allowed`: paths on the image that hold no secret, whatever they look like."""

    spec: PoolSpec
    recipe: Recipe
    base: RoostImage
    allowed: Sequence[str] = ()
    force: bool = False


def bake(order: Order, site: Site, reporter: Reporter) -> Baked:
    """A new image of this recipe that is proven, or one that an earlier bake made and did not come to prove."""
    spec, watch = bake_spec(order.spec), Stopwatch()
    with _alone(spec), _ending(spec, site, watch, reporter):
        made = None if order.force else unfinished(Images(site.ec2).all(), order.recipe.digest)
        if made is not None:
            reporter.step(f"go on with {made.id}, which an earlier bake made")
            made_id = made.id
        else:
            made_id = _make(order, spec, site, watch, reporter)
        image = proven(made_id, spec, site, watch, reporter)
    return Baked(image_id=image.id, name=image.name, is_new=True, seconds=watch.seconds)


def bake_from(instance: PoolInstance, pool: PoolSpec, order: Order, site: Site, reporter: Reporter) -> Baked:
    """The same of an instance that its user has modified; it goes on working, and has back what was set aside."""
    spec, watch = bake_spec(order.spec), Stopwatch()
    with _alone(spec), _ending(spec, site, watch, reporter):
        with ssh_to(site, instance, pool_key(pool.cloud, pool.name)) as machine:
            installed = builder.installed(machine)
            with watch.step(Step.CLEAN):
                reporter.step(f"set aside what belongs to {instance.id} alone; HTCondor stops there meanwhile")
                builder.set_aside(machine, for_s=_SET_ASIDE_S)
            try:
                with watch.step(Step.CLEAN):
                    builder.put_boot_programs(machine)
                    builder.refuse_secrets(machine, allowed=order.allowed)
                    builder.settle(machine)
                    builder.keep_aside(machine)
                with watch.step(Step.CREATE):
                    made_id = _copied(
                        machine, instance, _manifest(order, installed, source=instance.id), order, site, reporter
                    )
            finally:
                reporter.step(f"put back what was set aside on {instance.id}")
                builder.put_back(machine)
        image = proven(made_id, spec, site, watch, reporter)
    return Baked(image_id=image.id, name=image.name, is_new=True, seconds=watch.seconds)


def _copied(
    machine: SshAccessPoint, instance: PoolInstance, manifest: Manifest, order: Order, site: Site, reporter: Reporter
) -> str:
    """The id of an image that is available. The word that goes now and then keeps the connection too, which is the only
    way in meanwhile."""
    made_id = _create(manifest, order, instance.id, site, reporter, reboot=False)
    try:
        wait_until_available(made_id, site, reporter, meanwhile=lambda: builder.keep_aside(machine))
        builder.keep_aside(machine)
    except RoostError:
        remove(made_id, Images(site.ec2))
        raise
    return made_id


def instance_to_bake(instance_id: str, site: Site, spec: PoolSpec) -> tuple[PoolInstance, PoolSpec]:
    """A running instance and its pool. Raises what is wrong with it."""
    pool_name = Images(site.ec2).pool_of(instance_id)
    if not pool_name:
        raise NotFoundError(
            f"{instance_id} is in no pool of Roost's, so there is no key to log in with",
            "roost up, change one of its execution points by hand, and bake that",
        )
    pool = spec.model_copy(update={"name": pool_name})
    instance = next(i for i in site.ec2.describe(pool_name).instances if i.id == instance_id)
    if instance.state is not InstanceState.RUNNING:
        raise UsageError(f"{instance_id} is {instance.state}: an image is made of a running instance", "roost status")
    if instance.role is not Role.EXECUTION_POINT:
        raise UsageError(
            f"{instance_id} is the {instance.role} of {pool_name}: its queue and its keys are for no image",
            "bake an execution point",
        )
    return instance, pool


def _make(order: Order, spec: PoolSpec, site: Site, watch: Stopwatch, reporter: Reporter) -> str:
    """The id of a new image, which is pending; its builder is gone, or goes."""
    with watch.step(Step.LAUNCH):
        instance = _launched(order, spec, site, reporter)
    with ssh_to(site, instance, pool_key(spec.cloud, spec.name)) as machine:
        with watch.step(Step.BOOT):
            reporter.step(f"wait for the builder {instance.id}")
            machine.wait_until_reachable(_BOOT_TIMEOUT_S)
            machine.run(on_builder.wait_for_cloud_init(), timeout_s=_BOOT_TIMEOUT_S)
        with watch.step(Step.INSTALL):
            reporter.step("install what the recipe asks for")
            builder.install(machine, order.spec.image, order.recipe.packages, say=reporter.note)
            installed = builder.installed(machine)
        with watch.step(Step.CLEAN):
            reporter.step("clean, and look for secrets")
            builder.clean(machine, say=reporter.note)
            builder.put_boot_programs(machine)
            builder.refuse_secrets(machine, allowed=order.allowed)
            builder.settle(machine)
    with watch.step(Step.CREATE):
        made_id = _create(_manifest(order, installed, source=""), order, instance.id, site, reporter, reboot=True)
        wait_until_available(made_id, site, reporter)
        site.ec2.perform(Terminate(instance_ids=(instance.id,)))
    return made_id


def _launched(order: Order, spec: PoolSpec, site: Site, reporter: Reporter) -> PoolInstance:
    key = make_pool_key(spec.cloud, spec.name)
    boot = Boot(
        image_id=order.base.id,
        user_data=on_builder.user_data(LEASE_S),
        encrypted_root=order.base.root_device if spec.cloud == "aws" else None,
    )
    launched: tuple[str, ...] = ()
    for action in plan_builder(spec, site.ec2.describe(spec.name), asker=site.asker, now=_now()):
        reporter.step(f"{action}")
        launched = site.ec2.perform(action, public_key=key.public_line, boot=boot)
    for found in site.ec2.changes(spec.name, timeout_s=_BOOT_TIMEOUT_S):
        for instance in [i for i in found.instances if i.id in launched]:
            if instance.state is InstanceState.RUNNING:
                return instance
            if not instance.is_usable:
                raise PartialError(f"the builder {instance.id} ended: {instance.state_reason}", "roost image bake")
    raise NotFoundError("the builder has vanished", "roost image bake")


def _create(manifest: Manifest, order: Order, instance_id: str, site: Site, reporter: Reporter, *, reboot: bool) -> str:
    name = image_name(order.spec.name, manifest.recipe, _now())
    reporter.step(f"make the image {name} of {instance_id}")
    description = order.recipe.description if not manifest.source else f"{order.base.name}, modified by hand"
    return Images(site.ec2).create(
        instance_id, name=name, description=description[:255], tags=tags(manifest, name=name), reboot=reboot
    )


def _manifest(order: Order, installed: dict[str, str], *, source: str) -> Manifest:
    return Manifest(
        recipe=BY_HAND if source else order.recipe.digest,
        pool=order.spec.name,
        base_id=order.base.id,
        base_name=order.base.name,
        condor_version=installed["condor"],
        packages=package_list(installed, order.recipe.packages),
        source=source,
        made_at=_now().isoformat(timespec="seconds"),
        version=VERSION,
        verified=NOT_VERIFIED,
    )


@contextmanager
def _alone(spec: PoolSpec) -> Iterator[None]:
    """Raises UsageError while another bake of this user's works in the same pool: it would be taken for one cut off."""
    place = platformdirs.user_data_path("roost") / "bakes" / f"{spec.cloud}-{spec.region}-{spec.name}.lock"
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"another bake works in the pool {spec.name}", "wait for it, or give the pool another `name:`"
            ) from error
        yield


def _end_what_is_left(spec: PoolSpec, site: Site, reporter: Reporter) -> None:
    if not site.ec2.describe(spec.name).is_empty:
        reporter.step(f"end what an earlier bake left of the pool {spec.name}")
        end(spec, site, reporter, joined_at_s={})


@contextmanager
def _ending(spec: PoolSpec, site: Site, watch: Stopwatch, reporter: Reporter) -> Iterator[None]:
    """What an earlier bake left goes first. However this one ends, what it launched goes too; of two failures the first
    is told."""
    _end_what_is_left(spec, site, reporter)
    try:
        yield
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            reporter.note("interrupted: taking down what was launched")
        try:
            end(spec, site, reporter, joined_at_s={})
        except RoostError as second:
            reporter.note(f"{second.message}. To end it: roost down {spec.name}")
        raise
    with watch.step(Step.END):
        end(spec, site, reporter, joined_at_s={})


def _now() -> datetime:
    return datetime.now(UTC)
