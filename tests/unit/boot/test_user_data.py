"""One launch's user data: what is in it, that it fits, and that an instance can run what it carries."""

import ast
import gzip
import json
import random
import string
import sys
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import roost.boot
from roost.boot.builder import CLEANING
from roost.boot.image_programs import ONLY_ON_IMAGES
from roost.boot.roles import Role
from roost.boot.settings import Instructions, Sharing, instructions_from_json, instructions_json
from roost.boot.user_data import (
    LIMIT_BYTES,
    SHIPPED,
    SHIPPED_TO_SHARE,
    BootSettings,
    Joining,
    Shape,
    shipped,
    user_data,
)
from roost.errors import UsageError

BOOT = Path(roost.boot.__file__).parent
TYPES = {"c7i.large": Shape(cpus=2, memory_mib=4096), "c6i.large": Shape(cpus=2, memory_mib=4096)}
JOINING = Joining(central_manager="172.31.0.9", token="e" * 320)


def rendered(condor_config: str = "", role: Role = Role.EXECUTION_POINT) -> bytes:
    return user_data(
        pool="galaxy",
        role=role,
        types=TYPES,
        settings=BootSettings(lease_s=3600, idle_s=900, workers=4, condor_config=condor_config),
        joining=JOINING if role is Role.EXECUTION_POINT else None,
    )


def command(compressed: bytes) -> list[str]:
    document: dict[str, Any] = yaml.safe_load(gzip.decompress(compressed))
    [argv] = document["bootcmd"]
    return [str(word) for word in argv]


@pytest.mark.parametrize("role", [Role.ACCESS_POINT, Role.EXECUTION_POINT])
def test_is_a_cloud_config_within_the_limit(role: Role) -> None:
    compressed = rendered(role=role)
    text = gzip.decompress(compressed).decode()
    assert text.startswith("#cloud-config\n")
    assert len(compressed) <= LIMIT_BYTES - 2048, "leave the user something for condor_config"
    assert sorted(yaml.safe_load(text)) == ["bootcmd", "manage_etc_hosts", "ssh_genkeytypes", "user"]


def test_carries_the_programs_without_their_words() -> None:
    carried = json.loads(command(rendered())[3])
    names = [name for name in SHIPPED if name != "node/approve_tokens.py"]  # which runs on the access point
    assert sorted(carried) == sorted(f"roost/boot/{name}" for name in names)
    for name in names:
        there, here = ast.parse(carried[f"roost/boot/{name}"]), ast.parse((BOOT / name).read_text())
        assert functions(there) == functions(here)
        assert ast.get_docstring(there) is None


@pytest.mark.parametrize("role", [Role.ACCESS_POINT, Role.EXECUTION_POINT])
def test_what_shares_a_file_system_carries_more_and_fits(role: Role) -> None:
    sharing = Sharing(kind="gluster", at="/shared", copies=2)
    compressed = user_data(
        pool="galaxy",
        role=role,
        types=TYPES,
        settings=BootSettings(lease_s=3600, idle_s=900, workers=4, sharing=sharing),
        joining=JOINING if role is Role.EXECUTION_POINT else None,
    )
    carried = json.loads(command(compressed)[3])
    settings = instructions_from_json(command(compressed)[4]).settings
    assert sorted(carried) == sorted(f"roost/boot/{name}" for name in shipped(role, settings))
    assert {"roost/boot/shared_fs.py", "roost/boot/node/shared.py"} <= carried.keys()
    assert ("roost/boot/node/gluster_peers.py" in carried) == (role is Role.ACCESS_POINT)
    assert ("roost/boot/node/shared_look.py" in carried) == (role is Role.EXECUTION_POINT)
    assert instructions_from_json(command(compressed)[4]).settings.sharing == sharing
    assert len(compressed) <= LIMIT_BYTES - 1024, "leave the user something for condor_config"


def test_what_signs_for_s3_travels_to_the_access_point() -> None:
    settings = BootSettings(lease_s=3600, idle_s=900, workers=4, sharing=Sharing(kind="s3", at="", server="eu-north-1"))
    assert set(shipped(Role.ACCESS_POINT, settings)) >= {"node/s3_keys.py", "node/metadata.py"}
    assert "node/shared.py" not in shipped(Role.ACCESS_POINT, settings)


def functions(tree: ast.Module) -> list[tuple[str, int]]:
    """Name and number of statements, docstrings aside."""
    return [
        (node.name, len(node.body) - (ast.get_docstring(node) is not None))
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]


def test_carries_the_instructions() -> None:
    instructions = instructions_from_json(command(rendered("A = 'b' \"c\" $(D)\n"))[4])
    assert (instructions.pool, instructions.role, instructions.types) == ("galaxy", Role.EXECUTION_POINT, TYPES)
    assert instructions.joining == JOINING
    assert instructions.settings.condor_config == "A = 'b' \"c\" $(D)\n"


def test_the_unpacking_program_is_python() -> None:
    argv = command(rendered())
    assert argv[:2] == ["python3", "-c"]
    ast.parse(argv[2])


@pytest.mark.parametrize(
    ("kind", "name"),
    [("", name) for name in SHIPPED] + [(kind, name) for kind, names in SHIPPED_TO_SHARE.items() for name in names],
)
def test_programs_import_only_what_travels_or_is_in_python(kind: str, name: str) -> None:
    """What is imported inside a function may be that of one kind."""
    of_kind, of_any = (*SHIPPED, *SHIPPED_TO_SHARE.get(kind, ())), (*SHIPPED, *chain(*SHIPPED_TO_SHARE.values()))
    tree = ast.parse((BOOT / name).read_text())
    for nodes, shipped_names in ((tree.body, of_kind), (ast.walk(tree), of_any)):
        require_travelling(
            name, nodes, {f"roost.boot.{n.removesuffix('.py').replace('/', '.')}" for n in shipped_names}
        )


def require_travelling(name: str, nodes: Iterable[ast.AST], travels: set[str]) -> None:
    for node in nodes:
        imported = []
        if isinstance(node, ast.Import):
            imported = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{alias.name}" for alias in node.names]
            imported = whole if travels.issuperset(whole) else [node.module or ""]
        for module in imported:
            assert module in travels or module.split(".")[0] in sys.stdlib_module_names, f"{name} imports {module}"


def test_every_node_program_travels() -> None:
    assert {f"node/{path.name}" for path in (BOOT / "node").glob("[!_]*.py")} <= {
        *SHIPPED,
        *chain(*SHIPPED_TO_SHARE.values()),
        *ONLY_ON_IMAGES,
        CLEANING,
    }


def test_over_the_limit_says_what_to_shorten() -> None:
    with pytest.raises(UsageError) as caught:
        rendered("X = " + "".join(random.Random(7).choices(string.printable, k=20_000)))
    assert "at most 16384" in caught.value.message
    assert "condor_config (20004 bytes)" in caught.value.hint


@given(config=st.text(max_size=200), token=st.text(max_size=50), workers=st.integers(0, 10_000))
def test_instructions_survive_json(config: str, token: str, workers: int) -> None:
    said = Instructions(
        pool="p",
        role=Role.EXECUTION_POINT,
        types=TYPES,
        settings=BootSettings(lease_s=1, idle_s=0, workers=workers, condor_config=config),
        joining=Joining(central_manager="10.0.0.1", token=token),
    )
    assert instructions_from_json(instructions_json(said)) == said
