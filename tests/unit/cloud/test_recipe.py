"""An image's name follows from what is on it, and from nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.cloud.recipe import Contents, Recipe, base_recipe, recipe
from roost.spec import Image, PoolSpec, Shared

NAMES = ("bwa", "samtools", "bcftools", "g++", "python3-numpy")


def of(*packages: str) -> Recipe:
    return recipe(PoolSpec(image=Image(packages=packages)))


@given(packages=st.lists(st.sampled_from(NAMES)), data=st.data())
def test_the_order_of_packages_does_not_matter(packages: list[str], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*packages, *packages[:1]]))
    assert of(*shuffled) == of(*packages)
    assert of(*shuffled).digest == of(*packages).digest


@given(one=st.frozensets(st.sampled_from(NAMES)), other=st.frozensets(st.sampled_from(NAMES)))
def test_other_packages_are_another_image(one: frozenset[str], other: frozenset[str]) -> None:
    assert (of(*one).digest == of(*other).digest) == (one == other)


def test_another_suite_is_another_image() -> None:
    digests = {Recipe(suite=suite, packages=("condor",)).digest for suite in ("trixie", "forky")}
    assert len(digests) == 2


def test_nothing_else_of_the_spec_makes_another_image() -> None:
    spec = PoolSpec(image=Image(packages=("bwa",)))
    other = spec.model_copy(update={"name": "other", "lease": 600, "condor_config": "A = 1", "region": "eu-north-1"})
    assert recipe(spec) == recipe(other)


@pytest.mark.parametrize(
    ("kind", "added"),
    [
        ("none", ()),
        ("gluster", ("glusterfs-client", "glusterfs-server")),
        ("nfs", ("nfs-common", "nfs-kernel-server")),
        ("efs", ("nfs-common",)),
    ],
)
def test_what_is_shared_is_on_the_image(kind: str, added: tuple[str, ...]) -> None:
    spec = PoolSpec.model_validate({"shared": kind, "image": {"packages": ["bwa"]}})
    assert recipe(spec).packages == ("condor", "bwa", *added)


@pytest.mark.parametrize(
    ("packages", "expected"),
    [
        ((), ("condor",)),
        (("samtools", "bwa"), ("condor", "bwa", "samtools")),
        (("bwa", "bwa"), ("condor", "bwa")),
        (("condor", "bwa"), ("condor", "bwa")),
    ],
)
def test_htcondor_comes_first_and_everything_once(packages: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert of(*packages).packages == expected


def test_the_name_and_the_description_are_what_ec2_takes() -> None:
    many = of(*(f"python3-{'x' * 20}{n}" for n in range(40)))
    assert many.name == f"roost-trixie-{many.digest}"
    assert 3 <= len(many.name) <= 128  # API reference, CreateImage
    assert len(many.description) == 255
    assert of("bwa").description == "Debian trixie with condor, bwa"


@pytest.mark.parametrize(
    "contents",
    [
        Contents(files=(("/opt/a", "1"),)),
        Contents(files=(("/opt/b", "1"),)),
        Contents(files=(("/opt/a", "2"),)),
        Contents(script="1"),
    ],
)
def test_what_is_in_files_and_script_makes_another_image(contents: Contents) -> None:
    spec = PoolSpec(image=Image(packages=("bwa",)))
    made = recipe(spec, contents)
    assert made.digest != recipe(spec).digest
    assert recipe(spec).is_plain
    assert not made.is_plain


def test_another_base_is_another_image() -> None:
    made = recipe(PoolSpec(image=Image(base="ami-00000001")))
    assert made.digest != recipe(PoolSpec()).digest
    assert not made.is_plain


def test_what_mounts_file_systems_descends_from_what_may() -> None:
    """On this machine /dev/fuse is for instances of images that were built for it, and of what is made of those."""
    assert base_recipe(PoolSpec()).packages == ("condor",)
    assert "glusterfs-client" in base_recipe(PoolSpec(shared=Shared(kind="gluster"))).packages
