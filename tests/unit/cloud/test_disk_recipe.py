"""A recipe as a disk: partitions that do not overlap, and commands that name what they were given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.boot import image_programs
from roost.cloud.disk_recipe import (
    ARCHITECTURES,
    ESP_AT_MIB,
    ESP_MIB,
    ROOT_AT_MIB,
    boot_loader,
    disk_mib,
    files,
    loader_entry,
    packages,
    partitions,
    tree_command,
)
from roost.cloud.recipe import Recipe

RECIPE = Recipe(suite="trixie", packages=("condor", "samtools"))
X86, ARM = ARCHITECTURES["x86_64"], ARCHITECTURES["aarch64"]
UUID = "0d6e4079-e36f-4e1a-8cd3-2c3e4f5a6b7c"


def test_the_recipes_packages_and_a_kernel() -> None:
    assert {"condor", "samtools", "linux-image-cloud-amd64", "systemd-boot-efi"} <= set(packages(RECIPE, X86))
    assert "linux-image-cloud-arm64" in packages(RECIPE, ARM)


@pytest.mark.parametrize(
    ("architecture", "firmware"), [(X86, "/EFI/BOOT/BOOTX64.EFI"), (ARM, "/EFI/BOOT/BOOTAA64.EFI")]
)
def test_where_firmware_looks(architecture: object, firmware: str) -> None:
    assert boot_loader(X86 if architecture is X86 else ARM)[1] == firmware


def test_kernel_fstab_and_partition_name_the_same_root() -> None:
    assert f"uuid={UUID}" in partitions(X86, UUID)
    assert f"root=PARTUUID={UUID} " in loader_entry(UUID)
    assert files(UUID)["/etc/fstab"].startswith(f"PARTUUID={UUID} / ext4")


def test_it_understands_any_user_data_and_htcondor_waits() -> None:
    assert image_programs.files().items() <= files(UUID).items()
    command = tree_command(RECIPE, X86, tree="/t", added="/a", script="")
    assert any("systemctl disable condor.service" in word for word in command)
    assert command[-2:] == ["trixie", "/t"]


def test_a_script_runs_there_after_the_files() -> None:
    hooks = [w for w in tree_command(RECIPE, X86, tree="/t", added="/a", script="/s.sh") if "-hook=" in w]
    assert '"/a"' in hooks[0]
    assert '"/s.sh"' in hooks[1]
    assert "chroot" in hooks[1]


@given(st.integers(min_value=100, max_value=100_000))
def test_all_of_it_has_room(used_mib: int) -> None:
    root_mib = disk_mib(used_mib) - ROOT_AT_MIB - 1
    assert root_mib > used_mib * 1.05 + 256
    assert ESP_AT_MIB + ESP_MIB <= ROOT_AT_MIB
