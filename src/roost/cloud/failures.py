"""pure: what EC2 (or botocore on its behalf) says -> the error whose class says what the user can do about it."""

import re
from dataclasses import dataclass

from roost.cloud.families import quota
from roost.errors import CloudError, NotFoundError, RefusedError, RoostError, UsageError


@dataclass(frozen=True, slots=True)
class _Known:
    codes: str  # a pattern that has to match the whole code
    error: type[RoostError]
    hint: str


_QUOTA = r"VcpuLimitExceeded|InstanceLimitExceeded|MaxSpotInstanceCountExceeded"
# The first that fits counts. Codes: EC2 API reference, "Error codes for the Amazon EC2 API"; botocore's by class name.
_KNOWN = (
    _Known(
        r"ProfileNotFound",
        CloudError,
        "aws configure list-profiles   (AWS_PROFILE names one of them, or nothing: unset AWS_PROFILE)",
    ),
    _Known(
        r"SSO.*|UnauthorizedSSOTokenError|TokenRetrievalError|NoAuthTokenError",
        CloudError,
        "aws sso login   (for the profile in AWS_PROFILE; its session has ended, or never begun)",
    ),
    _Known(
        r"Login.*", CloudError, "aws login   (for the profile in AWS_PROFILE; its session has ended, or never begun)"
    ),
    _Known(
        r"Config.*|InvalidConfigError|InfiniteLoopConfigError|CredentialRetrievalError|UnknownCredentialError",
        CloudError,
        "aws sts get-caller-identity   (until that works: correct ~/.aws/config, or what AWS_PROFILE names in it)",
    ),
    _Known(
        r"NoCredentialsError|PartialCredentialsError",
        CloudError,
        "aws configure   (or set AWS_PROFILE; with `cloud: local` no account is needed)",
    ),
    _Known(
        r"AuthFailure|InvalidClientTokenId|SignatureDoesNotMatch|RequestExpired|ExpiredToken",
        CloudError,
        "aws sts get-caller-identity   (the credentials are not accepted; an expired session, or a wrong clock)",
    ),
    _Known(
        r"OperationNotPermitted",
        RefusedError,
        "aws ec2 modify-instance-attribute --no-disable-api-termination --instance-id ID   (it is protected)",
    ),
    _Known(
        r"UnauthorizedOperation|AccessDenied.*",
        CloudError,
        "let the account's administrator allow this EC2 action to your user or role",
    ),
    _Known(
        r"EndpointConnectionError|ConnectTimeoutError|ConnectionClosedError|ReadTimeoutError|HTTPClientError|ProxyConnectionError",
        CloudError,
        "roost local start   (with `cloud: aws`: look at the network and the region)",
    ),
    _Known(_QUOTA, RefusedError, "roost check   (compares the account's quotas with what pool.yml asks for)"),
    _Known(
        r"InsufficientInstanceCapacity|Unsupported|InsufficientHostCapacity",
        RefusedError,
        "add more instance types to `workers: {type: [...]}`, or try another region",
    ),
    _Known(
        r"InvalidGroup\.Duplicate|InvalidKeyPair\.Duplicate",
        UsageError,
        "choose another `name:` in pool.yml; one of that name exists and is not of this pool",
    ),
    _Known(r"InvalidInstanceType.*|InvalidParameterValue", UsageError, "correct the value in pool.yml"),
    _Known(r"InvalidInstanceID\..*", NotFoundError, "roost status   (shows the instances of a pool)"),
    _Known(r"InvalidAMIID\..*", NotFoundError, "correct `image: {id: ...}` in pool.yml, or leave it out"),
    _Known(r"InvalidSubnetID?\..*", NotFoundError, "correct `subnet:` in pool.yml, or leave it out"),
    _Known(r"OptInRequired|PendingVerification", CloudError, "finish the set-up of the AWS account in its console"),
    _Known(r"RequestLimitExceeded|Throttling.*", CloudError, "wait a minute and type the same again"),
    _Known(
        r"VPCIdNotSpecified|DefaultVpcDoesNotExist",
        CloudError,
        "aws ec2 create-default-vpc   (or name a subnet of yours in pool.yml: `subnet: subnet-...`)",
    ),
)


def failure(what: str, *, code: str, message: str, instance_type: str = "") -> RoostError:
    """`instance_type` is that of a launch: it says which quota counts.

    >>> failure("launch", code="VcpuLimitExceeded", message="no").exit_code
    6
    """
    if instance_type and re.fullmatch(_QUOTA, code):
        return _over_quota(what, code=code, instance_type=instance_type)
    said = re.sub(r"\s+", " ", message).strip().rstrip(".")
    text = f"could not {what}: {said} ({code})"
    for known in _KNOWN:
        if re.fullmatch(known.codes, code):
            return known.error(text, known.hint)
    return CloudError(text, "type the same again; what has been made is found again by its tags")


def _over_quota(what: str, *, code: str, instance_type: str) -> RefusedError:
    """Names the quota, and both ways to more of it; EC2's own words name neither."""
    wanted = quota(instance_type, is_spot=code == "MaxSpotInstanceCountExceeded")
    if wanted is None:
        return RefusedError(f"could not {what}: the account's quota for {instance_type} is used up ({code})", "")
    return RefusedError(
        f"could not {what}: the account's quota {wanted.name} ({wanted.code}, in vCPUs) is used up ({code})",
        f"ask for fewer, or raise it: {wanted.url}   or: aws service-quotas request-service-quota-increase "
        f"--service-code ec2 --quota-code {wanted.code} --desired-value 64",
    )
