"""What instances are told of a shared file system, and where there can be none."""

import pytest

from roost.boot.settings import Sharing
from roost.spec import PoolSpec
from roost.verbs.sharing import obstacle, sharing


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


@pytest.mark.parametrize(
    ("cloud", "kind", "kernel_has_nfs", "said"),
    [
        ("local", "none", False, None),
        ("local", "gluster", False, None),
        ("local", "nfs", False, "has no nfs4 and nfsd"),
        ("local", "nfs", True, None),
        ("aws", "nfs", False, None),
        ("aws", "gluster", False, None),
        ("aws", "efs", False, "cannot be had yet"),
    ],
)
def test_where_it_cannot_be(cloud: str, kind: str, kernel_has_nfs: bool, said: str | None) -> None:
    problem = obstacle(PoolSpec.model_validate({"cloud": cloud, "shared": kind}), kernel_has_nfs=kernel_has_nfs)
    assert (problem is None) == (said is None)
    assert said is None or said in (problem or "")
