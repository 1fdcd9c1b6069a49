"""shell (this instance): a baked image's own boot program; it finds out by which habit the instance was launched.

In: the raw user data and the metadata. Out: an execution point of the pool that the user data names, or a line on the
console that says why not. `roost-boot.service` runs it at every boot, before HTCondor and after cloud-init's network
stage, in which Roost's own user data does the same work by itself.
"""

import os
import sys
from contextlib import suppress
from pathlib import Path

from roost.boot.dialects import DEFAULT_LEASE_S, NotOurs, Own, Place, Refused, Worker, dialect, worker_config
from roost.boot.facts import POWER_OFF
from roost.boot.node import cluster, own_token
from roost.boot.node.contextualise import (
    OWN_TOKEN,
    POWER_OFF_PROGRAM,
    forget_other_instance,
    guard_metadata,
    name_host,
    start_lease,
)
from roost.boot.node.metadata import Metadata, MetadataError
from roost.boot.node.system import CONDOR_CONFIG, SHARED_CONFIG, STATE, StepError, keep_running, run, write
from roost.boot.node.timeline import note
from roost.boot.node.watch import WAYS, Unlisted, live
from roost.boot.settings import lost_s

USER_LINES = CONDOR_CONFIG.with_name("60-user-data.config")


def main() -> int:
    match sys.argv[1:]:
        case ["watch"]:
            return watch()
        case ["live", lost_s]:
            live(int(lost_s), Unlisted(), "no job, and not in the collector's list")
    try:
        boot(Metadata())
    except (StepError, MetadataError, OSError) as error:
        with suppress(StepError):
            run("systemctl", "mask", "--runtime", "condor.service")
        note("failed", reason=str(error))
        return 1
    return 0


def boot(metadata: Metadata) -> None:
    match dialect(metadata.user_data()):
        case Own():
            USER_LINES.unlink(missing_ok=True)  # of the instance that the image was made from
        case NotOurs() as left:
            for ours in (CONDOR_CONFIG, SHARED_CONFIG, USER_LINES):
                ours.unlink(missing_ok=True)
            # it may wait for us to be done; who starts it later knows why
            run("systemctl", "stop", "--no-block", "condor.service")
            note("no execution point", reason=f"user data: {left.reason}")
        case Refused() as wrong:
            start_lease(DEFAULT_LEASE_S)
            raise StepError(f"user data: {wrong.reason}")
        case Worker() as worker:
            become(worker, metadata)


def become(worker: Worker, metadata: Metadata) -> None:
    """An execution point of somebody's pool."""
    guard_metadata()
    place = Place(
        instance_id=metadata.get("instance-id"),
        zone=metadata.get("placement/availability-zone"),
        private_ip=metadata.get("local-ipv4"),
        public_ip=metadata.find("public-ipv4"),
    )
    again = not forget_other_instance(place.instance_id)
    note("booted again" if again else "first boot", instance=place.instance_id)
    start_lease(worker.lease_s)
    # the public name, as the page of 2008 has it: it resolves to the private address inside the cloud
    name_host(metadata.find("public-hostname") or metadata.get("local-hostname"), place.private_ip)
    write(Path(POWER_OFF), POWER_OFF_PROGRAM, mode=0o755)
    write(CONDOR_CONFIG, worker_config(worker, place, power_off=POWER_OFF))
    SHARED_CONFIG.unlink(missing_ok=True)  # of another boot: it is written when the file system is there
    write(USER_LINES, worker.lines)
    OWN_TOKEN.unlink(missing_ok=True)
    if worker.token:
        OWN_TOKEN.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write(OWN_TOKEN, worker.token + "\n", mode=0o600)
    run("condor_config_val", "-config")  # HTCondor's own word on the user's lines
    note("configured", by=worker.habit, central_manager=worker.central_manager)
    patience_s = lost_s(worker.lease_s)
    if worker.cluster:
        cluster.hold(worker.cluster, give_up_s=patience_s)
    keep_running("roost-watch", "image_boot", *WAYS, words=("live", str(patience_s)))
    run("systemctl", "start", "--no-block", "condor.service")
    run(
        *("systemd-run", "--no-block", "--collect", "--unit=roost-joining", "--property=After=condor.service"),
        *(f"--setenv=PYTHONPATH={os.environ['PYTHONPATH']}", "python3", "-m", "roost.boot.node.image_boot", "watch"),
    )


def watch() -> int:
    """Say on the console when the collector lists this instance, or what the startd complains of."""
    try:
        own_token.wait_until_joined((STATE / "instance-id").read_text())
    except (StepError, OSError) as error:
        note("failed", reason=str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
