"""Workflows that are parts of others: what is read, what is planned, what is told to be wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from hierarchies import Job, written

from roost.errors import UsageError
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.invocation import decoded
from roost.workflow.nesting import members
from roost.workflow.planning import Options, planned
from roost.workflow.resuming import needed, unfinished
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.stampede import braindump, static_events
from roost.workflow.whole import whole

RUN = PurePosixPath("/r")
OUTER = {
    "make": Job(outputs=["part", "tmp"]),
    "sub": Job(inner="inner.yml", inputs=["part"], outputs=["made"], results=["result"]),
    "after": Job(inputs=["made", "tmp"], results=["all"]),
}
INNER = {
    "make": Job(inputs=["part"], outputs=["tmp", "made"]),
    "deep": Job(inner="deep.yml", inputs=["tmp", "part"], results=["result"]),
    "more": Job(inputs=["result", "tmp"], results=["extra"]),
}
DEEP = {"make": Job(inputs=["tmp", "part"], results=["result"])}
ALL = {"outer": OUTER, "inner": INNER, "deep": DEEP}


def plan(directory: Path, workflows: dict[str, dict[str, Job]], cleanup: str | None = None) -> ExecutableWorkflow:
    workflow = load(written(directory, workflows, retries=1))
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    return planned(workflow, Site(), RunPaths(run=RUN), Options(cleanup=cleanup), uuid="u", planned_at=moment)


def variables(executable: ExecutableWorkflow, node: str, name: str) -> str:
    line = next(
        line for text in dag_lines(executable) for line in text.splitlines() if line.startswith(f"VARS {node} ")
    )
    return line.partition(f'{name}="')[2].partition('"')[0]


def test_each_is_a_workflow_of_its_own(tmp_path: Path) -> None:
    found = plan(tmp_path, ALL)
    assert [(one.prefix, one.node, str(one.workflow.paths.submit)) for one in members(found)] == [
        ("", "", "/r/submit"),
        ("inner_ID2/", "pegasus-plan_ID2", "/r/submit/inner_ID2.000"),
        ("inner_ID2/deep_ID2/", "inner_ID2/pegasus-plan_ID2", "/r/submit/inner_ID2.000/deep_ID2.000"),
    ]
    inner = found.parts["pegasus-plan_ID2"]
    assert 'root_wf_uuid: "u"' in braindump(inner)
    assert f'wf_uuid: "{inner.uuid}"' in braindump(inner)
    assert inner.uuid == plan(tmp_path, ALL).parts["pegasus-plan_ID2"].uuid != "u"
    events = "".join(static_events(found))
    assert 'task.id="ID2" type="10" type_desc="dax" transformation="pegasus::pegasus-plan"' in events
    assert 'job.id="pegasus-plan_ID2" submit_file="pegasus-plan_ID2.sub" type="10" type_desc="dax"' in events


@pytest.mark.parametrize(
    ("path", "lfn", "place"),
    [
        ((), "part", "/r/scratch/part"),
        (("inner",), "part", "/r/scratch/part"),
        (("inner", "deep"), "part", "/r/scratch/part"),
        ((), "tmp", "/r/scratch/tmp"),
        (("inner",), "tmp", "/r/parts/inner_ID2/scratch/tmp"),  # another file of that name
        (("inner", "deep"), "tmp", "/r/parts/inner_ID2/scratch/tmp"),
        (("inner",), "made", "/r/scratch/made"),
        (("inner", "deep"), "result", "/r/output/result"),
        (("inner",), "extra", "/r/output/extra"),
    ],
)
def test_where_files_are(tmp_path: Path, path: tuple[str, ...], lfn: str, place: str) -> None:
    found = plan(tmp_path, ALL)
    for _ in path:
        found = found.parts["pegasus-plan_ID2"]
    assert str(found.remote(lfn)) == place


def test_checksums_go_with_files(tmp_path: Path) -> None:
    found = plan(tmp_path, ALL)
    inner = found.parts["pegasus-plan_ID2"]
    deep = inner.parts["pegasus-plan_ID2"]
    assert variables(found, "after_ID3", "inputs").split(",")[:2] == ["made", "tmp"]
    assert "make_ID1.sha256,pegasus-plan_ID2.sums/" in variables(found, "after_ID3", "inputs")
    assert decoded(variables(found, "after_ID3", "invocation"))["only"] == {"inner_ID2.": ["made"]}
    made = "make_ID1.sha256=../../../scratch/pegasus-plan_ID2.sums/inner_ID2.make_ID1.sha256"
    assert variables(inner, "make_ID1", "outputs").split(";") == ["made=../../../scratch/made", made]
    assert decoded(variables(deep, "make_ID1", "invocation"))["only"] == {
        "inner_ID2.make_ID1.sha256": ["tmp"],
        "make_ID1.sha256": ["part"],
    }
    assert decoded(variables(inner, "more_ID3", "invocation"))["only"] == {"inner_ID2.deep_ID2.": ["result"]}


def test_the_whole_is_one_graph(tmp_path: Path) -> None:
    found = whole(plan(tmp_path, ALL))
    assert [job.name for job in found.jobs] == [
        *("make_ID1", "pegasus-plan_ID2", "after_ID3"),
        *("inner_ID2/make_ID1", "inner_ID2/pegasus-plan_ID2", "inner_ID2/more_ID3", "inner_ID2/deep_ID2/make_ID1"),
    ]
    assert {
        ("make_ID1", "inner_ID2/make_ID1"),
        ("inner_ID2/make_ID1", "inner_ID2/deep_ID2/make_ID1"),
        ("inner_ID2/deep_ID2/make_ID1", "inner_ID2/pegasus-plan_ID2"),
        ("inner_ID2/more_ID3", "pegasus-plan_ID2"),
    } <= set(found.edges)


def test_what_is_left_of_a_run(tmp_path: Path) -> None:
    """A file of a part that is lost is made again, by that job alone; and what it needs is brought along."""
    found = plan(tmp_path, ALL)
    every = {job.name for job in whole(found).jobs}
    done = every - {"after_ID3"}
    kept = {found.remote("tmp"), found.remote_sums("make_ID1"), found.remote("result")}
    inner = found.parts["pegasus-plan_ID2"]
    kept |= {inner.remote("extra"), found.remote("part")}
    left = unfinished(found, done, kept.__contains__)
    assert left == {"after_ID3", "inner_ID2/make_ID1", "pegasus-plan_ID2"}
    assert found.remote("part") in needed(found, left)
    everything = unfinished(found, every, lambda _: True)
    assert everything == frozenset()


def test_cleanup_waits_for_parts(tmp_path: Path) -> None:
    found = plan(tmp_path, ALL, cleanup="inplace")
    removed = {place: job.name for job in found.jobs for place in job.chores.remove}
    assert "pegasus-plan_ID2" in found.parents[removed["part"]]
    assert "after_ID3" in found.parents[removed["made"]]
    inner = found.parts["pegasus-plan_ID2"]
    assert {place for job in inner.jobs for place in job.chores.remove} == {"tmp"}


def changed(name: str, **jobs: Job) -> dict[str, dict[str, Job]]:
    return {**ALL, name: {**ALL[name], **jobs}}


MISTAKES = [
    (changed("outer", sub=Job(inner="inner.yml", inputs=["part"], results=["nothing"])), "no task of"),
    (changed("outer", sub=Job(inner="inne.yml", inputs=["part"], results=["made"])), "did you mean 'inner.yml'"),
    (changed("deep", again=Job(inner="inner.yml", inputs=["part"])), "inner.yml -> deep.yml -> inner.yml"),
    (changed("deep", other=Job(inputs=["nowhere"])), "'nowhere' is used by 'ID2', made by no job"),
    (changed("inner", other=Job(results=["all"])), "the result 'all' is made here too"),
    (
        changed("outer", sub=Job(inner="inner.yml", arguments=["--bananas"], inputs=["part"], outputs=["made"])),
        "'--bananas' is no option of pegasus-plan",
    ),
]


@pytest.mark.parametrize(("workflows", "said"), MISTAKES)
def test_mistakes(tmp_path: Path, workflows: dict[str, dict[str, Job]], said: str) -> None:
    with pytest.raises(UsageError) as raised:
        plan(tmp_path, workflows)
    assert said in raised.value.message


def test_mistakes_of_all_workflows_are_told_at_once(tmp_path: Path) -> None:
    wrong = {**changed("deep", other=Job(inputs=["nowhere"])), "outer": {**OUTER, "other": Job(inputs=["neither"])}}
    with pytest.raises(UsageError) as raised:
        plan(tmp_path, wrong)
    assert len(raised.value.message.splitlines()) == 2
    assert f"{tmp_path / 'deep.yml'}:" in raised.value.message


def test_options_of_a_part(tmp_path: Path) -> None:
    asked = Job(
        inner="inner.yml",
        arguments=["--basename", "mine", "--cleanup", "inplace", "--dir", "work", "-vvv"],
        inputs=["part"],
        outputs=["made"],
        results=["result"],
        profiles={"dagman": {"MAXJOBS": 3, "RETRY": 5, "CATEGORY": "big"}},
    )
    found = plan(tmp_path, changed("outer", sub=asked))
    inner = found.parts["pegasus-plan_ID2"]
    assert (inner.dag, inner.dagman) == ("mine-0.dag", {"DAGMAN_MAX_JOBS_SUBMITTED": "3"})
    assert any(job.chores.remove for job in inner.jobs)
    text = "".join(dag_lines(found))
    assert "RETRY pegasus-plan_ID2 5" in text
    assert "CATEGORY pegasus-plan_ID2 big" in text
    assert [note for note in found.notes if "dir=work" in note]


def test_catalogs_are_inherited_and_the_own_win(tmp_path: Path) -> None:
    path = written(tmp_path, ALL)
    inner = json.loads((tmp_path / "inner.yml").read_text())
    del inner["transformationCatalog"]
    (tmp_path / "inner.yml").write_text(json.dumps(inner))
    with pytest.raises(UsageError, match="unknown transformation 'more'"):
        load(path)
    found = {
        "transformations": [
            {"name": "more", "sites": [{"name": "condorpool", "pfn": "/usr/bin/more", "type": "installed"}]}
        ]
    }
    (tmp_path / "transformations.yml").write_text(json.dumps(found))
    read = load(path).subs["ID2"].workflow
    assert read is not None
    assert str(read.transformations["more"].pfn) == "/usr/bin/more"
    assert read.transformations["make"].pfn.name == "outer-make"
