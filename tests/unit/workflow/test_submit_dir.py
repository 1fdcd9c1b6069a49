"""The submit directory of the hello example, word for word, and what no golden file shows.

After a wanted change: `python tests/unit/workflow/test_submit_dir.py` writes the golden files anew.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from roost.workflow.abstract import Workflow
from roost.workflow.dag import dag_lines, submit_argv
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.invocation import decoded
from roost.workflow.planner import plan
from roost.workflow.profiles import Profiles
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.submit_dir import programs, texts, write

HERE = Path(__file__).parent
GOLDEN = HERE / "golden"
EXAMPLES = HERE.parents[2] / "examples"


def hello(site: Profiles | None = None) -> ExecutableWorkflow:
    workflow: Workflow = load(EXAMPLES / "hello" / "workflow.yml")
    return plan(
        workflow,
        Site(profiles=site or Profiles()),
        RunPaths(run=PurePosixPath("/home/debian/runs/hello-1")),
        uuid="d2bd8b9f-a189-4919-87b4-b92cc9d226b3",
        planned_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )


def readable(text: str) -> str:
    """With the wrapper's instructions decoded."""
    return re.sub(r'invocation="([^"]+)"', lambda found: f"invocation={json.dumps(decoded(found[1]))}", text)


def text_of(name: str) -> str:
    return readable("".join(texts(hello())[name]))


@pytest.mark.parametrize("name", ["hello-0.dag", "dagman.config", "braindump.yml", "hello-0.static.bp"])
def test_golden(name: str) -> None:
    assert text_of(name) == (GOLDEN / name).read_text()


def test_everything_is_written_and_the_wrapper_is_executable(tmp_path: Path) -> None:
    write(hello(), tmp_path)
    submit = tmp_path / "submit"
    assert {*texts(hello()), *programs(hello()), "workflow.yml"} == {path.name for path in submit.iterdir()}
    assert (submit / "invoke.pyz").stat().st_mode & 0o111 == 0o111
    assert (submit / "invoke.pyz").read_bytes().startswith(b"#!/usr/bin/python3 -I\n")
    assert {path.name for path in tmp_path.iterdir()} == {"submit", "executables", "scratch", "output"}


def test_environment_is_quoted_for_htcondor() -> None:
    text = "".join(dag_lines(hello(Profiles(env={"A": """it's "so" $HOME"""}))))
    assert """'A=it''s ""so"" $(DOLLAR)HOME'" """.strip() in text


def test_condor_profiles_are_submit_commands() -> None:
    asked = Profiles(condor={"requirements": '(Machine != "x")'})
    assert '  requirements = (Machine != "x")\n' in "".join(dag_lines(hello(asked)))


def test_command_starts_in_the_submit_directory() -> None:
    argv = submit_argv(hello())
    assert argv[:2] == ["sh", "-c"]
    assert argv[4:8] == ["/home/debian/runs/hello-1/submit", "hello-0.log", "hello-0.dag", "condor_submit_dag"]


def test_large_workflow_is_one_file() -> None:
    executable = plan(
        load(EXAMPLES / "variants" / "workflow.yml"),
        Site(),
        RunPaths(run=PurePosixPath("/r")),
        uuid="u",
        planned_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )
    text = "".join(dag_lines(executable))
    transformations = {job.task.transformation for job in executable.jobs}
    assert text.count("SUBMIT-DESCRIPTION ") == len(transformations) == 10
    assert text.count("\nJOB ") == 30
    assert len(texts(executable)) == 7 + len(transformations)  # what monitord reads of each


def test_monitord_finds_the_transformation_of_a_job_without_a_record() -> None:
    text = "".join(texts(hello())["jobs1.sub"])
    assert '+pegasus_wf_xformation = "preprocess"\n' in text
    assert '+pegasus_site = "condorpool"\n' in text
    assert "output = $(JOB).out\n" in text


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for name in ("hello-0.dag", "dagman.config", "braindump.yml", "hello-0.static.bp"):
        (GOLDEN / name).write_text(text_of(name))
