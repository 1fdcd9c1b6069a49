"""What a pool lacks for execution points on EC2 to join it: rows of its configuration, the lines that are missing."""

import pytest

from roost.boot.condor_config import CLAIM_HOLDER
from roost.pool.joining import MadeKey, Nat, changes, drop_in, is_joined, made_key, named, nat, needs_restart

DOMAIN = "physics.example"
OURS = "join@physics.example, ep-*@physics.example"
# HTCondor 23.9's own defaults, as far as they are asked for
DEFAULTS = {
    "SEC_DEFAULT_AUTHENTICATION_METHODS": "FS,IDTOKENS,KERBEROS,SCITOKENS,SSL",
    "ALLOW_DAEMON": "condor@* condor_pool@*",
    "ALLOW_READ": "*",
    "ALLOW_WRITE": "*",
    "USE_SHARED_PORT": "true",
    "COLLECTOR_MAX_FILE_DESCRIPTORS": "10240",
}


def lines(config: dict[str, str | None], public: str | None = None) -> dict[str, str]:
    behind = Nat(public=public, private="10.0.0.5") if public else None
    found = changes({**DEFAULTS, **config}, trust_domain=DOMAIN, nat=behind)
    return {change.name: change.value for change in found}


def test_a_pool_with_the_defaults() -> None:
    assert list(lines({})) == ["ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER", "COLLECTOR_REQUIREMENTS"]


@pytest.mark.parametrize(
    ("config", "name", "value"),
    [
        # what decides today goes on deciding
        ({}, "ALLOW_ADVERTISE_STARTD", f"$(ALLOW_DAEMON), {OURS}"),
        ({"ALLOW_DAEMON": None}, "ALLOW_ADVERTISE_STARTD", f"$(ALLOW_WRITE), {OURS}"),
        ({"ALLOW_DAEMON": None, "ALLOW_WRITE": ""}, "ALLOW_ADVERTISE_STARTD", OURS),
        ({"ALLOW_ADVERTISE_MASTER": "a@b"}, "ALLOW_ADVERTISE_MASTER", f"$(ALLOW_ADVERTISE_MASTER), {OURS}"),
        # tokens beside the methods that are there
        (
            {"SEC_DEFAULT_AUTHENTICATION_METHODS": "FS, KERBEROS"},
            "SEC_DEFAULT_AUTHENTICATION_METHODS",
            "$(SEC_DEFAULT_AUTHENTICATION_METHODS), IDTOKENS",
        ),
        ({"SEC_DAEMON_AUTHENTICATION_METHODS": "token"}, "SEC_DAEMON_AUTHENTICATION_METHODS", None),
        ({"SEC_DAEMON_AUTHENTICATION_METHODS": None}, "SEC_DAEMON_AUTHENTICATION_METHODS", None),
        # security that is off is on for those who want it
        ({"SEC_DEFAULT_AUTHENTICATION": "NEVER"}, "SEC_DEFAULT_AUTHENTICATION", "OPTIONAL"),
        ({"SEC_DEFAULT_ENCRYPTION": "PREFERRED"}, "SEC_DEFAULT_ENCRYPTION", None),
        ({"ALLOW_READ": "*.physics.example"}, "ALLOW_READ", f"$(ALLOW_READ), {OURS}"),
        # who holds a claim, from any of its addresses
        ({"ALLOW_WRITE": "*@physics.example"}, "ALLOW_WRITE_SHADOW", f"$(ALLOW_WRITE), {CLAIM_HOLDER}"),
        ({"ALLOW_WRITE": None}, "ALLOW_WRITE_SHADOW", CLAIM_HOLDER),
        ({"ALLOW_WRITE_SHADOW": "a@b"}, "ALLOW_WRITE_SHADOW", f"$(ALLOW_WRITE_SHADOW), {CLAIM_HOLDER}"),
        ({"ALLOW_WRITE_SHADOW": f"a@b {CLAIM_HOLDER}"}, "ALLOW_WRITE_SHADOW", None),
        ({"ALLOW_WRITE": "*/*"}, "ALLOW_WRITE_SHADOW", None),
        ({"USE_SHARED_PORT": "False"}, "USE_SHARED_PORT", "True"),
        ({"ENABLE_CCB_SERVER": "no"}, "ENABLE_CCB_SERVER", "True"),
        ({"COLLECTOR_MAX_FILE_DESCRIPTORS": "1024"}, "COLLECTOR_MAX_FILE_DESCRIPTORS", "10240"),
    ],
)
def test_a_line(config: dict[str, str | None], name: str, value: str | None) -> None:
    assert lines(config).get(name) == value


def test_requirements_of_the_collector_stay() -> None:
    assert lines({"COLLECTOR_REQUIREMENTS": "Cpus > 0"})["COLLECTOR_REQUIREMENTS"].startswith(
        "($(COLLECTOR_REQUIREMENTS)) && (TARGET.RoostInstanceId is undefined || "
    )


def test_behind_a_nat() -> None:
    assert lines({}, "203.0.113.5")["TCP_FORWARDING_HOST"] == "203.0.113.5"
    assert lines({}, "203.0.113.5")["PRIVATE_NETWORK_NAME"] == "$(UID_DOMAIN)"
    assert lines({}, "203.0.113.5")["PRIVATE_NETWORK_INTERFACE"] == "10.0.0.5"
    assert "TCP_FORWARDING_HOST" not in lines({"TCP_FORWARDING_HOST": "203.0.113.5"}, "203.0.113.5")


@pytest.mark.parametrize(
    ("config", "restart"), [({}, False), ({"ALLOW_READ": "a"}, False), ({"USE_SHARED_PORT": "False"}, True)]
)
def test_a_restart_only_where_it_takes_one(config: dict[str, str | None], restart: bool) -> None:
    text = drop_in(changes({**DEFAULTS, **config}, trust_domain=DOMAIN), None)
    assert needs_restart(text) is restart


def test_the_file_says_what_it_sets_and_which_key_was_made() -> None:
    key = MadeKey(path="/etc/condor/passwords.d/POOL", digest="ab" * 32)
    text = drop_in(changes(DEFAULTS, trust_domain=DOMAIN), key)
    assert named(text) == ["ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER", "COLLECTOR_REQUIREMENTS"]
    assert made_key(text) == key
    assert made_key(drop_in(changes(DEFAULTS, trust_domain=DOMAIN), None)) is None


@pytest.mark.parametrize(
    ("startd", "master", "joined"),
    [
        (f"condor@*, {OURS}", OURS, True),
        (f"condor@*, {OURS}", None, False),
        ("condor@*", OURS, False),
        ("*", "*", False),
    ],
)
def test_is_joined(startd: str, master: str | None, joined: bool) -> None:
    assert is_joined({"ALLOW_ADVERTISE_STARTD": startd, "ALLOW_ADVERTISE_MASTER": master}, DOMAIN) is joined


def test_a_nat_is_remembered() -> None:
    behind = Nat(public="203.0.113.5", private="10.0.0.5")
    assert nat(drop_in(changes(DEFAULTS, trust_domain=DOMAIN, nat=behind), None)) == behind
    assert nat(drop_in(changes(DEFAULTS, trust_domain=DOMAIN), None)) is None
