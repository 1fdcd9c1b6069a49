"""shell (files, ssh-keygen): a pool's ssh key on this machine. The private half never leaves it.

Lost keys are no loss: they serve people and files, the pool works without.
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from roost.errors import NotFoundError, RoostError


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolKey:
    private: Path
    known_hosts: Path

    @property
    def public_line(self) -> str:
        return self.private.with_name(self.private.name + ".pub").read_text()


def pool_key(cloud: str, pool: str) -> PoolKey:
    """The key of a pool that is up. Raises NotFoundError on a machine that has not made it."""
    key = _place(cloud, pool)
    if not key.private.exists():
        raise NotFoundError(
            f"this machine has no ssh key for the pool {pool}: it was launched elsewhere, or by another user",
            f"copy {key.private} from there, or `roost down {pool}` and `roost up` from here",
        )
    return key


def has_pool_key(cloud: str, pool: str) -> bool:
    return _place(cloud, pool).private.exists()


def make_pool_key(cloud: str, pool: str) -> PoolKey:
    """The pool's key, made when there is none."""
    key = _place(cloud, pool)
    if key.private.exists():
        return key
    key.private.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"roost-{pool}", "-f", str(key.private)]
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RoostError(f"ssh-keygen could not make a key: {done.stderr.strip()}", f"ls -ld {key.private.parent}")
    return key


def forget_pool_key(cloud: str, pool: str) -> None:
    """After `down`: the next pool of this name has other instances and another key."""
    key = _place(cloud, pool)
    for path in (key.private, key.private.with_name(key.private.name + ".pub"), key.known_hosts):
        path.unlink(missing_ok=True)


def _place(cloud: str, pool: str) -> PoolKey:
    directory = platformdirs.user_data_path("roost") / "pools" / cloud / pool
    return PoolKey(private=directory / "id_ed25519", known_hosts=directory / "known_hosts")
