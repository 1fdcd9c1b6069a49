"""Roost: an HTCondor pool on EC2 for as long as your workflow needs it.

`from roost import Pool` is the library; it is imported when it is asked for, so that `import roost` costs nothing.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from roost.verbs.library import Pool
    from roost.verbs.runs import Run

VERSION = "0.1.0"
_LIBRARY = {"Pool": "roost.verbs.library", "Run": "roost.verbs.runs"}

__all__ = ["VERSION", "Pool", "Run"]


def __getattr__(name: str) -> object:
    if name not in _LIBRARY:
        raise AttributeError(f"module 'roost' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LIBRARY[name]), name)
