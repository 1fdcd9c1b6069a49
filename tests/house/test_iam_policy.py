"""docs/iam-policy.json is what the recorded calls make, and the recorded calls are those of the source."""

import ast
import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, UnknownServiceError
from iam_policy import BY_SERVICE, CALLS, POLICY, RULES, TAGGED_IN_THE_CALL, actions, policy, recorded, text
from moto import mock_aws
from moto.core import set_initial_no_auth_action_count

CLOUD = Path(__file__).parents[2] / "src" / "roost" / "cloud"
HOW = "ROOST_CALLS_LOG=/tmp/calls ./test [the tests that make the call]; python scripts/iam_policy.py /tmp/calls"
SERVICES = {"ec2", "ebs", "efs", "pricing", "s3", "service-quotas", "sts"}
# EC2's limit for a customer managed policy, white space not counted
MOST_CHARACTERS = 6144


def _calls_of_the_source() -> dict[str, str]:
    """{action: where}: each method of a client, paginator or waiter that a room of `cloud` names."""
    session = botocore.session.get_session()
    models = {name: session.get_service_model(name) for name in SERVICES}
    called: dict[str, str] = {}
    rooms = {path: ast.parse(path.read_text()) for path in sorted(CLOUD.glob("*.py"))}
    opened = {path: set(_services(tree)) for path, tree in rooms.items()}
    for path, tree in rooms.items():
        names = set(_methods(tree))
        # a room that opens no client has been given one of EC2
        for service in opened[path] or ({"ec2"} if _speaks_to_aws(tree) else set()):
            model = models[service]
            for operation in model.operation_names:
                if xform_name(operation) in names:
                    called[f"{model.signing_name}:{operation}"] = path.name
            for waiter in _waiters(session, service):
                if xform_name(waiter) in names:
                    operation = _waiters(session, service)[waiter]["operation"]
                    called[f"{model.signing_name}:{operation}"] = path.name
    return called


def _speaks_to_aws(tree: ast.AST) -> bool:
    return any(isinstance(node, ast.ImportFrom) and node.module == "roost.cloud.clients" for node in ast.walk(tree))


def _services(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "open_client":
            first = node.args[0]
            assert isinstance(first, ast.Constant), "open_client is given a service by name"
            yield str(first.value)


def _methods(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield node.attr
            if node.attr in {"get_paginator", "get_waiter"}:
                continue
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in {"get_paginator", "get_waiter"}:
            yield ast.literal_eval(node.args[0])


def _waiters(session: Any, service: str) -> dict[str, Any]:
    try:
        return dict(session.get_waiter_model(service)._waiter_config)
    except UnknownServiceError:
        return {}


def test_every_call_of_the_source_is_recorded() -> None:
    of_source = _calls_of_the_source()
    missing = {call: where for call, where in of_source.items() if call not in recorded()}
    assert missing == {}, HOW


def test_nothing_is_recorded_that_nobody_calls() -> None:
    assert sorted(set(recorded()) - _calls_of_the_source().keys()) == [], f"take it out of {CALLS.name}"


def test_there_is_no_rule_for_what_nobody_calls() -> None:
    assert RULES.keys() - set(actions(recorded())) == set()


def test_what_only_the_user_can_add_is_a_statement_of_a_policy() -> None:
    """docs/aws.md's own: the role that `shared: {kind: s3, profile: ...}` gives to the access point."""
    page = (POLICY.parent / "aws.md").read_text()
    [found] = re.findall(r"^ {6}(\{\"Sid\".*?\}\})$", page, re.MULTILINE | re.DOTALL)
    statement = json.loads(found)
    assert (statement["Effect"], statement["Action"]) == ("Allow", "iam:PassRole")
    assert statement["Resource"].startswith("arn:aws:iam::ACCOUNT:role/")
    assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    with_it = {**_policy(), "Statement": [*_policy()["Statement"], statement]}
    assert len("".join(json.dumps(with_it).split())) <= MOST_CHARACTERS


def test_the_policy_is_the_generated_one() -> None:
    assert POLICY.read_text() == text(policy(recorded())), "python scripts/iam_policy.py"


def test_the_policy_allows_what_is_called_and_nothing_else() -> None:
    allowed = {action for statement in _policy()["Statement"] for action in statement["Action"]}
    assert allowed - set(TAGGED_IN_THE_CALL.values()) == set(actions(recorded())) - set(TAGGED_IN_THE_CALL.values())
    assert not [action for action in allowed if "*" in action]


def test_everything_that_changes_something_is_about_roosts_tag() -> None:
    by_service = {action for called in BY_SERVICE.values() for action in called}
    for statement in _policy()["Statement"]:
        assert statement["Effect"] == "Allow"
        if set(statement["Action"]) <= by_service:
            continue
        about = json.dumps(statement.get("Condition", {}))
        free = statement["Sid"] == "Look" or statement["Sid"].startswith("Any")
        assert free or "roost:pool" in about or "CreateAction" in about, statement["Sid"]
        if statement["Sid"].startswith("Any"):
            # what is only used: nothing of these kinds is made or changed by it
            kinds = {name.split(":")[-1] for name in statement["Resource"]}
            assert kinds <= {"image/*", "snapshot/*", "subnet/*", "vpc/*"}


def test_iam_takes_it() -> None:
    assert len("".join(POLICY.read_text().split())) <= MOST_CHARACTERS
    sids = [statement["Sid"] for statement in _policy()["Statement"]]
    assert len(set(sids)) == len(sids)
    assert all(sid.isalnum() for sid in sids)


def _policy() -> Any:
    return json.loads(POLICY.read_text())


def _outcome(call: str, keys: tuple[str, str]) -> str:
    """The error code that moto's EC2 (and other services) gives this user for that call; empty: none."""
    signing_name, _, operation = call.partition(":")
    client = _client(signing_name, keys)
    shape = client.meta.service_model.operation_model(operation).input_shape
    try:
        getattr(client, xform_name(operation))(**_least(shape))
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    except (NotImplementedError, KeyError):
        return "NotImplemented"  # after it was allowed; moto looks a spot request up without a check
    return ""


@cache
def _client(signing_name: str, keys: tuple[str, str]) -> Any:
    names = {botocore.session.get_session().get_service_model(one).signing_name: one for one in SERVICES}
    return boto3.client(
        names[signing_name],  # type: ignore[call-overload]
        region_name="us-east-1",
        aws_access_key_id=keys[0],
        aws_secret_access_key=keys[1],
        config=Config(retries={"total_max_attempts": 1}),
    )


def _least(shape: Any) -> Any:
    """The least that botocore takes for a request."""
    match shape.type_name if shape else "structure":
        case "structure":
            return {name: _least(shape.members[name]) for name in (shape.required_members if shape else ())}
        case "list":
            return [_least(shape.member)]
        case "string":
            return shape.enum[0] if shape.enum else "x" * max(1, shape.metadata.get("min", 1))
        case "integer" | "long" | "float" | "double":
            return 1
        case "boolean":
            return True
        case _:
            return b"x"


def _with_policy(statements: list[dict[str, Any]] | None, outcome: Callable[[tuple[str, str]], None]) -> None:
    """moto knows actions only: of a condition it knows nothing, and what a call is about is `*` to it."""

    with mock_aws():
        iam: Any = boto3.client("iam", region_name="us-east-1")
        iam.create_user(UserName="ada")
        if statements is not None:
            document = json.dumps({"Version": "2012-10-17", "Statement": statements})
            iam.put_user_policy(UserName="ada", PolicyName="roost", PolicyDocument=document)
        key = iam.create_access_key(UserName="ada")["AccessKey"]
        enforced: Any = set_initial_no_auth_action_count(0)
        enforced(outcome)((key["AccessKeyId"], key["SecretAccessKey"]))


DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
# moto has no Pricing API, and lets everybody see quotas, write snapshots and do with EFS what they like; who we are may
# always be asked
_NOT_GUARDED = {"ebs", "elasticfilesystem", "pricing", "servicequotas", "sts"}
KNOWN_TO_MOTO = [call for call in actions(recorded()) if call.partition(":")[0] not in _NOT_GUARDED]


@pytest.fixture
def _no_credentials_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_no_credentials_of_ours")
def test_the_policy_suffices_for_every_call() -> None:
    def refused(keys: tuple[str, str]) -> None:
        assert [call for call in KNOWN_TO_MOTO if _outcome(call, keys) in DENIED] == []

    _with_policy([{**one, "Resource": "*"} for one in _policy()["Statement"]], refused)


@pytest.mark.usefixtures("_no_credentials_of_ours")
def test_without_the_policy_every_call_is_refused() -> None:
    def allowed(keys: tuple[str, str]) -> None:
        assert [call for call in KNOWN_TO_MOTO if _outcome(call, keys) not in DENIED] == []

    _with_policy(None, allowed)


@pytest.mark.usefixtures("_no_credentials_of_ours")
@pytest.mark.parametrize("call", ["ec2:CreateVpc", "ec2:DeleteVpc", "ec2:CreateSubnet"])
def test_another_call_is_refused(call: str) -> None:
    def allowed(keys: tuple[str, str]) -> None:
        assert _outcome(call, keys) in DENIED

    _with_policy([{**one, "Resource": "*"} for one in _policy()["Statement"]], allowed)
