"""What somebody types as WORKFLOW by mistake, and what is said."""

from pathlib import Path

import pytest

from roost.errors import RoostError
from roost.verbs.not_a_workflow import refuse

FILES = {
    "workflow.yml": "pegasus: '5.0'\nname: w\njobs: []\n",
    "sites.yml": "pegasus: '5.0'\nsites:\n- {name: local}\n",
    "transformations.yml": "transformations: []\n",
    "replicas.yml": "replicas: []\n",
    "pool.yml": "name: p\nworkers: {count: 1}\n",
    "flow.dax": "<adag/>",
    "all-in-one.yml": "sites: []\njobs: []\n",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "said", "hint"),
    [
        ("", "is a directory, not a workflow", "roost run {}/workflow.yml"),
        ("empty", "is a directory, not a workflow", "name a Pegasus 5 workflow.yml"),
        ("workflw.yml", "did you mean workflow.yml?", "roost run {}/workflow.yml"),
        ("other.txt", "there is no workflow", "roost run {}/workflow.yml"),
        ("nowhere/w.yml", "there is no workflow", "name a Pegasus 5 workflow.yml"),
        ("sites.yml", "is a site catalog, not a workflow", "roost run {}/workflow.yml"),
        ("transformations.yml", "is a transformation catalog, not a workflow", "roost run {}/workflow.yml"),
        ("replicas.yml", "is a replica catalog, not a workflow", "roost run {}/workflow.yml"),
        ("pool.yml", "is a pool.yml, not a workflow", "roost run {}/workflow.yml"),
        ("flow.dax", "is a workflow of Pegasus 4 or older (DAX)", "roost import {}, and then:"),
    ],
)
def test_what_is_said(project: Path, typed: str, said: str, hint: str) -> None:
    with pytest.raises(RoostError) as caught:
        refuse(project / typed)
    assert said in caught.value.message
    assert caught.value.hint.startswith(hint.format(project))


@pytest.mark.parametrize("typed", ["workflow.yml", "all-in-one.yml"])
def test_a_workflow_is_let_through(project: Path, typed: str) -> None:
    refuse(project / typed)
