"""`roost image`."""

import sys

import click

from roost.verbs import image_disk
from roost.verbs.which_pool import cloud_option, json_option, pool_argument


@click.group("image")
def command() -> None:
    """Bake images for pools, list them, remove them.

    An image is baked once from the recipe in pool.yml (`image:`), proven by a pool of its own, and found again by its
    tags. Nothing is installed when an instance boots.
    """


@command.command()
@pool_argument
@cloud_option
@json_option
@click.option("--from", "source", metavar="INSTANCE", help="Make it of a running execution point that you changed.")
@click.option("--not-secret", "allowed", multiple=True, metavar="PATH", help="A file there that only looks like one.")
@click.option("--force", is_flag=True, help="Bake anew, even where there is one of this recipe.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def bake(
    pool: str | None,
    cloud: str | None,
    as_json: bool,
    source: str | None,
    allowed: tuple[str, ...],
    force: bool,
    yes: bool,
) -> None:
    """Make the image that POOL asks for, or one of an instance, and prove it.

    Repeat it as you like: one that is there is not made again, one that was begun is finished. Everything it launches
    is in a pool named bake-POOL and ends with it.
    """
    from roost.report import images as report
    from roost.report.reporter import reporter_for
    from roost.verbs import image_wishes

    with reporter_for(sys.stderr) as reporter:
        wish = image_wishes.Wish(pool=pool, cloud=cloud, source=source, allowed=allowed, force=force, yes=yes)
        baked = image_wishes.baked(wish, reporter)
    if not baked.is_new:
        click.echo(f"{baked.image_id} is baked from this recipe, and proven; --force bakes another", err=True)
    click.echo(report.baked_json(baked) if as_json else report.baked_text(baked))


@command.command("ls")
@cloud_option
@click.option("--region", help="The AWS region (default: us-east-1).")
@json_option
def list_images(cloud: str | None, region: str | None, as_json: bool) -> None:
    """List the images of Roost's, and what their snapshots cost a month at most."""
    from datetime import UTC, datetime

    from roost.report import images as report
    from roost.verbs.image_wishes import images_of

    images = images_of(cloud, region)
    found = images.all()
    used = {snapshot for image in found for snapshot in image.snapshots}
    left = [snapshot for snapshot in images.snapshots() if snapshot not in used]
    click.echo(report.to_json(found, left=left) if as_json else report.table(found, left=left, now=datetime.now(UTC)))


@command.command()
@pool_argument
@cloud_option
@json_option
def outdated(pool: str | None, cloud: str | None, as_json: bool) -> None:
    """Say which images are no longer what one would bake today, and what to do.

    Looks at the base image, at Debian's HTCondor and at the recipe in POOL. Exit code 4: some are.
    """
    from roost.errors import PartialError
    from roost.report import images as report
    from roost.report.reporter import reporter_for
    from roost.verbs.image_wishes import outdated_images

    with reporter_for(sys.stderr) as reporter:
        found = outdated_images(pool, cloud, reporter)
    click.echo(report.outdated_json(found) if as_json else report.outdated_text(found))
    if found:
        raise PartialError(f"{len(found)} images are outdated: {', '.join(one.image_id for one in found)}")


@command.command()
@click.argument("image_ids", nargs=-1, required=True, metavar="IMAGE...")
@cloud_option
@click.option("--region", help="The AWS region (default: us-east-1).")
@click.option("--force", is_flag=True, help="Even while instances run from it; they keep their disks.")
def rm(image_ids: tuple[str, ...], cloud: str | None, region: str | None, force: bool) -> None:
    """Deregister images and delete their snapshots. Twice is fine.

    IMAGE is an image's id, or that of a snapshot whose image is gone.
    """
    from roost.verbs.image_wishes import images_of, removed

    images = images_of(cloud, region)
    for image_id in image_ids:
        gone = removed(image_id, images, force=force)
        click.echo(f"removed {', '.join(gone)}" if gone else f"{image_id} is gone already")


command.add_command(image_disk.build)
command.add_command(image_disk.command)
