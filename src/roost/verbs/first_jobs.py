"""shell (the access point): a pool that has just risen runs a job on each instance before it gets real ones."""

import time
from dataclasses import replace

from roost.errors import PartialError
from roost.pool.access_point import AccessPoint
from roost.pool.verification import verification
from roost.pool.verify import Question, Verdict
from roost.report.reporter import Reporter
from roost.report.timeline import Milestone, rows
from roost.verbs.rising import RisenPool

_TIMEOUT_S = 120.0
_TOLD_EACH = 4  # execution points: of more of them only what is wrong is told


def first_jobs(pool: RisenPool, access_point: AccessPoint, reporter: Reporter) -> RisenPool:
    """The same pool with the time of each instance's first job. Raises PartialError when one does not work."""
    reporter.step("verify that every instance runs a job and returns its file")
    expected = [instance.id for instance in pool.execution_points]
    moments = dict(pool.moments)
    wrong = []
    for check in verification(access_point, expected, timeout_s=_TIMEOUT_S):
        known = moments.get(check.instance_id)
        if check.verdict is not Verdict.YES:
            wrong.append(check.sentence)
        elif check.question is Question.RAN and known is not None:
            moments[check.instance_id] = known.at(Milestone.FIRST_JOB, time.time())
        if len(expected) <= _TOLD_EACH or check.verdict is not Verdict.YES:
            reporter.note(check.sentence)
        reporter.timeline(rows(moments.values()))
    if wrong:
        raise PartialError("the pool does not work: " + "; ".join(wrong), f"roost status {pool.spec.name}")
    if len(expected) > _TOLD_EACH:
        reporter.note(f"each of {len(expected)} execution points ran its job and returned its file")
    return replace(pool, moments=moments)
