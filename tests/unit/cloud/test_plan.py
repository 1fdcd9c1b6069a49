"""The planner against an EC2 in memory that does at once what a plan says."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.boot.roles import Role
from roost.cloud.model import (
    CONDOR_PORT,
    EXPIRES_TAG,
    LAUNCH_TAG,
    OWNER_TAG,
    POOL_TAG,
    ROLE_TAG,
    SSH_PORT,
    SUBMIT_HOST_TAG,
    Action,
    Authorize,
    CreateGroup,
    DeleteGroup,
    DeleteKey,
    DeleteVolume,
    Found,
    Group,
    ImportKey,
    Ingress,
    InstanceState,
    Launch,
    PoolInstance,
    Revoke,
    Terminate,
)
from roost.cloud.plan import (
    Asker,
    client_token,
    launch_name,
    needed_doors,
    plan_doors,
    plan_down,
    plan_refresh,
    plan_up,
    resource_name,
)
from roost.spec import Network, PoolSpec, Workers

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
ASKER = Asker(address="192.0.2.7", owner="ada")
SPEC = PoolSpec(name="demo", workers=Workers(count=3, type=("c7i.large", "m7i.large")), lease=3600)
FROM_ADA = Ingress(port=SSH_PORT, cidr="192.0.2.7/32")
FROM_MEMBERS = Ingress(port=CONDOR_PORT, cidr=None)
WORLD = Ingress(port=SSH_PORT, cidr="0.0.0.0/0")
FROM_ACCESS_POINT = Ingress(port=CONDOR_PORT, cidr="198.18.0.9/32")


def up(found: Found, *, spec: PoolSpec = SPEC, asker: Asker = ASKER) -> list[Action]:
    return plan_up(spec, found, asker=asker, now=NOW)


def instance(
    number: int, role: Role, state: InstanceState = InstanceState.RUNNING, *, launch: str = ""
) -> PoolInstance:
    return PoolInstance(
        id=f"i-{number:017x}",
        role=role,
        state=state,
        instance_type="c7i.large",
        zone="us-east-1a",
        private_ip="172.31.0.9",
        public_ip="198.18.0.9",
        image_id="ami-00000000",
        launched_at=NOW,
        launch=launch,
    )


def applied(found: Found, actions: Iterable[Action]) -> Found:
    return reduce(_applied, actions, found)


def _applied(found: Found, action: Action) -> Found:
    match action:
        case ImportKey():
            assert action.name not in found.keys, "EC2 refuses a key pair twice"
            return replace(found, keys=(*found.keys, action.name))
        case CreateGroup():
            assert action.name not in {g.name for g in found.groups}, "EC2 refuses a group twice"
            new = Group(id=f"sg-{len(found.groups):017x}", name=action.name, ingress=frozenset())
            return replace(found, groups=(*found.groups, new))
        case Authorize():
            assert action.ingress not in _group(found, action.group_name).ingress, "EC2 refuses a rule twice"
            return _with_rules(found, action.group_name, add=action.ingress)
        case Revoke():
            assert action.ingress in _group(found, action.group_name).ingress, "EC2 knows no such rule"
            return _with_rules(found, action.group_name, remove=action.ingress)
        case Launch():
            assert action.key_name in found.keys
            assert _group(found, action.group_name)
            role, launch = Role(action.tags[ROLE_TAG]), action.tags[LAUNCH_TAG]
            first = 0x1000 + len(found.instances)
            new_ones = (instance(first + n, role, launch=launch) for n in range(action.count))
            return replace(found, instances=(*found.instances, *new_ones))
        case Terminate():
            return replace(found, instances=tuple(_ended(i, action.instance_ids) for i in found.instances))
        case DeleteVolume():
            return replace(found, volumes=tuple(v for v in found.volumes if v != action.volume_id))
        case DeleteGroup():
            users = [i for i in found.instances if i.state is not InstanceState.TERMINATED]
            assert not users, "EC2 refuses to delete a group that is in use"
            return replace(found, groups=tuple(g for g in found.groups if g.id != action.group_id))
        case DeleteKey():
            return replace(found, keys=tuple(k for k in found.keys if k != action.name))
        case _:
            assert_never(action)


def _ended(one: PoolInstance, doomed: tuple[str, ...]) -> PoolInstance:
    return replace(one, state=InstanceState.TERMINATED) if one.id in doomed else one


def _group(found: Found, name: str) -> Group:
    return next(g for g in found.groups if g.name == name)


def _with_rules(found: Found, name: str, *, add: Ingress | None = None, remove: Ingress | None = None) -> Found:
    old = _group(found, name)
    new = replace(old, ingress=(old.ingress | {add} if add else old.ingress) - {remove})
    return replace(found, groups=tuple(new if g is old else g for g in found.groups))


addresses = st.ip_addresses(v=4).map(str)
askers = st.builds(Asker, address=addresses, owner=st.just("ada"))
rules = st.builds(
    Ingress,
    port=st.sampled_from([SSH_PORT, CONDOR_PORT, 80, 40000]),
    to_port=st.none() | st.just(40050),
    cidr=st.none() | st.just("0.0.0.0/0") | addresses.map(lambda a: f"{a}/32"),
)
networks = st.builds(
    Network,
    mode=st.sampled_from(["auto", "outbound", "direct"]),
    ports=st.none() | st.just("40000-40050"),
)
specs = st.builds(
    PoolSpec,
    network=networks,
    name=st.sampled_from(["demo", "a", "long-name-1"]),
    workers=st.builds(Workers, count=st.integers(1, 20)),
)


@st.composite
def pools(draw: st.DrawFn) -> tuple[PoolSpec, Found]:
    """A spec, and whatever may be there under its tag: half made, half gone, meddled with by hand."""
    spec = draw(specs)
    name = resource_name(spec.name)
    kinds = draw(st.lists(st.tuples(st.sampled_from(Role), st.sampled_from(InstanceState)), max_size=8))
    groups = draw(
        st.lists(st.builds(Group, id=st.just("sg-1"), name=st.just(name), ingress=st.frozensets(rules)), max_size=1)
    )
    return spec, Found(
        instances=tuple(instance(n, role, state) for n, (role, state) in enumerate(kinds)),
        groups=tuple(groups),
        keys=draw(st.sampled_from([(), (name,)])),
        volumes=draw(st.sampled_from([(), ("vol-1",), ("vol-1", "vol-2")])),
    )


def risen_pool(found: Found, spec: PoolSpec, asker: Asker) -> Found:
    """As `up` does it: once the access point has an address, the doors are planned again."""
    up_to_there = applied(found, up(found, spec=spec, asker=asker))
    return applied(up_to_there, plan_doors(spec, up_to_there, asker=asker))


@given(pool=pools(), asker=askers)
def test_a_plan_is_complete(pool: tuple[PoolSpec, Found], asker: Asker) -> None:
    spec, found = pool
    risen = risen_pool(found, spec, asker)
    assert up(risen, spec=spec, asker=asker) == []
    assert len(risen.with_role(Role.ACCESS_POINT)) >= 1
    assert len(risen.with_role(Role.EXECUTION_POINT)) >= spec.workers.count
    ingress = _group(risen, resource_name(spec.name)).ingress
    assert ingress >= {Ingress(port=SSH_PORT, cidr=f"{asker.address}/32"), FROM_MEMBERS}
    rest = ingress - {Ingress(port=SSH_PORT, cidr=f"{asker.address}/32"), FROM_MEMBERS}
    assert {i.cidr for i in rest} <= {FROM_ACCESS_POINT.cidr, None}
    if spec.network.mode == "direct":
        assert {(i.port, i.to_port) for i in rest} == {spec.network.port_range or (CONDOR_PORT, None)}
    if spec.network.mode == "outbound":
        assert not rest


@given(pool=pools(), asker=askers, data=st.data())
def test_a_plan_cut_off_anywhere_is_completed_by_the_next(
    pool: tuple[PoolSpec, Found], asker: Asker, data: st.DataObject
) -> None:
    spec, found = pool
    actions = up(found, spec=spec, asker=asker)
    cut = applied(found, actions[: data.draw(st.integers(0, len(actions)))])
    rest = risen_pool(cut, spec, asker)
    assert up(rest, spec=spec, asker=asker) == []
    whole = applied(found, actions)
    for role in Role:
        assert len(rest.with_role(role)) == len(whole.with_role(role))


@given(pool=pools(), asker=askers, data=st.data())
def test_a_plan_cut_off_anywhere_is_removed_by_down(
    pool: tuple[PoolSpec, Found], asker: Asker, data: st.DataObject
) -> None:
    spec, found = pool
    actions = up(found, spec=spec, asker=asker)
    cut = applied(found, actions[: data.draw(st.integers(0, len(actions)))])
    left = applied(cut, plan_down(cut))
    assert left.is_empty
    assert left.billable == ()
    assert plan_down(left) == []


@given(pool=pools(), data=st.data())
def test_a_down_cut_off_anywhere_is_completed_by_the_next(pool: tuple[PoolSpec, Found], data: st.DataObject) -> None:
    actions = plan_down(pool[1])
    cut = applied(pool[1], actions[: data.draw(st.integers(0, len(actions)))])
    assert applied(cut, plan_down(cut)).is_empty


@given(pool=pools(), asker=askers)
def test_only_the_asker_and_members_are_let_in(pool: tuple[PoolSpec, Found], asker: Asker) -> None:
    allowed = {Ingress(port=SSH_PORT, cidr=f"{asker.address}/32"), FROM_MEMBERS}
    opened = {a.ingress for a in up(pool[1], spec=pool[0], asker=asker) if isinstance(a, Authorize)}
    assert {i.cidr for i in opened - allowed} <= {FROM_ACCESS_POINT.cidr, None}
    if pool[0].network.mode == "outbound":
        assert opened <= allowed


@given(pool=pools())
def test_everything_that_is_created_is_tagged(pool: tuple[PoolSpec, Found]) -> None:
    spec, found = pool
    for action in up(found, spec=spec):
        match action:
            case ImportKey() | CreateGroup():
                assert set(action.tags) == {POOL_TAG, OWNER_TAG, EXPIRES_TAG}
                assert action.tags[POOL_TAG] == spec.name
            case Launch():
                assert set(action.tags) == {POOL_TAG, OWNER_TAG, EXPIRES_TAG, ROLE_TAG, LAUNCH_TAG, "Name"}
                assert action.tags[POOL_TAG] == spec.name
                assert action.tags[ROLE_TAG] == action.role.value
                assert action.tags[LAUNCH_TAG] == launch_name(action.role, found)
            case _:
                pass


@pytest.mark.parametrize(
    ("kind", "ports"),
    [
        ("none", []),
        ("gluster", [(24007, 24008), (49152, 60999)]),
        ("nfs", [(2049, None)]),
        ("efs", [(2049, None)]),
    ],
)
def test_what_members_reach_of_each_other_for_what_they_share(kind: str, ports: list[tuple[int, int | None]]) -> None:
    spec = PoolSpec.model_validate({"name": "demo", "shared": kind})
    rules = [action.ingress for action in up(Found(), spec=spec) if isinstance(action, Authorize)]
    assert rules == [FROM_ADA, FROM_MEMBERS, *(Ingress(port=a, to_port=b, cidr=None) for a, b in ports)]


def test_an_empty_account_gets_a_pool_in_this_order() -> None:
    assert [str(action) for action in up(Found())] == [
        "import the key pair roost-demo",
        "create the security group roost-demo",
        "let port 22 in from 192.0.2.7/32 of roost-demo",
        "let port 9618 in from the members of roost-demo",
        "launch 1 access point of type t3.medium",
        "launch 3 execution points of type c7i.large or m7i.large",
    ]


def test_a_pool_that_bursts_has_no_access_point_and_names_its_host() -> None:
    spec = SPEC.model_copy(update={"access_point": "here"})
    actions = plan_up(spec, Found(), asker=Asker(address="192.0.2.7", owner="ada", host="submit.example.org"), now=NOW)
    assert [a.role for a in actions if isinstance(a, Launch)] == [Role.EXECUTION_POINT]
    assert {a.tags[SUBMIT_HOST_TAG] for a in actions if isinstance(a, Launch)} == {"submit.example.org"}
    assert {a.ingress for a in actions if isinstance(a, Authorize)} == {FROM_ADA}


def test_the_expiry_on_the_tags_is_the_lease_from_now() -> None:
    tags = [a.tags for a in up(Found()) if isinstance(a, ImportKey | CreateGroup | Launch)]
    assert {datetime.fromisoformat(one[EXPIRES_TAG]) for one in tags} == {NOW + timedelta(seconds=SPEC.lease)}
    assert {one[OWNER_TAG] for one in tags} == {"ada"}


READY = applied(Found(), up(Found()))
YESTERDAY = Ingress(port=SSH_PORT, cidr="203.0.113.9/32")


@pytest.mark.parametrize(
    ("present", "revoked", "authorized"),
    [
        ({FROM_ADA, FROM_MEMBERS}, set(), set()),
        ({YESTERDAY, FROM_MEMBERS}, {YESTERDAY}, {FROM_ADA}),
        ({FROM_ADA, FROM_MEMBERS, WORLD}, {WORLD}, set()),
        ({FROM_ADA, YESTERDAY}, {YESTERDAY}, {FROM_MEMBERS}),
        (set(), set(), {FROM_ADA, FROM_MEMBERS}),
    ],
)
def test_the_door_is_open_to_todays_address_alone(
    present: set[Ingress], revoked: set[Ingress], authorized: set[Ingress]
) -> None:
    found = replace(READY, groups=(Group(id="sg-1", name="roost-demo", ingress=frozenset(present)),))
    actions = up(found)
    assert {a.ingress for a in actions if isinstance(a, Revoke)} == revoked
    assert {a.ingress for a in actions if isinstance(a, Authorize)} == authorized
    assert len(actions) == len(revoked) + len(authorized)


OLD_ACCESS_POINT = Ingress(port=CONDOR_PORT, cidr="198.18.0.8/32")
RANGE_FROM_ACCESS_POINT = Ingress(port=40000, to_port=40050, cidr="198.18.0.9/32")
RANGE_FROM_MEMBERS = Ingress(port=40000, to_port=40050, cidr=None)
RANGE_FROM_ADA = Ingress(port=40000, to_port=40050, cidr="192.0.2.7/32")
CONDOR_FROM_ADA = Ingress(port=CONDOR_PORT, cidr="192.0.2.7/32")
CONDOR_FROM_YESTERDAY = Ingress(port=CONDOR_PORT, cidr="203.0.113.9/32")
CONDOR_FROM_ALL = Ingress(port=CONDOR_PORT, cidr="0.0.0.0/0")


@pytest.mark.parametrize(
    ("network", "has_picked_direct", "present", "after"),
    [
        (Network(mode="outbound"), False, set(), set()),
        (Network(mode="outbound", ports="40000-40050"), False, {RANGE_FROM_ACCESS_POINT}, set()),
        (Network(mode="outbound"), False, {FROM_ACCESS_POINT}, set()),
        (Network(mode="direct"), False, set(), {FROM_ACCESS_POINT}),
        (Network(mode="direct"), False, {OLD_ACCESS_POINT}, {FROM_ACCESS_POINT}),
        (
            Network(mode="direct", ports="40000-40050"),
            False,
            {FROM_ACCESS_POINT},
            {RANGE_FROM_ACCESS_POINT, RANGE_FROM_MEMBERS},
        ),
        (Network(), False, set(), set()),
        (Network(), True, set(), {FROM_ACCESS_POINT}),
        (Network(ports="40000-40050"), True, set(), {RANGE_FROM_ACCESS_POINT, RANGE_FROM_MEMBERS}),
        # what `auto` has picked before stays, at today's address; what nobody of ours has opened goes
        (Network(), False, {OLD_ACCESS_POINT}, {FROM_ACCESS_POINT}),
        (Network(), False, {CONDOR_FROM_ALL}, set()),
    ],
)
def test_direct_mode_opens_its_ports_to_the_access_point_alone(
    network: Network, has_picked_direct: bool, present: set[Ingress], after: set[Ingress]
) -> None:
    group = Group(id="sg-1", name="roost-demo", ingress=frozenset({FROM_ADA, FROM_MEMBERS, *present}))
    found = replace(READY, groups=(group,))
    spec = SPEC.model_copy(update={"network": network})
    actions = plan_doors(spec, found, asker=ASKER, has_picked_direct=has_picked_direct)
    then = applied(found, actions)
    assert _group(then, "roost-demo").ingress == {FROM_ADA, FROM_MEMBERS, *after}
    assert plan_doors(spec, then, asker=ASKER) == []


@pytest.mark.parametrize(
    ("network", "has_picked_direct", "present", "after"),
    [
        (Network(), False, {FROM_MEMBERS}, set()),
        (Network(), True, set(), {CONDOR_FROM_ADA}),
        (Network(), False, {CONDOR_FROM_YESTERDAY}, {CONDOR_FROM_ADA}),
        (Network(mode="direct"), False, set(), {CONDOR_FROM_ADA}),
        (Network(mode="direct", ports="40000-40050"), False, set(), {RANGE_FROM_ADA}),
        (Network(mode="outbound"), False, {CONDOR_FROM_ADA}, set()),
    ],
)
def test_direct_mode_opens_its_ports_to_the_submit_host_alone(
    network: Network, has_picked_direct: bool, present: set[Ingress], after: set[Ingress]
) -> None:
    """Where the access point is the machine that asks."""
    group = Group(id="sg-1", name="roost-demo", ingress=frozenset({FROM_ADA, *present}))
    found = replace(READY, instances=READY.with_role(Role.EXECUTION_POINT), groups=(group,))
    spec = SPEC.model_copy(update={"network": network, "access_point": "here"})
    then = applied(found, plan_doors(spec, found, asker=ASKER, has_picked_direct=has_picked_direct))
    assert _group(then, "roost-demo").ingress == {FROM_ADA, *after}
    assert plan_doors(spec, then, asker=ASKER) == []


@pytest.mark.parametrize(
    ("network", "is_up", "present", "needed"),
    [
        (Network(), True, {FROM_ACCESS_POINT, RANGE_FROM_ACCESS_POINT}, []),
        (Network(mode="direct"), True, {OLD_ACCESS_POINT}, []),
        (Network(mode="direct"), True, {RANGE_FROM_ACCESS_POINT}, [RANGE_FROM_ACCESS_POINT]),
        (Network(mode="direct", ports="40000-40050"), True, {FROM_ACCESS_POINT}, [FROM_ACCESS_POINT]),
        (Network(mode="outbound"), True, {FROM_ACCESS_POINT, FROM_ADA, FROM_MEMBERS}, [FROM_ACCESS_POINT]),
        (Network(mode="outbound"), True, {CONDOR_FROM_ALL, FROM_ADA, FROM_MEMBERS}, []),
        (Network(mode="outbound"), False, {FROM_ACCESS_POINT}, []),
    ],
)
def test_which_doors_of_a_pool_that_is_up_would_be_missed(
    network: Network, is_up: bool, present: set[Ingress], needed: list[Ingress]
) -> None:
    group = Group(id="sg-1", name="roost-demo", ingress=frozenset(present))
    instances = READY.instances if is_up else READY.with_role(Role.ACCESS_POINT)
    found = replace(READY, instances=instances, groups=(group,))
    assert needed_doors(SPEC.model_copy(update={"network": network}), found) == needed


@pytest.mark.parametrize(
    ("has_access_point", "present", "after"),
    [
        (True, {FROM_ADA, FROM_MEMBERS}, {FROM_ADA, FROM_MEMBERS}),
        (True, {YESTERDAY, FROM_MEMBERS}, {FROM_ADA, FROM_MEMBERS}),
        (True, {YESTERDAY, WORLD}, {FROM_ADA}),
        (True, {FROM_ADA, FROM_ACCESS_POINT}, {FROM_ADA, FROM_ACCESS_POINT}),
        (True, {FROM_ADA, OLD_ACCESS_POINT}, {FROM_ADA, FROM_ACCESS_POINT}),
        (False, {YESTERDAY, CONDOR_FROM_YESTERDAY}, {FROM_ADA, CONDOR_FROM_ADA}),
        (False, {FROM_ADA, Ingress(port=40000, to_port=40050, cidr="203.0.113.9/32")}, {FROM_ADA, RANGE_FROM_ADA}),
    ],
)
def test_a_refresh_puts_todays_addresses_in_place_of_the_old_ones(
    has_access_point: bool, present: set[Ingress], after: set[Ingress]
) -> None:
    instances = READY.instances if has_access_point else READY.with_role(Role.EXECUTION_POINT)
    group = Group(id="sg-1", name="roost-demo", ingress=frozenset(present))
    found = replace(READY, instances=instances, groups=(group,))
    then = applied(found, plan_refresh(found, asker=ASKER))
    assert _group(then, "roost-demo").ingress == after
    assert plan_refresh(then, asker=ASKER) == []


@pytest.mark.parametrize(
    ("state", "terminated", "replaced"),
    [
        (InstanceState.PENDING, False, False),
        (InstanceState.RUNNING, False, False),
        (InstanceState.STOPPING, True, True),
        (InstanceState.STOPPED, True, True),
        (InstanceState.SHUTTING_DOWN, False, True),
        (InstanceState.TERMINATED, False, True),
    ],
)
def test_an_instance_that_cannot_work_is_replaced(state: InstanceState, terminated: bool, replaced: bool) -> None:
    lost = replace(READY.with_role(Role.EXECUTION_POINT)[0], state=state)
    found = replace(READY, instances=tuple(lost if i.id == lost.id else i for i in READY.instances))
    actions = up(found)
    assert [a.instance_ids for a in actions if isinstance(a, Terminate)] == ([(lost.id,)] if terminated else [])
    assert [a.count for a in actions if isinstance(a, Launch)] == ([1] if replaced else [])


@pytest.mark.parametrize("count", [1, 2, 100])
def test_all_execution_points_are_one_launch(count: int) -> None:
    spec = SPEC.model_copy(update={"workers": Workers(count=count)})
    launches = [a for a in up(Found(), spec=spec) if isinstance(a, Launch)]
    assert [(a.role, a.count) for a in launches] == [(Role.ACCESS_POINT, 1), (Role.EXECUTION_POINT, count)]


@pytest.mark.parametrize(
    ("keys", "has_key", "expected"),
    [
        ((), True, [ImportKey]),
        ((), False, [ImportKey]),
        (("roost-demo",), True, []),
        (("roost-demo",), False, [DeleteKey, ImportKey]),
    ],
)
def test_a_key_pair_that_nobody_has_is_made_anew(keys: tuple[str, ...], has_key: bool, expected: list[type]) -> None:
    found = replace(READY, keys=keys)
    actions = plan_up(SPEC, found, asker=ASKER, now=NOW, has_key=has_key)
    assert [type(action) for action in actions] == expected
    assert applied(found, actions).keys == ("roost-demo",)


def test_more_workers_in_the_spec_are_one_more_launch() -> None:
    more = SPEC.model_copy(update={"workers": Workers(count=8)})
    (launch,) = up(READY, spec=more)
    assert isinstance(launch, Launch)
    assert launch.count == 5


def test_down_ends_what_costs_most_first() -> None:
    found = replace(READY, volumes=("vol-1",))
    ids = tuple(i.id for i in found.instances)
    assert plan_down(found) == [
        Terminate(instance_ids=ids),
        DeleteVolume(volume_id="vol-1"),
        DeleteGroup(group_id=READY.groups[0].id),
        DeleteKey(name="roost-demo"),
    ]


numbers = st.frozensets(st.integers(0, 50), max_size=6)


@given(one=numbers, other=numbers, role=st.sampled_from(Role))
def test_a_launch_is_named_by_the_instances_before_it(one: frozenset[int], other: frozenset[int], role: Role) -> None:
    names = [
        launch_name(role, Found(instances=tuple(instance(n, role, InstanceState.TERMINATED) for n in ordered)))
        for ordered in (sorted(one), sorted(other, reverse=True))
    ]
    assert (names[0] == names[1]) == (one == other)


def test_roles_do_not_share_the_name_of_a_launch() -> None:
    assert len({launch_name(role, Found()) for role in Role}) == len(Role)
    known = Found(instances=(instance(1, Role.ACCESS_POINT),))
    assert launch_name(Role.EXECUTION_POINT, known) == launch_name(Role.EXECUTION_POINT, Found())


def a_launch(name: str, *, count: int = 1) -> Launch:
    return Launch(
        role=Role.EXECUTION_POINT,
        count=count,
        types=("c7i.large",),
        key_name="roost-demo",
        group_name="roost-demo",
        tags={LAUNCH_TAG: name},
    )


def test_a_client_token_is_one_for_each_group_launch_and_type() -> None:
    rows = [
        (group_id, name, instance_type)
        for group_id in ("sg-1", "sg-2")
        for name in ("execution-point-1", "execution-point-2")
        for instance_type in ("c7i.large", "c7i.xlarge")
    ]
    tokens = [client_token(a_launch(name), group_id=group, instance_type=of) for group, name, of in rows]
    assert len(set(tokens)) == len(rows)
    assert tokens == [client_token(a_launch(name), group_id=group, instance_type=of) for group, name, of in rows]
    for token in tokens:
        assert len(token) == 32
        assert token.isascii()
        assert token.isalnum()
