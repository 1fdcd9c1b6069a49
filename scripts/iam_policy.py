"""docs/iam-policy.json, the least that Roost needs on AWS, from the calls that the tests recorded.

    ROOST_CALLS_LOG=/tmp/calls ./test
    python scripts/iam_policy.py /tmp/calls

The first line notes each call that Roost makes (`roost.cloud.clients`), the second adds what is new to
docs/iam-calls.txt and writes the policy. Without an argument the policy is made from that table alone.
"""

import json
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
CALLS, POLICY = DOCS / "iam-calls.txt", DOCS / "iam-policy.json"
TAG = "roost:pool"


class Which(Enum):
    """What of a kind of resource an action may touch."""

    ANY = "Any"
    NEW = "New"  # made with the tag in the very call
    OURS = "Ours"  # carries the tag


ANY, NEW, OURS = Which
_EVERYTHING = "*"

# Action -> (kind of resource, which of them), by the Service Authorization Reference. Looking is free: see `_grants`.
RULES: dict[str, tuple[tuple[str, Which], ...]] = {
    "ec2:AuthorizeSecurityGroupIngress": (("ec2:security-group", OURS),),
    "ec2:CancelSpotInstanceRequests": (("ec2:spot-instances-request", OURS),),
    "ec2:CreateImage": (("ec2:image", NEW), ("ec2:snapshot", NEW), ("ec2:instance", OURS)),
    "ec2:CreateNetworkInterface": (
        ("ec2:security-group", OURS),
        ("ec2:network-interface", ANY),
        ("ec2:subnet", ANY),
    ),
    "ec2:CreateSecurityGroup": (("ec2:security-group", NEW), ("ec2:vpc", ANY)),
    "ec2:CreateTags": (("ec2:image", OURS), ("ec2:snapshot", OURS)),
    "ec2:DeleteKeyPair": (("ec2:key-pair", OURS),),
    "ec2:DeleteLaunchTemplate": (("ec2:launch-template", OURS),),
    "ec2:DeleteNetworkInterface": (("ec2:network-interface", ANY),),
    "ec2:DeleteSecurityGroup": (("ec2:security-group", OURS),),
    "ec2:DeleteSnapshot": (("ec2:snapshot", OURS),),
    "ec2:DeleteVolume": (("ec2:volume", OURS),),
    "ec2:DeregisterImage": (("ec2:image", OURS),),
    "ec2:GetConsoleOutput": (("ec2:instance", OURS),),
    "ec2:ImportKeyPair": (("ec2:key-pair", NEW),),
    "ec2:RegisterImage": (("ec2:image", NEW), ("ec2:snapshot", OURS)),
    "ec2:ReleaseAddress": (("ec2:elastic-ip", OURS),),
    "ec2:RevokeSecurityGroupIngress": (("ec2:security-group", OURS),),
    "ec2:RunInstances": (
        ("ec2:instance", NEW),
        ("ec2:network-interface", NEW),
        ("ec2:volume", NEW),
        ("ec2:key-pair", OURS),
        ("ec2:security-group", OURS),
        ("ec2:image", ANY),
        ("ec2:snapshot", ANY),
        ("ec2:subnet", ANY),
    ),
    "ec2:TerminateInstances": (("ec2:instance", OURS),),
    # EBS direct: a snapshot is begun with its tags, and then filled
    "ebs:CompleteSnapshot": (("ec2:snapshot", OURS),),
    "ebs:PutSnapshotBlock": (("ec2:snapshot", OURS),),
    "ebs:StartSnapshot": (("ec2:snapshot", NEW),),
    "elasticfilesystem:CreateFileSystem": ((_EVERYTHING, NEW),),
    "elasticfilesystem:CreateMountTarget": (("elasticfilesystem:file-system", OURS),),
    "elasticfilesystem:DeleteFileSystem": (("elasticfilesystem:file-system", OURS),),
    "elasticfilesystem:DeleteMountTarget": (("elasticfilesystem:file-system", OURS),),
}
# Calls that change nothing, whatever they are about.
_LOOKING = ("Describe", "Get", "List")
# What tags in a call are to IAM: a permission of their own, here only together with that call.
TAGGED_IN_THE_CALL = {
    "ebs": "ec2:CreateTags",
    "ec2": "ec2:CreateTags",
    "elasticfilesystem": "elasticfilesystem:TagResource",
}
# What is about objects that a workflow names: who owns them says who may read them (IAM: s3:GetObject).
OF_THE_USER = {"s3:HeadBucket", "s3:HeadObject"}
# What a service does in the caller's name (EFS API reference): its network interfaces have no tags.
BY_SERVICE = {
    "elasticfilesystem:CreateMountTarget": ("ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces"),
    "elasticfilesystem:DeleteMountTarget": ("ec2:DeleteNetworkInterface",),
}
_CONDITIONS: dict[Which, dict[str, Any]] = {
    ANY: {},
    NEW: {"Condition": {"Null": {f"aws:RequestTag/{TAG}": "false"}}},
    OURS: {"Condition": {"Null": {f"aws:ResourceTag/{TAG}": "false"}}},
}
_PUBLIC = {"image", "snapshot"}  # their names have no account


def policy(calls: Iterable[str]) -> dict[str, Any]:
    """The IAM policy that allows these calls, and no other. Raises KeyError for one without a rule.

    >>> policy(["ec2:DescribeInstances", "ec2:TerminateInstances"])["Statement"][1]["Action"]
    ['ec2:TerminateInstances']
    """
    looking: list[str] = []
    granted: dict[tuple[Which, tuple[str, ...]], list[str]] = {}
    creating: list[str] = []
    for call in actions(calls):
        if call not in RULES and call.partition(":")[2].startswith(_LOOKING):
            looking.append(call)
            continue
        rules = RULES[call]
        if any(which is NEW for _, which in rules):
            creating.append(call)
        for which in Which:
            if kinds := tuple(kind for kind, one in rules if one is which):
                granted.setdefault((which, kinds), []).append(call)
    statements: list[dict[str, Any]] = [{"Sid": "Look", "Effect": "Allow", "Action": looking, "Resource": "*"}]
    for (which, kinds), allowed in sorted(granted.items(), key=lambda one: (one[0][0].value, one[0][1])):
        statements.append(
            {
                "Sid": f"{which.value}{_word(allowed[0])}{_title(kinds[0])}",
                "Effect": "Allow",
                "Action": allowed,
                "Resource": [_name(kind) for kind in kinds] if kinds != (_EVERYTHING,) else "*",
                **_CONDITIONS[which],
            }
        )
    statements += _tagging(creating)
    return {"Version": "2012-10-17", "Statement": statements}


def actions(calls: Iterable[str]) -> list[str]:
    """The calls, and what services do in the caller's name for them."""
    named = set(calls) - OF_THE_USER
    return sorted(named.union(*(BY_SERVICE.get(call, ()) for call in named)))


def _tagging(creating: Iterable[str]) -> list[dict[str, Any]]:
    """Tags may be given to what a call creates, in that call."""
    by_action: dict[str, list[str]] = {}
    for call in creating:
        service, _, operation = call.partition(":")
        if service in TAGGED_IN_THE_CALL:
            by_action.setdefault(TAGGED_IN_THE_CALL[service], []).append(operation)
    return [
        {
            "Sid": f"TagWhatIsMadeBy{action.partition(':')[0].title()}",
            "Effect": "Allow",
            "Action": [action],
            "Resource": "*",
            "Condition": {"StringEquals": {f"{action.partition(':')[0]}:CreateAction": operations}},
        }
        for action, operations in sorted(by_action.items())
    ]


def _title(kind: str) -> str:
    """
    >>> _title("ec2:security-group")
    'SecurityGroup'
    """
    return "".join(word.title() for word in kind.partition(":")[2].split("-"))


def _name(kind: str) -> str:
    """
    >>> _name("ec2:image"), _name("ec2:instance")
    ('arn:aws:ec2:*::image/*', 'arn:aws:ec2:*:*:instance/*')
    """
    service, _, resource = kind.partition(":")
    return f"arn:aws:{service}:*:{'' if resource in _PUBLIC else '*'}:{resource}/*"


def _word(action: str) -> str:
    return action.partition(":")[2]


def text(of: dict[str, Any]) -> str:
    return json.dumps(of, indent=2) + "\n"


def recorded() -> list[str]:
    return CALLS.read_text().split()


def main(logs: list[str]) -> None:
    calls = sorted(
        {*(recorded() if CALLS.exists() else []), *(c for log in logs for c in Path(log).read_text().split())}
    )
    new = [call for call in actions(calls) if call not in RULES and not call.partition(":")[2].startswith(_LOOKING)]
    if new:
        sys.exit(f"scripts/iam_policy.py: RULES says nothing of {', '.join(new)}: add a row for each")
    CALLS.write_text("".join(f"{call}\n" for call in calls))
    POLICY.write_text(text(policy(calls)))
    print(f"{POLICY.name}: {len(calls)} calls")


if __name__ == "__main__":
    main(sys.argv[1:])
