"""shell (all stages): what is so, asked step by step; nothing is launched or changed.

A question that makes no sense any more (nobody answers, nobody knows us) is not asked, and says so.
"""

from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

from roost import machine
from roost.boot.roles import Role
from roost.boot.settings import Shape
from roost.cloud import checks as sentences
from roost.cloud import dry_run, pricing, quotas, reach
from roost.cloud.checks import Check
from roost.cloud.clients import Access, require_credentials
from roost.cloud.ec2 import Ec2
from roost.cloud.endpoint import connect, local_checks, local_status, own_address_on_the_internet
from roost.cloud.identity import whoami
from roost.cloud.images import Images
from roost.cloud.manifest import RoostImage
from roost.cloud.model import POOL_TAG, SSH_PORT, Found, Subnet
from roost.cloud.plan import resource_name
from roost.cloud.recipe import recipe
from roost.cloud.recipe_files import contents
from roost.errors import NotFoundError, RoostError
from roost.pool.here import Host
from roost.spec import PoolSpec
from roost.verbs.entrance import joinable_host
from roost.verbs.keys import has_pool_key, pool_key
from roost.verbs.which_pool import site

T = TypeVar("T")
_ALWAYS_ENABLED = "us-east-1"
_OPENS_SSH = "git-codecommit.us-east-1.amazonaws.com"  # of AWS, and answers on port 22 to everybody


def checks(spec: PoolSpec) -> Iterator[Check]:
    """Each sentence as soon as it is known."""
    yield _tools(spec)
    if spec.cloud == "local":
        yield from _this_machine()
        if not local_status()["running"]:
            said = "EC2 on this machine runs (`roost up` starts it)"
            yield Check(about="reach", is_true=False, sentence=said, remedy="roost local start", is_required=False)
            return
        access = connect(spec.cloud, spec.region, say=lambda _: None, start=False).access
    else:
        access = Access(region=spec.region)
    yield from _Questions(spec, access).checks()


@dataclass(slots=True)
class _Questions:
    """To one EC2, about one pool."""

    spec: PoolSpec
    access: Access
    stopped_by: Check | None = None  # the sentence whose being untrue makes all others pointless

    def checks(self) -> Iterator[Check]:
        ec2 = self._asked_ec2()
        if isinstance(ec2, Check):
            yield ec2
            return
        yield from self._reach(ec2.url)
        yield from self._credentials()
        yield from self._region()
        network = yield from self._one(
            "network", "instances have a network", lambda: ec2.region.network(self.spec.subnet)
        )
        if network:
            yield from sentences.network(network)
        types = self.spec.instance_types
        said = f"EC2 has the instance types {', '.join(dict.fromkeys(types))}"
        shapes = yield from self._one("types", said, lambda: ec2.region.shapes(types))
        if shapes:
            yield Check(about="types", is_true=True, sentence=said)
            same = "all instance types have one architecture"
            known = yield from self._one("types", same, lambda: {one: ec2.region.architecture(one) for one in types})
            if known:
                yield sentences.architectures(known)
        found = yield from self._one("pool", f"EC2 describes the pool {self.spec.name}", lambda: self._pool(ec2))
        image = yield from self._image(ec2)
        if network and found:
            yield from self._permissions(ec2, network, found, image)
        if shapes and found and self.spec.cloud == "aws":
            yield from self._quotas(ec2, shapes, found)
        if not self.stopped_by:
            yield sentences.prices(types, pricing.rates(self.spec.cloud, self.access, types))
        if self.spec.access_point == "here":
            yield from self._here()
        else:
            yield _key(self.spec, found or Found())
        if self.spec.cloud == "aws":
            yield from self._address()
        if self.spec.cloud == "aws" and self.spec.access_point == "cloud":
            yield from self._way_out(found or Found())

    def _asked_ec2(self) -> Ec2 | Check:
        try:
            return Ec2(self.access)
        except RoostError as error:
            return sentences.denied("credentials", "AWS can be asked", error)

    def _one(
        self, about: str, statement: str, question: Callable[[], T], *, is_needed: bool = False
    ) -> Generator[Check, None, T | None]:
        """The answer; where there is none, the sentence that is not true. `is_needed`: by every question after it."""
        if self.stopped_by:
            yield sentences.not_asked(about, statement, self.stopped_by)
            return None
        try:
            return question()
        except RoostError as error:
            untrue = sentences.denied(about, statement, error)
            self.stopped_by = untrue if is_needed else None
            yield untrue
            return None

    def _reach(self, url: str) -> Iterator[Check]:
        said = f"EC2 answers at {url}"
        there = yield from self._one("reach", said, lambda: reach.time_at(url), is_needed=True)
        if there:
            yield Check(about="reach", is_true=True, sentence=said)
            yield sentences.clock(datetime.now(UTC), there)

    def _credentials(self) -> Iterator[Check]:
        if self.spec.cloud == "local":
            return  # any are good
        if self.stopped_by:
            yield from self._have_credentials()
            return
        identity = yield from self._one(
            "credentials", "AWS knows who asks", lambda: whoami(self.access), is_needed=True
        )
        if identity:
            yield sentences.credentials(identity)

    def _have_credentials(self) -> Iterator[Check]:
        """As much as can be said without AWS."""
        said = "this machine has AWS credentials"
        try:
            require_credentials(self.access)
        except RoostError as error:
            yield sentences.denied("credentials", said, error)
        else:
            yield Check(about="credentials", is_true=True, sentence=f"{said} (AWS was not asked whose)")

    def _region(self) -> Iterator[Check]:
        if self.spec.cloud == "local":
            return
        name = self.spec.region
        # a region that is not enabled accepts nobody: one that always is has to be asked
        there = Ec2(replace(self.access, region=_ALWAYS_ENABLED)).region
        said = f"the region {name} is there, and enabled for this account"
        known = yield from self._one("region", said, lambda: (there.opt_in_status(name),))
        if known:
            check = sentences.region(name, known[0])
            yield check
            if not check.is_true:
                self.stopped_by = check

    def _image(self, ec2: Ec2) -> Generator[Check, None, RoostImage | None]:
        said = "there is an image for the pool"
        image = yield from self._one("image", said, lambda: (_image(ec2, self.spec),))
        if image is None:
            return None
        found = image[0]
        if found:
            yield sentences.image(found)
        else:
            is_local = self.spec.cloud == "local" and not self.spec.image.id
            yield Check(
                about="image",
                is_true=False,
                sentence=f"{said}; there is none yet"
                + (" (`roost up` builds it, in about a minute)" if is_local else ""),
                remedy="roost up" if is_local else _bake(self.spec),
                is_required=not is_local,
            )
        return found

    def _permissions(self, ec2: Ec2, network: Subnet, found: Found, image: RoostImage | None) -> Iterator[Check]:
        name = resource_name(self.spec.name)
        group_id = next((group.id for group in found.groups if group.name == name), None)
        first = self.spec.workers.type[0]
        said = "EC2 says what we may call"
        tried = yield from self._one(
            "permissions", said, lambda: image or ec2.region.base_image(ec2.region.architecture(first))
        )
        if tried is None:
            return  # without any image there is nothing to try a launch with; that there is none has been said
        trial = dry_run.Trial(
            name=name,
            tags={POOL_TAG: self.spec.name},
            image_id=tried.id,
            instance_type=first,
            vpc_id=network.vpc_id,
            subnet_id=network.id,
            group_id=group_id,
        )
        answers = yield from self._one(
            "permissions", said, lambda: list(dry_run.answers(dry_run.client(self.access), trial))
        )
        for answer in answers or ():
            yield sentences.permission(answer, has_group=group_id is not None)

    def _quotas(self, ec2: Ec2, shapes: Mapping[str, Shape], found: Found) -> Iterator[Check]:
        said = "the account's quotas have room for the pool"
        running = yield from self._one("quota", said, ec2.region.running)
        if running is None:
            return
        all_shapes = yield from self._one("quota", said, lambda: {**shapes, **ec2.region.shapes(t for t, _ in running)})
        if all_shapes is None:
            return
        own = Counter((instance.instance_type, False) for instance in found.usable)
        others = {kind: count - own[kind] for kind, count in running.items()}
        used = sentences.running_vcpus(others, all_shapes)
        for its, wanted in sentences.wanted_vcpus(self.spec, shapes).items():
            limit = yield from self._one("quota", said, partial(quotas.vcpus, self.access, its.code))
            if limit is not None:
                yield sentences.vcpus(its, limit=limit, running=used.get(its, 0), wanted=wanted)

    def _here(self) -> Iterator[Check]:
        """The pool of this machine, which the execution points are to join."""
        said = "this machine's HTCondor pool lets execution points on EC2 in"

        def joinable() -> Host:
            return joinable_host(self.spec, site(self.spec, say=lambda _: None, start=False))

        host = yield from self._one("here", said, joinable)
        if host:
            yield Check(about="here", is_true=True, sentence=f"{said}: {host.name}, {host.trust_domain}")

    def _address(self) -> Iterator[Check]:
        said = "this machine's public address is known"
        address = yield from self._one("address", said, own_address_on_the_internet)
        if address:
            yield Check(about="address", is_true=True, sentence=f"{said}: {address}")

    def _way_out(self, found: Found) -> Iterator[Check]:
        points = found.with_role(Role.ACCESS_POINT)
        host = points[0].public_ip or points[0].private_ip if points else _OPENS_SSH
        said = f"ssh gets out of this network (port {SSH_PORT} of {host})"
        if self.stopped_by:
            yield sentences.not_asked("ssh", said, self.stopped_by)
            return
        try:
            reach.reached(host, SSH_PORT)
        except RoostError as error:
            # without a pool the host is a stranger's, who may have closed the door
            yield replace(sentences.denied("ssh", said, error), is_required=bool(points))
        else:
            yield Check(about="ssh", is_true=True, sentence=said)

    def _pool(self, ec2: Ec2) -> Found:
        return ec2.describe(self.spec.name)


def _tools(spec: PoolSpec) -> Check:
    needed = machine.EC2_ON_THIS_MACHINE if spec.cloud == "local" else machine.OPENSSH
    missing = machine.missing_packages(needed)
    return sentences.tools(needed, missing, f"apt-get install {' '.join(missing)}   (`roost up` does it, as root)")


def _this_machine() -> Iterator[Check]:
    """What EC2 on this machine says of it."""
    try:
        for one in local_checks():
            yield Check(
                about="this machine",
                is_true=one["ok"],
                sentence=one["sentence"],
                remedy=one["remedy"],
                is_required=one["required"],
            )
    except RoostError as error:
        yield sentences.denied("this machine", "EC2 on this machine says what it needs", error)


def _image(ec2: Ec2, spec: PoolSpec) -> RoostImage | None:
    images = Images(ec2)
    if spec.image.id:
        found = images.get(spec.image.id)
        return found if found and found.state == "available" else None
    return images.usable(recipe(spec, contents(spec.image)).digest)


def _bake(spec: PoolSpec) -> str:
    return "correct `image: {id: ...}`" if spec.image.id else "roost image bake pool.yml"


def _key(spec: PoolSpec, found: Found) -> Check:
    said = "the pool's ssh key is on this machine"
    if has_pool_key(spec.cloud, spec.name):
        return Check(about="key", is_true=True, sentence=said)
    if not found.usable:
        return Check(about="key", is_true=True, sentence=f"{said}, or will be: `roost up` makes it")
    try:
        pool_key(spec.cloud, spec.name)
    except NotFoundError as error:
        return sentences.denied("key", said, error)
    return Check(about="key", is_true=True, sentence=said)
