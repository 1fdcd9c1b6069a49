"""shell (all stages): a pool ends. Believes only what EC2 describes.

Used by `down` and `run`. It can be killed and called again; what it could not remove is an error with exit code 8.
"""

import time
from collections.abc import Mapping, Sequence

from roost.boot.roles import Role
from roost.cloud import pricing
from roost.cloud.model import Found, InstanceState, PoolInstance, Terminate
from roost.cloud.plan import plan_down
from roost.errors import RoostError, StillBillableError
from roost.report.receipt import Attempt, Life, Receipt, receipt
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import file_systems
from roost.verbs.keeping import keep_failed
from roost.verbs.keys import forget_pool_key
from roost.verbs.which_pool import Site, with_file_systems

_TERMINATION_TIMEOUT_S = 300.0


def end(
    spec: PoolSpec,
    site: Site,
    reporter: Reporter,
    *,
    joined_at_s: Mapping[str, float],
    attempts: Sequence[Attempt] = (),
) -> Receipt:
    """Terminate, wait until EC2 says so, sweep what is tagged, look again: the receipt.

    Raises StillBillableError when something that costs money is left.
    """
    found = site.ec2.describe(spec.name)
    lived = [i for i in found.instances if i.state is not InstanceState.TERMINATED]
    ended_at_s: dict[str, float] = {}
    ending_at_s: float | None = None
    problems: list[RoostError] = []
    keep_failed(spec, site, found, joined=joined_at_s, say=reporter.note)
    for terminate in [a for a in plan_down(found) if isinstance(a, Terminate)]:
        reporter.step(str(terminate))
        ending_at_s = time.time()
        site.ec2.perform(terminate)
        ended_at_s = _wait_until_terminated(spec, site)
    reporter.step("remove what the pool leaves, and look again")
    # before the group, in which its mount targets are
    problems += file_systems.delete(spec, site, with_file_systems(spec, site, found))
    for action in plan_down(site.ec2.describe(spec.name)):
        try:
            site.ec2.perform(action)
        except RoostError as error:  # the others still go
            problems.append(error)
    left = with_file_systems(spec, site, site.ec2.describe(spec.name))
    _require_nothing_left(spec, left, problems)
    forget_pool_key(spec.cloud, spec.name)
    now = time.time()
    rates = pricing.rates(spec.cloud, site.ec2.access, [i.instance_type for i in lived])
    return receipt(
        [_life(i, ended_at_s.get(i.id, now), joined_at_s.get(i.id), ending_at_s=ending_at_s) for i in lived],
        attempts,
        usd_per_hour=rates.usd_per_hour,
        price_note=rates.note + (": on this machine nothing was charged" if spec.cloud == "local" else ""),
        billable_resources=len(left.billable),
    )


def _wait_until_terminated(spec: PoolSpec, site: Site) -> dict[str, float]:
    """When each instance was first seen as terminated (epoch s)."""
    seen: dict[str, float] = {}
    for found in site.ec2.changes(spec.name, timeout_s=_TERMINATION_TIMEOUT_S):
        for instance in found.instances:
            if instance.state is InstanceState.TERMINATED:
                seen.setdefault(instance.id, time.time())
        if all(i.state is InstanceState.TERMINATED for i in found.instances):
            return seen
    return seen


def _require_nothing_left(spec: PoolSpec, left: Found, problems: Sequence[RoostError]) -> None:
    because = "".join(f"\n  {problem.message}" for problem in problems)
    if left.billable:
        raise StillBillableError(
            f"EC2 still describes what costs money in the pool {spec.name}: {', '.join(left.billable)}{because}",
            f"roost down {spec.name}",
        )
    if not left.is_empty:
        things = [*(group.name for group in left.groups), *left.keys]
        raise RoostError(
            f"nothing of the pool {spec.name} costs money any more, but this is left: {', '.join(things)}{because}",
            f"roost down {spec.name}",
        )


def _life(instance: PoolInstance, ended_at_s: float, joined_at_s: float | None, *, ending_at_s: float | None) -> Life:
    launched_at_s = instance.launched_at.timestamp()
    return Life(
        instance_id=instance.id,
        instance_type=instance.instance_type,
        role=instance.role,
        launched_at_s=launched_at_s,
        ended_at_s=max(ended_at_s, launched_at_s),
        joined_at_s=joined_at_s if instance.role is Role.EXECUTION_POINT else None,
        ending_at_s=ending_at_s,
    )
