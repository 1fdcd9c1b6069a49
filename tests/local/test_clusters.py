"""Jobs of several tasks under a real DAGMan: by level, label, run time and whole; one whose second task fails."""

from pathlib import Path

import pytest
import yaml
from personal_pool import PersonalPool, personal_pool
from test_workflow import Ran, explained, run

from roost.workflow.attempts import JobState
from roost.workflow.clustering import Kind, Policy
from roost.workflow.records import read

__all__ = ["personal_pool"]

pytestmark = pytest.mark.local

JOINS = """\
#!/bin/sh
echo "$1 begins" >&2
[ "$1" = "FAILS" ] && { echo "$1 went wrong" >&2; exit 3; }
out=$1; shift
echo "mine $MINE" > "$out"
cat "$@" >> "$out"
"""


def lanes(tmp_path: Path, *, fails: str = "") -> Path:
    """Three lanes of two steps from one file, and together again: `a1` to `b1`, ..., then `sum`."""
    program = tmp_path / "joins"
    program.write_text(JOINS.replace("FAILS", fails))
    (tmp_path / "given").write_text("given\n")
    lines = ["pegasus: 5.0.4", "name: lanes", "jobs:"]

    def add(name: str, *inputs: str, label: str = "", kept: bool = False) -> None:
        words = ", ".join([name, *inputs])
        uses = [f"{{lfn: {one}, type: input}}" for one in inputs]
        uses.append(f"{{lfn: {name}, type: output, stageOut: {str(kept).lower()}}}")
        named = f", label: {label}" if label else ""
        lines.append(f"- {{type: job, name: joins, id: {name}, arguments: [{words}], uses: [{', '.join(uses)}],")
        lines.append(f"   profiles: {{pegasus: {{runtime: 0.1{named}}}, env: {{MINE: '{name[1:]}'}}}}}}")

    for lane in "123":
        add(f"a{lane}", "given", label=f"lane{lane}")
    for lane in "123":
        add(f"b{lane}", f"a{lane}", "given", label=f"lane{lane}")
    add("sum", "b1", "b2", "b3", kept=True)
    lines += ["transformationCatalog:", "  transformations:"]
    lines.append(f"  - {{name: joins, sites: [{{name: local, pfn: {program}, type: stageable}}],")
    lines.append("     profiles: {pegasus: {clusters.size: 2}}}")
    lines += ["replicaCatalog:", "  replicas:"]
    lines.append(f"  - {{lfn: given, pfns: [{{site: local, pfn: '{tmp_path / 'given'}'}}]}}")
    path = tmp_path / "workflow.yml"
    path.write_text("\n".join(lines) + "\n")
    return path


def clusters(ran: Ran) -> dict[str, list[str]]:
    return {job.name: [task.id for task in job.tasks] for job in ran.executable.jobs if len(job.tasks) > 1}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (Kind.HORIZONTAL, {"merge_joins_PID1_ID1": ["a1", "a2"], "merge_joins_PID2_ID1": ["b1", "b2"]}),
        (Kind.LABEL, {f"merge_lane{lane}": [f"a{lane}", f"b{lane}"] for lane in (1, 2, 3)}),
        (Kind.WHOLE, {"merge_whole-wf": ["a1", "a2", "a3", "b1", "b2", "b3", "sum"]}),
        (Kind.AUTO, {"merge_joins_PID1_ID1": ["a1", "b1", "a2", "b2", "a3", "b3"]}),
    ],
)
def test_results_are_the_same(
    personal_pool: PersonalPool, tmp_path: Path, kind: Kind, expected: dict[str, list[str]]
) -> None:
    ran = run(personal_pool, lanes(tmp_path), tmp_path, policy=Policy(kinds=frozenset({kind}), cores=1))
    assert ran.progress.is_success
    assert clusters(ran) == expected
    submit = ran.executable.paths.submit
    said = [f"mine {lane}\nmine {lane}\ngiven\ngiven\n" for lane in "123"]
    assert personal_pool.read(str(ran.executable.paths.output / "sum")) == "mine um\n" + "".join(said)
    for job in ran.executable.jobs:
        records = read(personal_pool.read(str(submit / job.stdout(1))))
        assert [one.task_id for one in records.invocations] == [task.id for task in job.tasks]
        assert (records.cluster.succeeded if records.cluster else 1) == len(job.tasks)


def test_the_second_of_three_fails(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """Told is that one: its line, its exit code, what it wrote; what came after it did not run."""
    path = lanes(tmp_path, fails="b2")
    ran = run(personal_pool, path, tmp_path, policy=Policy(kinds=frozenset({Kind.HORIZONTAL}), cores=1))
    job = next(one for one in ran.executable.jobs if one.name == "merge_joins_PID2_ID1")
    assert ran.state(job.name) is JobState.FAILED
    assert ran.state("joins_b3") is JobState.DONE
    assert ran.state("joins_sum") is JobState.WAITING
    shown = explained(personal_pool, ran, job.name)
    line = next(n for n, text in enumerate(path.read_text().splitlines(), start=1) if "id: b2" in text)
    assert (shown.at, shown.exit_code, shown.attempts) == (f"{path}:{line}", 3, 2)
    assert shown.reason == "task b2: exit code 3"
    assert shown.stderr == ("b2 begins", "b2 went wrong")
    records = read(personal_pool.read(str(ran.executable.paths.submit / job.stdout(2))))
    assert [(one.task_id, one.exit_code) for one in records.invocations] == [("b1", 0), ("b2", 3)]


def test_more_than_an_argument_holds(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """Three hundred tasks, whose arguments do not get smaller by being packed."""
    program = tmp_path / "says"
    program.write_text('#!/bin/sh\nlast=$1; shift; echo "$#" > "$last"\n')
    words = [f"{number * 2654435761 % 2**61:x}" for number in range(1, 300 * 99 + 1)]
    jobs = [
        {
            "type": "job",
            "name": "says",
            "id": f"ID{number}",
            "arguments": [f"o{number}", *words[99 * number : 99 * number + 99]],
            "uses": [{"lfn": f"o{number}", "type": "output", "stageOut": number in (0, 299)}],
        }
        for number in range(300)
    ]
    site = {"name": "local", "pfn": str(program), "type": "stageable"}
    catalog = {"transformations": [{"name": "says", "sites": [site]}]}
    document = {"pegasus": "5.0.4", "name": "many", "jobs": jobs, "transformationCatalog": catalog}
    path = tmp_path / "workflow.yml"
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    ran = run(personal_pool, path, tmp_path, policy=Policy(kinds=frozenset({Kind.WHOLE})))
    assert ran.progress.is_success
    assert (tmp_path / "run" / "submit" / "merge_whole-wf.tasks").stat().st_size > 128 * 1024
    output = ran.executable.paths.output
    assert [personal_pool.read(str(output / name)) for name in ("o0", "o299")] == ["99\n", "99\n"]
