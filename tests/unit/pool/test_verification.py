"""How a verification begins and ends, on an access point in memory."""

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path

import pytest

from roost.errors import CloudError, RoostError
from roost.pool.access_point import Completed
from roost.pool.verification import verification

OK = Completed(exit_code=0, stdout="", stderr="")
SUBMITTED = Completed(exit_code=0, stdout="7.0 - 7.0\n", stderr="")
LOOKED = Completed(exit_code=0, stdout="1795205511\n", stderr="")
FULL = Completed(exit_code=1, stdout="", stderr="No space left on device\n")
GONE = CloudError("cannot reach i-0 by ssh", "roost status")

WELL: Mapping[str, Completed | RoostError] = {
    "mkdir": OK,
    "tee": OK,
    "condor_submit": SUBMITTED,
    "condor_status": OK,
    "date": LOOKED,
    "condor_rm": OK,
    "rm": OK,
}


class ScriptedAccessPoint:
    """Answers each program with what the script says, and remembers which ones were run."""

    def __init__(self, script: Mapping[str, Completed | RoostError]) -> None:
        self.script = script
        self.ran: list[str] = []

    def run(  # (what is sent, and for how long one waits, changes no answer)
        self,
        argv: Sequence[str],
        *,
        input: bytes | None = None,  # noqa: ARG002
        timeout_s: float = 60,  # noqa: ARG002
    ) -> Completed:
        program = next(word for word in (*argv, "date") if word in self.script) if argv[0] == "sh" else argv[0]
        self.ran.append(program)
        answer = self.script[program]
        if isinstance(answer, RoostError):
            raise answer
        return answer

    def put(self, files: Mapping[str, Path], *, timeout_s: float = 600) -> None:
        raise NotImplementedError

    def get(self, remote: str, local: Path, *, timeout_s: float = 600) -> None:
        raise NotImplementedError

    def lines(self, argv: Sequence[str]) -> Generator[str, None, None]:
        raise NotImplementedError


def _verify(access_point: ScriptedAccessPoint) -> int:
    return len(list(verification(access_point, ["i-1"], timeout_s=0)))


def test_nothing_is_left_behind() -> None:
    access_point = ScriptedAccessPoint(WELL)
    assert _verify(access_point) == 4
    assert access_point.ran == ["mkdir", "tee", "condor_submit", "condor_status", "date", "condor_rm", "rm"]


@pytest.mark.parametrize(
    ("broken", "ran"),
    [
        ("mkdir", ["mkdir"]),
        ("tee", ["mkdir", "tee", "rm"]),
    ],
)
def test_a_full_disk_is_told_before_a_job_is_queued(broken: str, ran: list[str]) -> None:
    access_point = ScriptedAccessPoint({**WELL, broken: FULL})
    with pytest.raises(RoostError, match=f"cannot run `{broken} .*No space left on device"):
        _verify(access_point)
    assert access_point.ran == ran


@pytest.mark.parametrize("failing", [["rm"], ["condor_rm"], ["condor_rm", "rm"]])
def test_a_clean_up_that_fails_does_not_hide_what_went_wrong(failing: list[str]) -> None:
    first = CloudError("the network went away", "")
    access_point = ScriptedAccessPoint({**WELL, "condor_status": first, **dict.fromkeys(failing, GONE)})
    with pytest.raises(CloudError) as told:
        _verify(access_point)
    assert told.value is first
    assert access_point.ran[-2:] == ["condor_rm", "rm"]  # each was tried


def test_a_clean_up_that_fails_alone_is_told() -> None:
    with pytest.raises(CloudError) as told:
        _verify(ScriptedAccessPoint({**WELL, "rm": GONE}))
    assert told.value is GONE
