"""Objects of S3: jobs' files by HTCondor's own signed URLs; a run's inputs, fetched by the access point.

The server checks signatures. No key of it gets to an execution point.
"""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from own_service import Localec2Service
from real_pool import RealPool, until
from roost_cli import Roost
from s3_server import KEYS, S3Server, s3_server

from roost.boot.roles import Role
from roost.boot.settings import BootSettings, Sharing
from roost.cloud.clients import Access
from roost.cloud.s3 import Objects
from roost.workflow.node import chores

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def pool(localec2_service: Localec2Service, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPool]:
    """Its access point has a role that signs."""
    there: dict[str, Any] = {
        "endpoint_url": localec2_service.endpoint_url,
        "region_name": localec2_service.region,
        "aws_access_key_id": "tests",
        "aws_secret_access_key": "any-secret-is-accepted",
    }
    iam: Any = boto3.client("iam", **there)
    iam.create_role(RoleName="signs", AssumeRolePolicyDocument="{}")
    iam.create_instance_profile(InstanceProfileName="signs")
    iam.add_role_to_instance_profile(InstanceProfileName="signs", RoleName="signs")
    settings = BootSettings(lease_s=3600, idle_s=0, workers=1, sharing=Sharing(kind="s3", at="", server="eu-north-1"))
    ec2: Any = boto3.client("ec2", **there)
    image_id, ssh_from = localec2_service.image_id, f"{localec2_service.host_public_ip}/32"
    directory = tmp_path_factory.mktemp("s3-pool")
    with RealPool(ec2, name="signs", image_id=image_id, ssh_from=ssh_from, directory=directory) as pool:
        profile = {"IamInstanceProfile": {"Name": "signs"}}
        pool.access_point = pool.launch(Role.ACCESS_POINT, settings, None, **profile)
        keys = ("stat", "-c", "%U %a", "/run/roost-s3/key-id", "/run/roost-s3/secret", "/run/roost-s3/token")
        until(lambda: pool.ssh_once(*keys).stdout == "debian 600\n" * 3, "the keys of its role")
        yield pool


def test_the_access_points_role_signs(pool: RealPool) -> None:
    """Its keys are where HTCondor reads them, and every job says so."""
    assert pool.ssh("cat", "/run/roost-s3/key-id").startswith("ASIA")
    lines = ["executable = /bin/true", "transfer_input_files = s3://a-bucket/a-key", "queue", ""]
    pool.ssh("sh", "-c", "cat > s3.sub", feed="\n".join(lines))
    ad = pool.ssh("condor_submit", "-dry-run", "-", "s3.sub").splitlines()
    assert {'EC2AccessKeyId="/run/roost-s3/key-id"', 'AWSRegion="eu-north-1"'} <= set(ad)


def test_files_go_between_the_bucket_and_the_execution_point(
    pool: RealPool, localec2_service: Localec2Service, tmp_path: Path
) -> None:
    key_id, secret = (pool.ssh("cat", f"/run/roost-s3/{name}").strip() for name in ("key-id", "secret"))
    worker = pool.start_execution_point()
    with s3_server(localec2_service.host_public_ip, tmp_path, keys=(key_id, secret), is_secure=True) as server:
        results = server.buckets / "results"
        (results / "in").mkdir(parents=True)
        (results / "in" / "genome.fa").write_text("acgt\n")
        until(lambda: worker in pool.joined(), "the execution point")
        trust = "cat > /usr/local/share/ca-certificates/tests.crt && update-ca-certificates"
        pool.ssh("sudo", "-n", "sh", "-c", trust, on=worker, feed=server.authority)
        place = f"s3://{server.address}/results"
        pool.submit(
            "by-s3",
            executable="/bin/sh",
            transfer_executable="false",
            arguments="\"-c 'tr a-z A-Z < genome.fa > out.txt; env; cat .job.ad'\"",
            transfer_input_files=f"{place}/in/genome.fa",
            transfer_output_files="out.txt",
            output_destination=f"{place}/out/",
        )
        until(lambda: "005 (" in pool.ssh("cat", "by-s3/log"), pool.ssh("condor_q", "-hold"), timeout_s=240)
        assert (results / "out" / "out.txt").read_text() == "ACGT\n"
        seen = [(who, method, path.partition("?")[0], status) for who, method, path, status in server.seen]
        its = pool.described(worker)["PublicIpAddress"]
        assert (its, "GET", "/results/in/genome.fa", 200) in seen
        assert (its, "PUT", "/results/out/out.txt", 200) in seen
        assert {who for who, *_ in seen} == {its}
    said = pool.ssh("cat", "by-s3/out")
    assert "ClusterId" in said, "the job's ad, as the job sees it"
    assert secret not in said
    # not on a command line, which is logged
    look = ("sudo", "-n", "grep", "-rlF", "-f", "-", "/run", "/etc", "/home", "/tmp", "/var")
    assert pool.ssh_once(*look, on=pool.access_point, feed=f"{secret}\n").stdout.strip() == "/run/roost-s3/secret"
    assert pool.ssh_once(*look, on=worker, feed=f"{secret}\n").stdout == ""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server("127.0.0.1", tmp_path_factory.mktemp("s3")) as server:
        (server.buckets / "data" / "in").mkdir(parents=True)
        (server.buckets / "data" / "in" / "a b.txt").write_text("text\n")
        yield server


URL = "s3://data/in/a b.txt"


class Fetched:
    """What the access point's program said of one object."""

    def __init__(self, directory: Path, signed: dict[str, str], url: str = URL, sha256: str = "") -> None:
        scratch = directory / "scratch"
        scratch.mkdir()
        (directory / "signed.json").write_text(json.dumps(signed))
        asked = {"fetch": [[url, "a.txt", sha256]], "remove": []}
        word = base64.b64encode(json.dumps(asked).encode()).decode()
        argv = [sys.executable, str(Path(chores.__file__).absolute()), word]
        done = subprocess.run(argv, cwd=scratch, capture_output=True, text=True, check=False)
        self.code, self.stdout, self.stderr = done.returncode, done.stdout, done.stderr
        self.file = scratch / "a.txt"


def _signs(server: S3Server, keys: tuple[str, str] = KEYS) -> Objects:
    return Objects(Access(region="eu-north-1", endpoint_url=server.url, credentials=keys))


def test_an_object_is_fetched_by_what_was_signed(server: S3Server, tmp_path: Path) -> None:
    fetched = Fetched(tmp_path, {URL: _signs(server).signed(URL, for_s=600)})
    assert fetched.code == 0, fetched.stderr
    assert fetched.file.read_text() == "text\n"
    assert fetched.stdout.startswith(f"a.txt: 5 bytes from {URL} in ")


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("expired", f"roost: {URL} cannot be fetched: 40"),
        ("other keys", f"roost: {URL} cannot be fetched: 40"),
        ("gone", "roost: s3://data/none cannot be fetched: 404 Not Found (NoSuchKey"),
        ("not signed", f"roost: {URL} was not signed: name it as an input"),
    ],
)
def test_an_object_that_cannot_be_fetched(server: S3Server, tmp_path: Path, case: str, said: str) -> None:
    url = "s3://data/none" if case == "gone" else URL
    keys = ("AKIDOFANOTHER", KEYS[1]) if case == "other keys" else KEYS
    for_s = 1 if case == "expired" else 600
    signed = {} if case == "not signed" else {url: _signs(server, keys).signed(url, for_s=for_s)}
    time.sleep(2.1 if case == "expired" else 0)
    fetched = Fetched(tmp_path, signed, url)
    assert fetched.code == chores.UNREACHED
    assert said in fetched.stderr
    assert ("roost run --resume" in fetched.stderr) == (case in ("expired", "other keys"))
    assert "Signature=" not in fetched.stderr
    assert not fetched.file.exists()


WORKFLOW = """\
pegasus: 5.0.4
name: takes
jobs:
- {type: job, name: cat, id: A, arguments: [a.txt], stdout: out.txt, uses: [{lfn: a.txt, type: input}]}
transformationCatalog:
  transformations:
  - {name: cat, sites: [{name: condorpool, pfn: /bin/cat, type: installed}]}
replicaCatalog:
  replicas:
  - {lfn: a.txt, pfns: [{site: s3, pfn: "URL"}]}
"""


@pytest.mark.parametrize(
    ("url", "env", "code", "said"),
    [
        ("s3://data/none", {}, 2, "workflow.yml:10: s3://data/none is not there"),
        (
            URL,
            {"AWS_SECRET_ACCESS_KEY": "another"},
            2,
            f"workflow.yml:10: {URL} may not be read with these",
        ),
        (URL, {"AWS_ACCESS_KEY_ID": "", "AWS_EC2_METADATA_DISABLED": "true"}, 7, "Unable to locate credentials"),
        (URL, {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9"}, 2, "which only this machine can reach"),
        ("s3://data", {}, 2, "workflow.yml:10: 's3://data' names no object of S3: it has to be s3://BUCKET/KEY"),
    ],
)
def test_an_object_that_is_not_there_is_told_before_anything_is_launched(
    localec2_service: Localec2Service, tmp_path: Path, url: str, env: dict[str, str], code: int, said: str
) -> None:
    with s3_server(localec2_service.host_public_ip, tmp_path / "s3") as server:
        (server.buckets / "data" / "in").mkdir(parents=True)
        (server.buckets / "data" / "in" / "a b.txt").write_text("text\n")
        roost = Roost(service=localec2_service, directory=tmp_path, env={**server.env, **env})
        (tmp_path / "workflow.yml").write_text(WORKFLOW.replace("URL", url))
        refused = roost("run", "workflow.yml")
    assert refused.returncode == code, refused.stderr
    assert said in refused.stderr
    assert roost.left() == []
