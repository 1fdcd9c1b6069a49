"""shell (records): what time alone brings about.

Called before each request and by each pass of the reconciler: spot instances whose notice has run out are terminated,
spot requests of instances that ended are closed, terminated instances are forgotten after about an hour, as EC2 does.
"""

from dataclasses import replace

from localec2.instances import SPOT_TERMINATION, is_interruption_due, with_event
from localec2.lifecycle import Event, State
from localec2.model import Instance, LaunchToken, SpotRequest
from localec2.world import World

KEPT_S = 3600.0
_GONE = (State.SHUTTING_DOWN, State.TERMINATED)


def sweep(world: World, now: float) -> None:
    with world.lock:
        for instance in world.all(Instance):
            if is_interruption_due(instance, now):
                world.put(with_event(instance, Event.TERMINATE, now, reason=SPOT_TERMINATION))
        _close_requests(world, now)
        _forget(world, now)


def _close_requests(world: World, now: float) -> None:
    for request in world.all(SpotRequest):
        instance = world.get(Instance, request.instance_id) if request.instance_id else None
        if request.state not in ("active", "cancelled") or request.status_code.startswith("instance-terminated"):
            continue
        if instance is not None and instance.state in _GONE:
            by_ec2 = instance.reason == SPOT_TERMINATION
            code = "instance-terminated-no-capacity" if by_ec2 else "instance-terminated-by-user"
            message = (
                "Your Spot Instance was terminated because there is no longer enough Spot capacity."
                if by_ec2
                else "Spot Instance terminated due to user-initiated termination."
            )
            state = "closed" if request.state == "active" else request.state
            world.put(replace(request, state=state, status_code=code, status_message=message, updated_at=now))


def _forget(world: World, now: float) -> None:
    old = [i for i in world.all(Instance) if i.state is State.TERMINATED and i.state_since < now - KEPT_S]
    if not old:
        return
    world.forget(old)
    ids = {instance.id for instance in world.all(Instance)}
    world.forget([token for token in world.all(LaunchToken) if ids.isdisjoint(token.instance_ids)])
    world.forget([r for r in world.all(SpotRequest) if r.state != "open" and r.instance_id not in ids])
