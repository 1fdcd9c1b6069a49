"""shell (threads): brings what runs to what the records say.

Level-triggered: every pass looks at all records and starts the work that is missing, so it does not matter what was
interrupted. The control plane decides (states `pending`, `stopping`, `shutting-down`, a requested reboot, an image
still `pending`); this module does it through the engine and the network, and reports through `with_event`.
"""

import logging
import os
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

from localec2.config import Config
from localec2.console import Console
from localec2.engine import COMMITTED, Engine
from localec2.failures import Localec2Error
from localec2.firewall import router_table
from localec2.instances import SPOT_TERMINATION, is_interruption_due, with_event
from localec2.lifecycle import Event, State, next_state
from localec2.model import Image, Instance, Reason
from localec2.network import Network
from localec2.world import World

log = logging.getLogger(__name__)

PASS_S = 1.0  # without a change, look again after this long
BOOT_WAIT_S = 20.0  # how long one boot may keep others waiting
STOP_TIMEOUT_S = 30
TERMINATE_TIMEOUT_S = 10
EXIT_REBOOT = 129  # reboot(2) in a PID namespace ends PID 1 by SIGHUP for a restart, by SIGINT (130) for power off
INITIATED_BY_INSTANCE = Reason(
    code="Client.InstanceInitiatedShutdown", message="Client.InstanceInitiatedShutdown: Instance initiated shutdown"
)
_PLUGGED = (State.PENDING, State.RUNNING, State.STOPPING, State.SHUTTING_DOWN)


class Reconciler:
    def __init__(self, world: World, config: Config, *, engine: Engine, network: Network, console: Console) -> None:
        self._world = world
        self._config = config
        self._engine = engine
        self._network = network
        self._console = console
        self._busy: set[str] = set()  # ids of instances and images that a worker has in hand
        self._watched: dict[str, int] = {}  # instance id -> PID 1
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        # Boots compete for the processor and also wait; with fewer at a time the first of many is up earlier, the last
        # one no sooner, and a few boots take longer (bench/README.md).
        self._boots = ThreadPoolExecutor(8 * (os.cpu_count() or 1), thread_name_prefix="boot")
        self._ends = ThreadPoolExecutor(2 * (os.cpu_count() or 1), thread_name_prefix="end")

    def start(self) -> None:
        self.adopt()
        threading.Thread(target=self._loop, name="reconcile", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        self._world.wake.set()
        self._boots.shutdown(wait=False, cancel_futures=True)
        self._ends.shutdown(wait=False, cancel_futures=True)

    def adopt(self) -> None:
        """After a restart of the service: watch what still runs, finish what ended meanwhile."""
        for instance in self._world.all(Instance):
            if instance.state in (State.RUNNING, State.STOPPING):
                self._adopt(instance)
        known = {instance.id for instance in self._world.all(Instance) if instance.state is not State.TERMINATED}
        for stray in self._engine.instance_ids() - known:
            log.warning("%s has a container and no record: removing it", stray)
            self._engine.remove(stray)
        for stray in self._network.plugged() - known:
            self._network.unplug(stray)

    def load_rules(self) -> None:
        """Public addresses and security groups as they are now."""
        with self._world.lock:
            instances = [i for i in self._world.all(Instance) if i.state in _PLUGGED]
            rules = router_table(instances, self._world.groups(), self._config)
        self._network.load(rules)

    def _adopt(self, instance: Instance) -> None:
        container = self._engine.inspect(instance.id)
        if container is not None and container.is_running:
            log.info("adopted %s", instance.id)
            self._watch(instance.id, container.pid)
        elif instance.state is State.RUNNING:
            self._ended(instance.id, container.exit_code if container is not None else None)

    def _loop(self) -> None:
        while not self._stopped.is_set():
            self._world.wake.wait(PASS_S)
            self._world.wake.clear()
            try:
                self._pass()
            except Exception:  # the outermost loop of the thread: one bad record must not end the service
                log.exception("a pass failed; the next one tries again")
                time.sleep(PASS_S)

    def _pass(self) -> None:
        for image in self._world.all(Image):
            if image.state == "pending" and image.source_instance_id is not None:
                self._take(image.source_instance_id, partial(self._commit, image), self._ends)
            elif image.state == "deregistered" and (image.engine_ref.startswith(COMMITTED) or not image.snapshot_id):
                self._discard(image)
        for instance in self._world.all(Instance):
            if is_interruption_due(instance, time.time()):
                self._report(instance.id, Event.TERMINATE, SPOT_TERMINATION)
            match instance:
                case Instance(state=State.PENDING):
                    self._take(instance.id, self._launch, self._boots, afterwards=self._wait_for_boot)
                case Instance(state=State.STOPPING):
                    self._take(instance.id, self._halt, self._ends)
                case Instance(state=State.SHUTTING_DOWN):
                    self._take(instance.id, self._terminate, self._ends)
                case Instance(state=State.RUNNING, reboot_requested=True):
                    self._take(instance.id, self._reboot, self._ends)
        self.load_rules()

    def _take(
        self,
        instance_id: str,
        work: Callable[[str], None],
        workers: ThreadPoolExecutor,
        *,
        afterwards: Callable[[str], None] | None = None,
    ) -> bool:
        """Have a worker do this, unless one has the instance in hand already."""
        with self._lock:
            if instance_id in self._busy or self._stopped.is_set():
                return False
            self._busy.add(instance_id)
        workers.submit(self._work, instance_id, work, afterwards)
        return True

    def _work(self, instance_id: str, work: Callable[[str], None], afterwards: Callable[[str], None] | None) -> None:
        try:
            work(instance_id)
        except Exception:  # the outermost call of the worker's thread
            log.exception("%s of %s failed; the next pass tries again", work, instance_id)
            time.sleep(PASS_S)
        finally:
            with self._lock:
                self._busy.discard(instance_id)
            self._world.wake.set()
        if afterwards is not None:
            afterwards(instance_id)

    # ---- what a worker does

    def _launch(self, instance_id: str) -> None:
        instance = self._world.get(Instance, instance_id)
        if instance is None or instance.state is not State.PENDING:
            return
        try:
            self._boot(instance)
        except Localec2Error as error:
            log.error("%s does not start: %s", instance_id, error)
            reason = Reason(code="Server.InternalError", message=f"Server.InternalError: {error.message[:300]}")
            self._report(instance_id, Event.FAILED, reason)
            return
        self._report(instance_id, Event.BOOTED)

    def _boot(self, instance: Instance) -> None:
        image = self._world.get(Image, instance.image_id)
        self._network.plug(instance)
        if self._engine.inspect(instance.id) is None:
            if image is None:
                raise Localec2Error(f"the image {instance.image_id} is gone")
            self._engine.create(instance, image)
        self.load_rules()
        pid = self._engine.start(instance.id)
        with self._world.lock:
            current = self._world.get(Instance, instance.id)
            if current is not None:
                self._world.put(replace(current, boots=current.boots + 1, booted_ok=False))
        self._watch(instance.id, pid)

    def _wait_for_boot(self, instance_id: str) -> None:
        """Hold this worker while the instance's own start keeps the processor busy."""
        deadline = time.monotonic() + BOOT_WAIT_S
        while time.monotonic() < deadline and not self._stopped.is_set():
            instance = self._world.get(Instance, instance_id)
            if instance is None or instance.state is not State.RUNNING or instance.booted_ok:
                return
            time.sleep(0.2)

    def _halt(self, instance_id: str) -> None:
        self._engine.stop(instance_id, timeout_s=STOP_TIMEOUT_S)
        self._network.unplug(instance_id)
        self._report(instance_id, Event.HALTED)

    def _terminate(self, instance_id: str) -> None:
        self._engine.stop(instance_id, timeout_s=0 if self._is_cut(instance_id) else TERMINATE_TIMEOUT_S)
        self._console.keep(instance_id)
        self._engine.remove(instance_id)
        self._network.unplug(instance_id)
        self._watched.pop(instance_id, None)
        self._report(instance_id, Event.HALTED)

    def _reboot(self, instance_id: str) -> None:
        self._engine.stop(instance_id, timeout_s=0 if self._is_cut(instance_id) else STOP_TIMEOUT_S)
        with self._world.lock:
            instance = self._world.get(Instance, instance_id)
            if instance is None or instance.state is not State.RUNNING:
                return
            instance = replace(instance, reboot_requested=False, power_cut=False)
            self._world.put(instance)
        self._boot(instance)

    def _is_cut(self, instance_id: str) -> bool:
        """Whether it ends without having been told."""
        instance = self._world.get(Instance, instance_id)
        return instance is not None and instance.power_cut

    # ---- images

    def _commit(self, image: Image, instance_id: str) -> None:
        instance = self._world.get(Instance, instance_id)
        reboots = instance is not None and instance.state is State.RUNNING and not image.no_reboot
        try:
            if reboots:
                self._engine.stop(instance_id, timeout_s=STOP_TIMEOUT_S)
            reference = self._engine.commit(instance_id, image.id)
        except Localec2Error as error:
            log.error("%s of %s: %s", image.id, instance_id, error)
            self._update_image(image.id, state="failed", engine_ref="", message=error.message[:300])
        else:
            self._update_image(image.id, state="available", engine_ref=reference, message="")
        if reboots:
            self._reboot(instance_id)

    def _discard(self, image: Image) -> None:
        """Instances that were launched from it keep it, as in EC2."""
        users = [each for each in self._world.all(Instance) if each.image_id == image.id]
        if not all(each.state is State.TERMINATED for each in users):
            return
        if image.engine_ref.startswith(COMMITTED) and not self._engine.remove_image(image.engine_ref):
            return
        with self._world.lock:
            now = self._world.get(Image, image.id)
            if now is not None and now.snapshot_id:
                self._world.put(replace(now, engine_ref=""))
            elif now is not None:
                self._world.forget([now])

    def _update_image(self, image_id: str, *, state: str, engine_ref: str, message: str) -> None:
        with self._world.lock:
            image = self._world.get(Image, image_id)
            if image is None or image.state == "deregistered":
                self._engine.remove_image(engine_ref)
                return
            self._world.put(replace(image, state=state, engine_ref=engine_ref, state_message=message))

    # ---- the end of PID 1

    def _watch(self, instance_id: str, pid: int) -> None:
        """Notice at once when an instance's PID 1 ends."""
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            descriptor = None
        self._watched[instance_id] = pid

        def wait() -> None:
            if descriptor is not None:
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                poll.poll()
                os.close(descriptor)
            self._after_exit(instance_id, pid)

        threading.Thread(target=wait, name=f"watch {instance_id}", daemon=True).start()

    def _after_exit(self, instance_id: str, pid: int) -> None:
        if self._stopped.is_set() or self._watched.get(instance_id) != pid:
            return

        def work(_: str) -> None:
            if self._watched.get(instance_id) == pid:  # nobody has started it again meanwhile
                self._ended(instance_id, self._engine.exit_code(instance_id))

        # Whoever has the instance in hand now (stop, reboot, commit) caused this end, or will see it.
        while not self._take(instance_id, work, self._ends):
            if self._stopped.is_set() or self._watched.get(instance_id) != pid:
                return
            time.sleep(0.1)

    def _ended(self, instance_id: str, exit_code: int | None) -> None:
        """The guest itself shut down, or the machine did."""
        instance = self._world.get(Instance, instance_id)
        if instance is None or instance.state is not State.RUNNING:
            return
        log.info("%s ended by itself with %s", instance_id, exit_code)
        if exit_code == EXIT_REBOOT:
            self._boot(instance)
            return
        terminates = instance.shutdown_behavior == "terminate"
        event = Event.POWEROFF_TO_TERMINATE if terminates else Event.POWEROFF_TO_STOP
        self._report(instance_id, event, INITIATED_BY_INSTANCE)

    def _report(self, instance_id: str, event: Event, reason: Reason | None = None) -> None:
        """Enter an event into the record; one that no longer applies is dropped."""
        with self._world.lock:
            instance = self._world.get(Instance, instance_id)
            if instance is None or next_state(instance.state, event) is None:
                return
            changed = with_event(instance, event, time.time(), reason=reason)
            self._world.put(changed)
        log.info("%s is %s", instance_id, changed.state)
