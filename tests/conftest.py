"""What all tests share: each call that Roost makes to AWS is noted, and has to be in docs/iam-policy.json."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from iam_policy import recorded


@pytest.fixture(scope="session", autouse=True)
def _calls_are_in_the_policy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before = os.environ.get("ROOST_CALLS_LOG")
    log = Path(before) if before else tmp_path_factory.mktemp("calls") / "calls"
    os.environ["ROOST_CALLS_LOG"] = str(log)
    yield
    if before is None:
        del os.environ["ROOST_CALLS_LOG"]
    made = set(log.read_text().split()) if log.exists() else set()
    unknown = sorted(made - set(recorded()))
    # whoever records writes the policy next
    assert before or not unknown, f"not in docs/iam-policy.json: {', '.join(unknown)}; see scripts/iam_policy.py"
