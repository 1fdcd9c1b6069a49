"""shell (EC2, the access point): what a pool's network mode needs is open, and works.

In: execution points that have joined, and what each said of how it is reached. `docs/network.md` explains the modes.
"""

from collections.abc import Mapping, Sequence

from roost.boot import commands
from roost.boot.commands import Joined
from roost.boot.network import ports_needed
from roost.boot.roles import Role
from roost.boot.settings import NetworkMode, Shape
from roost.cloud.model import Found, PoolInstance
from roost.cloud.plan import plan_doors
from roost.errors import CloudError, UsageError
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import entrance
from roost.verbs.which_pool import Site


def open_doors(spec: PoolSpec, site: Site, reporter: Reporter, *, has_picked_direct: bool = False) -> None:
    """Let in what the pool needs, now that its access point has an address."""
    found = site.ec2.describe(spec.name)
    for action in plan_doors(spec, found, asker=site.asker, has_picked_direct=has_picked_direct):
        reporter.step(f"{action}")
        site.ec2.perform(action)


def settle(
    spec: PoolSpec, site: Site, reporter: Reporter, *, points: Sequence[PoolInstance], joined: Mapping[str, Joined]
) -> None:
    """Open what direct mode needs, and look whether the access point gets there. `joined`: by instance id.

    Raises CloudError when it does not: such an execution point would wait for jobs in vain.
    """
    direct = [point for point in points if joined[point.id].network_mode == NetworkMode.DIRECT]
    if direct:
        open_doors(spec, site, reporter, has_picked_direct=True)
        _require_reached(spec, site, direct[0], port=joined[direct[0].id].port)


def ways(joined: Sequence[Joined]) -> list[str]:
    """Which way execution points are reached and why, as sentences.

    >>> ways([Joined(instance_id="i-1", name="", cpus=1, memory_mib=1, port=9618, network_mode="direct",
    ...              network_reason="pool.yml says so")])
    ['network: direct, because pool.yml says so']
    """
    said = {(one.network_mode, one.network_reason) for one in joined if one.network_mode}
    return [f"network: {mode}, because {reason}" for mode, reason in sorted(said)]


def require_ports(spec: PoolSpec, shapes: Mapping[str, Shape]) -> None:
    """Raises UsageError where a range of ports is too small for the jobs of one execution point."""
    if spec.network.port_range is None or spec.network.mode == "outbound":
        return
    first, last = spec.network.port_range
    needed = {name: ports_needed(shapes[name]) for name in spec.workers.type if name in shapes}
    largest = max(needed, key=lambda name: needed[name], default=None)
    if largest is not None and last - first + 1 < needed[largest]:
        raise UsageError(
            f"the ports {spec.network.ports} are {last - first + 1}, and a {largest} needs {needed[largest]}: one for "
            "each CPU's job, two for its daemons",
            f"network: {{ports: {first}-{first + needed[largest] - 1}}}, or no `ports` at all",
        )


def _require_reached(spec: PoolSpec, site: Site, point: PoolInstance, *, port: int) -> None:
    found = site.ec2.describe(spec.name)
    address = _address(point, found)
    with entrance.access_point(spec, site, found) as access_point:
        if access_point.run(commands.reaches(address, port)).exit_code != 0:
            raise CloudError(
                f"the access point cannot connect to {point.id} at {address}, port {port}, as direct mode needs",
                f"a firewall on the way out? `roost access show {spec.name}` lists what EC2 lets in; "
                "or network: {mode: outbound}",
            )


def _address(point: PoolInstance, found: Found) -> str:
    """The private one inside a zone, as HTCondor has it."""
    is_near = any(one.zone == point.zone for one in found.with_role(Role.ACCESS_POINT))
    return point.private_ip if is_near else point.public_ip
