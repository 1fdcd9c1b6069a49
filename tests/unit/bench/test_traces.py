"""Traces become workflows that Pegasus' own library would have written, at any size."""

import io
from pathlib import Path
from typing import Any

import pytest
import yaml
from traces import Trace, merged, parsed, replayable, workflow_text, write, write_replay

from roost.workflow.source import load

WIDTH = 5
Document = dict[str, Any]


def fork_and_join(width: int) -> Document:
    """WfFormat 1.5, with what is awkward in it: names that YAML or a list of words could stumble on."""
    names = [f"part {number}.txt" if number == 2 else f"part{number}" for number in range(width)]
    tasks: list[Document] = [
        {"name": "join_ID9", "id": "join", "parents": [f"work{n}" for n in range(width)], "children": [],
         "inputFiles": [f"/out/{name}" for name in names], "outputFiles": ["all: of it"]},
        {"name": "split_ID1", "id": "split", "parents": [], "children": [f"work{n}" for n in range(width)],
         "inputFiles": ["https://example.org/yes"], "outputFiles": names},
    ]  # fmt: skip
    tasks += [
        {"name": "FLOW.WORK", "id": f"work{n}", "parents": ["split"], "children": ["join"],
         "inputFiles": [name], "outputFiles": [f"/out/{name}"]}
        for n, name in enumerate(names)
    ]  # fmt: skip
    files = ["https://example.org/yes", "all: of it", *names, *(f"/out/{name}" for name in names)]
    program = {"join": "join", "split": "split"}
    ran = [
        {"id": task["id"], "runtimeInSeconds": 4.0, "avgCPU": 50.0,
         "command": {"program": program.get(task["id"], "set -e; work"), "arguments": ["-n", "12", "yes", "a:b", ""]}}
        for task in tasks
    ]  # fmt: skip
    return {
        "name": "fork and join",
        "workflow": {
            "specification": {"tasks": tasks, "files": [{"id": name, "sizeInBytes": 1000} for name in files]},
            "execution": {"tasks": ran},
        },
    }


@pytest.fixture
def trace() -> Trace:
    return parsed(fork_and_join(WIDTH))


def test_parsed(trace: Trace) -> None:
    assert [task.transformation for task in trace.tasks] == ["split", *["WORK"] * WIDTH, "join"]
    assert trace.given == ["https/example.org/yes"]
    assert trace.results == ["all: of it"]
    assert trace.bound_s(cores=2) == 4.0 * (WIDTH + 2) / 2
    assert trace.bound_s(cores=100) == 12.0


@pytest.mark.parametrize("copies", [1, 3])
def test_copies_are_disjoint_and_load(trace: Trace, tmp_path: Path, copies: int) -> None:
    write(trace, tmp_path, copies=copies)
    found = load(tmp_path / "workflow.yml")
    assert len(found.jobs) == copies * len(trace.tasks)
    assert len(found.edges) == copies * 2 * WIDTH
    assert len({use.lfn for job in found.jobs for use in job.outputs}) == copies * (2 * WIDTH + 1)
    words = next(job for job in found.jobs if job.transformation == "join").arguments
    assert list(words) == ["-n", "12", "yes", "a:b", ""]


def test_traces_side_by_side(trace: Trace) -> None:
    both = merged([trace, parsed({**fork_and_join(2), "name": "other"})])
    assert len(both.tasks) == 2 * WIDTH + 2 * 2 - WIDTH + 2
    assert len({task.id for task in both.tasks}) == len(both.tasks)
    assert both.results == ["fork-and-join.all: of it", "other.all: of it"]


def test_replay_is_scaled(trace: Trace, tmp_path: Path) -> None:
    scaled = replayable(trace, bound_s=7.0, megabytes=0.001, burn=True)
    assert scaled.bound_s(cores=2) == pytest.approx(7.0)
    assert scaled.moved_bytes < 1000 + 2 * (2 * WIDTH + 2)
    write_replay(scaled, tmp_path)
    first = load(tmp_path / "workflow.yml").jobs[0]
    size = str(scaled.sizes["part0"])
    assert list(first.arguments[:6]) == ["1.0000", "1.0000", "https/example.org/yes", "--", "part0", size]
    assert (tmp_path / "input/https/example.org/yes").stat().st_size == scaled.sizes["https/example.org/yes"]


def test_text_is_as_pegasus_writes_it(trace: Trace, pegasus_api: Any) -> None:
    """The same workflow, made with Pegasus.api and written by it, is the same document."""
    workflow = pegasus_api.Workflow(trace.name, infer_dependencies=False)
    jobs = {}
    for task in trace.tasks:
        jobs[task.id] = job = pegasus_api.Job(task.transformation, _id=task.id).add_args(*task.arguments)
        job.add_inputs(*task.inputs)
        for lfn in task.outputs:
            job.add_outputs(lfn, stage_out=lfn in trace.results, register_replica=False)
        workflow.add_jobs(job)
    for task in trace.tasks:
        for parent in task.parents:
            workflow.add_dependency(jobs[parent], children=[jobs[task.id]])
    text = io.StringIO()
    workflow.write(text)
    assert unordered(text.getvalue()) == unordered("".join(workflow_text(trace, 1)))


def unordered(text: str) -> Document:
    """Pegasus.api keeps files and children as sets."""
    found: Document = yaml.load(text, Loader=yaml.SafeLoader)
    del found["x-pegasus"]
    for job in found["jobs"]:
        job["uses"] = {use.pop("lfn"): use for use in job["uses"]}
    found["jobDependencies"] = {one["id"]: set(one["children"]) for one in found["jobDependencies"]}
    return found
