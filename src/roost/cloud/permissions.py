"""pure: who we are to AWS, and EC2's answer to a call that it was only to check -> may we?

Source: EC2 API Reference, "Common query parameters" (DryRun) and "Error codes".
"""

import re
from dataclasses import dataclass

_REFUSED = re.compile(r"not authorized to perform: (?P<action>[\w:]+)(?: on resource: (?P<resource>\S+))?")
# Nobody looked at what is allowed.
NO_ANSWER = {
    "AuthFailure",
    "ExpiredToken",
    "InternalError",
    "InvalidClientTokenId",
    "RequestExpired",
    "RequestLimitExceeded",
    "ServiceUnavailable",
    "SignatureDoesNotMatch",
    "Unavailable",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    account: str
    arn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    action: str  # as IAM calls it
    is_allowed: bool
    detail: str = ""
    refused_action: str = ""  # the permission that is missing, which may be another one (ec2:CreateTags)
    refused_resource: str = ""  # its ARN, where EC2 tells


def answer(action: str, *, code: str, message: str) -> Answer:
    """
    >>> answer("ec2:RunInstances", code="DryRunOperation", message="Request would have succeeded").is_allowed
    True
    >>> said = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/ada is not authorized to"
    >>> no = answer("ec2:RunInstances", code="UnauthorizedOperation", message=said +
    ...     " perform: ec2:CreateTags on resource: arn:aws:ec2:us-east-1:1:instance/* because no identity-based policy")
    >>> no.is_allowed, no.refused_action, no.refused_resource
    (False, 'ec2:CreateTags', 'arn:aws:ec2:us-east-1:1:instance/*')
    """
    if code == "DryRunOperation":
        return Answer(action=action, is_allowed=True)
    if code not in {"UnauthorizedOperation", "AccessDenied", "AccessDeniedException"}:
        # EC2 looks at what may be done before it looks at what is asked for
        return Answer(action=action, is_allowed=True, detail=f"EC2 would refuse it for another reason: {code}")
    found = _REFUSED.search(message)
    return Answer(
        action=action,
        is_allowed=False,
        refused_action=found["action"] if found else action,
        refused_resource=(found["resource"] or "") if found else "",
    )
