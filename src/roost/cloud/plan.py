"""pure: (PoolSpec, what EC2 describes, now) -> [Action].

The same spec twice is an empty list. A plan that was cut off anywhere is completed by the next one, or cleaned by
`plan_down`: what a call creates carries the pool's tag in that very call.
"""

import hashlib
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
    Action,
    Authorize,
    CreateGroup,
    DeleteGroup,
    DeleteKey,
    DeleteVolume,
    Found,
    ImportKey,
    Ingress,
    InstanceState,
    Launch,
    Revoke,
    Terminate,
)
from roost.spec import PoolSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Asker:
    """Who wants the pool: the address that may come in by ssh, and the name on the tags."""

    address: str  # IPv4
    owner: str


def plan_up(spec: PoolSpec, found: Found, *, asker: Asker, now: datetime, has_key: bool = True) -> list[Action]:
    """What is missing for the pool that `spec` wants, in the order in which it has to be made.

    `has_key`: this machine has the private half of a key pair that is there; one that nobody has is made anew.
    """
    name = resource_name(spec.name)
    tags = {
        POOL_TAG: spec.name,
        OWNER_TAG: asker.owner,
        EXPIRES_TAG: (now + timedelta(seconds=spec.lease)).isoformat(timespec="seconds"),
    }
    actions: list[Action] = []
    if name in found.keys and not has_key:
        actions.append(DeleteKey(name=name))
    if name not in found.keys or not has_key:
        actions.append(ImportKey(name=name, tags=tags))
    group = next((g for g in found.groups if g.name == name), None)
    if group is None:
        actions.append(CreateGroup(name=name, tags=tags, subnet_id=spec.subnet))
    present = group.ingress if group else frozenset()
    # An address of yesterday's may be somebody else's today.
    wanted_in = _ingress(spec, asker)
    actions += [Revoke(group_name=name, ingress=ingress) for ingress in sorted(present - set(wanted_in), key=str)]
    actions += [Authorize(group_name=name, ingress=ingress) for ingress in wanted_in if ingress not in present]
    # Nobody stops an instance of a pool by plan; it cannot work, and its volume is billed.
    halted = tuple(i.id for i in found.instances if i.is_billed and not i.is_usable)
    if halted:
        actions.append(Terminate(instance_ids=halted))
    wanted = (
        (Role.ACCESS_POINT, 1, (spec.access_point_type,)),
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
                )
            )
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


def _ingress(spec: PoolSpec, asker: Asker) -> tuple[Ingress, ...]:
    return (
        Ingress(port=SSH_PORT, cidr=f"{asker.address}/32"),
        Ingress(port=CONDOR_PORT, cidr=None),
        *_SHARED_PORTS[spec.shared.kind],
    )
