"""Unit tests are values in, values out: sockets and subprocesses are not there."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import NoReturn

import pytest
import yaml


@pytest.fixture(autouse=True)
def _no_io(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_args: object, **_kwargs: object) -> NoReturn:
        raise AssertionError("a unit test may not open sockets or start processes")

    monkeypatch.setattr(socket.socket, "connect", forbidden)
    monkeypatch.setattr(socket.socket, "bind", forbidden)
    monkeypatch.setattr(subprocess, "Popen", forbidden)


@pytest.fixture(scope="module")
def pegasus_api() -> Iterator[ModuleType]:
    """Importing Pegasus.api changes what PyYAML's loader makes of `yes` and of dates, for everybody: undone."""
    before = dict(yaml.CSafeLoader.yaml_constructors)
    import Pegasus.api

    yield Pegasus.api
    yaml.CSafeLoader.yaml_constructors = before
    for name in [one for one in sys.modules if one.split(".")[0] == "Pegasus"]:
        del sys.modules[name]
