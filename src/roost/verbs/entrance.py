"""shell (the access point): the way to where a pool's jobs are submitted: an instance, or this machine itself."""

from collections.abc import Iterator
from contextlib import contextmanager

from roost.boot.roles import Role
from roost.boot.settings import Joining
from roost.cloud.model import Found, PoolInstance
from roost.errors import NotFoundError, RoostError, UsageError
from roost.pool import here, joining
from roost.pool.access_point import AccessPoint, SshAccessPoint, SshTarget
from roost.pool.here import HereAccessPoint, Host
from roost.spec import PoolSpec
from roost.verbs.keys import PoolKey, pool_key
from roost.verbs.which_pool import Site


def ssh_to(site: Site, instance: PoolInstance, key: PoolKey) -> SshAccessPoint:
    return SshAccessPoint(
        SshTarget(
            host=instance.public_ip or instance.private_ip,
            key=key.private,
            known_hosts=key.known_hosts,
            host_key_alias=instance.id,
            proxy_command=site.endpoint.proxy_command,
        )
    )


@contextmanager
def access_point(spec: PoolSpec, site: Site, found: Found) -> Iterator[AccessPoint]:
    """Raises NotFoundError where there is none, or where it is another machine than this."""
    if spec.access_point == "here":
        require_this_host(spec, found)
        yield HereAccessPoint(here.submitter(spec.owners))
        return
    points = found.with_role(Role.ACCESS_POINT)
    if not points:
        raise NotFoundError(f"the pool {spec.name} has no access point", f"roost up, or roost down {spec.name}")
    with ssh_to(site, points[0], pool_key(spec.cloud, spec.name)) as reached:
        yield reached


def require_this_host(spec: PoolSpec, found: Found) -> None:
    """The HTCondor of this machine is the one that the instances joined."""
    name = here.host_name()
    if found.submit_host not in ("", name):
        raise NotFoundError(
            f"the execution points of {spec.name} are in the HTCondor pool of {found.submit_host}; this is {name}",
            f"the same command on {found.submit_host}",
        )


def joinable_host(spec: PoolSpec, site: Site) -> Host:
    """This machine's pool, where instances can reach it and are let in. Raises what has to be done before."""
    host = here.host()
    values = here.configured(["ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER"])
    if not joining.is_joined(values, host.trust_domain):
        raise NotFoundError(
            f"this machine's HTCondor pool ({host.trust_domain}) does not let execution points on EC2 in yet",
            "sudo roost join",
        )
    _require_reachable(spec, site, host)
    here.as_root(["true"])  # raises where a token could not be made: before anything is launched
    return host


def joining_here(spec: PoolSpec, host: Host) -> Joining:
    """With a token that was made this moment."""
    token = here.mint_joining_token(spec.name, lease_s=spec.lease, trust_domain=host.trust_domain)
    return Joining(
        central_manager=spec.submit_host or host.collector.host,
        token=token,
        trust_domain=host.trust_domain,
        port=host.collector.port,
        schedd=host.schedd.host,
        schedd_port=host.schedd.port,
        host_name=host.name if is_address(spec.submit_host or host.collector.host) else "",
    )


def is_address(text: str) -> bool:
    """
    >>> is_address("192.0.2.7"), is_address("submit.example.org")
    (True, False)
    """
    return text.replace(".", "").isdigit()


def owners(spec: PoolSpec) -> tuple[str, ...]:
    """Whose jobs execution points take; (): anybody's. Raises UsageError where root would be the only one."""
    if joining.ANYBODY in spec.owners:
        return ()
    if spec.owners or spec.access_point == "cloud":
        return spec.owners
    caller = here.caller()
    if caller == "root":
        raise UsageError(
            "HTCondor runs no jobs of root, and nobody else is named whose jobs the execution points shall take",
            "say whose in pool.yml: `owners: [alice]`, or `owners: any`",
        )
    return (caller,)


def _require_reachable(spec: PoolSpec, site: Site, host: Host) -> None:
    """What the collector and schedd say of themselves is what instances are told to call."""
    for daemon, address in (("collector", host.collector), ("schedd", host.schedd)):
        if address.is_loopback:
            raise RoostError(
                f"this machine's {daemon} listens on {address.host}, where no instance can reach it",
                "name an address of this machine as NETWORK_INTERFACE and in CONDOR_HOST, and restart HTCondor",
            )
        is_far = spec.cloud == "aws" and address.is_private
        if is_far and spec.submit_host is None:
            raise RoostError(
                f"this machine's {daemon} is known as {address.host}, a private address; EC2 sees this machine as "
                f"{site.endpoint.own_address}",
                f"behind a NAT that forwards port {address.port} here: sudo roost join --submit-host "
                f"{site.endpoint.own_address}; where a VPN leads here: `submit_host: {address.host}` in pool.yml",
            )
