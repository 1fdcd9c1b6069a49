"""Why an instance is not what it should be: evidence in, the likeliest cause and its remedy out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from roost.boot.roles import Role
from roost.cloud.model import Ingress, InstanceState, PoolInstance
from roost.pool.evidence import Disk, InstanceEvidence, Listed, Token, complaints, inside, listed
from roost.pool.why import causes, condition, lines

LOOK = inside((Path(__file__).parent / "data" / "look.txt").read_text())  # of one whose token was spoilt
NOW = datetime.fromtimestamp(LOOK.clock_s, UTC)
WELL = replace(
    LOOK,
    disks=(Disk(at="/", size_kib=8_000_000, free_kib=4_000_000),),
    tokens=(Token(subject="ep-i-1@galaxy.roost", issuer="galaxy.roost", expires_at_s=LOOK.clock_s + 3600),),
    complaints=(),
)
INSTANCE = PoolInstance(
    id="i-1",
    role=Role.EXECUTION_POINT,
    state=InstanceState.RUNNING,
    instance_type="c7i.large",
    zone="us-east-1a",
    private_ip="172.31.2.53",
    public_ip="198.18.0.9",
    image_id="ami-1",
    launched_at=NOW - timedelta(minutes=10),
    launch="execution-point-1",
)
INGRESS = frozenset({Ingress(port=22, cidr="192.0.2.7/32"), Ingress(port=9618, cidr=None)})
LISTED = Listed(heard_s_ago=2.0, clock_ahead_s=0.0, activity="idle")
FINE = InstanceEvidence(
    instance=INSTANCE,
    pool="galaxy",
    now=NOW,
    console="roost: 1.2s configured role=execution-point\nroost: 1.5s condor started\nroost: 4.0s joined\n",
    inside=WELL,
    clock_ahead_s=0.1,
    listed=LISTED,
    collector_answers=True,
    manager_clock_ahead_s=0.0,
    ingress=INGRESS,
    own_address="192.0.2.7",
)
OUT = replace(FINE, listed=None)  # running, and not in the pool
MASKED = "roost: 9.1s failed reason=systemctl start --no-block condor.service: Unit condor.service is masked.\n"


def ended(reason: str) -> InstanceEvidence:
    gone = replace(INSTANCE, state=InstanceState.TERMINATED, state_reason=reason)
    return replace(OUT, instance=gone, inside=None, clock_ahead_s=None)


def unit(**changes: str) -> InstanceEvidence:
    return replace(OUT, inside=replace(WELL, unit={**WELL.unit, **changes}))


@pytest.mark.parametrize(
    ("evidence", "sentence", "remedy"),
    [
        (
            replace(OUT, inside=LOOK, denials=("DC_AUTHENTICATE: required authentication of 172.31.2.53 failed",)),
            "the central manager does not accept its token: wrong, revoked or of another pool",
            "roost ssh galaxy --on i-1 -- sudo poweroff; roost up galaxy",
        ),
        (
            replace(OUT, inside=replace(WELL, tokens=(replace(WELL.tokens[0], expires_at_s=NOW.timestamp() - 60),))),
            "its token has expired, 2026-11-21 11:25 UTC",
            "sudo poweroff",
        ),
        (replace(OUT, inside=replace(WELL, tokens=())), "it has no token: nobody lets it into the pool", "poweroff"),
        (
            replace(OUT, console="[    1.5] Kernel panic - not syncing: VFS", inside=None, unreachable="refused"),
            "it never booted: its kernel or its root disk failed",
            "roost down galaxy, and roost up again",
        ),
        (
            replace(OUT, console="", inside=None, unreachable="timed out"),
            "its system has not started: the console says nothing, and ssh gets no answer",
            "roost down galaxy",
        ),
        (
            replace(unit(LoadState="masked"), console=MASKED),
            "HTCondor does not start there: its service is masked",
            "unmask",
        ),
        (unit(ActiveState="failed", Result="exit-code"), "HTCondor does not run there", "systemctl restart condor"),
        (unit(LoadState="not-found"), "HTCondor is not installed on its image", "image:"),
        (
            replace(OUT, console="roost: 2.0s failed reason=the volume shared did not mount\n"),
            "its boot program failed: the volume shared did not mount",
            "roost logs i-1",
        ),
        (
            replace(
                OUT, console="roost: 2.0s failed reason=x\nroost: 3.0s condor started\nroost: 9.0s failed reason=y\n"
            ),
            "its boot program failed: y",
            "roost logs i-1",
        ),
        (
            replace(FINE, inside=replace(WELL, disks=(Disk(at="/", size_kib=65536, free_kib=12),))),
            "its disk is full",
            "du -xh",
        ),
        (replace(FINE, console="Out of memory: Killed process 7 (bwa)"), "it ran out of memory", "request_memory"),
        (
            replace(OUT, ingress=frozenset({Ingress(port=22, cidr="192.0.2.7/32")})),
            "the pool's security group does not let in port 9618 from its members",
            "roost up galaxy",
        ),
        (
            replace(OUT, own_address="192.0.2.8", inside=None, unreachable="ssh: timed out"),
            "the pool's security group does not let in port 22 from 192.0.2.8, which is you",
            "roost up galaxy",
        ),
        (
            replace(OUT, inside=replace(WELL, manager_answer=124)),
            "it does not reach the central manager: port 9618 of 172.31.14.203 does not answer",
            "nft list ruleset",
        ),
        (
            replace(OUT, inside=replace(WELL, manager_answer=1)),
            "it does not reach the central manager: port 9618 of 172.31.14.203 refuses it",
            "roost ssh galaxy -- systemctl status condor",
        ),
        (replace(FINE, clock_ahead_s=3600.4), "its clock is 60 min ahead", "timedatectl"),
        (
            replace(FINE, clock_ahead_s=-7200.0, manager_clock_ahead_s=-7201.0),
            "this machine's clock is 2.0 h ahead",
            "on this machine",
        ),
        (
            replace(OUT, inside=replace(WELL, cloud_init="error", cloud_init_errors=("bootcmd failed",))),
            "cloud-init failed there",
            "cloud-init status --long",
        ),
        (
            replace(FINE, listed=replace(LISTED, heard_s_ago=600)),
            "it was in the pool and has fallen silent",
            "restart condor",
        ),
        (OUT, "it has not joined; its daemons do not complain", "wait a minute"),
        (
            ended("Server.InternalError: Internal error"),
            "EC2 failed: its host, or EC2's own service",
            "roost up galaxy",
        ),
        (ended("Server.SpotInstanceTermination: Spot"), "EC2 took the spot instance back", "roost up galaxy"),
        (
            ended("Server.InsufficientInstanceCapacity: no"),
            "EC2 had no capacity for its type",
            "workers: {type: [...]}",
        ),
        (ended("Client.VolumeLimitExceeded: no"), "the account's quota of EBS volumes is used up", "ebs"),
        (ended("Client.UserInitiatedShutdown: User"), "somebody terminated or stopped it", "roost up galaxy"),
        (ended("Client.Unheard: of"), "it has ended", "roost up galaxy"),
        (
            replace(ended("Client.InstanceInitiatedShutdown: it"), console="roost: idle, powering off\n"),
            "it had no job for so long as `idle:` says",
            "a longer `idle:`",
        ),
        (
            replace(ended("Client.InstanceInitiatedShutdown: it"), console="roost: the lease ends, powering off\n"),
            "its lease ended",
            "a longer `lease:`",
        ),
        (ended("Client.InstanceInitiatedShutdown: it"), "it shut itself down", "roost up galaxy"),
    ],
)
def test_the_likeliest_cause(evidence: InstanceEvidence, sentence: str, remedy: str) -> None:
    first = causes(evidence)[0]
    assert first.sentence.startswith(sentence)
    assert remedy in first.remedy
    assert first.evidence


def test_nothing_is_wrong() -> None:
    assert causes(FINE) == []
    assert condition(FINE) == (
        "i-1 is an execution-point of galaxy, running, launched 10 min ago; the collector heard of it 2 s ago: idle"
    )


def test_what_failed_and_was_tried_again_is_no_cause() -> None:
    console = FINE.console.replace("roost: 1.5s", "roost: 1.3s failed reason=/shared (nfs): timed out\nroost: 1.5s")
    assert causes(replace(FINE, console=console)) == causes(FINE)


def test_what_was_wrong_before_comes_before_an_end_that_somebody_wanted() -> None:
    kept = replace(ended("Client.UserInitiatedShutdown: User initiated shutdown"), inside=LOOK)
    assert [cause.sentence.split()[0] for cause in causes(kept)] == ["the", "somebody"]


def test_no_secret_is_in_what_is_told() -> None:
    spoilt = replace(OUT, inside=LOOK)
    assert "eyJ" not in "\n".join(lines(causes(spoilt)))


def test_the_look() -> None:
    assert (LOOK.cloud_init, LOOK.unit["ActiveState"], LOOK.manager, LOOK.manager_answer) == (
        *("done", "active"),
        *("172.31.14.203", 0),
    )
    assert LOOK.disks[1] == Disk(at="/var/lib/condor/execute", size_kib=65536, free_kib=65536)
    assert LOOK.tokens == (Token(subject="join", issuer="", expires_at_s=None),)
    assert LOOK.events[0] == "first boot instance=i-0f2e8694154ae145e"
    assert "AUTHENTICATE" in LOOK.complaints[-1]


def test_a_look_that_saw_nothing() -> None:
    empty = inside("")
    assert (empty.clock_s, empty.unit, empty.tokens, empty.manager_answer) == (0.0, {}, (), None)


def test_repeated_complaints_are_told_once() -> None:
    log = "11/20/26 20:10:17 ERROR: a\n11/20/26 20:10:18 ERROR: b\n11/20/26 20:10:19 ERROR: a\n"
    assert complaints(log) == ("ERROR: b", "ERROR: a")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [
        ("1000\n", None),
        ('1000\n[{"RoostInstanceId": "i-2", "LastHeardFrom": 990}]', None),
        (
            '1000\n[{"RoostInstanceId": "i-1", "LastHeardFrom": 990, "MyCurrentTime": 4590, "Activity": "Idle"},'
            ' {"RoostInstanceId": "i-1", "LastHeardFrom": 980, "Activity": "Busy"}]',
            Listed(heard_s_ago=10.0, clock_ahead_s=3600.0, activity="busy"),
        ),
    ],
)
def test_what_the_collector_lists(printed: str, expected: Listed | None) -> None:
    assert listed(printed, "i-1") == expected
