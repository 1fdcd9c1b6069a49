"""The VPC's resolver, packet by packet."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localec2.dns import Zone, address_of, failure, question, reply

ZONE = Zone(
    region="us-east-1",
    vpc_cidr="172.31.0.0/16",
    api_ip="172.31.0.1",
    private_by_public={"198.18.0.20": "172.31.0.10"},
)
A, PTR, AAAA = 1, 12, 28


def query(name: str, kind: int = A) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\0" + struct.pack(">HH", kind, 1)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ip-172-31-0-10.ec2.internal", "172.31.0.10"),
        ("IP-172-31-0-10.EC2.Internal.", "172.31.0.10"),
        ("ec2-198-18-0-20.compute-1.amazonaws.com", "172.31.0.10"),
        ("ec2-198-18-0-99.compute-1.amazonaws.com", "198.18.0.99"),
        ("ec2.us-east-1.localec2.internal", "172.31.0.1"),
        ("ip-172-31-0-999.ec2.internal", None),
        ("ip-172-31-0-10.eu-west-1.compute.internal", None),
        ("ec2.us-east-1.amazonaws.com", None),
        ("deb.debian.org", None),
    ],
)
def test_names(name: str, expected: str | None) -> None:
    assert address_of(name, ZONE) == expected


def test_other_regions_have_other_domains() -> None:
    zone = Zone(region="eu-west-1", vpc_cidr="172.31.0.0/16", api_ip="172.31.0.1", private_by_public={})
    assert address_of("ip-172-31-0-10.eu-west-1.compute.internal", zone) == "172.31.0.10"
    assert address_of("ec2-198-18-0-20.eu-west-1.compute.amazonaws.com", zone) == "198.18.0.20"


def test_an_address_answers_with_the_query_number() -> None:
    packet = reply(query("ip-172-31-0-10.ec2.internal"), ZONE)
    assert packet is not None
    assert packet[:2] == b"\x12\x34"
    assert packet[-4:] == bytes([172, 31, 0, 10])
    assert struct.unpack(">H", packet[6:8]) == (1,)


def test_a_name_of_ours_has_no_ipv6_address_and_is_not_forwarded() -> None:
    packet = reply(query("ip-172-31-0-10.ec2.internal", AAAA), ZONE)
    assert packet is not None
    assert struct.unpack(">H", packet[6:8]) == (0,)


def test_reverse_of_a_private_address() -> None:
    packet = reply(query("10.0.31.172.in-addr.arpa", PTR), ZONE)
    assert packet is not None
    assert b"\x0eip-172-31-0-10\x03ec2\x08internal\0" in packet


@pytest.mark.parametrize("name", ["deb.debian.org", "8.8.8.8.in-addr.arpa"])
def test_the_rest_is_for_others(name: str) -> None:
    assert reply(query(name), ZONE) is None


def test_failure_says_so() -> None:
    assert failure(query("deb.debian.org"))[3] & 0x0F == 2


@given(st.binary(max_size=120))
def test_no_packet_is_too_strange(packet: bytes) -> None:
    with contextlib.suppress(ValueError):  # UnicodeDecodeError is one
        assert question(packet).raw in packet
