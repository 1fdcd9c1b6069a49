"""The instance metadata service, answer by answer."""

import base64
import json
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from localec2_records import group, instance

from localec2.metadata import (
    MAX_TTL_S,
    Answer,
    Request,
    RoleCredentials,
    SpotNotice,
    Subject,
    Tree,
    answer,
    metadata_tree,
    new_token,
    token_holds,
)
from localec2.model import MetadataOptions

SECRET = b"secret"
NOW = 1_700_000_000.0
V2_ONLY = MetadataOptions(http_tokens="required", hop_limit=2)


def ask(
    path: str, subject: Subject | None = None, *, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Answer:
    asking = subject or Subject(instance=instance(), account_id="000000000000", groups=[group("sg-1", name="pool")])
    request = Request(method=method, path=path, headers=headers or {})
    return answer(request, asking, secret=SECRET, now=NOW)


def of(**changes: object) -> Subject:
    return Subject(instance=instance(**changes), account_id="000000000000", groups=[group("sg-1", name="pool")])


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/latest/meta-data/instance-id", "i-0123456789abcdef0"),
        ("/2021-03-23/meta-data/instance-id", "i-0123456789abcdef0"),
        ("/latest/meta-data/local-ipv4/", "172.31.0.10"),
        ("/latest/meta-data/public-ipv4", "198.18.0.20"),
        ("/latest/meta-data/public-hostname", "ec2-198-18-0-20.compute-1.amazonaws.com"),
        ("/latest/meta-data/hostname", "ip-172-31-0-10.ec2.internal"),
        ("/latest/meta-data/placement/availability-zone", "us-east-1a"),
        ("/latest/meta-data/security-groups", "pool"),
        ("/latest/meta-data/network/interfaces/macs/02:00:ac:1f:00:0a/security-group-ids", "sg-1"),
        ("/latest/meta-data/network/interfaces/macs/02:00:ac:1f:00:0a/ipv4-associations/198.18.0.20", "172.31.0.10"),
        ("/latest/meta-data/network/interfaces/macs/", "02:00:ac:1f:00:0a/"),
        ("/latest/", "dynamic\nmeta-data"),
    ],
)
def test_items(path: str, expected: str) -> None:
    found = ask(path)
    assert (found.status, found.body.decode()) == (200, expected)


@pytest.mark.parametrize(
    "path",
    [
        "/latest/user-data",
        "/latest/meta-data/nothing",
        "/1999-01-01/meta-data/",
        "/latest/meta-data/instance-id/deeper",
        "/latest/meta-data/public-keys/",
        "/latest/meta-data/iam/info",
        "/latest/meta-data/spot/instance-action",
        "/latest/meta-data/events/recommendations/rebalance",
        "/latest/meta-data/tags/instance",
    ],
)
def test_what_the_instance_does_not_have_is_not_found(path: str) -> None:
    assert ask(path).status == 404


def test_no_public_address_no_item() -> None:
    assert ask("/latest/meta-data/public-ipv4", of(public_ip=None)).status == 404


def test_user_data_is_given_back_as_bytes() -> None:
    found = ask("/latest/user-data", of(user_data=base64.b64encode(b"#!/bin/sh\n\x00\xff").decode()))
    assert (found.body, found.content_type) == (b"#!/bin/sh\n\x00\xff", "application/octet-stream")


def test_the_key_pair() -> None:
    subject = of(key_name="mine", public_key="ssh-ed25519 AAAA\n")
    assert ask("/latest/meta-data/public-keys/", subject).body == b"0=mine"
    assert ask("/latest/meta-data/public-keys/0/openssh-key", subject).body == b"ssh-ed25519 AAAA mine"


def test_tags_only_where_enabled_and_without_those_of_aws() -> None:
    subject = of(metadata=MetadataOptions(instance_tags="enabled"), tags={"a": "1", "aws:x": "2"})
    assert ask("/latest/meta-data/tags/instance", subject).body == b"a"
    assert ask("/latest/meta-data/tags/instance/a", subject).body == b"1"


def test_the_identity_document() -> None:
    document = json.loads(ask("/latest/dynamic/instance-identity/document").body)
    assert (document["instanceId"], document["region"]) == ("i-0123456789abcdef0", "us-east-1")


def test_role_credentials() -> None:
    credentials = RoleCredentials(
        role_name="head",
        access_key_id="ASIA1",
        secret_access_key="s",
        token="t",
        updated_at=NOW,
        expires_at=NOW + 3600,
    )
    subject = Subject(
        instance=instance(profile_arn="arn:aws:iam::000000000000:instance-profile/head", profile_id="AIPA1"),
        account_id="000000000000",
        credentials=credentials,
    )
    assert ask("/latest/meta-data/iam/security-credentials/", subject).body == b"head"
    document = json.loads(ask("/latest/meta-data/iam/security-credentials/head", subject).body)
    assert (document["AccessKeyId"], document["Expiration"]) == ("ASIA1", "2023-11-14T23:13:20Z")


def test_a_spot_notice() -> None:
    notice = SpotNotice(action="terminate", action_at=NOW, rebalance_at=NOW)
    subject = Subject(instance=instance(lifecycle="spot"), account_id="000000000000", spot=notice)
    assert json.loads(ask("/latest/meta-data/spot/instance-action", subject).body) == {
        "action": "terminate",
        "time": "2023-11-14T22:13:20Z",
    }
    assert ask("/latest/meta-data/spot/termination-time", subject).body == b"2023-11-14T22:13:20Z"
    assert b"noticeTime" in ask("/latest/meta-data/events/recommendations/rebalance", subject).body


@pytest.mark.parametrize(
    ("method", "path", "headers", "options", "status"),
    [
        ("GET", "/latest/meta-data/", {}, MetadataOptions(), 200),
        ("GET", "/latest/meta-data/", {}, V2_ONLY, 401),
        ("GET", "/latest/meta-data/", {"x-aws-ec2-metadata-token": "forged"}, MetadataOptions(), 401),
        ("GET", "/latest/meta-data/", {}, MetadataOptions(http_endpoint="disabled"), 403),
        ("PUT", "/latest/api/token", {}, V2_ONLY, 400),
        ("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "0"}, V2_ONLY, 400),
        ("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "21601"}, V2_ONLY, 400),
        ("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "sixty"}, V2_ONLY, 400),
        ("PUT", "/latest/api/token", {"x-aws-ec2-metadata-token-ttl-seconds": "60"}, V2_ONLY, 200),
        (
            "PUT",
            "/latest/api/token",
            {"x-aws-ec2-metadata-token-ttl-seconds": "60", "x-forwarded-for": "1.2.3.4"},
            V2_ONLY,
            403,
        ),
        ("PUT", "/latest/meta-data/", {"x-aws-ec2-metadata-token-ttl-seconds": "60"}, V2_ONLY, 405),
        ("POST", "/latest/meta-data/", {}, MetadataOptions(), 405),
    ],
)
def test_who_may_read(method: str, path: str, headers: dict[str, str], options: MetadataOptions, status: int) -> None:
    assert ask(path, of(metadata=options), method=method, headers=headers).status == status


def test_a_token_opens_what_is_v2_only_and_travels_no_further_than_the_hop_limit() -> None:
    subject = of(metadata=V2_ONLY)
    token = ask(
        "/latest/api/token", subject, method="PUT", headers={"x-aws-ec2-metadata-token-ttl-seconds": str(MAX_TTL_S)}
    )
    assert token.hop_limit == 2
    headers = {"x-aws-ec2-metadata-token": token.body.decode()}
    assert ask("/latest/meta-data/ami-id", subject, headers=headers).status == 200
    other = of(id="i-0fffffffffffffff0", metadata=V2_ONLY)
    assert ask("/latest/meta-data/ami-id", other, headers=headers).status == 401


def test_a_token_ends() -> None:
    token = new_token("i-1", NOW + 10, secret=SECRET)
    assert token_holds(token, "i-1", secret=SECRET, now=NOW + 9)
    assert not token_holds(token, "i-1", secret=SECRET, now=NOW + 11)
    assert not token_holds(token, "i-1", secret=b"another", now=NOW)


@given(st.text(max_size=90))
def test_any_other_text_is_no_token(text: str) -> None:
    assert not token_holds(text, "i-1", secret=SECRET, now=NOW)


def test_whatever_a_listing_names_can_be_fetched() -> None:
    """cloud-init fetches the whole tree and takes a 404 for a failure."""
    subject = of(key_name="mine", public_key="ssh-ed25519 AAAA", user_data="eA==")

    def paths(tree: Tree, prefix: str) -> list[str]:
        return [
            path
            for name, node in tree.items()
            for path in ([f"{prefix}/{name}"] if isinstance(node, str) else paths(node, f"{prefix}/{name}"))
        ]

    found = paths(metadata_tree(subject), "/latest")
    assert len(found) > 40
    assert {ask(path, subject).status for path in found} == {200}
