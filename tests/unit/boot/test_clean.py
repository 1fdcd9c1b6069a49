"""A disk as a directory: what the cleaning takes off it, what the scan finds, what comes back."""

import hashlib
from pathlib import Path

import pytest

from roost.boot.node.clean import STATE, WASTE, clean, listed, put_back, scan, set_aside

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ" * 2 + "\n"
RSA = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES\n\n" + "MIIEpAIBAAKCAQEA0Z3V" * 3 + "\n"
TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2luQGdhbGF4eS5yb29zdCJ9.c2lnbmF0dXJlc2lnbmF0dXJlc2ln"
AWS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"

# What one finds on an instance that has worked.
USED = {
    "etc/ssh/ssh_host_ed25519_key": KEY,
    "etc/ssh/ssh_host_ed25519_key.pub": "ssh-ed25519 AAAA",
    "root/.ssh/authorized_keys": "ssh-ed25519 AAAA",
    "home/debian/.ssh/authorized_keys": "ssh-ed25519 AAAA",
    "home/debian/.bash_history": "ls",
    "home/debian/.python_history": "1 + 1",
    "home/debian/.aws/credentials": f"[default]\naws_access_key_id = {AWS_KEY}\n",
    "etc/condor/tokens.d/own": TOKEN,
    "etc/condor/passwords.d/POOL": "5ec2e7",
    "etc/condor/config.d/50-roost.config": "CONDOR_HOST = 10.0.0.1",
    "var/lib/roost/instance-id": "i-1",
    "var/lib/cloud/instances/i-1/user-data.txt": TOKEN,
    "var/lib/systemd/random-seed": "seed",
    "var/log/condor/StartLog": "it started",
    "var/log/syslog.1": "yesterday",
    "var/cache/apt/archives/bwa.deb": "deb",
    "var/lib/condor/spool/job": "x",
    "etc/machine-id": "0123456789abcdef\n",
}
KEPT = {
    "etc/ssh/sshd_config": "Port 22",
    "etc/condor/condor_config": "X = 1",
    "home/debian/.bashrc": "alias ll='ls -l'",
    "opt/tool/run": "#!/bin/sh\necho eyJ AKIA PRIVATE KEY-----\n",
    "var/lib/cloud/scripts/per-boot/mine": "#!/bin/sh",
}


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return written(tmp_path, {**USED, **KEPT})


def written(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (root / "run").mkdir(exist_ok=True)
    return root


def content(root: Path) -> dict[str, str]:
    return {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_what_belongs_to_one_instance_goes_and_the_users_own_stays(disk: Path) -> None:
    assert len(scan(disk)) >= 8
    clean(disk)
    left = content(disk)
    assert left == {**KEPT, "etc/machine-id": "", "var/log/condor/StartLog": ""}
    assert scan(disk) == []


def test_cleaning_twice_is_fine(disk: Path) -> None:
    clean(disk)
    clean(disk)
    assert scan(disk) == []


def test_what_would_go_is_said_before(disk: Path) -> None:
    told = listed(disk, (*STATE, *WASTE))
    assert told["ssh host keys"] == 2
    assert told["histories"] == 2
    assert {"HTCondor tokens", "logs", "apt caches", "cloud-init state", "the machine's identity"} <= told.keys()
    clean(disk)
    assert listed(disk, (*STATE, *WASTE)) == {}


def test_what_is_set_aside_comes_back_whole(disk: Path) -> None:
    (disk / "home/debian/.ssh/authorized_keys").chmod(0o600)
    before = content(disk)
    set_aside(disk)
    clean(disk)
    assert (disk / "run/roost-set-aside.tar").stat().st_mode & 0o777 == 0o600
    set_aside(disk)  # a second bake, after one that was killed, has nothing to set aside
    assert put_back(disk)
    after = content(disk)
    waste = {
        "var/log/condor/StartLog",
        "var/log/syslog.1",
        "var/cache/apt/archives/bwa.deb",
        "var/lib/condor/spool/job",
    }
    assert {n: t for n, t in after.items() if n not in waste} == {n: t for n, t in before.items() if n not in waste}
    assert (disk / "home/debian/.ssh/authorized_keys").stat().st_mode & 0o777 == 0o600
    assert not put_back(disk)


@pytest.mark.parametrize(
    ("place", "text", "what"),
    [
        ("opt/app/deploy.pem", KEY, "a private key"),
        ("srv/old", "first\n" + RSA, "a private key"),
        ("usr/local/etc/token", TOKEN, "a token"),
        ("home/debian/notes", f"export AWS_ACCESS_KEY_ID={AWS_KEY}", "an AWS access key"),
        ("opt/env", "aws_secret_access_key = " + "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "an AWS secret"),
        ("var/lib/service/.ssh/authorized_keys", "ssh-ed25519 AAAA", "authorized keys"),
        ("opt/user/.bash_history", "ls", "a history"),
        ("root/.netrc", "machine a login b password c", "passwords"),
        ("srv/pool_password", "x", "an HTCondor password"),
    ],
)
def test_a_secret_in_an_unusual_place_is_found(tmp_path: Path, place: str, text: str, what: str) -> None:
    written(tmp_path, {place: text, **KEPT})
    clean(tmp_path)
    assert scan(tmp_path) == ([("/" + place, what)] if (tmp_path / place).exists() else [])
    assert (tmp_path / place).exists()
    assert scan(tmp_path, kept=["/" + place]) == []


def test_what_came_with_a_package_is_no_secret_until_it_is_changed(tmp_path: Path) -> None:
    sums = f"{hashlib.md5(KEY.encode()).hexdigest()}  usr/share/doc/tool/test.pem\n"
    written(tmp_path, {"usr/share/doc/tool/test.pem": KEY, "var/lib/dpkg/info/tool.md5sums": sums})
    assert scan(tmp_path) == []
    (tmp_path / "usr/share/doc/tool/test.pem").write_text(KEY + "mine")
    assert scan(tmp_path) == [("/usr/share/doc/tool/test.pem", "a private key")]


def test_what_is_on_no_disk_is_not_looked_at(tmp_path: Path) -> None:
    written(tmp_path, {"proc/kcore": KEY, "srv/key": KEY})
    assert scan(tmp_path, elsewhere=["/proc"]) == [("/srv/key", "a private key")]
