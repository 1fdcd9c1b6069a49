"""Rows of pool.yml -> what it asks for, or what is said about it."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import UsageError
from roost.spec import Network, PoolSpec, named, parse

POOL = Path("pool.yml")
KEYS = sorted([*PoolSpec.model_fields, "count", "type", "packages", "id", "wokers", "7", "~"])

WRONG = [
    ("wokers:\n  count: 2", "pool.yml:1: unknown key 'wokers'; did you mean 'workers'?"),
    ("name: a\nworkers:\n  cuont: 2", "pool.yml:3: unknown key 'cuont'; did you mean 'count'?"),
    ("image: {ids: x}", "pool.yml:1: unknown key 'ids'; did you mean 'id'?"),
    ("name: a\n7: x", "pool.yml:2: unknown key '7'; valid: name, cloud, "),
    ("cloud: aw", "pool.yml:1: 'cloud' cannot be 'aw'; did you mean 'aws'?"),
    ("name: 7up", "pool.yml:1: 'name' cannot be '7up': a pool's name is 1 to 31 lower-case letters"),
    ("region: narnia", "pool.yml:1: 'region' cannot be 'narnia': a region is written like us-east-1"),
    ("subnet: vpc-1", "pool.yml:1: 'subnet' cannot be 'vpc-1': a subnet's id is written like subnet-"),
    ("image: {id: ubuntu}", "pool.yml:1: 'id' cannot be 'ubuntu': an image's id is written like ami-"),
    ("image:\n  packages: [bwa, Sam]", "pool.yml:2: 'packages[1]' cannot be 'Sam': a Debian package is written like "),
    ("image: {file: {a: /b}}", "pool.yml:1: unknown key 'file'; did you mean 'files'?"),
    ("image:\n  files:\n    a: opt/b", "pool.yml:3: 'a' cannot be 'opt/b': a file's place on the image is written "),
    ("image:\n  files:\n    a: /opt/", "pool.yml:3: 'a' cannot be '/opt/': a file's place on the image is written "),
    ("image: {files: a}", "pool.yml:1: 'files' cannot be 'a': it has lines of its own below it, indented: `path here"),
    ("image: {base: debian}", "pool.yml:1: 'base' cannot be 'debian': an image's id is written like ami-"),
    ("workers: {count: true}", "pool.yml:1: 'count' cannot be 'True': it has to be a whole number"),
    ("workers: {type: []}", "pool.yml:1: 'type' cannot be empty"),
    ("workers:\n  count: many", "pool.yml:2: 'count' cannot be 'many': it has to be a whole number"),
    ("workers:\n  count: 0", "pool.yml:2: 'count' cannot be 0: it has to be at least 1"),
    ("workers:\n  count: 1001", "pool.yml:2: 'count' cannot be 1001: it has to be at most 1000"),
    ("workers: 3", "pool.yml:1: 'workers' cannot be 3: it has lines of its own below it, indented: count, type"),
    ("lease: soon", "pool.yml:1: 'lease' cannot be 'soon': write a duration as 90s, 15m, 3h or 2d"),
    ("idle: 10s", "pool.yml:1: 'idle' cannot be '10s': it has to be between 1m and 14d"),
    ("lease: 15d", "pool.yml:1: 'lease' cannot be '15d': it has to be between 1m and 14d"),
    ("condor_config: 3", "pool.yml:1: 'condor_config' cannot be 3: it has to be text"),
    ("network: {mode: dirct}", "pool.yml:1: 'mode' cannot be 'dirct'; did you mean 'direct'?"),
    ("network:\n  ports: 40000", "pool.yml:2: 'ports' cannot be 40000: it has to be text"),
    ("network: {ports: 40050-40000}", "pool.yml:1: 'ports' cannot be '40050-40000': a range of ports is written like "),
    ("network: {ports: 1000-2000}", "pool.yml:1: 'ports' cannot be '1000-2000': a range of ports is written like "),
    ("network: {port: 1}", "pool.yml:1: unknown key 'port'; did you mean 'ports'?"),
    ("shared: glustre", "pool.yml:1: 'kind' cannot be 'glustre'; did you mean 'gluster'?"),
    (
        "shared:\n  kind: gluster\n  at: /usr",
        "pool.yml:3: 'at' cannot be '/usr': a shared file system is a directory of",
    ),
    ("shared: {kind: gluster, layout: stripe}", "pool.yml:1: 'layout' cannot be 'stripe'"),
    (
        "shared:\n  kind: nfs\n  copies: 2",
        "pool.yml:3: 'copies' is a matter of `kind: gluster`, and this is `kind: nfs`",
    ),
    ("shared:\n  kind: gluster\n  copies: 2", "pool.yml:3: 'copies' is a matter of `layout: replica`"),
    (
        "workers:\n  count: 3\nshared: {kind: gluster, layout: replica}",
        "pool.yml:2: 'count' cannot be 3: 2 copies of each file need a multiple of 2 execution points",
    ),
    ("access_point: here\nshared: nfs", "pool.yml:2: 'shared' of kind nfs needs an access point that is an instance"),
    (
        "access_point: here\nshared:\n  {kind: s3, bucket: abc, profile: p}",
        "pool.yml:3: 'profile' is that of an access point that is an instance",
    ),
    ("name: a\nshared: s3", "pool.yml:2: 'shared' of kind s3 needs the name of a bucket"),
    ("shared: {kind: s3, bucket: A_b}", "pool.yml:1: 'bucket' cannot be 'A_b': a bucket's name is 3 to 63"),
    ("- a", "pool.yml:1: a pool is a list of `key: value` lines"),
    ("access_point: there", "pool.yml:1: 'access_point' cannot be 'there'; did you mean 'here'?"),
    ("submit_host: 'a b'", "pool.yml:1: 'submit_host' cannot be 'a b': a host is written as an address, 192.0.2.7, or"),
    ("owners: [alice, 'b\"']", "pool.yml:1: 'owners[1]' cannot be 'b\"': a user is written like alice"),
    ("name: }", "pool.yml:1: this is not YAML: "),
    ("name: a\nname: b", "pool.yml:2: 'name' is there twice; it is also on line 1"),
]


@pytest.mark.parametrize(("text", "said"), WRONG, ids=[text for text, _ in WRONG])
def test_a_mistake(text: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse(text, POOL)
    assert refused.value.message.startswith(said)
    assert refused.value.hint == "edit pool.yml"


def test_mistakes_are_told_all_at_once_by_line() -> None:
    text = "nmae: a\nregion: x\nlease: 1\nworkers:\n  count: -1\n"
    with pytest.raises(UsageError) as refused:
        parse(text, POOL)
    lines = refused.value.message.split("\n")
    assert [line.split(" ")[0] for line in lines] == ["pool.yml:1:", "pool.yml:2:", "pool.yml:3:", "pool.yml:5:"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", PoolSpec()),
        ("# nothing but words\n", PoolSpec()),
        ("name: galaxy", PoolSpec(name="galaxy")),
        ("lease: 90m\nidle: 120", PoolSpec(lease=5400, idle=120)),
        ("lease: 1.5h", PoolSpec(lease=5400)),
        ("image: {packages: [bwa, g++]}", PoolSpec.model_validate({"image": {"packages": ("bwa", "g++")}})),
        ("network: {mode: direct, ports: 40000-40050}", PoolSpec(network=Network(mode="direct", ports="40000-40050"))),
        ("access_point: here\nowners: any", PoolSpec(access_point="here", owners=("any",))),
        ("shared: gluster", PoolSpec.model_validate({"shared": {"kind": "gluster"}})),
        (
            "shared: {kind: gluster, layout: replica, at: /work}",
            PoolSpec.model_validate({"shared": {"kind": "gluster", "layout": "replica", "at": "/work"}}),
        ),
        ("workers: {type: m7i.large}", PoolSpec.model_validate({"workers": {"type": ("m7i.large",)}})),
    ],
)
def test_a_spec(text: str, expected: PoolSpec) -> None:
    assert parse(text, POOL) == expected


@given(
    st.recursive(
        st.sampled_from(["a", "3", "-1", "1.5", "true", "null", "~", "2026-11-20", "'7'", "10s", "[]", "{}"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
            st.dictionaries(st.sampled_from(KEYS), inner, max_size=4).map(
                lambda table: "{" + ", ".join(f"{key}: {value}" for key, value in table.items()) + "}"
            ),
        ),
        max_leaves=8,
    )
)
def test_any_file_is_a_spec_or_a_mistake_with_its_place(text: str) -> None:
    """Never another exception."""
    said = ""
    try:
        parse(text, POOL)
    except UsageError as refused:
        said = refused.message
    assert all(line.startswith("pool.yml:1: ") for line in said.splitlines())


@pytest.mark.parametrize("word", ["", "7up", "My_Pool", "a b", "x" * 32, "null\n"])
def test_a_word_that_names_no_pool(word: str) -> None:
    with pytest.raises(UsageError, match="names no pool: a pool's name is 1 to 31"):
        named(word)


def test_a_word_that_names_a_pool_is_not_yaml() -> None:
    assert named("null").name == "null"


def test_files_are_beside_the_file_that_names_them_and_know_their_line() -> None:
    text = "image:\n  files:\n    ref/genes.fa: /opt/genes.fa\n    /abs: /opt/abs\n  script: setup.sh\n"
    image = parse(text, Path("pools/pool.yml")).model_copy(update={"name": "other"}).image
    assert [(str(m.path), m.target, m.at) for m in image.mentioned_files] == [
        ("/abs", "/opt/abs", "pools/pool.yml:4"),
        ("pools/ref/genes.fa", "/opt/genes.fa", "pools/pool.yml:3"),
    ]
    script = image.mentioned_script
    assert script is not None
    assert (str(script.path), script.at) == ("pools/setup.sh", "pools/pool.yml:5")
