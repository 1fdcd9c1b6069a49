"""An image is baked on a real builder, looked through, proven by a real pool, and removed with all that it left."""

import fcntl
import json
import re
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from guarded_ec2 import GuardedEc2, guarded
from own_service import Localec2Service
from roost_cli import Roost

pytestmark = pytest.mark.local

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ" * 2 + "\\n"
RECIPE = """\
name: {name}
workers: {{count: 1}}
image:
  base: {base}
  packages: [{packages}]
  files:
    genes.txt: /opt/ref/genes.txt
    tools: /opt/tools
  script: {script}
"""


@pytest.fixture(scope="module")
def ec2_as_allowed(localec2_service: Localec2Service) -> Iterator[GuardedEc2]:
    """What docs/iam-policy.json lets through."""
    with guarded(localec2_service) as ec2:
        yield ec2
        assert ec2.refused == []
        assert ec2.judged >= {"RunInstances", "CreateImage", "CreateTags", "DeregisterImage", "DeleteSnapshot"}


@pytest.fixture(scope="module")
def roost(
    localec2_service: Localec2Service, ec2_as_allowed: GuardedEc2, tmp_path_factory: pytest.TempPathFactory
) -> Roost:
    directory = tmp_path_factory.mktemp("bake")
    (directory / "genes.txt").write_text("ACGT\n")
    (directory / "tools").mkdir()
    tool = directory / "tools" / "shout"
    tool.write_text("#!/bin/sh\ntr a-z A-Z\n")
    tool.chmod(0o755)
    environment = {**localec2_service.env, "ROOST_EC2_ENDPOINT": ec2_as_allowed.endpoint_url}
    where = Roost(service=replace(localec2_service, env=environment), directory=directory)
    recipe(where, "baked", packages="cowsay", script="echo copying; cp /opt/ref/genes.txt /opt/ref/copy.txt")
    return where


def recipe(roost: Roost, name: str, *, script: str, packages: str = "") -> str:
    """The name of a pool.yml."""
    file = roost.directory / f"{name}.yml"
    text = RECIPE.format(name=name, base=roost.service.image_id, packages=packages, script=f"{name}.sh")
    file.write_text(text)
    (roost.directory / f"{name}.sh").write_text(f"#!/bin/sh\nset -e\n{script}\n")
    return file.name


@pytest.fixture(scope="module")
def baked(roost: Roost) -> dict[str, Any]:
    done = roost("image", "bake", "baked.yml", "--json")
    assert done.returncode == 0, done.stderr
    assert "Setting up cowsay" in done.stderr
    assert "copying" in done.stderr
    said: dict[str, Any] = json.loads(done.stdout)
    return said


@pytest.fixture(scope="module")
def pool(roost: Roost, baked: dict[str, Any]) -> Iterator[dict[str, str]]:
    """role -> instance id of a pool whose instances start from the baked image."""
    try:
        up = roost("up", "baked.yml")
        assert up.returncode == 0, up.stderr
        listed = [line.split() for line in up.stdout.splitlines()]
        assert {image_of(roost, instance_id) for instance_id, *_ in listed} == {baked["image_id"]}
        yield {role: instance_id for instance_id, role, *_ in listed}
    finally:
        down = roost("down", "baked")
    assert down.returncode == 0, down.stderr


def images(roost: Roost) -> dict[str, dict[str, Any]]:
    listed = roost("image", "ls", "--json")
    assert listed.returncode == 0, listed.stderr
    return {image["id"]: image for image in json.loads(listed.stdout)["images"]}


def on(roost: Roost, *command: str, instance: str | None = None) -> str:
    done = roost("ssh", "baked", *(("--on", instance) if instance else ()), "--", *command)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ec2(roost: Roost) -> Any:
    service = roost.service
    return service.client()


def image_of(roost: Roost, instance_id: str) -> str:
    (found,) = ec2(roost).describe_instances(InstanceIds=[instance_id])["Reservations"]
    return str(found["Instances"][0]["ImageId"])


def test_its_tags_are_its_manifest(roost: Roost, baked: dict[str, Any]) -> None:
    assert (baked["schema"], baked["is_new"]) == ("roost/bake/1", True)
    assert set(baked["seconds"]) == {"launch", "boot", "install", "clean", "create", "verify", "end"}
    image = images(roost)[baked["image_id"]]
    assert image["is_verified"]
    assert image["base_image"] == roost.service.image_id
    assert image["condor_version"].startswith("23.9")
    assert re.search(r"^\d+ installed [0-9a-f]{12} condor=23\.9\S* cowsay=3\.", image["packages"])
    (snapshot,) = ec2(roost).describe_snapshots(SnapshotIds=image["snapshots"])["Snapshots"]
    tags = {tag["Key"]: tag["Value"] for tag in snapshot["Tags"]}
    assert (tags["roost:pool"], tags["roost:recipe"]) == ("baked", image["recipe"])
    table = roost("image", "ls").stdout
    assert baked["image_id"] in table
    assert "bake-baked" not in table


def test_the_same_recipe_is_not_baked_again(roost: Roost, baked: dict[str, Any]) -> None:
    again = roost("image", "bake", "baked.yml", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == {**baked, "is_new": False, "seconds": {}}
    assert "--force" in again.stderr


def test_an_image_that_is_missing_is_asked_for(roost: Roost) -> None:
    recipe(roost, "unbaked", script="true")
    up = roost("up", "unbaked.yml")
    assert up.returncode == 3
    assert "roost image bake" in up.stderr
    (roost.directory / "unbaked.sh").unlink()
    up = roost("image", "bake", "unbaked.yml")
    assert up.returncode == 2
    assert "unbaked.yml:9: there is no file unbaked.sh" in up.stderr


@pytest.mark.usefixtures("pool")
def test_a_job_uses_what_is_on_the_image(roost: Roost) -> None:
    submit = (
        "executable = /bin/sh\ntransfer_executable = false\nshould_transfer_files = yes\nlog = log\noutput = out\n"
        "arguments = \"-c '/opt/tools/shout < /opt/ref/copy.txt; /usr/games/cowsay moo'\"\n"
        "request_memory = 32\nrequest_disk = 1M\nqueue\n"
    )
    script = f"mkdir job && cd job && printf %s '{submit.replace(chr(39), chr(39) + chr(92) + chr(39) * 2)}' > job.sub"
    on(roost, "sh", "-c", f"{script} && condor_submit job.sub >/dev/null && condor_wait -wait 120 log >/dev/null")
    printed = on(roost, "cat", "job/out")
    assert printed.startswith("ACGT\n")
    assert "< moo >" in printed


def test_instances_have_identities_of_their_own_and_download_nothing(roost: Roost, pool: dict[str, str]) -> None:
    identity = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f1,2"
    of_access_point, of_execution_point = (
        on(roost, "sh", "-c", identity, instance=pool[role]).splitlines()
        for role in ("access-point", "execution-point")
    )
    assert len(of_access_point) == 2
    assert all(one != other for one, other in zip(of_access_point, of_execution_point, strict=True))
    installed = "cat /var/log/apt/*.log /var/log/dpkg.log 2>/dev/null; ls /var/lib/apt/lists /var/cache/apt/archives"
    told = on(roost, "sudo", "sh", "-c", installed, instance=pool["execution-point"])
    assert set(re.findall(r"[\w.]+", told)) <= {
        "auxfiles",
        "lock",
        "partial",
        "var",
        "lib",
        "apt",
        "lists",
        "cache",
        "archives",
    }
    console = roost("logs", "baked", "--on", pool["execution-point"])
    assert "Setting up" not in console.stdout


def test_an_instance_changed_by_hand_becomes_an_image_and_works_on(roost: Roost, pool: dict[str, str]) -> None:
    mine = pool["execution-point"]
    change = f"echo by hand > /opt/by-hand; printf -- '{KEY}' > /srv/backup; echo ls > /root/.bash_history"
    on(roost, "sudo", "sh", "-c", change, instance=mine)
    before = images(roost)
    asked = roost("image", "bake", "--from", mine)
    assert asked.returncode == 2
    assert "add --yes" in asked.stderr
    refused = roost("image", "bake", "--from", mine, "--yes")
    assert refused.returncode == 1
    assert "/srv/backup: a private key" in refused.stderr
    assert "--not-secret" in refused.stderr
    assert "histories (1 files)" in refused.stderr  # told before, with all the rest
    assert images(roost).keys() == before.keys()
    assert "joined" in roost("verify", "baked").stdout
    on(roost, "sudo", "rm", "/srv/backup", instance=mine)
    made = roost("image", "bake", "--from", mine, "--yes", "--json")
    assert made.returncode == 0, made.stderr
    image = images(roost)[json.loads(made.stdout)["image_id"]]
    assert (image["from_instance"], image["recipe"], image["is_verified"]) == (mine, "by-hand", True)
    verified = roost("verify", "baked")
    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert on(roost, "sudo", "cat", "/root/.bash_history", instance=mine) == "ls\n"
    watch = 'grep ^State /proc/"$(systemctl show --property=MainPID --value roost-watch.service)"/status'
    assert "stopped" not in on(roost, "sh", "-c", watch, instance=mine)
    used = roost("image", "rm", image["base_image"])
    assert used.returncode == 1
    assert f"{mine} of baked" in used.stderr
    removed = roost("image", "rm", image["id"])
    assert removed.stdout.split() == ["removed", f"{image['id']},", *image["snapshots"]]
    assert "gone already" in roost("image", "rm", image["id"]).stdout
    refused = roost("image", "bake", "--from", pool["access-point"], "--yes")
    assert refused.returncode == 2
    assert "access-point" in refused.stderr


def test_a_secret_from_the_script_is_refused(roost: Roost) -> None:
    before = images(roost).keys()
    done = roost("image", "bake", recipe(roost, "leaky", script=f"printf -- '{KEY}' > /usr/local/share/deploy"))
    assert done.returncode == 1
    assert "/usr/local/share/deploy: a private key" in done.stderr
    assert images(roost).keys() == before
    assert [left for left in roost.left() if "leaky" in left] == []


def test_an_image_that_does_not_work_is_removed_and_its_words_are_kept(roost: Roost) -> None:
    unit = "[Service]\\nExecStart=/bin/systemctl poweroff\\n[Install]\\nWantedBy=multi-user.target\\n"
    script = f"printf '{unit}' > /etc/systemd/system/end.service; systemctl enable end.service"
    before = images(roost).keys()
    done = roost("image", "bake", recipe(roost, "broken", script=script))
    assert done.returncode == 4, done.stderr
    assert "did not prove itself, and is of no use" in done.stderr
    kept = re.search(r"less (\S+)", done.stderr)
    assert kept is not None
    assert "access-point" in Path(kept[1]).read_text()
    assert images(roost).keys() == before
    assert "snap-" not in roost("image", "ls").stdout
    assert [left for left in roost.left() if "broken" in left] == []


def test_two_bakes_do_not_work_in_one_pool(roost: Roost) -> None:
    lock = roost.directory / "data" / "roost" / "bakes" / "local-us-east-1-bake-twice.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = roost("image", "bake", recipe(roost, "twice", script="true"))
    assert done.returncode == 2
    assert "another bake works in the pool bake-twice" in done.stderr


def test_a_bake_that_was_killed_is_found_and_finished(roost: Roost) -> None:
    file = recipe(roost, "cut", script="true")
    killed = roost.interrupted("image", "bake", file, when="install what the recipe", by=signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    assert "roost-bake-cut" in roost.left()
    down = roost("down", "bake-cut")
    assert down.returncode == 0, down.stderr
    assert [left for left in roost.left() if "cut" in left] == []
    roost.interrupted("image", "bake", file, when="prove ami-", by=signal.SIGKILL)
    (unproven,) = [image for image in images(roost).values() if image["made_for"] == "cut"]
    assert not unproven["is_verified"]
    assert "never proven" in roost("image", "outdated", file).stdout
    finished = roost("image", "bake", file, "--json")
    assert finished.returncode == 0, finished.stderr
    assert f"go on with {unproven['id']}" in finished.stderr
    assert json.loads(finished.stdout)["image_id"] == unproven["id"]
    assert [left for left in roost.left() if "cut" in left] == []
    (roost.directory / "genes.txt").write_text("ACGTACGT\n")
    outdated = roost("image", "outdated", file)
    assert outdated.returncode == 4
    assert "the recipe of cut has changed since" in outdated.stdout
    assert roost("image", "rm", unproven["id"]).returncode == 0
    assert unproven["id"] not in images(roost)
