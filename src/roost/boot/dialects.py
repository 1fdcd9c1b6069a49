"""pure: raw user data -> which of the habits it follows, and what an execution point is to do with it.

Runs on a baked image, which cannot know how it will be launched: with Roost's own cloud-config, as the EC2 images of
2008 (a bare host name) and 2011 (lines of HTCondor configuration; `KEY = value` for a virtual cluster) were, or with
whatever cloud-init understands. Standard library only. docs/user-data.md is the page for users.

What the tutorial of 2011 wrote for a virtual cluster (step 16) has not survived. It named the submit host twice: to
HTCondor, and to the authors' own service (Coord) by which the instances of a launch found each other. `KEYS` are ours,
and one naming is enough: HTCondor's collector is the place where peers meet.
"""

import gzip
import ipaddress
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

DEFAULT_LEASE_S = 24 * 3600  # nobody said how long: long enough for a day's work, short enough for a forgotten one
_LEAST_LEASE_S = 60

# Ours among the user's lines: taken out of what HTCondor reads. Everything else is HTCondor's, also what is unknown.
KEYS = (
    "ROOST_LEASE",  # 90s, 15m, 3h, 2d: the instance powers itself off then
    "ROOST_TOKEN",  # an HTCondor token that may ADVERTISE_STARTD and ADVERTISE_MASTER
    "SEC_TOKEN",  # the same
    "ROOST_NETWORK",  # direct: the public address; outbound: through the broker (CCB) of the collector
    "SHARED",  # gluster: the disks of all instances of this launch as one file system, at `SHARED_AT`; or none
    "SHARED_PEERS",  # how many instances the launch has: nothing on an instance says so
    "SHARED_COPIES",  # of each file; 1
)
SHARED_AT = "/shared"  # as in the tutorial
_SHARED = ("none", "gluster")
_NETWORKS = ("direct", "outbound")
# What cloud-init takes for its own ("User data formats"); a comment of HTCondor's begins with # too.
_CLOUD_INIT = re.compile(
    r"#!|#cloud-config|#cloud-boothook|#include|#part-handler|#upstart-job|## *template:"
    r"|(content-type|mime-version|from |return-path):?",
    re.IGNORECASE,
)
_ROOSTS_OWN = "roost.boot.node.contextualise"
_ASSIGNMENT = re.compile(r"\s*([A-Za-z_][\w.]*)\s*=(?!=)\s*(.*?)\s*$")
_STATEMENT = re.compile(
    r"\s*(use\s+\w+\s*:|include\b.*:|if\s|elif\s|else\b|endif\b|(warning|error)\s*:|@)", re.IGNORECASE
)
_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+", re.I)
_TOKEN = re.compile(r"ey[\w-]+\.ey[\w-]+\.[\w-]+")
_DURATION = re.compile(r"(\d{1,9})\s*([smhd])")
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True, kw_only=True, slots=True)
class Own:
    """Roost's own cloud-config: its `bootcmd` has done the work."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NotOurs:
    """Left to cloud-init; HTCondor does not start."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """Meant for an execution point, and wrong."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """A file system of the instances of one launch."""

    peers: int
    copies: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Worker:
    """An execution point of somebody's pool."""

    habit: str  # for the console
    central_manager: str  # as written
    lines: str  # HTCondor's, verbatim and without a secret; its line numbers are the user data's
    lease_s: int = DEFAULT_LEASE_S
    token: str | None = None
    network: str | None = None  # None: direct where there is a public address
    cluster: Cluster | None = None


Dialect = Own | NotOurs | Refused | Worker


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where the instance is, from the metadata."""

    instance_id: str
    zone: str
    private_ip: str
    public_ip: str  # empty: it has none


def dialect(raw: bytes) -> Dialect:
    """What user data asks for; anything can be user data.

    >>> dialect(b"CONDOR_HOST = head.example.org\\n").central_manager
    'head.example.org'
    >>> dialect(b"head.example.org").lines
    'CONDOR_HOST = head.example.org\\n'
    >>> dialect(b"#!/bin/sh\\ntrue\\n").reason
    'it is for cloud-init (#!/bin/sh)'
    """
    try:
        text = _text(raw)
    except (ValueError, OSError, EOFError, zlib.error):
        return NotOurs(reason="it is neither text nor gzip-compressed text")
    lines = text.split("\n")
    said = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    first = next((line.strip() for line in lines if line.strip()), "")
    if text.startswith("#cloud-config") and _ROOSTS_OWN in text:
        return Own()
    if _CLOUD_INIT.match(first):
        return NotOurs(reason=f"it is for cloud-init ({first[:40]})")
    if not said:
        return NotOurs(reason="it is empty")
    if is_host(said[0]):
        return _bare_host(said)
    if _ASSIGNMENT.match(said[0]) or _STATEMENT.match(said[0]):
        return _condor_lines(lines)
    return NotOurs(reason=f"no habit is known that begins with {said[0][:40]!r}")


def is_host(word: str) -> bool:
    """A full name or an address, perhaps with a port: a single word could be anything.

    >>> [is_host(word) for word in ("head.example.org", "10.0.0.7:9618", "head", "a b.c", "1.2.3.4.5.6:0x")]
    [True, True, False, False, False]
    """
    host, colon, port = word.rpartition(":") if word.count(":") == 1 else (word, "", "")
    if colon and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return False
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None and not host.rpartition(".")[2].isdigit()
    return True


def without_port(host: str) -> str:
    """
    >>> without_port("head.example.org:9620"), without_port("10.0.0.7")
    ('head.example.org', '10.0.0.7')
    """
    return host.partition(":")[0] if host.count(":") == 1 else host


def lease_s(text: str) -> int | None:
    """A duration in seconds; None for what is none, or less than a minute.

    >>> lease_s("3h"), lease_s("90 s"), lease_s("5s"), lease_s("soon")
    (10800, 90, None, None)
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        return None
    seconds = int(found[1]) * _UNITS_S[found[2]]
    return seconds if seconds >= _LEAST_LEASE_S else None


def worker_config(worker: Worker, place: Place, *, power_off: str) -> str:
    """What the image adds, before the user's lines: role, size, addresses, and who may say what to this machine.

    With a token everything is authenticated and encrypted. Without one there is what the old image had: trust in
    addresses, limited to the central manager's and this one. The user's lines come last and may say otherwise.
    """
    lines = [
        "# Written at each boot by the image's own boot program. The user data's lines come last, in 60-user-data.",
        f"CONDOR_HOST = {without_port(worker.central_manager)}",
        "DAEMON_LIST = MASTER STARTD",
        "use FEATURE:PartitionableSlot",
        "ENABLE_KERNEL_TUNING = False",
        "RunBenchmarks = False",
        "STARTER_ALLOW_RUNAS_OWNER = False",
        "UPDATE_COLLECTOR_WITH_TCP = True",
        "# told to leave, or idle for STARTD_NOCLAIM_SHUTDOWN: an instance without HTCondor is of no use",
        f"DEFAULT_MASTER_SHUTDOWN_SCRIPT = {power_off}",
        "",
        *_addresses(worker, place),
        "",
        f'RoostInstanceId = "{place.instance_id}"',
        "STARTD_ATTRS = $(STARTD_ATTRS) RoostInstanceId",
        "",
    ]
    if worker.token:
        lines += ["use SECURITY:recommended_v9_0", "SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS"]
    else:
        lines += [
            "# no token was given",
            "use SECURITY:HOST_BASED",
            "ALLOW_WRITE = $(CONDOR_HOST) $(FULL_HOSTNAME) $(IPV4_ADDRESS)",
            "ALLOW_DAEMON = $(ALLOW_WRITE)",
            "ALLOW_ADMINISTRATOR = $(FULL_HOSTNAME) $(IPV4_ADDRESS)",
            # Debian's own configuration requires all three
            *(f"SEC_DEFAULT_{what} = OPTIONAL" for what in ("AUTHENTICATION", "ENCRYPTION", "INTEGRITY")),
            "SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS",
        ]
    return "\n".join(lines) + "\n"


def _addresses(worker: Worker, place: Place) -> list[str]:
    """As the page of 2008 has them; inside a zone machines of one network speak by their private addresses."""
    lines = [
        f"NETWORK_INTERFACE = {place.private_ip}",
        "ENABLE_IPV6 = False",
        f"PRIVATE_NETWORK_NAME = amazon-ec2-{place.zone}",
        f"PRIVATE_NETWORK_INTERFACE = {place.private_ip}",
    ]
    if place.public_ip and worker.network != "outbound":
        return [*lines, f"TCP_FORWARDING_HOST = {place.public_ip}"]
    return [
        *lines,
        "# nobody calls in: the collector's broker has connections turned around",
        "CCB_ADDRESS = $(COLLECTOR_HOST)",
    ]


def _text(raw: bytes) -> str:
    if raw.startswith(b"\x1f\x8b"):
        raw = gzip.decompress(raw)
    text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    if "\0" in text:
        raise ValueError("binary")
    return text


def _bare_host(said: list[str]) -> Dialect:
    """The host; what else there is stands below it."""
    host = without_port(said[0])
    collector = [] if host == said[0] else [f"COLLECTOR_HOST = {said[0]}"]
    return _condor_lines([f"CONDOR_HOST = {host}", *collector, *said[1:]], habit="a bare host name")


def _condor_lines(lines: list[str], *, habit: str = "HTCondor configuration") -> Dialect:
    ours: dict[str, str] = {}
    theirs: list[str] = []
    heredoc = ""  # inside NAME @=tag ... @tag everything is a value
    central_manager = ""
    for line in lines:
        if heredoc:
            heredoc = "" if line.strip() == f"@{heredoc}" else heredoc
            theirs.append(line)
            continue
        found = _ASSIGNMENT.match(line)
        name = found[1].upper() if found else ""
        if _TOKEN.fullmatch(line.strip()):
            ours["ROOST_TOKEN"] = line.strip()
            theirs.append("# (a token)")
        elif found and (name in KEYS or name.startswith("ROOST_")):
            ours[name] = found[2].strip("\"'")
            theirs.append(f"# {name}: the image's")
        else:
            if found and (name == "CONDOR_HOST" or (name == "COLLECTOR_HOST" and not central_manager)):
                central_manager = found[2].rstrip("\\").strip()
            opening = re.match(r"\s*[A-Za-z_][\w.]*\s*@=(\w+)\s*$", line)
            heredoc = opening[1] if opening else ""
            theirs.append(line)
    if ours.keys() - set(KEYS):
        unknown = ", ".join(sorted(ours.keys() - set(KEYS)))
        return Refused(reason=f"nothing is known of {unknown}; known are {', '.join(KEYS)}")
    if any(name not in ("ROOST_TOKEN", "SEC_TOKEN") for name in ours) and habit == "HTCondor configuration":
        habit = "a virtual cluster's keys"
    if not central_manager:
        return Refused(reason="it names no CONDOR_HOST")
    return _worker(ours, habit=habit, central_manager=central_manager, lines=theirs)


def _worker(ours: dict[str, str], *, habit: str, central_manager: str, lines: list[str]) -> Dialect:
    lease = lease_s(ours.get("ROOST_LEASE", f"{DEFAULT_LEASE_S}s"))
    if lease is None:
        return Refused(reason=f"ROOST_LEASE = {ours['ROOST_LEASE']}: write 15m, 3h or 2d, at least 1m")
    token = ours.get("ROOST_TOKEN") or ours.get("SEC_TOKEN")
    if token and not _TOKEN.fullmatch(token):
        return Refused(reason="ROOST_TOKEN is no token as condor_token_create prints it (ey....ey....)")
    network = ours.get("ROOST_NETWORK")
    if network and network not in _NETWORKS:
        return Refused(reason=f"ROOST_NETWORK = {network}: it is one of {', '.join(_NETWORKS)}")
    cluster = _cluster(ours)
    if isinstance(cluster, Refused):
        return cluster
    text = "\n".join(lines).rstrip("\n") + "\n"
    return Worker(
        habit=habit,
        central_manager=central_manager,
        lines=text,
        lease_s=lease,
        token=token or None,
        network=network,
        cluster=cluster,
    )


def _cluster(ours: Mapping[str, str]) -> Cluster | Refused | None:
    kind = ours.get("SHARED", "none")
    if kind not in _SHARED:
        return Refused(reason=f"SHARED = {kind}: it is one of {', '.join(_SHARED)}")
    figures = {name: ours[name] for name in ("SHARED_PEERS", "SHARED_COPIES") if name in ours}
    if kind == "none":
        return Refused(reason=f"{' and '.join(figures)} without SHARED = gluster") if figures else None
    for name, text in figures.items():
        if not (text.isascii() and text.isdigit() and 0 < int(text) < 1000):
            return Refused(reason=f"{name} = {text}: it is a number of instances, or of copies")
    if "SHARED_PEERS" not in figures:
        return Refused(reason="SHARED = gluster without SHARED_PEERS: say how many instances this launch has")
    cluster = Cluster(peers=int(figures["SHARED_PEERS"]), copies=int(figures.get("SHARED_COPIES", "1")))
    if cluster.peers % cluster.copies:
        return Refused(reason=f"{cluster.copies} copies of each file need a multiple of as many peers as SHARED_PEERS")
    return cluster
