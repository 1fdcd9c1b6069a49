"""`roost image disk` and `roost image register`: an image without any instance."""

import sys
from pathlib import Path

import click

from roost.verbs.which_pool import cloud_option, json_option, pool_argument


@click.command("disk")
@pool_argument
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), required=True, help="The file to make.")
def build(pool: str | None, output: Path) -> None:
    """Build a disk on this machine from the recipe in POOL, for `roost image register`.

    Debian with a kernel, a boot loader for UEFI, HTCondor and the recipe's packages, files and script. It takes some
    minutes, the Debian mirror, and root; no loop device, no instance.
    """
    from roost import machine
    from roost.cloud import disk_build
    from roost.cloud.recipe import recipe
    from roost.cloud.recipe_files import contents
    from roost.report.reporter import reporter_for
    from roost.verbs.which_pool import spec_of

    spec = spec_of(pool, None)
    wanted = recipe(spec, contents(spec.image))
    script = spec.image.mentioned_script
    with reporter_for(sys.stderr) as reporter:
        machine.ensure_commands(disk_build.COMMANDS, reporter.step)
        disk_build.build(
            wanted,
            output,
            added={each.target: each.path for each in spec.image.mentioned_files},
            script=script.path if script else None,
            say=reporter.step,
        )
    click.echo(f"roost image register {output} --arch {disk_build.architecture().ec2}", err=True)
    click.echo(output)


@click.command("register")
@click.argument("disk", type=click.Path(path_type=Path))
@click.option("--name", help="The image's (default: made of the file's and what is on it).")
@click.option("--pool", default="roost", show_default=True, help="Whose image it is (its tag roost:pool).")
@click.option("--arch", "architecture", type=click.Choice(["x86_64", "arm64"]), default="x86_64", show_default=True)
@click.option(
    "--boot-mode", type=click.Choice(["uefi", "uefi-preferred", "legacy-bios"]), default="uefi", show_default=True
)
@cloud_option
@click.option("--region", help="The AWS region (default: us-east-1).")
@json_option
def command(
    disk: Path,
    name: str | None,
    pool: str,
    architecture: str,
    boot_mode: str,
    cloud: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Upload DISK, a raw disk image, and register it.

    Only what is on the disk is sent, not its empty parts. Repeat it as you like: the same disk is the same image, and
    an upload that was cut off begins anew. EC2 on this machine keeps such an image but cannot boot it.
    """
    from roost.report import images as report
    from roost.report.reporter import reporter_for
    from roost.verbs.registering import Wish, registered

    wish = Wish(
        disk=disk, name=name, pool=pool, architecture=architecture, boot_mode=boot_mode, cloud=cloud, region=region
    )
    with reporter_for(sys.stderr) as reporter:
        image = registered(wish, reporter)
    if not image.is_new:
        click.echo(f"{image.image_id} is registered from this disk already", err=True)
    click.echo(report.baked_json(image) if as_json else report.baked_text(image))
