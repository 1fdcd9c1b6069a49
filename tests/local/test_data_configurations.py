"""Files that jobs leave for each other in a directory that all of them see, under a real DAGMan."""

import hashlib
from pathlib import Path
from uuid import uuid4

import pytest
from personal_pool import PersonalPool, personal_pool
from test_workflow import explained, run

from roost.workflow.planning import Options

__all__ = ["personal_pool"]

pytestmark = pytest.mark.local

HOW = ("copy", "here")  # links: test_wrapper
# a.txt is left for others alone, b.txt is a result that another one takes, c.txt is a result of a name of its own
CHAIN = """\
pegasus: 5.0.4
name: chain
jobs:
- type: job
  name: a
  id: A
  arguments: []
  stdout: said/by a.txt
  uses:
  - {lfn: in/put 1.txt, type: input}
  - {lfn: mid/a.txt, type: output, stageOut: false}
  - {lfn: said/by a.txt, type: output, stageOut: false}
- {type: job, name: wait, id: W, arguments: [], uses: []}
- {type: job, name: b, id: B, arguments: [], uses: [{lfn: mid/a.txt, type: input}, {lfn: b.txt, type: output}]}
- {type: job, name: c, id: C, arguments: [], uses: [{lfn: b.txt, type: input}, {lfn: out/c.txt, type: output}]}
jobDependencies: [{id: W, children: [B]}]
transformationCatalog:
  transformations:
  - {name: a, sites: [{name: local, pfn: a, type: stageable}]}
  - {name: b, sites: [{name: local, pfn: b, type: stageable}]}
  - {name: c, sites: [{name: local, pfn: c, type: stageable}]}
  - {name: wait, sites: [{name: local, pfn: wait, type: stageable}]}
replicaCatalog:
  replicas:
  - {lfn: in/put 1.txt, pfns: [{site: local, pfn: input.txt}], checksum: {sha256: SHA}}
"""


def written(directory: Path, *, wait: str = "true", retries: int = 0, **scripts: str) -> Path:
    mine = {
        "a": "cat 'in/put 1.txt' > mid/a.txt; echo said",
        "b": "cat mid/a.txt mid/a.txt > b.txt",
        "c": "cat b.txt b.txt > out/c.txt; pwd -P",
        "wait": wait,
        **scripts,
    }
    for name, script in mine.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    (directory / "input.txt").write_text("text\n")
    path = directory / "workflow.yml"
    path.write_text(CHAIN.replace("SHA", hashlib.sha256(b"text\n").hexdigest()))
    (directory / "pegasus.properties").write_text(f"dagman.retry = {retries}\n")
    return path


FAILS_ONCE = "echo half > mid/a.txt; mkdir /tmp/roost-$ROOST_TRY 2>/dev/null && exit 9; cat 'in/put 1.txt' > mid/a.txt"


@pytest.mark.parametrize("how", HOW)
def test_files_go_through_the_directory_and_results_home(personal_pool: PersonalPool, tmp_path: Path, how: str) -> None:
    path = written(tmp_path, retries=1, a=FAILS_ONCE.replace("$ROOST_TRY", uuid4().hex))
    ran = run(personal_pool, path, tmp_path, how=how)
    assert ran.progress.is_success, explained(personal_pool, ran, ran.progress.failed[0].name)
    assert [attempt.exit_code for attempt in ran.progress.jobs["a_A"].attempts] == [9, 0]
    paths = ran.executable.paths
    assert personal_pool.run("ls", str(paths.output)).split() == ["b.txt", "out%2Fc.txt"]
    assert personal_pool.read(f"{paths.output}/out%2Fc.txt") == "text\n" * 4
    there = personal_pool.run("sh", "-c", f"cd {paths.files} && find . -type f | sort").splitlines()
    names = ["in/put 1.txt", "mid/a.txt", "said/by a.txt", "b.txt"]
    if how == "here":
        assert set(there) == {f"./{name}" for name in [*names, "out/c.txt"]}
    else:
        assert set(there) == {f"./{name.replace('/', '%2F').replace(' ', '%20')}" for name in names}
    record = personal_pool.read(f"{paths.submit}/c_C.out.000")
    assert (f"        {paths.files}\n" in record) == (how == "here"), "where it worked"
    assert "integrity_summary:\n    succeeded: 1" in record
    scratch = personal_pool.run("ls", str(paths.scratch)).split()
    assert scratch == ["a_A.sha256", "b_B.sha256", "c_C.sha256", "wait_W.sha256"], "HTCondor moved no file but these"


@pytest.mark.parametrize("how", HOW)
def test_chores_are_done_where_the_files_are(personal_pool: PersonalPool, tmp_path: Path, how: str) -> None:
    """A file of a server comes there, what nobody needs goes from there."""
    path = written(tmp_path)
    path.write_text(path.read_text().replace("{site: local, pfn: input.txt}", "{site: web, pfn: 'URL'}"))
    offered = f"/home/debian/www-{uuid4().hex[:8]}"
    personal_pool.put(tmp_path, offered)
    port = 8200 + HOW.index(how)
    serve = f"cd {offered} && {{ setsid python3 -m http.server {port} >/dev/null 2>&1 & echo $!; }}"
    pid = personal_pool.run("sh", "-c", serve).strip()
    try:
        path.write_text(path.read_text().replace("URL", f"http://127.0.0.1:{port}/input.txt"))
        ran = run(personal_pool, path, tmp_path, how=how, options=Options(cleanup="inplace"))
    finally:
        personal_pool.run("kill", pid)
    assert ran.progress.is_success, explained(personal_pool, ran, ran.progress.failed[0].name)
    paths = ran.executable.paths
    assert personal_pool.read(f"{paths.output}/out%2Fc.txt") == "text\n" * 4
    left = personal_pool.run("sh", "-c", f"cd {paths.files} && find . -type f").splitlines()
    given = "in/put 1.txt" if how == "here" else "in%2Fput%201.txt"
    assert set(left) == {f"./{given}", *(["./out/c.txt"] if how == "here" else [])}
