"""Records to start from: a test says only what it is about."""

from dataclasses import replace
from typing import Any

from localec2.lifecycle import State
from localec2.model import Instance, Rule, SecurityGroup

ANYWHERE = Rule(protocol="-1", from_port=None, to_port=None, cidrs=("0.0.0.0/0",))

INSTANCE = Instance(
    id="i-0123456789abcdef0",
    reservation_id="r-0123456789abcdef0",
    launch_index=0,
    image_id="ami-0123456789abcdef0",
    instance_type="t3.micro",
    vcpus=2,
    memory_mib=1024,
    region="us-east-1",
    zone="us-east-1a",
    zone_id="use1-az1",
    vpc_id="vpc-1",
    vpc_cidr="172.31.0.0/16",
    subnet_id="subnet-1",
    subnet_cidr="172.31.0.0/20",
    private_ip="172.31.0.10",
    public_ip="198.18.0.20",
    wants_public_ip=True,
    interface_id="eni-1",
    mac="02:00:ac:1f:00:0a",
    group_ids=("sg-1",),
    volume_id="vol-1",
    state=State.RUNNING,
)


def instance(**changes: Any) -> Instance:
    return replace(INSTANCE, **changes)


def group(group_id: str, *ingress: Rule, egress: tuple[Rule, ...] = (ANYWHERE,), name: str = "") -> SecurityGroup:
    return SecurityGroup(
        id=group_id, name=name or f"name-of-{group_id}", vpc_id="vpc-1", ingress=tuple(ingress), egress=egress
    )
