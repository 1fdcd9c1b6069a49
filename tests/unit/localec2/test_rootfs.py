"""A recipe's hash and its command line."""

from pathlib import Path

import pytest

from localec2.failures import Localec2Error
from localec2.images import parsed_tags, recipe
from localec2.rootfs import AddedFile, Recipe, mmdebstrap_command, recipe_hash


@pytest.fixture
def program(tmp_path: Path) -> Path:
    file = tmp_path / "it's a program"
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


def test_the_order_of_packages_does_not_matter() -> None:
    assert recipe_hash(Recipe(packages=("bwa", "samtools"))) == recipe_hash(Recipe(packages=("samtools", "bwa")))


def test_whatever_goes_into_the_image_changes_the_hash(program: Path) -> None:
    added = Recipe(files=(AddedFile(source=program, target="/opt/program"),))
    hashes = [recipe_hash(added)]
    program.write_text("#!/bin/sh\ntrue\n")
    hashes.append(recipe_hash(added))
    program.chmod(0o700)
    hashes.append(recipe_hash(added))
    hashes += [
        recipe_hash(each)
        for each in [
            Recipe(),
            Recipe(suite="forky"),
            Recipe(packages=("bwa",)),
            Recipe(files=(AddedFile(source=program, target="/opt/other"),)),
            Recipe(disabled_units=("condor.service",)),
            Recipe(hooks=("true",)),
        ]
    ]
    assert len(set(hashes)) == len(hashes)


def test_the_command_line(program: Path) -> None:
    asked = Recipe(
        packages=("condor",),
        files=(AddedFile(source=program, target="/opt/program"),),
        disabled_units=("condor.service",),
    )
    argv = mmdebstrap_command(asked, target=Path("/cache/x.tar"), executables=Path("/cache/x.executables"))
    assert argv[-2:] == ["trixie", "/cache/x.tar"]
    assert any(word.startswith("--include=") and "condor" in word and "cloud-init" in word for word in argv)
    hooks = [word for word in argv if word.startswith("--customize-hook=")]
    assert "install -D --mode=755" in hooks[0]
    assert "it'\"'\"'s a program" in hooks[0]
    assert '--customize-hook=chroot "$1" systemctl disable condor.service' in hooks
    assert any("machine-id" in hook for hook in hooks)


@pytest.mark.parametrize("added", ["no-colon", "/etc/hostname:relative", ":/opt/x", "/nowhere/at/all:/opt/x"])
def test_a_file_to_add_is_checked_before_anything_is_built(added: str) -> None:
    with pytest.raises(Localec2Error, match="--add"):
        recipe(suite="trixie", packages=[], added=[added], disabled=[])


def test_tags() -> None:
    assert parsed_tags(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    with pytest.raises(Localec2Error, match="KEY=VALUE"):
        parsed_tags(["a"])
