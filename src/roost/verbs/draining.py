"""shell (the access point): before a pool ends, its jobs may end."""

import time

from roost.cloud.model import Found
from roost.errors import RoostError
from roost.pool.ads import JobStatus, Slot
from roost.pool.condor import Condor
from roost.pool.draining import drain_argv, machines, working
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs.entrance import access_point
from roost.verbs.which_pool import Site

_LOOK_EVERY_S = 2.0
_SAY_SO_EVERY_S = 60.0


def drain(spec: PoolSpec, site: Site, found: Found, reporter: Reporter, *, limit_s: float) -> list[Slot]:
    """Returns when no job runs any more, or at the limit. A pool that cannot be asked is taken down all the same.

    The slots that were there before: an execution point that has been drained is listed no more.
    """
    slots: list[Slot] = []
    ids = {instance.id for instance in found.usable}
    if not ids:
        return slots
    try:
        with access_point(spec, site, found) as reached:
            condor = Condor(reached)
            slots = condor.slots()
            if not (busy := working(slots, ids)):
                return slots
            reporter.step(f"let {_jobs(len(busy))} end, for at most {limit_s:.0f} s; --now would not")
            done = reached.run(drain_argv(machines(slots, ids)))
            if done.exit_code != 0:
                said = done.stderr.strip() or done.stdout.strip()
                reporter.note(f"the execution points could not be drained: {said}")
                return slots
            _wait(condor, ids, len(busy), reporter, limit_s=limit_s)
            waiting = [job for job in condor.jobs() if job.status is JobStatus.IDLE]
            if waiting and spec.access_point == "cloud":
                reporter.note(f"{_jobs(len(waiting))} in the queue did not run, and go with the pool")
    except RoostError as error:
        reporter.note(f"whether jobs run could not be asked: {error.message}")
    return slots


def _wait(condor: Condor, ids: set[str], known: int, reporter: Reporter, *, limit_s: float) -> None:
    started_at = said_at = time.monotonic()
    while left := len(working(condor.slots(), ids)):
        now = time.monotonic()
        if now - started_at > limit_s:
            reporter.note(f"{_jobs(left)} did not end in time, and will be ended")
            return
        if left != known or now - said_at > _SAY_SO_EVERY_S:
            reporter.note(f"{_jobs(left)} still running, {limit_s - (now - started_at):.0f} s left")
            known, said_at = left, now
        time.sleep(min(_LOOK_EVERY_S, limit_s))


def _jobs(count: int) -> str:
    return f"{count} job{'' if count == 1 else 's'}"
