"""pure: the program that HTCondor sends with each job, as bytes: the modules of node/invoke.py in one file.

One file travels, and no file of a job can take the place of
a module that it imports: the directory where a job starts, with the files of others, is not searched.
"""

from functools import cache
from importlib import resources

from roost.workflow.archive import archive

WRAPPER = "invoke.pyz"
MODULES = ("invoke", "sandbox", "scratch", "record", "checkpoint", "container")
_PACKAGE = "roost.workflow.node"
_FIRST_LINE = b"#!/usr/bin/python3 -I\n"
_MAIN = f"import sys\nfrom {_PACKAGE}.invoke import main\nsys.exit(main(sys.argv[1]))\n"


@cache
def wrapper() -> bytes:
    packages = _PACKAGE.split(".")
    above = ["/".join([*packages[: at + 1], "__init__.py"]) for at in range(len(packages))]
    source = resources.files(_PACKAGE)
    files = {
        "__main__.py": _MAIN,
        **dict.fromkeys(above, ""),
        **{f"{'/'.join(packages)}/{name}.py": source.joinpath(f"{name}.py").read_text("utf-8") for name in MODULES},
    }
    return archive(files, first_line=_FIRST_LINE)
