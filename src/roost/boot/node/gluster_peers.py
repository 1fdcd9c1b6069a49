"""shell (GlusterFS, condor_status): the access point makes one volume of the execution points' disks, and keeps it.

It is a peer without a brick. It looks at what is there and does the next step, until it is ended.
"""

import sys
import time
from collections.abc import Collection
from pathlib import Path

from roost.boot.gluster import announced, next_steps
from roost.boot.node import shared
from roost.boot.node.system import INSTRUCTIONS, STATE, StepError, run
from roost.boot.node.timeline import note
from roost.boot.settings import instructions_from_json

_PAUSE_S, _LATER_S = 0.5, 5.0
_IS_PEER = "RoostPeer isnt undefined && RoostInstanceId isnt undefined"


def main() -> int:
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    sharing = instructions.settings.sharing
    if sharing is None:
        return 0
    lost_at: dict[str, float] = {}
    said = ""
    while True:
        try:
            shared.start_glusterd((STATE / "instance-id").read_text())
            has_volume = look(lost_at, wanted=instructions.settings.workers, copies=sharing.copies)
            if has_volume and not Path(sharing.at).is_mount():
                shared.mount(sharing, "")
                shared.prove(sharing, pool=instructions.pool)
            said = ""
        except (StepError, OSError) as error:
            if str(error) != said:
                note("not shared yet", reason=str(error))
            said = str(error)
        time.sleep(_LATER_S if Path(sharing.at).is_mount() else _PAUSE_S)


def look(
    lost_at: dict[str, float], *, wanted: int, copies: int, constraint: str = _IS_PEER, itself: Collection[str] = ()
) -> bool:
    """One look, and the steps that follow from it; whether there is a volume now.

    `itself`: the address of a coordinator that has a brick of its own; GlusterFS counts the others only.
    """
    peers = {**shared.peers_here(), **dict.fromkeys(itself, True)}
    now = time.monotonic()
    for address, is_connected in peers.items():
        if is_connected:
            lost_at.pop(address, None)
        else:
            lost_at.setdefault(address, now)
    volume = shared.volume_here()
    steps = next_steps(
        announced=announced(run("condor_status", "-master", "-const", constraint, "-af", "RoostPeer")),
        peers=peers,
        gone_for_s={address: now - since for address, since in lost_at.items()},
        volume=volume,
        wanted=wanted,
        copies=copies,
    )
    for step in steps:
        try:
            shared.gluster(*step)
        except StepError:
            if step[:2] != ("peer", "probe"):
                raise  # the ad of one that has gone stays for a quarter of an hour: the others need not wait for it
        else:
            note("gluster", did=" ".join(step))
    return volume is not None and volume.is_started


if __name__ == "__main__":
    sys.exit(main())
