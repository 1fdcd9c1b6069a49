"""What the access point's history tells a receipt."""

from roost.pool.ads import ended_jobs, slots
from roost.pool.condor import history_argv
from roost.report.receipt import Attempt, Outcome
from roost.verbs.history import history_of

SLOTS = slots(
    """[
    {"Name": "slot1@ip-1", "Machine": "ip-1", "RoostInstanceId": "i-1", "DaemonStartTime": 100},
    {"Name": "slot1_1@ip-1", "Machine": "ip-1", "RoostInstanceId": "i-1", "DaemonStartTime": 100},
    {"Name": "slot1@ip-2", "Machine": "ip-2", "RoostInstanceId": "i-2"},
    {"Name": "slot1@other", "Machine": "other", "DaemonStartTime": 5}
]"""
)
ENDED = ended_jobs(
    """[
    {"JobCurrentStartDate": 110, "CompletionDate": 120, "ExitCode": 0, "LastRemoteHost": "slot1_1@ip-1"},
    {"JobCurrentStartDate": 110, "CompletionDate": 130, "ExitCode": 2, "LastRemoteHost": "slot1_1@ip-2"},
    {"JobCurrentStartDate": 110, "CompletionDate": 140, "ExitCode": 0, "LastRemoteHost": "slot1_1@gone"},
    {"JobCurrentStartDate": 110, "CompletionDate": 150, "ExitCode": 0, "LastRemoteHost": "slot1@other"},
    {"CompletionDate": 160, "LastRemoteHost": "slot1_1@ip-1"}
]"""
)


def test_what_ran_on_the_instances_of_the_pool() -> None:
    history = history_of(SLOTS, ENDED)
    assert history.joined_at_s == {"i-1": 100.0}
    assert history.attempts == (
        Attempt(instance_id="i-1", started_at_s=110, ended_at_s=120, outcome=Outcome.OK),
        Attempt(instance_id="i-2", started_at_s=110, ended_at_s=130, outcome=Outcome.FAILED),
    )


def test_the_jobs_of_a_verification_are_not_asked_for() -> None:
    argv = history_argv(0.0)
    assert argv[argv.index("-constraint") + 1] == "RoostVerify =!= true"


def test_history_of_an_institute_is_read_back_to_the_launch() -> None:
    assert "-since" not in history_argv(0.0)
    assert history_argv(1700000000.5)[:3] == ["condor_history", "-since", "EnteredCurrentStatus < 1700000000"]
