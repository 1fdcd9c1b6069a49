"""shell (condor_token_request_*, files): `node.approve_tokens` for a pool that was there before Roost.

Runs on its central manager, as root, started by whoever mints a joining token there; needs no service. In: the trust
domain, and one flag file for each pool that is joining, holding its lease in seconds. It ends by itself when the last
joining token has expired. At most one runs.
"""

import fcntl
import os
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TextIO

from roost.boot.commands import HERE
from roost.boot.node.approve_tokens import PAUSE_S, WATCH_S, Rule, approve_pending

STATE = Path(HERE)  # gone after a reboot, as are the requests that wait in the collector
FLAGS = STATE / "joining"  # POOL -> its lease, touched whenever a joining token is minted


def main() -> int:
    domain = sys.argv[1]
    os.umask(0o077)
    with (STATE / "approver.lock").open("w") as lock:
        if not is_alone(lock):
            return 0  # the one that runs reads the flags too
        tell("watching", domain=domain)
        while lease_s := longest_lease_s(joining(), now=time.time()):
            approve_pending(Rule(domain=domain, lease_s=lease_s), STATE / "approved.json", tell=tell)
            time.sleep(PAUSE_S)
        tell("nobody joins any more")
    return 0


def is_alone(lock: TextIO) -> bool:
    give_up_at = time.monotonic() + 3 * PAUSE_S  # the one that runs may just be leaving
    while time.monotonic() < give_up_at:
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(PAUSE_S / 4)
    return False


def joining() -> dict[str, tuple[int, float]]:
    """Pool -> (lease in seconds, epoch s of the latest joining token)."""
    return {flag.name: (int(flag.read_text()), flag.stat().st_mtime) for flag in FLAGS.iterdir()}


def longest_lease_s(flags: Mapping[str, tuple[int, float]], *, now: float) -> int:
    """Of the pools that may still be joining; 0: none is.

    >>> longest_lease_s({"galaxy": (7200, 1000.0), "old": (86400, 0.0)}, now=1500.0)
    7200
    """
    return max((lease_s for lease_s, minted_at in flags.values() if now - minted_at < WATCH_S), default=0)


def tell(event: str, **details: str | int) -> None:
    words = " ".join([event, *(f"{name}={value}" for name, value in details.items())])
    print(time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), words, flush=True)


if __name__ == "__main__":
    sys.exit(main())
