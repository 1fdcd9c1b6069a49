"""pure: what Roost runs over ssh on the access point, as `debian` with sudo, and what the answers mean.

Each command is an argument list for that machine; each answer is parsed here and becomes a value.
"""

import json
import shlex
from dataclasses import dataclass

from roost.boot.condor_config import joining_identity
from roost.boot.settings import JOINING_FLAG, domain_of
from roost.boot.shared_fs import PLACE, PROOF

JOINING_TOKEN_LIFETIME_S = 15 * 60  # a launch must have booted by then
HERE = "/run/roost"  # what `node.approve_tokens` needs on a central manager that was there before Roost


@dataclass(frozen=True, kw_only=True, slots=True)
class Unfetched:
    """Files on the shared file system that are newer than the last fetch."""

    count: int
    size_bytes: int
    first: tuple[str, ...]  # paths, a few

    @property
    def files(self) -> str:
        return f"{self.count} file{'' if self.count == 1 else 's'}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Joined:
    """An execution point that the collector lists."""

    instance_id: str
    name: str
    cpus: int
    memory_mib: int
    port: int  # where it listens
    network_mode: str = ""  # what it took, and why
    network_reason: str = ""


def is_ready() -> list[str]:
    """Exit code 0 when the central manager answers and its schedd is listed: jobs can be submitted, tokens minted."""
    return ["sh", "-c", "condor_status -schedd -af Name | grep -q ."]


def mint_joining_token(pool: str) -> list[str]:
    """Prints a token that may advertise an execution point, nothing else, for a quarter of an hour."""
    create = (
        f"condor_token_create -identity {joining_identity(domain_of(pool))} "
        f"-authz ADVERTISE_STARTD -authz ADVERTISE_MASTER -lifetime {JOINING_TOKEN_LIFETIME_S}"
    )
    return ["sudo", "-n", "sh", "-c", f"touch {JOINING_FLAG} && {create}"]


def mint_here(pool: str, *, lease_s: int, domain: str, python: str, path: str) -> list[str]:
    """The same on a central manager that was there before Roost, as root; has `approve_here` run there meanwhile."""
    flags = f"{HERE}/joining"
    create = shlex.join(
        [
            *("condor_token_create", "-identity", joining_identity(domain)),
            *("-authz", "ADVERTISE_STARTD", "-authz", "ADVERTISE_MASTER"),
            *("-lifetime", str(JOINING_TOKEN_LIFETIME_S)),
        ]
    )
    approve = shlex.join(["env", f"PYTHONPATH={path}", "setsid", python, "-m", "roost.boot.approve_here", domain])
    script = (
        f"umask 077 && mkdir -p {flags} && echo {lease_s} > {flags}/{pool} && "
        f"{{ {approve} </dev/null >>{HERE}/approver.log 2>&1 & }} && {create}"
    )
    return ["sh", "-c", script]


def joining_token(printed: str) -> str:
    """The token in what `mint_joining_token` printed; ValueError when there is none.

    >>> joining_token("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2luIn0.c2ln\\n")
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJqb2luIn0.c2ln'
    """
    tokens = [line for line in printed.splitlines() if line.startswith("ey") and line.count(".") == 2]
    if not tokens:
        raise ValueError(f"no token in {printed!r}")
    return tokens[-1]


def list_joined() -> list[str]:
    """One ad per execution point: its partitionable slot."""
    attributes = "RoostInstanceId,Machine,TotalSlotCpus,TotalSlotMemory,MyAddress,RoostNetworkMode,RoostNetworkReason"
    constraint = "PartitionableSlot && RoostInstanceId isnt undefined"
    return ["condor_status", "-const", constraint, "-attributes", attributes, "-json"]


def joined(printed: str) -> list[Joined]:
    """What `list_joined` printed; nothing at all when no execution point has joined."""
    if not printed.strip():
        return []
    return [
        Joined(
            instance_id=ad["RoostInstanceId"],
            name=ad["Machine"],
            cpus=int(ad["TotalSlotCpus"]),
            memory_mib=int(ad["TotalSlotMemory"]),
            port=port_in(ad["MyAddress"]),
            network_mode=ad.get("RoostNetworkMode", ""),
            network_reason=ad.get("RoostNetworkReason", ""),
        )
        for ad in json.loads(printed)
    ]


def port_in(sinful: str) -> int:
    """The port in an address as HTCondor writes it.

    >>> port_in("<198.18.1.2:9618?addrs=198.18.1.2-9618&noUDP&sock=startd_1_2>")
    9618
    """
    return int(sinful.strip("<>").partition("?")[0].rpartition(":")[2])


def reaches(address: str, port: int) -> list[str]:
    """Exit code 0 when a connection from there to that address comes about."""
    return ["timeout", "20", "bash", "-c", 'exec 3<>"/dev/tcp/$1/$2"', "bash", address, str(port)]


_MARK = f"{PROOF}/fetched"
_LIST_UNFETCHED = f"""\
at=$(cat {PLACE} 2>/dev/null) || exit 0
[ -e "$at/{_MARK}" ] && set -- -cnewer "$at/{_MARK}"
sudo -n find "$at" -xdev -path "$at/{PROOF}" -prune -o -type f "$@" -printf '%s %p\\n' 2>/dev/null |
awk 'NR <= 5 {{ print }} {{ size += $1 }} END {{ print NR, size + 0 }}'
"""


def shared_place() -> list[str]:
    """Prints where the shared file system is; exit code 1 where there is none."""
    return ["cat", PLACE]


def list_unfetched() -> list[str]:
    """Prints size and path of a few files that were not fetched, and how many they are with what size in all."""
    return ["sh", "-c", _LIST_UNFETCHED]


def unfetched(printed: str) -> Unfetched:
    """
    >>> unfetched("3 /shared/a b\\n4 /shared/c\\n2 7\\n")
    Unfetched(count=2, size_bytes=7, first=('/shared/a b', '/shared/c'))
    >>> unfetched("")
    Unfetched(count=0, size_bytes=0, first=())
    """
    lines = printed.splitlines()
    if not lines:
        return Unfetched(count=0, size_bytes=0, first=())
    count, size = lines[-1].split()
    return Unfetched(
        count=int(count), size_bytes=int(float(size)), first=tuple(x.partition(" ")[2] for x in lines[:-1])
    )


def begin_fetch(at: str) -> list[str]:
    """What is written from now on is for the next fetch."""
    return ["sudo", "-n", "touch", f"{at}/{_MARK}.new"]


def end_fetch(at: str) -> list[str]:
    return ["sudo", "-n", "mv", f"{at}/{_MARK}.new", f"{at}/{_MARK}"]
