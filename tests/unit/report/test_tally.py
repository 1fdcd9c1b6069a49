"""Tasks by state, and the estimate of the end, from the logs of made runs."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_runs import Shape, write

from roost.report.tally import Planned, Tally, tally
from roost.workflow.attempts import JobState
from roost.workflow.progress import Progress, begin, fold
from roost.workflow.static_bp import from_static_bp


def began(directory: Path, shape: Shape, *, stated_s: float = 0.0) -> tuple[str, Progress, Tally]:
    write(directory, shape)
    plan = from_static_bp((directory / "made-0.static.bp").read_text().splitlines())
    progress = begin(plan)
    planned = [Planned(name=job.name, tasks=((plan.transformation(job), 1),), stated_s=stated_s) for job in plan.jobs]
    ticks = iter(range(10**9))
    known = tally(planned, progress.children, clock=lambda: next(ticks) * 1e-6)
    return (directory / "made-0.log").read_text(), progress, known


def pieces(log: str, dice: random.Random) -> list[str]:
    places = sorted(dice.randrange(len(log)) for _ in range(12))
    return [log[start:end] for start, end in zip([0, *places], [*places, len(log)], strict=True)]


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 1000), dead=st.integers(0, 2))
def test_a_tally_of_changes_is_a_tally_of_all(seed: int, dead: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    shape = Shape(jobs=60, wide=12, failing=0.2, evicted=0.1, dead=dead, seed=seed)
    log, progress, known = began(tmp_path_factory.mktemp("run"), shape)
    for text in pieces(log, random.Random(seed)):
        fold(progress, text)
        known.update(progress.take_changed())
        jobs = progress.jobs.values()
        assert sum(kind.done for kind in known.kinds.values()) == progress.totals[JobState.DONE]
        assert sum(kind.running for kind in known.kinds.values()) == progress.totals[JobState.RUNNING]
        assert sum(kind.total for kind in known.kinds.values()) == len(progress.jobs)
        assert known.retries == sum(max(0, job.submits - 1) for job in jobs)
        over = progress.totals[JobState.DONE] + progress.totals[JobState.FAILED]
        assert sum(group.tasks_left for group in known.groups.values()) == len(progress.jobs) - over
        assert all(kind.by_itself and kind.by_itself.done_tasks == kind.done for kind in known.kinds.values())


def test_a_change_of_state_is_told_once(tmp_path: Path) -> None:
    log, progress, known = began(tmp_path, Shape(jobs=30, failing=0.3))
    fold(progress, log)
    assert {job.name for job in known.update(progress.take_changed())} == set(progress.jobs)
    assert known.update(progress.jobs.values()) == []


def test_clustered_jobs_count_by_their_tasks(tmp_path: Path) -> None:
    _, progress, _ = began(tmp_path, Shape(jobs=4, wide=4))
    shares = ((("t", 10),), (("t", 10),), (("t", 3), ("u", 5)), (("u", 2),))
    planned = [Planned(name=name, tasks=tasks) for name, tasks in zip(progress.jobs, shares, strict=True)]
    known = tally(planned, {}, clock=lambda: 0.0)
    assert {name: kind.waiting for name, kind in known.kinds.items()} == {"t": 23, "u": 7}
    assert {key: group.tasks_left for key, group in known.groups.items()} == {("t",): 20, ("t", "u"): 8, ("u",): 2}
    fold(progress, (tmp_path / "made-0.log").read_text())
    known.update(progress.take_changed())
    assert {name: kind.done for name, kind in known.kinds.items()} == {"t": 23, "u": 7}
    seconds = sum(group.done_s for key, group in known.groups.items() if key == ("t",))
    assert known.kinds["t"].mean_s == pytest.approx(seconds / 20)  # those that were with others do not count


def test_a_chain_is_seen_whatever_the_order_of_its_jobs(tmp_path: Path) -> None:
    _, progress, _ = began(tmp_path, Shape(jobs=3, wide=1))
    planned = [Planned(name=name, tasks=(("t", 1),), stated_s=10) for name in reversed(tuple(progress.jobs))]
    known = tally(planned, progress.children, clock=lambda: 0.0)
    log = (tmp_path / "made-0.log").read_text()
    fold(progress, log[: log.index("Finished", log.index("Job executing"))])
    known.update(progress.take_changed())
    left_s = known.seconds_left(progress, progress.last_at or 0.0)
    assert left_s is not None
    assert left_s > 30


def estimates(directory: Path, shape: Shape, shares: tuple[float, ...]) -> list[float | None]:
    """Of the run's end, over how long it takes from then on, when so much of its log is there."""
    log, progress, known = began(directory, shape)
    whole = fold(begin(from_static_bp((directory / "made-0.static.bp").read_text().splitlines())), log)
    assert whole.last_at is not None
    found: list[float | None] = []
    at = 0
    for share in shares:
        end = int(len(log) * share)
        fold(progress, log[at:end])
        at = end
        known.update(progress.take_changed())
        now = progress.last_at or 0.0
        left = known.seconds_left(progress, now)
        found.append(None if left is None else left / (whole.last_at - now))
    return found


@pytest.mark.parametrize(
    ("shape", "why"),
    [
        (Shape(jobs=800, wide=800, mean_s=10), "more work than cores"),
        (Shape(jobs=400, wide=1, mean_s=10, instances=8), "one chain"),
        (Shape(jobs=600, wide=30, mean_s=10), "levels as wide as the pool, and more"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_estimate_is_about_right(shape: Shape, why: str, tmp_path: Path) -> None:
    """In the middle of the run: within a third of the truth. It knows means; the run has its own luck."""
    for found in estimates(tmp_path, shape, (0.2, 0.4, 0.6)):
        assert found is not None, why
        assert 2 / 3 < found < 3 / 2, why


def test_nothing_is_said_before_anything_is_known(tmp_path: Path) -> None:
    (nothing,) = estimates(tmp_path, Shape(jobs=50), (0.01,))
    assert nothing is None


def test_what_profiles_say_is_used_until_there_is_more(tmp_path: Path) -> None:
    """The first job has begun, none has ended."""
    log, progress, known = began(tmp_path, Shape(jobs=800, wide=800, instances=2), stated_s=30)
    fold(progress, log[: log.index("Finished", log.index("Job executing"))])
    known.update(progress.take_changed())
    assert known.cores == 2  # of one instance
    assert known.seconds_left(progress, progress.last_at or 0) == pytest.approx(800 * 30 / 2, rel=0.01)
