"""Hooks are read from a workflow, and each is for some events."""

from pathlib import Path

import pytest

from roost.errors import UsageError
from roost.workflow.abstract import Workflow
from roost.workflow.hooks import Hook, Moment, When, event
from roost.workflow.source import load

WORKFLOW = """\
pegasus: "5.0.4"
name: hooked
HOOKS
transformationCatalog:
  transformations:
    - {name: t, sites: [{name: condorpool, pfn: /bin/true, type: installed}]}
jobs:
  - type: job
    name: t
    id: A
    arguments: []
    uses: []
    hooks:
      shell:
        - {_on: error, cmd: mail -s failed me}
  - {type: job, name: t, id: B, arguments: [], uses: []}
"""


def loaded(directory: Path, hooks: str) -> Workflow:
    path = directory / "workflow.yml"
    path.write_text(WORKFLOW.replace("HOOKS", hooks))
    return load(path)


def test_hooks_of_a_workflow_and_of_its_jobs(tmp_path: Path) -> None:
    found = loaded(tmp_path, "hooks: {shell: [{_on: end, cmd: done}, {_on: never, cmd: nothing}]}")
    assert found.hooks == (Hook(when=When.END, command="done"), Hook(when=When.NEVER, command="nothing"))
    assert found.job_hooks == {"A": (Hook(when=When.ERROR, command="mail -s failed me"),)}


@pytest.mark.parametrize(
    ("hooks", "said"),
    [
        ("hooks: {shell: [{_on: ende, cmd: x}]}", "workflow.yml:3: '_on' cannot be 'ende'; did you mean 'end'?"),
        ("hooks: {shell: [{_on: end}]}", "workflow.yml:3: 'cmd' is missing"),
        ("hooks: {shel: [{_on: end, cmd: x}]}", "workflow.yml:3: unknown key 'shel'; did you mean 'shell'?"),
        ("hooks: end", "'hooks' has to be a list of `key: value` lines"),
    ],
)
def test_mistakes(tmp_path: Path, hooks: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        loaded(tmp_path, hooks)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("when", "start", "error", "success"),
    [
        ("never", None, None, None),
        ("start", "start", None, None),
        ("error", None, "on_error", None),
        ("success", None, None, "on_success"),
        ("end", None, "at_end", "at_end"),
        ("all", "start", "at_end", "at_end"),
    ],
)
def test_which_hook_is_for_which_event(when: str, start: str | None, error: str | None, success: str | None) -> None:
    hook = Hook(when=When(when), command="true")
    assert [event(hook, moment) for moment in (Moment.START, Moment.ERROR, Moment.SUCCESS)] == [start, error, success]
