"""What instances are told of a shared file system, and where there can be none."""

import pytest

from roost.boot.roles import Role
from roost.boot.settings import Sharing
from roost.cloud.model import FileSystem, Found
from roost.spec import PoolSpec
from roost.verbs.sharing import obstacle, sharing
from roost.verbs.unfetched import kept_by_aws


@pytest.mark.parametrize(
    ("shared", "expected"),
    [
        ("none", None),
        ("gluster", Sharing(kind="gluster", at="/shared")),
        ({"kind": "gluster", "layout": "replica"}, Sharing(kind="gluster", at="/shared", copies=2)),
        ({"kind": "gluster", "layout": "replica", "copies": 3}, Sharing(kind="gluster", at="/shared", copies=3)),
        ({"kind": "nfs", "at": "/work"}, Sharing(kind="nfs", at="/work")),
    ],
)
def test_what_instances_are_told(shared: object, expected: Sharing | None) -> None:
    assert sharing(PoolSpec.model_validate({"shared": shared})) == expected


def test_only_the_access_point_signs_for_s3() -> None:
    spec = PoolSpec.model_validate({"cloud": "aws", "shared": {"kind": "s3", "bucket": "abc", "profile": "p"}})
    assert sharing(spec, Role.EXECUTION_POINT, server="eu-north-1") is None
    assert sharing(spec, Role.ACCESS_POINT, server="eu-north-1") == Sharing(kind="s3", at="", server="eu-north-1")


@pytest.mark.parametrize(
    ("cloud", "kind", "kernel_has_nfs", "said"),
    [
        ("local", "none", False, None),
        ("local", "gluster", False, None),
        ("local", "nfs", False, "has no nfs4 and nfsd"),
        ("local", "nfs", True, None),
        ("aws", "nfs", False, None),
        ("aws", "gluster", False, None),
        ("aws", "efs", False, None),
        ("aws", {"kind": "s3", "bucket": "abc"}, False, None),
        ("local", {"kind": "s3", "bucket": "abc"}, False, "by https alone"),
        ("local", "efs", False, "a service of AWS"),
    ],
)
def test_where_it_cannot_be(cloud: str, kind: object, kernel_has_nfs: bool, said: str | None) -> None:
    problem = obstacle(PoolSpec.model_validate({"cloud": cloud, "shared": kind}), kernel_has_nfs=kernel_has_nfs)
    assert (problem is None) == (said is None)
    assert said is None or said in (problem or "")


@pytest.mark.parametrize(("size_bytes", "count"), [(6144, 0), (10 << 20, 1)])
def test_what_aws_keeps_is_asked_about_when_there_is_something_on_it(size_bytes: int, count: int) -> None:
    found = Found(file_systems=(FileSystem(id="fs-1", state="available", size_bytes=size_bytes),))
    assert kept_by_aws(found).count == count
    assert found.billable == ("fs-1",)
    assert not found.is_empty
