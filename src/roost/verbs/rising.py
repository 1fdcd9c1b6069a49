"""shell (all stages): a pool rises. Launch what is missing, tell the boot timeline, wait until every instance joined.

Used by `up` and `run`. It can be killed anywhere: a second call completes it, `down` removes it.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from roost.boot import commands
from roost.boot.commands import Joined
from roost.boot.roles import Role
from roost.boot.settings import BootSettings, Joining, Network, NetworkMode, Shape, lost_s
from roost.boot.user_data import user_data
from roost.cloud.attempt import Boot
from roost.cloud.image import PoolImage
from roost.cloud.model import Action, Found, InstanceState, Launch, PoolInstance, Terminate
from roost.errors import CloudError, PartialError, RoostError, WaitTimeoutError
from roost.pool.access_point import AccessPoint, SshAccessPoint
from roost.pool.here import HereAccessPoint, Host, submitter
from roost.report.reporter import Reporter
from roost.report.timeline import BOOT_FAILED, Milestone, Moments, Noted, noted_on_console, rows, with_noted
from roost.spec import PoolSpec
from roost.verbs import checked_config, doors, entrance, file_systems, prepared
from roost.verbs.entrance import ssh_to
from roost.verbs.keeping import keep
from roost.verbs.keys import PoolKey, make_pool_key
from roost.verbs.sharing import sharing
from roost.verbs.which_pool import Site

# From the launch to a pool: EC2's own minutes on AWS, and a loaded laptop's on this machine.
RISE_TIMEOUT_S = 600.0
_LOOK_EVERY_S = {"local": 0.3, "aws": 2.0}  # four Describe calls each; EC2 refills 20 a second for a whole account
T = TypeVar("T")
# As much room as one can take in the user data, to know the size before there is one. A token has about 330 characters.
# Like a token, it cannot be compressed.
_LONGEST_JOINING = Joining(
    central_manager="255.255.255.255", token=secrets.token_urlsafe(384), trust_domain=secrets.token_urlsafe(96)
)
_CONSOLE_EVERY_S = {"local": 1.0, "aws": 15.0}  # GetConsoleOutput is a slow call on AWS, with a low limit


@dataclass(frozen=True, kw_only=True, slots=True)
class RisenPool:
    """A pool whose instances have all joined."""

    spec: PoolSpec
    access_point: PoolInstance | None  # None: this machine
    execution_points: tuple[PoolInstance, ...]
    moments: Mapping[str, Moments]
    changed: bool  # whether anything had to be done

    @property
    def joined_at_s(self) -> dict[str, float]:
        return {
            one: known.at_s[Milestone.JOINED] for one, known in self.moments.items() if Milestone.JOINED in known.at_s
        }


def rise(
    spec: PoolSpec, site: Site, image: PoolImage, reporter: Reporter, *, timeout_s: float = RISE_TIMEOUT_S
) -> RisenPool:
    actions = prepared.planned(spec, site)
    host = entrance.joinable_host(spec, site) if spec.access_point == "here" else None
    key = make_pool_key(spec.cloud, spec.name)
    rising = _Rising(spec, site, image, reporter, key=key, host=host, timeout_s=timeout_s)
    rising.measure(actions)
    is_checked = checked_config.before_anything(spec, image, actions, reporter)
    for action in actions:
        if isinstance(action, Launch) and action.role is Role.EXECUTION_POINT:
            rising.wait_for_access_point()  # it makes the token that they join with
            if not is_checked and not host:
                with ssh_to(site, rising.access_point(), key) as access_point:
                    checked_config.on_access_point(spec, access_point, reporter)
        reporter.step(f"{action}")
        rising.perform(action)
    rising.wait_for_access_point()
    joined = rising.wait_for_execution_points()
    doors.settle(spec, site, reporter, points=joined, joined=rising.joined)
    for sentence in doors.ways([rising.joined[p.id] for p in joined if p.id in rising.moments]):
        reporter.note(sentence)
    rising.require_way_back(joined)
    return RisenPool(
        spec=spec,
        access_point=None if host else rising.access_point(),
        execution_points=joined,
        moments=rising.moments,
        changed=bool(actions),
    )


@dataclass(slots=True)
class _Rising:
    """What one `rise` has learned so far."""

    spec: PoolSpec
    site: Site
    image: PoolImage
    reporter: Reporter
    key: PoolKey
    host: Host | None  # the pool of this machine, where it is that which they join
    moments: dict[str, Moments] = field(default_factory=dict)
    shapes: Mapping[str, Shape] = field(default_factory=dict)
    timeout_s: float = RISE_TIMEOUT_S
    started_at: float = field(default_factory=time.monotonic)
    console_at: float = 0.0
    is_access_point_ready: bool = False
    server: str = ""  # the address of a file system that AWS keeps for the pool
    joined: Mapping[str, Joined] = field(default_factory=dict)  # by instance id

    def measure(self, actions: Sequence[Action]) -> None:
        """Raises UsageError where EC2 would refuse a launch's user data or types: before the first thing is made."""
        if self.spec.shared.kind == "s3" and any(isinstance(action, Launch) for action in actions):
            self.server = file_systems.made(self.spec, self.site)
        for action in actions:
            if isinstance(action, Launch):
                self._boot(action.role, _LONGEST_JOINING if action.role is Role.EXECUTION_POINT else None)
                doors.require_ports(self.spec, self.shapes)

    def perform(self, action: Action) -> None:
        if isinstance(action, Terminate):
            found = self._found()
            for instance in found.instances:
                if instance.id in action.instance_ids:
                    self._keep(instance)
        if not isinstance(action, Launch):
            self.site.ec2.perform(action, public_key=self.key.public_line)
            return
        joining = None
        self.server = self.server or file_systems.made(self.spec, self.site)
        if action.role is Role.EXECUTION_POINT:
            file_systems.wait_until_mountable(self.spec, self.site)
            self.wait_for_access_point()
            joining = self._joining()  # a token that was made this moment
        boot = self._boot(action.role, joining)
        requested_at = time.time()
        for instance_id in self.site.ec2.perform(action, boot=boot, say=self.reporter.note):
            known = Moments(instance_id=instance_id, role=action.role.value)
            self.moments[instance_id] = known.at(Milestone.REQUESTED, requested_at)
        self._look(self._found())

    def access_point(self) -> PoolInstance:
        return self._until(self._running_access_point)

    def wait_for_access_point(self) -> None:
        """Until HTCondor there takes jobs and hands out tokens."""
        if self.is_access_point_ready:
            return
        if self.host:
            self._require_ready_host(self.host)
            self.is_access_point_ready = True
            return
        self.reporter.step("wait for the access point")
        instance = self._until(self._running_access_point)
        with ssh_to(self.site, instance, self.key) as access_point:
            self._until(lambda found: self._answers(access_point, found))
            self._until(lambda found: self._is_ready(access_point, found))
        self._note(instance.id, Milestone.JOINED)
        self.is_access_point_ready = True
        doors.open_doors(self.spec, self.site, self.reporter)

    def wait_for_execution_points(self) -> tuple[PoolInstance, ...]:
        """Until the collector lists every one of them."""
        self.reporter.step(f"wait for {_points(self.spec.workers.count)} to join")
        with entrance.access_point(self.spec, self.site, self._found_with_entrance()) as access_point:
            return self._until(lambda found: self._all_joined(access_point, found))

    def _found_with_entrance(self) -> Found:
        """EC2 may not show yet what it has just launched."""
        if self.host:
            return self._found()
        return self._until(lambda found: found if self._running_access_point(found) else None)

    def require_way_back(self, joined: Sequence[PoolInstance]) -> None:
        """An execution point that joined has called the collector; to run jobs it calls the schedd as well.

        In `auto` it has tried that itself, in direct mode it is called.
        """
        if not self.host or not joined or self.spec.network.mode != "outbound":
            return
        self.reporter.step(f"have {joined[0].id} call the schedd of this machine")
        schedd = self.host.schedd
        probe = f"import socket; socket.create_connection(({schedd.host!r}, {schedd.port}), 5)"
        with ssh_to(self.site, joined[0], self.key) as instance:
            try:
                instance.wait_until_reachable(60)
                done = instance.run(["python3", "-c", probe], timeout_s=30)
            except (CloudError, WaitTimeoutError) as error:
                self.reporter.note(f"whether instances reach the schedd was not tried: {error.message}")
                return
        if done.exit_code != 0:
            said = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise RoostError(
                f"{joined[0].id} has joined, but cannot call the schedd of this machine, {schedd.host} port "
                f"{schedd.port}: {said}; jobs that are matched with it would not start",
                f"a firewall before {schedd.host} has to let TCP in to port {schedd.port}; then `roost up` again",
            )

    def _require_ready_host(self, host: Host) -> None:
        done = HereAccessPoint(submitter(self.spec.owners)).run(commands.is_ready())
        if done.exit_code != 0:
            raise RoostError(
                f"the collector of this machine, {host.collector.host}, does not list its schedd: "
                f"{done.stderr.strip() or 'it lists nothing'}",
                "condor_status -schedd",
            )

    def _boot(self, role: Role, joining: Joining | None) -> Boot:
        """What the instances of a role are told."""
        self.shapes = self.shapes or self.site.ec2.region.shapes(self.spec.instance_types)
        settings = BootSettings(
            lease_s=self.spec.lease,
            idle_s=self.spec.idle,
            lost_s=lost_s(self.spec.lease),
            workers=self.spec.workers.count,
            sharing=sharing(self.spec, role, server=self.server),
            condor_config=self.spec.condor_config if role is Role.EXECUTION_POINT else "",
            network=Network(mode=NetworkMode(self.spec.network.mode), ports=self.spec.network.port_range),
            owners=entrance.owners(self.spec) if role is Role.EXECUTION_POINT else (),
        )
        text = user_data(pool=self.spec.name, role=role, types=self.shapes, settings=settings, joining=joining)
        encrypted = self.image.root_device if self.spec.cloud == "aws" else None
        return Boot(image_id=self.image.id, user_data=text, encrypted_root=encrypted)

    def _joining(self) -> Joining:
        if self.host:
            return entrance.joining_here(self.spec, self.host)
        instance = self.access_point()
        with ssh_to(self.site, instance, self.key) as access_point:
            minted = access_point.run(commands.mint_joining_token(self.spec.name))
        try:
            token = commands.joining_token(minted.stdout)
        except ValueError as error:
            said = minted.stderr.strip() or "nothing"
            raise RoostError(f"the central manager made no joining token; it said: {said}", "roost ssh") from error
        return Joining(central_manager=instance.private_ip, token=token)

    def _until(self, reached: Callable[[Found], T | None]) -> T:
        """Look at the pool until `reached` gives something; the timeline is told on the way."""
        while True:
            found = self._found()
            self._look(found)
            result = reached(found)
            if result:
                return result
            if time.monotonic() > self.started_at + self.timeout_s:
                raise WaitTimeoutError(
                    f"the pool {self.spec.name} did not rise within {self.timeout_s:.0f} s; {self._stuck(found)}",
                    f"{self._whom_to_ask(found)}`roost up` again goes on waiting; "
                    f"`roost down {self.spec.name}` ends it",
                )
            time.sleep(_LOOK_EVERY_S[self.spec.cloud])

    def _found(self) -> Found:
        return self.site.ec2.describe(self.spec.name)

    def _look(self, found: Found) -> None:
        """Take what EC2 and the consoles say into the timeline."""
        now = time.time()
        self._refuse_the_dead(found)
        read_consoles = time.monotonic() - self.console_at > _CONSOLE_EVERY_S[self.spec.cloud]
        for instance in found.usable:
            known = self.moments.get(instance.id)
            if known is None or (Milestone.JOINED in known.at_s and Milestone.CONDOR_STARTED in known.at_s):
                continue  # one of an earlier `up`, or one of which all is known
            if instance.state is InstanceState.RUNNING:
                known = known.at(Milestone.RUNNING, now)
                if read_consoles:
                    self.console_at = time.monotonic()
                    noted = noted_on_console(self.site.ec2.console(instance.id))
                    started_at = known.at_s[Milestone.RUNNING]
                    self._refuse_the_failed(instance.id, noted)
                    known = with_noted(known, [n for n in noted if n.event != "joined"], system_started_at_s=started_at)
            self.moments[instance.id] = known
        self.reporter.timeline(rows(self.moments.values()))

    def _refuse_the_dead(self, found: Found) -> None:
        """An instance of this launch that has ended will not join: say what it said."""
        for instance in found.instances:
            if instance.id in self.moments and not instance.is_usable:
                self._keep(instance)
                raise PartialError(
                    f"{instance.id} ended before it joined: {instance.state_reason or instance.state.value}"
                    + "".join(f"\n  {line}" for line in self._last_words(instance.id)),
                    f"`roost why {instance.id}`; `roost up` again replaces it; "
                    f"`roost down {self.spec.name}` ends the pool",
                )

    def _refuse_the_failed(self, instance_id: str, noted: Sequence[Noted]) -> None:
        """An instance whose boot program gave up will not join either."""
        for event in (n.event for n in noted if n.event.startswith(BOOT_FAILED)):
            raise PartialError(
                f"{instance_id} did not get ready to join: {event.removeprefix(BOOT_FAILED)}",
                f"`roost why {instance_id}` says why; `roost down {self.spec.name}` ends the pool",
            )

    def _running_access_point(self, found: Found) -> PoolInstance | None:
        points = found.with_role(Role.ACCESS_POINT)
        if points:
            return points[0] if points[0].state is InstanceState.RUNNING else None
        if any(known.role == Role.ACCESS_POINT for known in self.moments.values()):
            return None  # launched a moment ago, and EC2 does not show it yet
        raise CloudError(f"the pool {self.spec.name} has no access point", "`roost up` again makes one")

    def _answers(self, access_point: SshAccessPoint, found: Found) -> bool:  # noqa: ARG002 (for `_until`)
        try:
            return access_point.run(["true"], timeout_s=15).exit_code == 0
        except (CloudError, WaitTimeoutError):
            return False

    def _is_ready(self, access_point: SshAccessPoint, found: Found) -> bool:  # noqa: ARG002 (for `_until`)
        return access_point.run(commands.is_ready()).exit_code == 0

    def _all_joined(self, access_point: AccessPoint, found: Found) -> tuple[PoolInstance, ...] | None:
        """Found again by their ids, once all are in; those that have are told to the timeline."""
        printed = access_point.run(commands.list_joined())
        self.joined = {one.instance_id: one for one in commands.joined(printed.stdout)}
        joined = self.joined.keys()
        for instance_id in joined:
            self._note(instance_id, Milestone.JOINED)
        self.reporter.timeline(rows(self.moments.values()))
        points = found.with_role(Role.EXECUTION_POINT)
        return points if len(points) >= self.spec.workers.count and joined >= {p.id for p in points} else None

    def _note(self, instance_id: str, milestone: Milestone) -> None:
        if instance_id in self.moments:
            self.moments[instance_id] = self.moments[instance_id].at(milestone, time.time())

    def _keep(self, instance: PoolInstance) -> None:
        """What it said, for `roost why`, before it or its console is gone."""
        with suppress(RoostError, OSError):
            keep(self.spec, instance, console=self.site.ec2.console(instance.id))

    def _late(self, found: Found) -> list[PoolInstance]:
        return [i for i in found.usable if Milestone.JOINED not in self._known(i.id).at_s and i.id in self.moments]

    def _whom_to_ask(self, found: Found) -> str:
        return "".join(f"`roost why {one.id}` says why; " for one in self._late(found)[:1])

    def _stuck(self, found: Found) -> str:
        """Which instances have not joined, and the last that each said."""
        late = self._late(found)
        said = [f"{i.id} is {i.state}{''.join(f', and says: {w}' for w in self._last_words(i.id)[-1:])}" for i in late]
        return "; ".join(said) or "an instance of an earlier `up` is not in the collector's list"

    def _known(self, instance_id: str) -> Moments:
        return self.moments.get(instance_id, Moments(instance_id=instance_id, role=""))

    def _last_words(self, instance_id: str) -> list[str]:
        try:
            console = self.site.ec2.console(instance_id)
        except RoostError:
            return []
        return [f"{noted.seconds:.1f} s {noted.event}" for noted in noted_on_console(console)][-4:]


def _points(count: int) -> str:
    return f"{count} execution points" if count != 1 else "1 execution point"
