"""shell (mmdebstrap, sfdisk, mkfs.vfat, mcopy, mke2fs): a recipe -> a raw disk in a file of this machine.

Works beside its goal and renames. Needs root, since files on the disk belong to root; no loop device, no mount.
"""

import os
import platform
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path

from roost.cloud import disk_recipe
from roost.cloud.disk_recipe import ARCHITECTURES, ESP_AT_MIB, ESP_MIB, MIB, ROOT_AT_MIB, Architecture
from roost.cloud.recipe import Recipe
from roost.errors import RoostError, UsageError

COMMANDS = {
    "mmdebstrap": "mmdebstrap",
    "sfdisk": "fdisk",
    "mkfs.vfat": "dosfstools",
    "mcopy": "mtools",
    "mke2fs": "e2fsprogs",
}
_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Should it be killed, its mounts go with their namespace: nothing that is cleared away afterwards leads through them.
_IN_OWN_NAMESPACE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def architecture() -> Architecture:
    """This machine's: the disk's packages are configured by running their programs."""
    found = ARCHITECTURES.get(platform.machine())
    if found is None:
        raise UsageError(f"no EC2 instance has the architecture {platform.machine()}", "build on x86_64 or aarch64")
    return found


def build(
    recipe: Recipe, output: Path, *, added: Mapping[str, Path], script: Path | None, say: Callable[[str], None]
) -> None:
    """`added`: path on the disk -> file or directory here. Raises UsageError, or RoostError in a program's words."""
    if os.geteuid() != 0:
        raise UsageError("only root can make files that belong to root", "the same with sudo")
    if recipe.base:
        raise UsageError(f"a disk is made of Debian's packages, not of {recipe.base}", "take `base` out of `image:`")
    kind, root_uuid = architecture(), str(uuid.uuid4())
    with tempfile.TemporaryDirectory(prefix=f".{output.name}.", dir=output.absolute().parent) as place:
        work = Path(place)
        work.chmod(0o755)  # mmdebstrap drops root for apt's downloads
        extra, tree, disk = work / "added", work / "tree", work / "disk"
        _stage(disk_recipe.files(root_uuid), added, extra)
        say(f"install Debian {recipe.suite}, a kernel and {', '.join(recipe.packages)} (minutes)")
        place_of_script = str(script.absolute()) if script else ""
        command = disk_recipe.tree_command(recipe, kind, tree=str(tree), added=str(extra), script=place_of_script)
        _run(*_IN_OWN_NAMESPACE, *command)
        used_mib = int(_run("du", "--summarize", "--block-size=1M", str(tree)).split()[0])
        size_mib = disk_recipe.disk_mib(used_mib)
        say(f"make a disk of {size_mib} MiB")
        with disk.open("wb") as file:
            file.truncate(size_mib * MIB)
        _run("sfdisk", "--quiet", str(disk), feed=disk_recipe.partitions(kind, root_uuid))
        _fill_esp(kind, tree, disk, root_uuid, work)
        shutil.rmtree(tree / "boot")  # it is on the EFI system partition
        (tree / "boot").mkdir()
        root_mib = size_mib - ROOT_AT_MIB - 1
        offset = f"offset={ROOT_AT_MIB * MIB}"
        _run("mke2fs", "-q", "-t", "ext4", "-L", "root", "-E", offset, "-d", str(tree), str(disk), f"{root_mib}M")
        disk.replace(output)


def _stage(texts: Mapping[str, str], added: Mapping[str, Path], extra: Path) -> None:
    for path, text in texts.items():
        target = extra / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    for path, source in added.items():
        target = extra / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, dirs_exist_ok=True)
        else:
            shutil.copy(source, target)


def _fill_esp(kind: Architecture, tree: Path, disk: Path, root_uuid: str, work: Path) -> None:
    esp = str(work / "esp")  # mkfs.vfat miscounts at an offset in a larger file
    _run("mkfs.vfat", "-C", "-F", "32", "-n", "ESP", esp, str(ESP_MIB * 1024))
    (work / "loader.conf").write_text("timeout 0\ndefault debian.conf\n")
    (work / "debian.conf").write_text(disk_recipe.loader_entry(root_uuid))
    loader, firmware = disk_recipe.boot_loader(kind)
    _run("mmd", "-i", esp, "::/EFI", "::/EFI/BOOT", "::/loader", "::/loader/entries")
    for source, target in (
        (tree / loader, firmware),
        (_newest(tree, "vmlinuz-*"), "/linux"),
        (_newest(tree, "initrd.img-*"), "/initrd"),
        (work / "loader.conf", "/loader/loader.conf"),
        (work / "debian.conf", "/loader/entries/debian.conf"),
    ):
        _run("mcopy", "-i", esp, str(source), f"::{target}")
    _run("dd", f"if={esp}", f"of={disk}", "bs=1M", f"seek={ESP_AT_MIB}", "conv=notrunc,sparse", "status=none")


def _newest(tree: Path, pattern: str) -> Path:
    found = sorted((tree / "boot").glob(pattern))
    if not found:
        raise RoostError(f"the packages brought no /boot/{pattern}", "file a bug: the recipe of the disk is wrong")
    return found[-1]


def _run(*argv: str, feed: str | None = None) -> str:
    kept = {name: value for name, value in os.environ.items() if name.lower().endswith("_proxy")}
    environment = {"PATH": _SYSTEM_PATH, "LC_ALL": "C.UTF-8", "MTOOLS_SKIP_CHECK": "1", **kept}
    done = subprocess.run(argv, input=feed, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        end = "\n".join(line for line in (done.stdout + done.stderr).splitlines()[-12:] if line)
        name = argv[len(_IN_OWN_NAMESPACE)] if argv[0] == "unshare" else argv[0]
        raise RoostError(f"{name} failed with exit code {done.returncode}:\n{end}", "are the package names right?")
    return done.stdout
