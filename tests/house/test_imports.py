"""The tree is the data flow: who may import whom, and which vendor lives where."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SRC = Path(__file__).parents[2] / "src"

# One vendor, one room: the only modules that may import it.
VENDORS: dict[str, set[str]] = {
    "boto3": {"roost.cloud.clients"},
    "botocore": {
        "roost.cloud.clients",
        "roost.cloud.ec2",
        "roost.cloud.dry_run",
        "roost.cloud.efs",
        "roost.cloud.patience",
        "roost.cloud.quotas",
        "localec2.protocol",
    },
    "moto": {"localec2.moto_backend", "localec2.protocol"},
    "htcondor2": set(),
    "rich": {"roost.report.live"},
    "pydantic": {"roost.spec", "localec2.world"},
    "sqlite3": {"localec2.world"},
    "yaml": {"roost.workflow.catalog_text", "roost.workflow.records", "roost.workflow.submit_dir", "roost.yaml_lines"},
}
# The command line and the library: who else may import a verb.
DOORS = {"roost", "roost.cli"}
# What a pure module never imports.
IO_MODULES = {
    "subprocess",
    "socket",
    "socketserver",
    "http",
    "urllib.request",
    "sqlite3",
    "shutil",
    "tempfile",
    "requests",
}


@dataclass(frozen=True)
class Module:
    name: str
    kind: str  # pure | shell | other
    imports: frozenset[str]

    @property
    def stage(self) -> str:
        parts = self.name.split(".")
        return parts[1] if parts[0] == "roost" and len(parts) > 2 else self.name


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _modules() -> dict[str, Module]:
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        relative = path.relative_to(SRC).with_suffix("")
        name = ".".join(relative.parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text())
        word = (ast.get_docstring(tree) or "").split(maxsplit=1)[:1]
        kind = {"pure:": "pure", "shell": "shell", "shell:": "shell"}.get(word[0] if word else "", "other")
        found[name] = Module(name, kind, frozenset(_imports(tree)))
    return found


MODULES = _modules()


def _ours(module: Module) -> Iterator[Module]:
    return (MODULES[name] for name in module.imports if name in MODULES)


@pytest.mark.parametrize("module", MODULES.values(), ids=lambda m: m.name)
def test_module_keeps_to_its_room(module: Module) -> None:
    wrong = []
    for name in module.imports:
        vendor = name.split(".")[0]
        if vendor in VENDORS and module.name not in VENDORS[vendor]:
            wrong.append(f"imports {name}: {vendor} belongs to {sorted(VENDORS[vendor])}")
        if module.name.startswith("localec2") and vendor == "roost":
            wrong.append(f"imports {name}: EC2 on this machine knows nothing of roost")
        if module.name.startswith("roost") and vendor == "localec2":
            wrong.append(f"imports {name}: roost speaks to EC2 on this machine as to any EC2")
        if module.kind == "pure" and any(f"{name}.".startswith(f"{one}.") for one in IO_MODULES):
            wrong.append(f"is pure and imports {name}")
    for other in _ours(module):
        if module.kind == "pure" and other.kind == "shell":
            wrong.append(f"is pure and imports the shell {other.name}")
        stages_meet_here = module.stage == "verbs" or module.stage.startswith("roost.") or module.name in DOORS
        is_foreign_shell = other.kind == "shell" and other.stage != module.stage and module.name.startswith("roost")
        if is_foreign_shell and not stages_meet_here:
            wrong.append(f"imports the shell {other.name} of another stage; stages meet in verbs")
        if other.stage == "verbs" and module.stage != "verbs" and module.name not in DOORS:
            wrong.append(f"imports the verb {other.name}")
    assert not wrong, f"{module.name}: " + "; ".join(wrong)


def test_modules_say_what_they_are() -> None:
    silent = [
        m.name
        for m in MODULES.values()
        if m.kind == "other"
        and not (SRC / Path(*m.name.split(".")) / "__init__.py").exists()
        and m.stage != "verbs"
        and m.name not in {"roost.cli", "roost.__main__", "localec2.cli", "localec2.__main__"}
        and ".node." not in m.name
    ]
    assert silent == [], "the module docstring starts with `pure:` or `shell (vendor):`"
