"""PyPI's Pegasus tools on runs whose jobs have several tasks: they count tasks and jobs as we do."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from pegasus_figures import Counts, breakdown, counts
from personal_pool import RUNS, PersonalPool, started
from test_clusters import lanes
from test_pegasus_tools import Ran, here, kept, pegasus, roost, wait

from roost.workflow import submit_dir
from roost.workflow.clustering import Kind, Policy
from roost.workflow.dag import submit_argv
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.pegasus_tools import Tool
from roost.workflow.planner import plan
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load

pytestmark = pytest.mark.local


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ran]:
    """By level: `well`, and one whose second job's second task fails."""
    top = tmp_path_factory.mktemp("clusters")
    shared = top / "shared"
    shared.mkdir()
    with started(request, runs=shared) as pool:
        found = {name: planned(pool, shared, name, fails) for name, fails in (("well", ""), ("ill", "b2"))}
        for executable in found.values():
            pool.run(*submit_argv(executable))
        for executable in found.values():
            wait(shared, executable, lambda now: now.is_over)
        return {name: kept(shared, executable, top / name) for name, executable in found.items()}


def planned(pool: PersonalPool, shared: Path, name: str, fails: str) -> ExecutableWorkflow:
    (shared / name).mkdir()
    paths, at = RunPaths(run=RUNS / name / "run"), datetime.now(UTC)
    policy = Policy(kinds={Kind.HORIZONTAL})
    workflow = load(lanes(shared / name, fails=fails))
    executable = plan(workflow, Site(), paths, uuid=str(uuid4()), planned_at=at, policy=policy)
    submit_dir.write(executable, here(shared, paths.run))
    for upload in executable.uploads:
        shutil.copy(str(upload.local), here(shared, upload.remote))
    pool.own_runs()
    return executable


def counted(done: int, failed: int, left: int, *, again: int = 0) -> Counts:
    return Counts(
        succeeded=done,
        failed=failed,
        incomplete=left,
        total=done + failed + left,
        retries=again,
        total_and_retries=done + failed + again,
    )


@pytest.mark.parametrize(
    ("name", "jobs", "tasks", "invocations"),
    [
        # a1+a2, a3, b1+b2, b3, sum; each task once
        ("well", counted(5, 0, 0), counted(7, 0, 0), {"successful": 7}),
        # b1+b2 is tried twice, sum never runs
        ("ill", counted(3, 1, 1, again=1), counted(5, 1, 1, again=2), {"successful": 6, "failed": 2}),
    ],
)
def test_tasks_and_jobs(
    runs: dict[str, Ran], name: str, jobs: Counts, tasks: Counts, invocations: dict[str, int]
) -> None:
    ran = runs[name]
    found = counts(pegasus(Tool.STATISTICS, ran, "-s", "all"))
    assert found["Jobs"] == jobs
    assert found["Tasks"] == tasks
    assert {how: row.count for (_, how), row in breakdown(ran.submit).items()} == invocations
    said = json.loads(roost("report", str(ran.submit.parent), "--json", home=ran.submit.parent).stdout)
    for kind, ours in (("jobs", jobs), ("tasks", tasks)):
        assert (said[kind]["done"], said[kind]["failed"], said[kind]["total"]) == (
            ours.succeeded,
            ours.failed,
            ours.total,
        )


def test_analyzer_shows_the_task_that_failed(runs: dict[str, Ran]) -> None:
    said = pegasus(Tool.ANALYZER, runs["ill"], exit_code=2)
    assert "merge_joins_PID2_ID1" in said
    assert "b2 went wrong" in said
