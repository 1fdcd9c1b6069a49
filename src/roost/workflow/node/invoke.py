"""Runs the tasks of one job on an execution point and tells how they went. Standard library only; HTCondor sends it
with each job.

In: one argument (see invocation.py), or `@` and the name of a file that holds it: the tasks, one after another. They
run in `work/`, a directory of their own, under their files' logical names; each alone where they run `apart`, so that
they cannot see what others left. What the job has to send home is moved to `outputs/` when all of them ended well, and
HTCondor sends what is there: a job that failed sends nothing but what a next try goes on from, so it is never held for
a missing output. Beside its outputs lies a file with their checksums; jobs that use them get it, and check what came.
Where ROOST_SCRATCH names a directory that all instances see, files are taken from there, and left there for others
(scratch.py).

Out, on stdout: an invocation record for each task as pegasus-kickstart writes it, and for many what pegasus-cluster
writes (Pegasus' monitord reads both). On stderr: the end of the tasks' stderr, and `PegasusLite: exitcode N`.
"""

import base64
import json
import os
import resource
import signal
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from roost.workflow.node import scratch
from roost.workflow.node.record import Ended, record, stream_lines, summary_line, tail, task_line
from roost.workflow.node.sandbox import (
    MADE,
    OUTPUTS,
    WORK,
    arrange,
    begin,
    check,
    checksum,
    deliver,
    end,
    is_full,
    make_room,
    say_sums,
    stream,
)

WRONG_INPUT = 65  # EX_DATAERR of sysexits.h: an input is not what its job made
NO_OUTPUT = 74  # EX_IOERR: the task ended well and did not write what it said it would
CANNOT_RUN, NO_TASK = 126, 127  # as a shell says it
LATE = 14  # SIGALRM, as pegasus-kickstart says it
SAYS_SO = 1  # as pegasus-exitcode: what it printed says that it failed


def main(word: str) -> int:
    job = read(word)
    tasks = job["tasks"]
    top = Path.cwd()
    there = scratch.scratch(os.environ.get("ROOST_SCRATCH", ""))
    here = there.place if there and there.how == "here" else None
    work = here or top / WORK
    apart = job.get("apart", False) and not here
    started_at = time.time()
    (top / OUTPUTS).mkdir()  # HTCondor wants it, whatever comes
    try:
        if there and not here:
            scratch.take(job, top, there)
        checked, wrong = check(job, top, here)
        if here:
            scratch.enter(job, top, here)
        else:
            arrange(job, top, work)
        if "checkpoint" in job:
            from roost.workflow.node.checkpoint import keep, restore

            restore(job["checkpoint"], top, work, is_shared=here is not None)
    except OSError as error:
        return fail(WRONG_INPUT, f"an input is not there: {error.filename}: {error.strerror}")
    if wrong:
        return fail(WRONG_INPUT, wrong)
    code, done = 0, 0
    for number, task in enumerate(tasks):
        if apart:
            begin(job, number, top, work)
        ended = run(task, work, top)
        code = os.waitstatus_to_exitcode(ended.status)
        made = [lfn for lfn in task["outputs"] if (work / lfn).exists()]
        missing = [lfn for lfn in task["outputs"] if lfn not in made and lfn not in task.get("optional", ())]
        if code == 0 and missing:
            code = NO_OUTPUT
            why = f"the task ended well (exit code 0) but did not write: {', '.join(missing)}"
            ended = ended._replace(status=code << 8, why=why)
        if code != 0 and is_full(work):
            if not here:
                make_room(task, work, [work / lfn for lfn in job.get("checkpoint", {"files": ()})["files"]])
            disk = "file system that the jobs share" if here else "execution point's disk"
            ended = ended._replace(why=f"No space left on the {disk} (exit code {code})")
        sums = {lfn: checksum(work / lfn) for lfn in made if (work / lfn).is_file()} if code == 0 else {}
        job.setdefault("sums", {}).update(sums)
        stdout, stderr = (stream(task, name, work, top) for name in ("stdout", "stderr"))
        said = tail(stderr)
        about = f"task {task['id']}: " if len(tasks) > 1 else ""
        if about and (said or code):
            print(f"roost: {about}says", file=sys.stderr)
        streams = stream_lines("stdout", stdout)
        # pegasus-analyzer shows this alone
        streams += stream_lines("stderr", stderr, f"roost: {ended.why}\n" if ended.why else "")
        print("\n".join([*record(task, work, sums, ended), *streams]))
        if len(tasks) > 1:
            print(task_line(task, number, ended))
        sys.stderr.write(said)
        if ended.why or (about and code):
            print(f"roost: {about}{ended.why or f'exit code {code}'}", file=sys.stderr)
        if code != 0:
            break
        if apart:
            end(task, top, work)
        done += 1
    if len(tasks) > 1:
        print(summary_line(len(tasks), done, number + 1 - done, started_at))
    if code == 0:
        code = hand_over(job, top, top / MADE if apart else work, there)
    elif "checkpoint" in job:
        keep(job["checkpoint"], top, work)
    if checked:
        print("---------------pegasus-multipart\n- integrity_summary:")
        print(f"    succeeded: {checked}\n    failed: 0\n    duration: {job['checking']:.3f}")
    code = code if code >= 0 else 128 - code
    print(f"PegasusLite: exitcode {code}", file=sys.stderr)
    return code


def hand_over(job: dict[str, Any], top: Path, made: Path, there: "scratch.Scratch | None") -> int:
    """The exit code. What was made goes to those that use it."""
    try:
        if there and there.place == made:
            scratch.leave(job, top, made)
        else:
            if there:
                scratch.put(job, made, there)
            deliver(job, top, made)
        say_sums(job, top)
    except OSError as error:
        print(f"roost: an output cannot be kept: {error.filename}: {error.strerror}", file=sys.stderr)
        return NO_OUTPUT
    return 0


def read(word: str) -> dict[str, Any]:
    if word.startswith("@"):
        word = Path(word[1:].partition(":")[0]).read_text()
    data = base64.b64decode(word)
    found: dict[str, Any] = json.loads(data if data.startswith(b"{") else zlib.decompress(data))
    return found


def fail(code: int, why: str) -> int:
    print(f"roost: {why}\nPegasusLite: exitcode {code}", file=sys.stderr)
    return code


def run(task: dict[str, Any], work: Path, top: Path) -> Ended:
    programs = work if work.parent == top else top
    path = f"{programs}:{os.environ.get('PATH', '/usr/bin:/bin')}"
    environment = {**os.environ, **task.get("env", {}), "PATH": path}
    # sent along; in a directory that jobs share it is not beside the files
    program = str(programs / task["run"]) if task["run"].startswith("./") and programs is top else task["run"]
    source = work / task["stdin"] if "stdin" in task else Path(os.devnull)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started_at = time.time()
    with (
        source.open("rb") as stdin,
        stream(task, "stdout", work, top).open("wb") as out,
        stream(task, "stderr", work, top).open("wb") as err,
    ):
        argv: list[str] = [program, *task["arguments"]]
        ending: list[str] = []
        try:
            if "container" in task:
                from roost.workflow.node.container import command

                argv, environment, ending = command(argv, task, work, top, environment)
            process = subprocess.Popen(argv, cwd=work, stdin=stdin, stdout=out, stderr=err, env=environment)
        except LookupError as error:
            return Ended(started_at, time.time(), CANNOT_RUN << 8, str(error.args[0]), (0.0, 0.0, 0))
        except OSError as error:
            why = f"cannot run {task['run']}: {error.strerror}"
            return Ended(started_at, time.time(), NO_TASK << 8, why, (0.0, 0.0, 0))
        told = []

        def end_task(*_: object) -> None:
            told.append(True)
            process.terminate()

        # The starter ends a job with SIGTERM: the task is told, and its record still gets home.
        signal.signal(signal.SIGTERM, end_task)
        late = wait(process, task.get("limits", ()))
        if ending and "SIGKILL" in late:
            subprocess.run(ending, env=environment, capture_output=True, check=False)
        code = process.returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = (after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime, after.ru_maxrss)
    if late:
        why = f"the task ran longer than it may ({task['limits'][0][0]:g} s), and was sent {' and '.join(late)}"
        return Ended(started_at, time.time(), LATE << 8, why, used)
    if told and code == 0:  # whatever it says: it was not let end by itself
        code = -signal.SIGTERM
    if code < 0:
        why = f"the task was ended by signal {-code} ({signal.Signals(-code).name})"
        return Ended(started_at, time.time(), -code, why, used)
    if code == 0 and (why := wrong_words(task, work, top)):
        return Ended(started_at, time.time(), SAYS_SO << 8, why, used)
    return Ended(started_at, time.time(), code << 8, "", used)


def wait(process: "subprocess.Popen[bytes]", limits: "list[list[Any]]") -> "list[str]":
    """Until it has ended. The signals that it was sent because it ran longer than it may."""
    sent = []
    for seconds, name in limits:
        try:
            process.wait(seconds)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(getattr(signal, name))
            sent.append(name)
    process.wait()
    return sent


def wrong_words(task: dict[str, Any], work: Path, top: Path) -> str:
    """What is wrong with what the task printed; empty where nothing is."""
    printed = [stream(task, name, work, top) for name in ("stdout", "stderr")]
    if (text := task.get("failure", "")) and any(says(path, text) for path in printed):
        return f"the task ended with exit code 0, and says '{text}', by which it has failed"
    if (text := task.get("success", "")) and not any(says(path, text) for path in printed):
        return f"the task ended with exit code 0, and does not say '{text}', by which it would have succeeded"
    return ""


def says(path: Path, text: str) -> bool:
    with path.open("rb") as lines:
        return any(text.encode() in line for line in lines)
