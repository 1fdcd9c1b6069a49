"""What is planned where instances share a directory: files go through it, results and checksums home by HTCondor."""

import re
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from roost.workflow.cleanup import with_cleanup
from roost.workflow.dag import dag_lines
from roost.workflow.executable import ExecutableWorkflow, Site, jobs_share
from roost.workflow.invocation import decoded
from roost.workflow.mistakes import Mistakes
from roost.workflow.planner import plan
from roost.workflow.properties import Data, read_properties
from roost.workflow.resuming import needed, unfinished
from roost.workflow.run_paths import RunPaths, Shared
from roost.workflow.source import load
from roost.workflow.submit_dir import texts

EXAMPLES = Path(__file__).parents[3] / "examples"
RUN, PLACE = PurePosixPath("/home/debian/runs/v"), PurePosixPath("/shared/runs/v-d2bd8b9f")


def planned(example: str, how: str) -> ExecutableWorkflow:
    return plan(
        load(EXAMPLES / example / "workflow.yml"),
        Site(),
        RunPaths(run=RUN, shared=Shared(PLACE, how) if how else None),
        uuid="d2bd8b9f-a189-4919-87b4-b92cc9d226b3",
        planned_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
    )


@pytest.mark.parametrize(("how", "data"), [("copy", "nonsharedfs"), ("link", "nonsharedfs"), ("here", "sharedfs")])
def test_htcondor_moves_programs_checksums_and_results_alone(how: str, data: str) -> None:
    executable = planned("variants", how)
    text = "".join(dag_lines(executable))
    assert f"ROOST_SCRATCH={how}:{PLACE}" in text
    sent = {name for found in re.findall(r' inputs="([^"]*)"', text) for name in found.split(",") if name}
    assert all(name.startswith(("../executables/", "../submit/")) or name.endswith(".sha256") for name in sent)
    assert text.count("=../output/") == len(executable.results)
    assert "".join(texts(executable)["pegasus.properties"]) == f"pegasus.data.configuration = {data}\n"
    uploads = {upload.remote for upload in planned("hello", how).uploads}
    assert {remote for remote in uploads if not remote.is_relative_to(RUN / "executables")} == {PLACE / "numbers.txt"}


def test_without_one_nothing_is_different() -> None:
    text = "".join(dag_lines(planned("variants", "")))
    assert "ROOST_SCRATCH" not in text
    assert jobs_share(planned("variants", "")) == frozenset()


def test_what_a_job_is_told_to_leave_for_others() -> None:
    executable = planned("hello", "copy")
    told = [decoded(word) for word in re.findall(r'invocation="([^"]+)"', "".join(dag_lines(executable)))]
    assert {lfn for one in told for lfn in one["home"]} == executable.results.keys()
    assert {lfn for one in told for lfn in one["share"]} == jobs_share(executable)
    taken = {lfn for job in executable.jobs for lfn in job.inputs}
    assert taken - jobs_share(executable) == {"numbers.txt"}, "what was sent"


def test_what_others_took_is_removed_where_it_lies() -> None:
    executable = with_cleanup(planned("hello", "copy"))
    removed = {place for job in executable.jobs for place in job.chores.remove}
    assert removed == {executable.places[lfn] for lfn in jobs_share(executable)}
    assert f"arguments = $(invocation) {PLACE}\n" in "".join(dag_lines(executable))


def test_a_resumed_run_wants_what_lay_there() -> None:
    executable = planned("hello", "here")
    last = executable.jobs[-1]
    done = {job.name for job in executable.jobs} - {last.name}
    assert unfinished(executable, done, lambda _: True) == {last.name}
    wanted = {path for path in needed(executable, {last.name}) if path.is_relative_to(PLACE)}
    assert wanted == {PLACE / lfn for lfn in last.inputs}
    lost = PLACE / last.inputs[0]
    assert len(unfinished(executable, done, lambda remote: remote != lost)) == 2


def test_results_are_kept_at_home_whatever_happens_there() -> None:
    executable = planned("hello", "copy")
    done = {job.name for job in executable.jobs}
    (result,) = executable.results.values()
    assert result == RUN / "output" / result.name
    assert not unfinished(executable, done, lambda remote: not remote.is_relative_to(PLACE))


@pytest.mark.parametrize(
    ("text", "data", "links"),
    [
        ("", Data.CONDORIO, False),
        ("pegasus.data.configuration = condorio", Data.CONDORIO, False),
        ("pegasus.data.configuration: SharedFS", Data.SHAREDFS, False),
        ("pegasus.data.configuration = nonsharedfs\npegasus.transfer.links = true", Data.NONSHAREDFS, True),
    ],
)
def test_properties(text: str, data: Data, *, links: bool) -> None:
    found = read_properties(Mistakes(), text, "p")
    assert (found.data, found.links_inputs) == (data, links)
