"""pure: (what pool.yml wants, what an execution point finds) -> how it is reached, and HTCondor's lines for that.

Travels to the instance with the node programs: standard library only.

`outbound`: the execution point opens no port. It registers with the collector's broker (CCB) and calls back whoever
asks there for it. Its private network has a name of its own, so that nobody tries to come in directly.

`direct`: who wants the execution point connects to it: to its private address from inside its zone, to its public one
from elsewhere. HTCondor publishes both (TCP_FORWARDING_HOST, PRIVATE_NETWORK_INTERFACE), and whoever has exactly the
same PRIVATE_NETWORK_NAME takes the private one. All daemons share one port, unless a range is wanted, of which each
daemon then has a port.

The manual explains the names in "Networking, Port Usage, and CCB" and "Configuration macros: network".
"""

from dataclasses import dataclass
from typing import assert_never

from roost.boot.settings import NetworkMode, Shape

PORT = 9618  # shared by every daemon of a machine


class NoWayError(Exception):
    """In no mode can a job get from the schedd to this execution point."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reach:
    """What an execution point has found out from where it is."""

    public_ip: str  # empty: it has none
    central_manager_answers: bool
    schedd_answers: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Way:
    """How an execution point is reached."""

    mode: NetworkMode  # never AUTO
    reason: str


def way(wanted: NetworkMode, reach: Reach) -> Way:
    """What is wanted, or the mode in which this works. Raises NoWayError."""
    if not reach.central_manager_answers:
        raise NoWayError(
            "the central manager does not answer from here, and both modes need it: "
            "open its port there, or let the access point be in the cloud (access_point: cloud)"
        )
    match wanted:
        case NetworkMode.OUTBOUND:
            return Way(mode=NetworkMode.OUTBOUND, reason="pool.yml says so")
        case NetworkMode.DIRECT if reach.public_ip:
            return Way(mode=NetworkMode.DIRECT, reason="pool.yml says so")
        case NetworkMode.DIRECT:
            raise NoWayError("direct mode needs a public address, and this instance has none: network: {mode: auto}")
        case NetworkMode.AUTO if reach.schedd_answers:
            return Way(mode=NetworkMode.OUTBOUND, reason="the schedd answers from here, so no port has to be opened")
        case NetworkMode.AUTO if reach.public_ip:
            return Way(
                mode=NetworkMode.DIRECT,
                reason="the schedd does not answer from here, but this instance has a public address",
            )
        case NetworkMode.AUTO:
            raise NoWayError(
                "the schedd does not answer from here, and this instance has no public address; between two private "
                "networks there is no way: let the access point be in the cloud (access_point: cloud)"
            )
        case _:
            assert_never(wanted)


def private_network(zone: str) -> str:
    """The name under which machines of one zone know each other's private addresses."""
    return f"amazon-ec2-{zone}"


def execution_point_lines(
    taken: Way, *, instance_id: str, zone: str, private_ip: str, public_ip: str, ports: tuple[int, int] | None
) -> list[str]:
    """HTCondor's configuration for it. `ports`: first and last of a range, for direct mode."""
    lines = [f"# network: {taken.mode}, because {taken.reason}"]
    match taken.mode:
        case NetworkMode.OUTBOUND:
            lines += [
                "# opens no port, is called back through the broker",
                "CCB_ADDRESS = $(COLLECTOR_HOST)",
                "CCB_RECONNECT_TIME = 9",  # s; a central manager that reboots finds its jobs again so soon, not in 60
                f"PRIVATE_NETWORK_NAME = {instance_id}.$(TRUST_DOMAIN)",
            ]
        case NetworkMode.DIRECT:
            lines += [
                f"TCP_FORWARDING_HOST = {public_ip}",
                f"PRIVATE_NETWORK_NAME = {private_network(zone)}",
                f"PRIVATE_NETWORK_INTERFACE = {private_ip}",
            ]
            if ports:
                low, high = ports
                lines += [
                    "# each daemon has a port of the range (for what listens: what connects may use any)",
                    "USE_SHARED_PORT = False",
                    f"IN_LOWPORT = {low}",
                    f"IN_HIGHPORT = {high}",
                ]
        case NetworkMode.AUTO:
            raise ValueError("auto is no way to be reached")
        case _:
            assert_never(taken.mode)
    return lines


def ports_needed(shape: Shape) -> int:
    """How many ports of a range an execution point listens on: its two daemons, and one for each job.

    >>> ports_needed(Shape(cpus=2, memory_mib=4096))
    4
    """
    return 2 + shape.cpus
