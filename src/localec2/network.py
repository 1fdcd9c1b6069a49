"""shell (ip, nft, sysctl): the private network of a service.

One network namespace is the VPC's router; a link joins it to this machine, and one link each to the instances, which
have a namespace of their own. No bridge: every packet between two instances passes the router's rules. Everything is
idempotent, so that a service which starts again finds its place. Never decides what is allowed (see `firewall`).
"""

import ctypes
import json
import os
import threading
from collections.abc import Callable
from ipaddress import IPv4Network
from pathlib import Path
from typing import TypeVar

from localec2 import firewall
from localec2.config import Config, link
from localec2.failures import Localec2Error
from localec2.model import Instance
from localec2.process import attempt, run

NAMESPACES = Path("/run/netns")
_CLONE_NEWNET = 0x40000000
T = TypeVar("T")


class Network:
    def __init__(self, config: Config) -> None:
        self._config = config
        self._loaded = ""  # the rules that are in force
        self._lock = threading.Lock()
        self._mtu = 1500  # found out by `up`

    def up(self) -> None:
        """The router, its addresses, the route to the public network."""
        config = self._config
        router = config.router_namespace
        self._mtu = _mtu()
        if not _exists(router):
            run(["ip", "netns", "add", router])
        if attempt(["ip", "link", "show", config.host_link]).returncode != 0:
            ends = f"link add {config.host_link} mtu {self._mtu} type veth peer name uplink mtu {self._mtu}"
            _ip([f"{ends} netns {router}"])
        _ip([
            f"addr replace {config.host_public_ip}/32 dev {config.host_link}",
            f"link set {config.host_link} up",
        ])  # fmt: skip
        _ip(
            [
                "link set lo up",
                f"addr replace {config.api_vpc_ip}/32 dev lo",
                f"addr replace {config.dns_ip}/32 dev lo",
                f"addr replace {config.router_ip}/32 dev uplink",
                "link set uplink up",
                f"route replace {config.host_public_ip}/32 dev uplink src {config.router_ip}",
                f"route replace default via {config.host_public_ip} dev uplink onlink src {config.router_ip}",
                # A public address that nobody has: silence, as in EC2.
                f"route replace blackhole {config.public_network}",
                f"route replace blackhole {config.vpc_cidr}",
            ],
            namespace=router,
        )
        _ip([
            f"route replace {config.public_network} via {config.router_ip} dev {config.host_link} onlink"
            f" src {config.host_public_ip}",
        ])  # fmt: skip
        in_namespace(router, lambda: _write("/proc/sys/net/ipv4/ip_forward", "1"))
        _write("/proc/sys/net/ipv4/ip_forward", "1")  # without it instances reach this machine only
        run(["nft", "-f", "-"], stdin=firewall.host_table(config))

    def load(self, rules: str) -> None:
        """Put rules into force, if they are others than those that are."""
        with self._lock:
            if rules == self._loaded:
                return
            run(["ip", "netns", "exec", self._config.router_namespace, "nft", "-f", "-"], stdin=rules)
            self._loaded = rules

    def plug(self, instance: Instance) -> None:
        """The instance's namespace with its eth0."""
        router, own, device = self._config.router_namespace, self._config.namespace(instance.id), link(instance.id)
        subnet = IPv4Network(instance.subnet_cidr)
        gateway = str(subnet[1])
        if not _exists(own):
            run(["ip", "netns", "add", own])
        if attempt(["ip", "-n", router, "link", "show", device]).returncode != 0:
            _ip(
                [
                    f"link add {device} mtu {self._mtu} type veth"
                    f" peer name eth0 address {instance.mac} mtu {self._mtu} netns {own}"
                ],
                namespace=router,
            )
        _ip(
            [
                f"link set {device} up",
                f"addr replace {gateway}/32 dev lo",
                f"route replace {instance.private_ip}/32 dev {device} src {self._config.api_vpc_ip}",
            ],
            namespace=router,
        )
        in_namespace(router, lambda: _answer_for_neighbours(device))
        _ip(
            [
                "link set lo up",
                f"addr replace {instance.private_ip}/{subnet.prefixlen} dev eth0",
                "link set eth0 up",
                f"route replace default via {gateway} dev eth0",
            ],
            namespace=own,
        )

    def unplug(self, instance_id: str) -> None:
        own, device = self._config.namespace(instance_id), link(instance_id)
        attempt(["ip", "-n", self._config.router_namespace, "link", "del", device])
        if _exists(own):
            run(["ip", "netns", "del", own])

    def plugged(self) -> set[str]:
        """The ids of instances that have a namespace."""
        prefix = f"{self._config.prefix}-i-"
        names = NAMESPACES.glob(f"{prefix}*") if NAMESPACES.is_dir() else ()
        return {path.name.removeprefix(f"{self._config.prefix}-") for path in names}

    def down(self) -> None:
        """Nothing of this service is left on the machine."""
        for instance_id in self.plugged():
            self.unplug(instance_id)
        attempt(["ip", "link", "del", self._config.host_link])
        if _exists(self._config.router_namespace):
            run(["ip", "netns", "del", self._config.router_namespace])
        attempt(["nft", "delete", "table", "ip", self._config.host_table])


def in_namespace(name: str, action: Callable[[], T]) -> T:
    """Do something inside a network namespace: a socket that is opened there stays there.

    A namespace belongs to a thread, so the action runs in one of its own (Python 3.12 has os.setns).
    """
    results: list[T] = []
    failures: list[OSError] = []

    def inside() -> None:
        try:
            _enter(NAMESPACES / name)
            results.append(action())
        except OSError as error:
            failures.append(error)

    thread = threading.Thread(target=inside, name=f"in {name}")
    thread.start()
    thread.join()
    if failures:
        raise Localec2Error(f"could not work in the network namespace {name}: {failures[0]}") from failures[0]
    return results[0]


def _enter(namespace: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if libc.setns(descriptor, _CLONE_NEWNET) != 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), str(namespace))
    finally:
        os.close(descriptor)


def _answer_for_neighbours(device: str) -> None:
    # The subnet looks flat to an instance; the router answers ARP for all of it, at once.
    _write(f"/proc/sys/net/ipv4/conf/{device}/proxy_arp", "1")
    _write(f"/proc/sys/net/ipv4/neigh/{device}/proxy_delay", "0")
    _write(f"/proc/sys/net/ipv4/conf/{device}/rp_filter", "1")


def _ip(commands: list[str], *, namespace: str | None = None) -> None:
    inside = ["-n", namespace] if namespace else []
    run(["ip", *inside, "-batch", "-"], stdin="\n".join(commands) + "\n")


def _exists(namespace: str) -> bool:
    return (NAMESPACES / namespace).exists()


def _mtu() -> int:
    """That of the way out, so that no packet has to be cut on a machine in a tunnel."""
    routes = json.loads(attempt(["ip", "-j", "route", "show", "default"]).stdout or "[]")
    if not routes:
        return 1500
    try:
        return int(Path(f"/sys/class/net/{routes[0]['dev']}/mtu").read_text())
    except OSError:
        return 1500


def _write(path: str, value: str) -> None:
    file = Path(path)
    if file.read_text().strip() != value:
        file.write_text(value)
