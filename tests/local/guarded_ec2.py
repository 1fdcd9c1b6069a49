"""EC2 on this machine as somebody sees it to whom docs/iam-policy.json is attached and nothing else.

EC2's own calls are judged, with the policy's conditions, and refused as EC2 would. Those of other services (EFS, EBS
direct, quotas, prices) are let through.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import iam
from botocore.exceptions import ClientError
from ec2_proxy import Ec2Proxy
from own_service import Localec2Service

from localec2.protocol import parameters

POLICY = json.loads((Path(__file__).parents[2] / "docs" / "iam-policy.json").read_text())


@contextmanager
def guarded(service: Localec2Service, *, looks: Sequence[str] = ()) -> Iterator["GuardedEc2"]:
    """`looks`: actions that somebody else may call who is not Roost."""
    guard = GuardedEc2(service, looks)
    with Ec2Proxy(service.endpoint_url, guard=guard.refusal) as proxy:
        guard.endpoint_url = proxy.endpoint_url
        yield guard


class GuardedEc2:
    def __init__(self, service: Localec2Service, looks: Sequence[str]) -> None:
        mine = {"Effect": "Allow", "Action": [*looks], "Resource": "*"}
        self._policy = {"Statement": [*POLICY["Statement"], mine]}
        self._client = service.client()
        self.endpoint_url = ""
        self.judged: set[str] = set()  # calls that were allowed
        self.refused: list[str] = []

    def refusal(self, body: bytes) -> str:
        form = dict(parse_qsl(body.decode(errors="replace"), keep_blank_values=True))
        action = form.get("Action", "")
        if not action or form.get("Version") != "2016-11-15":
            return ""
        said = iam.refused(self._policy, action, parameters(action, form), self._tags)
        if said:
            self.refused.append(said)
        else:
            self.judged.add(action)
        return said

    def _tags(self, kind: str, name: str) -> dict[str, str]:
        """What is not there has none, and whoever needs one may not touch it."""
        found: list[Any] = []
        if kind == "key-pair":
            with suppress(ClientError):
                found = self._client.describe_key_pairs(KeyNames=[name])["KeyPairs"][0].get("Tags", [])
        else:
            found = self._client.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]
        return {tag["Key"]: tag["Value"] for tag in found}
