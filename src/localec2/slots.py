"""shell (files): which service has which slot of this machine.

A slot is a symbolic link to the state directory that has it. Services that start at the same moment choose one after
another.
"""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_state_path

from localec2 import rootless
from localec2.config import DEFAULT_PORT, DEFAULT_REGION, SLOTS, Config
from localec2.failures import Localec2Error

_FILE = "service.json"


def slots_dir() -> Path:
    """A plain user's slots are their own: only the ports are shared with others."""
    if rootless.is_needed() or rootless.is_inside():
        return user_state_path("localec2-slots")
    return Path("/var/lib/localec2/slots")


@dataclass(frozen=True, kw_only=True, slots=True)
class Claim:
    config: Config
    is_new: bool  # the slot may hold what a lost service left behind


def existing(state_dir: Path) -> Config | None:
    """The settings of the service of this state directory, if it has a slot."""
    file = state_dir / _FILE
    if not file.is_file():
        return None
    settings = json.loads(file.read_text())
    config = Config(state_dir=state_dir, port=settings["port"], slot=settings["slot"], region=settings["region"])
    return config if _holder(config.slot) == state_dir else None


def claim(state_dir: Path, *, port: int | None, region: str | None) -> Claim:
    """The settings to start with: what is asked for, else those of before, else a free slot and its port.

    Raises `Localec2Error` when there is no slot.
    """
    with _one_at_a_time():
        before = existing(state_dir)
        slot = _free_slot(state_dir) if before is None else before.slot
        config = Config(
            state_dir=state_dir,
            slot=slot,
            port=port or (_default_port(slot) if before is None else before.port),
            region=region or (DEFAULT_REGION if before is None else before.region),
        )
        file = state_dir / _FILE
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps({"slot": config.slot, "port": config.port, "region": config.region}))
        partial.replace(file)
    return Claim(config=config, is_new=before is None)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Between its slot and its file a service looks like one that is gone: another would take the slot away again."""
    slots_dir().mkdir(parents=True, exist_ok=True)
    with slots_dir().with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def release(config: Config) -> None:
    (config.state_dir / _FILE).unlink(missing_ok=True)
    if _holder(config.slot) == config.state_dir:
        (slots_dir() / str(config.slot)).unlink(missing_ok=True)


def _free_slot(state_dir: Path) -> int:
    for slot in range(SLOTS):
        link = slots_dir() / str(slot)
        holder = _holder(slot)
        if holder is not None and holder != state_dir and not (holder / _FILE).is_file():
            link.unlink(missing_ok=True)  # its state directory is gone, and with it the service
        try:
            link.symlink_to(state_dir)
        except FileExistsError:
            if _holder(slot) == state_dir:
                return slot
            continue
        return slot
    raise Localec2Error(
        f"all {SLOTS} services that this machine has room for exist already",
        f"{slots_dir()} shows their state directories; end one with `localec2 stop --all --state-dir DIR`.",
    )


def _default_port(slot: int) -> int:
    """The slot's; for a plain user the first free one, since others' slots have the same numbers."""
    first = DEFAULT_PORT + slot
    if not rootless.is_needed():
        return first
    return next((port for port in range(first, first + 64 * SLOTS, SLOTS) if _is_free(port)), first)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _holder(slot: int) -> Path | None:
    try:
        return (slots_dir() / str(slot)).readlink()
    except OSError:
        return None
