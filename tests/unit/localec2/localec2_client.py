"""An EC2 client without a socket: requests as botocore writes them, answers as botocore reads them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from localec2 import protocol
from localec2.api import create_app
from localec2.config import Config
from localec2.errors import Ec2Error
from localec2.instances import with_event
from localec2.lifecycle import Event
from localec2.model import Instance
from localec2.world import World

SCOPE = "AWS4-HMAC-SHA256 Credential=ANY/20261120/{region}/{service}/aws4_request, SignedHeaders=host, Signature=none"


@dataclass
class Clock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Ec2:
    """The service, its records and its time; `call` raises `Ec2Error` for an error."""

    world: World
    clock: Clock = field(default_factory=Clock)
    config: Config = field(default_factory=lambda: Config(state_dir=Path("/nowhere"), port=5950))
    console: Callable[[str], str] = lambda instance_id: f"console of {instance_id}"

    def __post_init__(self) -> None:
        app = create_app(self.world, self.config, console=self.console, clock=self.clock, rng=Random(7))
        self.http = Client(app)

    def call(self, action: str, **params: Any) -> Any:
        answer = self.post(protocol.form(action, params))
        return protocol.read(action, answer.data, answer.status_code)

    def code(self, action: str, **params: Any) -> str:
        """The error's code."""
        with pytest.raises(Ec2Error) as raised:
            self.call(action, **params)
        return raised.value.code

    def post(self, form: dict[str, str], *, region: str = "", service: str = "ec2") -> TestResponse:
        region = region or self.config.region
        return self.http.post("/", data=form, headers={"Authorization": SCOPE.format(region=region, service=service)})

    def control(self, path: str, body: Any = None) -> Any:
        return self.http.post(f"/_localec2/{path}", json=body).json

    def image(self, name: str = "base") -> str:
        return str(self.control("images", {"name": name, "engine_ref": f"localhost/{name}:1"})["image_id"])

    def run(self, count: int = 1, **params: Any) -> list[str]:
        """Ids of new instances, still pending."""
        wanted = {"ImageId": self.image(), "InstanceType": "t3.medium", "MinCount": count, "MaxCount": count, **params}
        return [each["InstanceId"] for each in self.call("RunInstances", **wanted)["Instances"]]

    def running(self, count: int = 1, **params: Any) -> list[str]:
        ids = self.run(count, **params)
        self.happens(Event.BOOTED, ids)
        return ids

    def happens(self, event: Event, instance_ids: Sequence[str]) -> None:
        """What the reconciler would report."""
        for instance_id in instance_ids:
            self.world.put(with_event(self.record(instance_id), event, self.clock.now))

    def record(self, instance_id: str) -> Instance:
        found = self.world.get(Instance, instance_id)
        assert found is not None
        return found

    def change(self, instance_id: str, **changes: Any) -> None:
        self.world.put(replace(self.record(instance_id), **changes))

    def describe(self, instance_id: str) -> Any:
        return self.call("DescribeInstances", InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
