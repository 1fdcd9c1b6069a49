"""shell (kernel, exportfs): NFS: the access point exports a directory; who mounts one waits for its server first."""

import socket
import time
from pathlib import Path

from roost.boot import shared_fs
from roost.boot.node.metadata import Metadata
from roost.boot.node.system import StepError, run, write

_EXPORTS = Path("/etc/exports.d/roost.exports")
_PATIENCE_S = 60.0
_ANSWER_S = 10.0
_PAUSE_S = 0.5


def export(at: str) -> None:
    """To the whole network of the pool; its security group decides who gets that far."""
    metadata = Metadata()
    mac = metadata.get("mac")
    write(_EXPORTS, shared_fs.exports(at, metadata.get(f"network/interfaces/macs/{mac}/vpc-ipv4-cidr-block")))
    run("systemctl", "start", "nfs-server.service")
    run("exportfs", "-ra")


def wait_for_server(server: str) -> None:
    """mount.nfs4 would wait as long, and not say for what. Raises StepError."""
    deadline = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection((server, shared_fs.NFS_PORT), _ANSWER_S).close()
            return
        except OSError as error:
            if time.monotonic() > deadline:
                where = f"{server} port {shared_fs.NFS_PORT}, where NFS should be served"
                raise StepError(f"{where}: {error} (its service, or a security group?)") from error
        time.sleep(_PAUSE_S)
