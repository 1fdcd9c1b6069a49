"""The decisions of the programs that run on an instance."""

from dataclasses import replace

import pytest

from roost.boot.node.approve_tokens import Rule, TokenRequest, is_granted, token_requests
from roost.boot.node.contextualise import hosts_text
from roost.boot.node.own_token import last_complaint
from roost.boot.node.timeline import started_at_s

GOOD = TokenRequest(
    id="2350954",
    requester="join@galaxy.roost",
    identity="ep-i-0123456789abcdef0@galaxy.roost",
    authorisations=frozenset({"ADVERTISE_STARTD", "ADVERTISE_MASTER"}),
    lifetime_s=3600,
)


@pytest.mark.parametrize(
    ("request_", "approved", "granted"),
    [
        (GOOD, set(), True),
        (replace(GOOD, lifetime_s=60), set(), True),
        (GOOD, {GOOD.identity}, False),
        (GOOD, {"ep-i-1@galaxy.roost"}, True),
        (replace(GOOD, requester="join@other.roost"), set(), False),
        (replace(GOOD, requester="unauthenticated@unmapped"), set(), False),
        (replace(GOOD, requester="debian@galaxy.roost"), set(), False),
        (replace(GOOD, requester=GOOD.identity), set(), False),
        (replace(GOOD, identity="condor@galaxy.roost"), set(), False),
        (replace(GOOD, identity="ep-i-0123456789abcdef0@other.roost"), set(), False),
        (replace(GOOD, identity="ep-@galaxy.roost"), set(), False),
        (replace(GOOD, identity="ep-i-@galaxy.roost"), set(), False),
        (replace(GOOD, identity="ep-i-0 x@galaxy.roost"), set(), False),
        (replace(GOOD, identity="ep-i-0@galaxy.roost@galaxy.roost"), set(), False),
        (replace(GOOD, identity="i-0123456789abcdef0@galaxy.roost"), set(), False),
        (replace(GOOD, authorisations=frozenset({"ADVERTISE_STARTD"})), set(), False),
        (replace(GOOD, authorisations=GOOD.authorisations | {"ADMINISTRATOR"}), set(), False),
        (replace(GOOD, authorisations=frozenset({""})), set(), False),
        (replace(GOOD, lifetime_s=3601), set(), False),
        (replace(GOOD, lifetime_s=-1), set(), False),
    ],
)
def test_who_gets_a_token_of_its_own(request_: TokenRequest, approved: set[str], granted: bool) -> None:
    assert is_granted(request_, Rule(domain="galaxy.roost", lease_s=3600), approved=approved) is granted


def test_token_requests_as_htcondor_prints_them() -> None:
    printed = """[
{
  "AuthenticatedIdentity": "join@galaxy.roost",
  "ClientId": "ip-172-31-77-21-408",
  "LimitAuthorization": "ADVERTISE_STARTD,ADVERTISE_MASTER",
  "PeerLocation": "172.31.77.21",
  "RequestedIdentity": "ep-i-0123456789abcdef0@galaxy.roost",
  "RequestId": "2350954",
  "TokenLifetime": 3600
}
]
"""
    assert token_requests(printed) == [GOOD]


def test_an_unlimited_request_is_not_taken_for_a_limited_one() -> None:
    [request] = token_requests('[{"RequestId": "1", "RequestedIdentity": "condor@galaxy.roost"}]')
    assert not is_granted(request, Rule(domain="galaxy.roost", lease_s=3600), approved=set())


@pytest.mark.parametrize("printed", ["", "Remote daemon reports no requests pending.\n", "[\n]\n"])
def test_no_requests(printed: str) -> None:
    assert token_requests(printed) == []


NAMES = ["ip-10-0-0-1.ec2.internal", "ip-10-0-0-1"]
OURS = "10.0.0.1 ip-10-0-0-1.ec2.internal ip-10-0-0-1 # roost\n"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("", OURS + "127.0.0.1 localhost\n"),
        ("127.0.0.1 localhost\n", OURS + "127.0.0.1 localhost\n"),
        ("127.0.0.1 localhost\n127.0.1.1 ip-10-0-0-1\n", OURS + "127.0.0.1 localhost\n"),
        ("127.0.0.1 localhost\n127.0.1.1 other\n", OURS + "127.0.0.1 localhost\n127.0.1.1 other\n"),
        ("10.9.9.9 before-stop # roost\n127.0.0.1 localhost\n", OURS + "127.0.0.1 localhost\n"),
    ],
)
def test_hosts_file(old: str, new: str) -> None:
    assert hosts_text(old, "10.0.0.1", NAMES) == new
    assert hosts_text(new, "10.0.0.1", NAMES) == new


@pytest.mark.parametrize(
    ("log", "complaint"),
    [
        ("", "the collector does not list this instance"),
        ("11/20/26 20:10:17 slot1: Changing state\n", "the collector does not list this instance"),
        (
            "11/20/26 20:10:17 Failed to start\n11/20/26 20:10:18 ERROR: AUTHENTICATE:1003: no method\n11/20 x x\n",
            "ERROR: AUTHENTICATE:1003: no method",
        ),
    ],
)
def test_the_startds_last_complaint(log: str, complaint: str) -> None:
    assert last_complaint(log) == complaint


def test_start_of_a_process_whose_name_has_brackets() -> None:
    fields = " ".join(str(n) for n in range(4, 22))
    assert started_at_s(f"1 (a) b) S {fields} 12345 0 0", ticks_per_s=100) == pytest.approx(123.45)
