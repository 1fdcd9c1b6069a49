"""shell (AWS STS): who we are to AWS."""

from typing import Any

from roost.cloud.clients import BRIEF, Access, open_client, translated
from roost.cloud.permissions import Identity


def whoami(access: Access, *, client: Any = None) -> Identity:
    """Needs no permission. Raises CloudError for credentials that are not there, wrong or expired."""
    with translated("ask AWS who we are"):
        answer = (client or open_client("sts", access, config=BRIEF)).get_caller_identity()
    return Identity(account=answer["Account"], arn=answer["Arn"])
