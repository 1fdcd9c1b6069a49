"""shell (condor_token_request_*): the central manager grants execution points tokens of their own.

`is_granted` is the whole rule. Requests are looked at while a joining token can be alive, that is for a while after
one was minted (`commands.mint_joining_token` touches the flag file): at other times this program only looks at a file.
"""

import json
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from roost.boot.condor_config import joining_identity, own_identity
from roost.boot.node.contextualise import INSTRUCTIONS
from roost.boot.node.system import STATE, StepError, run, write
from roost.boot.node.timeline import note
from roost.boot.settings import Instructions, instructions_from_json

JOINING_FLAG = Path("/run/roost-joining")  # touched whenever a joining token is minted
WATCH_S = 20 * 60  # longer than a joining token lives
_PAUSE_S = 1.0
_APPROVED = STATE / "approved.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRequest:
    id: str
    requester: str  # whom the collector authenticated
    identity: str  # whom the token shall name
    authorisations: frozenset[str]
    lifetime_s: int  # -1: for ever


def main() -> int:
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    note("condor started")
    approved: set[str] = set(json.loads(_APPROVED.read_text())) if _APPROVED.exists() else set()
    while True:
        if is_watching(JOINING_FLAG, now=time.time()):
            approve_pending(instructions, approved)
        time.sleep(_PAUSE_S)


def is_watching(flag: Path, *, now: float) -> bool:
    return flag.exists() and now - flag.stat().st_mtime < WATCH_S


def approve_pending(instructions: Instructions, approved: set[str]) -> None:
    try:
        for request in token_requests(run("condor_token_request_list", "-json")):
            lease_s = instructions.settings.lease_s
            if is_granted(request, pool=instructions.pool, lease_s=lease_s, approved=approved):
                approved.add(request.identity)
                write(_APPROVED, json.dumps(sorted(approved)))  # before: twice would be worse than never
                run("condor_token_request_approve", "-reqid", request.id, feed="yes\n")
                note("token granted", to=request.identity)
    except StepError as error:
        note("token not granted", reason=str(error))


def is_granted(request: TokenRequest, *, pool: str, lease_s: int, approved: Collection[str]) -> bool:
    """Asked for with a joining token of this pool, for an instance id, for advertising only, not longer than the lease,
    for the first time."""
    instance_id = request.identity.removeprefix("ep-").partition("@")[0]
    return (
        request.requester == joining_identity(pool)
        and instance_id.startswith("i-")
        and instance_id[2:].isalnum()
        and request.identity == own_identity(pool, instance_id)
        and request.authorisations == {"ADVERTISE_STARTD", "ADVERTISE_MASTER"}
        and 0 < request.lifetime_s <= lease_s
        and request.identity not in approved
    )


def token_requests(text: str) -> list[TokenRequest]:
    """What `condor_token_request_list -json` prints: an array, or nothing of JSON when none is pending."""
    if not text.lstrip().startswith("["):
        return []
    return [
        TokenRequest(
            id=str(each["RequestId"]),
            requester=each.get("AuthenticatedIdentity", ""),
            identity=each.get("RequestedIdentity", ""),
            authorisations=frozenset(each.get("LimitAuthorization", "").split(",")),
            lifetime_s=int(each.get("TokenLifetime", -1)),
        )
        for each in json.loads(text)
    ]


if __name__ == "__main__":
    sys.exit(main())
