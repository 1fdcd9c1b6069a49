"""shell (GlusterFS, the collector): the instances of one launch share their disks, by what their user data says alone.

In: how many they are. They tell the collector of themselves, each with the launch's id (EC2's reservation), which no
other launch has; the first of the launch does what an access point of Roost's does: makes the others its peers, and one
volume of all disks. HTCondor is held back meanwhile. Nobody comes later: a launch does not grow.
"""

import shutil
import sys

from roost.boot import shared_fs
from roost.boot.dialects import SHARED_AT, Cluster
from roost.boot.node import shared
from roost.boot.node.gluster_peers import look
from roost.boot.node.metadata import Metadata
from roost.boot.node.system import STATE, StepError
from roost.boot.settings import Sharing


def main() -> int:
    peers, copies = map(int, sys.argv[1:])
    sharing = Sharing(kind="gluster", at=SHARED_AT, copies=copies)
    shared.insist(sharing, lambda: share(sharing, peers))
    return 0


def hold(cluster: Cluster, *, give_up_s: int) -> None:
    """Called before HTCondor starts. Raises StepError where the image cannot do it."""
    if shutil.which("glusterd") is None:
        raise StepError("SHARED = gluster: this image has no GlusterFS; bake one with `shared: gluster` in pool.yml")
    shared.hold("cluster", str(cluster.peers), str(cluster.copies), give_up_s=give_up_s)


def share(sharing: Sharing, peers: int) -> None:
    metadata = Metadata()
    launch, address = metadata.get("reservation-id"), metadata.get("local-ipv4")
    is_first = metadata.get("ami-launch-index") == "0"
    instance_id = (STATE / "instance-id").read_text()
    lost_at: dict[str, float] = {}

    def coordinate() -> None:
        if is_first:
            constraint = f'RoostCluster == "{launch}"'
            look(lost_at, wanted=peers, copies=sharing.copies, constraint=constraint, itself=[address])

    announcement = shared_fs.announcement(instance_id=instance_id, address=address, cluster=launch)
    shared.join_peers(announcement, instance_id, coordinate)
    shared.mount(sharing, "")
    if is_first:
        shared.prove(sharing, pool=launch)
    shared.use(sharing, pool=launch, instance_id=instance_id)


if __name__ == "__main__":
    sys.exit(main())
