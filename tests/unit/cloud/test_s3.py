"""A pool's bucket against moto's S3: where it is, and that it is there."""

from typing import Any

import boto3
import pytest
from moto import mock_aws

from roost.cloud.clients import Access
from roost.cloud.s3 import bucket_region
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
