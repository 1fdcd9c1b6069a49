"""shell (condor_*): an execution point that joined with the launch's token asks for one of its own.

The central manager's `approve_tokens` decides. With its own token in place the joining token is deleted: it is the
same for all instances of a launch, and expires within minutes anyway.
"""

import sys
import time
from pathlib import Path

from roost.boot.condor_config import own_identity
from roost.boot.node.contextualise import JOINING_TOKEN, OWN_TOKEN
from roost.boot.node.system import INSTRUCTIONS, STATE, StepError, run, write
from roost.boot.node.timeline import note, seconds_since_boot
from roost.boot.settings import Instructions, instructions_from_json, trust_domain

_PAUSES_S = (*[0.5] * 20, 1, 2, 3)  # between looks at the collector; then the last one
_SAY_SO_AFTER_S = 20
_PATIENCE_S = 600
_STARTD_LOG = Path("/var/log/condor/StartLog")


def main() -> int:
    note("condor started")
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    instance_id = (STATE / "instance-id").read_text()
    try:
        wait_until_joined(instance_id)
        if not OWN_TOKEN.exists():
            obtain_own_token(instructions, instance_id)
    except StepError as error:
        note("failed", reason=str(error))
        return 1
    JOINING_TOKEN.unlink(missing_ok=True)
    return 0


def wait_until_joined(instance_id: str) -> None:
    started_at = time.monotonic()
    say_so_at = started_at + _SAY_SO_AFTER_S
    pauses_s = iter(_PAUSES_S)
    booted_at = int(time.time() - seconds_since_boot())  # the collector may still hold the ad of the boot before
    this_boot = f'RoostInstanceId == "{instance_id}" && DaemonStartTime >= {booted_at}'
    while True:
        try:
            if run("condor_status", "-startd", "-const", this_boot, "-af", "Name").strip():
                note("joined")
                return
            reason = last_complaint(_STARTD_LOG.read_text() if _STARTD_LOG.exists() else "")
        except StepError as error:
            reason = str(error)
        if time.monotonic() > started_at + _PATIENCE_S:
            raise StepError(f"not joined after {_PATIENCE_S} s: {reason}")
        if time.monotonic() > say_so_at:
            note("not joined yet", reason=reason)
            say_so_at = float("inf")
        time.sleep(next(pauses_s, _PAUSES_S[-1]))


def last_complaint(log: str) -> str:
    """Why the startd could not tell the collector of itself, in its own words.

    >>> last_complaint("11/20/26 20:10:17 Starting\\n11/20/26 20:10:18 ERROR: SECMAN:2010: DENIED\\n11/20/26 ok\\n")
    'ERROR: SECMAN:2010: DENIED'
    """
    complaints = [line for line in log.splitlines() if "ERROR" in line or "FAILED" in line or "Failed" in line]
    if not complaints:
        return "the collector does not list this instance"
    return complaints[-1].split(maxsplit=2)[-1]


def obtain_own_token(instructions: Instructions, instance_id: str) -> None:
    """`condor_token_request` waits for the decision and prints the token as its last line."""
    identity = own_identity(trust_domain(instructions), instance_id)
    printed = run(
        *("condor_token_request", "-identity", identity),
        *("-authz", "ADVERTISE_STARTD", "-authz", "ADVERTISE_MASTER"),
        *("-lifetime", str(instructions.settings.lease_s)),
        timeout_s=_PATIENCE_S,
    )
    write(OWN_TOKEN, printed.strip().splitlines()[-1] + "\n", mode=0o600)
    note("own token")


if __name__ == "__main__":
    sys.exit(main())
