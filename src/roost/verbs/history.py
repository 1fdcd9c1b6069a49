"""shell (the access point): what a pool has done so far, for the receipt of whoever was not there.

In: a pool that EC2 describes. Out: when its execution points joined, and what ran on them. A pool that does not
answer any more gives nothing, and is taken down all the same.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from roost.boot.roles import Role
from roost.cloud.model import Found
from roost.errors import RoostError
from roost.pool.ads import EndedJob, Slot
from roost.pool.condor import Condor
from roost.report.receipt import Attempt, Outcome
from roost.spec import PoolSpec
from roost.verbs.entrance import access_point
from roost.verbs.which_pool import Site


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolHistory:
    joined_at_s: dict[str, float] = field(default_factory=dict)  # instance id -> epoch s
    attempts: tuple[Attempt, ...] = ()


def pool_history(
    spec: PoolSpec, site: Site, found: Found, *, say: Callable[[str], None], seen: Sequence[Slot] = ()
) -> PoolHistory:
    """`seen`: slots of a while ago, of which some may not be listed any more."""
    if not found.with_role(Role.ACCESS_POINT) and spec.access_point == "cloud":
        return PoolHistory()
    try:
        with access_point(spec, site, found) as reached:
            condor = Condor(reached)
            slots = [*seen, *condor.slots()]
            ended = condor.ended(since_s=_launched_at_s(found) if spec.access_point == "here" else 0.0)
    except RoostError as error:
        say(f"the access point could not be asked what ran ({error.message}); the receipt knows no jobs")
        return PoolHistory()
    return history_of(slots, ended)


def _launched_at_s(found: Found) -> float:
    return min((i.launched_at.timestamp() for i in found.instances), default=0.0)


def history_of(slots: Sequence[Slot], ended: Sequence[EndedJob]) -> PoolHistory:
    """Joining is told by the start of the startd, a second or two early: no ad says when a collector saw it first
    (`LastHeardFrom` and `MyCurrentTime` are of the latest update).

    A job counts once, with its last attempt: the history has how often a job was started and how much time that took
    altogether (NumJobStarts, RemoteWallClockTime, CommittedTime), but neither where nor when the attempts before the
    last one ran. What was lost to evictions is idle time here; a run that follows its own event log knows better.
    Jobs on instances that the collector does not list any more are left out: a host name leads nowhere then.
    """
    instance_of = {slot.machine: slot.instance_id for slot in slots if slot.instance_id}
    return PoolHistory(
        joined_at_s={s.instance_id: s.daemon_started_at_s for s in slots if s.instance_id and s.daemon_started_at_s},
        attempts=tuple(
            Attempt(
                instance_id=instance_of[job.machine],
                started_at_s=job.started_at_s,
                ended_at_s=job.ended_at_s,
                outcome=Outcome.OK if job.is_success else Outcome.FAILED,
            )
            for job in ended
            if job.machine in instance_of
        ),
    )
