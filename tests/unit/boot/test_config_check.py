"""What HTCondor 23.9.6 printed of lines that are wrong -> the user's line and HTCondor's words."""

import pytest

from roost.boot.config_check import Complaint, check, verdict

IN = "/tmp/tmp.AES1m1fTib/condor_config"
STARTD = (
    "== roost read\n== roost accepted\n== roost startd\n11/21/26 11:20:06 ** SubsystemInfo: name=STARTD\n"
    '11/21/26 11:20:06 ERROR "{}" at line 2214 in file ./src/condor_utils/condor_config.cpp\n'
)
NO_DIRECTORY = (
    "Error accessing execute directory /tmp/x/none specified in the configuration setting EXECUTE: (errno=2) No such"
)


@pytest.mark.parametrize(
    ("lines", "printed", "line", "words"),
    [
        ("A = 1\nwhat\n", f"Configuration Error Line 2 while reading config source {IN}", 2, "Configuration Error"),
        (
            "use ROLE:Executor\n",
            "Error: use ROLE:Executor: does not recognise Executor\n"
            f'Config source Error "{IN}", Line 1: at use ROLE:Executor:Executor\n'
            f"Configuration Error Line 1 while reading config source {IN}",
            1,
            "use ROLE:Executor: does not recognise Executor",
        ),
        (
            "if defined X\nB = 2\n",
            f'Config source Error "{IN}", Line 3: \nConfiguration Error Line 3 while reading config source {IN}\n'
            "endif(s) not found before end-of-file",
            2,
            "endif(s) not found before end-of-file",
        ),
        (
            "A @=end\nfoo\n",
            f"Config source Found end-of-file while scanning for '@end' in {IN}\n"
            f"Configuration Error Line 2 while reading config source {IN}",
            2,
            "Found end-of-file while scanning for '@end'",
        ),
        (
            "A-B = 1\n",
            f'Config source Error "{IN}", Line 1: Illegal Identifier: <A-B>\n'
            f"Configuration Error Line 1 while reading config source {IN}",
            1,
            "Illegal Identifier: <A-B>",
        ),
    ],
)
def test_what_cannot_be_read(lines: str, printed: str, line: int, words: str) -> None:
    assert verdict(f"== roost names\nNUM_CPUS\n== roost read\n{printed}\n", lines).rejected == Complaint(
        line=line, words=words
    )


@pytest.mark.parametrize(
    ("lines", "said", "line"),
    [
        ("A = 1\nstart = (1 +\n", "Syntax error in START expression: '(1 +'", 2),
        ("NUM_CPUS = abc\n", "Invalid result (not an integer) for NUM_CPUS (abc) in condor configuration.", 1),
    ],
)
def test_what_the_startd_cannot_use(lines: str, said: str, line: int) -> None:
    assert verdict(STARTD.format(said), lines).rejected == Complaint(line=line, words=said)


@pytest.mark.parametrize(
    ("lines", "printed"),
    [
        ("A = 1\n", STARTD.format(NO_DIRECTORY)),
        ("EXECUTE = /scratch\n", STARTD.format(NO_DIRECTORY)),
        ("A = 1\n", STARTD.format("cannot chdir to dir </tmp/x>")),
        ("A = 1\n", "== roost read\n== roost accepted\n== roost startd\nsh: condor_startd: not found\n"),
        ("A = 1\n", ""),
        ("A = 1\n", "== roost read\nsh: condor_config_val: not found\n"),
    ],
)
def test_nobody_is_blamed_for_the_machine(lines: str, printed: str) -> None:
    assert verdict(printed, lines).rejected is None


def test_warnings_and_misspelt_names_are_notes() -> None:
    printed = (
        "== roost names\nNUM_CPUS\nSLOT_TYPE_1\nSTARTD_ATTRS\n== roost read\n"
        f"Config source Warning \"{IN}\", Line 1: obsolete use of ':' for parameter assignment at A : 1\n"
        "== roost accepted\n"
    )
    lines = "A : 1\nNUM_CPUZ = 2\nHasGalaxy = True\nSTARTD_ATTRS = HasGalaxy\nSLOT_TYPE_2 = cpus=1\n"
    assert verdict(printed, lines).notes == (
        Complaint(line=1, words="obsolete use of ':' for parameter assignment at A : 1"),
        Complaint(line=2, words="HTCondor knows no NUM_CPUZ; did you mean NUM_CPUS?"),
    )


def test_the_lines_are_an_argument_and_no_part_of_the_script() -> None:
    assert check("$(rm -rf /)")[-1] == "$(rm -rf /)"
    assert "$(rm" not in "".join(check("$(rm -rf /)")[:-1])
