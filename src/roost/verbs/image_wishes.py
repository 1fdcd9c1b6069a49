"""shell (files, EC2, this machine): from what was typed after `roost image` to what is to be done."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click

from roost.cloud import debian
from roost.cloud.bake import Baked, bake_spec, verified
from roost.cloud.image import base_image
from roost.cloud.images import Images
from roost.cloud.manifest import RoostImage
from roost.cloud.outdated import Finding, Today, findings
from roost.cloud.recipe import recipe
from roost.cloud.recipe_files import contents
from roost.errors import NotFoundError, RoostError, UsageError
from roost.pool import builder
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import prepared, which_pool
from roost.verbs.baking import Order, bake, bake_from, instance_to_bake
from roost.verbs.entrance import ssh_to
from roost.verbs.keys import pool_key
from roost.verbs.proving import remove
from roost.verbs.which_pool import Site, spec_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What was typed."""

    pool: str | None
    cloud: str | None
    source: str | None  # an instance's id
    allowed: Sequence[str]
    force: bool
    yes: bool


def baked(wish: Wish, reporter: Reporter) -> Baked:
    spec = spec_of(wish.pool, wish.cloud)
    if spec.image.id and wish.source is None:
        raise UsageError(
            f"the pool {spec.name} starts from {spec.image.id}: there is nothing to bake",
            "take `id` out of `image:`, or make it the `base`",
        )
    wanted = recipe(spec, contents(spec.image))
    site = prepared.site(spec, reporter)
    if wish.source is not None:
        return _of_instance(wish, wish.source, spec, site, reporter)
    done = None if wish.force else verified(Images(site.ec2).all(), wanted.digest)
    if done is not None:
        return Baked(image_id=done.id, name=done.name, is_new=False, seconds={})
    _ask_for_money(bake_spec(spec), site, reporter, yes=wish.yes)
    reporter.step("find the base image")
    base = base_image(site.ec2, spec, say=reporter.note)
    order = Order(spec=spec, recipe=wanted, base=base, allowed=wish.allowed, force=wish.force)
    return bake(order, site, reporter)


def images_of(cloud: str | None, region: str | None) -> Images:
    """Those of the cloud that was named, or that ./pool.yml names."""
    spec = spec_of(None, cloud)
    if region:
        spec = PoolSpec.model_validate({"cloud": spec.cloud, "region": region})
    return Images(which_pool.site(spec, say=lambda _: None, start=False).ec2)


def outdated_images(word: str | None, cloud: str | None, reporter: Reporter) -> tuple[Finding, ...]:
    spec = spec_of(word, cloud)
    wanted = recipe(spec, contents(spec.image))
    site = which_pool.site(spec, say=reporter.note, start=False)
    base: RoostImage | None = None
    try:
        base = base_image(site.ec2, spec, say=reporter.note)
    except NotFoundError as error:
        reporter.note(error.message)
    offered = debian.version("condor", wanted.suite)
    if offered is None:
        reporter.note("Debian's archive could not be asked which HTCondor it has")
    today = Today(pool=spec.name, recipe=wanted.digest, base=base, condor_version=offered)
    return findings(Images(site.ec2).all(), today)


def removed(image_id: str, images: Images, *, force: bool) -> tuple[str, ...]:
    """Raises RoostError where instances run from it and nobody insists."""
    if re.fullmatch(r"snap-[0-9a-f]{8,17}", image_id):
        return _removed_snapshot(image_id, images)
    if not re.fullmatch(r"ami-[0-9a-f]{8,17}", image_id):
        raise UsageError(f"'{image_id}' is no image's id, such as ami-0123456789abcdef0", "roost image ls")
    image = images.get(image_id)
    if image is not None and not image.manifest.recipe:
        raise UsageError(f"{image_id} ({image.name}) is no image of Roost's", "aws ec2 deregister-image")
    users = images.users(image_id) if image else {}
    if users and not force:
        told = ", ".join(f"{one} of {pool}" if pool else one for one, pool in users.items())
        raise RoostError(f"{image_id} is in use by {told}", "`roost down` them first, or add --force")
    return remove(image_id, images)


def _removed_snapshot(snapshot_id: str, images: Images) -> tuple[str, ...]:
    if snapshot_id not in images.snapshots():
        return ()
    owner = next((image for image in images.all() if snapshot_id in image.snapshots), None)
    if owner is not None:
        raise UsageError(f"{snapshot_id} belongs to {owner.id}", f"roost image rm {owner.id}")
    images.delete_snapshot(snapshot_id)
    return (snapshot_id,)


def _of_instance(wish: Wish, instance_id: str, spec: PoolSpec, site: Site, reporter: Reporter) -> Baked:
    instance, pool = instance_to_bake(instance_id, site, spec)
    base = Images(site.ec2).get(instance.image_id)
    if base is None:
        raise NotFoundError(f"the image {instance.image_id}, from which {instance_id} was made, is gone", "roost up")
    with ssh_to(site, instance, pool_key(pool.cloud, pool.name)) as machine:
        removable = builder.removable(machine)
    with reporter.paused():
        _ask_for_instance(instance_id, removable, wish)
    _ask_for_money(bake_spec(spec), site, reporter, yes=wish.yes)
    named = spec.model_copy(update={"name": pool.name})
    order = Order(spec=named, recipe=recipe(spec), base=base, allowed=wish.allowed)
    return bake_from(instance, pool, order, site, reporter)


def _ask_for_instance(instance_id: str, removable: Mapping[str, int], wish: Wish) -> None:
    """What happens to it, before it happens."""
    click.echo(f"not on the image, and taken off {instance_id} while it is made:", err=True)
    for what, many in removable.items():
        click.echo(f"  {what} ({many} files)", err=True)
    click.echo("HTCondor stops there meanwhile: a job that runs there starts again elsewhere.", err=True)
    click.echo("What belongs to the instance is put back; logs, caches and histories of jobs are not.", err=True)
    if wish.yes:
        return
    if not sys.stdin.isatty():
        raise UsageError("nobody is there to say yes to that", "add --yes")
    click.confirm("Go on?", abort=True, err=True)


def _ask_for_money(smallest: PoolSpec, site: Site, reporter: Reporter, *, yes: bool) -> None:
    if smallest.cloud == "local":
        return
    with reporter.paused():
        click.echo(
            "a bake launches a builder for some ten minutes, and then a pool for some five: "
            f"{prepared.price(smallest, prepared.rates(smallest, site))}. The image's snapshot is billed until "
            "`roost image rm`",
            err=True,
        )
        if yes:
            return
        if not sys.stdin.isatty():
            raise UsageError("this launches instances that cost money, and nobody is there to say yes", "add --yes")
        click.confirm("Go on?", abort=True, err=True)
