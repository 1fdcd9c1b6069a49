"""Whatever the graph: every task is planned once, every edge is kept, parents come before children."""

import base64
import json
import zlib
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.workflow.abstract import Job, Use, UseKind, Workflow
from roost.workflow.catalogs import Kind, Replica, Transformation
from roost.workflow.planner import ExecutableWorkflow, PlannedJob, RunPaths, Site, plan, stored_name
from roost.workflow.profiles import Profiles
from roost.workflow.source import load

EXAMPLES = Path(__file__).parents[3] / "examples"
RUN = PurePosixPath("/home/debian/runs/r1")
UUID = "d2bd8b9f-a189-4919-87b4-b92cc9d226b3"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def planned(workflow: Workflow, site: Site | None = None) -> ExecutableWorkflow:
    return plan(workflow, site or Site(), RunPaths(run=RUN), uuid=UUID, planned_at=AT)


def job(job_id: str, *uses: Use, profiles: Profiles | None = None, transformation: str = "t") -> Job:
    return Job(
        id=job_id,
        transformation=transformation,
        arguments=(),
        uses=uses,
        stdin=None,
        stdout=None,
        stderr=None,
        profiles=profiles or Profiles(),
        at="workflow.yml:1",
    )


def workflow_of(*jobs: Job, edges: tuple[tuple[str, str], ...] = (), of_t: Profiles | None = None) -> Workflow:
    transformation = Transformation(
        name="t", kind=Kind.INSTALLED, pfn=PurePath("/usr/bin/t"), requires=(), profiles=of_t or Profiles(), at="w:1"
    )
    return Workflow(
        name="w",
        source="workflow.yml",
        jobs=jobs,
        edges=edges,
        replicas={"in put": Replica(lfn="in put", local=PurePath("/l/x"), at="w:1")},
        transformations={"t": transformation},
        site_profiles=Profiles(),
        retries=1,
    )


@st.composite
def graphs(draw: st.DrawFn) -> Workflow:
    size = draw(st.integers(1, 12))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)).filter(lambda pair: pair[0] < pair[1])
    edges = draw(st.lists(pairs, unique=True)) if size > 1 else []
    order = draw(st.permutations(range(size)))
    jobs = [job(f"J {number}") for number in order]
    return workflow_of(*jobs, edges=tuple((f"J {parent}", f"J {child}") for parent, child in edges))


@given(graphs())
def test_graph_is_kept(workflow: Workflow) -> None:
    found = planned(workflow)
    names = {one.task.id: one.name for one in found.jobs}
    assert sorted(names) == sorted(one.id for one in workflow.jobs)
    assert len(set(names.values())) == len(names)
    assert found.edges == tuple((names[parent], names[child]) for parent, child in workflow.edges)
    place = {one.name: number for number, one in enumerate(found.jobs)}
    depth = {one.name: one.depth for one in found.jobs}
    assert all(place[parent] < place[child] and depth[parent] < depth[child] for parent, child in found.edges)
    starts = {name for name, level in depth.items() if level == 1}
    assert starts == set(depth) - {child for _, child in found.edges}


@given(st.text(min_size=1))
def test_stored_names_are_flat_and_distinct(lfn: str) -> None:
    assert not set(stored_name(lfn)) & set("/ ,;=\"'$\n\\")
    assert stored_name(lfn) != stored_name(lfn + "%")


def only(found: ExecutableWorkflow) -> PlannedJob:
    (one,) = found.jobs
    return one


def invocation(one: PlannedJob) -> Any:
    return json.loads(zlib.decompress(base64.b64decode(one.invocation)))


def test_files_go_where_they_belong() -> None:
    uses = (
        Use(lfn="in put", kind=UseKind.INPUT),
        Use(lfn="d/kept", kind=UseKind.OUTPUT, stage_out=True),
        Use(lfn="d/between", kind=UseKind.OUTPUT),
    )
    found = planned(workflow_of(job("A", *uses)))
    assert [(str(one.local), str(one.remote)) for one in found.uploads] == [("/l/x", f"{RUN}/input/in%20put")]
    assert [str(one.remote) for one in only(found).inputs] == [f"{RUN}/input/in%20put"]
    assert [str(one.remote) for one in only(found).outputs] == [f"{RUN}/output/d/kept", f"{RUN}/scratch/d%2Fbetween"]
    assert found.results == (RUN / "output/d/kept",)
    assert RUN / "output/d" in found.directories
    assert invocation(only(found))["inputs"] == [{"lfn": "in put", "stored": "in%20put", "executable": False}]


@pytest.mark.parametrize(
    ("profiles", "attribute", "expected"),
    [
        (Profiles(), "retries", 1),
        (Profiles(dagman={"retry": "5"}), "retries", 5),
        (Profiles(), "priority", 10),
        (Profiles(dagman={"priority": "77"}), "priority", 77),
        (Profiles(dagman={"category": "big"}), "category", "big"),
        (Profiles(env={"A": "1"}), "env", {"A": "1"}),
    ],
)
def test_profiles_of_a_job(profiles: Profiles, attribute: str, expected: object) -> None:
    assert getattr(only(planned(workflow_of(job("A", profiles=profiles)))), attribute) == expected


def test_requests() -> None:
    asked = Profiles(pegasus={"cores": "2", "memory": "2048", "diskspace": "10", "runtime": "600"})
    commands = only(planned(workflow_of(job("A", profiles=asked)))).commands
    assert (commands["request_cpus"], commands["request_memory"], commands["request_disk"]) == ("2", "2048", "10240")
    assert commands["My.pegasus_job_runtime"] == "600"


def test_transformation_wins_over_site_wins_over_job() -> None:
    def env(value: str, *keys: str) -> Profiles:
        return Profiles(env=dict.fromkeys(keys, value))

    workflow = workflow_of(job("A", profiles=env("job", "a", "b", "c")), of_t=env("transformation", "a"))
    found = only(planned(workflow, Site(profiles=env("site", "a", "b"))))
    assert found.env == {"a": "transformation", "b": "site", "c": "job"}


def test_hello_sends_programs_and_input() -> None:
    found = planned(load(EXAMPLES / "hello" / "workflow.yml"))
    assert sorted(one.remote.relative_to(RUN).as_posix() for one in found.uploads) == [
        "executables/analyze",
        "executables/findrange",
        "executables/preprocess",
        "input/numbers.txt",
    ]
    assert [(one.name, one.depth, one.priority) for one in found.jobs] == [
        ("preprocess_ID0000001", 1, 10),
        ("findrange_ID0000002", 2, 20),
        ("findrange_ID0000003", 2, 20),
        ("analyze_ID0000004", 3, 30),
    ]


def test_same_plan_for_the_same_values() -> None:
    workflow = load(EXAMPLES / "variants" / "workflow.yml")
    assert planned(workflow) == planned(workflow)
