"""pure: (PoolSpec, what EC2 describes, now) -> [Action].

The same spec twice is an empty list. A plan that was cut off anywhere is completed by the next one, or cleaned by
`plan_down`: what a call creates carries the pool's tag in that very call.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from roost.boot.roles import Role
from roost.cloud.model import (
    CONDOR_PORT,
    EXPIRES_TAG,
    LAUNCH_TAG,
    OWNER_TAG,
    POOL_TAG,
    ROLE_TAG,
    SSH_PORT,
    SUBMIT_HOST_TAG,
    Action,
    Authorize,
    CreateGroup,
    DeleteGroup,
    DeleteKey,
    DeleteVolume,
    Found,
    Group,
    ImportKey,
    Ingress,
    InstanceState,
    Launch,
    Revoke,
    Terminate,
)
from roost.spec import Network, PoolSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who wants the pool: the address that may come in by ssh, and the name on the tags."""

    address: str  # IPv4
    owner: str
    host: str = ""  # the full name of this machine, where it is the access point itself


def plan_up(spec: PoolSpec, found: Found, *, asker: Asker, now: datetime, has_key: bool = True) -> list[Action]:
    """What is missing for the pool that `spec` wants, in the order in which it has to be made.

    `has_key`: this machine has the private half of a key pair that is there; one that nobody has is made anew.
    """
    name = resource_name(spec.name)
    tags = pool_tags(spec, asker, now)
    actions: list[Action] = []
    if name in found.keys and not has_key:
        actions.append(DeleteKey(name=name))
    if name not in found.keys or not has_key:
        actions.append(ImportKey(name=name, tags=tags))
    group = _group(name, found)
    if group is None:
        actions.append(CreateGroup(name=name, tags=tags, subnet_id=spec.subnet))
    actions += plan_doors(spec, found, asker=asker)
    # Nobody stops an instance of a pool by plan; it cannot work, and its volume is billed.
    halted = tuple(i.id for i in found.instances if i.is_billed and not i.is_usable)
    if halted:
        actions.append(Terminate(instance_ids=halted))
    wanted = (
        (Role.ACCESS_POINT, 1 if spec.access_point == "cloud" else 0, (spec.access_point_type,)),
        (Role.EXECUTION_POINT, spec.workers.count, spec.workers.type),
    )
    for role, count, types in wanted:
        missing = count - len(found.with_role(role))
        if missing > 0:
            launch = launch_name(role, found)
            actions.append(
                Launch(
                    role=role,
                    count=missing,
                    types=types,
                    key_name=name,
                    group_name=name,
                    tags={**tags, ROLE_TAG: role.value, LAUNCH_TAG: launch, "Name": f"{name}-{role.value}"},
                    subnet_id=spec.subnet,
                    profile=spec.shared.profile if role is Role.ACCESS_POINT else None,
                )
            )
    return actions


def pool_tags(spec: PoolSpec, asker: Asker, now: datetime) -> dict[str, str]:
    """What everything of a pool carries from the call on that makes it."""
    return {
        POOL_TAG: spec.name,
        OWNER_TAG: asker.owner,
        EXPIRES_TAG: (now + timedelta(seconds=spec.lease)).isoformat(timespec="seconds"),
        **({SUBMIT_HOST_TAG: asker.host} if spec.access_point == "here" else {}),
    }


def plan_doors(spec: PoolSpec, found: Found, *, asker: Asker, has_picked_direct: bool = False) -> list[Action]:
    """What the pool's group lets in: who asks, the members, and in direct mode whoever sends jobs.

    `has_picked_direct`: an execution point of a pool with `network: {mode: auto}` has found that it needs direct mode.
    """
    name = resource_name(spec.name)
    group = _group(name, found)
    present = group.ingress if group else frozenset()
    ports = _direct_ports(spec.network, present, has_picked_direct=has_picked_direct)
    direct = _let_in(ports, found, asker)
    if spec.access_point == "cloud" and not found.with_role(Role.ACCESS_POINT):
        # Its address is not known before it is there; then this is planned again.
        direct = [ingress for ingress in present if spec.network.mode != "outbound" and _is_direct(ingress)]
    # An access point calls those of its zone as a member. Joining the pool of this machine, nobody does.
    within = [(CONDOR_PORT, None), *((first, last) for first, last in ports if last)]
    among_members = [
        Ingress(port=first, to_port=last, cidr=None) for first, last in within if spec.access_point == "cloud"
    ]
    ssh = Ingress(port=SSH_PORT, cidr=f"{asker.address}/32")
    wanted = [ssh, *among_members, *_SHARED_PORTS[spec.shared.kind], *direct]
    return _doors(name, present, list(dict.fromkeys(wanted)))


def needed_doors(spec: PoolSpec, found: Found) -> list[Ingress]:
    """Those of direct mode that the execution points which are up were launched for, and `spec` would close."""
    group = _group(resource_name(spec.name), found)
    if group is None or not found.with_role(Role.EXECUTION_POINT):
        return []
    wanted = _direct_ports(spec.network, group.ingress, has_picked_direct=False)
    return [i for i in sorted(group.ingress, key=str) if _is_direct(i) and (i.port, i.to_port) not in wanted]


def plan_refresh(found: Found, *, asker: Asker) -> list[Action]:
    """The same doors, open to the addresses of today. What a group lets in from its members stays as it is."""
    actions: list[Action] = []
    for group in found.groups:
        present = frozenset(i for i in group.ingress if i.cidr is not None)
        ssh = Ingress(port=SSH_PORT, cidr=f"{asker.address}/32")
        wanted = [ssh, *_let_in(_open_ports(present), found, asker)]
        actions += _doors(group.name, present, wanted)
    return actions


def plan_down(found: Found) -> list[Action]:
    """How to remove everything that is under the pool's tag: what costs most goes first."""
    doomed = tuple(i.id for i in found.instances if i.state is not InstanceState.TERMINATED)
    return [
        *([Terminate(instance_ids=doomed)] if doomed else []),
        *(DeleteVolume(volume_id=volume) for volume in found.volumes),
        *(DeleteGroup(group_id=group.id) for group in found.groups),
        *(DeleteKey(name=key) for key in found.keys),
    ]


def resource_name(pool: str) -> str:
    """The name of a pool's group and key pair: one each, so that making them twice is refused by EC2."""
    return f"roost-{pool}"


def launch_name(role: Role, found: Found) -> str:
    """Names the next launch of this role by the instances that have been before it.

    A call whose answer was lost, or an `up` that was killed before it saw the instances, is repeated under the same
    name, and EC2 gives the same instances again (see `client_token`).

    >>> launch_name(Role.EXECUTION_POINT, Found())
    'execution-point-e3b0c44298fc'
    """
    known = sorted(i.id for i in found.instances if i.role is role)
    return f"{role.value}-{hashlib.sha256(' '.join(known).encode()).hexdigest()[:12]}"


def client_token(launch: Launch, *, group_id: str, instance_type: str, subnet_id: str | None = None) -> str:
    """EC2's idempotency token: 32 ASCII characters. Another type or subnet is another call, which needs its own.

    The group's id makes it new for every pool, also for one of the same name that has long been gone.
    """
    words = (group_id, launch.tags[LAUNCH_TAG], instance_type, *([subnet_id] if subnet_id else []))
    return hashlib.sha256("/".join(words).encode()).hexdigest()[:32]


# What the members of a pool reach of each other for what they share.
_SHARED_PORTS = {
    "none": (),
    # GlusterFS Administrator Guide, "Setting up GlusterFS": the daemon, and a port for each brick
    "gluster": (Ingress(port=24007, to_port=24008, cidr=None), Ingress(port=49152, to_port=60999, cidr=None)),
    "nfs": (Ingress(port=2049, cidr=None),),
    "efs": (Ingress(port=2049, cidr=None),),
    "s3": (),
}


def _group(name: str, found: Found) -> Group | None:
    return next((g for g in found.groups if g.name == name), None)


def _doors(name: str, present: frozenset[Ingress], wanted: Sequence[Ingress]) -> list[Action]:
    # An address of yesterday's may be somebody else's today.
    return [
        *(Revoke(group_name=name, ingress=one) for one in sorted(present - set(wanted), key=str)),
        *(Authorize(group_name=name, ingress=one) for one in wanted if one not in present),
    ]


def _direct_ports(
    network: Network, present: frozenset[Ingress], *, has_picked_direct: bool
) -> list[tuple[int, int | None]]:
    """(first, last or None) of what execution points in direct mode listen on.

    Where `auto` has picked it before, the open port is what tells so.
    """
    match network.mode:
        case "outbound":
            return []
        case "auto" if not has_picked_direct:
            return _open_ports(present)
        case "auto" | "direct":
            return [network.port_range or (CONDOR_PORT, None)]


def _open_ports(present: frozenset[Ingress]) -> list[tuple[int, int | None]]:
    found = {(ingress.port, ingress.to_port) for ingress in present if _is_direct(ingress)}
    return sorted(found, key=lambda ports: (ports[0], ports[1] or 0))


def _is_direct(ingress: Ingress) -> bool:
    """Whether this is a rule of direct mode: HTCondor's port or a range, open to one address."""
    is_for_htcondor = ingress.port == CONDOR_PORT or ingress.to_port is not None
    return is_for_htcondor and ingress.cidr is not None and ingress.cidr.endswith("/32")


def _let_in(ports: Sequence[tuple[int, int | None]], found: Found, asker: Asker) -> list[Ingress]:
    """Those ports, open to whoever sends jobs, at the address that EC2 sees: the access point, or the machine that
    Roost runs on where no instance is one."""
    points = found.with_role(Role.ACCESS_POINT)
    senders = sorted({point.public_ip for point in points if point.public_ip}) if points else [asker.address]
    return [Ingress(port=first, to_port=last, cidr=f"{sender}/32") for first, last in ports for sender in senders]
