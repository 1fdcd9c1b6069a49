"""What a script asked pegasus-plan for, and what is told about it."""

import pytest

from roost.workflow.plan_options import Wanted, plan_options


@pytest.mark.parametrize(
    ("argv", "workflow", "notes"),
    [
        ([], "workflow.yml", ()),
        (["--conf", "pegasus.properties", "-s", "condorpool", "--submit", "a.yml"], "a.yml", ()),
        (["--dax", "old.yml", "-vvv", "--cleanup", "none"], "old.yml", ()),
        (["--force", "a.yml"], "a.yml", ()),
        (
            ["--cleanup", "constraint"],
            "workflow.yml",
            ("cleanup=constraint: files go as early as inplace has it, whatever room there is",),
        ),
        (["--cleanup", "sometimes"], "workflow.yml", ("cleanup=sometimes: not known",)),
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


@pytest.mark.parametrize(
    ("argv", "wanted"),
    [
        (["--submit"], Wanted()),
        (["-C", "label,horizontal", "-f"], Wanted(cluster="label,horizontal", force=True)),
        (["--cleanup", "inplace", "--reuse", "a,b"], Wanted(reuse=("a", "b"), cleanup="inplace")),
        (["--cleanup", "constraint"], Wanted(cleanup="inplace")),
        (["--cleanup", "leaf"], Wanted(cleanup="none")),
        (["--nocleanup", "--cleanup", "inplace"], Wanted(cleanup="none")),
        (["--cleanup", "sometimes"], Wanted()),
        (["--force-replan"], Wanted()),
    ],
)
def test_what_roost_has_too_is_taken(argv: list[str], wanted: Wanted) -> None:
    assert plan_options(argv).wanted == wanted


EVERYTHING = Wanted(cluster="label", reuse=("/p/first",), force=True, cleanup="inplace")


@pytest.mark.parametrize(
    ("typed", "script", "both", "said"),
    [
        (Wanted(), Wanted(), Wanted(), ()),
        (Wanted(force=True, cluster="none"), Wanted(), Wanted(force=True, cluster="none"), ()),
        (
            Wanted(),
            EVERYTHING,
            EVERYTHING,
            ("cluster=label, reuse=/p/first, force, cleanup=inplace: taken over",),
        ),
        (
            Wanted(cluster="none", reuse=("second",), cleanup="none"),
            EVERYTHING,
            Wanted(cluster="none", reuse=("second",), cleanup="none"),
            (
                "cluster=label: not taken over, the command line says none",
                "reuse=/p/first: not taken over, the command line says second",
                "force: not taken over, the command line says --reuse",
                "cleanup=inplace: not taken over, the command line says none",
            ),
        ),
        (Wanted(cluster="label"), Wanted(cluster="label"), Wanted(cluster="label"), ("cluster=label: taken over",)),
    ],
)
def test_the_command_line_wins(typed: Wanted, script: Wanted, both: Wanted, said: tuple[str, ...]) -> None:
    assert typed.over(script) == (both, said)
