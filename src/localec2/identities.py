"""pure: new ids and addresses.

As EC2 does it: ids and private addresses are drawn at random, so that what is gone is not met again soon.
"""

import re
from collections.abc import Collection
from ipaddress import IPv4Network
from random import Random

RESERVED_PRIVATE = 4  # of each subnet's start: network, router, resolver, future use (VPC User Guide)
RESERVED_PUBLIC = 16  # of the public network's start
RESERVED_PUBLIC_END = 3  # this machine, the router, broadcast


def new_id(prefix: str, rng: Random) -> str:
    """
    >>> new_id("i", Random(0))
    'i-0629f6fbed82c07cd'
    """
    return f"{prefix}-0{rng.getrandbits(64):016x}"


def is_well_formed(resource_id: str, prefix: str) -> bool:
    """
    >>> is_well_formed("i-0123456789abcdef0", "i"), is_well_formed("i-12345678", "i"), is_well_formed("i-x", "i")
    (True, True, False)
    """
    return re.fullmatch(rf"{prefix}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", resource_id) is not None


def free_private_ip(cidr: str, used: Collection[str], rng: Random) -> str | None:
    """An address of a subnet that nobody has, or None."""
    network = IPv4Network(cidr)
    return _draw(network, RESERVED_PRIVATE, network.num_addresses - 1, used, rng)


def free_public_ip(network: IPv4Network, used: Collection[str], rng: Random) -> str | None:
    return _draw(network, RESERVED_PUBLIC, network.num_addresses - RESERVED_PUBLIC_END, used, rng)


def mac(rng: Random) -> str:
    """Locally administered."""
    return "02:" + ":".join(f"{rng.getrandbits(8):02x}" for _ in range(5))


def _draw(network: IPv4Network, first: int, end: int, used: Collection[str], rng: Random) -> str | None:
    start = rng.randrange(first, end)
    for number in (*range(start, end), *range(first, start)):
        address = str(network[number])
        if address not in used:
            return address
    return None
