"""User data of every age -> what an instance is to do; and the configuration that the image adds."""

import ast
import gzip
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.boot.dialects import (
    DEFAULT_LEASE_S,
    Cluster,
    NotOurs,
    Own,
    Place,
    Refused,
    Worker,
    dialect,
    is_host,
    lease_s,
    worker_config,
)
from roost.boot.image_programs import files
from roost.boot.roles import Role
from roost.boot.settings import BootSettings
from roost.boot.user_data import user_data

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ3QGEifQ.c2lnbmF0dXJl"
PLACE = Place(instance_id="i-1", zone="us-east-1c", private_ip="10.253.191.243", public_ip="67.202.60.66")


def worker(raw: bytes) -> Worker:
    found = dialect(raw)
    assert isinstance(found, Worker), found
    return found


def test_roosts_own_is_done_already() -> None:
    settings = BootSettings(lease_s=600, idle_s=0, workers=1)
    own = user_data(pool="p", role=Role.ACCESS_POINT, types={}, settings=settings, joining=None)
    assert dialect(own) == Own()
    assert dialect(gzip.decompress(own)) == Own()


@pytest.mark.parametrize(
    ("raw", "central_manager", "lines"),
    [
        (b"CONDOR_HOST = head.example.org", "head.example.org", "CONDOR_HOST = head.example.org\n"),
        (b"\xef\xbb\xbfCONDOR_HOST=h.a\r\nX = 1\r\n", "h.a", "CONDOR_HOST=h.a\nX = 1\n"),
        (b"# mine\ncondor_host = 10.0.0.7\n", "10.0.0.7", "# mine\ncondor_host = 10.0.0.7\n"),
        (b"COLLECTOR_HOST = h.a:9620\n", "h.a:9620", "COLLECTOR_HOST = h.a:9620\n"),
        (b"COLLECTOR_HOST = h.b\nCONDOR_HOST = h.a\n", "h.a", "COLLECTOR_HOST = h.b\nCONDOR_HOST = h.a\n"),
        (b"use FEATURE:GPUs\nCONDOR_HOST = h.a\n", "h.a", "use FEATURE:GPUs\nCONDOR_HOST = h.a\n"),
        (gzip.compress(b"CONDOR_HOST = h.a\n", mtime=0), "h.a", "CONDOR_HOST = h.a\n"),
        (b"CONDOR_HOST = h.a\nL @=end\nROOST_X = 1\n@end\n", "h.a", "CONDOR_HOST = h.a\nL @=end\nROOST_X = 1\n@end\n"),
        (b"head.example.org\n", "head.example.org", "CONDOR_HOST = head.example.org\n"),
        (b"\n  10.0.0.7  \n", "10.0.0.7", "CONDOR_HOST = 10.0.0.7\n"),
        (b"h.a:9620", "h.a", "CONDOR_HOST = h.a\nCOLLECTOR_HOST = h.a:9620\n"),
    ],
)
def test_lines_are_copied(raw: bytes, central_manager: str, lines: str) -> None:
    found = worker(raw)
    assert (found.central_manager, found.lines, found.lease_s, found.token) == (
        central_manager,
        lines,
        DEFAULT_LEASE_S,
        None,
    )


@pytest.mark.parametrize(
    "raw",
    [
        f"CONDOR_HOST = h.a\nROOST_TOKEN = {TOKEN}\n",
        f"CONDOR_HOST = h.a\nSEC_TOKEN='{TOKEN}'\n",
        f"CONDOR_HOST = h.a\n{TOKEN}\n",
        f"h.a\n{TOKEN}\n",
    ],
)
def test_a_token_is_taken_out_of_what_everybody_may_read(raw: str) -> None:
    found = worker(raw.encode())
    assert found.token == TOKEN
    assert TOKEN not in found.lines
    assert TOKEN not in worker_config(found, PLACE, power_off="/p")


def test_keys_of_a_virtual_cluster() -> None:
    found = worker(b"CONDOR_HOST = h.a\nROOST_LEASE = 3h\nROOST_NETWORK=outbound\nSHARED = none\nX = 1\n")
    assert (found.lease_s, found.network, found.habit) == (3 * 3600, "outbound", "a virtual cluster's keys")
    assert found.lines.splitlines()[-1] == "X = 1"
    assert len(found.lines.splitlines()) == 5, "HTCondor's line numbers are those of the user data"


@pytest.mark.parametrize(
    ("keys", "cluster"),
    [
        ("SHARED = gluster\nSHARED_PEERS = 2\n", Cluster(peers=2)),
        ('shared="gluster"\nSHARED_PEERS=4\nSHARED_COPIES=2\n', Cluster(peers=4, copies=2)),
        ("SHARED = none\n", None),
    ],
)
def test_a_file_system_of_the_launch(keys: str, cluster: Cluster | None) -> None:
    found = worker(f"CONDOR_HOST = h.a\n{keys}".encode())
    assert found.cluster == cluster
    assert "gluster" not in found.lines


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"\n# only words\n", "empty"),
        (b"#!/bin/sh\necho CONDOR_HOST = h\n", "cloud-init (#!/bin/sh)"),
        (b"#cloud-config\nruncmd: [true]\n", "cloud-init"),
        (b"Content-Type: multipart/mixed; boundary=x\n", "cloud-init"),
        (b"## template: jinja\n#cloud-config\n", "cloud-init"),
        (b"hello", "no habit"),
        (b"key: value\n", "no habit"),
        (b'{"CONDOR_HOST": "h"}', "no habit"),
        (b"\x1f\x8bnot gzip", "neither"),
        (b"\xff\xfe\x00", "neither"),
    ],
)
def test_left_to_cloud_init(raw: bytes, reason: str) -> None:
    found = dialect(raw)
    assert isinstance(found, NotOurs)
    assert reason in found.reason


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"START = True\n", "names no CONDOR_HOST"),
        (b"CONDOR_HOST =\n", "names no CONDOR_HOST"),
        (b"CONDOR_HOST = h\nROOST_LEASE = soon\n", "ROOST_LEASE = soon"),
        (b"CONDOR_HOST = h\nROOST_LAESE = 3h\n", "ROOST_LAESE"),
        (b"CONDOR_HOST = h\nROOST_TOKEN = secret\n", "no token"),
        (b"CONDOR_HOST = h\nROOST_NETWORK = both\n", "direct, outbound"),
        (b"CONDOR_HOST = h\nSHARED = nfs\n", "none, gluster"),
        (b"CONDOR_HOST = h\nSHARED = gluster\n", "without SHARED_PEERS"),
        (b"CONDOR_HOST = h\nSHARED = gluster\nSHARED_PEERS = two\n", "SHARED_PEERS = two"),
        (b"CONDOR_HOST = h\nSHARED = gluster\nSHARED_PEERS = 3\nSHARED_COPIES = 2\n", "a multiple"),
        (b"CONDOR_HOST = h\nSHARED_PEERS = 2\n", "SHARED_PEERS without SHARED = gluster"),
    ],
)
def test_refused(raw: bytes, reason: str) -> None:
    found = dialect(raw)
    assert isinstance(found, Refused)
    assert reason in found.reason


def test_addresses_are_those_of_the_page_of_2008() -> None:
    text = worker_config(worker(b"head.example.org"), PLACE, power_off="/p")
    for line in (
        "PRIVATE_NETWORK_NAME = amazon-ec2-us-east-1c",
        "TCP_FORWARDING_HOST = 67.202.60.66",
        "PRIVATE_NETWORK_INTERFACE = 10.253.191.243",
    ):
        assert f"\n{line}\n" in text
    assert "CCB_ADDRESS" not in text


@pytest.mark.parametrize(
    ("raw", "public_ip"), [(b"h.a", ""), (b"CONDOR_HOST = h.a\nROOST_NETWORK = outbound\n", "67.202.60.66")]
)
def test_without_a_public_address_the_broker_turns_connections_around(raw: bytes, public_ip: str) -> None:
    place = Place(instance_id="i-1", zone="z", private_ip="10.0.0.1", public_ip=public_ip)
    text = worker_config(worker(raw), place, power_off="/p")
    assert "\nCCB_ADDRESS = $(COLLECTOR_HOST)\n" in text
    assert "TCP_FORWARDING_HOST" not in text


def test_trust_in_addresses_only_without_a_token() -> None:
    assert "use SECURITY:HOST_BASED" in worker_config(worker(b"h.a"), PLACE, power_off="/p")
    strong = worker_config(worker(f"h.a\n{TOKEN}".encode()), PLACE, power_off="/p")
    assert "HOST_BASED" not in strong
    assert "use SECURITY:recommended_v9_0" in strong


@given(st.binary(max_size=300))
def test_anything_can_be_user_data(raw: bytes) -> None:
    assert isinstance(dialect(raw), Own | NotOurs | Refused | Worker)


@given(st.text(alphabet=string.printable, max_size=200))
def test_what_follows_the_host_is_kept_line_by_line(rest: str) -> None:
    found = dialect(b"CONDOR_HOST = h.a\n" + rest.encode())
    if isinstance(found, Worker):
        given_lines = ("CONDOR_HOST = h.a\n" + rest).replace("\r\n", "\n").rstrip("\n").split("\n")
        kept = found.lines.rstrip("\n").split("\n")
        assert all(a == b or b.startswith("# ") for a, b in zip(given_lines, kept, strict=False))


@given(st.integers(min_value=1, max_value=10**6), st.sampled_from("smhd"))
def test_a_lease_is_at_least_a_minute(number: int, unit: str) -> None:
    found = lease_s(f"{number}{unit}")
    assert found is None or found >= 60


@given(st.ip_addresses().map(str))
def test_every_address_is_a_host(address: str) -> None:
    assert is_host(address)


def test_the_image_carries_all_that_its_program_imports() -> None:
    carried = files()
    programs = [text for path, text in carried.items() if path.endswith(".py")]
    names = {path.partition("/image/")[2].removesuffix(".py").replace("/", ".") for path in carried}
    packages = ("roost.boot", "roost.boot.node")
    imported = {
        f"{node.module}.{alias.name}" if node.module in packages else node.module
        for text in programs
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("roost.")
        for alias in node.names
    }
    assert imported <= names
    assert "Before=condor.service" in carried["/etc/systemd/system/roost-boot.service"]
