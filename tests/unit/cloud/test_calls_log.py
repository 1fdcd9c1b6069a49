"""Each call is noted where the environment says so: docs/iam-policy.json is made from that."""

from pathlib import Path

import pytest
from json_api import JsonApi

from roost.cloud import quotas
from roost.cloud.clients import BRIEF, Access, open_client

ACCESS = Access(region="us-east-1", endpoint_url="http://quotas.invalid", credentials=("an-id", "a-secret"))


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_a_call_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_asked_for: bool) -> None:
    log = tmp_path / "calls"
    monkeypatch.setenv("ROOST_CALLS_LOG", str(log) if is_asked_for else "")
    client = open_client("service-quotas", ACCESS, config=BRIEF)
    JsonApi.of(client).answers = [(200, {"Quota": {"Value": 32.0}})]
    for _ in range(2):
        quotas.vcpus(ACCESS, "L-1216C47A", client=client)
    noted = log.read_text().split() if log.exists() else []
    assert noted == ["servicequotas:GetServiceQuota"] * (2 if is_asked_for else 0)
