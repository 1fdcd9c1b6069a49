"""What the job wrapper writes and moves, without running anything."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.workflow.node import invoke


def asked(**changes: Any) -> dict[str, Any]:
    return {
        "id": "ID1",
        "transformation": "ns::t:1.0",
        "workflow": "w",
        "site": "condorpool",
        "planned_at": "2026-11-20T12:00:00+00:00",
        "executable": "./t",
        "arguments": ["-x", 'quote " and: colon', "é"],
        "stdin": None,
        "stdout": None,
        "stderr": None,
        "inputs": [],
        "outputs": [],
        **changes,
    }


def parsed(lines: list[str]) -> Any:
    (found,) = yaml.safe_load("\n".join(lines))
    return found


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0, {"raw": 0, "regular_exitcode": 0}),
        (3 << 8, {"raw": 768, "regular_exitcode": 3}),
        (9, {"raw": 9, "signalled_signal": 9, "signalled_name": "SIGKILL", "corefile": False}),
    ],
)
def test_record_is_yaml_with_the_wait_status(tmp_path: Path, status: int, expected: dict[str, Any]) -> None:
    lines = invoke.record(asked(), tmp_path, {}, started_at=1.5, ended_at=2.75, status=status)
    found = parsed([*lines, *invoke.stream_lines("stdout", tmp_path / "none")])
    assert found["mainjob"]["status"] == expected
    assert found["duration"] == 1.25
    assert found["transformation"] == "ns::t:1.0"
    assert found["mainjob"]["argument_vector"] == ["-x", 'quote " and: colon', "é"]


@pytest.mark.parametrize(
    "said", ["plain\n", "  indented\n- list: {\n", "no end", "bell \x07 and \x00\n", "\n\n", "x\r\ny\r"]
)
def test_anything_printed_is_still_yaml(tmp_path: Path, said: str) -> None:
    (tmp_path / "out").write_bytes(said.encode())
    lines = invoke.record(asked(), tmp_path, {}, started_at=0, ended_at=1, status=0)
    found = parsed([*lines, *invoke.stream_lines("stdout", tmp_path / "out")])
    assert found["files"]["stdout"]["size"] == len(said)
    assert found["files"]["stdout"]["data"].split()[:1] == said.replace("\x07", "?").split()[:1]


def test_long_output_keeps_its_end(tmp_path: Path) -> None:
    (tmp_path / "err").write_text("x" * invoke.SHOWN_BYTES + "the reason\n")
    assert invoke.tail(tmp_path / "err").endswith("the reason\n")
    assert "      data_truncated: true" in invoke.stream_lines("stderr", tmp_path / "err")


def test_files_get_their_names_and_go_home_flat(tmp_path: Path) -> None:
    (tmp_path / "in%20put").write_text("x")
    (tmp_path / "t").write_text("#!/bin/sh\n")
    inputs = [
        {"lfn": "in put", "stored": "in%20put", "executable": False},
        {"lfn": "t", "stored": "t", "executable": True},
    ]
    outputs = [
        {"lfn": "d/out", "stored": "d%2Fout", "optional": False},
        {"lfn": "maybe", "stored": "maybe", "optional": True},
    ]
    order, work = asked(inputs=inputs, outputs=outputs), tmp_path / invoke.WORK
    invoke.arrange(order, tmp_path, work)
    assert (work / "in put").read_text() == "x"
    assert (work / "t").stat().st_mode & 0o100
    (work / "d" / "out").write_text("result")
    home = tmp_path / invoke.OUTPUTS
    assert list(home.iterdir()) == []  # what a task that fails sends
    assert invoke.deliver(order, tmp_path, work) == {"d/out": home / "d%2Fout"}
    assert {path.name for path in home.iterdir()} == {"d%2Fout"}
    lines = invoke.record(order, tmp_path, {"d/out": home / "d%2Fout"}, started_at=0, ended_at=1, status=0)
    assert parsed(lines)["files"]["d/out"]["sha256"] == hashlib.sha256(b"result").hexdigest()
