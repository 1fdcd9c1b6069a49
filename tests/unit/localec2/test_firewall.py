"""The rules of a service as text."""

from pathlib import Path

import pytest
from localec2_records import group, instance

from localec2.config import Config
from localec2.firewall import host_table, router_table, rule_matches
from localec2.model import Rule

CONFIG = Config(state_dir=Path("/state"), port=5950)


def tcp(first: int | None, last: int | None, *cidrs: str, groups: tuple[str, ...] = ()) -> Rule:
    return Rule(protocol="tcp", from_port=first, to_port=last, cidrs=cidrs, group_ids=groups)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (tcp(22, 22, "0.0.0.0/0"), ["tcp dport 22 accept"]),
        (tcp(22, 22, "198.18.15.254/32"), ["tcp dport 22 ip saddr 198.18.15.254/32 accept"]),
        (tcp(1000, 2000, "10.1.2.3/8"), ["tcp dport 1000-2000 ip saddr 10.0.0.0/8 accept"]),
        (tcp(0, 65535, "0.0.0.0/0"), ["meta l4proto tcp accept"]),
        (
            tcp(9618, 9618, groups=("sg-1", "sg-2")),
            ["tcp dport 9618 ip saddr @sg_1 accept", "tcp dport 9618 ip saddr @sg_2 accept"],
        ),
        (Rule(protocol="-1", from_port=None, to_port=None, cidrs=("0.0.0.0/0",)), ["accept"]),
        (Rule(protocol="icmp", from_port=-1, to_port=-1, cidrs=("0.0.0.0/0",)), ["meta l4proto icmp accept"]),
        (Rule(protocol="icmp", from_port=8, to_port=-1, cidrs=("0.0.0.0/0",)), ["icmp type 8 accept"]),
        (Rule(protocol="50", from_port=None, to_port=None, cidrs=("0.0.0.0/0",)), ["meta l4proto 50 accept"]),
        (tcp(22, 22), []),
    ],
)
def test_a_permission_admits_each_of_its_sources(rule: Rule, expected: list[str]) -> None:
    assert rule_matches(rule, ingress=True) == expected


def test_egress_looks_at_the_destination() -> None:
    assert rule_matches(tcp(443, 443, "10.0.0.0/8"), ingress=False) == ["tcp dport 443 ip daddr 10.0.0.0/8 accept"]


def test_the_whole_table() -> None:
    ssh, pool = tcp(22, 22, "198.18.15.254/32"), tcp(9618, 9618, groups=("sg-1",))
    instances = [
        instance(),
        instance(id="i-0123456789abcdef1", private_ip="172.31.0.11", public_ip=None),
    ]
    golden = Path(__file__).with_name("golden") / "router_table.nft"
    assert router_table(instances, [group("sg-1", ssh, pool)], CONFIG) == golden.read_text()


def test_instances_with_the_same_groups_share_their_chains() -> None:
    instances = [
        instance(
            id=f"i-{n:017x}", private_ip=f"172.31.0.{n}", group_ids=("sg-2", "sg-1") if n % 2 else ("sg-1", "sg-2")
        )
        for n in range(4, 44)
    ]
    table = router_table(instances, [group("sg-1"), group("sg-2")], CONFIG)
    assert table.count("chain in_") == 1
    assert table.count(": jump in_0") == 40


def test_a_group_that_is_not_there_admits_nobody() -> None:
    table = router_table([instance(group_ids=("sg-gone",))], [], CONFIG)
    assert " chain in_0 {\n  counter drop\n }" in table


def test_without_instances_nothing_passes() -> None:
    table = router_table([], [], CONFIG)
    assert "vmap" not in table
    assert "elements" not in table


def test_the_host_has_one_table_named_after_the_slot() -> None:
    table = host_table(Config(state_dir=Path("/state"), port=5953, slot=3))
    assert 'ip saddr 198.18.48.0/20 oifname != "lec3-host" masquerade' in table
    assert table.startswith("table ip lec3-host\n")
