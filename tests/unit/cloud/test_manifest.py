"""An image's tags say what it is made of, within what EC2 takes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.cloud.manifest import NOT_VERIFIED, Manifest, manifest, package_list, tags

BAKED = Manifest(
    recipe="0a1b2c3d4e5f",
    pool="galaxy",
    base_id="ami-00000000000000001",
    base_name="debian-13-amd64-20260914-2234",
    condor_version="23.9.6+dfsg-2.1",
    packages="214 installed aeb22fff5cf2 condor=23.9.6+dfsg-2.1 bwa=0.7.18-1",
    made_at="2026-11-21T11:17:33+00:00",
    version="0.1.0",
    verified=NOT_VERIFIED,
)


def test_tags_and_back() -> None:
    written = tags(BAKED, name="roost-galaxy-0a1b2c3d4e5f-20261121T111733")
    assert written["roost:recipe"] == "0a1b2c3d4e5f"
    assert written["Name"] == "roost-galaxy-0a1b2c3d4e5f-20261121T111733"
    assert "roost:from-instance" not in written
    assert manifest(written) == BAKED


@pytest.mark.parametrize(
    ("verified", "usable"), [(NOT_VERIFIED, False), ("2026-11-21T11:17:41+00:00", True), ("", True)]
)
def test_only_what_a_bake_left_unproven_is_of_no_use(verified: str, usable: bool) -> None:
    assert Manifest(recipe="a", verified=verified).is_usable is usable


@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9+.-]{1,60}", fullmatch=True), st.sampled_from(["1", "2:23.9-1~rc"])))
def test_packages_fit_into_a_tag_and_none_is_forgotten(installed: dict[str, str]) -> None:
    text = package_list(installed, tuple(installed))
    words = text.split()
    assert len(text) <= 256
    more = int(words.pop()) if words[-1].startswith("+") else 0
    assert len(words) - 3 + more == len(installed) == int(words[0])


def test_another_version_of_any_package_is_another_hash() -> None:
    asked = ("bwa",)
    assert package_list({"bwa": "1", "libc6": "1"}, asked) != package_list({"bwa": "1", "libc6": "2"}, asked)
