"""What we may do is asked by calls that EC2 only checks: each carries DryRun, and what the real one would carry."""

from typing import Any

import pytest
from test_requests import Answer, Wire, refused, tags_for

from roost.cloud import dry_run
from roost.cloud.clients import BRIEF, Access, open_client
from roost.cloud.dry_run import Trial
from roost.errors import CloudError, RoostError

ACCESS = Access(region="us-east-1", endpoint_url="http://ec2.invalid", credentials=("an-id", "a-secret"))
TRIAL = Trial(
    name="roost-demo",
    tags={"roost:pool": "demo"},
    image_id="ami-00000000",
    instance_type="c7i.large",
    vpc_id="vpc-1",
    subnet_id="subnet-1",
    group_id=None,
)
ACTIONS = ["CreateSecurityGroup", "ImportKeyPair", "RunInstances"]


@pytest.fixture
def asked() -> tuple[Any, Wire]:
    client = open_client("ec2", ACCESS, config=BRIEF)
    wire = Wire(answers={action: [refused("DryRunOperation")] for action in ACTIONS})
    client.meta.events.register("before-send.ec2", wire)
    return client, wire


def test_every_call_is_a_trial(asked: tuple[Any, Wire]) -> None:
    client, wire = asked
    answers = list(dry_run.answers(client, TRIAL))
    assert [one.action for one in answers] == [f"ec2:{action}" for action in ACTIONS]
    assert all(one.is_allowed for one in answers)
    assert [one["DryRun"] for one in wire.sent] == ["true"] * 3
    assert tags_for(wire.one("RunInstances"), "instance") == TRIAL.tags
    assert "SecurityGroupId.1" not in wire.one("RunInstances")
    assert wire.one("CreateSecurityGroup")["VpcId"] == "vpc-1"


def test_a_call_that_we_may_not_make(asked: tuple[Any, Wire]) -> None:
    client, wire = asked
    wire.answers["ImportKeyPair"] = [refused("UnauthorizedOperation")]
    assert [one.is_allowed for one in dry_run.answers(client, TRIAL)] == [True, False, True]


@pytest.mark.parametrize(("answer", "error"), [(refused("ExpiredToken"), CloudError), (Answer(), RoostError)])
def test_no_answer(asked: tuple[Any, Wire], answer: Answer, error: type[RoostError]) -> None:
    client, wire = asked
    wire.answers["CreateSecurityGroup"] = [answer]
    with pytest.raises(error):
        list(dry_run.answers(client, TRIAL))
