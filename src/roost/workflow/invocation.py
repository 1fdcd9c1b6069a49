"""pure: PlannedJob -> the argument of node/invoke.py: what it runs, as a word that no layer on the way has to quote."""

import base64
import json
import zlib
from collections.abc import Collection, Mapping
from typing import Any

from roost.workflow.abstract import Job
from roost.workflow.dag_parts import sums_for
from roost.workflow.executable import CHECKPOINT, ExecutableWorkflow, PlannedJob, stored_name

LONG = 32 * 1024  # bytes: an argument may have 128 KiB (MAX_ARG_STRLEN of Linux), and the job's ad holds it twice
_PACKED = 2000  # bytes; below that the word is as it is
# of the wrapper's environment, what a program in a container sees too
_OWN_ENV = ("PEGASUS_WF_UUID", "PEGASUS_WF_LABEL", "PEGASUS_DAG_JOB_ID", "PEGASUS_SITE")
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def invocation(
    job: PlannedJob,
    executable: ExecutableWorkflow,
    shared: Collection[str] = (),
    parts: Mapping[str, PlannedJob] | None = None,
) -> str:
    """Base64 of JSON, or of JSON that zlib has made smaller.

    `shared`: what jobs leave for each other by themselves. `parts`: nodes that are workflows, by name.
    """
    programs = executable.programs
    asked: dict[str, Any] = {"tasks": [_task(task, programs[task.transformation].path) for task in job.tasks]}
    if job.sent:
        asked["programs"] = job.sent
    if len(job.tasks) > 1:
        asked["home"] = [output.lfn for output in job.outputs]
        if job.apart:
            asked["apart"] = True
        for task, env in zip(asked["tasks"], job.envs, strict=False):
            if env:
                task["env"] = env
    if executable.paths.shared:
        asked["home"] = [output.lfn for output in job.outputs if output.stage_out]
        asked["share"] = [output.lfn for output in job.outputs if output.lfn in shared]
    if executable.links and (links := {lfn: executable.links[lfn] for lfn in job.inputs if lfn in executable.links}):
        asked["links"] = links
    if executable.digests:
        known = [lfn for lfn in job.inputs if lfn in executable.digests]
        asked["expected"] = {stored_name(lfn): executable.digests[lfn] for lfn in known}
    if executable.rules:
        for said, task in zip(asked["tasks"], job.tasks, strict=True):
            rules = executable.rules.get(task.id)
            said.update({key: value for key, value in rules._asdict().items() if value} if rules else {})
    if executable.containers and job.shape.universe != "container":
        linked = [f"{path}:{path}:ro" for path in asked.get("links", {}).values()]
        for said, task in zip(asked["tasks"], job.tasks, strict=True):
            if container := executable.containers.get(task.transformation):
                said["container"] = {
                    "kind": container.kind,
                    "image": container.image,
                    "mounts": [*container.mounts, *linked],
                    "env": [*_OWN_ENV, *job.shape.env, *said.get("env", ())],
                }
    if job.name in executable.checkpoints:
        first, lfns = executable.first_checkpoints, executable.checkpoints[job.name]
        asked["checkpoint"] = {"file": job.name + CHECKPOINT, "files": {lfn: first.get(lfn, "") for lfn in lfns}}
    if (executable.around.given or parts) and (only := sums_for(job, executable, parts or {})[1]):
        asked["only"] = only
    text = _encode(asked).encode()
    return base64.b64encode(text if len(text) < _PACKED else zlib.compress(text)).decode()


def in_file(job: str, word: str) -> tuple[str, str, str]:
    """(name of a file, what is in it, the word instead), which tells by a checksum when the file is another one.

    >>> in_file("merge_t", "eyJ0YXNrcyI6W119")
    ('merge_t.tasks', 'eyJ0YXNrcyI6W119', '@merge_t.tasks:bd7a85da')
    """
    name = f"{job}.tasks"  # not .in: Pegasus' monitord would look into that
    return name, word, f"@{name}:{zlib.crc32(word.encode()):08x}"


def chores(job: PlannedJob) -> str:
    """The argument of node/chores.py: base64 of JSON."""
    return base64.b64encode(_encode({"fetch": job.chores.fetch, "remove": job.chores.remove}).encode()).decode()


def decoded(word: str) -> dict[str, Any]:
    """As node/invoke.py does it.

    >>> decoded("eyJ0YXNrcyI6W119")
    {'tasks': []}
    """
    data = base64.b64decode(word)
    found: dict[str, Any] = json.loads(data if data.startswith(b"{") else zlib.decompress(data))
    return found


def _task(task: Job, executable: str) -> dict[str, Any]:
    """What is usual is left out: most tasks have no streams of their own."""
    asked: dict[str, Any] = {
        "id": task.id,
        "transformation": task.transformation,
        "run": executable,
        "arguments": task.arguments,
        "inputs": task.inputs,
        "outputs": [output[0] for output in task.outputs],
    }
    if task.stdin or task.stdout or task.stderr:
        streams = {"stdin": task.stdin, "stdout": task.stdout, "stderr": task.stderr}
        asked.update({stream: lfn for stream, lfn in streams.items() if lfn})
    for output in task.outputs:
        if output.optional:
            asked.setdefault("optional", []).append(output.lfn)
    return asked
