"""`roost gc` over the regions of an account: two that are EC2 on this machine, and all others of AWS, which refuse."""

import json
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from ec2_proxy import Ec2Proxy
from guarded_ec2 import guarded
from own_service import Localec2Service, localec2, started
from roost_cli import Roost

pytestmark = pytest.mark.local

HERE, THERE, CLOSED = "us-east-1", "eu-central-1", "us-west-2"


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Seen through one endpoint: a request goes to the region that it was signed for."""

    roost: Roost
    here: Localec2Service
    there: Localec2Service

    def gc(self, *options: str) -> Any:
        return self.roost("gc", "--cloud", "aws", "--pool", "left", *options)

    def left(self) -> dict[str, list[str]]:
        roosts = {region: replace(self.roost, service=one) for region, one in ((HERE, self.here), (THERE, self.there))}
        return {region: sorted(roost.left()) for region, roost in roosts.items()}


@pytest.fixture(scope="module")
def account(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    state_dir = tmp_path_factory.mktemp("another-region")
    try:
        there = started(state_dir, region=THERE)
        with (
            guarded(localec2_service) as here,
            guarded(there) as other,
            Ec2Proxy(here.endpoint_url, regions={THERE: other.endpoint_url}) as ec2,
        ):
            seen = {**localec2_service.env, "AWS_ENDPOINT_URL": ec2.endpoint_url}
            roost = Roost(service=replace(localec2_service, env=seen), directory=tmp_path_factory.mktemp("gc"))
            yield Account(roost=roost, here=localec2_service, there=there)
            assert [*here.refused, *other.refused] == []
    finally:
        localec2("stop", "--all", "--state-dir", str(state_dir))


@pytest.fixture
def things(account: Account) -> dict[str, str]:
    """Left behind: id -> region."""
    here, there = account.here.client(), account.there.client()
    volume = there.create_volume(
        AvailabilityZone=f"{THERE}a", Size=30, VolumeType="gp3", TagSpecifications=tags("volume")
    )
    there.create_security_group(GroupName="roost-left", Description="left", TagSpecifications=tags("security-group"))
    instances = here.run_instances(
        ImageId=account.here.image_id,
        InstanceType="c7i.large",
        MinCount=1,
        MaxCount=1,
        TagSpecifications=tags("instance"),
    )
    here.create_key_pair(KeyName="roost-left", TagSpecifications=tags("key-pair"))
    return {volume["VolumeId"]: THERE, instances["Instances"][0]["InstanceId"]: HERE, "roost-left": HERE}


def tags(kind: str) -> list[dict[str, Any]]:
    its = {"roost:pool": "left", "roost:owner": "somebody", "roost:expires-at": "2026-01-01T00:00:00+00:00"}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in its.items()]}]


def refuse(service: Localec2Service, *faults: dict[str, object]) -> None:
    request = urllib.request.Request(
        f"{service.endpoint_url}/_localec2/faults", data=json.dumps(faults).encode(), method="POST"
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        answer.read()


def test_found_in_two_regions_and_removed(account: Account, things: dict[str, str]) -> None:
    listed = account.gc("--json")
    assert listed.returncode == 8, listed.stderr
    said = json.loads(listed.stdout)
    found = {one["id"]: one for one in said["things"]}
    assert {id: found[id]["region"] for id in things} == things
    assert {(one["kind"], one["region"]) for one in found.values()} == {
        *(("instance", HERE), ("security group", THERE), ("volume", THERE), ("key pair", HERE))
    }
    instance, volume = (next(one for one in found.values() if one["kind"] == kind) for kind in ("instance", "volume"))
    assert instance["usd_per_day"] == pytest.approx(2.142)
    assert volume["usd_per_day"] == pytest.approx(0.08)
    assert all(one["created_at"] and one["is_expired"] for one in (instance, volume))
    # regions that refuse are told, and keep nobody from the others
    assert CLOSED in said["regions_not_asked"]
    assert not {HERE, THERE} & said["regions_not_asked"].keys()
    assert f"{CLOSED} could not be asked" in listed.stderr
    assert "it is not enabled for the account" in listed.stderr

    # one that fails in the middle, too
    no = {"action": "DeleteVolume", "code": "UnauthorizedOperation", "status": 403, "count": 9}
    refuse(account.there, no)
    partly = account.gc("--yes")
    refuse(account.there)
    assert partly.returncode == 8, partly.stderr
    assert f"this costs money: volume {volume['id']}" in partly.stderr
    assert instance["id"] in partly.stdout
    assert re.search(r"c7i\.large .* \d+ (s|min) +\$2\.14 ", partly.stdout), "its age, what it costs a day"
    assert account.left() == {HERE: [], THERE: [volume["id"]]}

    rest = account.gc("--yes")
    assert rest.returncode == 0, rest.stderr
    assert volume["id"] in rest.stdout
    assert account.left() == {HERE: [], THERE: []}
    nothing = account.gc("--yes")
    assert (nothing.returncode, nothing.stdout) == (0, "EC2 has nothing of Roost's that was asked for\n")


def test_a_region_that_was_named_and_could_not_be_asked(account: Account, things: dict[str, str]) -> None:
    done = account.gc("--yes", "--region", CLOSED, "--region", HERE, "--region", THERE)
    assert done.returncode == 4, done.stderr
    assert f"Error: {CLOSED} could not be asked" in done.stderr
    assert all(id in done.stdout for id in things)
    assert account.left() == {HERE: [], THERE: []}
    alone = account.gc("--yes", "--region", CLOSED)
    assert alone.returncode == 7, alone.stderr
    assert "AuthFailure" in alone.stderr


def test_down_where_nobody_tells_us_our_address(account: Account, things: dict[str, str]) -> None:
    """A firewall keeps us from asking; what costs money can be ended all the same."""
    closed = {**account.roost.service.env, "https_proxy": "http://127.0.0.1:9"}
    roost = replace(account.roost, service=replace(account.roost.service, env=closed))
    refused = roost("access", "refresh", "left", "--cloud", "aws")
    assert (refused.returncode, "ROOST_MY_ADDRESS" in refused.stderr) == (7, True), refused.stderr
    down = roost("down", "left", "--cloud", "aws", "--now", "--yes")
    assert down.returncode == 0, down.stderr
    assert "could not learn this machine's public address" in down.stderr
    assert account.left()[HERE] == []
    assert roost("gc", "--cloud", "aws", "--pool", "left", "--yes").returncode == 0
    assert account.left() == {HERE: [], THERE: []}
    assert things
