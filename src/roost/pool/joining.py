"""pure: what an HTCondor pool needs for execution points on EC2 to join it, as a drop-in configuration file.

In: the pool's configuration without that file. Out: the changes that are missing, each with its reason; the file's
text; and back: what an earlier `roost join` has written. Names are HTCondor's (manual, "Configuration Macros").
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from urllib.parse import parse_qs

from roost.boot.condor_config import CLAIM_HOLDER, joining_identity, only_in_its_own_name
from roost.errors import RoostError

FILE = "90-roost-join.config"  # after a distribution's and most administrators' own
ANYBODY = "any"  # in `owners`
# What is asked of HTCondor: where and what it is ...
NEEDED = (
    *("DAEMON_LIST", "CONDOR_HOST", "FULL_HOSTNAME", "TRUST_DOMAIN", "UID_DOMAIN"),
    *("COLLECTOR_ADDRESS_FILE", "SCHEDD_ADDRESS_FILE"),
)
# ... and what a change may concern.
AUTHENTICATION_METHODS = tuple(
    f"SEC_{context}_AUTHENTICATION_METHODS"
    for context in ("DEFAULT", "READ", "DAEMON", "ADVERTISE_STARTD", "ADVERTISE_MASTER")
)
_LEVELS = tuple(
    f"SEC_{context}_{what}"
    for context in ("DEFAULT", "READ", "DAEMON", "ADVERTISE_STARTD", "ADVERTISE_MASTER")
    for what in ("AUTHENTICATION", "ENCRYPTION", "INTEGRITY", "NEGOTIATION")
)
_TRUE_OR_UNSET = {
    "USE_SHARED_PORT": "every daemon here is reached through one port",
    "ENABLE_CCB_SERVER": "the broker (CCB) through which execution points are called, which open no port",
    "UPDATE_COLLECTOR_WITH_TCP": "updates arrive or fail, and are never lost on the way",
    "SEC_ENABLE_MATCH_PASSWORD_AUTHENTICATION": "the schedd proves itself to an execution point by its claim",
}
_DESCRIPTORS = 10240  # HTCondor's default: two connections for each execution point stay open
SETTINGS = (
    *AUTHENTICATION_METHODS,
    *_LEVELS,
    *_TRUE_OR_UNSET,
    *("ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER", "ALLOW_DAEMON", "ALLOW_WRITE", "ALLOW_READ"),
    "ALLOW_WRITE_SHADOW",
    *("COLLECTOR_MAX_FILE_DESCRIPTORS", "SHARED_PORT_MAX_FILE_DESCRIPTORS"),
    *("COLLECTOR_REQUIREMENTS", "TCP_FORWARDING_HOST", "SEC_TOKEN_POOL_SIGNING_KEY_FILE", "LOCAL_CONFIG_DIR"),
)
# Daemons read these when they start, and not again at condor_reconfig.
_NEED_RESTART = {
    "USE_SHARED_PORT",
    "ENABLE_CCB_SERVER",
    "COLLECTOR_MAX_FILE_DESCRIPTORS",
    "SHARED_PORT_MAX_FILE_DESCRIPTORS",
    "TCP_FORWARDING_HOST",
    "PRIVATE_NETWORK_NAME",
    "PRIVATE_NETWORK_INTERFACE",
}
_TOKENS = {"IDTOKENS", "IDTOKEN", "TOKENS", "TOKEN"}
_MADE_KEY = re.compile(r"^# made the signing key (?P<path>\S+) sha256 (?P<digest>[0-9a-f]{64})$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """Where a daemon says it can be reached."""

    host: str  # IPv4
    port: int

    @property
    def is_loopback(self) -> bool:
        return IPv4Address(self.host).is_loopback

    @property
    def is_private(self) -> bool:
        """Not to be reached over the Internet."""
        return IPv4Address(self.host).is_private


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    name: str
    value: str  # as it stands in the file
    why: str

    @property
    def needs_restart(self) -> bool:
        return self.name in _NEED_RESTART


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeKey:
    """A signing key that was made by `roost join`."""

    path: str
    digest: str  # SHA-256 in hexadecimal


@dataclass(frozen=True, kw_only=True, slots=True)
class Nat:
    """A machine that is called by the one address and has the other."""

    public: str
    private: str


Config = Mapping[str, str | None]


def changes(config: Config, *, trust_domain: str, nat: Nat | None = None) -> list[Change]:
    """What is missing."""
    identities = f"{joining_identity(trust_domain)}, ep-*@{trust_domain}"
    return [
        *_authentication(config),
        *(
            Change(
                name=name,
                value=f"{_allowed(config, name)}{identities}",
                why="execution points of this trust domain may advertise themselves, and nothing else",
            )
            for name in ("ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER")
        ),
        Change(
            name="COLLECTOR_REQUIREMENTS",
            value=f"{_both(config, 'COLLECTOR_REQUIREMENTS')}({only_in_its_own_name(trust_domain)})",
            why="... each in its own name only",
        ),
        *_reading(config, identities),
        *_transfers(config),
        *(
            Change(name=name, value="True", why=why)
            for name, why in _TRUE_OR_UNSET.items()
            if (config.get(name) or "true").strip().lower() in ("false", "f", "no", "0")
        ),
        *(
            Change(name=name, value=str(_DESCRIPTORS), why="two connections for each execution point stay open")
            for name in ("COLLECTOR_MAX_FILE_DESCRIPTORS", "SHARED_PORT_MAX_FILE_DESCRIPTORS")
            if (config.get(name) or "").isdigit() and int(config.get(name) or 0) < _DESCRIPTORS
        ),
        *_forwarding(config, nat),
    ]


def drop_in(missing: Sequence[Change], made_key: MadeKey | None) -> str:
    """The file's text."""
    lines = [
        "# Written by `roost join`: execution points on EC2 may join this pool. `roost join --undo` takes it away.",
    ]
    if made_key:
        lines.append(f"# made the signing key {made_key.path} sha256 {made_key.digest}")
    why = ""
    for change in missing:
        if change.why != why:
            why = change.why
            lines += ["", f"# {why}"]
        lines.append(f"{change.name} = {change.value}")
    return "\n".join(lines) + "\n"


def going(file: Path) -> Path:
    """What the file is called while it is being undone. HTCondor reads no file whose name begins with a dot.

    >>> going(Path("/etc/condor/config.d/90-roost-join.config")).name
    '.90-roost-join.config.going'
    """
    return file.with_name(f".{file.name}.going")


def made_key(text: str) -> MadeKey | None:
    """What `drop_in` noted.

    >>> key = MadeKey(path="/etc/condor/passwords.d/POOL", digest="0" * 64)
    >>> made_key(drop_in([], key)) == key
    True
    """
    found = _MADE_KEY.search(text)
    return MadeKey(path=found["path"], digest=found["digest"]) if found else None


def nat(text: str) -> Nat | None:
    """What an earlier `roost join --submit-host` has written: it holds until the undo."""
    public, private = (
        re.search(rf"^{name} = (\S+)$", text, re.MULTILINE)
        for name in ("TCP_FORWARDING_HOST", "PRIVATE_NETWORK_INTERFACE")
    )
    return Nat(public=public[1], private=private[1]) if public and private else None


def named(text: str) -> list[str]:
    """The macros that a configuration text sets.

    >>> named("# a\\nA_B = 1\\nC = $(C), 2\\n")
    ['A_B', 'C']
    """
    return re.findall(r"^(\w+) *=", text, re.MULTILINE)


def needs_restart(text: str) -> bool:
    return not _NEED_RESTART.isdisjoint(named(text))


def is_joined(config: Config, trust_domain: str) -> bool:
    """Whether this pool lets Roost's execution points in, by whatever file."""
    return all(
        {joining_identity(trust_domain), f"ep-*@{trust_domain}"} <= set(words(config.get(name) or ""))
        for name in ("ALLOW_ADVERTISE_STARTD", "ALLOW_ADVERTISE_MASTER")
    )


def other_sources(printed: str, *, without: object) -> str:
    """A configuration that is all of the files which `condor_config_val -config` lists, but for one.

    >>> print(other_sources("Configuration source:\\n\\t/etc/c\\nLocal configuration sources:\\n\\t/d/a\\n\\t/d/b\\n",
    ...     without="/d/a"))
    include ifexist : /etc/c
    include ifexist : /d/b
    LOCAL_CONFIG_DIR =
    LOCAL_CONFIG_FILE =
    <BLANKLINE>
    """
    sources = [line.strip() for line in printed.splitlines() if line.startswith("\t") and line.strip()]
    kept = [f"include ifexist : {source}" for source in sources if source != str(without)]
    return "\n".join([*kept, "LOCAL_CONFIG_DIR =", "LOCAL_CONFIG_FILE =", ""])


def drop_in_directory(config: Config) -> str:
    """Where administrators put files: the last of LOCAL_CONFIG_DIR. RoostError where there is none."""
    directories = words(config.get("LOCAL_CONFIG_DIR") or "")
    if not directories:
        raise RoostError(
            "this HTCondor reads no directory of configuration files (LOCAL_CONFIG_DIR is not set)",
            "add LOCAL_CONFIG_DIR = /etc/condor/config.d to condor_config, and make the directory",
        )
    return directories[-1]


def address(text: str) -> Address:
    """Of an address file, or of a daemon's ad: a "sinful string". ValueError when it has no IPv4 address.

    >>> address("<10.0.0.5:9618?addrs=10.0.0.5-9618&alias=h&noUDP&sock=collector>\\n$CondorVersion: 23.9.6 $\\n")
    Address(host='10.0.0.5', port=9618)
    >>> address("<[2001:db8::1]:9618?addrs=[2001:db8::1]-9618+192.0.2.7-9618>").host
    '192.0.2.7'
    """
    first = text.partition("\n")[0].strip()
    found = re.fullmatch(r"<(?P<host>\[[^]]*\]|[^:>]*):(?P<port>\d+)(?:\?(?P<rest>[^>]*))?>", first)
    if found is None:
        raise ValueError(f"no address: {first!r}")
    others = parse_qs(found["rest"] or "").get("addrs", [""])[0]
    candidates = [(found["host"], found["port"]), *(one.rpartition("-")[::2] for one in re.split(r"[+ ]", others))]
    for host, port in candidates:
        try:
            return Address(host=str(IPv4Address(host)), port=int(port))
        except (AddressValueError, ValueError):
            continue
    raise ValueError(f"no IPv4 address: {first!r}")


def from_inside(sinful: str) -> str:
    """A daemon's address for whoever is on its machine.

    >>> from_inside("<192.0.2.7:9618?PrivAddr=%3c10.0.0.5:9618%3fsock%3dmaster%3e&PrivNet=a&sock=master>")
    '<10.0.0.5:9618?sock=master>'
    >>> from_inside("<10.0.0.5:9618?sock=master>")
    '<10.0.0.5:9618?sock=master>'
    """
    return next(iter(parse_qs(sinful.strip("<>").partition("?")[2]).get("PrivAddr", [])), sinful)


def words(text: str) -> list[str]:
    """HTCondor's lists: separated by commas, blanks or both.

    >>> words("MASTER, COLLECTOR  SCHEDD")
    ['MASTER', 'COLLECTOR', 'SCHEDD']
    """
    return [word for word in re.split(r"[\s,]+", text) if word]


def _authentication(config: Config) -> list[Change]:
    """Tokens beside what is there; and where security is switched off, on for those who come with a token."""
    methods = [
        Change(name=name, value=f"$({name}), IDTOKENS", why="execution points prove themselves by signed tokens")
        for name in AUTHENTICATION_METHODS
        if (given := config.get(name)) and _TOKENS.isdisjoint(word.upper() for word in words(given))
    ]
    levels = [
        Change(name=name, value="OPTIONAL", why="whoever asks for security gets it: execution points insist on it")
        for name in _LEVELS
        if (config.get(name) or "").strip().upper() == "NEVER"
    ]
    return [*methods, *levels]


def _allowed(config: Config, name: str) -> str:
    """A reference to what decides today: a list that is set no longer falls back to the wider one."""
    for decides in (name, "ALLOW_DAEMON", "ALLOW_WRITE"):
        if (config.get(decides) or "").strip():
            return f"$({decides}), "
    return ""


def _both(config: Config, name: str) -> str:
    return f"($({name})) && " if (config.get(name) or "").strip() else ""


def _reading(config: Config, identities: str) -> list[Change]:
    given = config.get("ALLOW_READ")
    if not given or "*" in words(given):
        return []
    why = "execution points look whether the collector lists them"
    return [Change(name="ALLOW_READ", value=f"$(ALLOW_READ), {identities}", why=why)]


def _transfers(config: Config) -> list[Change]:
    name = "ALLOW_WRITE_SHADOW"
    decides = name if (config.get(name) or "").strip() else "ALLOW_WRITE"
    given = words(config.get(decides) or "")
    if not {"*", "*/*", CLAIM_HOLDER}.isdisjoint(given):
        return []
    why = "whoever holds a claim of this schedd moves its files, from whichever of its addresses"
    return [Change(name=name, value=f"$({decides}), {CLAIM_HOLDER}" if given else CLAIM_HOLDER, why=why)]


def _forwarding(config: Config, nat: Nat | None) -> list[Change]:
    if nat is None or config.get("TCP_FORWARDING_HOST") == nat.public:
        return []
    why = "this machine is behind a NAT that forwards its port here; who has the same private network goes straight on"
    return [
        Change(name="TCP_FORWARDING_HOST", value=nat.public, why=why),
        Change(name="PRIVATE_NETWORK_NAME", value="$(UID_DOMAIN)", why=why),
        Change(name="PRIVATE_NETWORK_INTERFACE", value=nat.private, why=why),
    ]
