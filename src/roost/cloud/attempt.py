"""shell (EC2): one RunInstances call of a launch: of this type, in this place.

In: a client of `clients`. Out: the ids of the instances, or botocore's error: whoever tries the next place judges it.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from roost.cloud import wire
from roost.cloud.model import Launch
from roost.cloud.plan import client_token

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

_ENCRYPTED = {"VolumeType": "gp3", "Encrypted": True, "DeleteOnTermination": True}


@dataclass(frozen=True, kw_only=True, slots=True)
class Boot:
    """What a launch's instances are to be made of."""

    image_id: str
    user_data: bytes
    encrypted_root: str | None = None  # the image's root device, where its volume is to be encrypted gp3


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    launch: Launch
    boot: Boot
    type: str
    group_id: str
    subnet_id: str | None

    @property
    def token(self) -> str:
        """The same for the same attempt: asked twice, EC2 launches once."""
        return client_token(self.launch, group_id=self.group_id, instance_type=self.type, subnet_id=self.subnet_id)

    def run(self, client: "EC2Client", *, token: str) -> tuple[str, ...]:
        launch, boot = self.launch, self.boot
        given: Any = {"SubnetId": self.subnet_id} if self.subnet_id else {}
        if launch.profile:
            given["IamInstanceProfile"] = {"Name": launch.profile}
        if boot.encrypted_root:
            given["BlockDeviceMappings"] = [{"DeviceName": boot.encrypted_root, "Ebs": _ENCRYPTED}]
        answer = client.run_instances(
            ImageId=boot.image_id,
            InstanceType=self.type,  # type: ignore[arg-type]  # the stubs' list of types is always behind
            MinCount=launch.count,
            MaxCount=launch.count,
            KeyName=launch.key_name,
            SecurityGroupIds=[self.group_id],
            UserData=boot.user_data,  # type: ignore[arg-type]  # bytes are as good: botocore encodes both
            ClientToken=token,
            InstanceInitiatedShutdownBehavior="terminate",
            MetadataOptions={"HttpTokens": "required", "HttpPutResponseHopLimit": 1, "HttpEndpoint": "enabled"},
            TagSpecifications=[
                *wire.specification("instance", launch.tags),
                *wire.specification("volume", launch.tags),
                *wire.specification("network-interface", launch.tags),
            ],
            **given,
        )
        return tuple(one["InstanceId"] for one in answer["Instances"])
