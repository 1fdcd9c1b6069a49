"""shell (boto3): S3, as far as pools and runs need it: is a bucket there, and where? Is an object, and by which URL?

What is in buckets is its owner's: nothing is made or deleted here.
"""

from dataclasses import replace
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from roost.cloud.clients import SIGNING, SIGNING_BY_PATH, Access, open_client, own_region, translated

LONGEST_S = 7 * 24 * 3600  # of a signature (S3 User Guide, "Sharing objects with presigned URLs")


def bucket_region(access: Access, bucket: str) -> str:
    """Raises CloudError where the bucket is not there, or not for us."""
    client: Any = open_client("s3", access)
    with translated(f"look at the bucket {bucket}"):
        answer = client.get_bucket_location(Bucket=bucket)
    # API reference, GetBucketLocation: none for the oldest region, and EU for another old one
    return {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}.get(answer.get("LocationConstraint")) or str(
        answer["LocationConstraint"]
    )


class Objects:
    """Of any buckets, as whoever calls roost: by the environment, a profile, a role, whatever cloud pools are on."""

    def __init__(self, access: Access | None = None) -> None:
        self._access = access or Access(region=own_region())
        self._client: Any = open_client("s3", self._access, config=SIGNING)
        self._config = SIGNING
        if not self.host.endswith((".amazonaws.com", ".amazonaws.com.cn")):
            self._config = SIGNING_BY_PATH
            self._client = open_client("s3", self._access, config=SIGNING_BY_PATH)
        self._clients: dict[str, Any] = {}  # by bucket, for it may be in another region
        self._lock = Lock()

    @property
    def host(self) -> str:
        """Of the server that is asked."""
        return str(urlsplit(self._client.meta.endpoint_url).hostname)

    def size(self, url: str) -> int:
        """In bytes, of the object at s3://BUCKET/KEY. Raises RoostError where it is not there, or not for us."""
        bucket, key = bucket_and_key(url)
        client = self._of(bucket)
        with translated(f"look at {url}"):
            return int(client.head_object(Bucket=bucket, Key=key)["ContentLength"])

    def signed(self, url: str, *, for_s: int) -> str:
        """A URL by which anybody may read it, for so long, or as long as the credentials that sign are good."""
        bucket, key = bucket_and_key(url)
        client = self._of(bucket)
        with translated(f"sign {url}"):
            return str(
                client.generate_presigned_url(
                    "get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=min(for_s, LONGEST_S)
                )
            )

    def _of(self, bucket: str) -> Any:
        """A client of the region that the bucket is in: what is signed for another one is refused."""
        with self._lock:
            if bucket not in self._clients:
                region = self._region(bucket)
                is_here = region in ("", self._access.region)
                elsewhere = replace(self._access, region=region)
                client = self._client if is_here else open_client("s3", elsewhere, config=self._config)
                self._clients[bucket] = client
            return self._clients[bucket]

    def _region(self, bucket: str) -> str:
        """S3 says so even where it says no (API reference, HeadBucket); other servers may say nothing."""
        with translated(f"look at the bucket {bucket}"):
            try:
                said = self._client.head_bucket(Bucket=bucket)
            except self._client.exceptions.ClientError as error:
                said = error.response
        return str(said["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", ""))


def bucket_and_key(url: str) -> tuple[str, str]:
    """
    >>> bucket_and_key("s3://results/in/a b.fa")
    ('results', 'in/a b.fa')
    """
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key
