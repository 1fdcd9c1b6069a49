"""shell (all stages): a pool ends. Believes only what EC2 describes.

Used by `down` and `run`. It can be killed and called again; what it could not remove is an error with exit code 8.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from roost.boot.roles import Role
from roost.cloud import pricing
from roost.cloud.model import Found, InstanceState, PoolInstance, Terminate
from roost.cloud.plan import plan_down
from roost.cloud.tagged import Tagged
from roost.cloud.things import SELDOM, Kind, Thing, in_order
from roost.errors import RefusedError, RoostError, StillBillableError
from roost.report.receipt import Attempt, Life, Receipt, receipt
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs import file_systems
from roost.verbs.keeping import keep_failed
from roost.verbs.keys import forget_pool_key
from roost.verbs.which_pool import Site, with_file_systems

_TERMINATION_TIMEOUT_S = 300.0
_REMOVAL_PATIENCE_S = 60.0


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
    ending = _Ending(spec, site, with_file_systems(spec, site, site.ec2.describe(spec.name)))
    lived = [i for i in ending.last.instances if i.state is not InstanceState.TERMINATED]
    keep_failed(spec, site, ending.last, joined=joined_at_s, say=reporter.note)
    try:
        ending_at_s = ending.terminate(reporter)
        reporter.step("remove what the pool leaves, and look again")
        ending.sweep()
    except RoostError as error:
        raise _cut_short(spec, ending.last, error) from error
    _require_nothing_left(spec, ending)
    forget_pool_key(spec.cloud, spec.name)
    ended_at_s = ending.ended_at_s
    now = time.time()
    rates = pricing.rates(spec.cloud, site.ec2.access, [i.instance_type for i in lived])
    return receipt(
        [_life(i, ended_at_s.get(i.id, now), joined_at_s.get(i.id), ending_at_s=ending_at_s) for i in lived],
        attempts,
        usd_per_hour=rates.usd_per_hour,
        price_note=rates.note + (": on this machine nothing was charged" if spec.cloud == "local" else ""),
        billable_resources=len(ending.last.billable),
    )


@dataclass(slots=True)
class _Ending:
    """How far one `end` has come. `last`: the pool as EC2 described it last."""

    spec: PoolSpec
    site: Site
    last: Found
    others: list[Thing] = field(default_factory=list)  # of the seldom kinds
    ended_at_s: dict[str, float] = field(default_factory=dict)  # epoch s, as seen
    problems: list[RoostError] = field(default_factory=list)

    def terminate(self, reporter: Reporter) -> float | None:
        """When that was asked (epoch s); None where there was nothing to terminate. Returns when EC2 says it is so."""
        tagged = Tagged(self.site.ec2.access)
        # A persistent spot request would launch its instance again.
        self._remove(tagged, [Kind.SPOT_REQUEST])
        asked_at_s = None
        for whole in [a for a in plan_down(self.last) if isinstance(a, Terminate)]:
            reporter.step(str(whole))
            asked_at_s = time.time()
            self._wait_until_terminated(self._terminated(whole))
        return asked_at_s

    def sweep(self) -> None:
        """What the pool leaves, and then another look. What cannot be removed does not keep the others."""
        tagged = Tagged(self.site.ec2.access)
        self.last = self._looked()
        # before the group, in which its mount targets are
        self.problems += file_systems.delete(self.spec, self.site, self.last)
        self._remove(tagged, SELDOM)
        for action in plan_down(self.last):
            if not isinstance(action, Terminate):
                try:
                    self.site.ec2.perform(action)
                except RoostError as error:
                    self.problems.append(error)
        self.last = self._looked()
        self.others = tagged.things(SELDOM, pool=self.spec.name)

    def _looked(self) -> Found:
        return with_file_systems(self.spec, self.site, self.site.ec2.describe(self.spec.name))

    def _terminated(self, whole: Terminate) -> set[str]:
        """Those that EC2 has taken on to terminate. One that is protected makes it refuse all: then one by one."""
        try:
            self.site.ec2.perform(whole)
        except RefusedError:
            taken = set()
            for one in whole.instance_ids:
                try:
                    self.site.ec2.perform(Terminate(instance_ids=(one,)))
                except RefusedError as error:
                    self.problems.append(error)
                else:
                    taken.add(one)
            return taken
        return set(whole.instance_ids)

    def _wait_until_terminated(self, ids: set[str]) -> None:
        for found in self.site.ec2.changes(self.spec.name, timeout_s=_TERMINATION_TIMEOUT_S):
            self.last = replace(found, file_systems=self.last.file_systems)
            gone = {i.id for i in found.instances if i.state is InstanceState.TERMINATED}
            for one in gone:
                self.ended_at_s.setdefault(one, time.time())
            if ids <= gone | (ids - {i.id for i in found.instances}):
                return

    def _remove(self, tagged: Tagged, kinds: Sequence[Kind]) -> None:
        for thing in in_order(tagged.things(kinds, pool=self.spec.name)):
            try:
                tagged.remove(thing, patience_s=_REMOVAL_PATIENCE_S)
            except RoostError as error:
                self.problems.append(error)


def _cut_short(spec: PoolSpec, last: Found, error: RoostError) -> RoostError:
    """An error with what is known to be left: EC2 cannot be asked again."""
    if not last.billable:
        return error
    return StillBillableError(
        f"{error.message}\nWhen EC2 last answered, this cost money in the pool {spec.name}: {', '.join(last.billable)}",
        f"{error.hint.rstrip('.')}; then roost down {spec.name}",
    )


def _require_nothing_left(spec: PoolSpec, ending: _Ending) -> None:
    left = ending.last
    because = "".join(f"\n  {problem.message}\n  {problem.hint}" for problem in ending.problems)
    billable = [*left.billable, *(str(one) for one in ending.others if one.is_billed)]
    if billable:
        raise StillBillableError(
            f"EC2 still describes what costs money in the pool {spec.name}: {', '.join(billable)}{because}",
            f"roost down {spec.name}",
        )
    if not left.is_empty or ending.others:
        things = [*(group.name for group in left.groups), *left.keys, *(str(one) for one in ending.others)]
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
