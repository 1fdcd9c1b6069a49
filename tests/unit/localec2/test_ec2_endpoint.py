"""What is whose: tags of both, moto's part and its state, faults, control paths, and errors that are never a page."""

import json
from pathlib import Path
from typing import Any

import pytest
from localec2_client import SCOPE, Ec2

from localec2.actions.table import ACTIONS, REFUSED
from localec2.config import Config
from localec2.moto_backend import Moto
from localec2.protocol import actions, knows
from localec2.world import World


def test_every_action_of_the_tables_is_ec2s() -> None:
    assert [name for name in (*ACTIONS, *REFUSED) if not knows(name)] == []
    assert REFUSED.isdisjoint(ACTIONS)


@pytest.mark.parametrize("action", [*sorted(REFUSED), "CreatePlacementGroup", "NoSuchAction", ""])
def test_what_is_not_there_is_an_ec2_error(ec2: Ec2, action: str) -> None:
    answer = ec2.post(
        {"Action": action, "Version": "2016-11-15", "GroupName": "x", "InstanceId": "i-0123456789abcdef0"}
    )
    assert (answer.status_code, answer.mimetype) == (400, "text/xml")
    assert b"<Code>InvalidAction</Code>" in answer.data


def test_no_action_of_ec2_is_answered_by_a_page(ec2: Ec2) -> None:
    answers = {name: ec2.post({"Action": name, "Version": "2016-11-15"}) for name in actions()}
    assert len(answers) > 700
    assert {name for name, answer in answers.items() if answer.mimetype != "text/xml"} == set()
    # Holes in moto, which a client meets as EC2's own InternalError; the second wants a library of another service.
    failed = {name for name, answer in answers.items() if answer.status_code == 500}
    assert failed <= {"AllocateHosts", "DescribeVpcEndpointServices"}


@pytest.mark.parametrize(
    ("action", "params", "code"),
    [
        ("DescribeSecurityGroups", {"Filters": [{"Name": "bogus", "Values": ["x"]}]}, "InvalidParameterValue"),
        ("DescribeVpcs", {"Filters": [{"Name": "bogus", "Values": ["x"]}]}, "InvalidParameterValue"),
        ("DescribeSecurityGroups", {"GroupIds": ["sg-0123456789abcdef0"]}, "InvalidGroup.NotFound"),
        ("DescribeKeyPairs", {"KeyNames": ["absent"]}, "InvalidKeyPair.NotFound"),
        ("DescribeInstanceTypes", {"InstanceTypes": ["t3.tiny"]}, "InvalidInstanceType"),
    ],
)
def test_errors_of_motos_part(ec2: Ec2, action: str, params: dict[str, Any], code: str) -> None:
    assert ec2.code(action, **params) == code


def test_another_region_is_not_here(ec2: Ec2) -> None:
    answer = ec2.post({"Action": "DescribeInstances", "Version": "2016-11-15"}, region="eu-west-1")
    assert answer.status_code == 401
    assert b"<Code>AuthFailure</Code>" in answer.data


def test_instance_types_come_in_pages(ec2: Ec2) -> None:
    first = ec2.call("DescribeInstanceTypes", MaxResults=100)
    second = ec2.call("DescribeInstanceTypes", MaxResults=100, NextToken=first["NextToken"])
    names = [each["InstanceType"] for page in (first, second) for each in page["InstanceTypes"]]
    assert len(names) == 200
    assert names == sorted(set(names))


def test_tags_of_all_resources(ec2: Ec2) -> None:
    (instance_id,) = ec2.run()
    record = ec2.record(instance_id)
    group = ec2.call("CreateSecurityGroup", GroupName="own", Description="own")["GroupId"]
    resources = [instance_id, record.volume_id, record.interface_id, record.image_id, group]
    ec2.call("CreateTags", Resources=resources, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    by_key = [{"Name": "key", "Values": ["a"]}]
    shown = ec2.call("DescribeTags", Filters=by_key)["Tags"]
    assert {each["ResourceId"]: each["ResourceType"] for each in shown} == {
        instance_id: "instance",
        record.volume_id: "volume",
        record.interface_id: "network-interface",
        record.image_id: "image",
        group: "security-group",
    }
    ec2.call("DeleteTags", Resources=resources, Tags=[{"Key": "a", "Value": "other"}, {"Key": "b"}])
    left = ec2.call("DescribeTags", Filters=[{"Name": "resource-id", "Values": [instance_id]}])["Tags"]
    assert [(each["Key"], each["Value"]) for each in left] == [("a", "1")]
    assert [
        each["ResourceId"] for each in ec2.call("DescribeTags", Filters=[{"Name": "tag:b", "Values": ["2"]}])["Tags"]
    ] == []


@pytest.mark.parametrize(
    ("resource", "tag", "code"),
    [
        ("i-0123456789abcdef0", "a", "InvalidInstanceID.NotFound"),
        ("ami-0123456789abcdef0", "a", "InvalidAMIID.NotFound"),
        ("i-0123456789abcdef0", "aws:a", "InvalidParameterValue"),
    ],
)
def test_tags_that_cannot_be(ec2: Ec2, resource: str, tag: str, code: str) -> None:
    assert ec2.code("CreateTags", Resources=[resource], Tags=[{"Key": tag, "Value": ""}]) == code


def test_the_state_of_both_survives_a_restart(tmp_path: Path) -> None:
    world = World(tmp_path / "world.sqlite")
    ec2 = Ec2(world=world)
    group = ec2.call("CreateSecurityGroup", GroupName="own", Description="own")["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "198.18.15.254/32"}]}
    ec2.call("AuthorizeSecurityGroupIngress", GroupId=group, IpPermissions=[rule])
    ec2.call("CreateKeyPair", KeyName="key")
    (instance_id,) = ec2.run(SecurityGroupIds=[group], KeyName="key", ClientToken="once")
    before, groups = ec2.describe(instance_id), world.groups()
    world.close()

    again = Ec2(world=World(tmp_path / "world.sqlite"))
    assert again.describe(instance_id) == before
    assert again.world.groups() == groups
    assert again.run(KeyName="key", SecurityGroupIds=[group], ClientToken="once") == [instance_id]
    again.world.close()


def test_a_new_world_has_nothing_of_an_old_one(ec2: Ec2) -> None:
    ec2.call("CreateKeyPair", KeyName="key")
    fresh = World(":memory:")
    Moto(fresh, Config(state_dir=Path("/nowhere"), port=5951))
    assert ec2.code("DescribeKeyPairs", KeyNames=["key"]) == "InvalidKeyPair.NotFound"
    fresh.close()


def test_the_default_group_admits_its_members(ec2: Ec2) -> None:
    (default,) = ec2.world.groups()
    assert [rule.group_ids for rule in default.ingress] == [(default.id,)]
    assert [rule.cidrs for rule in default.egress] == [("0.0.0.0/0",)]


def test_other_services_are_motos(ec2: Ec2) -> None:
    answer = ec2.post({"Action": "GetCallerIdentity", "Version": "2011-06-15"}, service="sts")
    assert b"<Account>000000000000</Account>" in answer.data


def test_an_object_of_s3(ec2: Ec2) -> None:
    signed = {"Authorization": SCOPE.format(region="us-east-1", service="s3")}
    for path, body in (("/bucket", b""), ("/bucket/an%20object", b"content")):
        assert ec2.http.put(path, data=body, headers=signed).status_code == 200
    assert ec2.http.get("/bucket/an%20object", headers=signed).data == b"content"
    assert ec2.http.head("/bucket/an%20object", headers=signed).content_length == len(b"content")
    assert ec2.http.get("/bucket/absent", headers=signed).status_code == 404


def test_a_json_service_refuses_in_json(ec2: Ec2) -> None:
    asked = {
        "Authorization": SCOPE.format(region="us-east-1", service="servicequotas"),
        "X-Amz-Target": "ServiceQuotasV20190624.NoSuchAction",
        "Content-Type": "application/x-amz-json-1.1",
    }
    answer = ec2.http.post("/", data="{}", headers=asked)
    assert (answer.status_code, answer.json["__type"]) == (400, "InvalidAction")


# ---- faults and control paths


def test_an_answer_lost_is_not_launched_twice(ec2: Ec2) -> None:
    asked = {"ImageId": ec2.image(), "InstanceType": "t3.medium", "MinCount": 1, "MaxCount": 1, "ClientToken": "once"}
    ec2.control("faults", [{"action": "RunInstances", "code": "Unavailable", "after": True}])
    assert ec2.code("RunInstances", **asked) == "Unavailable"
    assert len(_all(ec2)) == 1
    assert ec2.run(ClientToken="once") == [each["Instances"][0]["InstanceId"] for each in _all(ec2)]


def test_a_fault_takes_the_place_of_the_answer(ec2: Ec2) -> None:
    ec2.image()
    ec2.control("faults", [{"action": "RunInstances", "code": "RequestLimitExceeded", "match": "t3.medium"}])
    asked = {"ImageId": ec2.image(), "InstanceType": "t3.medium", "MinCount": 1, "MaxCount": 1}
    assert ec2.code("RunInstances", **asked) == "RequestLimitExceeded"
    assert _all(ec2) == []
    assert len(ec2.run()) == 1


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("faults", [{"cuont": 1}], 400),
        ("faults", {}, 400),
        ("capacity", {"t3.medium": "many"}, 400),
        ("spot-interrupt", {"instance_id": "i-0"}, 404),
        ("power", {"instance_id": "i-0", "do": "cut"}, 404),
        ("power", {"instance_id": "i-0"}, 400),
        ("ailments", [{"kind": "flu"}], 400),
        ("ailments", {}, 400),
        ("images", {"name": "x"}, 400),
        ("nothing", None, 404),
    ],
)
def test_bad_control_requests(ec2: Ec2, path: str, body: Any, status: int) -> None:
    answer = ec2.http.post(f"/_localec2/{path}", json=body)
    assert answer.status_code == status
    assert answer.json["error"]


def test_control_needs_json(ec2: Ec2) -> None:
    assert ec2.http.post("/_localec2/faults", data="{").status_code == 400


def test_status_and_own_address(ec2: Ec2) -> None:
    ec2.run(2)
    status = json.loads(ec2.http.get("/_localec2/status").data)
    assert status["instances"]["pending"] == 2
    assert ec2.http.get("/_localec2/myip").json == {"ip": "198.18.15.254", "cidr": "198.18.15.254/32"}


def test_an_image_by_its_name(ec2: Ec2) -> None:
    first = ec2.control("images", {"name": "base", "engine_ref": "localhost/a", "tags": {"k": "v"}})
    same = ec2.control("images", {"name": "base", "engine_ref": "localhost/a"})
    new = ec2.control("images", {"name": "base", "engine_ref": "localhost/b"})
    assert first == {"image_id": same["image_id"], "is_new": True}
    assert new["image_id"] != first["image_id"]
    (shown,) = ec2.call("DescribeImages", Filters=[{"Name": "name", "Values": ["base"]}])["Images"]
    assert shown["ImageId"] == new["image_id"]


def _all(ec2: Ec2) -> list[Any]:
    return list(ec2.call("DescribeInstances")["Reservations"])
