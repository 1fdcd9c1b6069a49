"""shell (processes): start the service in the background, find it, end it, and clear away all it made."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localec2 import preflight, rootless, slots
from localec2.config import Config
from localec2.engine import COMMITTED, Engine
from localec2.failures import Localec2Error
from localec2.network import Network

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Started:
    config: Config
    pid: int
    was_running: bool


def start(state_dir: Path, *, port: int | None, region: str | None) -> Started:
    """Running and ready when this returns; does nothing when it already runs. Raises `Localec2Error`."""
    if not rootless.is_needed():
        preflight.require()
    state_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _one_at_a_time(state_dir):
        pid, before = running_pid(state_dir), slots.existing(state_dir)
        if pid is not None and before is not None:
            _require_same(before, port=port, region=region)
            return Started(config=before, pid=pid, was_running=True)
        if rootless.is_needed():
            preflight.require()  # what it asks of the calling shell does not matter to a service that runs
        claimed = slots.claim(state_dir, port=port, region=region)
        try:
            if claimed.is_new:
                _clear(claimed.config)
            return Started(config=claimed.config, pid=_spawn(claimed.config), was_running=False)
        except Localec2Error:
            if claimed.is_new:
                _clear(claimed.config)
                slots.release(claimed.config)
            raise


def stop(state_dir: Path, *, everything: bool) -> None:
    """Ends the service; with `everything` also all instances, and whatever this slot has on the machine."""
    if not state_dir.is_dir():
        return
    with _one_at_a_time(state_dir):
        pid = running_pid(state_dir)
        if pid is not None:
            _end(pid, state_dir)
        config = slots.existing(state_dir)
        if everything and config is not None:
            _clear(config)
            slots.release(config)


def running_pid(state_dir: Path) -> int | None:
    """The service's process: it holds a lock as long as it lives."""
    try:
        file = (state_dir / "service.lock").open("r+")
    except OSError:
        return None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return int(file.read() or 0) or None
    return None


def sweep(config: Config) -> None:
    """No container, namespace, link, route or rule of this slot is left."""
    engine = Engine(config)
    with ThreadPoolExecutor(4) as workers:
        list(workers.map(engine.remove, sorted(engine.instance_ids())))
    Network(config).down()


def control(config: Config, path: str, body: object = None) -> Any:
    """Call one of the service's own paths. Raises `Localec2Error` with what it answered."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(
        f"{config.endpoint_url}/_localec2/{path}", data=data, headers={"Content-Type": "application/json"}
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Localec2Error(f"the service refused {path}: {_reason(error)}") from error
    except (OSError, ValueError) as error:
        raise Localec2Error(
            f"the service on {config.endpoint_url} does not answer: {error}",
            f"`localec2 start` starts it; its log is {config.log}.",
        ) from error


def _reason(error: urllib.error.HTTPError) -> str:
    """Its own sentence, where it gave one."""
    said = error.read().decode(errors="replace")
    try:
        return str(json.loads(said)["error"])
    except (ValueError, KeyError, TypeError):
        return said[:500] or error.reason


def _require_same(running: Config, *, port: int | None, region: str | None) -> None:
    for name, asked, has in (("port", port, running.port), ("region", region, running.region)):
        if asked not in (None, has):
            raise Localec2Error(
                f"the service already runs with {name} {has}, not {asked}",
                "`localec2 stop` ends it (instances keep running); then start it as you want it.",
            )


def _spawn(config: Config) -> int:
    from localec2.service import listen

    argv = [sys.executable, "-m", "localec2", "serve", "--state-dir", str(config.state_dir)]
    listening = listen("127.0.0.1", config.port, hint="Choose another one with `localec2 start --port N`.")
    with listening, config.log.open("ab") as log:
        if rootless.is_needed():
            # From inside, this machine's own ports are out of reach: the socket is handed in.
            pid = rootless.ensure_holder(config.state_dir)
            inside = rootless.entrance(config.state_dir, pid, has_network=True)
            argv = [*inside, *argv, "--listen-fd", str(listening.fileno())]
        else:
            listening.close()
        child = subprocess.Popen(
            argv,
            pass_fds=[listening.fileno()] if rootless.is_needed() else [],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": _module_path()},  # also when this one is not installed
            start_new_session=True,
            cwd="/",
        )
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if child.poll() is not None:
            raise Localec2Error(
                f"the service ended at once with exit code {child.returncode}: {_last_lines(config.log)}",
                f"Its log is {config.log}.",
            )
        if _is_ready(config):
            return child.pid
        time.sleep(0.1)
    child.terminate()
    raise Localec2Error(
        f"the service was not ready within {START_TIMEOUT_S:.0f} s: {_last_lines(config.log)}",
        f"Its log is {config.log}.",
    )


def _module_path() -> str:
    return os.pathsep.join(str(Path(entry).absolute()) for entry in sys.path if entry)


def _is_ready(config: Config) -> bool:
    try:
        control(config, "status")
    except Localec2Error:
        return False
    return True


def _end(pid: int, state_dir: Path) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_TIMEOUT_S
    while running_pid(state_dir) == pid:
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def _clear(config: Config) -> None:
    """Sweep and forget; a plain user's service has all of it inside."""
    if not rootless.is_needed():
        clear(config)
        return
    if not (config.state_dir / "storage.conf").is_file():
        return  # there never was an inside
    pid = rootless.ensure_holder(config.state_dir)
    argv = [sys.executable, "-m", "localec2", "clear", "--state-dir", str(config.state_dir)]
    done = rootless.run_inside(config.state_dir, pid, argv, has_network=True)
    if done.returncode != 0:
        raise Localec2Error(f"could not clear away all of the service: {done.stderr.strip()[-800:]}")
    rootless.end_holder(config.state_dir)


def clear(config: Config) -> None:
    sweep(config)
    _forget_instances(config)


def _forget_instances(config: Config) -> None:
    """Images stay, but for those that were deregistered and kept only for an instance."""
    from localec2.model import Image, Instance
    from localec2.world import World

    world, engine = World(config.database), Engine(config)
    world.forget(world.all(Instance))
    for image in world.all(Image):
        if image.state == "deregistered" and image.engine_ref.startswith(COMMITTED):
            engine.remove_image(image.engine_ref)
    world.close()


def _last_lines(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").splitlines()[-3:])


@contextmanager
def _one_at_a_time(state_dir: Path) -> Iterator[None]:
    with (state_dir / "start.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
