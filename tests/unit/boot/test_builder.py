"""What Roost types on a builder."""

import gzip

import yaml

from roost.boot import builder


def test_a_builder_ends_itself_and_lets_debian_in() -> None:
    told = yaml.safe_load(gzip.decompress(builder.user_data(5400)))
    assert told["user"] == {"name": "debian"}
    assert "--on-active=5400s" in told["bootcmd"][0]


def test_instances_of_the_image_let_the_same_user_in() -> None:
    (text,) = builder.CLOUD_CONFIG.values()
    assert yaml.safe_load(text) == {"system_info": {"default_user": {"name": "debian"}}}


def test_packages_are_words_to_the_shell() -> None:
    *_, script = builder.install(["condor", "g++", "a b"])
    assert "condor g++ 'a b'" in script
    assert script.startswith("exec 2>&1\n")


def test_files_go_to_their_places_whatever_their_names() -> None:
    *_, script = builder.place_files(["/opt/it's", "/etc/motd"])
    assert "mv -T -- /home/debian/.roost-bake/0 '/opt/it'\"'\"'s'" in script
    assert "mkdir -p -- /etc\n" in script


def test_what_was_set_aside_comes_back_when_nobody_is_heard() -> None:
    *_, script = builder.arm_put_back(600)
    assert "-lt 600 ]; do sleep 5; done" in script
    assert script.index("SIGSTOP roost-watch") < script.index("stop condor") < script.index("systemd-run")


def test_what_only_was_installed_once_does_not_count() -> None:
    assert builder.packages("a=1 ii \nb=2 rc \nc=3:1-2 ii \n") == {"a": "1", "c": "3:1-2"}
