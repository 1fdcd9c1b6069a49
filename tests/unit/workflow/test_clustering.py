"""Whatever is put together: each task is in one job, after what it waits for, with its files."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roost.errors import UsageError
from roost.workflow import resuming
from roost.workflow.abstract import Job, Output, Workflow
from roost.workflow.clustering import Kind, Policy, wanted
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, PlannedJob, Site
from roost.workflow.invocation import LONG, decoded
from roost.workflow.planner import plan
from roost.workflow.profiles import Profiles
from roost.workflow.replicas import Replica
from roost.workflow.run_paths import RunPaths
from roost.workflow.shapes import MIXED
from roost.workflow.source import load
from roost.workflow.stampede import static_events
from roost.workflow.static_bp import from_static_bp
from roost.workflow.transformations import Kind as ProgramKind
from roost.workflow.transformations import Transformation

CLUSTERS = Path(__file__).parent / "data" / "pegasus-clusters"
EXAMPLES = Path(__file__).parents[3] / "examples"
RUN = PurePosixPath("/home/debian/runs/r1")
GIVEN = "given"


def planned(workflow: Workflow, *kinds: Kind, cores: int = 2, guesses: bool = False) -> ExecutableWorkflow:
    policy = Policy(kinds=frozenset(kinds), cores=cores, guesses=guesses)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    return plan(workflow, Site(), RunPaths(run=RUN), uuid="u", planned_at=at, policy=policy)


def task(
    number: int,
    *inputs: str,
    name: str = "t",
    pegasus: dict[str, str] | None = None,
    profiles: Profiles | None = None,
    stage_out: bool = False,
) -> Job:
    """It makes the file `fNUMBER`."""
    return Job(
        id=f"ID{number}",
        transformation=name,
        arguments=(str(number),),
        inputs=inputs or (GIVEN,),
        outputs=(Output(f"f{number}", stage_out=stage_out),),
        stdin=None,
        stdout=None,
        stderr=None,
        profiles=profiles or Profiles(pegasus=pegasus or {}),
        at=f"w.yml:{number}",
    )


def workflow_of(*tasks: Job, sent: frozenset[str] = frozenset(), **options: object) -> Workflow:
    makers = {output.lfn: one.id for one in tasks for output in one.outputs}
    transformations = {
        name: Transformation(
            name=name,
            kind=ProgramKind.STAGEABLE if name in sent else ProgramKind.INSTALLED,
            pfn=PurePath(f"/bin/{name}"),
            requires=(),
            profiles=Profiles(),
            at="t.yml:1",
        )
        for name in {one.transformation for one in tasks}
    }
    workflow = Workflow(
        name="w",
        source="w.yml",
        jobs=tasks,
        parents={
            one.id: parents
            for one in tasks
            if (parents := tuple(dict.fromkeys(makers[lfn] for lfn in one.inputs if lfn in makers)))
        },
        made_before={},
        replicas={GIVEN: Replica(lfn=GIVEN, local=PurePath("/l/x"), at="w:1")},
        transformations=transformations,
        site_profiles=Profiles(),
        retries=1,
    )
    return replace(workflow, **options)  # type: ignore[arg-type]


def ids(job: PlannedJob) -> list[str]:
    return [one.id for one in job.tasks]


def groups(found: ExecutableWorkflow) -> dict[str, list[str]]:
    """The jobs of several tasks."""
    return {job.name: ids(job) for job in found.jobs if len(job.tasks) > 1}


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    size = draw(st.integers(1, 24))
    profiles = st.fixed_dictionaries(
        {},
        optional={
            "label": st.sampled_from("AB"),
            "clusters.size": st.sampled_from("23"),
            "clusters.num": st.sampled_from("12"),
            "runtime": st.sampled_from(["0.1", "3", "600"]),
            "memory": st.sampled_from(["100", "900"]),
        },
    )
    tasks = []
    for number in range(size):
        inputs = draw(
            st.lists(st.sampled_from([GIVEN, *(f"f{one}" for one in range(number))]), unique=True, max_size=3)
        )
        tasks.append(
            task(
                number,
                *inputs,
                name=draw(st.sampled_from(["t", "u"])),
                pegasus=draw(profiles),
                stage_out=draw(st.booleans()),
            )
        )
    return workflow_of(*draw(st.permutations(tasks)))


@given(workflows(), st.frozensets(st.sampled_from(Kind)), st.integers(1, 8), st.booleans())
def test_any_clustering_is_the_same_workflow(
    workflow: Workflow, kinds: frozenset[Kind], cores: int, guesses: bool
) -> None:
    try:
        found = planned(workflow, *kinds, cores=cores, guesses=guesses)
    except UsageError:  # labels close a cycle: without them there is none
        with pytest.raises(UsageError, match="would wait for each other"):
            planned(workflow, Kind.LABEL)
        found = planned(workflow, *kinds - {Kind.LABEL}, cores=cores, guesses=guesses)
    assert sorted(one for job in found.jobs for one in ids(job)) == sorted(one.id for one in workflow.jobs)
    assert len({job.name for job in found.jobs}) == len(found.jobs)
    job_of = {one: job for job in found.jobs for one in ids(job)}
    expected = {
        (job_of[parent].name, job_of[child].name)
        for parent, child in workflow.edges
        if job_of[parent] is not job_of[child]
    }
    assert set(found.edges) == expected
    assert len(found.edges) == len(expected)
    present, done = set(workflow.replicas), set[str]()
    for job in found.jobs:
        assert set(found.parents.get(job.name, ())) <= done
        assert set(job.inputs) <= present
        inside = set(job.inputs)
        for one in job.tasks:
            assert set(one.inputs) <= inside
            inside |= {output.lfn for output in one.outputs}
        present |= {output.lfn for output in job.outputs}
        done.add(job.name)
    assert set(found.results) == {o.lfn for one in workflow.jobs for o in one.outputs if o.stage_out}


LEVELS = [task(1), task(2), task(3), task(4), task(5), task(6, "f1", "f2")]


def sized(**pegasus: str) -> Workflow:
    asked = {key.replace("_", "."): value for key, value in pegasus.items()}
    return workflow_of(*(one._replace(profiles=Profiles(pegasus=asked)) for one in LEVELS))


@pytest.mark.parametrize(
    ("workflow", "expected"),
    [
        (sized(clusters_size="2"), [["ID1", "ID2"], ["ID3", "ID4"]]),
        (sized(clusters_size="3"), [["ID1", "ID2", "ID3"], ["ID4", "ID5"]]),
        (sized(clusters_num="2"), [["ID1", "ID2", "ID3"], ["ID4", "ID5"]]),
        (sized(clusters_num="4"), [["ID1", "ID2"]]),
        (sized(clusters_num="1", clusters_size="2"), [["ID1", "ID2", "ID3", "ID4", "ID5"]]),
        (sized(clusters_num="9"), []),
        (sized(clusters_maxruntime="10", runtime="4"), [["ID1", "ID2"], ["ID3", "ID4"]]),
        (sized(clusters_maxruntime="3", runtime="4"), []),
    ],
)
def test_by_level(workflow: Workflow, expected: list[list[str]]) -> None:
    assert groups(planned(workflow)) == {}
    found = groups(planned(workflow, Kind.HORIZONTAL))
    assert found == {f"merge_t_PID1_ID{number}": some for number, some in enumerate(expected, start=1)}


def test_by_run_time_parts_are_even() -> None:
    """pegasus.clusterer.preference = Runtime: the longest first, each to what is shortest."""
    runtimes = {1: "9", 2: "1", 3: "2", 4: "6", 5: "4"}
    tasks = [task(number, pegasus={"clusters.num": "2", "runtime": one}) for number, one in runtimes.items()]
    found = planned(workflow_of(*tasks, clusters_by_runtime=True), Kind.HORIZONTAL)
    assert groups(found) == {"merge_t_PID1_ID1": ["ID1", "ID3"], "merge_t_PID1_ID2": ["ID2", "ID4", "ID5"]}
    assert [job.runtime for job in found.jobs] == ["11", "11"]


def test_run_time_has_to_be_known() -> None:
    tasks = [task(1, pegasus={"clusters.maxruntime": "9"}), task(2, pegasus={"clusters.maxruntime": "9"})]
    with pytest.raises(
        UsageError, match=r"w\.yml:1: 'ID1' is to be clustered by run time, and has no profile 'runtime'"
    ):
        planned(workflow_of(*tasks), Kind.HORIZONTAL)


def test_what_cannot_be_combined_is_kept_apart() -> None:
    asked = {"clusters.size": "9"}
    ways = [{"requirements": "x"}, {}, {"requirements": "x"}, {}]
    tasks = [task(number, profiles=Profiles(pegasus=asked, condor=way)) for number, way in enumerate(ways)]
    found = planned(workflow_of(*tasks), Kind.HORIZONTAL)
    assert list(groups(found).values()) == [["ID0", "ID2"], ["ID1", "ID3"]]


def test_a_job_asks_for_the_largest_and_each_task_has_its_environment() -> None:
    one = Profiles(
        pegasus={"label": "A", "memory": "900", "cores": "1", "runtime": "1.5"},
        env={"SAME": "s", "MINE": "1"},
        dagman={"retry": "1"},
    )
    other = Profiles(
        pegasus={"label": "A", "memory": "1000", "cores": "2", "gpus": "1", "runtime": "2"},
        env={"SAME": "s"},
        dagman={"retry": "4", "priority": "7"},
    )
    found = planned(workflow_of(task(1, profiles=one), task(2, "f1", name="u", profiles=other)), Kind.LABEL)
    (job,) = found.jobs
    assert job.name == "merge_A"
    commands = job.shape.commands
    assert {key: commands[f"request_{key}"] for key in ("cpus", "memory", "gpus")} == {
        "cpus": "2",
        "memory": "1000",
        "gpus": "1",
    }
    assert (job.runtime, job.retries, job.priority, job.shape.transformation) == ("3.5", 4, 7, MIXED)
    assert (job.shape.env, job.envs) == ({"SAME": "s"}, ({"MINE": "1"}, {}))
    assert [one.get("env") for one in told(found, job)["tasks"]] == [{"MINE": "1"}, None]


def test_what_is_used_inside_alone_does_not_travel() -> None:
    labels = {"label": "A"}
    tasks = [
        task(1, pegasus=labels),
        task(2, "f1", pegasus=labels),
        task(3, "f2", GIVEN, pegasus=labels, stage_out=True),
        task(4, "f2"),
    ]
    found = planned(workflow_of(*tasks), Kind.LABEL)
    job = found.jobs[0]
    assert (job.inputs, [one.lfn for one in job.outputs]) == ((GIVEN,), ["f2", "f3"])
    assert told(found, job)["home"] == ["f2", "f3"]


def test_labels_that_close_a_cycle() -> None:
    labels = {"label": "A"}
    tasks = [task(1, pegasus=labels), task(2, "f1"), task(3, "f2", pegasus=labels)]
    with pytest.raises(UsageError) as caught:
        planned(workflow_of(*tasks), Kind.LABEL)
    assert "'ID2' (w.yml:2) waits for 'ID1' (w.yml:1, label 'A')" in caught.value.message
    assert "'ID3' (w.yml:3, label 'A') waits for 'ID2' (w.yml:2)" in caught.value.message


def test_labels_that_cannot_be_one_job() -> None:
    tasks = [
        task(number, profiles=Profiles(pegasus={"label": "A"}, condor={"requirements": str(number % 2)}))
        for number in range(3)
    ]
    with pytest.raises(UsageError) as caught:
        planned(workflow_of(*tasks), Kind.LABEL)
    assert caught.value.message == (
        "w.yml:1: 'ID1' cannot be in one job with 'ID0' (w.yml:0), though both have the label 'A':"
        " their profiles differ in condor: requirements"
    )


def test_a_file_that_would_be_an_executable() -> None:
    labels = {"label": "A"}
    tasks = [task(1, name="f2", pegasus=labels), task(2, pegasus=labels)]
    with pytest.raises(UsageError, match="the file 'f2' of 'ID2' would have the name of the executable of 'f2'"):
        planned(workflow_of(*tasks, sent=frozenset({"f2"})), Kind.LABEL)


def test_label_under_another_key(tmp_path: Path) -> None:
    text = "pegasus: 5.0.4\nname: w\njobs:\n"
    for number in (1, 2):
        text += f"- {{type: job, name: t, id: ID{number}, profiles: {{pegasus: {{User_Label: p1, label: x}}}}}}\n"
    site = "{name: condorpool, pfn: /bin/t, type: installed}"
    text += f"transformationCatalog: {{transformations: [{{name: t, sites: [{site}]}}]}}\n"
    path = tmp_path / "workflow.yml"
    path.write_text(text)
    with pytest.raises(UsageError, match="unknown pegasus profile 'user_label'"):
        load(path)
    path.with_name("pegasus.properties").write_text("pegasus.clusterer.label.key = user_label\n")
    assert groups(planned(load(path), Kind.LABEL)) == {"merge_p1": ["ID1", "ID2"]}


def test_whole() -> None:
    found = planned(workflow_of(*LEVELS), Kind.WHOLE)
    assert groups(found) == {"merge_whole-wf": ["ID1", "ID2", "ID3", "ID4", "ID5", "ID6"]}
    assert found.edges == ()


def short(many: int, seconds: str, **pegasus: str) -> list[Job]:
    profiles = Profiles(pegasus={"runtime": seconds, **pegasus})
    return [task(number)._replace(profiles=profiles) for number in range(many)]


@pytest.mark.parametrize(
    ("tasks", "cores", "jobs", "notes"),
    [
        (short(1000, "0.1"), 2, 8, ("1,000 tasks of 0.1 s (t) are run as 8 jobs",)),
        (short(1000, "0.1"), 100, 100, ("1,000 tasks of 0.1 s (t) are run as 100 jobs",)),
        (short(1000, "10"), 2, 167, ("1,000 tasks of 10 s (t) are run as 167 jobs",)),
        (short(10, "0.1"), 2, 2, ("10 tasks of 0.1 s (t) are run as 2 jobs",)),
        (short(100, "0.1", cores="2"), 4, 2, ("100 tasks of 0.1 s (t) are run as 2 jobs",)),
        (short(100, "0.1", diskspace="1024"), 4, 25, ("100 tasks of 0.1 s (t) are run as 25 jobs",)),
        (short(100, "0.1"), 0, 100, ()),  # nobody knows how many cores there are
        (short(100, "0.1"), 80, 100, ()),
        (short(1000, "600"), 2, 1000, ()),
    ],
)
def test_short_tasks(tasks: list[Job], cores: int, jobs: int, notes: tuple[str, ...]) -> None:
    found = planned(workflow_of(*tasks), Kind.AUTO, cores=cores)
    assert (len(found.jobs), found.notes) == (jobs, notes)
    sizes = [len(job.tasks) for job in found.jobs]
    assert max(sizes) - min(sizes) <= 1
    assert all(job.apart for job in found.jobs if len(job.tasks) > 1)


def test_run_times_that_nobody_says() -> None:
    workflow = workflow_of(*[task(number) for number in range(1000)])
    assert groups(planned(workflow, Kind.AUTO)) == {}
    found = planned(workflow, Kind.AUTO, guesses=True)
    assert (len(found.jobs), found.notes) == (125, ("1,000 tasks (t) are run as 125 jobs",))


def test_chains_are_one_job_each() -> None:
    """Lanes of three short steps, side by side: no job waits for another lane's."""
    profiles = Profiles(pegasus={"runtime": "1"})
    tasks = [
        task(10 * lane + step, *([f"f{10 * lane + step - 1}"] if step else []), name="tuv"[step], profiles=profiles)
        for step in range(3)
        for lane in range(40)
    ]
    found = planned(workflow_of(*tasks), Kind.AUTO)
    assert found.edges == ()
    assert len(found.jobs) == 8
    assert ids(found.jobs[0])[:4] == ["ID0", "ID1", "ID2", "ID10"]
    assert not any(job.outputs for job in found.jobs)
    assert found.notes == ("120 tasks of 1 s (t, u, v) are run as 8 jobs",)


def test_neighbours_wait_for_the_same() -> None:
    """A level whose tasks each wait for one task of the level before, in another order."""
    first = [task(number, pegasus={"runtime": "1"}) for number in range(64)]
    second = [
        task(100 + number, f"f{(37 * number) % 64}", GIVEN, name="u", pegasus={"runtime": "1"}) for number in range(64)
    ]
    joint = [task(999, *(f"f{number}" for number in range(64)))]  # so that they are no chains
    found = planned(workflow_of(*first, *second, *joint), Kind.AUTO)
    edges = [len(parents) for name, parents in found.parents.items() if name.startswith("merge_u")]
    assert edges == [1] * 8


def test_profiles_without_an_option_are_told() -> None:
    workflow = workflow_of(task(1, pegasus={"clusters.size": "2", "label": "A"}), task(2))
    assert planned(workflow, Kind.AUTO).notes == (
        "the profile 'clusters.size' (t) has no effect without --cluster horizontal",
        "the profile 'label' (t) has no effect without --cluster label",
    )


def test_by_default_profiles_say_it() -> None:
    tasks = [task(number, pegasus=asked) for number, asked in enumerate([{"label": "A"}, {"clusters.size": "2"}] * 2)]
    policy = wanted("", cores=2)
    at = datetime(2026, 11, 20, tzinfo=UTC)
    found = plan(workflow_of(*tasks), Site(), RunPaths(run=RUN), uuid="u", planned_at=at, policy=policy)
    assert groups(found) == {"merge_A": ["ID0", "ID2"], "merge_t_PID1_ID1": ["ID1", "ID3"]}
    assert found.notes == ("4 tasks are run as 2 clustered jobs",)


def test_what_is_long_goes_as_a_file() -> None:
    tasks = [
        task(number)._replace(arguments=tuple(f"{number * place * 7919:x}" for place in range(99)))
        for number in range(300)
    ]
    found = planned(workflow_of(*tasks), Kind.WHOLE)
    files: dict[str, str] = {}
    lines = "".join(dag_lines(found, files)).splitlines()
    (name,) = files
    (node,) = [line for line in lines if line.startswith("VARS ")]
    assert name == "merge_whole-wf.tasks"
    assert len(files[name]) > LONG
    assert f'invocation="@{name}:' in node
    assert f"../submit/{name}" in node
    assert [one["id"] for one in decoded(files[name])["tasks"]] == [one.id for one in tasks]
    other = planned(workflow_of(tasks[1], tasks[0], *tasks[2:]), Kind.WHOLE)
    assert node not in "".join(dag_lines(other, {})).splitlines()


@pytest.mark.parametrize(
    ("kind", "profiles"),
    [
        (Kind.HORIZONTAL, {"ID0000002": {"clusters.size": "2"}, "ID0000003": {"clusters.size": "2"}}),
        (Kind.LABEL, {f"ID000000{number}": {"label": "AABB"[number - 1]} for number in (1, 2, 3, 4)}),
    ],
)
def test_as_pegasus_does_it(kind: Kind, profiles: dict[str, dict[str, str]]) -> None:
    """What pegasus-plan 5.1.2 made of such a diamond, by the events that it wrote: its compute jobs."""
    recorded = from_static_bp((CLUSTERS / f"{kind}.static.bp").read_text().splitlines())
    workflow = load(EXAMPLES / "hello" / "workflow.yml")
    tasks = tuple(
        one._replace(profiles=Profiles(pegasus=profiles[one.id])) if one.id in profiles else one
        for one in workflow.jobs
    )
    found = planned(replace(workflow, jobs=tasks), kind)
    assert {job.name: tuple(ids(job)) for job in found.jobs} == recorded.tasks_of
    assert set(found.edges) == {edge for edge in recorded.edges if set(edge) <= recorded.tasks_of.keys()}
    told = from_static_bp(list(static_events(found)))
    assert told.tasks_of == recorded.tasks_of


def test_what_is_left_of_a_run_is_whole_jobs() -> None:
    labels = {"label": "A"}
    tasks = [task(1, pegasus=labels), task(2, "f1", pegasus=labels), task(3, "f2"), task(4, "f3", stage_out=True)]
    found = planned(workflow_of(*tasks), Kind.LABEL)
    done = {"merge_A", "t_ID3"}
    kept = {found.remote(lfn) for lfn in ("f2", "f3")} | {found.remote_sums(name) for name in done}
    assert resuming.unfinished(found, done, kept.__contains__) == {"t_ID4"}
    assert resuming.unfinished(found, done, (kept - {found.remote("f3")}).__contains__) == {"t_ID3", "t_ID4"}
    lost = kept - {found.remote(lfn) for lfn in ("f2", "f3")}
    assert resuming.unfinished(found, done, lost.__contains__) == {"merge_A", "t_ID3", "t_ID4"}


def told(found: ExecutableWorkflow, job: PlannedJob) -> dict[str, Any]:
    """What its wrapper is told."""
    (line,) = [line for line in "".join(dag_lines(found)).splitlines() if line.startswith(f"VARS {job.name} ")]
    return decoded(line.partition('invocation="')[2].rstrip('"'))
