"""What a script asked pegasus-plan for, and what is told about it."""

import pytest

from roost.workflow.plan_options import plan_options


@pytest.mark.parametrize(
    ("argv", "workflow", "notes"),
    [
        ([], "workflow.yml", ()),
        (["--conf", "pegasus.properties", "-s", "condorpool", "--submit", "a.yml"], "a.yml", ()),
        (["--dax", "old.yml", "-vvv", "--cleanup", "none"], "old.yml", ()),
        (["--force", "a.yml"], "a.yml", ("force: say it again with roost run --force",)),
        (["--output-sites", "local", "--randomdir=x", "--force-replan", "--json"], "workflow.yml", ()),
        (
            ["--dir", "/work", "--relative-dir", "x"],
            "workflow.yml",
            ("dir=/work: the submit directory is runs/NAME/submit",),
        ),
        (["-s", "osg,isi"], "workflow.yml", ("sites=osg,isi: jobs run on the pool, whose site is condorpool",)),
        (["--output-site", "isi"], "workflow.yml", ("output_sites=isi: results come here (local)",)),
        (
            ["-Ddagman.retry=3", "--input-dir", "in", "a.yml"],
            "a.yml",
            ("input_dir=in: inputs are those of the replica catalog", "dagman.retry=3: say it in pegasus.properties"),
        ),
        (["--no-such", "a.yml"], "a.yml", ("--no-such: not known",)),
        (
            ["--dir"],
            "workflow.yml",
            ("the options of pegasus-plan are not understood: argument --dir: expected one argument",),
        ),
    ],
)
def test_options(argv: list[str], workflow: str, notes: tuple[str, ...]) -> None:
    found = plan_options(argv)
    assert (found.workflow, found.notes) == (workflow, notes)
