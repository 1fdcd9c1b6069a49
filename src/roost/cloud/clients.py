"""shell (boto3): a client of one AWS service. Every room of `cloud` that speaks to AWS opens its own here.

In: who we are and where. Out: a client of botocore's, whose errors become ours in `translated`. Where the environment
names a file in ROOST_CALLS_LOG each call is noted there, which is what docs/iam-policy.json is made from.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import botocore.exceptions
import botocore.loaders
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader
from botocore.model import OperationModel

from roost.cloud.failures import failure

_CALLS_LOG = "ROOST_CALLS_LOG"
_PATIENT = Config(retries={"mode": "standard", "max_attempts": 6}, connect_timeout=10, read_timeout=60)
# For a call that has a next one to try; EC2 says InsufficientInstanceCapacity as HTTP 500, which botocore would repeat.
ONCE = Config(retries={"mode": "standard", "total_max_attempts": 1}, connect_timeout=10, read_timeout=60)
# For what can be done without: a price, a quota.
BRIEF = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=15)
STREAMS = 16  # of a service that takes many small pieces
PARALLEL = Config(
    retries={"mode": "standard", "max_attempts": 10},
    connect_timeout=10,
    read_timeout=60,
    max_pool_connections=STREAMS,
)
# Where nobody says so, botocore signs URLs of S3 the old way, and for a host without a region, which may send whoever
# calls on to another one, for which nothing is signed. A server of one's own has no name for each bucket.
SIGNING: Config = PARALLEL.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
SIGNING_BY_PATH: Config = SIGNING.merge(Config(s3={"addressing_style": "path"}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """How to reach AWS. None leaves it to boto3's own chain (environment, profile, instance role)."""

    region: str
    endpoint_url: str | None = None
    credentials: tuple[str, str] | None = None  # access key id, secret


def open_client(service: Any, access: Access, *, region: str | None = None, config: Config = _PATIENT) -> Any:
    """A client of a service by boto3's name for it, in another region than the pool's where that is said."""
    key, secret = access.credentials or (None, None)
    with translated(f"reach AWS ({service})"):
        session = botocore.session.Session()
        session.register_component("data_loader", _loader())
        client = session.create_client(
            service,
            region_name=region or access.region,
            endpoint_url=access.endpoint_url,
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=config,
        )
    client.meta.events.register("before-call", _noted)
    return client


def own_region() -> str:
    """That of the environment or the profile, whatever cloud pools are on; S3 says where a bucket is."""
    return boto3.Session().region_name or "us-east-1"


@cache
def _loader() -> Loader:
    """One for all clients: EC2's model is megabytes of JSON, an eighth of a second for each that reads it anew."""
    return botocore.loaders.create_loader()


def require_credentials(access: Access) -> None:
    """Raises CloudError where there are none. Asks nobody but, on an instance, its metadata."""
    if access.credentials:
        return
    what = "find AWS credentials"
    with translated(what):
        if boto3.Session(region_name=access.region).get_credentials() is None:
            raise botocore.exceptions.NoCredentialsError


@contextmanager
def translated(what: str) -> Iterator[None]:
    """botocore's errors as ours, with what was asked for."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        said = error.response["Error"]
        raise failure(what, code=said["Code"], message=said["Message"]) from error
    except botocore.exceptions.BotoCoreError as error:
        raise failure(what, code=type(error).__name__, message=str(error)) from error


def _noted(model: OperationModel, **_: object) -> None:
    """One line for each call, in the words of IAM: `ec2:RunInstances`."""
    path = os.environ.get(_CALLS_LOG)
    if not path:
        return
    line = f"{model.service_model.signing_name}:{model.name}\n"
    # One write to a file opened for appending: lines of several processes do not mix.
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)
