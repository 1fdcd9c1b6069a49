"""The real planner's command line, and its answer."""

from pathlib import PurePosixPath

import pytest

from roost.errors import RoostError
from roost.workflow.pegasus import Asked, plan_argv, planned, run_argv

RUN = PurePosixPath("/home/debian/runs/w-1")
# What 5.1.2 printed, shortened to what is read of it.
PRINTED = """{
  "user" : "root",
  "grid_dn" : null,
  "wf_uuid" : "c3294be3-f0de-4cad-bfd8-08c6913e4120",
  "dax_label" : "hello",
  "pegasus_wf_name" : "hello-0",
  "submit_dir" : "/home/debian/runs/w-1/submit",
  "planner_version" : "5.1.2",
  "condor_log" : "hello-0.log",
  "dag" : "hello-0.dag",
  "message" : "\\n\\n\\nI have concretized your abstract workflow. {",
  "pegasus-run" : "pegasus-run --json  /home/debian/runs/w-1/submit"
}
"""


def test_the_command_line() -> None:
    argv = plan_argv(Asked(run=RUN, sites=("ec2",), staging_sites={}))
    assert argv[:2] == ["sh", "-c"]
    assert "PEGASUS_METRICS=false" in argv[2]
    assert argv[4:6] == [str(RUN), "0"]
    assert argv[6:] == [
        *("pegasus-plan", "--json", "--conf", "pegasus.properties"),
        *("--dir", str(RUN), "--relative-submit-dir", "submit"),
        *("--sites", "ec2", "--output-sites", "local", "workflow.yml"),
    ]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (Asked(run=RUN, sites=("ec2", "condorpool"), staging_sites={}), ["--sites", "ec2,condorpool"]),
        (
            Asked(run=RUN, sites=("ec2",), staging_sites={"ec2": "ec2"}),
            ["--staging-site", "ec2=ec2"],
        ),
        (
            Asked(run=RUN, sites=("ec2",), staging_sites={}, clusterings=("horizontal", "label")),
            ["--cluster", "horizontal,label"],
        ),
        (Asked(run=RUN, sites=("ec2",), staging_sites={}, force=True), ["--force", "workflow.yml"]),
        (Asked(run=RUN, sites=("ec2",), staging_sites={}, cleanup="none"), ["--cleanup", "none"]),
    ],
)
def test_what_is_asked_for(asked: Asked, words: list[str]) -> None:
    argv = plan_argv(asked)
    at = argv.index(words[0])
    assert argv[at : at + 2] == words


@pytest.mark.parametrize(("tasks", "is_big"), [(999, "0"), (1000, "1")])
def test_a_big_workflow_is_not_drawn(tasks: int, is_big: str) -> None:
    argv = plan_argv(Asked(run=RUN, sites=("ec2",), staging_sites={}, tasks=tasks))
    assert argv[5] == is_big


def test_its_answer() -> None:
    plan = planned(f"something before\n{PRINTED}")
    assert (plan.name, plan.uuid, plan.version) == ("hello", "c3294be3-f0de-4cad-bfd8-08c6913e4120", "5.1.2")
    assert plan.submit == RUN / "submit"
    assert (plan.dag, plan.log, plan.dagman_out) == ("hello-0.dag", "hello-0.log", "hello-0.dag.dagman.out")
    assert run_argv(plan) == ["env", "PEGASUS_METRICS=false", "pegasus-run", f"{RUN}/submit"]


@pytest.mark.parametrize("printed", ["", "Usage: pegasus-plan", "{", '{"dag": 7}', "[1]"])
def test_another_answer_is_said(printed: str) -> None:
    with pytest.raises(RoostError, match="not where its submit directory is"):
        planned(printed)
