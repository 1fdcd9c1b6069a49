"""shell (files): what is kept of an instance before it is terminated: its console, and what a look inside showed.

Below the user's data directory, by cloud, pool and instance; `why` finds it there long after EC2 has forgotten.
"""

import json
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from roost.boot.roles import Role
from roost.cloud.model import Found, InstanceState, PoolInstance
from roost.errors import RoostError
from roost.pool.evidence import Inside, inside
from roost.spec import PoolSpec

if TYPE_CHECKING:
    from roost.verbs.which_pool import Site

KEPT_S = 30 * 86400.0  # a month's worth is looked back at, if ever
_YOUNG_S = 15.0  # one that was launched a moment ago has not failed
_MOST = 6  # instances that are looked at before they go: what one says is mostly true of all


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    directory: Path
    instance: PoolInstance
    pool: str
    at: datetime  # when it was looked at: a token that was good then is no reason
    console: str
    inside: Inside | None


def keep_failed(
    spec: PoolSpec, site: "Site", found: Found, *, joined: Collection[str], say: Callable[[str], None]
) -> None:
    """Of each instance that has not joined: what it can still tell. Takes seconds, and never fails."""
    points = found.with_role(Role.EXECUTION_POINT)
    failed = [i for i in points if i.id not in joined]
    if len(failed) == len(points):  # nobody is in: the access point may be why
        failed = [*found.with_role(Role.ACCESS_POINT), *failed]
    failed = [i for i in failed if time.time() - i.launched_at.timestamp() > _YOUNG_S]
    with ThreadPoolExecutor(_MOST) as workers:
        for said in workers.map(lambda instance: _kept_of(spec, site, instance), failed[:_MOST]):
            say(said)


def _kept_of(spec: PoolSpec, site: "Site", instance: PoolInstance) -> str:
    from roost.verbs.looking import look  # which looks at what is kept

    try:
        seen = look(spec, site, instance)
        directory = keep(spec, instance, console=site.ec2.console(instance.id), printed=seen.printed)
    except (RoostError, OSError) as error:
        return f"nothing could be kept of {instance.id}: {error}"
    return f"console and logs of {instance.id} are kept in {directory}; `roost why {instance.id}` reads them"


def keep(spec: PoolSpec, instance: PoolInstance, *, console: str, printed: str = "") -> Path:
    """Write it down; what was kept before is not lost to a later look that saw nothing."""
    directory = _place(spec.cloud, spec.name) / instance.id
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    facts = {**asdict(instance), "launched_at": instance.launched_at.isoformat(), "pool": spec.name}
    (directory / "instance.json").write_text(json.dumps(facts, indent=2))
    for name, text in (("console.txt", console), ("inside.txt", printed)):
        if text:
            (directory / name).write_text(text)
    _forget_old(directory.parent)
    return directory


def kept(spec: PoolSpec, instance_id: str) -> Kept | None:
    """What was kept of an instance, of whatever pool in this cloud."""
    for directory in _place(spec.cloud, "").glob(f"*/{instance_id}"):
        facts = json.loads((directory / "instance.json").read_text())
        pool = facts.pop("pool")
        printed = directory / "inside.txt"
        console = directory / "console.txt"
        return Kept(
            directory=directory,
            pool=pool,
            at=datetime.fromtimestamp((directory / "instance.json").stat().st_mtime, UTC),
            instance=PoolInstance(
                **{
                    **facts,
                    "role": Role(facts["role"]),
                    "state": InstanceState(facts["state"]),
                    "launched_at": datetime.fromisoformat(facts["launched_at"]),
                }
            ),
            console=console.read_text() if console.exists() else "",
            inside=inside(printed.read_text()) if printed.exists() else None,
        )
    return None


def kept_ids(cloud: str) -> list[str]:
    return [path.name for path in _place(cloud, "").glob("*/i-*")]


def _place(cloud: str, pool: str) -> Path:
    return platformdirs.user_data_path("roost") / "kept" / cloud / pool


def _forget_old(pool: Path) -> None:
    for directory in pool.glob("i-*"):
        if directory.stat().st_mtime < time.time() - KEPT_S:
            for file in directory.iterdir():
                file.unlink(missing_ok=True)
            directory.rmdir()
