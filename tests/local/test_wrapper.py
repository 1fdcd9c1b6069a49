"""What the job wrapper writes and moves, and how it runs tasks, on this machine."""

import hashlib
import json
import os
import subprocess
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
import yaml

from roost.workflow.executable import stored_name
from roost.workflow.node import container, invoke, record, sandbox
from roost.workflow.wrapper import WRAPPER, wrapper

pytestmark = pytest.mark.local


def task(task_id: str = "ID1", script: str = "true", **more: Any) -> dict[str, Any]:
    return {
        "id": task_id,
        "transformation": "ns::t:1.0",
        "run": "/bin/sh",
        "arguments": ["-c", script],
        "inputs": [],
        "outputs": [],
        **more,
    }


def sent(directory: Path) -> str:
    """The wrapper, as a job gets it."""
    path = directory / WRAPPER
    path.write_bytes(wrapper())
    path.chmod(0o755)
    return str(path)


class Ran:
    def __init__(self, directory: Path, job: dict[str, Any], **env: str) -> None:
        word = b64encode(json.dumps(job).encode()).decode()
        environment = {**os.environ, "PEGASUS_DAG_JOB_ID": "t_ID1", "PEGASUS_SITE": "s", "PEGASUS_WF_LABEL": "w", **env}
        ran = subprocess.run(
            [sent(directory), word], cwd=directory, env=environment, capture_output=True, text=True, check=False
        )
        self.code, self.stdout, self.stderr = ran.returncode, ran.stdout, ran.stderr
        self.home = {path.name: path.read_bytes() for path in (directory / sandbox.OUTPUTS).glob("*")}

    @property
    def records(self) -> list[Any]:
        lines = [line for line in self.stdout.split("---------------pegasus")[0].splitlines() if line[:1] != "["]
        return list(yaml.safe_load("\n".join(lines)) or [])


@pytest.mark.parametrize(
    ("script", "code", "status"),
    [
        ("true", 0, {"raw": 0, "regular_exitcode": 0}),
        ("exit 3", 3, {"raw": 768, "regular_exitcode": 3}),
        ("kill -9 $$", 137, {"raw": 9, "signalled_signal": 9, "signalled_name": "SIGKILL", "corefile": False}),
    ],
)
def test_the_task_s_end_is_the_job_s(tmp_path: Path, script: str, code: int, status: dict[str, Any]) -> None:
    ran = Ran(tmp_path, {"tasks": [task(script=script)]})
    assert ran.code == code
    (record,) = ran.records
    assert record["mainjob"]["status"] == status
    assert (record["transformation"], record["derivation"], record["resource"]) == ("ns::t:1.0", "ID1", "s")
    assert record["mainjob"]["argument_vector"] == ["-c", script]
    assert ran.stderr.endswith(f"PegasusLite: exitcode {code}\n")


@pytest.mark.parametrize(
    "said", ["plain\n", "  indented\n- list: {\n", "no end", "bell \x07 and \x00\n", "\n\n", "x\r\ny\r"]
)
def test_anything_printed_is_still_yaml(tmp_path: Path, said: str) -> None:
    (tmp_path / "said").write_bytes(said.encode())
    ran = Ran(tmp_path, {"tasks": [task(script=f"cat {tmp_path}/said", arguments=["-c", f"cat {tmp_path}/said"])]})
    (record,) = ran.records
    assert record["files"]["stdout"]["size"] == len(said)
    assert record["files"]["stdout"]["data"].split()[:1] == said.replace("\x07", "?").split()[:1]


def test_long_output_keeps_its_end(tmp_path: Path) -> None:
    (tmp_path / "err").write_text("x" * record.SHOWN_BYTES + "the reason\n")
    assert record.tail(tmp_path / "err").endswith("the reason\n")
    assert "      data_truncated: true" in record.stream_lines("stderr", tmp_path / "err")


@pytest.mark.parametrize("lfn", ["a.txt", "d/in put", "é~+@%", "a:b"])
def test_stored_names_are_the_planner_s(lfn: str) -> None:
    assert sandbox.stored_name(lfn) == stored_name(lfn)


def test_files_get_their_names_and_go_home_flat(tmp_path: Path) -> None:
    (tmp_path / "in%20put").write_text("x")
    (tmp_path / "t").write_text("#!/bin/sh\ncat 'in put' > d/out\n")
    job = {
        "tasks": [
            task(run="./t", arguments=[], inputs=["in put"], outputs=["d/out", "maybe"], optional=["maybe"]),
        ],
        "programs": ["t"],
    }
    ran = Ran(tmp_path, job)
    digest = hashlib.sha256(b"x").hexdigest()
    assert ran.code == 0
    assert ran.home == {"d%2Fout": b"x", "t_ID1.sha256": f"{digest}  d%2Fout\n".encode()}
    assert ran.records[0]["files"]["d/out"]["sha256"] == digest


@pytest.mark.parametrize("script", ["echo partly > out; exit 1", "true"])
def test_what_fails_sends_nothing_home(tmp_path: Path, script: str) -> None:
    ran = Ran(tmp_path, {"tasks": [task(script=script, outputs=["out"])]})
    assert ran.code == (1 if "exit" in script else invoke.NO_OUTPUT)
    assert ran.home == {}
    assert ("did not write: out" in ran.stderr) == (script == "true")
    shown = ran.records[0]["files"]["stderr"].get("data", "")
    assert ("did not write: out" in shown) == (script == "true"), "pegasus-analyzer shows this alone"


def test_an_input_that_is_not_what_its_job_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("changed")
    (tmp_path / "maker.sha256").write_text(f"{hashlib.sha256(b'made').hexdigest()}  in\n")
    ran = Ran(tmp_path, {"tasks": [task(inputs=["in"])]})
    assert ran.code == invoke.WRONG_INPUT
    assert "in came with the SHA-256" in ran.stderr
    assert ran.records == []


def test_inputs_are_compared_with_what_their_jobs_made(tmp_path: Path) -> None:
    (tmp_path / "in").write_text("made")
    (tmp_path / "maker.sha256").write_text(f"{hashlib.sha256(b'made').hexdigest()}  in\n")
    ran = Ran(tmp_path, {"tasks": [task(inputs=["in"])]})
    assert ran.code == 0
    assert "integrity_summary:\n    succeeded: 1\n" in ran.stdout


def test_many_tasks_run_one_after_another_and_hand_on_their_files(tmp_path: Path) -> None:
    first = task("A", "echo 1 > a", outputs=["a"])
    second = task("B", "cat a a > b", inputs=["a"], outputs=["b"])
    ran = Ran(tmp_path, {"tasks": [first, second], "home": ["b"]})
    assert ran.code == 0
    assert ran.home["b"] == b"1\n1\n"
    assert "a" not in ran.home
    assert [one["derivation"] for one in ran.records] == ["A", "B"]
    assert ran.stdout.count("[cluster-task id=") == 2
    assert '[cluster-summary stat="ok", lines=2, tasks=2, succeeded=2, failed=0' in ran.stdout


def test_the_first_task_that_fails_ends_the_job(tmp_path: Path) -> None:
    ran = Ran(tmp_path, {"tasks": [task("A"), task("B", "exit 4"), task("C")]})
    assert ran.code == 4
    assert [one["derivation"] for one in ran.records] == ["A", "B"]
    assert '[cluster-summary stat="fail", lines=3, tasks=3, succeeded=1, failed=1' in ran.stdout
    assert ran.home == {}


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    ran = Ran(tmp_path, {"tasks": [task(run="/nowhere/x")]})
    assert ran.code == invoke.NO_TASK
    assert "cannot run /nowhere/x: No such file or directory" in ran.stderr


APART = """\
[ -e left ] && exit 9
touch left; mkdir -p d/e; ls | tr '\\n' ' '
"""


@pytest.mark.parametrize(("apart", "code"), [(True, 0), (False, 9)])
def test_tasks_that_run_apart_see_their_own_files_alone(tmp_path: Path, *, apart: bool, code: int) -> None:
    (tmp_path / "given").write_text("given\n")
    (tmp_path / "other%2Ftoo").write_text("too\n")
    (tmp_path / "program").write_text("#!/bin/sh\ncat given > d/one; echo more >> d/one\n")
    tasks = [
        task("ID1", APART + "./program", inputs=["given", "other/too"], outputs=["d/one"]),
        task("ID2", APART + "cat d/one > two", inputs=["d/one", "given"], outputs=["two", "maybe"], optional=["maybe"]),
        task("ID3", APART + "cat two given > three", inputs=["two", "given"], outputs=["three"]),
    ]
    ran = Ran(tmp_path, {"tasks": tasks, "programs": ["program"], "home": ["d/one", "three"], "apart": apart})
    assert ran.code == code
    if not apart:
        assert "roost: task ID2: exit code 9" in ran.stderr
        assert ran.home == {}
        return
    seen = [one["files"]["stdout"]["data"].split() for one in ran.records]
    assert seen == [["d", "given", "left", "other", "program"], ["d", "given", "left", "program"], *seen[2:]]
    assert seen[2] == ["d", "given", "left", "program", "two"]
    assert ran.home["d%2Fone"] == b"given\nmore\n"
    assert ran.home["three"] == b"given\nmore\ngiven\n"
    assert set(ran.home) == {"d%2Fone", "three", "t_ID1.sha256"}
    assert (tmp_path / "given").read_text() == "given\n"


@pytest.mark.parametrize("name", ["json.py", "socket.py", "roost.py"])
def test_a_file_of_the_job_is_no_module_of_the_wrapper(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("raise SystemExit('the wrapper imported this')\n")
    ran = Ran(tmp_path, {"tasks": [task(script=f"cp {name} out", inputs=[name], outputs=["out"])]})
    assert ran.code == 0, ran.stderr


def test_what_a_task_goes_on_from(tmp_path: Path) -> None:
    """Nothing at first; then what it had written when it failed, whatever it did since; a directory too."""
    asked = {"file": "t_ID1.checkpoint", "files": {"n": "", "d/state": ""}}
    script = "read n < n || n=0; echo $n; echo $((n + 1)) > n; mkdir -p d/state; echo $n > d/state/of; exit 3"
    job = {"tasks": [task(script=script)], "checkpoint": asked}
    kept, seen = b"", []
    for number in range(3):
        here = tmp_path / str(number)
        here.mkdir()
        (here / "t_ID1.checkpoint").write_bytes(kept)
        ran = Ran(here, job)
        assert ran.code == 3
        assert set(ran.home) == {"t_ID1.checkpoint"}
        kept = ran.home["t_ID1.checkpoint"]
        seen.append((here / "work" / "d" / "state" / "of").read_text())
    assert seen == ["0\n", "1\n", "2\n"]
    (tmp_path / "t_ID1.checkpoint").write_bytes(kept[: len(kept) // 2])
    ran = Ran(tmp_path, {**job, "tasks": [task(script="[ ! -e n ]")]})
    assert ran.code == 0
    assert "did not come home whole" in ran.stderr
    assert set(ran.home) == {"t_ID1.sha256"}


def test_a_task_begins_with_what_the_user_gave(tmp_path: Path) -> None:
    (tmp_path / "n.first").write_text("7\n")
    (tmp_path / "t_ID1.checkpoint").touch()
    asked = {"file": "t_ID1.checkpoint", "files": {"n": "n.first"}}
    ran = Ran(tmp_path, {"tasks": [task(script="cat n", outputs=["n"], optional=["n"])], "checkpoint": asked})
    assert ran.home["n"] == b"7\n"


@pytest.mark.parametrize(
    ("script", "limits", "code", "said"),
    [
        (
            "exec sleep 60",
            [[0.3, "SIGTERM"], [30, "SIGKILL"]],
            invoke.LATE,
            "longer than it may (0.3 s), and was sent SIGTERM\n",
        ),
        (
            "trap 'exit 0' TERM; while :; do sleep 0.1; done",
            [[0.5, "SIGTERM"], [30, "SIGKILL"]],
            invoke.LATE,
            "sent SIGTERM\n",
        ),
        (
            "trap '' TERM; while :; do :; done",
            [[0.5, "SIGTERM"], [0.3, "SIGKILL"]],
            invoke.LATE,
            "sent SIGTERM and SIGKILL",
        ),
        ("true", [[30, "SIGTERM"], [30, "SIGKILL"]], 0, "PegasusLite: exitcode 0"),
    ],
)
def test_a_task_may_run_so_long(tmp_path: Path, script: str, limits: list[Any], code: int, said: str) -> None:
    ran = Ran(tmp_path, {"tasks": [task(script=script, limits=limits)]})
    assert ran.code == code
    assert said in ran.stderr
    assert ran.records[0]["mainjob"]["status"]["regular_exitcode"] == code


@pytest.mark.parametrize(
    ("script", "rules", "code", "said"),
    [
        ("echo all went wrong", {"failure": "went wrong"}, invoke.SAYS_SO, "says 'went wrong', by which it has failed"),
        ("echo all went wrong >&2", {"failure": "went wrong"}, invoke.SAYS_SO, "by which it has failed"),
        ("echo done", {"failure": "went wrong", "success": "done"}, 0, ""),
        ("echo almost", {"success": "done"}, invoke.SAYS_SO, "does not say 'done', by which it would have succeeded"),
        ("echo done; exit 9", {"success": "done"}, 9, ""),
    ],
)
def test_what_a_task_prints_can_mean_that_it_failed(
    tmp_path: Path, script: str, rules: dict[str, str], code: int, said: str
) -> None:
    ran = Ran(tmp_path, {"tasks": [task(script=script, **rules)]})
    assert ran.code == code
    assert said in ran.stderr


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """A directory that instances see."""
    (tmp_path / "shared").mkdir()
    return tmp_path / "shared"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """Where a job starts."""
    (tmp_path / "top").mkdir()
    return tmp_path / "top"


@pytest.mark.parametrize(("how", "apart"), [("copy", True), ("copy", False), ("link", False), ("here", True)])
def test_what_jobs_leave_for_each_other(top: Path, shared: Path, how: str, *, apart: bool) -> None:
    first = task("A", "cat 'in put' > d/a; echo one > b", inputs=["in put"], outputs=["d/a", "b", "spare"])
    second = task("B", "./more < d/a > c; cat b >> c", inputs=["d/a", "b"], outputs=["c"])
    job = {
        "tasks": [{**first, "optional": ["spare"]}, {**second, "run": "./more", "arguments": []}],
        **{"home": ["b", "c"], "share": ["d/a", "c"], "programs": ["more"], "apart": apart},
    }
    (top / "more").write_text("#!/bin/sh\ncat d/a b > c\n")
    stored = (lambda lfn: lfn) if how == "here" else stored_name
    (shared / stored("in put")).write_text("given\n")
    ran = Ran(top, job, ROOST_SCRATCH=f"{how}:{shared}")
    assert ran.code == 0, ran.stderr
    assert (ran.home["b"], ran.home["c"]) == (b"one\n", b"given\none\n")
    names = {str(path.relative_to(shared)) for path in shared.rglob("*") if path.is_file()}
    assert names == {stored(lfn) for lfn in ("in put", "d/a", "c", *(["b"] if how == "here" else []))}
    assert (shared / stored("d/a")).read_text() == "given\n"
    sums = {line.split("  ")[1] for line in ran.home["t_ID1.sha256"].decode().splitlines()}
    assert sums == {"b", "c", "d%2Fa"}
    assert (shared / stored("d/a")).stat().st_mode & 0o777 == 0o666, "other accounts make it again"


def test_a_container_sees_where_links_lead(
    tmp_path: Path, top: Path, shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "apptainer").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    work = top / "work"
    work.mkdir()
    (shared / "a.txt").touch()
    (work / "a.txt").symlink_to(shared / "a.txt")
    (work / "b.txt").touch()
    (work / "c.txt").symlink_to("/etc/hostname")
    asked = {"kind": "singularity", "image": "docker://debian", "mounts": [], "env": []}
    asks = task(inputs=["a.txt", "b.txt", "c.txt"], container=asked)
    found = container.command(["cat"], asks, work, top, {"ROOST_SCRATCH": f"link:{shared}"})
    mounted = {word for word in found.argv if word.endswith(":ro")}
    assert mounted == {f"{shared}:{shared}:ro", "/etc/hostname:/etc/hostname:ro"}


@pytest.mark.parametrize("how", ["copy", "link", "here"])
def test_what_is_lost_there_is_named(top: Path, shared: Path, how: str) -> None:
    ran = Ran(top, {"tasks": [task(inputs=["a.txt"])], "home": [], "share": []}, ROOST_SCRATCH=f"{how}:{shared}")
    assert ran.code == invoke.WRONG_INPUT
    assert f"an input is not there: {shared}/a.txt: No such file or directory on the file system" in ran.stderr
    assert (top / "outputs").is_dir(), "or HTCondor holds the job"


@pytest.mark.parametrize("how", ["copy", "here"])
def test_what_is_there_is_compared(top: Path, shared: Path, how: str) -> None:
    (shared / "in").write_text("changed")
    (top / "maker.sha256").write_text(f"{hashlib.sha256(b'made').hexdigest()}  in\n")
    ran = Ran(top, {"tasks": [task(inputs=["in"])], "home": [], "share": []}, ROOST_SCRATCH=f"{how}:{shared}")
    assert (ran.code, "in came with the SHA-256" in ran.stderr) == (invoke.WRONG_INPUT, True)


def test_what_an_earlier_try_left_is_no_output(top: Path, shared: Path) -> None:
    (shared / "out").write_text("half")
    job = {"tasks": [task(outputs=["out"])], "home": ["out"], "share": []}
    ran = Ran(top, job, ROOST_SCRATCH=f"here:{shared}")
    assert ran.code == invoke.NO_OUTPUT
    assert ran.home == {}


def test_what_cannot_be_left_for_others_fails_the_job(top: Path, shared: Path) -> None:
    (shared / "out").mkdir()
    job = {"tasks": [task(script="echo 1 > out", outputs=["out"])], "home": [], "share": ["out"]}
    ran = Ran(top, job, ROOST_SCRATCH=f"copy:{shared}")
    assert ran.code == invoke.NO_OUTPUT
    assert "roost: an output cannot be kept: " in ran.stderr
    assert list(shared.iterdir()) == [shared / "out"]


def test_what_is_said_by_a_file(tmp_path: Path) -> None:
    word = b64encode(json.dumps({"tasks": [task(script="exit 4")]}).encode()).decode()
    (tmp_path / "t_ID1.tasks").write_text(word)
    argv = [sent(tmp_path), "@t_ID1.tasks:0123abcd"]
    environment = {**os.environ, "PEGASUS_DAG_JOB_ID": "t_ID1"}
    assert subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, check=False).returncode == 4
