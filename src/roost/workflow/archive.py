"""pure: a program of several modules in one file (Python's manual, "zipapp"): the same modules are the same bytes."""

import io
import zipfile
from collections.abc import Mapping

_MADE_AT = (1980, 1, 1, 0, 0, 0)  # what zip calls the beginning


def archive(files: Mapping[str, str], *, first_line: bytes = b"") -> bytes:
    """`files`: place within it: text; `__main__.py` is what Python runs. `first_line`: what the system runs it by."""
    made = io.BytesIO()
    made.write(first_line)
    with zipfile.ZipFile(made, "a", zipfile.ZIP_DEFLATED) as zipped:
        for name, text in files.items():
            zipped.writestr(zipfile.ZipInfo(name, _MADE_AT), text, zipfile.ZIP_DEFLATED)
    return made.getvalue()
