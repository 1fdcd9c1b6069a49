"""`roost down` and `roost gc`: jobs may end, nothing that is billed goes unsaid, what is not ours is not touched."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
from ec2_proxy import Ec2Proxy
from own_service import Localec2Service
from real_pool import until
from roost_cli import Roost
from test_up_killed import elsewhere, through

pytestmark = pytest.mark.local

JOB = "#!/bin/sh\nuntil [ -e /tmp/go ]; do sleep 0.2; done\n"
SUBMIT = (
    'executable = job.sh\noutput = out\nlog = log\ntransfer_output_files = ""\nrequest_cpus = 2\n'
    "request_memory = 100\nrequest_disk = 1M\nqueue 2\n"
)


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    (tmp_path / "pool.yml").write_text("name: ending\nworkers:\n  count: 1\n")
    return Roost(service=localec2_service, directory=tmp_path)


@pytest.fixture
def busy(roost: Roost) -> Iterator[Roost]:
    """A pool whose one execution point runs a job, and would run another one."""
    try:
        up = roost("up", "pool.yml")
        assert up.returncode == 0, up.stderr
        files = f"cat > job.sh <<'END'\n{JOB}END\nchmod 755 job.sh; cat > job.sub <<'END'\n{SUBMIT}END\n"
        script = files + "condor_submit job.sub"
        submitted = roost("ssh", "ending", "--", "sh", "-c", script)
        assert submitted.returncode == 0, submitted.stderr
        queue = ["ssh", "ending", "--", "condor_q", "-af", "JobStatus"]
        until(lambda: "2" in roost(*queue).stdout.split(), "a job", pause_s=1)
        yield roost
    finally:
        roost("down", "ending", "--now", "--yes")


def test_down_lets_jobs_end(busy: Roost) -> None:
    """The one that runs; the one that waits is not started."""
    soon = ["sudo", "systemd-run", "--on-active=10s", "touch", "/tmp/go"]
    assert busy("ssh", "ending", "--on", execution_point(busy), "--", *soon).returncode == 0
    down = busy("down", "ending", "--json")
    assert down.returncode == 0, down.stderr
    assert "let 1 job end, for at most 300 s" in down.stderr
    assert "1 job in the queue did not run" in down.stderr
    assert json.loads(down.stdout)["attempts"]["ok"] == 1
    assert busy.left() == []


def test_down_whose_credentials_expire_says_what_is_billed_and_is_repeated(busy: Roost) -> None:
    """They expire when EC2 has taken the termination on. The second `down` waits for no job either."""
    point = execution_point(busy)
    with Ec2Proxy(busy.service.endpoint_url, expires_after=1) as proxy:
        cut = through(proxy, busy)("down", "ending", "--now")
    assert proxy.changes == ["TerminateInstances"]
    assert cut.returncode == 8, cut.stderr
    assert "RequestExpired" in cut.stderr
    assert "this cost money in the pool ending: " in cut.stderr
    assert point in cut.stderr
    assert "aws sts get-caller-identity" in cut.stderr
    assert "then roost down ending" in cut.stderr
    down = busy("down", "ending", "--now")
    assert down.returncode == 0, down.stderr
    assert "let 1 job end" not in down.stderr
    assert busy.left() == []


def test_a_group_that_something_else_uses_is_told(roost: Roost, ec2: Any) -> None:
    """Neither touched nor waited for without end."""
    group = ec2.create_security_group(
        GroupName="roost-used", Description="used", TagSpecifications=tags("security-group")
    )
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    stranger = ec2.create_network_interface(SubnetId=subnet, Groups=[group["GroupId"]])["NetworkInterface"]
    try:
        down = roost("down", "used")
        assert down.returncode == 1, down.stderr
        assert f"{stranger['NetworkInterfaceId']} uses it, and is not of this pool" in down.stderr
        assert "nothing of the pool used costs money any more, but this is left: roost-used" in down.stderr
    finally:
        ec2.delete_network_interface(NetworkInterfaceId=stranger["NetworkInterfaceId"])
    assert roost("down", "used").returncode == 0
    assert roost.left() == []


def test_an_instance_that_is_protected_keeps_nobody_else(roost: Roost, ec2: Any, localec2_service: Any) -> None:
    """EC2 refuses a TerminateInstances of several for the sake of one."""
    launched = ec2.run_instances(
        ImageId=localec2_service.image_id,
        InstanceType="c7i.large",
        MinCount=2,
        MaxCount=2,
        TagSpecifications=tags("instance", {"roost:role": "execution-point"}),
    )["Instances"]
    protected, other = (one["InstanceId"] for one in launched)
    ec2.modify_instance_attribute(InstanceId=protected, DisableApiTermination={"Value": True})
    try:
        down = roost("down", "used", "--now")
        assert down.returncode == 8, down.stderr
        error = down.stderr.partition("Error: ")[2]
        assert f"what costs money in the pool used: {protected}\n" in error
        assert "aws ec2 modify-instance-attribute --no-disable-api-termination" in error
        assert other not in error
    finally:
        ec2.modify_instance_attribute(InstanceId=protected, DisableApiTermination={"Value": False})
    assert roost("down", "used", "--now").returncode == 0
    assert roost.left() == []


def test_gc_finds_what_no_file_knows_and_touches_nothing_else(roost: Roost, ec2: Any, localec2_service: Any) -> None:
    """Things of a pool of which this machine has no file, beside what is not Roost's."""
    foreign = ec2.create_volume(AvailabilityZone="us-east-1a", Size=1, VolumeType="gp3")["VolumeId"]
    try:
        ec2.run_instances(
            ImageId=localec2_service.image_id,
            InstanceType="c7i.large",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=tags("instance") + tags("volume") + tags("network-interface"),
        )
        ec2.create_volume(AvailabilityZone="us-east-1a", Size=30, VolumeType="gp3", TagSpecifications=tags("volume"))
        ec2.allocate_address(Domain="vpc", TagSpecifications=tags("elastic-ip"))
        ec2.create_key_pair(KeyName="roost-used", TagSpecifications=tags("key-pair"))
        ec2.create_security_group(GroupName="roost-used", Description="used", TagSpecifications=tags("security-group"))
        ec2.create_launch_template(
            LaunchTemplateName="roost-used",
            LaunchTemplateData={"InstanceType": "c7i.large"},
            TagSpecifications=tags("launch-template"),
        )
        where = elsewhere(roost)
        listed = where("gc", "--json")
        assert listed.returncode == 8, listed.stderr
        assert "this costs money: instance i-" in listed.stderr
        things = {one["kind"]: one for one in json.loads(listed.stdout)["things"] if one["pool"] == "used"}
        assert things.keys() == {
            *("instance", "volume", "network interface", "address", "key pair", "security group", "launch template")
        }
        assert things["instance"]["usd_per_day"] == pytest.approx(2.142)
        assert things["address"]["usd_per_day"] == pytest.approx(0.12)
        assert things["instance"]["is_expired"] is True
        assert foreign not in listed.stdout
        for nothing in (["--mine"], ["--pool", "another"]):
            assert json.loads(where("gc", "--json", *nothing).stdout)["things"] == []
        removed = where("gc", "--expired", "--yes", "--region", "us-west-2", "--region", localec2_service.region)
        assert removed.returncode == 4, removed.stderr
        assert "us-west-2 could not be asked" in removed.stderr
        assert "30 GiB gp3" in removed.stdout
        assert roost.left() == []
        assert where("gc", "--pool", "used").returncode == 0
        assert ec2.describe_addresses(Filters=[{"Name": "tag-key", "Values": ["roost:pool"]}])["Addresses"] == []
        assert [one["VolumeId"] for one in ec2.describe_volumes(VolumeIds=[foreign])["Volumes"]] == [foreign]
    finally:
        ec2.delete_volume(VolumeId=foreign)


def test_gc_asks_the_region_of_ec2_on_this_machine_only(roost: Roost) -> None:
    alone = roost("gc", "--region", "us-west-2")
    assert alone.returncode == 7
    assert "AuthFailure" in alone.stderr


def tags(kind: str, more: Mapping[str, str] = MappingProxyType({})) -> list[dict[str, Any]]:
    its = {"roost:pool": "used", "roost:owner": "somebody-else", "roost:expires-at": "2026-01-01T00:00:00+00:00"}
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in {**its, **more}.items()]}]


def execution_point(roost: Roost) -> str:
    status = json.loads(roost("status", "ending", "--json").stdout)
    points = [i["id"] for i in status["instances"] if i["role"] == "execution-point" and i["state"] == "running"]
    return str(points[0])
