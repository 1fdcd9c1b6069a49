"""shell (AWS Service Quotas): how many vCPUs an account may run at once."""

from typing import Any

import botocore.exceptions

from roost.cloud.clients import BRIEF, Access, open_client, translated

_SERVICE = "ec2"


def vcpus(access: Access, code: str, *, client: Any = None) -> float:
    """The quota of that code: the account's own, or AWS's default where it never asked for more.

    Raises RoostError where Service Quotas cannot be asked.
    """
    with translated(f"look up the quota {code}"):
        client = client or open_client("service-quotas", access, config=BRIEF)
        try:
            answer = client.get_service_quota(ServiceCode=_SERVICE, QuotaCode=code)
        except botocore.exceptions.ClientError as error:
            if error.response["Error"]["Code"] != "NoSuchResourceException":
                raise
            answer = client.get_aws_default_service_quota(ServiceCode=_SERVICE, QuotaCode=code)
    return float(answer["Quota"]["Value"])
