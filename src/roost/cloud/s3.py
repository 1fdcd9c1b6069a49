"""shell (boto3): S3, as far as a pool needs to know of it: is the bucket there, and where?

The bucket is its owner's: it is neither made nor deleted here, since what is in it outlives a pool.
"""

from typing import Any

from roost.cloud.clients import Access, open_client, translated


def bucket_region(access: Access, bucket: str) -> str:
    """Raises CloudError where the bucket is not there, or not for us."""
    client: Any = open_client("s3", access)
    with translated(f"look at the bucket {bucket}"):
        answer = client.get_bucket_location(Bucket=bucket)
    # API reference, GetBucketLocation: none for the oldest region, and EU for another old one
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(answer.get("LocationConstraint")) or str(
        answer["LocationConstraint"]
    )
