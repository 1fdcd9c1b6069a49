"""pure: PlannedJob -> the argument of node/invoke.py: what it runs, as a word that no layer on the way has to quote."""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any

from roost.workflow.abstract import Job
from roost.workflow.planner import PlannedJob, Program

_LONG = 2000  # bytes; below that the word is as it is
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode


def invocation(job: PlannedJob, programs: Mapping[str, Program]) -> str:
    """Base64 of JSON, or of JSON that zlib has made smaller."""
    asked: dict[str, Any] = {"tasks": [_task(task, programs[task.transformation].path) for task in job.tasks]}
    if job.sent:
        asked["programs"] = job.sent
    text = _encode(asked).encode()
    return base64.b64encode(text if len(text) < _LONG else zlib.compress(text)).decode()


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
