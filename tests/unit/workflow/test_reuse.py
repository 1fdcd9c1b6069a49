"""What need not run again, what is fetched from servers, what is removed on the way."""

from dataclasses import replace
from pathlib import PurePath, PurePosixPath

import pytest
from test_planner import AT, RUN, UUID, job, workflow_of

from roost.errors import UsageError
from roost.workflow.abstract import Output, Workflow
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, JobKind, Site
from roost.workflow.invocation import decoded
from roost.workflow.planning import INPLACE, Options, planned
from roost.workflow.replicas import Replica
from roost.workflow.reuse import reuse
from roost.workflow.run_paths import RunPaths
from roost.workflow.stampede import static_events


def chain(*there: str, staged_out: str = "c", replica: Replica | None = None) -> Workflow:
    """A makes a, B makes b of it, C makes c of that; A takes `in put`."""
    workflow = workflow_of(
        job("A", Output("a", stage_out="a" in staged_out), inputs=("in put",)),
        job("B", Output("b", stage_out="b" in staged_out), inputs=("a",)),
        job("C", Output("c", stage_out="c" in staged_out), inputs=("b",)),
        edges=(("A", "B"), ("B", "C")),
    )
    before = {lfn: Replica(lfn=lfn, local=PurePath(f"/l/{lfn}")) for lfn in there}
    replicas = {"in put": replica} if replica else workflow.replicas
    return replace(workflow, made_before=before, replicas=replicas)


def plan_of(workflow: Workflow, *, force: bool = False, cleanup: str | None = None) -> ExecutableWorkflow:
    options = Options(force=force, cleanup=cleanup)
    return planned(workflow, Site(), RunPaths(run=RUN), options, uuid=UUID, planned_at=AT)


@pytest.mark.parametrize(
    ("there", "staged_out", "left", "results"),
    [
        ("", "c", "ABC", ""),
        ("c", "c", "", "c"),
        ("b", "c", "C", ""),
        ("a", "c", "BC", ""),
        ("ab", "c", "C", ""),
        ("ab", "bc", "C", "b"),
        ("b", "ac", "AC", ""),  # somebody wants a
        ("ac", "bc", "B", "c"),  # somebody wants b; C need not run again for that
    ],
)
def test_what_is_left_to_run(there: str, staged_out: str, left: str, results: str) -> None:
    found = reuse(chain(*there, staged_out=staged_out))
    assert "".join(task.id for task in found.workflow.jobs) == left
    assert "".join(found.results) == results
    ids = {task.id for task in found.workflow.jobs}
    assert all(child in ids and ids.issuperset(parents) for child, parents in found.workflow.parents.items())
    taken = {lfn for task in found.workflow.jobs for lfn in task.inputs}
    made = {output.lfn for task in found.workflow.jobs for output in task.outputs}
    assert set(found.workflow.replicas) == taken - made


def test_what_is_there_is_sent_instead_and_force_makes_it_anew() -> None:
    executable = plan_of(chain("b"))
    assert [str(one.remote) for one in executable.uploads] == [f"{RUN}/scratch/b"]
    assert [one.name for one in executable.jobs] == ["t_C"]
    assert [one.name for one in plan_of(chain("b"), force=True).jobs] == ["t_A", "t_B", "t_C"]


def test_where_nothing_is_left_it_says_so() -> None:
    with pytest.raises(UsageError, match="nothing is left to run of w: all the files that it makes are there"):
        plan_of(chain("c"))


def test_the_user_s_own_limit_of_a_category_counts() -> None:
    workflow = chain(replica=Replica(lfn="in put", url="https://h/x"))
    executable = plan_of(replace(workflow, throttles={"stagein": 2, "cleanup": 1}), cleanup=INPLACE)
    assert executable.throttles == {"stagein": 2, "cleanup": 1}


def test_a_file_of_a_server_is_fetched_once_before_whoever_takes_it() -> None:
    executable = plan_of(chain(replica=Replica(lfn="in put", url="https://h/x?key=1", sha256="ab" * 32)))
    fetching, *_ = executable.jobs
    assert (fetching.name, fetching.kind) == ("stage_in_remote_condorpool_0_0", JobKind.STAGE_IN)
    assert fetching.chores.fetch == (("https://h/x?key=1", "in%20put", "ab" * 32),)
    assert executable.parents["t_A"] == (fetching.name,)
    assert executable.uploads == ()
    text = "".join(dag_lines(executable))
    assert "MAXJOBS stagein 10\n" in text
    assert f"CATEGORY {fetching.name} stagein\n" in text
    assert "universe = local\n" in text
    line = next(line for line in text.splitlines() if line.startswith("VARS t_A "))
    assert 'inputs="in%20put"' in line  # and no checksums of the fetching job, which leaves none
    assert decoded(line.partition('invocation="')[2].rstrip('"'))["expected"] == {"in%20put": "ab" * 32}
    events = "".join(static_events(executable))
    assert f'job.id="{fetching.name}" submit_file="{fetching.name}.sub" type="2" type_desc="stage-in-tx"' in events


def test_a_file_that_is_there_wherever_jobs_run_does_not_travel() -> None:
    executable = plan_of(chain(replica=Replica(lfn="in put", on_site="/ref/x")))
    assert executable.uploads == ()
    line = next(line for line in dag_lines(executable) if "VARS t_A " in line)
    assert 'inputs=""' in line
    assert decoded(line.partition('invocation="')[2].partition('"')[0])["links"] == {"in put": "/ref/x"}


def test_intermediate_files_are_removed_after_their_last_use() -> None:
    executable = plan_of(chain(), cleanup=INPLACE)
    removing = {one.name: one for one in executable.jobs if one.kind is JobKind.CLEANUP}
    assert {name: one.chores.remove for name, one in removing.items()} == {
        "clean_up_local_level_2_0": ("a",),
        "clean_up_local_level_3_0": ("b",),
    }
    assert set(executable.parents["clean_up_local_level_3_0"]) == {"t_B", "t_C"}
    assert "MAXJOBS cleanup 4\n" in "".join(dag_lines(executable))
    assert PurePosixPath("c") not in {PurePosixPath(one) for job in removing.values() for one in job.chores.remove}
