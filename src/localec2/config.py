"""pure: one service's settings, and every name and address that follows from them.

Several services live side by side on a host: each has a slot, and the slot says its public network, its namespace and
the prefix of all it creates. The private network is the same everywhere, since each service has its own namespace.
"""

from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

SLOTS = 32
DEFAULT_PORT = 5950  # slot n: 5950 + n
DEFAULT_REGION = "us-east-1"
# RFC 2544: set aside for test beds, never routed on the Internet. 32 slots of 4096 addresses.
TEST_NETWORK = IPv4Network("198.18.0.0/15")
METADATA_IP = "169.254.169.254"
DNS_LINK_LOCAL_IP = "169.254.169.253"
METADATA_PORT = 8169  # where 169.254.169.254:80 is redirected to, in the service's namespace
ENDPOINT_DOMAIN = "localec2.internal"


@dataclass(frozen=True, kw_only=True, slots=True)
class Config:
    state_dir: Path
    port: int
    slot: int = 0
    region: str = DEFAULT_REGION
    account_id: str = "000000000000"
    vpc_cidr: str = "172.31.0.0/16"  # the default VPC

    @property
    def public_network(self) -> IPv4Network:
        """Where public addresses come from.

        >>> Config(state_dir=Path("/s"), port=5951, slot=1).public_network
        IPv4Network('198.18.16.0/20')
        """
        return list(TEST_NETWORK.subnets(new_prefix=20))[self.slot]

    @property
    def host_public_ip(self) -> str:
        """This machine as the instances see it: "your own public address" in a security group rule.

        >>> Config(state_dir=Path("/s"), port=5951, slot=1).host_public_ip
        '198.18.31.254'
        """
        return str(self.public_network[-2])

    @property
    def router_ip(self) -> str:
        """The router's end of the link to this machine; also the source of instances without a public address."""
        return str(self.public_network[-3])

    @property
    def api_vpc_ip(self) -> str:
        """Where instances reach the API (on `port`): the VPC's router."""
        return str(IPv4Network(self.vpc_cidr)[1])

    @property
    def dns_ip(self) -> str:
        """The VPC's resolver, at its base plus two as in EC2."""
        return str(IPv4Network(self.vpc_cidr)[2])

    @property
    def endpoint_url(self) -> str:
        """The API from this machine."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def endpoint_name(self) -> str:
        """The API's name inside the VPC: clients that sign by host name (HTCondor's ec2_gahp) find the region in it."""
        return f"ec2.{self.region}.{ENDPOINT_DOMAIN}"

    @property
    def prefix(self) -> str:
        """Starts the name of every container, namespace, link and table of this service."""
        return f"lec{self.slot}"

    @property
    def router_namespace(self) -> str:
        return f"{self.prefix}-router"

    @property
    def host_link(self) -> str:
        return f"{self.prefix}-host"

    @property
    def host_table(self) -> str:
        return f"{self.prefix}-host"

    @property
    def table(self) -> str:
        return self.prefix

    @property
    def database(self) -> Path:
        return self.state_dir / "world.sqlite"

    @property
    def log(self) -> Path:
        return self.state_dir / "service.log"

    @property
    def console_dir(self) -> Path:
        """Consoles of instances that are gone."""
        return self.state_dir / "console"

    @property
    def snapshot_dir(self) -> Path:
        """The blocks of snapshots that clients wrote."""
        return self.state_dir / "snapshots"

    @property
    def guest_dir(self) -> Path:
        """Files that every instance sees, read-only."""
        return self.state_dir / "guest"

    def container(self, instance_id: str) -> str:
        return f"{self.prefix}-{instance_id}"

    def namespace(self, instance_id: str) -> str:
        return f"{self.prefix}-{instance_id}"


def link(instance_id: str) -> str:
    """The router's end of an instance's link (at most 15 characters).

    >>> link("i-0123456789abcdef0")
    'lv56789abcdef0'
    """
    return f"lv{instance_id[-12:]}"
