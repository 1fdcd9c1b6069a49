"""shell (GlusterFS, mount, systemd): this instance gets the file system that all instances of the pool see.

HTCondor of an execution point is held back until it is mounted and what the access point wrote has been read. What
fails is said on the console and tried again: HTCondor starts when it works, and when it never does the instance ends.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from roost.boot import shared_fs
from roost.boot.node.metadata import Metadata, MetadataError
from roost.boot.node.system import INSTRUCTIONS, SHARED_CONFIG, STATE, StepError, keep_running, power_off_in, run, write
from roost.boot.node.timeline import note
from roost.boot.roles import Role
from roost.boot.settings import PROGRAMS, Instructions, Sharing, instructions_from_json

UNIT = "roost-shared"
_HOLD = Path("/run/systemd/system/condor.service.d/roost-shared.conf")
_LOOK = Path(PROGRAMS, "shared-look")
_PEER_OF = STATE / "peer-of"
_GLUSTERD = Path("/var/lib/glusterd")
_ANNOUNCE_EVERY_S = 5.0
_PAUSE_S = 0.3
_SAY_SO_AFTER_S = 20.0
_PATIENCE_S = 120.0
_AGAIN_AFTER_S = 5.0


def main() -> int:
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    sharing = instructions.settings.sharing
    if sharing is None:
        return 0
    if sys.argv[1:] == ["hold"]:
        start_units(instructions, sharing)
        return 0
    insist(sharing, lambda: share(instructions, sharing, (STATE / "instance-id").read_text()))
    return 0


def insist(sharing: Sharing, attempt: Callable[[], None]) -> None:
    """Until it works; each reason why it does not is said once."""
    said = ""
    while True:
        try:
            return attempt()
        except (StepError, MetadataError, OSError) as error:
            if str(error) != said:
                note("failed", reason=f"{sharing.at} ({sharing.kind}): {error}")
            said = str(error)
            time.sleep(_AGAIN_AFTER_S)


def start_units(instructions: Instructions, sharing: Sharing) -> None:
    """Called before any service starts. The access point is not held back: the others find each other through it."""
    if instructions.role is Role.ACCESS_POINT:
        module = "gluster_peers" if sharing.kind == "gluster" else "shared"
        keep_running(UNIT, module, "Restart=on-failure", "RestartSec=5")
        return
    hold("shared", give_up_s=instructions.settings.lost_s or instructions.settings.lease_s)


def hold(module: str, *words: str, give_up_s: int) -> None:
    """Start a node program; HTCondor waits until it has done its work, and the instance ends where it does not."""
    write(_HOLD, f"[Unit]\nRequires={UNIT}.service\nAfter={UNIT}.service\n")
    run("systemctl", "daemon-reload")
    run(
        *("systemd-run", "--no-block", f"--unit={UNIT}", "--property=Type=oneshot", "--property=RemainAfterExit=yes"),
        *("--property=Restart=on-failure", "--property=RestartMode=direct", "--property=TimeoutStartSec=infinity"),
        *(f"--setenv=PYTHONPATH={os.environ['PYTHONPATH']}", "python3", "-m", f"roost.boot.node.{module}", *words),
    )
    power_off_in(f"{UNIT}-never", give_up_s, "there is no shared file system")


def share(instructions: Instructions, sharing: Sharing, instance_id: str) -> None:
    if sharing.kind == "gluster":
        join_peers(shared_fs.announcement(instance_id=instance_id, address=Metadata().get("local-ipv4")), instance_id)
    if instructions.role is Role.ACCESS_POINT:
        offer(instructions, sharing)
        return
    server = sharing.server or (instructions.joining.central_manager if instructions.joining else "")
    mount(sharing, server)
    use(sharing, pool=instructions.pool, instance_id=instance_id)


def use(sharing: Sharing, *, pool: str, instance_id: str) -> None:
    """Mounted: is it the one of all? Then HTCondor may know of it."""
    verify(sharing, pool=pool, instance_id=instance_id)
    size_gib = told_size(sharing)
    path = os.environ["PYTHONPATH"]
    look = f"#!/bin/sh\nPYTHONPATH={path} exec python3 -m roost.boot.node.shared_look {sharing.at} {sharing.copies}\n"
    write(_LOOK, look, mode=0o755)
    text = shared_fs.condor_text(kind=sharing.kind, at=sharing.at, size_gib=size_gib, look=str(_LOOK))
    write(SHARED_CONFIG, text)
    run("systemctl", "stop", f"{UNIT}-never.timer")


def join_peers(announcement: str, instance_id: str, meanwhile: Callable[[], object] = lambda: None) -> None:
    """Until this one is a peer, and the volume of all peers is there. `meanwhile`: what somebody has to do for that."""
    start_glusterd(instance_id)
    Path(shared_fs.BRICK).mkdir(parents=True, exist_ok=True)
    ad = STATE / "peer.ad"
    write(ad, announcement)
    began = time.monotonic()
    announce_at, said = began, False
    while True:
        if time.monotonic() >= announce_at:
            run("condor_advertise", "UPDATE_MASTER_AD", str(ad))
            announce_at = time.monotonic() + _ANNOUNCE_EVERY_S
        meanwhile()
        volume = volume_here()
        if volume is not None and volume.is_started:
            return
        waited_s = time.monotonic() - began
        if waited_s > _PATIENCE_S:
            raise StepError(f"there is no volume of all peers after {_PATIENCE_S:.0f} s; {peers_in_words()}")
        if waited_s > _SAY_SO_AFTER_S and not said:
            note("not shared yet", reason=peers_in_words())
            said = True
        time.sleep(_PAUSE_S)


def start_glusterd(instance_id: str) -> None:
    """An image baked from a peer holds that one's identity and files: not ours to use."""
    if not _PEER_OF.exists() or _PEER_OF.read_text() != instance_id:
        run("rm", "-rf", shared_fs.BRICK, *(str(_GLUSTERD / each) for each in ("glusterd.info", "peers", "vols")))
        write(_PEER_OF, instance_id)
    for program in Path("/usr").glob("lib*/*/glusterfs/gsyncd"):
        # Copies to other sites, which nobody makes here, cost ten runs of Python at each start of glusterd.
        program.rename(program.with_name("gsyncd.off"))
    run("systemctl", "start", "glusterd.service", timeout_s=120)


def gluster(*words: str, timeout_s: float = 120) -> str:
    return run("gluster", "--mode=script", *words, timeout_s=timeout_s)


def volume_here() -> shared_fs.Volume | None:
    return shared_fs.volume(gluster("--xml", "volume", "info", shared_fs.VOLUME))


def peers_here() -> dict[str, bool]:
    return shared_fs.peers(gluster("--xml", "peer", "status"))


def peers_in_words() -> str:
    connected = list(peers_here().values()).count(True)
    if not connected:
        return "no other peer has reached this instance (security group, ports 24007 and 49152 to 60999?)"
    return f"{connected} other peers are connected; it waits for the rest"


def offer(instructions: Instructions, sharing: Sharing) -> None:
    """The access point's part where it serves, or mounts what another one serves."""
    Path(sharing.at).mkdir(exist_ok=True)
    if sharing.kind == "nfs":
        from roost.boot.node import nfs

        nfs.export(sharing.at)
    else:
        mount(sharing, sharing.server)
    prove(sharing, pool=instructions.pool)


def mount(sharing: Sharing, server: str) -> None:
    at = Path(sharing.at)
    at.mkdir(exist_ok=True)
    if not at.is_mount():
        if sharing.kind != "gluster":
            from roost.boot.node import nfs  # which travels to those alone that need it

            nfs.wait_for_server(server)
        run(*shared_fs.mount_command(sharing.kind, sharing.at, server), timeout_s=120)


def prove(sharing: Sharing, *, pool: str) -> None:
    """What every execution point reads before it takes jobs; and anybody may write, as in /tmp."""
    Path(sharing.at).chmod(0o1777)
    proof = Path(sharing.at, shared_fs.PROOF)
    proof.mkdir(exist_ok=True)
    proof.chmod(0o1777)
    write(proof / "access-point", pool)
    write(Path(shared_fs.PLACE), sharing.at)
    told_size(sharing)


def verify(sharing: Sharing, *, pool: str, instance_id: str) -> None:
    """Read what the access point wrote, write, and reach all that hold a part of it."""
    proof = Path(sharing.at, shared_fs.PROOF)
    deadline = time.monotonic() + _PATIENCE_S
    while problem := not_proven(sharing, proof, pool):
        if time.monotonic() > deadline:
            raise StepError(problem)
        time.sleep(_PAUSE_S)
    (proof / instance_id).write_text(pool)
    if (proof / instance_id).read_text() != pool:
        raise StepError("what was written is not what is read")


def not_proven(sharing: Sharing, proof: Path, pool: str) -> str:
    """What is missing; "" for nothing."""
    written = proof / "access-point"
    if not written.exists() or written.read_text() != pool:
        return "it is mounted, and the file that the access point writes there is not seen"
    if sharing.kind == "gluster":
        is_whole, reason = shared_fs.whole(bricks_connected(sharing.at), sharing.copies)
        return "" if is_whole else reason
    return ""


def bricks_connected(at: str) -> list[bool]:
    """This mount's own view, which costs no request (GlusterFS' `meta` translator)."""
    clients = Path(at, ".meta/graphs/active").glob(f"{shared_fs.VOLUME}-client-*")
    ordered = sorted(clients, key=lambda path: int(path.name.rpartition("-")[2]))
    return ["connected = 1" in (each / "private").read_text() for each in ordered]


def told_size(sharing: Sharing) -> int:
    size = os.statvfs(sharing.at)
    size_gib = size.f_blocks * size.f_frsize // 2**30
    note("shared", place=sharing.at, kind=sharing.kind, gib=size_gib)
    return size_gib


if __name__ == "__main__":
    sys.exit(main())
