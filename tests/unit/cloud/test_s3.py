"""A pool's bucket against moto's S3: where it is, and that it is there."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

from roost.cloud.clients import Access
from roost.cloud.s3 import Objects, bucket_region
from roost.errors import CloudError

ACCESS = Access(region="us-east-1", credentials=("an-id", "a-secret"))


@pytest.mark.parametrize("region", ["us-east-1", "eu-north-1"])
def test_a_bucket_says_where_it_is(region: str) -> None:
    with mock_aws():
        s3: Any = boto3.client("s3", region, aws_access_key_id="an-id", aws_secret_access_key="a-secret")
        there = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket="results", **there)
        assert bucket_region(ACCESS, "results") == region


def test_a_bucket_that_is_not_there() -> None:
    with mock_aws(), pytest.raises(CloudError, match="look at the bucket results"):
        bucket_region(ACCESS, "results")


def _objects(region: str = "us-east-1") -> Objects:
    return Objects(Access(region=region, credentials=("an-id", "a-secret")))


def test_an_object_says_how_large_it_is_and_is_signed_for_so_long() -> None:
    with mock_aws():
        s3: Any = boto3.client("s3", "us-east-1", aws_access_key_id="an-id", aws_secret_access_key="a-secret")
        s3.create_bucket(Bucket="results")
        s3.put_object(Bucket="results", Key="in/a b.fa", Body=b"acgt")
        there = _objects()
        assert there.size("s3://results/in/a b.fa") == 4
        with pytest.raises(CloudError, match=r"look at s3://results/none: Not Found \(404\)"):
            there.size("s3://results/none")
        signed = urlsplit(there.signed("s3://results/in/a b.fa", for_s=30 * 24 * 3600))
    assert (signed.scheme, signed.hostname, signed.path) == ("https", "results.s3.amazonaws.com", "/in/a%20b.fa")
    asked = parse_qs(signed.query)
    assert asked["X-Amz-Expires"] == [str(7 * 24 * 3600)]
    assert asked["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert "a-secret" not in signed.query


def test_a_server_of_ones_own() -> None:
    access = Access(region="us-east-1", endpoint_url="http://s3.example:9000", credentials=("an-id", "a-secret"))
    assert Objects(access).host == "s3.example"


def test_a_bucket_of_another_region_is_signed_for_that() -> None:
    with mock_aws():
        s3: Any = boto3.client("s3", "eu-north-1", aws_access_key_id="an-id", aws_secret_access_key="a-secret")
        s3.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-north-1"})
        s3.put_object(Bucket="far", Key="a", Body=b"a")
        there = _objects("us-east-1")
        assert there.size("s3://far/a") == 1
        signed = urlsplit(there.signed("s3://far/a", for_s=60))
    assert signed.hostname == "far.s3.eu-north-1.amazonaws.com"
    assert "/eu-north-1/s3/" in parse_qs(signed.query)["X-Amz-Credential"][0]
