"""Scripts that use Pegasus.api: run as their users run them, and what they plan is taken. Processes, no instances."""

import os
import re
import sys
import venv
from pathlib import Path

import pegasus_scripts as scripts
import pytest

from roost.errors import NotFoundError, RoostError, UsageError
from roost.verbs.typed_workflow import Typed, written
from roost.workflow.plan_options import Wanted
from roost.workflow.source import load


@pytest.fixture(autouse=True)
def _users_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """The user's python3 is this one."""
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory below the one where the user is."""
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path)
    return Path("project")


def script(project: Path, text: str, name: str = "flow.py") -> Path:
    path = project / name
    path.write_text(text)
    return path


def test_tutorial_s_script(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    typed = written(script(project, scripts.TUTORIAL), ["--size", "3"], Wanted(), say=said.append)
    assert typed == Typed(
        workflow=project / "workflow.yml", wanted=Wanted(cluster="horizontal"), output_dir=project / "results"
    )
    found = load(project / "workflow.yml")
    assert sorted(job.transformation for job in found.jobs) == ["split", "wc", "wc", "wc"]
    assert found.retries == 2
    assert found.replicas["words.txt"].local == project.absolute() / "input" / "words.txt"
    line = scripts.line_of_plan(scripts.TUTORIAL)
    assert said == [
        f"flow.py:{line}: cluster=horizontal: taken over",
    ]
    out, err = capfd.readouterr()
    assert out == ""  # for results alone
    assert "\nwrite\n" in f"\n{err}"
    assert "the script went on" not in err
    assert sorted(one.name for one in project.iterdir()) == [
        *("flow.py", "input", "pegasus.properties", "replicas.yml", "sites.yml", "transformations.yml", "workflow.yml")
    ]


def test_what_a_script_wants_of_its_plan_is_taken_over_and_told(project: Path) -> None:
    """What it says itself: defaults of Workflow.plan are not its wish. Roost's own runs can be reused."""
    first = project / "runs" / "first"
    (first / "submit").mkdir(parents=True)
    for name in ("run.json", "replicas.yml"):
        (first / name).write_text("")
    path = script(project, scripts.WANTS)
    line = scripts.line_of_plan(scripts.WANTS)
    said: list[str] = []
    typed = written(path, [], Wanted(), say=said.append)
    reused = str(first.absolute())
    assert typed.wanted == Wanted(cluster="label", reuse=(reused,), force=True, cleanup="inplace")
    assert said == [
        f"flow.py:{line}: reuse={project.absolute()}/other/run0001: that is no run of Roost which has made something;"
        " nothing of it is reused",
        f"flow.py:{line}: cluster=label, reuse={reused}, force, cleanup=inplace: taken over",
    ]
    said.clear()
    typed = written(path, [], Wanted(cluster="none"), say=said.append)
    assert typed.wanted.cluster == "none"
    assert f"flow.py:{line}: cluster=label: not taken over, the command line says none" in said
    plain = script(project, scripts.PLANS_WITHOUT_WRITING, "plain.py")
    assert written(plain, [], Wanted(), say=print).wanted == Wanted()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (scripts.WRITES, "flow.yml"),
        (scripts.PLANS_WITHOUT_WRITING, "workflow.yml"),
        (scripts.INNER_AND_OUTER, "workflow.yml"),
        (scripts.READS_THE_SUBMIT_DIRECTORY, "workflow.yml"),
    ],
)
def test_which_workflow_is_taken(project: Path, text: str, name: str) -> None:
    assert written(script(project, text), [], Wanted(), say=print).workflow == project / name


def test_goes_on_after_plan_and_not_after_run(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    written(script(project, scripts.PLANS_WITHOUT_WRITING), [], Wanted(), say=print)
    err = capfd.readouterr().err
    assert "after plan" in err
    assert "never" not in err


def test_script_that_calls_the_command(project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    assert (
        written(script(project, scripts.CALLS_THE_COMMAND), [], Wanted(), say=said.append).workflow
        == project / "flow.yml"
    )
    assert said == [
        "flow.py: dir=work: the submit directory is runs/NAME/submit",
        "flow.py: conf=other.properties: properties are read from pegasus.properties beside the workflow",
    ]
    assert "pegasus-run: not before `roost run` has run the workflow" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("text", "said", "shown"),
    [
        (scripts.FAILS, r"project/flow\.py failed \(exit code 1\) under \S+; what it said is above", "in wrong"),
        (scripts.EXITS, r"failed \(exit code 1\)", "no input"),
        (scripts.NO_PYTHON, r"failed \(exit code 1\)", "SyntaxError"),
        (scripts.PRINTS, "writes its workflow to standard output", "name: one"),
        (scripts.FORGETS, "ended well, and neither wrote nor planned a workflow", ""),
    ],
)
def test_what_a_script_does_wrong(
    project: Path, capfd: pytest.CaptureFixture[str], text: str, said: str, shown: str
) -> None:
    path = script(project, text)
    with pytest.raises(UsageError, match=said) as caught:
        written(path, ["--fast"], Wanted(), say=print)
    err = capfd.readouterr().err
    assert shown in err
    # Its own lines alone: nothing of what runs it.
    files = re.findall(r'File "([^"]+)"', err)
    assert set(files) <= {str(path.absolute())}
    if "failed" in said:
        assert re.fullmatch(r"cd project && \S+ flow\.py --fast", caught.value.hint)


def test_no_script(project: Path) -> None:
    with pytest.raises(NotFoundError, match=r"there is no script project/absent\.py"):
        written(project / "absent.py", [], Wanted(), say=print)


def test_a_script_without_a_name_for_it(project: Path) -> None:
    generate = script(project, "#!/usr/bin/env python3\n" + scripts.WRITES, "generate")
    assert written(generate, [], Wanted(), say=print).workflow == project / "flow.yml"


def test_arguments_are_for_scripts(project: Path) -> None:
    path = script(project, "pegasus: '5.0'\n", "workflow.yml")
    with pytest.raises(UsageError, match="is no script: it takes no arguments"):
        written(path, ["--size"], Wanted(), say=print)


def test_roost_s_own_python_has_pegasus_api(
    project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    venv.create(tmp_path / "venv", with_pip=False)
    monkeypatch.setenv("PATH", f"{tmp_path / 'venv' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert written(script(project, scripts.WRITES), [], Wanted(), say=print).workflow == project / "flow.yml"
    err = capfd.readouterr().err
    assert (
        f"flow.py runs under {sys.executable}: {tmp_path / 'venv' / 'bin' / 'python3'}: No module named 'Pegasus'"
        in err
    )


def test_results_that_cannot_be_copied(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(RoostError, match="could not be copied to"):
        Typed(wanted=Wanted(), output_dir=tmp_path / "file").deliver(tmp_path / "output")


def test_import_of_pegasus_api_is_not_roost_s(project: Path) -> None:
    """It changes PyYAML for the whole process: a script has a process of its own."""
    before = set(sys.modules)
    written(script(project, scripts.WRITES), [], Wanted(), say=print)
    assert not {name for name in set(sys.modules) - before if name.startswith("Pegasus")}
