"""pure: the program that HTCondor sends with each job, as bytes: the modules of node/invoke.py in one file.

Python runs an archive as a program (its manual, "zipapp"). One file travels, and no file of a job can take the place of
a module that it imports: the directory where a job starts, with the files of others, is not searched.
"""

import io
import zipfile
from functools import cache
from importlib import resources

WRAPPER = "invoke.pyz"
MODULES = ("invoke", "sandbox", "scratch", "record", "checkpoint", "container")
_PACKAGE = "roost.workflow.node"
_FIRST_LINE = b"#!/usr/bin/python3 -I\n"
_MAIN = f"import sys\nfrom {_PACKAGE}.invoke import main\nsys.exit(main(sys.argv[1]))\n"
_MADE_AT = (1980, 1, 1, 0, 0, 0)  # what zip calls the beginning: the same modules are the same bytes


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
    made = io.BytesIO()
    made.write(_FIRST_LINE)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name, _MADE_AT), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()
