"""shell (/shared/.meta): is the file system of all peers whole? HTCondor asks every few seconds (STARTD_CRON).

Comes in: its place and how many copies there are of each file. Goes out: attributes of the slots, on standard output.
"""

import json
import sys

from roost.boot.node.shared import bricks_connected
from roost.boot.shared_fs import whole


def main() -> int:
    at, copies = sys.argv[1], int(sys.argv[2])
    try:
        is_whole, reason = whole(bricks_connected(at), copies)
    except OSError as error:
        is_whole, reason = False, f"{at} is not there: {error}"
    print(f"RoostSharedOk = {is_whole}\nRoostSharedReason = {json.dumps(reason)}\n-")
    return 0


if __name__ == "__main__":
    sys.exit(main())
