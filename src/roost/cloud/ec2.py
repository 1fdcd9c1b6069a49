"""shell (boto3): EC2, the one API of both clouds; AWS and EC2 on this machine differ in the endpoint and nowhere else.

In: actions of `plan`. Out: what EC2 describes, as values. Every error of botocore becomes one of ours here. Never
creates anything without its tags in the same call.
"""

import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

import botocore.exceptions

from roost.cloud import wire
from roost.cloud.attempt import Attempt, Boot
from roost.cloud.clients import ONCE, Access, open_client
from roost.cloud.clients import translated as _translated
from roost.cloud.failures import failure
from roost.cloud.model import (
    LAUNCH_TAG,
    POOL_TAG,
    Action,
    Authorize,
    CreateGroup,
    DeleteGroup,
    DeleteKey,
    DeleteVolume,
    Found,
    Group,
    ImportKey,
    InstanceState,
    Launch,
    Revoke,
    Terminate,
)
from roost.cloud.patience import Patience, error_code
from roost.cloud.region import Region
from roost.errors import CloudError, WaitTimeoutError

if TYPE_CHECKING:
    from mypy_boto3_ec2 import EC2Client

T = TypeVar("T")
_SETTLE_S = 15.0  # how long EC2 may take to show what it has accepted
_DEPENDENCY_S = 120.0  # ... and to let go of a group whose members are terminated
_POLL_S = 0.5
# EC2's answers to a ClientToken that it has seen with other parameters (user data holds a fresh token each time).
_LAUNCHED_BEFORE = {"IdempotentParameterMismatch", "IdempotentInstanceTerminated"}
# ... to one that names what was made a moment ago
_NOT_KNOWN_YET = {"InvalidGroup.NotFound", "InvalidGroupId.NotFound", "InvalidKeyPair.NotFound"}
_IN_USE = {"DependencyViolation", "VolumeInUse"}  # ... for what has not let go of it yet
_NO_CAPACITY = {"InsufficientInstanceCapacity", "Unsupported", "InsufficientHostCapacity"}


class Ec2:
    def __init__(
        self,
        access: Access,
        *,
        pause: Callable[[float], None] = time.sleep,  # s
        clock: Callable[[], float] = time.monotonic,  # s
    ) -> None:
        self.access = access
        self._patience = Patience(pause=pause, clock=clock)
        self._client: EC2Client = open_client("ec2", access)
        self.region = Region(self._client, access.region)
        self._once: EC2Client | None = None  # made when it is needed

    @property
    def client(self) -> "EC2Client":
        """For the other rooms of `cloud` that speak to EC2."""
        return self._client

    @property
    def url(self) -> str:
        """Where this EC2 is asked."""
        return self._client.meta.endpoint_url

    def describe(self, pool: str) -> Found:
        """All that carries the pool's tag."""
        with _translated(f"describe the pool {pool}"):
            return self._describe(pool)

    def pools(self) -> list[str]:
        """The names of all pools that have a group, or an instance that is not terminated."""
        tagged: Any = [{"Name": "tag-key", "Values": [POOL_TAG]}]
        with _translated("list the pools"):
            groups = self._client.get_paginator("describe_security_groups").paginate(Filters=tagged)
            instances = self._client.get_paginator("describe_instances").paginate(Filters=tagged)
            found = {wire.tags(group.get("Tags"))[POOL_TAG] for page in groups for group in page["SecurityGroups"]}
            found |= {
                wire.tags(one.get("Tags"))[POOL_TAG]
                for page in instances
                for reservation in page["Reservations"]
                for one in reservation["Instances"]
                if one["State"]["Name"] != InstanceState.TERMINATED.value
            }
        return sorted(found)

    def instance_pools(self) -> dict[str, str]:
        """Instance id -> its pool, of every pool's; terminated ones too, for the hour that EC2 shows them."""
        tagged: Any = [{"Name": "tag-key", "Values": [POOL_TAG]}]
        with _translated("list the instances"):
            pages = self._client.get_paginator("describe_instances").paginate(Filters=tagged)
            return {
                one["InstanceId"]: wire.tags(one.get("Tags"))[POOL_TAG]
                for page in pages
                for reservation in page["Reservations"]
                for one in reservation["Instances"]
            }

    def perform(
        self,
        action: Action,
        *,
        public_key: str = "",
        boot: Boot | None = None,
        say: Callable[[str], None] = lambda _: None,
    ) -> tuple[str, ...]:
        """Do one thing of a plan; the ids of the instances that a launch made. What a launch tries is told to `say`."""
        with _translated(str(action)):
            match action:
                case ImportKey():
                    tags = wire.specification("key-pair", action.tags)
                    self._client.import_key_pair(
                        KeyName=action.name, PublicKeyMaterial=public_key.encode(), TagSpecifications=tags
                    )
                case CreateGroup():
                    tags = wire.specification("security-group", action.tags)
                    vpc: Any = {"VpcId": self.region.subnet(action.subnet_id).vpc_id} if action.subnet_id else {}
                    self._client.create_security_group(
                        GroupName=action.name,
                        Description="Roost: the instances of one pool",
                        TagSpecifications=tags,
                        **vpc,
                    )
                case Authorize():
                    group_id = self._group_id(action.group_name)
                    rule = wire.permission(action.ingress, group_id)
                    self._once_known(
                        partial(self._client.authorize_security_group_ingress, GroupId=group_id, IpPermissions=[rule])
                    )
                case Revoke():
                    group_id = self._group_id(action.group_name)
                    rule = wire.permission(action.ingress, group_id)
                    self._client.revoke_security_group_ingress(GroupId=group_id, IpPermissions=[rule])
                case Launch():
                    if boot is None:
                        raise ValueError("a launch needs an image and user data")
                    return self._launch(action, boot, say=say)
                case Terminate():
                    self._client.terminate_instances(InstanceIds=list(action.instance_ids))
                case DeleteVolume():
                    delete = partial(self._client.delete_volume, VolumeId=action.volume_id)
                    self._patience.remove(delete, codes=_IN_USE, for_s=_DEPENDENCY_S)
                case DeleteGroup():
                    self._delete_group(action.group_id)
                case DeleteKey():
                    self._client.delete_key_pair(KeyName=action.name)
                case _:
                    assert_never(action)
        return ()

    def changes(self, pool: str, *, timeout_s: float) -> Iterator[Found]:
        """The pool again and again, as EC2 describes it; whoever asks stops when it has seen enough."""
        deadline = self._patience.clock() + timeout_s
        while True:
            yield self.describe(pool)
            if self._patience.clock() > deadline:
                raise WaitTimeoutError(
                    f"the instances of {pool} did not get where they should within {timeout_s:g} s",
                    f"`roost status {pool}` shows where they are; `roost down {pool}` ends them",
                )
            self._patience.pause(_POLL_S)

    def console(self, instance_id: str) -> str:
        """What the instance wrote on its console; on AWS that needs a Nitro type to be the latest."""
        with _translated(f"read the console of {instance_id}"):
            return self._client.get_console_output(InstanceId=instance_id, Latest=True).get("Output", "")

    def _describe(self, pool: str) -> Found:
        mine: Any = [{"Name": f"tag:{POOL_TAG}", "Values": [pool]}]
        instances = self._client.get_paginator("describe_instances").paginate(Filters=mine)
        groups = self._client.get_paginator("describe_security_groups").paginate(Filters=mine)
        free: Any = [*mine, {"Name": "status", "Values": ["creating", "available", "error"]}]
        volumes = self._client.get_paginator("describe_volumes").paginate(Filters=free)
        return Found(
            instances=tuple(
                sorted(
                    (
                        wire.instance(one)
                        for page in instances
                        for each in page["Reservations"]
                        for one in each["Instances"]
                    ),
                    key=lambda one: (one.role, one.launched_at, one.id),
                )
            ),
            groups=tuple(
                Group(
                    id=group["GroupId"],
                    name=group["GroupName"],
                    ingress=frozenset(wire.ingress(group["IpPermissions"], group["GroupId"])),
                )
                for page in groups
                for group in page["SecurityGroups"]
            ),
            keys=tuple(key["KeyName"] for key in self._client.describe_key_pairs(Filters=mine)["KeyPairs"]),
            volumes=tuple(volume["VolumeId"] for page in volumes for volume in page["Volumes"]),
        )

    def _launch(self, launch: Launch, boot: Boot, *, say: Callable[[str], None]) -> tuple[str, ...]:
        """Each type where EC2 has it; then, since EC2 chooses a zone before it looks for room, each in each zone."""
        group_id = self._group_id(launch.group_name)
        refused: botocore.exceptions.ClientError | None = None
        client, before = self._client, ""
        for subnet_id, instance_type in self._places(launch):
            if refused is not None:
                place = f" in {subnet_id}" if subnet_id != launch.subnet_id else ""
                say(f"{before} has no capacity in {self.access.region}; trying {instance_type}{place}")
            before = instance_type
            if subnet_id != launch.subnet_id:
                client = self._once = self._once or open_client("ec2", self.access, config=ONCE)
            what = Attempt(launch=launch, boot=boot, type=instance_type, group_id=group_id, subnet_id=subnet_id)
            try:
                return self._once_known(partial(what.run, client, token=what.token))
            except botocore.exceptions.ClientError as error:
                code = error_code(error)
                if code in _LAUNCHED_BEFORE:
                    # Nothing to be seen: the instances of that launch have come and gone.
                    return self._launched(launch) or what.run(client, token=uuid.uuid4().hex)
                if code not in _NO_CAPACITY:
                    said = error.response["Error"]["Message"]
                    raise failure(str(launch), code=code, message=said, instance_type=instance_type) from error
                refused = error
        if refused is None:
            raise ValueError("a launch needs an instance type")
        raise refused

    def _places(self, launch: Launch) -> Iterator[tuple[str | None, str]]:
        """(subnet, type) in the order in which they are tried. The zones are asked for only when they are needed."""
        yield from ((launch.subnet_id, one) for one in launch.types)
        if launch.subnet_id is None:
            yield from ((subnet.id, one) for subnet in self.region.default_subnets() for one in launch.types)

    def _launched(self, launch: Launch) -> tuple[str, ...]:
        """The instances of that launch, given the time that EC2 may need to show them."""
        pool = launch.tags[POOL_TAG]
        deadline = self._patience.clock() + _SETTLE_S
        while self._patience.clock() < deadline:
            ids = tuple(i.id for i in self._describe(pool).usable if i.launch == launch.tags[LAUNCH_TAG])
            if ids:
                return ids
            self._patience.pause(_POLL_S)
        return ()

    def _group_id(self, name: str) -> str:
        # Another VPC of the account may have a group of that name that is not ours.
        by_name: Any = [{"Name": "group-name", "Values": [name]}, {"Name": "tag-key", "Values": [POOL_TAG]}]
        deadline = self._patience.clock() + _SETTLE_S
        while not (groups := self._client.describe_security_groups(Filters=by_name)["SecurityGroups"]):
            if self._patience.clock() > deadline:
                raise CloudError(f"the security group {name} has vanished", "`roost up` again makes it again")
            self._patience.pause(_POLL_S)
        return groups[0]["GroupId"]

    def _once_known(self, call: Callable[[], T]) -> T:
        """What was made a moment ago may not be known everywhere yet ("Eventual consistency in the Amazon EC2 API")."""
        return self._patience.insist(call, codes=_NOT_KNOWN_YET, for_s=_SETTLE_S)

    def _delete_group(self, group_id: str) -> None:
        """Its members let go of it some time after they are terminated; what is not the pool's may never do so."""
        delete = partial(self._client.delete_security_group, GroupId=group_id)
        users: list[str] = []
        for patience_s in (_SETTLE_S, _DEPENDENCY_S - _SETTLE_S):
            try:
                return self._patience.remove(delete, codes=_IN_USE, for_s=patience_s)
            except botocore.exceptions.ClientError as error:
                if error_code(error) not in _IN_USE:
                    raise
                refused = error
            if users := self._strangers(group_id):
                break
        raise CloudError(
            f"could not delete the security group {group_id}: "
            f"{', '.join(users) or 'something that EC2 does not name'} uses it, and is not of this pool",
            "take it out of the group, then `roost down` again",
        ) from refused

    def _strangers(self, group_id: str) -> list[str]:
        """What uses a group without carrying a pool's tag: instances' interfaces, other interfaces, groups' rules."""
        of_group: Any = [{"Name": "group-id", "Values": [group_id]}]
        in_rules: Any = [{"Name": "ip-permission.group-id", "Values": [group_id]}]
        interfaces = self._client.describe_network_interfaces(Filters=of_group)["NetworkInterfaces"]
        groups = self._client.describe_security_groups(Filters=in_rules)["SecurityGroups"]
        return [
            *(
                " of ".join(filter(None, [one["NetworkInterfaceId"], one.get("Attachment", {}).get("InstanceId")]))
                for one in interfaces
                if POOL_TAG not in wire.tags(one.get("TagSet"))
            ),
            *(f"a rule of {one['GroupId']}" for one in groups if one["GroupId"] != group_id),
        ]
