"""pure: the VPC's resolver.

In: a query packet and the instances. Out: an answer packet, or None where the query must be forwarded. Names follow
EC2's rules (VPC User Guide, "DNS attributes for your VPC"): a public name is the private address inside the VPC.
"""

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from localec2.config import ENDPOINT_DOMAIN
from localec2.model import private_domain, public_domain

TTL_S = 60
_A, _PTR, _ANY = 1, 12, 255
_NO_ERROR, _SERVER_FAILURE, _NO_SUCH_NAME = 0, 2, 3
_DASHED = re.compile(r"(ip|ec2)-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})$")


@dataclass(frozen=True, kw_only=True, slots=True)
class Zone:
    """What the resolver knows by itself."""

    region: str
    vpc_cidr: str
    api_ip: str
    private_by_public: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    name: str
    kind: int
    raw: bytes  # as it stood in the query


def reply(query: bytes, zone: Zone) -> bytes | None:
    """The answer, or None where somebody else must be asked. Raises `ValueError` for what is no query."""
    asked = question(query)
    if asked.name.endswith(".in-addr.arpa"):
        return _reverse(query, asked, zone)
    address = address_of(asked.name, zone)
    if address is None:
        return None
    if asked.kind not in (_A, _ANY):
        return _packet(query, asked, [])
    return _packet(query, asked, [(_A, IPv4Address(address).packed)])


def failure(query: bytes) -> bytes:
    """SERVFAIL: nobody could be asked."""
    return _packet(query, question(query), [], code=_SERVER_FAILURE)


def address_of(name: str, zone: Zone) -> str | None:
    """The address of a name in this zone.

    >>> zone = Zone(region="us-east-1", vpc_cidr="172.31.0.0/16", api_ip="172.31.0.1",
    ...             private_by_public={"198.18.1.3": "172.31.16.4"})
    >>> address_of("ec2-198-18-1-3.compute-1.amazonaws.com", zone)
    '172.31.16.4'
    >>> address_of("ip-172-31-16-4.ec2.internal", zone)
    '172.31.16.4'
    >>> address_of("deb.debian.org", zone) is None
    True
    """
    name = name.lower().rstrip(".")
    if name.endswith(f".{ENDPOINT_DOMAIN}"):
        return zone.api_ip
    host, _, domain = name.partition(".")
    found = _DASHED.match(host)
    if found is None:
        return None
    try:
        address = str(IPv4Address(".".join(found.groups()[1:])))
    except ValueError:
        return None
    if found[1] == "ip" and domain == private_domain(zone.region):
        return address
    if found[1] == "ec2" and domain == public_domain(zone.region):
        return zone.private_by_public.get(address, address)
    return None


def question(query: bytes) -> Question:
    """The one question of a query."""
    if len(query) < 17 or query[2] & 0x80 or struct.unpack(">H", query[4:6]) != (1,):
        raise ValueError("not a DNS query with one question")
    labels, at = [], 12
    while query[at]:
        length = query[at]
        if length > 63 or at + 1 + length >= len(query):
            raise ValueError("malformed name")
        labels.append(query[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    if len(query) < at + 5:
        raise ValueError("cut short")
    (kind,) = struct.unpack(">H", query[at + 1 : at + 3])
    return Question(name=".".join(labels).lower(), kind=kind, raw=query[12 : at + 5])


def _reverse(query: bytes, asked: Question, zone: Zone) -> bytes | None:
    try:
        address = IPv4Address(".".join(reversed(asked.name.removesuffix(".in-addr.arpa").split("."))))
    except ValueError:
        return _packet(query, asked, [], code=_NO_SUCH_NAME)
    if address not in IPv4Network(zone.vpc_cidr):
        return None
    name = f"ip-{str(address).replace('.', '-')}.{private_domain(zone.region)}"
    return _packet(query, asked, [(_PTR, _encoded(name))] if asked.kind in (_PTR, _ANY) else [])


def _packet(query: bytes, asked: Question, answers: list[tuple[int, bytes]], *, code: int = _NO_ERROR) -> bytes:
    flags = 0x8180 | code  # an answer; recursion desired and available
    header = query[:2] + struct.pack(">HHHHH", flags, 1, len(answers), 0, 0)
    records = (b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, TTL_S, len(data)) + data for kind, data in answers)
    return header + asked.raw + b"".join(records)


def _encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
