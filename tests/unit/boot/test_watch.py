"""When an instance is of no use."""

import pytest

from roost.boot.node.watch import Patience, Process, running_jobs, sessions, terminals, warning_due


@pytest.mark.parametrize(
    ("limit_s", "looks", "expected"),
    [
        (10, [(5, True), (9, True)], False),
        (10, [(5, True), (10, True)], True),
        (10, [(9, False), (15, True)], False),
        (10, [(9, False), (19, True)], True),
        (0, [(1000, True)], False),
    ],
)
def test_patience_is_over_after_so_long_without_a_break(
    limit_s: float, looks: list[tuple[float, bool]], expected: bool
) -> None:
    patience = Patience(limit_s, 0.0)
    assert [patience.is_over(is_so=is_so, now_s=now_s) for now_s, is_so in looks][-1] is expected


def running(*processes: tuple[int, str, int, str]) -> dict[int, Process]:
    return {pid: Process(name=name, parent=parent, terminal=terminal) for pid, name, parent, terminal in processes}


SERVER = (5, "sshd", 1, "")
CONNECTION = [(6, "sshd-session", 5, ""), (7, "sshd-session", 6, "")]


@pytest.mark.parametrize(
    ("processes", "who", "where"),
    [
        (running((1, "systemd", 0, ""), SERVER), [], set()),
        (running(SERVER, *CONNECTION), [], set()),  # a ControlMaster that does nothing
        (running(SERVER, *CONNECTION, (8, "bash", 7, "/dev/pts/1"), (9, "vi", 8, "/dev/pts/1")), [8], {"/dev/pts/1"}),
        (running(SERVER, *CONNECTION, (8, "tar", 7, "")), [8], set()),
        (running(SERVER, (6, "sshd", 5, ""), (7, "sshd", 6, ""), (8, "bash", 7, "/dev/pts/0")), [8], {"/dev/pts/0"}),
        (running((1, "systemd", 0, ""), (8, "tmux", 1, ""), (9, "bash", 8, "/dev/pts/2")), [], set()),
    ],
)
def test_somebody_is_who_runs_something_over_ssh(
    processes: dict[int, Process], who: list[int], where: set[str]
) -> None:
    assert list(sessions(processes)) == who
    assert terminals(sessions(processes)) == where


def test_a_job_is_a_starter() -> None:
    assert running_jobs(running((5, "condor_startd", 1, ""), (6, "condor_starter", 5, ""), (7, "python3", 6, ""))) == 1


@pytest.mark.parametrize(
    ("left_s", "expected"), [(7200, None), (600, 600), (300.5, 600), (299, 300), (1, 60), (-5, 60)]
)
def test_warnings_before_the_lease_ends(left_s: float, expected: float | None) -> None:
    assert warning_due(left_s) == expected
