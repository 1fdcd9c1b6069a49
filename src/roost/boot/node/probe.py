"""shell (TCP): which machines answer on their port, seen from this instance."""

import socket
import time

from roost.boot.network import Reach
from roost.boot.settings import Joining

_TRY_S = 3.0
_PATIENCE_S = 12.0  # a packet or two may be lost, a daemon may just be starting again
_PAUSE_S = 0.5


def reach(public_ip: str, joining: Joining) -> Reach:
    manager_answers = answers(joining.central_manager, joining.port)
    return Reach(
        public_ip=public_ip,
        central_manager_answers=manager_answers,
        schedd_answers=answers(joining.schedd, joining.schedd_port) if joining.schedd else manager_answers,
    )


def answers(host: str, port: int) -> bool:
    """Whether a connection to that port there comes about."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        try:
            socket.create_connection((host, port), timeout=_TRY_S).close()
        except OSError:
            if time.monotonic() > give_up_at:
                return False
        else:
            return True
        time.sleep(_PAUSE_S)
