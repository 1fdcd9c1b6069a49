"""A workflow whose tasks work in what instances share, on a pool that shares nothing."""

from dataclasses import replace
from pathlib import Path

import pytest

from roost.errors import UsageError
from roost.spec import PoolSpec
from roost.verbs.sharing import is_mounted, require_shared
from roost.workflow.abstract import SubKind, SubOptions, SubWorkflow
from roost.workflow.properties import Data
from roost.workflow.source import load

EXAMPLES = Path(__file__).parents[3] / "examples"


def test_tasks_that_would_work_there_are_refused_and_others_are_not() -> None:
    hello = load(EXAMPLES / "hello" / "workflow.yml")
    for data in (Data.CONDORIO, Data.NONSHAREDFS):
        require_shared(replace(hello, data=data), "galaxy", is_shared=False)
    there = replace(hello, data=Data.SHAREDFS)
    require_shared(there, "galaxy", is_shared=True)
    with pytest.raises(UsageError, match="those of the pool galaxy share none") as refused:
        require_shared(there, "galaxy", is_shared=False)
    assert "shared: gluster" in str(refused.value.hint)
    part = SubWorkflow(kind=SubKind.PEGASUS, file="inner.yml", options=SubOptions(), dagman={})
    with pytest.raises(UsageError, match="in a workflow of which others are parts"):
        require_shared(replace(there, subs={"ID1": part}), "galaxy", is_shared=True)


@pytest.mark.parametrize(
    ("spec", "mounted"),
    [
        ({}, False),
        ({"shared": {"kind": "gluster"}}, True),
        ({"shared": {"kind": "efs"}}, True),
        ({"shared": {"kind": "efs"}, "access_point": "here"}, False),
        ({"shared": {"kind": "s3", "bucket": "my-bucket"}}, False),
    ],
)
def test_what_the_access_point_sees_too(spec: dict[str, object], *, mounted: bool) -> None:
    assert is_mounted(PoolSpec.model_validate(spec)) == mounted
