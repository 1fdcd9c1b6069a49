"""What follows from a slot."""

from pathlib import Path

from localec2.config import SLOTS, TEST_NETWORK, Config, link


def config(slot: int) -> Config:
    return Config(state_dir=Path("/state"), port=5950, slot=slot)


def test_slots_never_share_a_public_address_or_a_name() -> None:
    networks = [config(slot).public_network for slot in range(SLOTS)]
    assert sum(network.num_addresses for network in networks) == TEST_NETWORK.num_addresses
    assert len(set(networks)) == SLOTS
    assert len({config(slot).prefix for slot in range(SLOTS)}) == SLOTS


def test_names_of_links_fit_the_kernel() -> None:
    assert len(link("i-0123456789abcdef0")) <= 15
    assert len(config(SLOTS - 1).host_link) <= 15


def test_the_addresses_of_the_service_are_apart() -> None:
    first = config(0)
    assert (first.host_public_ip, first.router_ip) == ("198.18.15.254", "198.18.15.253")
    assert (first.api_vpc_ip, first.dns_ip) == ("172.31.0.1", "172.31.0.2")
