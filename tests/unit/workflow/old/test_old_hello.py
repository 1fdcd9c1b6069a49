"""The example hello as a project of Pegasus 4 and of Pegasus 2: imported, it is the same workflow."""

import shutil
from pathlib import Path

import pytest

from roost.workflow.abstract import Workflow
from roost.workflow.old.kinds import kind_of
from roost.workflow.old.project import Imported, OldFile, imported
from roost.workflow.source import load

DATA = Path(__file__).with_name("data")
HELLO = Path(__file__).parents[4] / "examples" / "hello"
NOT_OLD = ("input", "tools")


def old_project(directory: Path, version: str) -> list[OldFile]:
    """The old files beside the example's programs and input."""
    shutil.copytree(DATA / version, directory)
    for name in NOT_OLD:
        shutil.copytree(HELLO / name, directory / name)
    return [
        OldFile(name=path.name, path=path, kind=kind, data=path.read_bytes())
        for path in sorted(directory.iterdir())
        if path.is_file() and (kind := kind_of(path.read_bytes()))
    ]


def written(result: Imported, to: Path) -> Path:
    to.mkdir()
    for file in result.files:
        (to / file.name).write_text(file.text)
    return to / "workflow.yml"


def jobs(workflow: Workflow) -> dict[str, object]:
    """What is run: without where it was read."""
    return {job.id: (job.transformation, job.arguments, job.inputs, job.outputs, job.stdout) for job in workflow.jobs}


@pytest.mark.parametrize("version", ["hello-4", "hello-2"])
def test_is_the_same_workflow(tmp_path: Path, version: str) -> None:
    result = imported(old_project(tmp_path / "old", version), to=tmp_path / "new")
    found = load(written(result, tmp_path / "new"))
    today = load(HELLO / "workflow.yml")
    assert jobs(found) == jobs(today)
    assert set(found.edges) == set(today.edges)
    assert found.name == today.name
    assert found.replicas["numbers.txt"].local == tmp_path / "old" / "input" / "numbers.txt"
    for name, one in today.transformations.items():
        assert found.transformations[name].kind == one.kind
        assert found.transformations[name].requires == one.requires
        assert found.transformations[name].pfn.name == one.pfn.name


def test_what_went_is_told(tmp_path: Path) -> None:
    result = imported(old_project(tmp_path / "old", "hello-4"), to=tmp_path / "new")
    assert [str(note) for note in result.notes] == [
        "sites.xml:12: the gatekeeper 'cluster.example.org/jobmanager-pbs' (gt5) is left out: GRAM is no more; jobs go"
        " to the pool itself",
        "sites.xml:15: the profile env::GLOBUS_LOCATION = '/opt/globus/5.2.1' is left out: there is no Globus on the"
        " machines of a pool",
        "hello.dax:28: the profile globus::maxwalltime = 2 is written as pegasus::runtime = 120 (minutes are seconds"
        " now)",
        "pegasus.properties:1: no data configuration is named: condorio is written (Pegasus 4's default was sharedfs)",
        "pegasus.properties:8: 'pegasus.gridstart.invoke.length' is left out: there is one way to start a job",
    ]
    properties = next(file.text for file in result.files if file.name == "pegasus.properties")
    assert properties.splitlines()[1:] == [
        "pegasus.data.configuration = condorio",
        "pegasus.catalog.site.file = sites.yml",
        "pegasus.catalog.transformation.file = transformations.yml",
        "pegasus.catalog.replica.file = replicas.yml",
        "dagman.retry = 3",
    ]


def test_what_went_of_2_is_told(tmp_path: Path) -> None:
    result = imported(old_project(tmp_path / "old", "hello-2"), to=tmp_path / "new")
    told = "\n".join(str(note) for note in result.notes)
    for said in (
        "sites.xml:3: arch INTEL32 is written as x86_64",
        "sites.xml:3: gridlaunch '/opt/pegasus/bin/kickstart' is left out",
        "sites.xml:4: the profile env::PEGASUS_HOME",
        "sites.xml:5: the replica location service 'rlsn://rls.example.org' is left out",
        "sites.xml:6: the GridFTP server 'gsiftp://data.example.org' is kept",
        "sites.xml:7: the gatekeeper 'cluster.example.org/jobmanager-pbs' is left out",
        "tc.data:3: the type SCRIPT is written as stageable",
        "tc.data:3: the profile env::GLOBUS_LOCATION",
        "hello.dax:7: the profile hints::executionPool = 'isi' is left out: all jobs run on the one site of the pool"
        " (and 3 more like it)",
        "the transformation 'preprocess' requires 'python3' now: a job of it uses it",
    ):
        assert said in told
