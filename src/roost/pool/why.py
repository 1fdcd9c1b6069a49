"""pure: what is wrong with an instance: evidence -> causes, each with what shows it and what to type.

Each rule looks at one thing. The likelihood orders them: what ended the instance, then what kept its system from
starting, then HTCondor, its way to the central manager, and what merely looks odd.
"""

from collections.abc import Callable, Sequence

from roost.boot.roles import Role
from roost.pool import why_condor, why_system
from roost.pool.evidence import Cause, InstanceEvidence
from roost.pool.why_words import short

_RULES: tuple[Callable[[InstanceEvidence], Cause | None], ...] = (
    why_system.ended,
    why_system.panicked,
    why_system.silent,
    why_system.boot_failed,
    why_system.disk_full,
    why_system.memory_short,
    why_system.cloud_init_failed,
    why_system.unreachable,
    why_condor.masked,
    why_condor.unit_failed,
    why_condor.token_refused,
    why_condor.group_closed,
    why_condor.manager_unreachable,
    why_condor.clock_wrong,
    why_condor.stale,
)


def causes(evidence: InstanceEvidence) -> list[Cause]:
    """The likeliest first; none where nothing wrong can be seen."""
    found = [cause for rule in _RULES for cause in [rule(evidence)] if cause is not None]
    if not found:
        last = why_condor.not_joined(evidence)
        return [last] if last else []
    return sorted(found, key=lambda cause: -cause.likelihood)


def condition(evidence: InstanceEvidence) -> str:
    """One line: what it is, and whether it does its work."""
    instance = evidence.instance
    minutes = (evidence.now - instance.launched_at).total_seconds() / 60
    what = f"{instance.id} is an {instance.role.value} of {evidence.pool}, {instance.state.value}"
    if not instance.is_usable:
        return what
    since = f", launched {minutes:.0f} min ago"
    if instance.role is Role.ACCESS_POINT:
        return what + since + ("; its HTCondor answers" if evidence.collector_answers else "; its HTCondor is silent")
    if evidence.listed is not None:
        heard = f"the collector heard of it {evidence.listed.heard_s_ago:.0f} s ago"
        return f"{what}{since}; {heard}: {evidence.listed.activity}"
    return f"{what}{since}; " + (
        "the collector does not list it" if evidence.collector_answers else "the collector could not be asked"
    )


def lines(found: Sequence[Cause]) -> list[str]:
    """As they are printed."""
    told = []
    for number, cause in enumerate(found, 1):
        told += ["", f"{number}. {cause.sentence}", *(f"     {short(line)}" for line in cause.evidence)]
        if cause.remedy:
            told.append(f"   type: {cause.remedy}")
    return told
