"""shell (condor_token_request_*): the central manager grants execution points tokens of their own.

`is_granted` is the whole rule. Requests are looked at while a joining token can be alive, that is for a while after
one was minted (`commands.mint_joining_token` touches the flag file): at other times this program only looks at a file.
"""

import json
import sys
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from roost.boot.condor_config import joining_identity, own_identity
from roost.boot.node.system import INSTRUCTIONS, STATE, StepError, run, write
from roost.boot.node.timeline import note
from roost.boot.settings import JOINING_FLAG, instructions_from_json, trust_domain

WATCH_S = 20 * 60  # longer than a joining token lives
PAUSE_S = 1.0
_APPROVED = STATE / "approved.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    domain: str  # the pool's trust domain
    lease_s: int


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenRequest:
    id: str
    requester: str  # whom the collector authenticated
    identity: str  # whom the token shall name
    authorisations: frozenset[str]
    lifetime_s: int  # -1: for ever


def main() -> int:
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    rule = Rule(domain=trust_domain(instructions), lease_s=instructions.settings.lease_s)
    note("condor started")
    while True:
        if is_watching(Path(JOINING_FLAG), now=time.time()):
            approve_pending(rule, _APPROVED, tell=note)
        time.sleep(PAUSE_S)


def is_watching(flag: Path, *, now: float) -> bool:
    return flag.exists() and now - flag.stat().st_mtime < WATCH_S


def approve_pending(rule: Rule, kept: Path, *, tell: Callable[..., None]) -> None:
    """Grant what may be granted now. `kept` is a file with the identities that have a token."""
    approved: set[str] = set(json.loads(kept.read_text())) if kept.exists() else set()
    try:
        for request in token_requests(run("condor_token_request_list", "-json")):
            if is_granted(request, rule, approved=approved):
                approved.add(request.identity)
                write(kept, json.dumps(sorted(approved)))  # before: twice would be worse than never
                run("condor_token_request_approve", "-reqid", request.id, feed="yes\n")
                tell("token granted", to=request.identity)
    except StepError as error:
        tell("token not granted", reason=str(error))


def is_granted(request: TokenRequest, rule: Rule, *, approved: Collection[str]) -> bool:
    """Asked for with a joining token of this pool, for an instance id, for advertising only, not longer than the lease,
    for the first time."""
    instance_id = request.identity.removeprefix("ep-").partition("@")[0]
    return (
        request.requester == joining_identity(rule.domain)
        and instance_id.startswith("i-")
        and instance_id[2:].isalnum()
        and request.identity == own_identity(rule.domain, instance_id)
        and request.authorisations == {"ADVERTISE_STARTD", "ADVERTISE_MASTER"}
        and 0 < request.lifetime_s <= rule.lease_s
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
