"""Where files come from and go to, under a real DAGMan: servers, checksums on the way, the access point's disk."""

import hashlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from uuid import uuid4

import pytest
from personal_pool import PersonalPool, personal_pool
from test_workflow import explained, followed, result, run, submitted

from roost.workflow.attempts import JobState
from roost.workflow.planning import INPLACE, Options

__all__ = ["personal_pool"]

pytestmark = pytest.mark.local

SERVED = "some text\n"
CHAIN = """\
pegasus: 5.0.4
name: chain
jobs:
- type: job
  name: a
  id: A
  arguments: []
  uses: [{lfn: in put.txt, type: input}, {lfn: a.txt, type: output, stageOut: false}]
- {type: job, name: wait, id: W, arguments: [], uses: []}
- {type: job, name: b, id: B, arguments: [], uses: [{lfn: a.txt, type: input}, {lfn: b.txt, type: output}]}
jobDependencies: [{id: W, children: [B]}]
transformationCatalog:
  transformations:
  - {name: a, sites: [{name: local, pfn: a, type: stageable}]}
  - {name: b, sites: [{name: local, pfn: b, type: stageable}]}
  - {name: wait, sites: [{name: local, pfn: wait, type: stageable}]}
replicaCatalog:
  replicas:
  - {lfn: in put.txt, pfns: [{site: web, pfn: "URL"}], checksum: {sha256: SHA}}
"""


@pytest.fixture(scope="module")
def server(personal_pool: PersonalPool, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a directory that a web server on the access point offers."""
    offered = tmp_path_factory.mktemp("www")
    (offered / "in.txt").write_text(SERVED)
    personal_pool.put(offered, "/home/debian/www")
    serve = "cd /home/debian/www && { setsid python3 -m http.server 8123 >/dev/null 2>&1 & echo $!; }"
    pid = personal_pool.run("sh", "-c", serve).strip()
    yield "http://127.0.0.1:8123"
    personal_pool.run("kill", pid)


def written(directory: Path, url: str, *, sha256: str = "", wait: str = "true") -> Path:
    for name, script in {"a": "cat 'in put.txt' > a.txt", "b": "cat a.txt a.txt > b.txt", "wait": wait}.items():
        (directory / name).write_text(f"#!/bin/sh\n{script}\n")
    digest = sha256 or hashlib.sha256(SERVED.encode()).hexdigest()
    path = directory / "workflow.yml"
    path.write_text(CHAIN.replace("URL", url).replace("SHA", digest))
    (directory / "pegasus.properties").write_text("dagman.retry = 0\n")
    return path


def test_fetched_from_a_server_and_removed_after_use(personal_pool: PersonalPool, server: str, tmp_path: Path) -> None:
    path = written(tmp_path, f"{server}/in.txt")
    ran = run(personal_pool, path, tmp_path, options=Options(cleanup=INPLACE))
    assert ran.progress.is_success
    assert personal_pool.read(result(ran)) == SERVED * 2
    paths = ran.executable.paths
    told = personal_pool.read(str(paths.submit / "stage_in_remote_condorpool_0_0.out.000"))
    assert told.startswith("in%20put.txt: 10 bytes from http://127.0.0.1:8123/in.txt in ")
    scratch = set(personal_pool.run("ls", str(paths.scratch)).split())
    assert "a.txt" not in scratch
    assert "a_A.sha256" in scratch


@pytest.mark.parametrize(
    ("name", "sha256", "said"),
    [
        ("in.txt", "ab" * 32, "/in.txt has the SHA-256 "),
        ("none.txt", "", "/none.txt cannot be fetched: "),
    ],
)
def test_a_server_that_has_something_else(
    personal_pool: PersonalPool, server: str, tmp_path: Path, name: str, sha256: str, said: str
) -> None:
    path = written(tmp_path, f"{server}/{name}", sha256=sha256)
    # its retries are those of a server that may come back, with the same answer each time
    ran = run(personal_pool, path, tmp_path)
    shown = explained(personal_pool, ran, "stage_in_remote_condorpool_0_0")
    assert said in shown.reason
    assert ran.state("a_A") is JobState.WAITING
    assert personal_pool.run("ls", "-A", str(ran.executable.paths.scratch)).split() == ["wait_W.sha256"]


def test_a_file_that_changes_on_its_way_is_refused(personal_pool: PersonalPool, server: str, tmp_path: Path) -> None:
    go = f"/tmp/roost-{uuid4().hex}"
    path = written(tmp_path, f"{server}/in.txt", wait=f"while [ ! -e {go} ]; do sleep 0.2; done")
    executable = submitted(personal_pool, path, tmp_path)
    followed(personal_pool, executable, 60, until=lambda now: now.jobs["a_A"].state is JobState.DONE)
    changed: PurePosixPath = executable.paths.scratch / "a.txt"
    personal_pool.run("sh", "-c", 'printf x >> "$1"; touch "$2"', "sh", str(changed), go)
    progress = followed(personal_pool, executable, 60)
    assert progress.jobs["b_B"].exit_code == 65
    stderr = personal_pool.read(str(executable.paths.submit / "b_B.err.000"))
    assert "a.txt came with the SHA-256 " in stderr
