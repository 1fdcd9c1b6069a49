"""shell (the access point, the terminal): what would be lost with a pool: files on what its instances share.

`down` asks before it ends a pool that holds some. `run` does not: it has fetched its outputs itself.
"""

import sys
from collections.abc import Callable

import click

from roost.boot import commands
from roost.boot.commands import Unfetched
from roost.boot.roles import Role
from roost.cloud.model import Found
from roost.errors import RoostError, UsageError
from roost.report.reporter import Reporter
from roost.spec import PoolSpec
from roost.verbs.entrance import access_point
from roost.verbs.which_pool import Site

_EMPTY_BYTES = 64 * 1024
_PORTS = {24007, 2049}  # GlusterFS, NFS: open among the members of a pool that shares


def ask(spec: PoolSpec, site: Site, found: Found, reporter: Reporter, *, yes: bool) -> None:
    """Raises Abort on a no, UsageError where nobody is there to say yes."""
    if yes:
        return
    held = look(spec, site, found, say=reporter.note) if shares(found) else None
    if held is None:
        held = kept_by_aws(found)
    if not held.count:
        return
    with reporter.paused():
        click.echo(sentence(held, spec.name), err=True)
        if not sys.stdin.isatty():
            raise UsageError(
                f"{held.files} of the pool {spec.name} would be lost, and nobody is there to say yes",
                f"roost fetch {spec.name}   (or: roost down {spec.name} --yes)",
            )
        click.confirm("Take the pool down, and them with it?", abort=True, err=True)


def shares(found: Found) -> bool:
    """By what its group lets in: the spec may be gone, the tags are the database."""
    is_open = any(
        ingress.port in _PORTS and ingress.cidr is None for group in found.groups for ingress in group.ingress
    )
    return is_open and bool(found.with_role(Role.ACCESS_POINT))


def kept_by_aws(found: Found) -> Unfetched:
    """What is known of it where nobody can look: an empty one has some 6 KiB."""
    full = [one for one in found.file_systems if one.size_bytes > _EMPTY_BYTES]
    size_bytes = sum(one.size_bytes for one in full)
    return Unfetched(count=len(full), size_bytes=size_bytes, first=tuple(one.id for one in full))


def look(spec: PoolSpec, site: Site, found: Found, *, say: Callable[[str], None]) -> Unfetched | None:
    """None where the access point does not answer: then nothing can be fetched either."""
    try:
        with access_point(spec, site, found) as reached:
            return commands.unfetched(reached.run(commands.list_unfetched(), timeout_s=120).stdout)
    except (RoostError, ValueError) as error:
        say(f"nobody knows what is on the shared file system: {error}")
        return None


def sentence(held: Unfetched, pool: str) -> str:
    """
    >>> print(sentence(Unfetched(count=7, size_bytes=3 << 20, first=("/shared/a", "/shared/b")), "galaxy"))
    7 files (3.0 MiB) on what the pool galaxy shares would be lost: not fetched
      /shared/a
      /shared/b
      ... and 5 more
    """
    more = held.count - len(held.first)
    said = f"{held.files} ({held.size_bytes / 2**20:.1f} MiB) on what the pool {pool} shares would be lost"
    lines = [f"{said}: not fetched", *(f"  {path}" for path in held.first)]
    return "\n".join([*lines, *([f"  ... and {more} more"] if more > 0 else [])])
