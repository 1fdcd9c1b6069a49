"""What is wrong is said before anything is made: the exit code, the words, and EC2 as empty as it was.

No instance boots here.
"""

import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from own_service import Localec2Service
from roost_cli import EXAMPLES, Roost

from roost.cli import VERBS

pytestmark = pytest.mark.local

Done = subprocess.CompletedProcess[str]


@pytest.fixture
def roost(localec2_service: Localec2Service, tmp_path: Path) -> Roost:
    return Roost(service=localec2_service, directory=tmp_path)


def test_mistakes_in_pool_yml_are_told_all_at_once(roost: Roost) -> None:
    text = "name: My_Pool\nwokers:\n  count: 2\nregion: narnia\nlease: 3 moons\nimage: {packages: [Sam]}\n"
    (roost.directory / "pool.yml").write_text(text)
    done = refused(
        roost,
        ("up", "pool.yml"),
        2,
        "pool.yml:1: 'name' cannot be 'My_Pool': a pool's name is 1 to 31 lower-case letters",
        "pool.yml:2: unknown key 'wokers'; did you mean 'workers'?",
        "pool.yml:4: 'region' cannot be 'narnia': a region is written like us-east-1",
        "pool.yml:5: 'lease' cannot be '3 moons': write a duration as 90s, 15m, 3h or 2d",
        "pool.yml:6: ",
        "Try:   edit pool.yml",
    )
    assert "^[" not in done.stderr  # no regular expressions for people


def test_tasks_that_would_work_where_nothing_is_shared(roost: Roost) -> None:
    hello = example(roost)
    (hello / "pegasus.properties").write_text("pegasus.data.configuration = sharedfs\n")
    refused(
        roost,
        ("run", "hello/workflow.yml"),
        2,
        "the tasks are to work in a directory that all instances see (pegasus.data.configuration = sharedfs)",
        "`shared: gluster` in pool.yml",
    )


def test_mistakes_in_a_workflow_are_told_all_at_once(roost: Roost) -> None:
    hello = example(roost)
    change(hello / "workflow.yml", "name: preprocess", "name: preproces")
    change(hello / "workflow.yml", "jobDependencies:", "jobDependency:")
    change(hello / "transformations.yml", "pfn: tools/analyze", "pnf: tools/analyze")
    refused(
        roost,
        ("run", "hello/workflow.yml"),
        2,
        "hello/workflow.yml:6: unknown transformation 'preproces'; did you mean 'preprocess'?",
        "hello/workflow.yml:35: unknown key 'jobDependency'; did you mean 'jobDependencies'?",
        "hello/transformations.yml:14: unknown key 'pnf'; did you mean 'pfn'?",
        "Try:   edit ",
    )


def test_mistakes_in_the_pool_yml_beside_a_workflow(roost: Roost) -> None:
    change(example(roost) / "pool.yml", "workers:", "wokers:")
    refused(roost, ("run", "hello/workflow.yml"), 2, "hello/pool.yml:2: unknown key 'wokers'; did you mean 'workers'?")


def test_a_workflow_that_is_not_there(roost: Roost) -> None:
    refused(roost, ("run", "nowhere.yml"), 3, "there is no workflow nowhere.yml", "Try:   ")


def test_a_pool_yml_that_is_not_there(roost: Roost) -> None:
    refused(roost, ("up", "nowhere.yml"), 3, "there is no file nowhere.yml", "Try:   ")


def test_an_input_file_that_is_not_there(roost: Roost) -> None:
    (example(roost) / "input" / "numbers.txt").unlink()
    refused(
        roost,
        ("run", "hello/workflow.yml"),
        2,
        "hello/workflow.yml:10: the input file 'numbers.txt' is not there",
        "(hello/replicas.yml:5)",
    )


def test_a_transformation_that_is_not_on_the_image(roost: Roost) -> None:
    change(example(roost) / "transformations.yml", "/usr/bin/python3", "/usr/bin/bwa-mem9")
    refused(
        roost,
        ("run", "hello/workflow.yml"),
        2,
        "hello/transformations.yml:17: transformation 'python3' needs /usr/bin/bwa-mem9, which is not on the image",
        "image: {packages: [...]}",
    )
    assert not (roost.directory / "runs").exists()


def test_an_instance_type_that_does_not_exist(roost: Roost) -> None:
    (roost.directory / "pool.yml").write_text("workers:\n  type: c7i.lareg\n")
    refused(roost, ("up",), 2, "c7i.lareg", "do not exist", "correct the value in pool.yml")


def test_user_data_over_the_limit(roost: Roost) -> None:
    noise = random.Random(7)  # repetitions would be compressed away
    lines = "".join(f"  SETTING_{n} = {noise.randbytes(40).hex()}\n" for n in range(400))
    (roost.directory / "pool.yml").write_text(f"name: big\ncondor_config: |\n{lines}")
    refused(
        roost,
        ("up",),
        2,
        "the compressed user data of each execution-point of the pool big has ",
        "EC2 takes at most 16384",
        "shorten condor_config (",
    )


@pytest.mark.parametrize("verb", ["status", "down", "verify", "ssh"])
def test_a_pool_that_is_not_there(roost: Roost, verb: str) -> None:
    refused(roost, (verb, "nosuch"), 3, "no pool nosuch on EC2 on this machine; there is none", "Try:   roost up")


def test_the_nearest_pool_is_named(roost: Roost) -> None:
    tag = {"Key": "roost:pool", "Value": "galaxy"}
    ec2 = client(roost.service)
    group = ec2.create_security_group(
        GroupName="roost-galaxy",
        Description="of a pool",
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [tag]}],
    )["GroupId"]
    try:
        for verb in ("status", "down", "verify", "ssh"):
            done = roost(verb, "galxy")
            assert_refused(done, 3, "no pool galxy on EC2 on this machine; did you mean 'galaxy'?")
        assert roost.left() == ["roost-galaxy"]
    finally:
        ec2.delete_security_group(GroupId=group)


def test_no_pool_is_named(roost: Roost) -> None:
    refused(roost, ("status",), 3, "no pool was named, and here is no pool.yml; EC2 on this machine has none")


def test_a_run_on_a_pool_that_is_not_there(roost: Roost) -> None:
    example(roost)
    refused(roost, ("run", "hello/workflow.yml", "--pool", "nosuch"), 3, "no pool nosuch on EC2 on this machine")
    assert not (roost.directory / "runs").exists()


def test_a_name_that_no_pool_can_have(roost: Roost) -> None:
    refused(roost, ("down", "My_Pool"), 2, "'My_Pool' names no pool: a pool's name is 1 to 31 lower-case letters")


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (("statsu",), "No such verb 'statsu'. Did you mean 'status'?"),
        (("zzz",), f"No such verb 'zzz'. The verbs are {', '.join(VERBS)}."),
        (("up", "--dryrun"), "No such option '--dryrun'. Did you mean '--dry-run'?"),
        (("status", "--cloud", "azure"), "'azure' is not one of 'local', 'aws'"),
    ],
    ids=" ".join,
)
def test_words_that_are_none(roost: Roost, argv: tuple[str, ...], words: str) -> None:
    refused(roost, argv, 2, words, "--help")


def test_a_run_of_nothing(roost: Roost) -> None:
    refused(roost, ("run",), 2, "nothing to run was named", "roost run WORKFLOW", "--resume NAME")


def test_podman_is_absent_and_there_is_no_apt(roost: Roost, tmp_path: Path) -> None:
    """What Roost needs is on the PATH, but for podman; and there is nothing to install it with."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("ip", "nft", "mmdebstrap", "runc", "ssh", "ssh-keygen"):
        found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert found, name
        (programs / name).symlink_to(found)
    done = run(roost, ("up", "galaxy"), {"PATH": str(programs)})
    assert_refused(done, 1, "this machine lacks podman", "it has no apt-get", "Try:   install ")
    assert roost.left() == []


def test_the_port_of_the_api_is_taken(roost: Roost, tmp_path: Path) -> None:
    """A service of its own, whose port somebody else has by the time it starts again."""
    state = {"LOCALEC2_STATE_DIR": str(tmp_path / "state")}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = run(roost, ("start", "--port", port), state, module="localec2")
        assert_refused(done, 1, f"localec2: port {port} on 127.0.0.1 is taken", "localec2 start --port N")
    try:
        assert run(roost, ("start", "--port", port), state, module="localec2").returncode == 0
        assert run(roost, ("stop",), state, module="localec2").returncode == 0
        with listening(int(port)):
            for argv in (("up", "galaxy"), ("local", "start")):
                said = f"Error: EC2 on this machine: port {port} on 127.0.0.1 is taken"
                assert_refused(
                    run(roost, argv, state), 1, said, "Try:   Choose another one with `roost local start --port N`"
                )
    finally:
        run(roost, ("stop", "--all"), state, module="localec2")


@pytest.mark.parametrize("verb", ["up", "status", "down"])
def test_aws_without_credentials(roost: Roost, tmp_path: Path, verb: str) -> None:
    """Within seconds: nothing is asked of a network that is not there."""
    assert_refused(asked_of_aws(roost, tmp_path, verb), 7, "credentials", "aws configure", "`cloud: local`")


SSO = "sso_start_url = https://corp.example/start\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name = Pools\n"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ("[profile other]\nregion = us-east-1\n", ("profile (mine) could not be found", "aws configure list-profiles")),
        (f"[profile mine]\n{SSO}", ("SSO Token", "Try:   aws sso login")),
        (f"[profile mine]\n{SSO}#expired\n", ("has expired", "Try:   aws sso login")),
        ("[profile mine]\naws_access_key_id = AKIA\n", ("missing: aws_secret_access_key", "Try:   aws configure")),
        ("[profile mine]\ncredential_process = /bin/false\n", ("custom-process", "correct ~/.aws/config")),
        ("[profile mine]\nrole_arn = a\nsource_profile = b\n", ('"b" referenced', "correct ~/.aws/config")),
        ("mine\n", ("Unable to parse config file", "correct ~/.aws/config")),
    ],
)
def test_aws_with_a_profile_that_is_of_no_use(
    roost: Roost, tmp_path: Path, config: str, words: tuple[str, ...]
) -> None:
    (tmp_path / ".aws" / "sso" / "cache").mkdir(parents=True)
    (tmp_path / ".aws" / "config").write_text(config)
    if "#expired" in config:
        token = {"accessToken": "x", "expiresAt": "2020-01-01T00:00:00Z"}
        name = hashlib.sha1(b"https://corp.example/start", usedforsecurity=False).hexdigest()  # botocore's
        (tmp_path / ".aws" / "sso" / "cache" / f"{name}.json").write_text(json.dumps(token))
    assert_refused(asked_of_aws(roost, tmp_path, "status", AWS_PROFILE="mine", ROOST_MY_ADDRESS="192.0.2.7"), 7, *words)


def asked_of_aws(roost: Roost, home: Path, verb: str, **variables: str) -> Done:
    there = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    own = {
        "HOME": str(home),
        "PYTHONPATH": roost.environment["PYTHONPATH"],
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return subprocess.run(
        [sys.executable, "-m", "roost", verb, "galaxy", "--cloud", "aws"],
        env={**there, **own, **variables},
        cwd=home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )


def refused(roost: Roost, argv: tuple[str, ...], exit_code: int, *words: str) -> Done:
    """Roost says no in those words, and EC2 has nothing of it."""
    done = roost(*argv, timeout_s=150)  # the first one may have to build the image
    assert_refused(done, exit_code, *words)
    assert roost.left() == []
    return done


def assert_refused(done: Done, exit_code: int, *words: str) -> None:
    assert done.returncode == exit_code, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def run(roost: Roost, argv: tuple[str, ...], changed: Mapping[str, str], *, module: str = "roost") -> Done:
    return subprocess.run(
        [sys.executable, "-m", module, *argv],
        env={**roost.environment, **changed},
        cwd=roost.directory,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def listening(port: int) -> socket.socket:
    """A socket on a port whose last owner may just be closing it."""
    deadline = time.monotonic() + 20
    while True:
        taken = socket.socket()
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            taken.bind(("127.0.0.1", port))
        except OSError:
            taken.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            taken.listen()
            return taken


def client(service: Localec2Service) -> Any:
    return service.client()


def example(roost: Roost) -> Path:
    """The hello example, to be spoilt."""
    return Path(shutil.copytree(EXAMPLES / "hello", roost.directory / "hello"))


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))
