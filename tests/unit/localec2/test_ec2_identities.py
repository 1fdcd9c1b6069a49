from ipaddress import IPv4Address, IPv4Network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localec2.config import TEST_NETWORK
from localec2.identities import free_private_ip, free_public_ip, is_well_formed, mac, new_id


@given(st.integers())
def test_new_ids_are_well_formed(seed: int) -> None:
    assert is_well_formed(new_id("i", Random(seed)), "i")


@pytest.mark.parametrize(
    "wrong", ["", "i-", "i-1", "ami-0123456789abcdef0", "i-0123456789ABCDEF0", "i-0123456789abcdef01"]
)
def test_malformed_ids(wrong: str) -> None:
    assert not is_well_formed(wrong, "i")


def test_a_subnet_gives_all_its_addresses_once() -> None:
    rng, used = Random(1), set[str]()
    while (address := free_private_ip("10.0.0.0/28", used, rng)) is not None:
        assert address not in used
        used.add(address)
    assert used == {f"10.0.0.{number}" for number in range(4, 15)}


@given(st.integers(min_value=0, max_value=31), st.integers())
def test_public_addresses_keep_off_the_ends(slot: int, seed: int) -> None:
    network: IPv4Network = list(TEST_NETWORK.subnets(new_prefix=20))[slot]
    drawn = free_public_ip(network, set(), Random(seed))
    assert drawn is not None
    assert network[16] <= IPv4Address(drawn) <= network[-4]


@given(st.integers())
def test_macs_are_local_and_for_one_station(seed: int) -> None:
    assert int(mac(Random(seed))[:2], 16) & 0b11 == 0b10
