"""Whatever the graph: every task is planned once, every edge is kept, parents come before children."""

from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.workflow.abstract import Job, Output, Workflow
from roost.workflow.executable import ExecutableWorkflow, PlannedJob, Site, stored_name
from roost.workflow.planner import plan
from roost.workflow.profiles import Profiles
from roost.workflow.replicas import Replica
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.transformations import Kind, Transformation

EXAMPLES = Path(__file__).parents[3] / "examples"
RUN = PurePosixPath("/home/debian/runs/r1")
UUID = "d2bd8b9f-a189-4919-87b4-b92cc9d226b3"
AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def planned(workflow: Workflow, site: Site | None = None) -> ExecutableWorkflow:
    return plan(workflow, site or Site(), RunPaths(run=RUN), uuid=UUID, planned_at=AT)


def job(job_id: str, *outputs: Output, inputs: tuple[str, ...] = (), profiles: Profiles | None = None) -> Job:
    return Job(
        id=job_id,
        transformation="t",
        arguments=(),
        inputs=inputs,
        outputs=outputs,
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
        parents={child: tuple(one for one, other in edges if other == child) for _, child in edges},
        replicas={"in put": Replica(lfn="in put", local=PurePath("/l/x"), at="w:1")},
        made_before={},
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
    assert sorted(found.edges) == sorted((names[parent], names[child]) for parent, child in workflow.edges)
    place = {one.name: number for number, one in enumerate(found.jobs)}
    depth = {one.name: one.level for one in found.jobs}
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


def test_files_go_where_they_belong() -> None:
    outputs = (Output("d/kept", stage_out=True), Output("d/between"))
    found = planned(workflow_of(job("A", *outputs, inputs=("in put",))))
    assert [(str(one.local), str(one.remote)) for one in found.uploads] == [("/l/x", f"{RUN}/scratch/in%20put")]
    assert found.places == {
        "in put": "in%20put",
        "d/kept": "../output/d%2Fkept",
        "d/between": "d%2Fbetween",
    }
    assert found.results == {"d/kept": RUN / "output/d%2Fkept"}
    assert only(found).inputs == ("in put",)


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
    found = only(planned(workflow_of(job("A", profiles=profiles))))
    assert getattr(found if attribute == "priority" else found.shape, attribute) == expected


def test_requests() -> None:
    asked = Profiles(pegasus={"cores": "2", "memory": "2048", "diskspace": "10", "runtime": "600"})
    found = only(planned(workflow_of(job("A", profiles=asked))))
    commands = found.shape.commands
    assert (commands["request_cpus"], commands["request_memory"], commands["request_disk"]) == ("2", "2048", "10240")
    assert found.runtime == "600"


def test_jobs_that_ask_alike_share_a_shape() -> None:
    jobs = [job(str(number), profiles=Profiles(pegasus={"runtime": str(number)})) for number in range(1, 9)]
    found = planned(workflow_of(*jobs, job("big", profiles=Profiles(pegasus={"memory": "4096"}))))
    assert len({id(one.shape) for one in found.jobs}) == 2
    assert [one.runtime for one in found.jobs] == ["1", "2", "3", "4", "5", "6", "7", "8", "0"]


def test_transformation_wins_over_site_wins_over_job() -> None:
    def env(value: str, *keys: str) -> Profiles:
        return Profiles(env=dict.fromkeys(keys, value))

    workflow = workflow_of(job("A", profiles=env("job", "a", "b", "c")), of_t=env("transformation", "a"))
    found = only(planned(workflow, Site(profiles=env("site", "a", "b"))))
    assert found.shape.env == {"a": "transformation", "b": "site", "c": "job"}


def test_hello_sends_programs_and_input() -> None:
    found = planned(load(EXAMPLES / "hello" / "workflow.yml"))
    assert sorted(one.remote.relative_to(RUN).as_posix() for one in found.uploads) == [
        "executables/analyze",
        "executables/findrange",
        "executables/preprocess",
        "scratch/numbers.txt",
    ]
    assert [(one.name, one.level, one.priority) for one in found.jobs] == [
        ("preprocess_ID0000001", 1, 30),
        ("findrange_ID0000002", 2, 20),
        ("findrange_ID0000003", 2, 20),
        ("analyze_ID0000004", 3, 10),
    ]


def test_same_plan_for_the_same_values() -> None:
    workflow = load(EXAMPLES / "variants" / "workflow.yml")
    assert planned(workflow) == planned(workflow)
