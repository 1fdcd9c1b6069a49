"""`roost check`, on EC2 on this machine: as `local`, and as AWS would be asked."""

import json
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from roost_cli import Roost


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path)


def checked(roost: Roost, *arguments: str) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """(exit code, what is said about what)"""
    done = roost("check", *arguments, "--json")
    assert "Traceback" not in done.stderr
    said = json.loads(done.stdout)
    assert said["schema"] == "roost/check/1"
    assert said["is_ready"] == (done.returncode == 0)
    by_topic: dict[str, list[dict[str, Any]]] = {}
    for one in said["checks"]:
        assert one["is_true"] or one["remedy"], one
        by_topic.setdefault(one["about"], []).append(one)
    return done.returncode, by_topic


def default_subnet(service: Localec2Service, *, zone: str) -> str:
    ec2: Any = service.client()
    in_zone = [{"Name": "default-for-az", "Values": ["true"]}, {"Name": "availability-zone", "Values": [zone]}]
    return str(ec2.describe_subnets(Filters=in_zone)["Subnets"][0]["SubnetId"])


def test_this_machine(roost: Roost) -> None:
    exit_code, said = checked(roost)
    assert exit_code == 0, said
    assert {"tools", "this machine", "reach", "clock", "network", "types", "image", "price", "key"} <= said.keys()
    assert "s apart" in said["clock"][0]["sentence"]
    text = roost("check")
    assert text.returncode == 0
    assert text.stdout.startswith("yes  the programs that Roost calls are on this machine")
    assert roost.left() == []


def test_as_aws(roost: Roost) -> None:
    """All but the quotas, the Pricing API and the way out, which EC2 on this machine does not have."""
    spec = f"cloud: aws\nname: asked\nregion: {roost.service.region}\nimage: {{id: {roost.service.image_id}}}\n"
    (roost.directory / "pool.yml").write_text(spec)
    exit_code, said = checked(roost, "pool.yml")
    assert exit_code == 1
    assert [one["is_true"] for one in said["permissions"]] == [True] * 3
    for about in ("credentials", "region", "network", "types", "image", "key"):
        assert all(one["is_true"] for one in said[about]), said[about]
    assert roost.service.image_id in said["image"][0]["sentence"]
    assert "account" in said["credentials"][0]["sentence"]
    assert not said["quota"][0]["is_true"]
    assert roost.left() == []


@pytest.mark.parametrize(
    ("line", "about", "remedy"),
    [
        ("subnet: subnet-0123456789abcdef0", "network", "`subnet:`"),
        ("image: {id: ami-0123456789abcdef0}", "image", "`image: {id: ...}`"),
        ("workers: {type: c9x.huge}", "types", "pool.yml"),
        ("workers: {type: [c7g.large, c7i.large]}", "types", "one architecture"),
        ("region: xx-nowhere-1", "reach", "`region:`"),
    ],
)
def test_what_is_not_so(roost: Roost, line: str, about: str, remedy: str) -> None:
    (roost.directory / "pool.yml").write_text(f"cloud: aws\n{line}\n")
    unset = {"AWS_ENDPOINT_URL": ""} if about == "reach" else {}
    with pytest.MonkeyPatch.context() as context:
        for name, value in unset.items():
            context.setitem(roost.service.env, name, value)
        exit_code, said = checked(roost, "pool.yml")
    assert exit_code == 1
    untrue = [one for one in said[about] if not one["is_true"]]
    assert remedy in untrue[0]["remedy"]


def test_a_pool_that_is_up(roost: Roost) -> None:
    """In a subnet that pool.yml names; the key that its instances let in is here."""
    subnet = default_subnet(roost.service, zone=f"{roost.service.region}c")
    lines = (
        "name: checked",
        f"subnet: {subnet}",
        "workers: {count: 1, type: c7i.large}",
        f"image: {{id: {roost.service.image_id}}}",
    )
    (roost.directory / "pool.yml").write_text("\n".join(lines))
    try:
        assert roost("up", "pool.yml").returncode == 0
        status = json.loads(roost("status", "pool.yml", "--json").stdout)
        assert [one["zone"] for one in status["instances"]] == [f"{roost.service.region}c"] * 2
        exit_code, said = checked(roost, "pool.yml")
        assert exit_code == 0, said
        (key,) = said["key"]
        assert key["sentence"] == "the pool's ssh key is on this machine"
        elsewhere = Roost(service=roost.service, directory=roost.directory / "elsewhere")
        elsewhere.directory.mkdir()
        exit_code, said = checked(elsewhere, "../pool.yml")
        assert exit_code == 1
        assert "no ssh key" in said["key"][0]["sentence"]
    finally:
        roost("down", "pool.yml", "--yes")


def test_an_access_point_here(roost: Roost) -> None:
    """This machine has no HTCondor pool that could be joined."""
    (roost.directory / "pool.yml").write_text("access_point: here\nowners: [ada]\n")
    exit_code, said = checked(roost, "pool.yml")
    assert exit_code == 1
    (here,) = said["here"]
    assert not here["is_true"]
    assert "key" not in said
