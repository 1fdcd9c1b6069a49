"""shell (files): Roost's planner in one file, for access points: it plans workflows that tasks of a run have made.

PyYAML goes along, without its C part; where the access point has its own, that is taken.
"""

import io
import zipfile
from functools import cache
from importlib import resources

_MODULES = ("errors", "yaml_lines", "block_yaml")
_MAIN = """\
import sys
sys.path.append(f"{sys.path[0]}/vendored")
from roost.workflow.part_planning import main
sys.exit(main(*sys.argv[1:]))
"""
_MADE_AT = (1980, 1, 1, 0, 0, 0)


@cache
def planner_archive() -> bytes:
    ours, theirs = resources.files("roost"), resources.files("yaml")
    files = {"__main__.py": _MAIN, "roost/__init__.py": ""}
    files |= {f"roost/{name}.py": ours.joinpath(f"{name}.py").read_text("utf-8") for name in _MODULES}
    packages = {f"roost/{name}": ours.joinpath(name) for name in ("workflow", "workflow/node")}
    for place, package in {**packages, "vendored/yaml": theirs}.items():
        modules = [one for one in package.iterdir() if one.name.endswith(".py")]
        files |= {f"{place}/{one.name}": one.read_text("utf-8") for one in modules}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in sorted(files.items()):
            archive.writestr(zipfile.ZipInfo(name, _MADE_AT), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()
