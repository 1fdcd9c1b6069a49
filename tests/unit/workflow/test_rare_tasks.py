"""Tasks with checkpoints, limits of time, and containers: what their jobs are told, and what all others are not."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

import pytest

from roost.errors import UsageError
from roost.workflow import submit_dir
from roost.workflow.clustering import Policy, wanted
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.invocation import decoded
from roost.workflow.planning import Options, planned
from roost.workflow.resuming import needed
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load

WORKFLOW = """\
name: w
jobs:
- type: job
  name: counts
  id: A
  uses: [{lfn: a, type: output}, {lfn: d/n, type: checkpoint, stageOut: false}]
  profiles: {pegasus: {runtime: 1 TIMES}}
- {type: job, name: counts, id: B, uses: [{lfn: b, type: output}], profiles: {pegasus: {runtime: 1}}}
- {type: job, name: counts, id: C, uses: [{lfn: c, type: output}], profiles: {pegasus: {runtime: 1}}}
- {type: job, name: inside, id: D, uses: [{lfn: in, type: input}], profiles: {env: {OF_TASK: '1'} UNIVERSE}}
transformationCatalog:
  transformations:
  - {name: counts, sites: [{name: condorpool, pfn: /bin/counts, type: installed}]}
  - {name: inside, sites: [{name: condorpool, pfn: /opt/inside, type: installed, container: c}]}
  containers:
  - name: c
    type: docker
    image: IMAGE
    mounts: MOUNTS
    profiles: {env: {OF_CONTAINER: '1'}, pegasus: {container.arguments: --shm-size=2g}}
replicaCatalog:
  replicas:
  - {lfn: d/n, pfns: [{site: local, pfn: first}]}
  - {lfn: in, pfns: [{site: condorpool, pfn: /refs/in}]}
"""


def plan(
    directory: Path,
    *,
    times: str = "",
    universe: str = "",
    image: str = "c.tar",
    mounts: str = "['/data:/data:ro']",
    policy: Policy | None = None,
) -> ExecutableWorkflow:
    text = WORKFLOW.replace(" TIMES", times).replace(" UNIVERSE", universe).replace("IMAGE", image)
    text = text.replace("MOUNTS", mounts)
    (directory / "workflow.yml").write_text(text)
    for name in ("first", "c.tar"):
        (directory / name).write_text("x")
    at, paths = datetime(2026, 11, 20, 12, tzinfo=UTC), RunPaths(run=PurePosixPath("/r"))
    workflow = load(directory / "workflow.yml")
    return planned(workflow, Site(), paths, Options(), uuid="u", planned_at=at, policy=policy)


def said(executable: ExecutableWorkflow, name: str) -> dict[str, str]:
    """The VARS of a node."""
    (line,) = [line for line in "".join(dag_lines(executable)).splitlines() if line.startswith(f"VARS {name} ")]
    return dict(pair.split('="', 1) for pair in line.removesuffix('"').split(" ", 2)[2].split('" '))


def told(executable: ExecutableWorkflow, name: str) -> dict[str, Any]:
    return decoded(said(executable, name)["invocation"])


def test_what_a_job_goes_on_from_travels_both_ways(tmp_path: Path) -> None:
    executable = plan(tmp_path)
    variables = said(executable, "counts_A")
    assert variables["when"] == "ON_EXIT_OR_EVICT"
    assert variables["inputs"] == "counts_A.checkpoint,d%2Fn.first"
    asked = told(executable, "counts_A")
    assert asked["checkpoint"] == {"file": "counts_A.checkpoint", "files": {"d/n": "d%2Fn.first"}}
    assert {str(one.remote): one.local.name for one in executable.uploads}["/r/scratch/d%2Fn.first"] == "first"
    assert "when" not in said(executable, "counts_B")
    assert told(executable, "counts_B").keys() == {"tasks"}
    submit_dir.write(executable, tmp_path / "run")
    assert [path.name for path in (tmp_path / "run" / "scratch").iterdir()] == ["counts_A.checkpoint"]


def test_a_resumed_run_takes_it_along(tmp_path: Path) -> None:
    executable = plan(tmp_path)
    assert needed(executable, {"counts_A", "counts_B"}) == (PurePosixPath("/r/scratch/counts_A.checkpoint"),)
    assert needed(executable, {"counts_B"}) == ()


def test_it_shares_no_job_with_short_tasks(tmp_path: Path) -> None:
    executable = plan(tmp_path, policy=wanted("auto", cores=1))
    together = [{task.id for task in job.tasks} for job in executable.jobs]
    assert {"A"} in together
    assert {"B", "C"} in together


@pytest.mark.parametrize(
    ("times", "limits"),
    [
        (", checkpoint.time: 10, maxwalltime: 12", [[600.0, "SIGTERM"], [60.0, "SIGKILL"]]),
        (", checkpoint.time: 10", [[600.0, "SIGTERM"], [5.0, "SIGKILL"]]),
        (", maxwalltime: 1", [[50.0, "SIGTERM"], [5.0, "SIGKILL"]]),
    ],
)
def test_how_long_a_task_may_run(tmp_path: Path, times: str, limits: list[Any]) -> None:
    executable = plan(tmp_path, times=times)
    assert told(executable, "counts_A")["tasks"][0]["limits"] == limits
    assert "limits" not in told(executable, "counts_B")["tasks"][0]


@pytest.mark.parametrize(
    ("image", "is_sent"), [("c.tar", True), ("docker:///user/c", False), ("https://example.org/c.sif", True)]
)
def test_a_container_that_the_job_starts(tmp_path: Path, image: str, is_sent: bool) -> None:
    executable = plan(tmp_path, image=image)
    (task,) = told(executable, "inside_D")["tasks"]
    known = executable.containers["inside"]
    own = task["container"]["env"][-2:]
    assert (sorted(own), task["options"]) == (["OF_CONTAINER", "OF_TASK"], "--shm-size=2g")
    assert task["container"]["image"] == known.image
    assert "/data:/data:ro" in task["container"]["mounts"]
    inputs = said(executable, "inside_D")["inputs"].split(",")
    assert (f"../executables/{known.image}" in inputs) == is_sent
    fetched = [fetch for job in executable.jobs for fetch in job.chores.fetch]
    assert bool(fetched) == image.startswith("https")
    assert all(one in ("stage_in_remote_condorpool_0_0",) for one in executable.parents.get("inside_D", ()))
    assert "container_image" not in "".join(dag_lines(executable))


@pytest.mark.parametrize(
    ("image", "commands"),
    [
        ("c.tar", {"container_image": "../executables/c.tar"}),
        ("docker:///user/c", {"container_image": "docker://user/c"}),
        (
            "/on/instances/c.sif, image.site: ec2",
            {"container_image": "/on/instances/c.sif", "transfer_container": "False"},
        ),
    ],
)
def test_htcondor_s_container_universe(tmp_path: Path, image: str, commands: dict[str, str]) -> None:
    asks = ", condor: {universe: container}"
    with pytest.raises(UsageError, match="container universe mounts nothing for a job"):
        plan(tmp_path, universe=asks)
    executable = plan(tmp_path, universe=asks, image=image.replace(", ", "\n    "), mounts="")
    dag = "".join(dag_lines(executable))
    assert "  universe = container\n" in dag
    for key, value in commands.items():
        assert f"  {key} = {value}\n" in dag
    assert dag.count("transfer_container") == ("transfer_container" in commands)
    assert "container" not in told(executable, "inside_D")["tasks"][0]
    assert "executables/c.tar" not in said(executable, "inside_D")["inputs"], "HTCondor sends it by itself"
