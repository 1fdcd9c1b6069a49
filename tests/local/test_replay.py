"""Two traces, replayed for real: every file at the end is what it has to be if every task read what it had to read."""

from pathlib import Path

import pytest
from own_service import Localec2Service
from replay import wrong_results
from roost_cli import Roost
from traces import Task, Trace, merged, replayable, write_replay

pytestmark = pytest.mark.local


def lanes(width: int, length: int) -> Trace:
    """Side by side from one file, and together again at the end; half of the tasks wait, half of them work."""
    tasks = [task("split", ["given"], [f"{lane}-0" for lane in range(width)], [])]
    for step in range(1, length):
        tasks += [task(f"{lane}-{step}", [f"{lane}-{step - 1}"], [f"{lane}-{step}"], []) for lane in range(width)]
    tasks.append(task("join", [f"{lane}-{length - 1}" for lane in range(width)], ["joined", "no bytes"], []))
    makers = {lfn: one.id for one in tasks for lfn in one.outputs}
    tasks = [
        task(one.id, one.inputs, one.outputs, [makers[lfn] for lfn in one.inputs if lfn in makers]) for one in tasks
    ]
    sizes = {lfn: 1_000_000 for one in tasks for lfn in (*one.inputs, *one.outputs)}
    return Trace(name=f"lanes-{width}", tasks=tuple(tasks), sizes={**sizes, "no bytes": 0})


def task(
    name: str, inputs: list[str] | tuple[str, ...], outputs: list[str] | tuple[str, ...], parents: list[str]
) -> Task:
    return Task(
        id=name,
        transformation=name.split("-")[-1],
        arguments=(),
        runtime_s=1.0,
        cpu_share=0.5,
        inputs=tuple(inputs),
        outputs=tuple(outputs),
        parents=tuple(dict.fromkeys(parents)),
    )


def test_traces_are_replayed(localec2_service: Localec2Service, tmp_path: Path) -> None:
    both = merged([lanes(4, 3), lanes(12, 2)])
    trace = replayable(both, bound_s=5.0, megabytes=2.0, burn=True)
    write_replay(trace, tmp_path)
    roost = Roost(service=localec2_service, directory=tmp_path)
    done = roost("run", "workflow.yml", "--name", "replayed")
    assert done.returncode == 0, done.stdout + done.stderr
    output = tmp_path / "runs" / "replayed" / "output"
    assert len(trace.results) == 4
    assert wrong_results(trace, output) == []
    (output / trace.results[0]).write_bytes(b"something else")
    assert wrong_results(trace, output) == [trace.results[0]]
    assert roost.left() == []
