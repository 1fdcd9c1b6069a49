"""shell (EC2, OpenSSH): everything that can be seen of one instance, gathered for `roost.pool.why`.

Whatever does not answer is left out and said; nothing here raises because an instance is broken.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

from roost.boot.roles import Role
from roost.cloud.model import Found, InstanceState, PoolInstance
from roost.cloud.plan import resource_name
from roost.errors import RoostError
from roost.pool.evidence import LOOK_INSIDE, Inside, InstanceEvidence, Listed, inside, listed, listed_argv, look_argv
from roost.spec import PoolSpec
from roost.verbs.entrance import access_point, ssh_to
from roost.verbs.keeping import kept
from roost.verbs.keys import PoolKey, pool_key
from roost.verbs.which_pool import Site

_LOOK_TIMEOUT_S = 30


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What an instance showed of itself, or why it did not."""

    printed: str = ""
    inside: Inside | None = None
    clock_ahead_s: float | None = None
    problem: str = ""


def evidence_of(
    spec: PoolSpec, site: Site, found: Found, instance: PoolInstance, *, say: Callable[[str], None]
) -> InstanceEvidence:
    say(f"look at {instance.id}")
    group = next((g for g in found.groups if g.name == resource_name(spec.name)), None)
    before = kept(spec, instance.id)
    own = look(spec, site, instance)
    at_manager = Look()
    points = [p for p in found.with_role(Role.ACCESS_POINT) if p.state is InstanceState.RUNNING]
    if points:
        at_manager = own if points[0].id == instance.id else look(spec, site, points[0])
    seen, answers = _listed(spec, site, found, instance)
    denials = at_manager.inside.denials if at_manager.inside else ()
    return InstanceEvidence(
        instance=instance,
        pool=spec.name,
        now=before.at if before and not own.inside else datetime.now(UTC),
        console=_console(site, instance) or (before.console if before else ""),
        inside=own.inside or (before.inside if before else None),
        clock_ahead_s=own.clock_ahead_s,
        unreachable=own.problem,
        listed=seen,
        collector_answers=answers,
        manager_clock_ahead_s=at_manager.clock_ahead_s,
        denials=tuple(line for line in denials if instance.private_ip and instance.private_ip in line),
        ingress=group.ingress if group else None,
        own_address=site.asker.address,
        is_submitted_elsewhere=spec.access_point == "here",
        kept_at=str(before.directory) if before else "",
    )


def look(spec: PoolSpec, site: Site, instance: PoolInstance) -> Look:
    """Inside, over ssh."""
    if instance.state is not InstanceState.RUNNING:
        return Look()
    try:
        key: PoolKey = pool_key(spec.cloud, spec.name)
        with ssh_to(site, instance, key) as reached:
            reached.run(["true"], timeout_s=_LOOK_TIMEOUT_S)  # the connection's own time is not the clock's
            before_s = time.time()
            done = reached.run(look_argv(), input=LOOK_INSIDE.encode(), timeout_s=_LOOK_TIMEOUT_S)
    except RoostError as error:
        return Look(problem=error.message)
    seen = inside(done.stdout)
    if not seen.clock_s:
        return Look(problem=f"it did not answer as it should: {done.stderr.strip()[:200] or 'nothing'}")
    return Look(printed=done.stdout, inside=seen, clock_ahead_s=seen.clock_s - before_s)


def _listed(spec: PoolSpec, site: Site, found: Found, instance: PoolInstance) -> tuple[Listed | None, bool]:
    """What the collector knows of it, and whether the collector answered."""
    with suppress(RoostError, ValueError):
        with access_point(spec, site, found) as reached:
            done = reached.run(listed_argv(), timeout_s=_LOOK_TIMEOUT_S)
        if done.exit_code == 0:
            return listed(done.stdout, instance.id), True
    return None, False


def _console(site: Site, instance: PoolInstance) -> str:
    with suppress(RoostError):
        return site.ec2.console(instance.id)
    return ""
