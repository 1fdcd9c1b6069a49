"""The ssh command line, and names that tar may carry."""

import shlex
from pathlib import Path, PurePosixPath

import pytest

from roost.errors import RoostError
from roost.pool.access_point import SshTarget, ssh_argv
from roost.pool.tar_stream import inside

TARGET = SshTarget(
    host="198.18.1.2",
    key=Path("/home/a b/key"),
    known_hosts=Path("/home/100%/known_hosts"),
    host_key_alias="i-1",
)


def _options(words: list[str]) -> dict[str, str]:
    pairs = [words[at + 1].partition("=") for at, word in enumerate(words) if word == "-o"]
    return {name: value for name, _, value in pairs}


def test_nothing_of_the_users_own_settings_is_read() -> None:
    words = ssh_argv(TARGET)
    assert words[words.index("-F") + 1] == "none"
    assert {_options(words)[name] for name in ("IdentityAgent", "GlobalKnownHostsFile")} == {"none"}


def test_a_host_is_known_by_its_instance_id() -> None:
    options = _options(ssh_argv(TARGET))
    assert (options["HostKeyAlias"], options["StrictHostKeyChecking"]) == ("i-1", "accept-new")


def test_paths_with_blanks_and_percent_signs() -> None:
    options = _options(ssh_argv(TARGET, control_path=Path("/tmp/a b/c")))
    assert options["IdentityFile"] == '"/home/a b/key"'
    assert options["UserKnownHostsFile"] == '"/home/100%%/known_hosts"'
    assert options["ControlPath"] == '"/tmp/a b/c"'


@pytest.mark.parametrize(
    "argv", [["echo", "a b", "$HOME", "'", '"', "*"], ["sh", "-c", 'echo "$1"\nexit 3', "sh", "ü"], ["true"]]
)
def test_the_remote_shell_sees_the_same_words(argv: list[str]) -> None:
    *_, address, command = ssh_argv(TARGET, argv)
    assert address == "debian@198.18.1.2"
    assert shlex.split(command) == argv


def test_a_login_has_no_command() -> None:
    assert ssh_argv(TARGET)[-1] == "debian@198.18.1.2"


@pytest.mark.parametrize(("proxy", "expected"), [(None, None), ("nc %h %p", "nc %h %p")])
def test_proxy(proxy: str | None, expected: str | None) -> None:
    target = SshTarget(
        host="h", key=Path("/k"), known_hosts=Path("/h"), host_key_alias="i-1", proxy_command=proxy, port=2222
    )
    words = ssh_argv(target)
    assert _options(words).get("ProxyCommand") == expected
    assert words[words.index("-p") + 1] == "2222"


@pytest.mark.parametrize(
    ("name", "expected"), [("./a b/c", "a b/c"), (".", "."), ("./", "."), ("x/..y", "x/..y"), ("./-dash", "-dash")]
)
def test_names_inside(name: str, expected: str) -> None:
    assert inside(name) == PurePosixPath(expected)


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "//x"])
def test_names_outside(name: str) -> None:
    with pytest.raises(RoostError, match="outside"):
        inside(name)
