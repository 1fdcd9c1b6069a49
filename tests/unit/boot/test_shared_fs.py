"""What the access point does next for a volume of all peers; what is mounted and said, word by word."""

import pytest

from roost.boot import shared_fs
from roost.boot.gluster import Step, next_steps
from roost.boot.shared_fs import Volume

A, B, C, D = "10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"
ONE_COPY = Volume(is_started=True, copies=1, bricks=(A, B))
TWO_COPIES = Volume(is_started=True, copies=2, bricks=(A, B))


def of(address: str) -> str:
    return f"{address}:/srv/roost/brick"


FIX = ("volume", "rebalance", "shared", "fix-layout", "start")


@pytest.mark.parametrize(
    ("announced", "up", "down", "gone_for_s", "volume", "copies", "expected"),
    [
        pytest.param("", "", "", 0, None, 1, [], id="nobody yet"),
        pytest.param("AB", "", "", 0, None, 1, [("peer", "probe", A), ("peer", "probe", B)], id="new ones"),
        pytest.param("A", "A", "", 0, None, 1, [], id="the other one is missing"),
        pytest.param("AB", "A", "B", 0, None, 1, [], id="the other one is not connected"),
        pytest.param(
            "AB",
            "AB",
            "",
            0,
            None,
            1,
            [
                ("volume", "create", "shared", of(A), of(B), "force"),
                ("volume", "set", "shared", "network.ping-timeout", "10"),
                ("volume", "start", "shared"),
            ],
            id="all are there",
        ),
        pytest.param(
            "AB",
            "AB",
            "",
            0,
            None,
            2,
            [
                ("volume", "create", "shared", "replica", "2", of(A), of(B), "force"),
                ("volume", "set", "shared", "network.ping-timeout", "10"),
                ("volume", "start", "shared"),
            ],
            id="all are there, two copies",
        ),
        pytest.param(
            "AB",
            "AB",
            "",
            0,
            Volume(is_started=False, copies=1, bricks=(A, B)),
            1,
            [("volume", "start", "shared")],
            id="killed before the start",
        ),
        pytest.param("", "AB", "", 0, ONE_COPY, 1, [], id="all is well, and the ads have gone"),
        pytest.param(
            "C", "ABC", "", 0, ONE_COPY, 1, [("volume", "add-brick", "shared", of(C), "force"), FIX], id="one more"
        ),
        pytest.param("", "A", "B", 5, ONE_COPY, 1, [], id="one reboots"),
        pytest.param("", "A", "B", 999, ONE_COPY, 1, [], id="one is gone for good"),
        pytest.param("C", "AC", "B", 5, TWO_COPIES, 2, [], id="one reboots, another is new, two copies"),
        pytest.param("C", "AC", "B", 5, ONE_COPY, 1, [], id="one reboots, another is new"),
        pytest.param(
            "C",
            "AC",
            "B",
            999,
            ONE_COPY,
            1,
            [
                ("volume", "add-brick", "shared", of(C), "force"),
                ("volume", "remove-brick", "shared", of(B), "force"),
                FIX,
            ],
            id="one is replaced, its files are lost",
        ),
        pytest.param(
            "C",
            "AC",
            "B",
            999,
            TWO_COPIES,
            2,
            [("volume", "replace-brick", "shared", of(B), of(C), "commit", "force")],
            id="one is replaced, the copy fills it",
        ),
        pytest.param(
            "CD",
            "ABCD",
            "",
            0,
            TWO_COPIES,
            2,
            [("volume", "add-brick", "shared", of(C), of(D), "force"), FIX],
            id="two more, two copies",
        ),
        pytest.param(
            "CD",
            "ABD",
            "",
            0,
            ONE_COPY,
            1,
            [("peer", "probe", C), ("volume", "add-brick", "shared", of(D), "force"), FIX],
            id="one is new, another one newer",
        ),
        pytest.param("C", "ABC", "", 0, TWO_COPIES, 2, [], id="one more is not enough for two copies"),
        pytest.param("", "AB", "D", 999, ONE_COPY, 1, [("peer", "detach", D, "force")], id="one that never had a part"),
    ],
)
def test_next_steps(
    announced: str, up: str, down: str, gone_for_s: float, volume: Volume | None, copies: int, expected: list[Step]
) -> None:
    named = {"A": A, "B": B, "C": C, "D": D}
    peers = {named[each]: True for each in up} | {named[each]: False for each in down}
    steps = next_steps(
        announced={named[each] for each in announced},
        peers=peers,
        gone_for_s={named[each]: gone_for_s for each in down},
        volume=volume,
        wanted=2,
        copies=copies,
    )
    assert steps == expected


PEERS = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cliOutput><opRet>0</opRet><opErrno>0</opErrno><opErrstr/><peerStatus>
<peer><uuid>1</uuid><hostname>10.0.0.1</hostname><hostnames><hostname>10.0.0.1</hostname></hostnames>
<connected>1</connected><state>3</state><stateStr>Peer in Cluster</stateStr></peer>
<peer><uuid>2</uuid><hostname>10.0.0.2</hostname><connected>0</connected><state>3</state></peer>
</peerStatus></cliOutput>"""
VOLUME = """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<cliOutput><opRet>0</opRet><volInfo><volumes><volume><name>shared</name><status>1</status>
<statusStr>Started</statusStr><brickCount>2</brickCount><replicaCount>2</replicaCount><bricks>
<brick uuid="1">10.0.0.1:/srv/roost/brick<name>10.0.0.1:/srv/roost/brick</name><hostUuid>1</hostUuid></brick>
<brick uuid="2">10.0.0.2:/srv/roost/brick<name>10.0.0.2:/srv/roost/brick</name><hostUuid>2</hostUuid></brick>
</bricks></volume><count>1</count></volumes></volInfo></cliOutput>"""
NO_VOLUME = "<cliOutput><opRet>-1</opRet><opErrstr>Volume shared does not exist</opErrstr></cliOutput>"


def test_what_glusterd_answers() -> None:
    assert shared_fs.peers(PEERS) == {A: True, B: False}
    assert shared_fs.volume(VOLUME) == TWO_COPIES
    assert shared_fs.volume(NO_VOLUME) is None


@pytest.mark.parametrize(
    ("kind", "server", "expected"),
    [
        ("gluster", "", "mount -t glusterfs localhost:/shared /work"),
        ("nfs", A, "mount -t nfs4 -o hard,noatime,lookupcache=positive,retry=1 10.0.0.1:/work /work"),
        (
            "efs",
            A,
            "mount -t nfs4 -o nfsvers=4.1,rsize=1048576,wsize=1048576,hard,timeo=600,retrans=2,noresvport,"
            "lookupcache=positive,retry=1 10.0.0.1:/ /work",
        ),
    ],
)
def test_what_is_mounted(kind: str, server: str, expected: str) -> None:
    assert " ".join(shared_fs.mount_command(kind, "/work", server)) == expected


def test_what_the_access_point_exports() -> None:
    assert shared_fs.exports("/shared", "172.31.0.0/16") == (
        "/shared 172.31.0.0/16(rw,async,no_subtree_check,root_squash,sec=sys)\n"
    )


@pytest.mark.parametrize(
    ("connected", "copies", "is_whole"),
    [
        ([True, True], 1, True),
        ([True, False], 1, False),
        ([True, False], 2, True),
        ([False, False], 2, False),
        ([True, False, False, True], 2, True),
        ([False, False, True, True], 2, False),
        ([], 1, True),
    ],
)
def test_whether_every_file_is_there(connected: list[bool], copies: int, is_whole: bool) -> None:
    assert shared_fs.whole(connected, copies)[0] is is_whole


@pytest.mark.parametrize(("kind", "looks"), [("gluster", True), ("nfs", False), ("efs", False)])
def test_what_htcondor_is_told(kind: str, looks: bool) -> None:
    text = shared_fs.condor_text(kind=kind, at="/shared", size_gib=40, look="/l")
    assert 'RoostShared = "/shared"' in text.splitlines()
    assert "RoostSharedGiB = 40" in text.splitlines()
    assert ("START = ($(START)) && RoostSharedOk =!= False" in text.splitlines()) is looks
