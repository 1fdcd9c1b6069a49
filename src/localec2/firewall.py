"""pure: instances and security groups -> the nftables text of a service.

In: the instances that are plugged in, the groups they name, the settings. Out: one table, to be loaded whole (nft does
so atomically). The table lives in the service's own network namespace, so nothing here meets the host's rules.

What it enforces, as EC2 does: one public address per instance by 1:1 NAT; stateful security groups, admission by any
rule of any group; no forged sources; metadata, DNS and the API are reached whatever the groups say.
"""

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network

from localec2.config import DNS_LINK_LOCAL_IP, METADATA_IP, METADATA_PORT, Config, link
from localec2.model import Instance, Rule, SecurityGroup

LINKS = '"lv*"'  # every instance's end in the router (config.link)
UPLINK = '"uplink"'
_ANYWHERE = "0.0.0.0/0"


def router_table(instances: Sequence[Instance], groups: Iterable[SecurityGroup], config: Config) -> str:
    """The table of the service's namespace; loading it replaces the one before."""
    by_id = {group.id: group for group in groups}
    combinations = sorted({_combination(instance) for instance in instances})
    numbers = {combination: number for number, combination in enumerate(combinations)}
    parts = [
        f"table ip {config.table}",
        f"delete table ip {config.table}",
        f"table ip {config.table} {{",
        *_sets(instances, by_id),
        *(line for combination, number in numbers.items() for line in _group_chains(combination, number, groups=by_id)),
        _address_translation(config),
        _admission(instances, numbers, config),
        "}",
    ]
    return "\n".join(parts) + "\n"


def host_table(config: Config) -> str:
    """The one table on the host: instances leave it with the host's own address."""
    return (
        f"table ip {config.host_table}\n"
        f"delete table ip {config.host_table}\n"
        f"table ip {config.host_table} {{\n"
        " chain leaving { type nat hook postrouting priority srcnat; policy accept;\n"
        f'  ip saddr {config.public_network} oifname != "{config.host_link}" masquerade\n'
        " }\n"
        "}\n"
    )


def rule_matches(rule: Rule, *, ingress: bool) -> list[str]:
    """One permission as nft statements, one per source (ingress) or destination (egress).

    >>> rule_matches(Rule(protocol="tcp", from_port=22, to_port=22, cidrs=("198.18.15.254/32",)), ingress=True)
    ['tcp dport 22 ip saddr 198.18.15.254/32 accept']
    """
    peer = "ip saddr" if ingress else "ip daddr"
    what = _what(rule)
    cidrs = [str(IPv4Network(cidr, strict=False)) for cidr in rule.cidrs]
    sources = ["" if cidr == _ANYWHERE else f"{peer} {cidr} " for cidr in cidrs]
    sources += [f"{peer} @{_set_name(group_id)} " for group_id in rule.group_ids]
    return [f"{what}{source}accept" for source in sources]


def _what(rule: Rule) -> str:
    match rule.protocol:
        case "-1":
            return ""
        case "tcp" | "udp":
            return _ports(rule)
        case "icmp":
            any_type = rule.from_port is None or rule.from_port < 0
            return "meta l4proto icmp " if any_type else f"icmp type {rule.from_port} "
        case _:
            return f"meta l4proto {rule.protocol} "


def _ports(rule: Rule) -> str:
    first, last = rule.from_port, rule.to_port
    if first is None or last is None or first < 0 or (first, last) == (0, 65535):
        return f"meta l4proto {rule.protocol} "
    return f"{rule.protocol} dport {first} " if first == last else f"{rule.protocol} dport {first}-{last} "


def _combination(instance: Instance) -> tuple[str, ...]:
    return tuple(sorted(instance.group_ids))


def _set_name(group_id: str) -> str:
    return group_id.replace("-", "_")


def _sets(instances: Sequence[Instance], groups: Mapping[str, SecurityGroup]) -> list[str]:
    referred = {
        peer for group in groups.values() for rule in (*group.ingress, *group.egress) for peer in rule.group_ids
    }
    members = {group_id: [i.private_ip for i in instances if group_id in i.group_ids] for group_id in sorted(referred)}
    public = [(instance.public_ip, instance.private_ip) for instance in instances if instance.public_ip]
    return [
        *(f" set {_set_name(group_id)} {{ type ipv4_addr;{_elements(ips)} }}" for group_id, ips in members.items()),
        f" set ports {{ type ifname . ipv4_addr;{_elements(_port(instance) for instance in instances)} }}",
        f" map to_private {{ type ipv4_addr : ipv4_addr;{_elements(f'{a} : {b}' for a, b in public)} }}",
        f" map to_public {{ type ipv4_addr : ipv4_addr;{_elements(f'{b} : {a}' for a, b in public)} }}",
    ]


def _port(instance: Instance) -> str:
    return f'"{link(instance.id)}" . {instance.private_ip}'


def _elements(elements: Iterable[str]) -> str:
    text = ", ".join(elements)
    return f" elements = {{ {text} }};" if text else ""


def _group_chains(combination: tuple[str, ...], number: int, *, groups: Mapping[str, SecurityGroup]) -> list[str]:
    """One pair of chains per combination of groups, not per instance: a pool of hundreds has two or three."""
    present = [groups[group_id] for group_id in combination if group_id in groups]
    ingress = [match for group in present for rule in group.ingress for match in rule_matches(rule, ingress=True)]
    egress = [match for group in present for rule in group.egress for match in rule_matches(rule, ingress=False)]
    return [
        f" chain in_{number} {{",
        *(f"  {match}" for match in dict.fromkeys(ingress)),
        "  counter drop",
        " }",
        f" chain out_{number} {{",
        *(f"  {match}" for match in dict.fromkeys(egress)),
        "  counter drop",
        " }",
    ]


def _address_translation(config: Config) -> str:
    vpc = config.vpc_cidr
    # An instance that calls another one's public address arrives with its own public address, as in EC2: a rule that
    # admits the group does not match it.
    return f""" chain arriving {{ type nat hook prerouting priority dstnat - 5; policy accept;
  iifname {LINKS} ip daddr {METADATA_IP} tcp dport 80 dnat to {config.api_vpc_ip}:{METADATA_PORT}
  iifname {LINKS} ip daddr {DNS_LINK_LOCAL_IP} udp dport 53 dnat to {config.dns_ip}
  iifname {LINKS} ip daddr {DNS_LINK_LOCAL_IP} tcp dport 53 dnat to {config.dns_ip}
  dnat to ip daddr map @to_private
 }}
 chain leaving {{ type nat hook postrouting priority srcnat - 5; policy accept;
  ip saddr {vpc} ip daddr {vpc} ct status dnat snat to ip saddr map @to_public
  ip saddr {vpc} ip daddr {vpc} accept
  ip saddr {vpc} snat to ip saddr map @to_public
  ip saddr {vpc} oifname {UPLINK} masquerade
 }}"""


def _admission(instances: Sequence[Instance], numbers: Mapping[tuple[str, ...], int], config: Config) -> str:
    always = f"{{ {METADATA_IP}, {DNS_LINK_LOCAL_IP}, {config.api_vpc_ip}, {config.dns_ip} }}"
    # Egress is judged before, ingress after address translation: both see the addresses that EC2's rules speak of.
    return f""" chain egress {{ type filter hook prerouting priority mangle; policy accept;
  iifname != {LINKS} accept
  iifname . ip saddr != @ports counter drop
  ct state established,related accept
  ip daddr {always} accept
{_dispatch("saddr", "out", instances, numbers)}
 }}
 chain ingress {{ type filter hook postrouting priority srcnat + 50; policy accept;
  oifname != {LINKS} accept
  ct state established,related accept
  ip saddr {{ {config.api_vpc_ip}, {config.dns_ip} }} accept
{_dispatch("daddr", "in", instances, numbers)}
 }}
 chain local {{ type filter hook input priority filter; policy drop;
  iifname "lo" accept
  ct state established,related accept
  iifname {LINKS} ip daddr {config.api_vpc_ip} tcp dport {{ {METADATA_PORT}, {config.port} }} accept
  iifname {LINKS} ip daddr {config.dns_ip} udp dport 53 accept
  iifname {LINKS} ip daddr {config.dns_ip} tcp dport 53 accept
 }}"""


def _dispatch(
    address: str, direction: str, instances: Sequence[Instance], numbers: Mapping[tuple[str, ...], int]
) -> str:
    if not instances:
        return "  counter drop"
    entries = ", ".join(f"{i.private_ip} : jump {direction}_{numbers[_combination(i)]}" for i in instances)
    return f"  ip {address} vmap {{ {entries} }}\n  counter drop"
