"""shell (files, EC2): the pool that a word on the command line means, and the way to its EC2."""

import getpass
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import click

from roost.cloud.ec2 import Ec2
from roost.cloud.efs import Efs
from roost.cloud.endpoint import Endpoint, connect
from roost.cloud.model import SSH_PORT, Found, PoolInstance
from roost.cloud.plan import Asker
from roost.errors import CloudError, NotFoundError, UsageError
from roost.spec import PoolSpec, named, parse, seconds
from roost.yaml_lines import did_you_mean, nearest

_DEFAULT_FILE = Path("pool.yml")


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """The EC2 that a pool is on, and who asks."""

    endpoint: Endpoint
    ec2: Ec2
    asker: Asker


def read_spec(path: Path) -> PoolSpec:
    """The spec in a file. Raises UsageError with all its mistakes, NotFoundError where there is no such file."""
    try:
        return parse(path.read_text(), path)
    except FileNotFoundError as error:
        raise NotFoundError(f"there is no file {path}", "name a pool.yml, or a pool that is up") from error
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}", f"ls -l {path}") from error


def spec_of(word: str | None, cloud: str | None) -> PoolSpec:
    """What `word` means: a file, or a pool's name (then everything else is found by its tags). None: ./pool.yml."""
    if word is None and _DEFAULT_FILE.exists():
        spec = read_spec(_DEFAULT_FILE)
    elif word is not None and is_file_name(word):
        spec = read_spec(Path(word))
    else:
        spec = named(word) if word is not None else PoolSpec()
    return spec.model_copy(update={"cloud": cloud}) if cloud else spec


def is_file_name(word: str) -> bool:
    return word.endswith((".yml", ".yaml")) or os.sep in word


def site(spec: PoolSpec, *, say: Callable[[str], None], start: bool = True, needs_address: bool = True) -> Site:
    endpoint = connect(spec.cloud, spec.region, say=say, start=start, needs_address=needs_address)
    asker = Asker(address=endpoint.own_address, owner=getpass.getuser())
    return Site(endpoint=endpoint, ec2=Ec2(endpoint.access), asker=asker)


def found_pool(
    word: str | None, cloud: str | None, *, say: Callable[[str], None], region: str | None = None
) -> tuple[PoolSpec, Site, Found]:
    """A pool of which EC2 describes something. Raises NotFoundError that names the pools there are."""
    spec = spec_of(word, cloud)
    if region is not None:
        spec = spec.model_copy(update={"region": region})
    where = site(spec, say=say, start=False, needs_address=False)
    found = with_file_systems(spec, where, where.ec2.describe(spec.name))
    if not found.is_empty:
        if not lets_in(found, where.asker):
            say(f"the pool {spec.name} lets in another address than yours of today: `roost access refresh {spec.name}`")
        return _as_launched(spec, found), where, found
    pools = where.ec2.pools()
    if word is None and not _DEFAULT_FILE.exists() and len(pools) == 1:
        only = spec.model_copy(update={"name": pools[0]})
        found = where.ec2.describe(only.name)
        return _as_launched(only, found), where, found
    near = nearest(spec.name, pools)
    perhaps = f"did you mean '{near}'? " if near else ""
    there_is = f"the pools there: {', '.join(pools)}" if pools else "there is none"
    if word is None and not _DEFAULT_FILE.exists():
        raise NotFoundError(
            f"no pool was named, and here is no pool.yml; {_place(spec)} has {', '.join(pools) or 'none'}",
            "roost status POOL" if pools else "roost up POOL",
        )
    raise NotFoundError(
        f"no pool {spec.name} on {_place(spec)}; {perhaps}{there_is}",
        "roost up pool.yml",
    )


def with_file_systems(spec: PoolSpec, where: Site, found: Found) -> Found:
    """The same with those that carry the pool's tag. Who may not look at any has made none."""
    if spec.cloud != "aws":
        return found
    try:
        return replace(found, file_systems=Efs(where.ec2.access).describe(spec.name))
    except CloudError as error:
        if "AccessDenied" in error.message:
            return found
        raise


def found_instance(
    instance_id: str, cloud: str | None, *, say: Callable[[str], None]
) -> tuple[PoolSpec, Site, Found, PoolInstance]:
    """An instance of any pool, terminated or not. Raises NotFoundError with the nearest id."""
    spec = spec_of(None, cloud)
    where = site(spec, say=say, start=False, needs_address=False)
    pools = where.ec2.instance_pools()
    if instance_id not in pools:
        raise NotFoundError(
            f"{_place(spec)} has no instance {instance_id} of a pool{did_you_mean(instance_id, pools)}", "roost status"
        )
    if pools[instance_id] != spec.name:
        spec = named(pools[instance_id]).model_copy(update={"cloud": spec.cloud, "region": spec.region})
    found = where.ec2.describe(spec.name)
    return _as_launched(spec, found), where, found, next(i for i in found.instances if i.id == instance_id)


def lets_in(found: Found, asker: Asker) -> bool:
    """Whether the pool's groups let this machine in by ssh; a pool without a group lets in nobody who could change it.
    Where this machine's address is not known, nothing is to be said about it.

    >>> lets_in(Found(), Asker(address="192.0.2.7", owner="ada"))
    True
    """
    return not (found.groups and asker.address) or any(
        ingress.cidr is not None
        and ingress.port <= SSH_PORT <= (ingress.to_port or ingress.port)
        and IPv4Address(asker.address) in IPv4Network(ingress.cidr, strict=False)
        for group in found.groups
        for ingress in group.ingress
    )


def _as_launched(spec: PoolSpec, found: Found) -> PoolSpec:
    """Who only gives a name need not know where its jobs are submitted."""
    return spec.model_copy(update={"access_point": "here"}) if found.submit_host else spec


def _place(spec: PoolSpec) -> str:
    return "EC2 on this machine" if spec.cloud == "local" else f"AWS, {spec.region}"


pool_argument = click.argument("pool", required=False, metavar="[POOL]")
cloud_option = click.option(
    "--cloud", type=click.Choice(["local", "aws"]), help="Where the pool is (default: what pool.yml says, else local)."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")


class Duration(click.ParamType[int]):
    """Seconds, written as in pool.yml."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        read = seconds(value)
        if not isinstance(read, int) or read <= 0:
            self.fail(f"'{value}' is no duration: write it as 90s, 15m, 3h or 2d", param, ctx)
        return read


timeout_option = click.option(
    "--timeout", "timeout_s", type=Duration(), default="10m", show_default=True, help="How long to wait for the pool."
)
