"""What is left of a run, and whether it may be resumed."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from roost.errors import UsageError
from roost.workflow import planning, resuming
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, Site
from roost.workflow.planner import plan
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load

RUN = PurePosixPath("/home/debian/runs/one")
WORKFLOW = """\
pegasus: "5.0.4"
name: chain
transformationCatalog:
  transformations:
    - {name: t, sites: [{name: condorpool, pfn: /bin/true, type: installed}]}
jobs:
  - {type: job, name: t, id: A, arguments: [], uses: [{lfn: a, type: output, stageOut: false}]}
  - type: job
    name: t
    id: B
    arguments: [B_ARGUMENT]
    uses: [{lfn: a, type: input}, {lfn: b, type: output, stageOut: false}]
  - {type: job, name: t, id: C, arguments: [], uses: [{lfn: b, type: input}, {lfn: c, type: output}]}
  - {type: job, name: t, id: D, arguments: [], uses: [{lfn: c, type: input}]}
"""
A, B, C, D = "t_A", "t_B", "t_C", "t_D"
PART_A, PART_B, RESULT_C = RUN / "scratch" / "a", RUN / "scratch" / "b", RUN / "output" / "c"
SUMS_A, SUMS_B, SUMS_C = (RUN / "scratch" / f"{name}.sha256" for name in (A, B, C))


def planned(directory: Path, text: str = WORKFLOW, run: PurePosixPath = RUN) -> ExecutableWorkflow:
    path = directory / "workflow.yml"
    path.write_text(text)
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return plan(load(path), Site(), RunPaths(run=run), uuid="1", planned_at=at)


def with_options(path: Path, options: planning.Options) -> ExecutableWorkflow:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    return planning.planned(load(path), Site(), RunPaths(run=RUN), options, uuid="1", planned_at=at)


@pytest.mark.parametrize(
    ("done", "kept", "left", "sent"),
    [
        (set(), set(), {A, B, C, D}, ()),
        ({A}, {PART_A, SUMS_A}, {B, C, D}, (PART_A, SUMS_A)),
        ({A}, set(), {A, B, C, D}, ()),  # its file is lost
        ({A}, {PART_A}, {A, B, C, D}, ()),  # nobody knows what it was
        ({A, B}, {PART_A, PART_B, SUMS_A, SUMS_B}, {C, D}, (PART_B, SUMS_B)),
        ({A, B}, {PART_A, SUMS_A}, {B, C, D}, (PART_A, SUMS_A)),  # one step back, not two
        ({A, B, C}, {RESULT_C, SUMS_C}, {D}, (RESULT_C, SUMS_C)),
        ({A, B, C}, {PART_B, SUMS_B}, {C, D}, (PART_B, SUMS_B)),  # a result is wanted for itself
        ({A, B, C, D}, {RESULT_C}, set(), ()),
        ({A, B, C, D}, {PART_B, SUMS_B}, {C}, (PART_B, SUMS_B)),
    ],
)
def test_what_is_left(
    tmp_path: Path,
    done: set[str],
    kept: set[PurePosixPath],
    left: set[str],
    sent: tuple[PurePosixPath, ...],
) -> None:
    executable = planned(tmp_path)
    found = resuming.unfinished(executable, done, kept.__contains__)
    assert found == left
    assert resuming.needed(executable, found) == sent


def test_what_was_removed_after_its_last_use_is_not_missed(tmp_path: Path) -> None:
    path = tmp_path / "workflow.yml"
    path.write_text(WORKFLOW)
    executable = with_options(path, planning.Options(cleanup=planning.INPLACE))
    removing = "clean_up_local_level_2_0"  # a, which B took
    left = resuming.unfinished(executable, {A, B, removing}, {PART_B, SUMS_B}.__contains__)
    assert left == {C, D, "clean_up_local_level_3_0"}
    assert resuming.needed(executable, left) == (PART_B, SUMS_B)


def test_a_file_of_a_server_is_fetched_again_for_what_is_left(tmp_path: Path) -> None:
    text = WORKFLOW.replace("arguments: [B_ARGUMENT]", "arguments: []").replace(
        "uses: [{lfn: a, type: input}, {lfn: b", "uses: [{lfn: a, type: input}, {lfn: w, type: input}, {lfn: b"
    )
    path = tmp_path / "workflow.yml"
    path.write_text(text + "replicaCatalog: {replicas: [{lfn: w, pfns: [{site: web, pfn: 'http://h/w'}]}]}\n")
    executable = with_options(path, planning.Options())
    fetching = executable.jobs[0].name
    left = resuming.unfinished(executable, {A, fetching}, {PART_A, SUMS_A}.__contains__)
    assert left == {B, C, D, fetching}
    assert resuming.needed(executable, left) == (PART_A, SUMS_A)


def test_an_optional_output_that_was_never_made_is_no_loss(tmp_path: Path) -> None:
    text = WORKFLOW.replace("{lfn: c, type: output}", "{lfn: c, type: output}, {lfn: x, type: output, optional: true}")
    assert resuming.unfinished(planned(tmp_path, text), {A, B, C, D}, {RESULT_C}.__contains__) == set()


def test_the_rescue_dag(tmp_path: Path) -> None:
    executable = planned(tmp_path)
    lines = resuming.rescue_text(executable, {C, D}).splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == ["DONE t_A", "DONE t_B"]
    assert resuming.rescue_name(executable, []) == "chain-0.dag.rescue001"
    present = ["chain-0.dag.rescue001", "chain-0.dag.rescue009", "other-0.dag.rescue050", "chain-0.dag.rescue01x"]
    assert resuming.rescue_name(executable, present) == "chain-0.dag.rescue010"


@pytest.mark.parametrize(
    ("before", "after", "done", "said"),
    [
        ("B_ARGUMENT", "another", {A}, None),  # what failed may be mended
        ("B_ARGUMENT", "another", {A, B}, "t_B is done, and would run in another way now"),
        ("id: D", "id: E", {A}, "t_E is new"),
        ("id: D", "id: E", {A}, "t_D is not in it any more"),
        ("{lfn: c, type: input}", "{lfn: a, type: input}", set(), "t_D waits for t_A now"),
        ("{lfn: c, type: input}", "{lfn: a, type: input}", set(), "t_D does not wait for t_C any more"),
    ],
)
def test_another_workflow_is_refused(tmp_path: Path, before: str, after: str, done: set[str], said: str | None) -> None:
    was = resuming.read_dag("".join(dag_lines(planned(tmp_path))), RUN)
    elsewhere = PurePosixPath("/home/alice/roost-runs/one")  # another access point
    mended = planned(tmp_path, WORKFLOW.replace(before, after), elsewhere)
    now = resuming.read_dag("".join(dag_lines(mended)), elsewhere)
    if said is None:
        resuming.require_same(was, now, done)
        return
    with pytest.raises(UsageError) as raised:
        resuming.require_same(was, now, done)
    assert said in raised.value.message
