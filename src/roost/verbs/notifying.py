"""shell (processes): hooks of a workflow are run on this machine, where `roost run` is, each once.

In: what happens. Out: processes with Pegasus' environment variables; what was started is written to `hooks.log` of the
run's directory, so that a roost that goes on where another was killed starts no hook twice. A hook that fails is told,
and changes nothing else.
"""

import json
import os
import subprocess
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

from roost.workflow.attempts import JobProgress, Outcome
from roost.workflow.executable import ExecutableWorkflow, PlannedJob
from roost.workflow.hooks import Hook, Moment, event
from roost.workflow.nesting import members

_AT_ONCE = 4
_TIMEOUT_S = 300.0  # of one; a run does not end before its hooks have
_LOG = "hooks.log"
_OUTPUT = "hooks.out"  # what they print
_MOMENTS = {Outcome.DONE: Moment.SUCCESS, Outcome.FAILED: Moment.ERROR, Outcome.REMOVED: Moment.ERROR}


class Notifier:
    """Of one run, whose directory here is `directory`."""

    def __init__(self, directory: Path, executable: ExecutableWorkflow, *, say: Callable[[str], None]) -> None:
        self._directory = directory.absolute()
        self._of_nodes: dict[str, tuple[Hook, ...]] = {}
        self._nodes: dict[str, PlannedJob] = {}
        self._submit: dict[str, PurePosixPath] = {}  # the part of the run's submit directory where each one's files are
        self.know(executable)
        self._say = say
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hook")
        self._started: list[Future[None]] = []
        self._known = _known(self._directory / _LOG)

    def know(self, executable: ExecutableWorkflow) -> None:
        """With the parts that have been planned by now."""
        self._executable = executable
        for prefix, node, workflow in members(executable):
            self._of_nodes.update((prefix + name, hooks) for name, hooks in workflow.node_hooks.items())
            if workflow.hooks and node:  # of a part, when its job begins and ends
                known = self._of_nodes.get(node, ())
                self._of_nodes[node] = (*known, *(one for one in workflow.hooks if one not in known))
            here = executable.paths.submit_of(workflow.paths)
            self._nodes.update((prefix + job.name, job) for job in workflow.jobs)
            self._submit.update((prefix + job.name, here) for job in workflow.jobs)

    def workflow(self, moment: Moment, *, submission: int, exit_code: int | None = None) -> None:
        """It begins, or it has ended and its files are here."""
        uuid = self._executable.uuid
        about = {"PEGASUS_JOBID": uuid, "PEGASUS_STDOUT": self._executable.dagman_out}
        self._run(self._executable.hooks, moment, uuid, submission, about, exit_code)

    def jobs(self, changed: Collection[JobProgress]) -> None:
        """What happened to those that have hooks."""
        for job in changed:
            node = self._nodes.get(job.name)
            if node is None or job.name not in self._of_nodes:
                continue
            here = self._submit[job.name]
            mine = self._of_nodes[job.name]
            number = 1  # of the submission: an attempt that lost its slot is started again in the same one
            for attempt in job.attempts:
                about = {
                    "PEGASUS_JOBID": node.name,
                    "PEGASUS_STDOUT": str(here / node.stdout(number)),
                    "PEGASUS_STDERR": str(here / node.stderr(number)),
                }
                self._run(mine, Moment.START, job.name, number, about, None)
                if (moment := _MOMENTS.get(attempt.outcome)) is not None:
                    self._run(mine, moment, job.name, number, about, attempt.exit_code)
                number += attempt.outcome is not Outcome.EVICTED

    def finish(self) -> None:
        """Returns when all have ended."""
        wait(self._started)
        self._threads.shutdown()

    def _run(
        self,
        hooks: Sequence[Hook],
        moment: Moment,
        who: str,
        number: int,
        about: Mapping[str, str],
        exit_code: int | None,
    ) -> None:
        for place, hook in enumerate(hooks):
            name = event(hook, moment)
            key = f"{who} {number} {moment} {place}"
            if name is None or key in self._known:
                continue
            self._known.add(key)
            now = datetime.now(UTC)
            submit = self._directory / "submit"
            environment = {
                **os.environ,
                "PEGASUS_EVENT": name,
                "PEGASUS_EVENT_TIMESTAMP": str(int(now.timestamp())),
                "PEGASUS_EVENT_TIMESTAMP_ISO": now.isoformat(timespec="seconds"),
                "PEGASUS_SUBMIT_DIR": str(submit),
                "PEGASUS_WFID": f"{self._executable.name}-0",
                **{
                    key: str(submit / value) if key.startswith("PEGASUS_STD") else value for key, value in about.items()
                },
                **({} if exit_code is None else {"PEGASUS_STATUS": str(exit_code)}),
            }
            line = {"at": now.isoformat(timespec="seconds"), "key": key, "event": name, "command": hook.command}
            with (self._directory / _LOG).open("a", encoding="utf-8") as log:
                log.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._started.append(self._threads.submit(self._start, hook.command, environment))

    def _start(self, command: str, environment: Mapping[str, str]) -> None:
        with (self._directory / _OUTPUT).open("ab") as output:
            try:
                done = subprocess.run(
                    ["sh", "-c", command],
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    check=False,
                    timeout=_TIMEOUT_S,
                )
            except subprocess.TimeoutExpired:
                self._say(f"the hook `{command}` did not end within {_TIMEOUT_S:g} s")
                return
        if done.returncode != 0:
            self._say(f"the hook `{command}` failed (exit code {done.returncode}): see {self._directory / _OUTPUT}")


def _known(log: Path) -> set[str]:
    """What was started before; a line that was cut short is one that was not."""
    keys = set()
    for line in log.read_text(encoding="utf-8").splitlines() if log.exists() else ():
        try:
            keys.add(str(json.loads(line)["key"]))
        except (ValueError, KeyError, TypeError):
            continue
    return keys
