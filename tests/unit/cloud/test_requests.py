"""What Ec2 sends: botocore checks each request against its own model of EC2, and here stands in for the network."""

import base64
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders

from roost.boot.roles import Role
from roost.boot.settings import Shape
from roost.cloud.attempt import Boot
from roost.cloud.clients import ONCE, Access, open_client
from roost.cloud.ec2 import Ec2
from roost.cloud.images import Images
from roost.cloud.model import (
    CONDOR_PORT,
    LAUNCH_TAG,
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
    Group,
    ImportKey,
    Ingress,
    InstanceState,
    Launch,
    PoolInstance,
    Revoke,
    Subnet,
    Terminate,
)
from roost.cloud.plan import client_token
from roost.cloud.region import FoundImage
from roost.errors import CloudError, NotFoundError, RefusedError, RoostError, WaitTimeoutError

GROUP_ID = "sg-00000000000000001"
TAGS = {POOL_TAG: "demo", ROLE_TAG: "execution-point", LAUNCH_TAG: "execution-point-1", "Name": "roost-demo"}
LAUNCH = Launch(
    role=Role.EXECUTION_POINT,
    count=3,
    types=("c7i.large", "m7i.large"),
    key_name="roost-demo",
    group_name="roost-demo",
    tags=TAGS,
)
BOOT = Boot(image_id="ami-00000000", user_data=b"#cloud-config\n{}\n")


@dataclass(frozen=True, slots=True)
class Answer:
    xml: str = "<return>true</return>"
    status: int = 200


@dataclass(slots=True)
class Wire:
    """Keeps every request; of an action's answers the last one is given again and again."""

    answers: dict[str, list[Answer]] = field(default_factory=dict)
    sent: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        parameters = dict(parse_qsl(_text(request.body), keep_blank_values=True))
        self.sent.append(parameters)
        waiting = self.answers.get(parameters["Action"], [Answer()])
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        body = _Body(f"<Response><requestId>r</requestId>{answer.xml}</Response>".encode())
        return AWSResponse(request.url, answer.status, HTTPHeaders(), body)

    @property
    def names(self) -> list[str]:
        return [one["Action"] for one in self.sent]

    def all(self, action: str) -> list[dict[str, str]]:
        return [one for one in self.sent if one["Action"] == action]

    def one(self, action: str) -> dict[str, str]:
        (found,) = self.all(action)
        return found


def _text(body: object) -> str:
    return body.decode() if isinstance(body, bytes) else str(body)


class _Body(io.BytesIO):
    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.read()


@dataclass(slots=True)
class Clock:
    """A pause takes no time but on this clock."""

    now_s: float = 0.0

    def __call__(self) -> float:
        return self.now_s

    def pause(self, seconds: float) -> None:
        self.now_s += seconds


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def ec2(clock: Clock) -> Ec2:
    """One for all: botocore reads its model of EC2 for each client."""
    access = Access(region="us-east-1", endpoint_url="http://ec2.invalid", credentials=("an-id", "a-secret"))
    return Ec2(access, pause=clock.pause, clock=clock)


@pytest.fixture
def wire(ec2: Ec2) -> Iterator[Wire]:
    ec2._once = ec2._once or open_client("ec2", ec2.access, config=ONCE)
    clients: list[Any] = [ec2._client, ec2._once]
    wire = Wire(
        answers={
            "DescribeSecurityGroups": [Answer(GROUPS_XML)],
            "DescribeInstances": [Answer("<reservationSet/>")],
            "DescribeKeyPairs": [Answer("<keySet/>")],
            "DescribeVolumes": [Answer("<volumeSet/>")],
            "DescribeSubnets": [Answer("<subnetSet/>")],
            "DescribeNetworkInterfaces": [Answer("<networkInterfaceSet/>")],
            "RunInstances": [Answer(LAUNCHED_XML)],
        }
    )
    for client in clients:
        client.meta.events.register("before-send.ec2", wire)
    yield wire
    for client in clients:
        client.meta.events.unregister("before-send.ec2", wire)


def refused(code: str) -> Answer:
    return Answer(f"<Errors><Error><Code>{code}</Code><Message>no</Message></Error></Errors>", status=400)


SUBNETS_XML = "".join(
    f"<item><subnetId>subnet-{zone}</subnetId><vpcId>vpc-1</vpcId>"
    f"<availabilityZone>us-east-1{zone}</availabilityZone><mapPublicIpOnLaunch>true</mapPublicIpOnLaunch></item>"
    for zone in "ba"
)
SUBNETS_XML = f"<subnetSet>{SUBNETS_XML}</subnetSet>"
GROUPS_XML = f"""
<securityGroupInfo><item><groupId>{GROUP_ID}</groupId><groupName>roost-demo</groupName><ipPermissions>
 <item><ipProtocol>tcp</ipProtocol><fromPort>22</fromPort><toPort>22</toPort>
  <ipRanges><item><cidrIp>192.0.2.7/32</cidrIp></item></ipRanges></item>
 <item><ipProtocol>tcp</ipProtocol><fromPort>9618</fromPort><toPort>9618</toPort>
  <groups><item><groupId>{GROUP_ID}</groupId></item></groups></item>
</ipPermissions></item></securityGroupInfo>"""
LAUNCHED_XML = (
    "<instancesSet><item><instanceId>i-1</instanceId></item><item><instanceId>i-2</instanceId></item></instancesSet>"
)
INSTANCES_XML = """
<reservationSet><item><instancesSet><item><instanceId>i-9</instanceId><imageId>ami-00000000</imageId>
 <instanceState><code>16</code><name>running</name></instanceState><instanceType>m7i.large</instanceType>
 <launchTime>2026-11-20T12:00:00.000Z</launchTime><placement><availabilityZone>us-east-1b</availabilityZone></placement>
 <privateIpAddress>172.31.0.9</privateIpAddress><ipAddress>198.18.0.9</ipAddress>
 <tagSet><item><key>roost:pool</key><value>demo</value></item>
  <item><key>roost:role</key><value>execution-point</value></item>
  <item><key>roost:launch</key><value>execution-point-1</value></item></tagSet>
</item></instancesSet></item></reservationSet>"""
FROM_ADA = Ingress(port=SSH_PORT, cidr="192.0.2.7/32")
FROM_MEMBERS = Ingress(port=CONDOR_PORT, cidr=None)
RANGE_FROM_ADA = Ingress(port=40000, to_port=40050, cidr="192.0.2.7/32")


def rule_xml(protocol: str, first: str = "", last: str = "", *, cidr: str = "", group: str = "") -> str:
    ports = f"<fromPort>{first}</fromPort><toPort>{last}</toPort>" if first else ""
    ranges = f"<ipRanges><item><cidrIp>{cidr}</cidrIp></item></ipRanges>" if cidr else ""
    groups = f"<groups><item><groupId>{group}</groupId></item></groups>" if group else ""
    return f"<item><ipProtocol>{protocol}</ipProtocol>{ports}{ranges}{groups}</item>"


def tags_for(request: dict[str, str], kind: str) -> dict[str, str]:
    """The tags that a request gives to what it creates of that kind."""
    kinds = {name.split(".")[1]: value for name, value in request.items() if name.endswith(".ResourceType")}
    (at,) = (f"TagSpecification.{number}." for number, value in kinds.items() if value == kind)
    keys = {name: value for name, value in request.items() if name.startswith(at) and name.endswith(".Key")}
    return {key: request[name.removesuffix("Key") + "Value"] for name, key in keys.items()}


@pytest.mark.parametrize(
    ("action", "name", "parameters"),
    [
        (ImportKey(name="roost-demo", tags=TAGS), "ImportKeyPair", {"KeyName": "roost-demo"}),
        (CreateGroup(name="roost-demo", tags=TAGS), "CreateSecurityGroup", {"GroupName": "roost-demo"}),
        (
            Authorize(group_name="roost-demo", ingress=FROM_ADA),
            "AuthorizeSecurityGroupIngress",
            {"GroupId": GROUP_ID, "IpPermissions.1.IpRanges.1.CidrIp": "192.0.2.7/32", "IpPermissions.1.ToPort": "22"},
        ),
        (
            Authorize(group_name="roost-demo", ingress=FROM_MEMBERS),
            "AuthorizeSecurityGroupIngress",
            {"GroupId": GROUP_ID, "IpPermissions.1.Groups.1.GroupId": GROUP_ID, "IpPermissions.1.FromPort": "9618"},
        ),
        (
            Revoke(group_name="roost-demo", ingress=FROM_ADA),
            "RevokeSecurityGroupIngress",
            {"GroupId": GROUP_ID, "IpPermissions.1.IpRanges.1.CidrIp": "192.0.2.7/32", "IpPermissions.1.ToPort": "22"},
        ),
        (LAUNCH, "RunInstances", {"InstanceType": "c7i.large", "SecurityGroupId.1": GROUP_ID}),
        (Terminate(instance_ids=("i-1", "i-2")), "TerminateInstances", {"InstanceId.1": "i-1", "InstanceId.2": "i-2"}),
        (DeleteVolume(volume_id="vol-1"), "DeleteVolume", {"VolumeId": "vol-1"}),
        (DeleteGroup(group_id=GROUP_ID), "DeleteSecurityGroup", {"GroupId": GROUP_ID}),
        (DeleteKey(name="roost-demo"), "DeleteKeyPair", {"KeyName": "roost-demo"}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str | dict) else "",
)
def test_an_action_is_one_request(ec2: Ec2, wire: Wire, action: Action, name: str, parameters: dict[str, str]) -> None:
    ec2.perform(action, public_key="ssh-ed25519 AAAA", boot=BOOT)
    sent = wire.one(name)
    assert {key: sent.get(key) for key in parameters} == parameters
    assert set(wire.names) <= {name, "DescribeSecurityGroups"}


@pytest.mark.parametrize(
    ("action", "name", "kinds"),
    [
        (ImportKey(name="roost-demo", tags=TAGS), "ImportKeyPair", ["key-pair"]),
        (CreateGroup(name="roost-demo", tags=TAGS), "CreateSecurityGroup", ["security-group"]),
        (LAUNCH, "RunInstances", ["instance", "volume", "network-interface"]),
    ],
    ids=["key", "group", "launch"],
)
def test_what_is_created_is_tagged_in_that_very_request(
    ec2: Ec2, wire: Wire, action: Action, name: str, kinds: list[str]
) -> None:
    ec2.perform(action, public_key="ssh-ed25519 AAAA", boot=BOOT)
    assert [tags_for(wire.one(name), kind) for kind in kinds] == [TAGS] * len(kinds)


def test_a_launch_is_safe_and_ends_by_itself(ec2: Ec2, wire: Wire) -> None:
    assert ec2.perform(LAUNCH, boot=BOOT) == ("i-1", "i-2")
    sent = wire.one("RunInstances")
    expected = {
        "MinCount": "3",
        "MaxCount": "3",
        "ImageId": "ami-00000000",
        "KeyName": "roost-demo",
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions.HttpTokens": "required",
        "MetadataOptions.HttpPutResponseHopLimit": "1",
        "MetadataOptions.HttpEndpoint": "enabled",
        "ClientToken": client_token(LAUNCH, group_id=GROUP_ID, instance_type="c7i.large"),
    }
    assert {key: sent.get(key) for key in expected} == expected
    assert base64.b64decode(sent["UserData"]) == BOOT.user_data
    assert "SecurityGroupId.2" not in sent
    assert not [key for key in sent if key.startswith("BlockDeviceMapping")]


def test_an_encrypted_root_is_there_when_it_is_asked_for(ec2: Ec2, wire: Wire) -> None:
    ec2.perform(LAUNCH, boot=Boot(image_id="ami-00000000", user_data=b"", encrypted_root="/dev/xvda"))
    disks = {key: value for key, value in wire.one("RunInstances").items() if key.startswith("BlockDeviceMapping")}
    assert disks == {
        "BlockDeviceMapping.1.DeviceName": "/dev/xvda",
        "BlockDeviceMapping.1.Ebs.VolumeType": "gp3",
        "BlockDeviceMapping.1.Ebs.Encrypted": "true",
        "BlockDeviceMapping.1.Ebs.DeleteOnTermination": "true",
    }


@pytest.mark.parametrize("code", ["InsufficientInstanceCapacity", "Unsupported", "InsufficientHostCapacity"])
def test_the_next_type_is_tried_where_the_first_has_no_capacity(ec2: Ec2, wire: Wire, code: str) -> None:
    wire.answers["RunInstances"] = [refused(code), Answer(LAUNCHED_XML)]
    assert ec2.perform(LAUNCH, boot=BOOT) == ("i-1", "i-2")
    sent = wire.all("RunInstances")
    assert [one["InstanceType"] for one in sent] == ["c7i.large", "m7i.large"]
    assert [one["ClientToken"] for one in sent] == [
        client_token(LAUNCH, group_id=GROUP_ID, instance_type=one) for one in LAUNCH.types
    ]
    assert sent[0]["ClientToken"] != sent[1]["ClientToken"]


@pytest.mark.parametrize(
    ("code", "error", "tried"),
    [
        ("InsufficientInstanceCapacity", RefusedError, 2),
        ("VcpuLimitExceeded", RefusedError, 1),  # a quota counts for every type
        ("UnauthorizedOperation", CloudError, 1),
    ],
)
def test_a_launch_that_no_type_can_do_is_an_error(
    ec2: Ec2, wire: Wire, code: str, error: type[RoostError], tried: int
) -> None:
    wire.answers["RunInstances"] = [refused(code)]
    with pytest.raises(error, match="launch 3 execution points") as raised:
        ec2.perform(LAUNCH, boot=BOOT)
    assert code in raised.value.message
    assert len(wire.all("RunInstances")) == tried


def test_each_zone_is_tried_where_ec2s_own_choice_has_no_capacity(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeSubnets"] = [Answer(SUBNETS_XML)]
    wire.answers["RunInstances"] = [*[refused("InsufficientInstanceCapacity")] * 4, Answer(LAUNCHED_XML)]
    assert ec2.perform(LAUNCH, boot=BOOT) == ("i-1", "i-2")
    sent = wire.all("RunInstances")
    assert [(one.get("SubnetId"), one["InstanceType"]) for one in sent] == [
        (None, "c7i.large"),
        (None, "m7i.large"),
        ("subnet-a", "c7i.large"),
        ("subnet-a", "m7i.large"),
        ("subnet-b", "c7i.large"),
    ]
    assert len({one["ClientToken"] for one in sent}) == 5
    asked = wire.one("DescribeSubnets")
    assert (asked["Filter.1.Name"], asked["Filter.1.Value.1"]) == ("default-for-az", "true")


def test_no_capacity_in_a_zone_is_not_asked_for_again(ec2: Ec2, wire: Wire) -> None:
    """EC2 says it with HTTP 500, which botocore repeats."""
    wire.answers["DescribeSubnets"] = [Answer(SUBNETS_XML)]
    no = refused("InsufficientInstanceCapacity")
    wire.answers["RunInstances"] = [no, no, Answer(no.xml, status=500)]
    with pytest.raises(RefusedError):
        ec2.perform(LAUNCH, boot=BOOT)
    assert len(wire.all("RunInstances")) == 2 + 2 * 2


def test_a_subnet_is_where_everything_is(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeSubnets"] = [Answer(SUBNETS_XML)]
    ec2.perform(CreateGroup(name="roost-demo", tags=TAGS, subnet_id="subnet-b"))
    assert wire.one("DescribeSubnets")["SubnetId.1"] == "subnet-b"
    assert wire.one("CreateSecurityGroup")["VpcId"] == "vpc-1"
    wire.answers["RunInstances"] = [refused("InsufficientInstanceCapacity")]
    with pytest.raises(RefusedError):
        ec2.perform(replace(LAUNCH, subnet_id="subnet-b"), boot=BOOT)
    assert [one["SubnetId"] for one in wire.all("RunInstances")] == ["subnet-b"] * 2  # no other zone


def test_the_network_is_a_subnet_or_the_default_vpc(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeSubnets"] = [Answer(SUBNETS_XML)]
    assert ec2.region.network(None) == Subnet(
        id="subnet-a", vpc_id="vpc-1", zone="us-east-1a", gives_public_addresses=True
    )
    assert ec2.region.network("subnet-b").id == "subnet-b"
    assert wire.all("DescribeSubnets")[1]["SubnetId.1"] == "subnet-b"


@pytest.mark.parametrize(
    ("subnet_id", "answer", "error", "hint"),
    [
        (None, Answer("<subnetSet/>"), CloudError, "aws ec2 create-default-vpc"),
        ("subnet-0", refused("InvalidSubnetID.NotFound"), NotFoundError, "`subnet:`"),
        (None, refused("UnauthorizedOperation"), CloudError, "administrator"),
    ],
)
def test_no_network(
    ec2: Ec2, wire: Wire, subnet_id: str | None, answer: Answer, error: type[RoostError], hint: str
) -> None:
    wire.answers["DescribeSubnets"] = [answer]
    with pytest.raises(error) as raised:
        ec2.region.network(subnet_id)
    assert hint in raised.value.hint


@pytest.mark.parametrize("code", ["IdempotentParameterMismatch", "IdempotentInstanceTerminated"])
def test_a_launch_that_has_been_is_found_again(ec2: Ec2, wire: Wire, clock: Clock, code: str) -> None:
    wire.answers["RunInstances"] = [refused(code)]
    wire.answers["DescribeInstances"] = [
        Answer("<reservationSet/>"),
        Answer("<reservationSet/>"),
        Answer(INSTANCES_XML),
    ]
    before_s = clock.now_s
    assert ec2.perform(LAUNCH, boot=BOOT) == ("i-9",)
    assert len(wire.all("RunInstances")) == 1
    assert len(wire.all("DescribeInstances")) == 3
    assert 0 < clock.now_s - before_s <= 2


def test_a_launch_whose_instances_have_gone_is_made_anew(ec2: Ec2, wire: Wire) -> None:
    wire.answers["RunInstances"] = [refused("IdempotentParameterMismatch"), Answer(LAUNCHED_XML)]
    wire.answers["DescribeInstances"] = [Answer(INSTANCES_XML.replace("execution-point-1", "execution-point-0"))]
    assert ec2.perform(LAUNCH, boot=BOOT) == ("i-1", "i-2")
    first, second = wire.all("RunInstances")
    assert first["ClientToken"] != second["ClientToken"]
    assert first["InstanceType"] == second["InstanceType"] == "c7i.large"


@pytest.mark.parametrize(
    ("action", "name", "code"),
    [
        (DeleteGroup(group_id=GROUP_ID), "DeleteSecurityGroup", "DependencyViolation"),
        (DeleteVolume(volume_id="vol-1"), "DeleteVolume", "VolumeInUse"),
    ],
    ids=["group", "volume"],
)
def test_what_is_still_in_use_is_deleted_when_it_is_let_go(
    ec2: Ec2, wire: Wire, clock: Clock, action: Action, name: str, code: str
) -> None:
    wire.answers[name] = [refused(code), refused(code), Answer()]
    before_s = clock.now_s
    ec2.perform(action)
    assert wire.names == [name] * 3
    assert clock.now_s > before_s


def test_what_is_in_use_for_ever_is_an_error(ec2: Ec2, wire: Wire, clock: Clock) -> None:
    wire.answers["DeleteSecurityGroup"] = [refused("DependencyViolation")]
    before_s = clock.now_s
    with pytest.raises(CloudError, match=f"delete the security group {GROUP_ID}"):
        ec2.perform(DeleteGroup(group_id=GROUP_ID))
    assert 60 <= clock.now_s - before_s <= 180


STRANGER_XML = (
    "<networkInterfaceSet><item><networkInterfaceId>eni-1</networkInterfaceId>"
    "<attachment><instanceId>i-9</instanceId></attachment></item></networkInterfaceSet>"
)
MEMBER_XML = (
    "<networkInterfaceSet><item><networkInterfaceId>eni-2</networkInterfaceId><tagSet><item><key>roost:pool</key>"
    "<value>demo</value></item></tagSet></item></networkInterfaceSet>"
)


@pytest.mark.parametrize(
    ("interfaces", "said", "at_most_s"),
    [(STRANGER_XML, "eni-1 of i-9 uses it", 20), (MEMBER_XML, "something that EC2 does not name", 180)],
)
def test_who_uses_a_group_is_told(
    ec2: Ec2, wire: Wire, clock: Clock, interfaces: str, said: str, at_most_s: float
) -> None:
    """The pool's own instances will let go of it; somebody else's may never."""
    wire.answers["DeleteSecurityGroup"] = [refused("DependencyViolation")]
    wire.answers["DescribeNetworkInterfaces"] = [Answer(interfaces)]
    before_s = clock.now_s
    with pytest.raises(CloudError, match=said):
        ec2.perform(DeleteGroup(group_id=GROUP_ID))
    assert 10 <= clock.now_s - before_s <= at_most_s


@pytest.mark.parametrize(
    ("action", "name", "code"),
    [
        (DeleteGroup(group_id=GROUP_ID), "DeleteSecurityGroup", "InvalidGroup.NotFound"),
        (DeleteVolume(volume_id="vol-1"), "DeleteVolume", "InvalidVolume.NotFound"),
    ],
    ids=["group", "volume"],
)
def test_what_is_gone_already_is_deleted(ec2: Ec2, wire: Wire, action: Action, name: str, code: str) -> None:
    wire.answers[name] = [refused(code)]
    ec2.perform(action)
    assert wire.names == [name]


def test_a_group_is_looked_up_among_ours(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeSecurityGroups"] = [Answer("<securityGroupInfo/>")]
    with pytest.raises(CloudError, match="vanished"):
        ec2.perform(LAUNCH, boot=BOOT)
    sent = wire.all("DescribeSecurityGroups")[-1]  # asked until EC2 should know a new one
    assert {sent["Filter.1.Name"]: sent["Filter.1.Value.1"], sent["Filter.2.Name"]: sent["Filter.2.Value.1"]} == {
        "group-name": "roost-demo",
        "tag-key": POOL_TAG,
    }
    assert "RunInstances" not in wire.names


def test_a_launch_without_an_image_is_not_sent(ec2: Ec2, wire: Wire) -> None:
    with pytest.raises(ValueError, match="image"):
        ec2.perform(LAUNCH)
    assert wire.names == []


def test_a_pool_is_what_carries_its_tag(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeInstances"] = [Answer(INSTANCES_XML)]
    wire.answers["DescribeKeyPairs"] = [Answer("<keySet><item><keyName>roost-demo</keyName></item></keySet>")]
    wire.answers["DescribeVolumes"] = [Answer("<volumeSet><item><volumeId>vol-1</volumeId></item></volumeSet>")]
    assert ec2.describe("demo") == Found(
        instances=(
            PoolInstance(
                id="i-9",
                role=Role.EXECUTION_POINT,
                state=InstanceState.RUNNING,
                instance_type="m7i.large",
                zone="us-east-1b",
                private_ip="172.31.0.9",
                public_ip="198.18.0.9",
                image_id="ami-00000000",
                launched_at=datetime(2026, 11, 20, 12, 0, tzinfo=UTC),
                launch="execution-point-1",
            ),
        ),
        groups=(Group(id=GROUP_ID, name="roost-demo", ingress=frozenset({FROM_ADA, FROM_MEMBERS})),),
        keys=("roost-demo",),
        volumes=("vol-1",),
    )
    assert set(wire.names) == {"DescribeInstances", "DescribeSecurityGroups", "DescribeKeyPairs", "DescribeVolumes"}
    for sent in wire.sent:
        assert (sent["Filter.1.Name"], sent["Filter.1.Value.1"]) == (f"tag:{POOL_TAG}", "demo")


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (rule_xml("tcp", "22", "22", cidr="192.0.2.7/32"), {FROM_ADA}),
        (rule_xml("tcp", "22", "22", cidr="0.0.0.0/0"), {Ingress(port=SSH_PORT, cidr="0.0.0.0/0")}),
        (rule_xml("tcp", "9618", "9618", group=GROUP_ID), {FROM_MEMBERS}),
        (rule_xml("tcp", "9618", "9618", group="sg-00000000000000002"), set()),  # not the members
        (rule_xml("tcp", "1", "9618", group=GROUP_ID), {Ingress(port=1, to_port=9618, cidr=None)}),
        (rule_xml("tcp", "40000", "40050", cidr="192.0.2.7/32"), {RANGE_FROM_ADA}),
        (rule_xml("udp", "22", "22", cidr="192.0.2.7/32"), set()),
        (rule_xml("-1", cidr="192.0.2.7/32"), set()),
        (rule_xml("icmp", "-1", "-1", cidr="0.0.0.0/0"), set()),
    ],
)
def test_the_rules_of_a_group_are_those_that_can_be_revoked(
    ec2: Ec2, wire: Wire, rule: str, expected: set[Ingress]
) -> None:
    """A rule that reads as another would be revoked in vain, and `up` would never get past it."""
    start, end = GROUPS_XML.index("<ipPermissions>"), GROUPS_XML.index("</ipPermissions>")
    wire.answers["DescribeSecurityGroups"] = [Answer(f"{GROUPS_XML[:start]}<ipPermissions>{rule}{GROUPS_XML[end:]}")]
    (group,) = ec2.describe("demo").groups
    assert group.ingress == expected


def test_a_pool_that_does_not_change_is_waited_for_so_long_and_no_longer(ec2: Ec2, wire: Wire, clock: Clock) -> None:
    before_s = clock.now_s
    with pytest.raises(WaitTimeoutError, match="within 10 s") as raised:
        for _ in ec2.changes("demo", timeout_s=10):
            pass
    assert "roost down demo" in raised.value.hint
    assert 10 < clock.now_s - before_s < 12
    assert len(wire.all("DescribeInstances")) > 5


def test_the_types_of_a_spec_are_looked_up_once_each(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeInstanceTypes"] = [
        Answer(
            "<instanceTypeSet><item><instanceType>c7i.large</instanceType><vCpuInfo><defaultVCpus>2</defaultVCpus>"
            "</vCpuInfo><memoryInfo><sizeInMiB>4096</sizeInMiB></memoryInfo></item></instanceTypeSet>"
        )
    ]
    assert ec2.region.shapes(["c7i.large", "c7i.large"]) == {"c7i.large": Shape(cpus=2, memory_mib=4096)}
    assert [value for key, value in wire.one("DescribeInstanceTypes").items() if key.startswith("InstanceType.")] == [
        "c7i.large"
    ]


IMAGES_XML = "<imagesSet>{}</imagesSet>"
IMAGE_XML = (
    "<item><imageId>{}</imageId><imageState>{}</imageState><creationDate>{}</creationDate><blockDeviceMapping><item>"
    "<ebs><snapshotId>snap-1</snapshotId><volumeSize>8</volumeSize></ebs></item></blockDeviceMapping>"
    "<tagSet><item><key>roost:recipe</key><value>abc</value></item>"
    "<item><key>roost:verified</key><value>{}</value></item></tagSet></item>"
)


def test_the_newest_of_our_own_images_that_is_proven_is_taken(ec2: Ec2, wire: Wire) -> None:
    rows = [
        ("ami-1", "available", "2026-11-01T00:00:00.000Z", "2026-11-01"),
        ("ami-5", "pending", "2026-11-05T00:00:00.000Z", "2026-11-05"),
        ("ami-4", "available", "2026-11-04T00:00:00.000Z", "no"),
        ("ami-3", "available", "2026-11-03T00:00:00.000Z", "2026-11-03"),
    ]
    wire.answers["DescribeImages"] = [Answer(IMAGES_XML.format("".join(IMAGE_XML.format(*row) for row in rows)))]
    image = Images(ec2).usable("abc")
    assert image is not None
    assert (image.id, image.snapshots, image.size_gib) == ("ami-3", ("snap-1",), 8)
    assert wire.one("DescribeImages")["Owner.1"] == "self"  # anybody may publish an image with our tag's name
    assert Images(ec2).usable("def") is None


@pytest.mark.parametrize("reboot", [True, False])
def test_an_image_and_its_snapshots_are_tagged_in_the_call(ec2: Ec2, wire: Wire, reboot: bool) -> None:
    wire.answers["CreateImage"] = [Answer("<imageId>ami-1</imageId>")]
    made = Images(ec2).create("i-1", name="roost-a", description="d", tags={POOL_TAG: "demo"}, reboot=reboot)
    assert made == "ami-1"
    sent = wire.one("CreateImage")
    assert sent["NoReboot"] == str(not reboot).lower()
    assert {sent[f"TagSpecification.{n}.ResourceType"] for n in (1, 2)} == {"image", "snapshot"}
    assert {sent[f"TagSpecification.{n}.Tag.1.Value"] for n in (1, 2)} == {"demo"}


def test_an_image_that_is_gone_is_not_deregistered(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeImages"] = [Answer(IMAGES_XML.format(""))]
    Images(ec2).deregister("ami-1")
    assert "DeregisterImage" not in wire.names
    assert wire.one("DescribeImages")["Filter.1.Value.1"] == "ami-1"


@pytest.mark.parametrize(
    "asked",
    [
        lambda ec2: ec2.describe("demo"),
        lambda ec2: ec2.pools(),
        lambda ec2: ec2.console("i-1"),
        lambda ec2: ec2.region.shapes(["c7i.large"]),
        lambda ec2: ec2.perform(DeleteKey(name="roost-demo")),
    ],
    ids=["describe", "pools", "console", "shapes", "perform"],
)
def test_a_refusal_is_an_error_of_ours(ec2: Ec2, wire: Wire, asked: Callable[[Ec2], object]) -> None:
    names = ["Instances", "SecurityGroups", "InstanceTypes"]
    wire.answers = {f"Describe{name}": [refused("UnauthorizedOperation")] for name in names}
    wire.answers |= {name: [refused("UnauthorizedOperation")] for name in ("GetConsoleOutput", "DeleteKeyPair")}
    with pytest.raises(CloudError, match=r"could not .*: no \(UnauthorizedOperation\)"):
        asked(ec2)


def image_xml(image_id: str, made: str, *, root: str = "/dev/xvda") -> str:
    return (
        f"<item><imageId>{image_id}</imageId><name>debian-13-arm64-{made}</name><rootDeviceName>{root}</rootDeviceName>"
        f"<creationDate>{made}T00:00:00.000Z</creationDate></item>"
    )


@pytest.mark.parametrize(("architecture", "name"), [("x86_64", "debian-13-amd64-*"), ("arm64", "debian-13-arm64-*")])
def test_debians_own_image_is_the_newest_of_its_owner(ec2: Ec2, wire: Wire, architecture: str, name: str) -> None:
    images = image_xml("ami-1", "2025-08-11") + image_xml("ami-3", "2026-03-30") + image_xml("ami-2", "2025-12-01")
    wire.answers["DescribeImages"] = [Answer(f"<imagesSet>{images}</imagesSet>")]
    assert ec2.region.base_image(architecture) == FoundImage(
        id="ami-3", name="debian-13-arm64-2026-03-30", root_device="/dev/xvda"
    )
    sent = wire.one("DescribeImages")
    filters = {sent[f"Filter.{number}.Name"]: sent[f"Filter.{number}.Value.1"] for number in range(1, 6)}
    assert sent["Owner.1"] == "136693071363"
    assert (filters["name"], filters["architecture"], filters["state"]) == (name, architecture, "available")


def test_a_region_without_debians_image(ec2: Ec2, wire: Wire) -> None:
    wire.answers["DescribeImages"] = [Answer("<imagesSet/>")]
    assert ec2.region.base_image("x86_64") is None


@pytest.mark.parametrize(
    ("supported", "expected"), [(["i386", "x86_64"], "x86_64"), (["arm64"], "arm64"), (["x86_64_mac"], "x86_64_mac")]
)
def test_the_architecture_of_a_type(ec2: Ec2, wire: Wire, supported: list[str], expected: str) -> None:
    items = "".join(f"<item>{one}</item>" for one in supported)
    described = f"<item><processorInfo><supportedArchitectures>{items}</supportedArchitectures></processorInfo></item>"
    wire.answers["DescribeInstanceTypes"] = [Answer(f"<instanceTypeSet>{described}</instanceTypeSet>")]
    assert ec2.region.architecture("t3.micro") == expected
    assert wire.one("DescribeInstanceTypes")["InstanceType.1"] == "t3.micro"


def test_what_runs_is_counted_by_type_and_market(ec2: Ec2, wire: Wire) -> None:
    spot = INSTANCES_XML.replace("<instanceType>", "<instanceLifecycle>spot</instanceLifecycle><instanceType>")
    both = spot.replace("</reservationSet>", "") + INSTANCES_XML.replace("<reservationSet>", "")
    wire.answers["DescribeInstances"] = [Answer(both)]
    assert ec2.region.running() == {("m7i.large", True): 1, ("m7i.large", False): 1}
    sent = wire.one("DescribeInstances")
    assert (sent["Filter.1.Name"], sent["Filter.1.Value.2"]) == ("instance-state-name", "running")


@pytest.mark.parametrize(
    ("xml", "status"),
    [
        ("<item><regionName>eu-south-2</regionName><optInStatus>not-opted-in</optInStatus></item>", "not-opted-in"),
        ("<item><regionName>eu-south-2</regionName></item>", "opt-in-not-required"),
        ("", None),
    ],
)
def test_whether_a_region_is_enabled(ec2: Ec2, wire: Wire, xml: str, status: str | None) -> None:
    wire.answers["DescribeRegions"] = [Answer(f"<regionInfo>{xml}</regionInfo>")]
    assert ec2.region.opt_in_status("eu-south-2") == status
    sent = wire.one("DescribeRegions")
    assert (sent["AllRegions"], sent["Filter.1.Value.1"]) == ("true", "eu-south-2")
