"""pure: what EC2 on this machine knows of, as frozen records.

Records are values: a change is `dataclasses.replace` and `World.put`. Security groups, key pairs, subnets and the like
live in moto; the few facts of them that a booting instance needs are views (`SecurityGroup`) or copied at launch, as
EC2 does it. Times are seconds since the epoch.
"""

from dataclasses import dataclass, field

from localec2.ailments import Ailment
from localec2.lifecycle import State

Tags = dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why an instance is in its state: `StateReason` of DescribeInstances."""

    code: str = ""
    message: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataOptions:
    http_endpoint: str = "enabled"  # enabled | disabled
    http_tokens: str = "optional"  # optional | required (IMDSv2 only)
    hop_limit: int = 1
    instance_tags: str = "disabled"  # enabled | disabled


@dataclass(frozen=True, kw_only=True, slots=True)
class Instance:
    id: str
    reservation_id: str
    launch_index: int
    image_id: str
    instance_type: str
    vcpus: int
    memory_mib: int
    region: str
    zone: str
    zone_id: str
    vpc_id: str
    vpc_cidr: str
    subnet_id: str
    subnet_cidr: str
    private_ip: str
    public_ip: str | None  # changes with stop and start; None when not wanted or not running
    wants_public_ip: bool
    interface_id: str
    mac: str
    group_ids: tuple[str, ...]
    volume_id: str
    state: State = State.PENDING
    reason: Reason = field(default_factory=Reason)
    reason_text: str = ""  # StateTransitionReason, with its time
    key_name: str | None = None
    public_key: str | None = None  # the key pair's OpenSSH line, copied at launch
    user_data: str | None = None  # base64, as given
    shutdown_behavior: str = "stop"  # stop | terminate
    metadata: MetadataOptions = field(default_factory=MetadataOptions)
    lifecycle: str | None = None  # None (on-demand) | spot
    spot_request_id: str | None = None
    profile_arn: str | None = None
    profile_id: str | None = None
    client_token: str = ""
    termination_protected: bool = False
    tags: Tags = field(default_factory=dict)
    launched_at: float = 0.0
    state_since: float = 0.0
    booted_ok: bool = False  # its cloud-init has read the metadata: status checks pass
    boots: int = 0  # how often the engine started it
    reboot_requested: bool = False
    spot_interruption_at: float | None = None  # announced to the instance; terminated when due
    volume_tags: Tags = field(default_factory=dict)  # of its root volume
    interface_tags: Tags = field(default_factory=dict)  # of its network interface
    ailments: tuple[Ailment, ...] = ()  # what is wrong with it on purpose
    power_cut: bool = False  # its next stop, reboot or end is an abrupt one

    @property
    def private_dns_name(self) -> str:
        return f"ip-{self.private_ip.replace('.', '-')}.{private_domain(self.region)}"

    @property
    def public_dns_name(self) -> str:
        if self.public_ip is None:
            return ""
        return f"ec2-{self.public_ip.replace('.', '-')}.{public_domain(self.region)}"


def private_domain(region: str) -> str:
    """EC2's own rule (VPC User Guide, "DNS attributes for your VPC"): us-east-1 is the exception."""
    return "ec2.internal" if region == "us-east-1" else f"{region}.compute.internal"


def public_domain(region: str) -> str:
    return "compute-1.amazonaws.com" if region == "us-east-1" else f"{region}.compute.amazonaws.com"


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    id: str
    name: str
    description: str
    owner_id: str
    engine_ref: str  # what the engine starts: a podman image
    snapshot_id: str
    state: str = "pending"  # pending | available | failed | deregistered
    state_message: str = ""
    source_instance_id: str | None = None  # CreateImage: still to be committed while pending
    no_reboot: bool = False
    public: bool = False
    created_at: float = 0.0
    size_gib: int = 8
    tags: Tags = field(default_factory=dict)
    snapshot_tags: Tags = field(default_factory=dict)
    # RegisterImage: a disk that only EC2 itself can boot
    is_disk: bool = False
    root_device: str = ""
    architecture: str = ""
    boot_mode: str = ""
    imds_support: str = ""
    ena_support: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """One that a client writes block by block. Those of CreateImage are with their image."""

    id: str
    description: str
    owner_id: str
    size_gib: int
    started_at: float
    state: str = "pending"  # pending | completed
    encrypted: bool = False
    client_token: str = ""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class SpotRequest:
    id: str
    state: str  # open | active | closed | cancelled | failed
    status_code: str
    status_message: str
    price: str
    kind: str  # one-time | persistent
    instance_id: str | None
    launch: str  # the launch specification as canonical JSON, by botocore's member names
    created_at: float
    updated_at: float
    client_token: str = ""
    tags: Tags = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class LaunchToken:
    """ClientToken of a RunInstances call: the same call again gets the same reservation."""

    id: str  # the token
    parameters: str  # canonical JSON of the call, to notice IdempotentParameterMismatch
    instance_ids: tuple[str, ...]
    created_at: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One permission of a security group. Ports are inclusive; None means all (or for icmp: any type)."""

    protocol: str  # tcp | udp | icmp | "-1" (all) | a protocol number
    from_port: int | None
    to_port: int | None
    cidrs: tuple[str, ...] = ()
    group_ids: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class SecurityGroup:
    id: str
    name: str
    vpc_id: str
    ingress: tuple[Rule, ...]
    egress: tuple[Rule, ...]


Record = Instance | Image | Snapshot | SpotRequest | LaunchToken
