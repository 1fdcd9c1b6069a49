"""shell (EC2): what we may do, by calls that EC2 only checks (DryRun).

Only calls that need nothing to be there: whether an instance may be terminated is known when there is one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import botocore.exceptions

from roost.cloud import permissions, wire
from roost.cloud.clients import BRIEF, Access, open_client, translated
from roost.cloud.permissions import Answer, answer
from roost.errors import RoostError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

# No key of anybody's: EC2 does not take it, and does not come to look at it.
_PUBLIC_KEY = b"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA roost-check"


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What would be launched, and what it would be called."""

    name: str  # of the group and the key
    tags: dict[str, str]
    image_id: str
    instance_type: str
    vpc_id: str
    subnet_id: str
    group_id: str | None  # the pool's, where it is there already


def client(access: Access) -> "EC2Client":
    opened: EC2Client = open_client("ec2", access, config=BRIEF)
    return opened


def answers(client: "EC2Client", trial: Trial) -> Iterator[Answer]:
    """EC2's answer to each call. Raises CloudError where there is none."""
    for action, call in _calls(client, trial):
        with translated(f"try {action}"):
            try:
                call()
            except botocore.exceptions.ClientError as error:
                said = error.response["Error"]
                if said["Code"] in permissions.NO_ANSWER:
                    raise
                yield answer(action, code=said["Code"], message=said["Message"])
            else:
                raise RoostError(f"EC2 took a trial of {action} for the call itself", "roost down")


def _calls(client: "EC2Client", trial: Trial) -> Iterator[tuple[str, Callable[[], object]]]:
    yield (
        "ec2:CreateSecurityGroup",
        lambda: client.create_security_group(
            DryRun=True,
            GroupName=f"{trial.name}-check",
            Description="Roost: may we?",
            VpcId=trial.vpc_id,
            TagSpecifications=wire.specification("security-group", trial.tags),
        ),
    )
    yield (
        "ec2:ImportKeyPair",
        lambda: client.import_key_pair(
            DryRun=True,
            KeyName=f"{trial.name}-check",
            PublicKeyMaterial=_PUBLIC_KEY,
            TagSpecifications=wire.specification("key-pair", trial.tags),
        ),
    )
    group: Any = {"SecurityGroupIds": [trial.group_id]} if trial.group_id else {}
    kinds = ("instance", "volume", "network-interface")
    yield (
        "ec2:RunInstances",
        lambda: client.run_instances(
            DryRun=True,
            ImageId=trial.image_id,
            InstanceType=trial.instance_type,  # type: ignore[arg-type]  # the stubs' list of types is always behind
            MinCount=1,
            MaxCount=1,
            SubnetId=trial.subnet_id,
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
            TagSpecifications=[one for kind in kinds for one in wire.specification(kind, trial.tags)],
            **group,
        ),
    )
