"""An AWS service that speaks JSON, in the network's place: botocore has checked each request against its own model."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders


@dataclass(slots=True)
class JsonApi:
    """Keeps every request; the last answer is given again and again."""

    answers: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    called: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, client: Any) -> "JsonApi":
        api = cls()
        client.meta.events.register("before-send", api)
        return api

    def __call__(self, request: AWSPreparedRequest, **_: object) -> AWSResponse:
        body: Any = request.body
        target: Any = request.headers["X-Amz-Target"]
        self.asked.append(json.loads(body))
        self.called.append((target.decode() if isinstance(target, bytes) else target).split(".")[-1])
        status, answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return AWSResponse(request.url, status, HTTPHeaders(), _Raw(json.dumps(answer).encode()))


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self._body
