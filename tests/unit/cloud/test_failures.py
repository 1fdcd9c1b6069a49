"""Every code that EC2 or botocore is known to say: its class, its exit code, and what the user is told to type."""

import pytest

from roost.cloud.failures import failure
from roost.errors import CloudError, NotFoundError, RefusedError, RoostError, UsageError


@pytest.mark.parametrize(
    ("code", "error", "exit_code", "told"),
    [
        ("NoCredentialsError", CloudError, 7, "aws configure"),
        ("PartialCredentialsError", CloudError, 7, "aws configure"),
        ("ProfileNotFound", CloudError, 7, "list-profiles"),
        ("TokenRetrievalError", CloudError, 7, "aws sso login"),
        ("UnauthorizedSSOTokenError", CloudError, 7, "aws sso login"),
        ("LoginRefreshRequired", CloudError, 7, "aws login"),
        ("ConfigParseError", CloudError, 7, "~/.aws/config"),
        ("CredentialRetrievalError", CloudError, 7, "~/.aws/config"),
        ("SSOTokenLoadError", CloudError, 7, "aws sso login"),
        ("AuthFailure", CloudError, 7, "aws sts get-caller-identity"),
        ("InvalidClientTokenId", CloudError, 7, "aws sts get-caller-identity"),
        ("SignatureDoesNotMatch", CloudError, 7, "clock"),
        ("RequestExpired", CloudError, 7, "aws sts get-caller-identity"),
        ("ExpiredToken", CloudError, 7, "aws sts get-caller-identity"),
        ("UnauthorizedOperation", CloudError, 7, "administrator"),
        ("AccessDenied", CloudError, 7, "administrator"),
        ("AccessDeniedException", CloudError, 7, "administrator"),
        ("EndpointConnectionError", CloudError, 7, "roost local start"),
        ("ConnectTimeoutError", CloudError, 7, "roost local start"),
        ("ConnectionClosedError", CloudError, 7, "roost local start"),
        ("ReadTimeoutError", CloudError, 7, "roost local start"),
        ("HTTPClientError", CloudError, 7, "roost local start"),
        ("ProxyConnectionError", CloudError, 7, "roost local start"),
        ("VcpuLimitExceeded", RefusedError, 6, "roost check"),
        ("InstanceLimitExceeded", RefusedError, 6, "roost check"),
        ("MaxSpotInstanceCountExceeded", RefusedError, 6, "roost check"),
        ("InsufficientInstanceCapacity", RefusedError, 6, "workers: {type: [...]}"),
        ("InsufficientHostCapacity", RefusedError, 6, "workers: {type: [...]}"),
        ("Unsupported", RefusedError, 6, "workers: {type: [...]}"),
        ("InvalidGroup.Duplicate", UsageError, 2, "choose another `name:`"),
        ("InvalidKeyPair.Duplicate", UsageError, 2, "choose another `name:`"),
        ("InvalidInstanceType", UsageError, 2, "pool.yml"),
        ("InvalidInstanceType.NotFound", UsageError, 2, "pool.yml"),
        ("InvalidParameterValue", UsageError, 2, "pool.yml"),
        ("InvalidInstanceID.NotFound", NotFoundError, 3, "roost status"),
        ("InvalidInstanceID.Malformed", NotFoundError, 3, "roost status"),
        ("InvalidAMIID.NotFound", NotFoundError, 3, "image: {id: ...}"),
        ("InvalidAMIID.Malformed", NotFoundError, 3, "image: {id: ...}"),
        ("InvalidAMIID.Unavailable", NotFoundError, 3, "image: {id: ...}"),
        ("OptInRequired", CloudError, 7, "console"),
        ("PendingVerification", CloudError, 7, "console"),
        ("RequestLimitExceeded", CloudError, 7, "wait a minute"),
        ("Throttling", CloudError, 7, "wait a minute"),
        ("ThrottlingException", CloudError, 7, "wait a minute"),
        ("InvalidSubnetID.NotFound", NotFoundError, 3, "`subnet:`"),
        ("InvalidSubnetID.Malformed", NotFoundError, 3, "`subnet:`"),
        ("VPCIdNotSpecified", CloudError, 7, "aws ec2 create-default-vpc"),
        ("DefaultVpcDoesNotExist", CloudError, 7, "aws ec2 create-default-vpc"),
        ("NobodyKnowsThisCode", CloudError, 7, "type the same again"),
        ("NotAuthFailure", CloudError, 7, "type the same again"),  # a code has to match as a whole
        ("", CloudError, 7, "type the same again"),
    ],
)
def test_a_code_says_what_can_be_done(code: str, error: type[RoostError], exit_code: int, told: str) -> None:
    raised = failure("launch 2 execution-points", code=code, message="EC2 says no.")
    assert type(raised) is error
    assert raised.exit_code == exit_code
    assert told in raised.hint
    assert raised.message == f"could not launch 2 execution-points: EC2 says no ({code})"


def test_what_ec2_says_is_one_line() -> None:
    raised = failure("launch", code="Unsupported", message=" Not in\n  this zone. ")
    assert raised.message == "could not launch: Not in this zone (Unsupported)"


@pytest.mark.parametrize(
    ("code", "instance_type", "quota"),
    [
        ("VcpuLimitExceeded", "c7i.large", "L-1216C47A"),
        ("InstanceLimitExceeded", "g6e.xlarge", "L-DB2E81BA"),
        ("MaxSpotInstanceCountExceeded", "c7i.large", "L-34B43A08"),
    ],
)
def test_a_launch_over_a_quota_names_it(code: str, instance_type: str, quota: str) -> None:
    error = failure("launch 2", code=code, message="EC2 names no quota", instance_type=instance_type)
    assert (error.exit_code, quota in error.message) == (6, True)
    assert f"servicequotas/home/services/ec2/quotas/{quota}" in error.hint
    assert f"--quota-code {quota}" in error.hint
