"""Workflows that tasks make: planned where they are made, and again, with the same plan, where the run is followed."""

import json
import zipfile
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import pytest
from hierarchies import Job, described, written

from roost.errors import UsageError
from roost.workflow import submit_dir
from roost.workflow.attempts import JobState
from roost.workflow.dag import dag_lines
from roost.workflow.dag_parts import NOT_PLANNED
from roost.workflow.deferred import plan_deferred
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.flattening import flattened
from roost.workflow.history import RunHistory
from roost.workflow.nesting import all_uploads, members
from roost.workflow.part_planning import main, planned_again
from roost.workflow.planner_archive import planner_archive
from roost.workflow.planning import Options, planned
from roost.workflow.progress import begin, extend, fold
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.stampede import static_events
from roost.workflow.static_bp import from_static_bp
from roost.workflow.whole import whole
from roost.yaml_lines import parse_yaml

RUN = PurePosixPath("/r")
NODE = "pegasus-plan_ID2"
LATE = {
    "first": Job(inputs=["part"], outputs=["tmp"]),
    "second": Job(inputs=["tmp"], results=["late"]),
}


def late_yaml(directory: Path, **more: Job) -> tuple[str, list[Any]]:
    """(the workflow without a catalog, its programs)."""
    about = described("late", {**LATE, **more}, directory / "programs")
    programs = about.pop("transformationCatalog")["transformations"]
    return json.dumps(about, indent=1), programs


def plan(directory: Path, *, is_there: bool, run: PurePosixPath = RUN) -> ExecutableWorkflow:
    makes = [] if is_there else ["late.yml"]
    outer = {
        "make": Job(outputs=["part", *makes]),
        "later": Job(inner="late.yml", inputs=["part"], results=["late"]),
        "after": Job(inputs=["late"], results=["all"]),
    }
    path = written(directory, {"outer": outer, "late": LATE} if is_there else {"outer": outer}, retries=1)
    text, programs = late_yaml(directory)
    if is_there:
        (directory / "late.yml").write_text(text)
    top = json.loads(path.read_text())
    top["transformationCatalog"]["transformations"] += programs
    path.write_text(json.dumps(top, indent=1))
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    return planned(load(path), Site(), RunPaths(run=run), Options(), uuid="u", planned_at=moment)


def test_the_plan_is_the_same_as_beforehand(tmp_path: Path) -> None:
    """But for where its programs come from, and the line that a task is on."""
    (tmp_path / "one").mkdir()
    later = plan(tmp_path / "one", is_there=False)
    made = planned_again(later.deferred[NODE].context, late_yaml(tmp_path / "one")[0], "late.yml")
    before = plan(tmp_path / "one", is_there=True).parts[NODE]
    assert "".join(dag_lines(made)) == "".join(dag_lines(before))
    assert "".join(static_events(made)) == "".join(static_events(before))
    assert (made.uuid, made.paths, made.around.wanted) == (before.uuid, before.paths, before.around.wanted)
    assert made.around.given["part"] == before.around.given["part"]


def test_what_is_planned_later_is_prepared(tmp_path: Path) -> None:
    found = plan(tmp_path, is_there=False)
    text = "".join(dag_lines(found))
    log = "-Dpegasus.log.*=/r/submit/pegasus-plan_ID2.pre.log "
    where = "/r/submit/planner.pyz /r/submit/late_ID2.000 /r/scratch/late.yml"
    assert f"SCRIPT PRE {NODE} /r/submit/plan.sh {log}{where}\n" in text
    assert f"RETRY {NODE} 1 UNLESS-EXIT 65\n" in text
    sent = {upload.local.name for upload in all_uploads(found)}
    assert {"outer-make", "outer-after", "late-first", "late-second"} <= sent
    assert any("when it has been made" in note for note in found.notes)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"third": Job(inputs=["nowhere"])}, "late.yml:44: 'nowhere' is used by 'ID3', made by no job"),
        ({"second": Job(inputs=["tmp"], results=["other"])}, "late.yml:1: no task makes 'late'"),
        ({"third": Job(script="", inputs=["part"], arguments=["'"])}, "late.yml:42: an argument cannot be"),
    ],
)
def test_mistakes_have_lines(tmp_path: Path, more: dict[str, Job], said: str) -> None:
    context = plan(tmp_path, is_there=False).deferred[NODE].context
    with pytest.raises(UsageError) as raised:
        planned_again(context, late_yaml(tmp_path, **more)[0], "late.yml")
    assert said in raised.value.message


def test_a_file_of_this_machine_that_was_not_sent_is_told(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("")
    context = json.loads(plan(tmp_path, is_there=False).deferred[NODE].context)
    pfns = [{"lfn": "given", "pfns": [{"site": "local", "pfn": str(tmp_path / "given")}]}]
    source = {"source": "replicas.yml", "value": {"replicas": pfns}, "directory": str(tmp_path)}
    context["catalogs"]["replicas"].append(source)
    text, _ = late_yaml(tmp_path, first=Job(inputs=["part", "given"], outputs=["tmp"]))
    with pytest.raises(UsageError, match="the input file 'given' is not there"):
        plan_deferred(json.dumps(context), parse_yaml(text, "late.yml"))


def test_it_becomes_known_while_it_runs(tmp_path: Path) -> None:
    found = whole(plan(tmp_path, is_there=False))
    progress = begin(found)
    log = [
        event("000 (001", "make_ID1"),
        ENDED.format(cluster="001"),
        event("000 (002", NODE),
        RUNS.format(cluster="002"),
    ]
    fold(progress, "".join(log))
    assert (progress.total, progress.totals[JobState.RUNNING]) == (3, 1)
    part = planned_again(found.deferred[NODE].context, late_yaml(tmp_path)[0], "late.yml")
    extend(progress, NODE, *found.adopt(NODE, part))
    assert not found.deferred
    assert (progress.total, progress.totals[JobState.RUNNING]) == (4, 0)  # its own jobs count, not it
    assert progress.jobs["late_ID2/first_ID1"].state is JobState.READY
    fold(progress, event("000 (003", "first_ID1") + ENDED.format(cluster="003"), "late_ID2/")
    assert progress.jobs["late_ID2/second_ID2"].state is JobState.READY
    fold(progress, ENDED.format(cluster="002").replace("value 0", "value 1"))
    for cluster in ("004", "005"):
        failed = ENDED.format(cluster=cluster).replace("value 0", "value 3")
        fold(progress, event(f"000 ({cluster}", "second_ID2") + failed, "late_ID2/")
    assert [job.name for job in progress.failed] == ["late_ID2/second_ID2"]
    fold(progress, event("000 (006", NODE))  # tried again: its DAGMan goes on, with all retries
    assert progress.failed == ()
    again = {name: (job.state, job.retries) for name, job in progress.jobs.items() if name.startswith("late_ID2/")}
    assert again == {"late_ID2/first_ID1": (JobState.DONE, 1), "late_ID2/second_ID2": (JobState.READY, 3)}
    assert [one.prefix for one in members(found.executable)] == ["", "late_ID2/"]


def test_histories_are_joined(tmp_path: Path) -> None:
    outer = plan(tmp_path, is_there=True)

    def history(executable: ExecutableWorkflow, **more: Any) -> RunHistory:
        static = from_static_bp(static_events(executable))
        return RunHistory(name="", directory="", plan=static, progress=begin(static), dag_runs=(), records={}, **more)

    inner = history(outer.parts[NODE], part="late_ID2", node=NODE)
    found = flattened(history(outer, subworkflows=(inner,)))
    assert set(found.progress.jobs) == {"make_ID1", "after_ID3", "late_ID2/first_ID1", "late_ID2/second_ID2"}
    assert set(found.plan.edges) == {
        ("make_ID1", "late_ID2/first_ID1"),
        ("late_ID2/first_ID1", "late_ID2/second_ID2"),
        ("late_ID2/second_ID2", "after_ID3"),
    }
    assert ("late_ID2/ID2", "ID3") in found.plan.task_edges


def test_the_planner_is_one_file() -> None:
    names = zipfile.ZipFile(BytesIO(planner_archive())).namelist()
    assert {"__main__.py", "roost/workflow/part_planning.py", "vendored/yaml/__init__.py"} <= set(names)
    assert not [name for name in names if name.startswith(("roost/verbs", "roost/cloud", "roost/pool"))]


RUNS = "001 ({cluster}.000.000) 2026-11-21 10:00:01 Job executing on host: <x>\n...\n"
ENDED = "005 ({cluster}.000.000) 2026-11-21 10:00:02 Job terminated.\n\t(1) Normal termination (return value 0)\n...\n"


def event(begin_with: str, node: str) -> str:
    return f"{begin_with}.000.000) 2026-11-21 10:00:00 Job submitted from host: <x>\n    DAG Node: {node}\n...\n"


def test_the_access_point_plans_it_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = PurePosixPath(tmp_path / "r")
    found = plan(tmp_path, is_there=False, run=run)
    submit_dir.write(found, tmp_path / "r")
    for upload in all_uploads(found):
        Path(upload.remote).write_bytes(Path(upload.local).read_bytes())
    later = found.deferred[NODE]
    words = str(later.paths.submit), str(later.file)
    assert main(*words) == NOT_PLANNED
    assert "roost: late.yml cannot be planned: " in capsys.readouterr().out
    Path(later.file).write_text(late_yaml(tmp_path)[0])
    claim = tmp_path / "r" / "results" / "late"
    assert claim.read_text() == ""  # the outer workflow's, as its job says
    assert main(*words) == 0
    assert capsys.readouterr().out.endswith("late.yml: planned as 2 jobs\n")
    made = {path.name for path in Path(later.paths.submit).iterdir()}
    assert {"late-0.dag", "late-0.static.bp", "braindump.yml", "invoke.pyz", "workflow.yml"} <= made
    assert {path.name for path in Path(later.paths.executables).iterdir()} >= {"first", "second"}
    Path(later.file).unlink()
    assert main(*words) == 0
    assert capsys.readouterr().out.startswith("planned already")


def test_a_result_that_another_workflow_makes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = PurePosixPath(tmp_path / "r")
    found = plan(tmp_path, is_there=False, run=run)
    submit_dir.write(found, tmp_path / "r")
    later = found.deferred[NODE]
    first = Job(inputs=["part"], outputs=["tmp"], results=["all"])
    Path(later.file).write_text(late_yaml(tmp_path, first=first)[0])
    assert main(str(later.paths.submit), str(later.file)) == NOT_PLANNED
    assert "the result 'all' is made by the workflow around it too" in capsys.readouterr().out
    assert not (Path(later.paths.submit) / "workflow.yml").exists()
