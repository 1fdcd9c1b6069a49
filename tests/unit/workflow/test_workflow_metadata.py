"""What is written about a workflow and its tasks goes to where Pegasus' monitord looks."""

from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest

from roost.errors import UsageError
from roost.workflow.abstract import Workflow
from roost.workflow.executable import Site
from roost.workflow.planner import plan
from roost.workflow.run_paths import RunPaths
from roost.workflow.source import load
from roost.workflow.stampede import static_events

WORKFLOW = """\
pegasus: "5.0.4"
name: told
metadata: OF_WORKFLOW
transformationCatalog:
  transformations:
    - name: t
      sites: [{name: condorpool, pfn: /bin/true, type: installed}]
      metadata: {who: a transformation, kind: t}
jobs:
  - {type: job, name: t, id: A, arguments: [], uses: [], metadata: {who: 'say "A"', n: 1}}
  - {type: job, name: t, id: B, arguments: [], uses: []}
"""


def loaded(directory: Path, of_workflow: str) -> Workflow:
    path = directory / "workflow.yml"
    path.write_text(WORKFLOW.replace("OF_WORKFLOW", of_workflow))
    return load(path)


def test_of_a_workflow_and_of_its_tasks(tmp_path: Path) -> None:
    workflow = loaded(tmp_path, "{exp: x1, done: no}")
    paths = RunPaths(run=PurePosixPath("/runs/told"))
    planned = plan(workflow, Site(), paths, uuid="u", planned_at=datetime(2026, 11, 21, tzinfo=UTC))
    told = [
        line.split("xwf.id=u ")[1].rstrip() for line in "".join(static_events(planned)).splitlines() if ".meta " in line
    ]
    assert told == [
        'key="wf.api" value="roost"',
        'key="exp" value="x1"',
        'key="done" value="false"',
        'task.id="A" key="who" value="say \\"A\\""',
        'task.id="A" key="kind" value="t"',
        'task.id="A" key="n" value="1"',
        'task.id="B" key="who" value="a transformation"',
        'task.id="B" key="kind" value="t"',
    ]


@pytest.mark.parametrize("wrong", ["x1", "[x1]", "{exp: [x1]}"])
def test_what_is_no_metadata(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(UsageError, match=r"workflow.yml:3: 'metadata' has to be `key: value` lines"):
        loaded(tmp_path, wrong)
