"""Tasks in containers, under a real DAGMan: an image without Python, started by podman in the job's account."""

import base64
import hashlib
import io
import json
import shlex
import tarfile
from pathlib import Path

import pytest
from personal_pool import PersonalPool, personal_pool
from test_workflow import explained, followed, run, submitted

__all__ = ["personal_pool"]

pytestmark = pytest.mark.local

# What a shell and cat need, and nothing else.
_ROOT = """\
set -e
files="/usr/bin/dash /usr/bin/cat $(ldd /usr/bin/dash /usr/bin/cat | grep -o '/[^ :]*' | sort -u)"
tar -chf - --transform 's,^usr/bin/dash$,bin/sh,;s,^usr/bin/cat$,bin/cat,' --absolute-names $(
    for file in $files; do echo "${file#/}"; done | sort -u | grep -v '^usr/bin/ldd') -C / | base64
"""


def image(pool: PersonalPool) -> bytes:
    """As `docker save` writes it."""
    layer = base64.b64decode(pool.run("sh", "-c", f"cd / && {_ROOT}"))
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps(
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {"Entrypoint": ["/nowhere"], "Env": ["OF_IMAGE=yes"]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        }
    ).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    listed = [{"Config": name, "RepoTags": ["tiny:latest"], "Layers": [f"{digest}/layer.tar"]}]
    found = io.BytesIO()
    with tarfile.open(fileobj=found, mode="w") as tar:
        members = {name: config, f"{digest}/layer.tar": layer, "manifest.json": json.dumps(listed).encode()}
        for member, text in members.items():
            about = tarfile.TarInfo(member)
            about.size = len(text)
            tar.addfile(about, io.BytesIO(text))
    return found.getvalue()


def workflow(directory: Path, script: str, *, kind: str = "docker", more: str = "") -> Path:
    (directory / "in.txt").write_text("from outside\n")
    (directory / "tool").write_text("#!/bin/sh\necho tool of $1\n")
    path = directory / "workflow.yml"
    path.write_text(
        f"""\
pegasus: 5.0.4
name: contained
jobs:
- type: job
  name: sh
  id: ID1
  arguments: [-c, {json.dumps(shlex.quote(script))}]
  stdin: in.txt
  stdout: said.txt
  uses: [{{lfn: in.txt, type: input}}, {{lfn: d/out.txt, type: output}}]
  profiles: {{env: {{OF_TASK: "its own 'words'"}}{more}}}
- {{type: job, name: tool, id: ID2, arguments: [second], stdout: second.txt, uses: []}}
transformationCatalog:
  transformations:
  - {{name: sh, sites: [{{name: condorpool, pfn: /bin/sh, type: installed, container: tiny}}]}}
  - {{name: tool, sites: [{{name: local, pfn: tool, type: stageable, container: tiny}}]}}
  containers:
  - name: tiny
    type: {kind}
    image: tiny.tar
    mounts: ['/etc:/of-instance:ro']
    profiles: {{env: {{OF_CONTAINER: '1'}}}}
replicaCatalog:
  replicas:
  - {{lfn: in.txt, pfns: [{{site: local, pfn: in.txt}}]}}
"""
    )
    (directory / "pegasus.properties").write_text("dagman.retry = 0\n")
    return path


def test_tasks_run_in_an_image_without_python(personal_pool: PersonalPool, tmp_path: Path) -> None:
    (tmp_path / "tiny.tar").write_bytes(image(personal_pool))
    script = (
        "[ ! -e /usr/bin/python3 ] && cat > d/out.txt && echo $PWD $OF_IMAGE $OF_CONTAINER $OF_TASK $PEGASUS_DAG_JOB_ID"
        " && cat /of-instance/hostname"
    )
    ran = run(personal_pool, workflow(tmp_path, script), tmp_path, timeout_s=180)
    failed = [explained(personal_pool, ran, job.name).stderr for job in ran.progress.failed]
    assert ran.progress.is_success, failed
    read = {lfn: personal_pool.read(str(remote)) for lfn, remote in ran.executable.results.items()}
    assert read == {
        "d/out.txt": "from outside\n",
        "said.txt": "/scratch yes 1 its own 'words' sh_ID1\npersonal-pool",
        "second.txt": "tool of second\n",
    }


def test_its_exit_code_and_its_end(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """SIGTERM comes through, and its exit code comes back."""
    (tmp_path / "tiny.tar").write_bytes(image(personal_pool))
    script = "trap 'echo ended > d/out.txt; echo told >&2; exit 9' TERM; while :; do :; done"
    more = ", pegasus: {checkpoint.time: 0.1, maxwalltime: 0.5}"
    ran = run(personal_pool, workflow(tmp_path, script, more=more), tmp_path, timeout_s=180)
    shown = explained(personal_pool, ran, "sh_ID1")
    assert shown.exit_code == 14
    assert "longer than it may (6 s), and was sent SIGTERM" in shown.reason
    assert "told" in "\n".join(shown.stderr)
    assert personal_pool.run("sh", "-c", "pgrep -f '[e]cho ended' || true") == ""


def test_nothing_here_can_run_it(personal_pool: PersonalPool, tmp_path: Path) -> None:
    (tmp_path / "tiny.tar").write_bytes(b"not an image")
    ran = run(personal_pool, workflow(tmp_path, "true", kind="singularity"), tmp_path, timeout_s=120)
    shown = explained(personal_pool, ran, "sh_ID1")
    assert shown.exit_code == 126
    assert "podman cannot run tiny.tar, and no apptainer or singularity is on this instance" in shown.reason


def test_what_htcondor_makes_of_its_container_universe(personal_pool: PersonalPool, tmp_path: Path) -> None:
    """Nothing on this pool can run it; the job waits for an execution point that can."""
    (tmp_path / "tiny.sif").write_bytes(b"an image")
    path = workflow(tmp_path, "true", kind="singularity", more=", condor: {universe: container}")
    text = path.read_text().replace("image: tiny.tar\n    mounts: ['/etc:/of-instance:ro']\n", "image: tiny.sif\n")
    path.write_text(text)
    executable = submitted(personal_pool, path, tmp_path)
    asked = ("-constraint", 'pegasus_wf_xformation == "sh"', "-af:r", "ContainerImage", "TransferInput", "Requirements")
    try:
        followed(personal_pool, executable, 60, until=lambda now: now.jobs["sh_ID1"].submits == 1)
        image, inputs, requirements = personal_pool.run("condor_q", *asked).split(maxsplit=2)
    finally:
        personal_pool.run("condor_rm", "-constraint", f'pegasus_wf_uuid == "{executable.uuid}"')
    assert image == '"tiny.sif"'
    assert inputs.endswith('../executables/tiny.sif"')
    assert "TARGET.HasContainer && TARGET.HasSIF" in requirements
