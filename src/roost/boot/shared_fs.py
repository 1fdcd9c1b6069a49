"""pure: a file system that all instances of a pool see: what is mounted, asked, announced and told to HTCondor.

Travels to the instances that share something: standard library only.
"""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass

VOLUME = "shared"
BRICK = "/srv/roost/brick"  # on each execution point's own disk
PLACE = "/run/roost-shared"  # on the access point: a file that says where it is
NFS_PORT = 2049  # of EFS, too
PROOF = ".roost"  # a directory on the file system, in which each instance writes its name


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    is_started: bool
    copies: int
    bricks: tuple[str, ...]  # addresses, in the volume's order


def peers(xml: str) -> dict[str, bool]:
    """Address -> whether it is connected, of what `gluster --xml peer status` prints."""
    return {
        each.findtext("hostname", ""): each.findtext("connected") == "1"
        for each in ET.fromstring(xml).iterfind("peerStatus/peer")
    }


def volume(xml: str) -> Volume | None:
    """Of what `gluster --xml volume info shared` prints; None while there is none."""
    found = ET.fromstring(xml).find("volInfo/volumes/volume")
    if found is None:
        return None
    return Volume(
        is_started=found.findtext("statusStr") == "Started",
        copies=int(found.findtext("replicaCount", "1")),
        bricks=tuple((each.findtext("name") or "").partition(":")[0] for each in found.iterfind("bricks/brick")),
    )


def announcement(*, instance_id: str, address: str, cluster: str = "") -> str:
    """A master's ad, which is what a joining token may advertise. It is gone from the collector after 15 minutes.

    `cluster`: of which launch, where there are several that know nothing of each other.
    """
    ad = {
        "MyType": '"DaemonMaster"',
        "Name": f'"shared.{instance_id}"',
        "Machine": f'"shared.{instance_id}"',
        "MyAddress": f'"<{address}:0>"',
        "RoostInstanceId": f'"{instance_id}"',  # the collector sees to it that it is the sender's own
        "RoostPeer": f'"{address}"',
        **({"RoostCluster": f'"{cluster}"'} if cluster else {}),
    }
    return "".join(f"{name} = {value}\n" for name, value in ad.items())


def exports(at: str, cidr: str) -> str:
    """/etc/exports.d/roost.exports (exports(5)); root of an execution point is nobody here, as its jobs are."""
    return f"{at} {cidr}(rw,async,no_subtree_check,root_squash,sec=sys)\n"


def mount_command(kind: str, at: str, server: str) -> list[str]:
    """`lookupcache=positive`: else a file that was looked for before it was there is not seen for half a minute.

    `retry=1`: after a minute mount says why it cannot (nfs(5)); by itself it would go on for two.
    """
    match kind:
        case "gluster":
            return ["mount", "-t", "glusterfs", f"localhost:/{VOLUME}", at]
        case "nfs":
            options = "hard,noatime,lookupcache=positive,retry=1"
            return ["mount", "-t", "nfs4", "-o", options, f"{server}:{at}", at]
        case "efs":  # EFS User Guide, "Recommended NFS mount settings"
            options = "nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport"
            return ["mount", "-t", "nfs4", "-o", f"{options},lookupcache=positive,retry=1", f"{server}:/", at]
    raise ValueError(f"nothing is mounted for {kind}")


def condor_text(*, kind: str, at: str, size_gib: int, look: str) -> str:
    """Configuration of an execution point that has it mounted; `look` is the program that says whether it is whole."""
    lines = [
        "# what all instances of the pool see: jobs may ask for RoostShared",
        f'RoostShared = "{at}"',
        f'RoostSharedKind = "{kind}"',
        f"RoostSharedGiB = {size_gib}",
        "STARTD_ATTRS = $(STARTD_ATTRS) RoostShared RoostSharedKind RoostSharedGiB",
    ]
    if kind == "gluster":
        lines += [
            "",
            "# files of a peer that has gone look as if they had never been: then no job starts here",
            "STARTD_CRON_JOBLIST = $(STARTD_CRON_JOBLIST) ROOST_SHARED",
            f"STARTD_CRON_ROOST_SHARED_EXECUTABLE = {look}",
            "STARTD_CRON_ROOST_SHARED_MODE = Periodic",
            "STARTD_CRON_ROOST_SHARED_PERIOD = 10s",
            "STARTD_CRON_ROOST_SHARED_KILL = True",
            "START = ($(START)) && RoostSharedOk =!= False",
        ]
    return "\n".join(lines) + "\n"


def whole(connected: Sequence[bool], copies: int) -> tuple[bool, str]:
    """(is every file there, what is missing in words), of whether each brick is connected, in the volume's order.

    >>> whole([True, False], 1)
    (False, '1 of 2 peers is gone, and the files it held with it')
    >>> whole([True, False], 2)
    (True, '1 of 2 peers is gone; the other copies serve')
    """
    gone = connected.count(False)
    if not gone:
        return True, ""
    told = f"{gone} of {len(connected)} peers {'is' if gone == 1 else 'are'} gone"
    sets = [connected[at : at + copies] for at in range(0, len(connected), copies)]
    if all(any(each) for each in sets):
        return True, f"{told}; the other copies serve"
    return False, f"{told}, and the files {'it' if gone == 1 else 'they'} held with {'it' if gone == 1 else 'them'}"
