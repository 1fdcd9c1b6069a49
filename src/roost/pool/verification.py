"""shell (AccessPoint): runs the jobs of `verify`, and tells each answer when it is known.

Leaves nothing on the access point: the jobs leave the queue and the directory goes, whatever happens.
"""

import secrets
import shlex
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

from roost.errors import NotFoundError, RoostError
from roost.pool import verify
from roost.pool.access_point import AccessPoint
from roost.pool.condor import Condor
from roost.pool.verify import Check, Evidence, Verdict

_POLL_S = 0.5


def verification(access_point: AccessPoint, expected: Sequence[str], *, timeout_s: float) -> Iterator[Check]:
    """Four checks for each instance id, each once: a yes as soon as it is one, a no at the latest when time is up."""
    nonce = secrets.token_hex(8)
    directory = f".roost-verify-{nonce}"
    condor = Condor(access_point)
    deadline = time.monotonic() + timeout_s
    _require(access_point, ["mkdir", directory])
    with _undoing(lambda: _require(access_point, ["rm", "-rf", directory])):
        _require(access_point, ["tee", f"{directory}/nonce"], input=nonce.encode())
        cluster = condor.submit(verify.submit_description(expected), directory=directory)
        with _undoing(lambda: _remove(condor, cluster)):
            yield from _answers(access_point, expected, directory=directory, nonce=nonce, deadline=deadline)


@contextmanager
def _undoing(undo: Callable[[], None]) -> Iterator[None]:
    """`undo` at the end, however that comes. Of two failures the first is told: it is most often why the second."""
    try:
        yield
    except BaseException:
        with suppress(RoostError):
            undo()
        raise
    undo()


def _require(access_point: AccessPoint, argv: Sequence[str], *, input: bytes | None = None) -> None:
    done = access_point.run(argv, input=input)
    if done.exit_code != 0:
        said = done.stderr.strip() or f"exit code {done.exit_code}"
        raise RoostError(
            f"the verification cannot run `{shlex.join(argv)}` on the access point: {said}",
            "`roost ssh` takes you there; is its disk full? (`df -h ~`)",
        )


def _remove(condor: Condor, cluster: int) -> None:
    with suppress(NotFoundError):  # they ended by themselves
        condor.remove(cluster)


def _answers(
    access_point: AccessPoint, expected: Sequence[str], *, directory: str, nonce: str, deadline: float
) -> Iterator[Check]:
    told: set[tuple[str, str]] = set()
    while len(told) < 4 * len(expected):
        is_over = time.monotonic() >= deadline
        for check in verify.checks(expected, _evidence(access_point, directory, nonce=nonce, is_over=is_over)):
            key = (check.instance_id, check.question.value)
            if check.verdict is not Verdict.NOT_YET and key not in told:
                told.add(key)
                yield check
        if is_over:
            return
        time.sleep(_POLL_S)


def _evidence(access_point: AccessPoint, directory: str, *, nonce: str, is_over: bool) -> Evidence:
    # the log last: a file that came back is there before the log says that the job has ended
    slots = Condor(access_point).slots()
    look = 'cd -- "$1" && date +%s && cat "$2"; grep -H . answer.* 2>/dev/null | sed "s/^/returned /"'
    seen = access_point.run(["sh", "-c", look, "sh", directory, verify.LOG])
    now, _, rest = seen.stdout.partition("\n")
    if not now.isdigit():
        raise RoostError(f"cannot read the log of the verification: {seen.stderr.strip()}", "`roost verify` again")
    return Evidence(
        slots=slots,
        log=rest,
        returned=verify.returned(rest),
        nonce=nonce,
        now_s=float(now),
        is_over=is_over,
    )
