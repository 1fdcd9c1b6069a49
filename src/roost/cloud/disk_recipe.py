"""pure: a recipe -> a disk that UEFI boots: what is on it, and the commands that make it of a file.

Two partitions: the EFI system partition with systemd-boot, kernel and initial RAM disk; the root. No command needs a
loop device or a mount. The kernel is that of the day: instances live for hours and do not update it.
"""

from dataclasses import dataclass

from roost.boot import image_programs
from roost.cloud.recipe import Recipe

MIB = 2**20
ESP_AT_MIB, ESP_MIB = 1, 256
ROOT_AT_MIB = ESP_AT_MIB + ESP_MIB
_SPARE_MIB = 768  # on the root, until cloud-init has grown it to the volume's size
_END_MIB = 1  # of a GPT

# On top of the recipe's: what a machine needs that a container does not have.
_PACKAGES = (
    "ca-certificates",
    "cloud-guest-utils",
    "cloud-init",
    "curl",
    "dbus",
    "e2fsprogs",
    "fdisk",
    "initramfs-tools",
    "iproute2",
    "nftables",
    "openssh-server",
    "procps",
    "python3-minimal",
    "sudo",
    "systemd-resolved",
    "systemd-sysv",
    "udev",
    "zstd",
)
_FILES = {
    "/etc/cloud/cloud.cfg.d/10-roost.cfg": "datasource_list: [ Ec2, None ]\nnetwork: {config: disabled}\n"
    "ssh_genkeytypes: [ed25519]\n",
    "/etc/systemd/network/10-ec2.network": "[Match]\nName=en* eth*\n\n[Network]\nDHCP=yes\n",
}
_RUN_SCRIPT = 'install -m 755 "{}" "$1/recipe-script" && chroot "$1" /recipe-script && rm "$1/recipe-script"'
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*")


@dataclass(frozen=True, kw_only=True, slots=True)
class Architecture:
    """What EC2, Debian, UEFI and the discoverable partitions specification call the same thing."""

    ec2: str
    debian: str
    efi: str
    root_type: str


ARCHITECTURES = {
    "x86_64": Architecture(ec2="x86_64", debian="amd64", efi="x64", root_type="4f68bce3-e8cd-4db1-96e7-fbcaf984b709"),
    "aarch64": Architecture(ec2="arm64", debian="arm64", efi="aa64", root_type="b921b045-1df0-41c3-af44-4c6f280d3fae"),
}


def files(root_uuid: str) -> dict[str, str]:
    """Path on the disk -> text: the boot program with which it understands any user data, and how to find its root."""
    return {**image_programs.files(), **_FILES, "/etc/fstab": f"PARTUUID={root_uuid} / ext4 errors=remount-ro 0 1\n"}


def packages(recipe: Recipe, architecture: Architecture) -> tuple[str, ...]:
    kernel = (f"linux-image-cloud-{architecture.debian}", "systemd-boot-efi")
    return tuple(sorted({*_PACKAGES, *kernel, *recipe.packages}))


def tree_command(recipe: Recipe, architecture: Architecture, *, tree: str, added: str, script: str) -> list[str]:
    """mmdebstrap of the root's files to `tree`; what is below `added` goes on top, then `script` runs there, if any."""
    units = " ".join(image_programs.DISABLED_UNITS)
    hooks = [
        f'cp -R --no-target-directory "{added}" "$1"',
        *([_RUN_SCRIPT.format(script)] if script else []),
        f'chroot "$1" systemctl disable {units}',
        'chroot "$1" systemctl enable systemd-networkd systemd-resolved',
        # an instance lives for hours, and its packages are those of the image
        'chroot "$1" systemctl disable apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer',
        # every instance makes these for itself
        ': > "$1/etc/machine-id"; rm -f "$1"/var/lib/dbus/machine-id "$1"/etc/ssh/ssh_host_* "$1/etc/hostname"',
        'ln -sf ../run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"',
    ]
    return [
        *("mmdebstrap", "--mode=root", "--variant=minbase", f"--architectures={architecture.debian}"),
        *("--components=main", f"--include={','.join(packages(recipe, architecture))}"),
        '--aptopt=Acquire::Languages "none"',
        *(f"--dpkgopt=path-exclude={path}" for path in _LEFT_OUT),
        # the directories alone: packages (Java's) link their manual pages there when they are set up
        "--dpkgopt=path-include=/usr/share/man/man[1-9]",
        *(f"--customize-hook={hook}" for hook in hooks),
        recipe.suite,
        tree,
    ]


def disk_mib(used_mib: int) -> int:
    """How large the disk is for so much on its root: file systems need some of it for themselves."""
    return ROOT_AT_MIB + used_mib * 9 // 8 + _SPARE_MIB + _END_MIB


def partitions(architecture: Architecture, root_uuid: str) -> str:
    """What sfdisk is fed."""
    return (
        "label: gpt\n"
        f"start={ESP_AT_MIB}MiB, size={ESP_MIB}MiB, type=U, name=esp\n"
        f"start={ROOT_AT_MIB}MiB, type={architecture.root_type}, uuid={root_uuid}, name=root\n"
    )


def loader_entry(root_uuid: str) -> str:
    """Of systemd-boot (Boot Loader Specification, type 1); the console is what GetConsoleOutput shows."""
    return (
        "title Debian\nlinux /linux\ninitrd /initrd\n"
        f"options root=PARTUUID={root_uuid} ro console=tty0 console=ttyS0,115200\n"
    )


def boot_loader(architecture: Architecture) -> tuple[str, str]:
    """(where it is on the root, where firmware looks for it)."""
    name = f"boot{architecture.efi}.efi"
    return f"usr/lib/systemd/boot/efi/systemd-{name}", f"/EFI/BOOT/{name.upper()}"
