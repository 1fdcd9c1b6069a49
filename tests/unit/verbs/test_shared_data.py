"""A workflow whose tasks work in what instances share, on a pool that shares nothing."""

import pytest

from roost.errors import UsageError
from roost.spec import PoolSpec
from roost.verbs.sharing import is_mounted, require_shared
from roost.workflow.properties import Data


def test_tasks_that_would_work_there_are_refused_and_others_are_not() -> None:
    require_shared(Data.CONDORIO, "galaxy")
    require_shared(Data.NONSHAREDFS, "galaxy")
    with pytest.raises(UsageError, match="those of the pool galaxy share none") as refused:
        require_shared(Data.SHAREDFS, "galaxy")
    assert "shared: gluster" in str(refused.value.hint)


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
