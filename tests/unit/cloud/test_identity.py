"""Who we are to AWS, in STS's words."""

from typing import Any

import pytest
from test_requests import Answer, Wire

from roost.cloud.clients import BRIEF, Access, open_client
from roost.cloud.identity import whoami
from roost.cloud.permissions import Identity
from roost.errors import CloudError

ACCESS = Access(region="us-east-1", endpoint_url="http://sts.invalid", credentials=("an-id", "a-secret"))
ARN = "arn:aws:iam::123456789012:user/ada"


def asked(answer: Answer) -> tuple[Any, Wire]:
    client = open_client("sts", ACCESS, config=BRIEF)
    wire = Wire(answers={"GetCallerIdentity": [answer]})
    client.meta.events.register("before-send.sts", wire)
    return client, wire


def test_who_we_are() -> None:
    said = f"<Arn>{ARN}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>"
    client, wire = asked(Answer(f"<GetCallerIdentityResult>{said}</GetCallerIdentityResult>"))
    assert whoami(ACCESS, client=client) == Identity(account="123456789012", arn=ARN)
    assert wire.names == ["GetCallerIdentity"]


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidClientTokenId"])
def test_credentials_that_are_no_good(code: str) -> None:
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>no</Message></Error>"
    client, _ = asked(Answer(error, status=403))
    with pytest.raises(CloudError, match=code) as raised:
        whoami(ACCESS, client=client)
    assert "aws sts get-caller-identity" in raised.value.hint
