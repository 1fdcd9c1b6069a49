"""pure: what EC2 describes of a pool, and what can be done about it, as values.

Everything about a pool is found again by its tags; there is no other state.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from roost.boot.roles import Role

POOL_TAG = "roost:pool"
ROLE_TAG = "roost:role"
OWNER_TAG = "roost:owner"
EXPIRES_TAG = "roost:expires-at"
LAUNCH_TAG = "roost:launch"  # which launch of this pool made it: the base of the ClientToken
SUBMIT_HOST_TAG = "roost:submit-host"  # where people submit, when that is no instance of the pool
RECIPE_TAG = "roost:recipe"  # on images: the hash of what they were made from

CONDOR_PORT = 9618  # HTCondor's shared port
SSH_PORT = 22


class InstanceState(StrEnum):
    PENDING = "pending"
    RUNNING = "running"
    SHUTTING_DOWN = "shutting-down"
    TERMINATED = "terminated"
    STOPPING = "stopping"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolInstance:
    """One instance as DescribeInstances tells it. Times are aware."""

    id: str
    role: Role
    state: InstanceState
    instance_type: str
    zone: str
    private_ip: str
    public_ip: str
    image_id: str
    launched_at: datetime
    launch: str
    expires_at: str = ""  # ISO 8601, as the tag has it
    state_reason: str = ""
    submit_host: str = ""  # the full name of a machine outside; "": the pool has an access point of its own

    @property
    def is_billed(self) -> bool:
        """Whether EC2 still counts it (its volume is billed even when it is stopped)."""
        return self.state not in (InstanceState.SHUTTING_DOWN, InstanceState.TERMINATED)

    @property
    def is_usable(self) -> bool:
        return self.state in (InstanceState.PENDING, InstanceState.RUNNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ingress:
    """One thing a group lets in: TCP ports from an address range, or from the members of the group itself."""

    port: int
    cidr: str | None  # None: from members
    to_port: int | None = None  # the last of a range; None: just the one port

    def __str__(self) -> str:
        ports = f"port {self.port}" if self.to_port is None else f"ports {self.port} to {self.to_port}"
        return f"{ports} in from {self.cidr or 'the members'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    id: str
    name: str
    ingress: frozenset[Ingress]


@dataclass(frozen=True, kw_only=True, slots=True)
class FileSystem:
    """One of EFS."""

    id: str
    state: str
    size_bytes: int  # an empty one has some 6 KiB
    targets: tuple[str, ...] = ()  # ids of its mount targets
    address: str = ""  # of one of them, which instances mount
    is_mountable: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """All that EC2 describes under a pool's tag."""

    instances: tuple[PoolInstance, ...] = ()
    groups: tuple[Group, ...] = ()
    keys: tuple[str, ...] = ()  # names of key pairs
    volumes: tuple[str, ...] = ()  # those that no instance will take along
    file_systems: tuple[FileSystem, ...] = ()

    @property
    def usable(self) -> tuple[PoolInstance, ...]:
        return tuple(i for i in self.instances if i.is_usable)

    @property
    def billable(self) -> tuple[str, ...]:
        """Ids of what still costs money."""
        kept = tuple(one.id for one in self.file_systems)
        return tuple(i.id for i in self.instances if i.is_billed) + self.volumes + kept

    def with_role(self, role: Role) -> tuple[PoolInstance, ...]:
        return tuple(i for i in self.usable if i.role is role)

    @property
    def submit_host(self) -> str:
        """The machine outside whose HTCondor these execution points joined; "": none."""
        among = self.usable or self.instances  # an earlier pool of this name may have been another kind
        return next((i.submit_host for i in among if i.submit_host), "")

    @property
    def is_empty(self) -> bool:
        """Nothing is left but instances that EC2 shows as terminated for an hour."""
        gone = all(i.state is InstanceState.TERMINATED for i in self.instances)
        return gone and not (self.groups or self.keys or self.volumes or self.file_systems)


@dataclass(frozen=True, kw_only=True, slots=True)
class Subnet:
    """Where instances get their addresses. A zone's default subnet is one of the region's default VPC."""

    id: str
    vpc_id: str
    zone: str
    gives_public_addresses: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportKey:
    name: str
    tags: dict[str, str] = field(hash=False)

    def __str__(self) -> str:
        return f"import the key pair {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateGroup:
    """In the VPC of that subnet, or in the region's default VPC."""

    name: str
    tags: dict[str, str] = field(hash=False)
    subnet_id: str | None = None

    def __str__(self) -> str:
        return f"create the security group {self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Authorize:
    group_name: str
    ingress: Ingress

    def __str__(self) -> str:
        return f"let {self.ingress} of {self.group_name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Revoke:
    group_name: str
    ingress: Ingress

    def __str__(self) -> str:
        return f"no longer let {self.ingress}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Launch:
    """One RunInstances call. `types` are tried in order until one has the capacity; then again in each zone."""

    role: Role
    count: int
    types: tuple[str, ...]
    key_name: str
    group_name: str
    tags: dict[str, str] = field(hash=False)
    subnet_id: str | None = None  # None: one of the default VPC, of EC2's choice
    profile: str | None = None  # the instance profile, whose role signs for it

    def __str__(self) -> str:
        role = self.role.value.replace("-", " ")
        many = f"{self.count} {role}s" if self.count > 1 else f"1 {role}"
        return f"launch {many} of type {' or '.join(self.types)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Terminate:
    instance_ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"terminate {', '.join(self.instance_ids)}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteVolume:
    volume_id: str

    def __str__(self) -> str:
        return f"delete the volume {self.volume_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteGroup:
    group_id: str

    def __str__(self) -> str:
        return f"delete the security group {self.group_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class DeleteKey:
    name: str

    def __str__(self) -> str:
        return f"delete the key pair {self.name}"


Action = ImportKey | CreateGroup | Authorize | Revoke | Launch | Terminate | DeleteVolume | DeleteGroup | DeleteKey
