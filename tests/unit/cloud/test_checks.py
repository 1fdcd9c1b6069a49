"""What `roost check` says: each fact, and each error, as a sentence that is true or not, with its remedy."""

from datetime import UTC, datetime, timedelta

import pytest

from roost.boot.settings import Shape
from roost.cloud import checks
from roost.cloud.families import Quota, quota
from roost.cloud.manifest import Manifest, RoostImage
from roost.cloud.model import Subnet
from roost.cloud.permissions import Answer, Identity, answer
from roost.cloud.price import Rates
from roost.errors import CloudError
from roost.spec import PoolSpec, Workers

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SUBNET = Subnet(id="subnet-1", vpc_id="vpc-1", zone="us-east-1a", gives_public_addresses=True)
SHAPES = {
    "t3.medium": Shape(cpus=2, memory_mib=4096),
    "c7i.large": Shape(cpus=2, memory_mib=4096),
    "m7i.4xlarge": Shape(cpus=16, memory_mib=65536),
    "g6.xlarge": Shape(cpus=4, memory_mib=16384),
}
USER = "User: arn:aws:iam::123456789012:user/ada is not authorized to perform"
NEW_WORDS = "because no identity-based policy allows the action. Encoded authorization failure message: 4xF"


@pytest.mark.parametrize(
    ("apart", "is_true"),
    [
        (timedelta(0), True),
        (timedelta(seconds=60), True),
        (timedelta(seconds=61), False),
        (timedelta(seconds=-61), False),
        (timedelta(hours=1), False),
    ],
)
def test_the_clock(apart: timedelta, is_true: bool) -> None:
    check = checks.clock(NOW + apart, NOW)
    assert check.is_true is is_true
    assert bool(check.remedy) is not is_true


@pytest.mark.parametrize(
    ("status", "is_true", "remedy"),
    [
        ("opt-in-not-required", True, ""),
        ("opted-in", True, ""),
        ("not-opted-in", False, "aws account enable-region --region-name eu-south-2"),
        (None, False, "correct `region:`"),
    ],
)
def test_the_region(status: str | None, is_true: bool, remedy: str) -> None:
    check = checks.region("eu-south-2", status)
    assert check.is_true is is_true
    assert check.remedy.startswith(remedy)


def test_the_network() -> None:
    assert all(check.is_true for check in checks.network(SUBNET))
    private = Subnet(id="subnet-1", vpc_id="vpc-1", zone="us-east-1a", gives_public_addresses=False)
    there, public = checks.network(private)
    assert there.is_true
    assert (public.is_true, public.is_required) == (False, False)
    assert "modify-subnet-attribute --subnet-id subnet-1" in public.remedy


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", True),
        ("InvalidParameterValue", "no", True),
        ("UnauthorizedOperation", "You are not authorized to perform this operation.", False),
        ("AccessDenied", "no", False),
    ],
)
def test_the_answer_to_a_trial(code: str, message: str, expected: bool) -> None:
    assert answer("ec2:RunInstances", code=code, message=message).is_allowed is expected


@pytest.mark.parametrize(
    ("message", "action", "resource"),
    [
        (
            f"{USER}: ec2:CreateTags on resource: arn:aws:ec2:us-east-1:123456789012:instance/* {NEW_WORDS}",
            "ec2:CreateTags",
            "arn:aws:ec2:us-east-1:123456789012:instance/*",
        ),
        (f"{USER}: ec2:RunInstances {NEW_WORDS}", "ec2:RunInstances", ""),
        ("You are not authorized to perform this operation.", "ec2:RunInstances", ""),
    ],
)
def test_which_permission_is_missing(message: str, action: str, resource: str) -> None:
    refused = answer("ec2:RunInstances", code="UnauthorizedOperation", message=message)
    assert (refused.refused_action, refused.refused_resource) == (action, resource)
    check = checks.permission(refused, has_group=True)
    assert not check.is_true
    assert action in check.sentence
    assert "docs/iam-policy.json" in check.remedy


@pytest.mark.parametrize(
    ("kind", "has_group", "is_true"),
    [("security-group", False, True), ("security-group", True, False), ("subnet", False, False)],
)
def test_a_trial_without_a_group_of_the_pools(kind: str, has_group: bool, is_true: bool) -> None:
    refused = Answer(
        action="ec2:RunInstances",
        is_allowed=False,
        refused_action="ec2:RunInstances",
        refused_resource=f"arn:aws:ec2:us-east-1:123456789012:{kind}/x-1",
    )
    assert checks.permission(refused, has_group=has_group).is_true is is_true


def standard(instance_type: str = "c7i.large") -> Quota:
    its = quota(instance_type)
    assert its is not None
    return its


@pytest.mark.parametrize(
    ("types", "expected"),
    [
        (("c7i.large",), {"c7i.large": 3 * 2 + 2}),
        (("c7i.large", "m7i.4xlarge"), {"c7i.large": 3 * 16 + 2}),  # the largest that may be the one
        (("g6.xlarge", "c7i.large"), {"g6.xlarge": 3 * 4, "c7i.large": 3 * 2 + 2}),
    ],
)
def test_vcpus_that_are_wanted(types: tuple[str, ...], expected: dict[str, int]) -> None:
    spec = PoolSpec(workers=Workers(count=3, type=types))
    assert checks.wanted_vcpus(spec, SHAPES) == {standard(one): many for one, many in expected.items()}


def test_an_access_point_here_needs_none() -> None:
    spec = PoolSpec(access_point="here", workers=Workers(count=3, type=("c7i.large",)))
    assert checks.wanted_vcpus(spec, SHAPES) == {standard(): 6}


def test_an_image_says_what_it_is() -> None:
    manifest = Manifest(recipe="0a1b", condor_version="23.9.6", verified="2026-11-21T12:00:00+00:00")
    image = RoostImage(
        id="ami-1",
        name="roost-demo",
        state="available",
        state_reason="",
        made_at=NOW,
        root_device="/dev/xvda",
        size_gib=8,
        snapshots=(),
        manifest=manifest,
    )
    said = "there is an image for the pool: roost-demo (ami-1, HTCondor 23.9.6, proved to join on 2026-11-21)"
    assert checks.image(image).sentence == said


def test_vcpus_that_run() -> None:
    running = {("c7i.large", False): 3, ("c7i.large", True): 5, ("m7i.4xlarge", False): 1, ("x9.unknown", False): 7}
    spot = quota("c7i.large", is_spot=True)
    assert checks.running_vcpus(running, SHAPES) == {standard(): 3 * 2 + 16, spot: 10}


@pytest.mark.parametrize(("limit", "is_true"), [(32, True), (12, True), (11, False), (0, False)])
def test_a_quota(limit: float, is_true: bool) -> None:
    check = checks.vcpus(standard(), limit=limit, running=4, wanted=8)
    assert check.is_true is is_true
    assert "L-1216C47A" in check.sentence
    assert ("L-1216C47A" in check.remedy) is not is_true


def test_prices() -> None:
    rates = Rates(usd_per_hour={"c7i.large": 0.1}, note="list prices")
    assert checks.prices(["c7i.large"], rates).is_true
    unknown = checks.prices(["c7i.large", "x9.huge"], rates)
    assert not unknown.is_true
    assert not unknown.is_required
    assert "x9.huge" in unknown.sentence


def test_credentials() -> None:
    check = checks.credentials(Identity(account="123456789012", arn="arn:aws:iam::123456789012:user/ada"))
    assert check.is_true
    assert "123456789012" in check.sentence


def test_an_error_is_a_sentence_that_is_not_true() -> None:
    untrue = checks.denied("reach", "EC2 answers", CloudError("no answer from x: timed out", "look at the network"))
    assert (untrue.is_true, untrue.sentence) == (False, "EC2 answers: no answer from x: timed out")
    later = checks.not_asked("network", "instances have a network", untrue)
    assert (later.is_true, later.remedy) == (False, "look at the network")
    assert "because of reach" in later.sentence


@pytest.mark.parametrize("missing", [[], ["openssh-client"]])
def test_tools(missing: list[str]) -> None:
    check = checks.tools(["ssh", "ssh-keygen"], missing, "apt-get install openssh-client")
    assert check.is_true is not bool(missing)
    assert bool(check.remedy) is bool(missing)
