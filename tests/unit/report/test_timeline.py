"""What a console and a boot log say, as rows."""

import pytest

from roost.report.timeline import (
    Milestone,
    Moments,
    Noted,
    Row,
    line,
    noted_in_boot_log,
    noted_on_console,
    rows,
    with_noted,
)

CONSOLE = (
    "systemd 257.9 running in system mode\r\n"
    "[  OK  ] Reached target cloud-init.target\r\n"
    "roost: 1.1s first boot instance=i-1\r\n"
    "roost: 1.3s configured role=execution-point\r\n"
    "roost: 1.9s condor started\r\n"
    "ci-info: roost: nothing\r\n"
    "roost: 3.4s joined\r\n"
    "roost: 4.0s own token\r\n"
    "roost: 1.0s booted again instance=i-1\r\n"
)
ASKED = Moments(instance_id="i-1", role="execution-point").at(Milestone.REQUESTED, 1000.0)


def test_console() -> None:
    assert [entry.event for entry in noted_on_console(CONSOLE)] == [
        "first boot instance=i-1",
        "configured role=execution-point",
        "condor started",
        "joined",
        "own token",
        "booted again instance=i-1",
    ]


@pytest.mark.parametrize(
    "torn", ["", "   ", '{"at": 17', "\0\0\0", "[]", "7", '{"at": 1}', '{"at": "x", "event": "e"}']
)
def test_a_torn_line_of_a_boot_log_is_passed_over(torn: str) -> None:
    log = f'{{"at": 1.5, "event": "first boot"}}\n{torn}\n{{"at": 3, "event": "joined"}}\n'
    assert noted_in_boot_log(log) == [Noted(seconds=1.5, event="first boot"), Noted(seconds=3.0, event="joined")]


def test_row_from_a_console() -> None:
    known = with_noted(ASKED.at(Milestone.RUNNING, 1000.5), noted_on_console(CONSOLE), system_started_at_s=1000.5)
    [row] = rows([known])
    assert row.seconds == pytest.approx((0.0, 0.5, 1.6, 2.4, 3.9, None))
    assert line(row) == (
        "i-1 execution-point: requested, running 0.5 s, booted 1.6 s, HTCondor started 2.4 s, joined 3.9 s"
    )
    assert row.latest is Milestone.JOINED


@pytest.mark.parametrize(
    ("event", "milestone"),
    [
        ("first boot instance=i-1", Milestone.BOOTED),
        ("booted again", Milestone.BOOTED),
        ("condor started", Milestone.CONDOR_STARTED),
        ("joined", Milestone.JOINED),
        ("joinedlike", None),
        ("token granted to=joined", None),
    ],
)
def test_events(event: str, milestone: Milestone | None) -> None:
    known = with_noted(ASKED, [Noted(seconds=1002.0, event=event)])
    assert {m for m in known.at_s if m is not Milestone.REQUESTED} == ({milestone} if milestone else set())


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        (Moments(instance_id="i-1", role=""), (None,) * 6),
        (Moments(instance_id="i-1", role="").at(Milestone.JOINED, 5.0), (None,) * 6),  # nobody knows since when
        (ASKED, (0.0, None, None, None, None, None)),
        (ASKED.at(Milestone.RUNNING, 999.2), (0.0, 0.0, None, None, None, None)),  # EC2 tells whole seconds
        (ASKED.at(Milestone.RUNNING, 1001.0).at(Milestone.RUNNING, 1009.0), (0.0, 1.0, None, None, None, None)),
        (ASKED.at(Milestone.RUNNING, None), (0.0, None, None, None, None, None)),
    ],
)
def test_rows(known: Moments, expected: tuple[float | None, ...]) -> None:
    assert rows([known]) == (Row(instance_id="i-1", role=known.role, seconds=expected),)
