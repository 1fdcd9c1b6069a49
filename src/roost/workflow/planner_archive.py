"""shell (files): Roost's planner in one file, for access points: it plans workflows that tasks of a run have made.

PyYAML goes along, without its C part; where the access point has its own, that is taken.
"""

from functools import cache
from importlib import resources

from roost.workflow.archive import archive

_MODULES = ("errors", "yaml_lines", "block_yaml")
_MAIN = """\
import sys
sys.path.append(f"{sys.path[0]}/vendored")
from roost.workflow.part_planning import main
sys.exit(main(*sys.argv[1:]))
"""


@cache
def planner_archive() -> bytes:
    ours, theirs = resources.files("roost"), resources.files("yaml")
    files = {"__main__.py": _MAIN, "roost/__init__.py": ""}
    files |= {f"roost/{name}.py": ours.joinpath(f"{name}.py").read_text("utf-8") for name in _MODULES}
    packages = {f"roost/{name}": ours.joinpath(name) for name in ("workflow", "workflow/node")}
    for place, package in {**packages, "vendored/yaml": theirs}.items():
        modules = [one for one in package.iterdir() if one.name.endswith(".py")]
        files |= {f"{place}/{one.name}": one.read_text("utf-8") for one in modules}
    return archive(dict(sorted(files.items())))
