"""pure: what the access point does next so that the execution points' disks become one volume, and stay one.

Travels to access points that coordinate peers: standard library only. Each execution point tells the collector of
itself, starts its own daemon and waits; a program on the access point looks at what is there and does the next step,
again and again: so it may be killed or rebooted at any moment.
"""

from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address

from roost.boot.shared_fs import BRICK, VOLUME, Volume

GONE_AFTER_S = 90.0  # a peer that reboots is back by then
PING_TIMEOUT_S = 10  # GlusterFS' own 42 s is how long every writer would hang for a peer that has vanished

Step = tuple[str, ...]  # the words after `gluster --mode=script`


def next_steps(
    *,
    announced: Collection[str],
    peers: Mapping[str, bool],
    gone_for_s: Mapping[str, float],
    volume: Volume | None,
    wanted: int,
    copies: int,
) -> list[Step]:
    """What the access point does next; nothing when all is as it should be.

    `announced`: the addresses that execution points have told the collector. `peers`: address -> whether it is
    connected. `wanted`: the execution points of the first launch, with all of which the volume begins.
    """
    probes: list[Step] = [("peer", "probe", address) for address in sorted(set(announced) - peers.keys())]
    ready = sorted(each for each, is_connected in peers.items() if is_connected)
    if volume is None:
        return probes + (_creation(ready, copies=copies) if len(ready) >= wanted else [])
    if not volume.is_started:
        return [*probes, ("volume", "start", VOLUME)]
    spare = [each for each in ready if each not in volume.bricks]
    lost = [each for each in volume.bricks if not peers.get(each)]
    gone = [each for each in lost if gone_for_s.get(each, 0) > GONE_AFTER_S]
    if lost != gone:
        return probes  # it may come back; and if not, what is new takes its place
    steps = probes
    if volume.copies > 1:
        for old, new in zip(gone, spare, strict=False):  # the surviving copy fills it
            steps.append(("volume", "replace-brick", VOLUME, brick(old), brick(new), "commit", "force"))
        spare = spare[len(gone) :]
    spare = spare[: len(spare) - len(spare) % volume.copies]
    if spare:
        steps.append(("volume", "add-brick", VOLUME, *map(brick, spare), "force"))
        if volume.copies == 1:  # what they held is lost; what is left is a whole again
            steps += [("volume", "remove-brick", VOLUME, brick(each), "force") for each in gone]
        steps.append(("volume", "rebalance", VOLUME, "fix-layout", "start"))
    unused = [each for each, is_connected in peers.items() if not is_connected and each not in volume.bricks]
    return steps + [("peer", "detach", each, "force") for each in unused if gone_for_s.get(each, 0) > GONE_AFTER_S]


def _creation(addresses: Sequence[str], *, copies: int) -> list[Step]:
    bricks = [brick(each) for each in addresses[: len(addresses) - len(addresses) % copies]]
    replica = ("replica", str(copies)) if copies > 1 else ()
    return [
        # force: the brick is on the root file system, and two copies have no third voice when they disagree
        ("volume", "create", VOLUME, *replica, *bricks, "force"),
        ("volume", "set", VOLUME, "network.ping-timeout", str(PING_TIMEOUT_S)),
        ("volume", "start", VOLUME),
    ]


def brick(address: str) -> str:
    return f"{address}:{BRICK}"


def announced(printed: str) -> set[str]:
    """The addresses in what `condor_status -master -af RoostPeer` prints: private ones, one a line.

    >>> sorted(announced("172.31.0.4\\nundefined\\n8.8.8.8\\n"))
    ['172.31.0.4']
    """
    found = set()
    for line in printed.split():
        try:
            if IPv4Address(line).is_private:
                found.add(line)
        except ValueError:
            continue
    return found
