"""pure: one job of a run: its state, each of its attempts, and what an event of HTCondor's log makes of them."""

from dataclasses import dataclass, field
from enum import StrEnum

from roost.workflow import event_log
from roost.workflow.event_log import Event


class JobState(StrEnum):
    WAITING = "waiting"  # for a parent
    READY = "ready"  # DAGMan will submit it
    SUBMITTED = "submitted"  # HTCondor looks for a slot
    RUNNING = "running"
    RETRYING = "retrying"  # failed, and DAGMan will submit it again
    HELD = "held"
    DONE = "done"
    FAILED = "failed"


class Outcome(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    EVICTED = "evicted"  # its slot went away: HTCondor runs the job again, which is no retry
    HELD = "held"
    REMOVED = "removed"


@dataclass(kw_only=True, slots=True)
class Attempt:
    """One time that a job had a slot. `started_at` is when it executed; transfers before belong to `received_bytes`."""

    cluster: int
    started_at: float
    queued_at: float | None = None  # since when HTCondor looked for a slot: submitted, released or evicted
    inputs_at: float | None = None  # when the transfer of inputs began
    outputs_at: float | None = None  # when the transfer of outputs began: the job's program has ended
    ended_at: float | None = None
    outcome: Outcome = Outcome.RUNNING
    slot: str = ""  # slot1_1@host
    instance_id: str = ""  # of the execution point, where it says so
    cpus: int = 1  # of its slot
    instance_cpus: int | None = None  # of the whole machine, where it says so
    exit_code: int | None = None  # 128 + signal for a job that a signal ended
    sent_bytes: int = 0  # by the job: outputs
    received_bytes: int = 0  # inputs

    @property
    def host(self) -> str:
        """
        >>> Attempt(cluster=1, started_at=0, slot="slot1_1@ip-172-31-0-5").host
        'ip-172-31-0-5'
        """
        return self.slot.rpartition("@")[2]


@dataclass(kw_only=True, slots=True)
class JobProgress:
    name: str
    state: JobState
    retries: int = 0
    submits: int = 0
    submitted_at: float | None = None  # the last time
    queued_at: float | None = None  # the last time that it began to wait for a slot
    attempts: list[Attempt] = field(default_factory=list)
    hold_reason: str = ""
    hold_code: int = 0
    transferring: bool = False
    inputs_at: float | None = None  # when the transfer of inputs began, the last time
    script_ended_at: float | None = None  # its POST script, the last time
    ready_at: float | None = None  # when the last of its parents had ended
    was_done: bool = False  # its children were told

    @property
    def exit_code(self) -> int | None:
        """Of the last attempt."""
        return self.attempts[-1].exit_code if self.attempts else None


def after(job: JobProgress, event: Event) -> JobState:
    """The job's next state; its attempts are changed."""
    match event.kind:
        case event_log.SUBMITTED:
            if job.state is JobState.DONE:  # its files got lost: it runs again, with all of its retries
                job.retries += job.submits
            job.submits += 1
            job.hold_reason, job.hold_code = "", 0
            job.submitted_at = job.queued_at = event.at
            return JobState.SUBMITTED
        case event_log.EXECUTING:
            _close(job, event, Outcome.EVICTED)
            job.attempts.append(_begun(job, event))
            job.transferring, job.inputs_at = False, None
            return JobState.RUNNING
        case event_log.EVICTED | event_log.SHADOW_EXCEPTION | event_log.RECONNECT_FAILED:
            _close(job, event, Outcome.EVICTED)
            job.queued_at = event.at
            return JobState.SUBMITTED
        case event_log.TERMINATED:
            code = event_log.exit_code(event.text)
            _close(job, event, Outcome.FAILED if code else Outcome.DONE, code)
            return _failed(job) if code else JobState.DONE
        case event_log.REMOVED:
            _close(job, event, Outcome.REMOVED)
            return _failed(job)
        case event_log.HELD:
            _close(job, event, Outcome.HELD)
            job.hold_reason, job.hold_code = event_log.hold(event.text)
            return JobState.HELD
        case event_log.RELEASED:
            job.hold_reason, job.hold_code = "", 0
            job.queued_at = event.at
            return JobState.SUBMITTED
        case event_log.POST_SCRIPT_ENDED:
            job.script_ended_at = event.at
            # The script has the last word, whatever the job's own exit code was.
            return _failed(job) if event_log.exit_code(event.text) else JobState.DONE
        case event_log.FILE_TRANSFER:
            _transfer(job, event)
            return job.state
        case _:
            return job.state


def _begun(job: JobProgress, event: Event) -> Attempt:
    slot = event_log.attributes(event.text)
    whole = slot.get("TotalCpus", "")
    return Attempt(
        cluster=event.cluster,
        started_at=event.at,
        queued_at=job.queued_at,
        inputs_at=job.inputs_at,
        slot=slot.get("SlotName", ""),
        instance_id=slot.get("RoostInstanceId", ""),
        cpus=int(slot["Cpus"]) if slot.get("Cpus", "").isdigit() else 1,
        instance_cpus=int(float(whole)) if whole.replace(".", "", 1).isdigit() else None,  # 2.0
    )


def _transfer(job: JobProgress, event: Event) -> None:
    job.transferring = event.text.startswith("Started")
    if not job.transferring:
        return
    if "input" in event.text.partition("\n")[0]:
        job.inputs_at = event.at
    elif job.attempts and job.attempts[-1].ended_at is None:
        job.attempts[-1].outputs_at = event.at


def _failed(job: JobProgress) -> JobState:
    """DAGMan submits a job `retries` times more than once."""
    return JobState.RETRYING if job.submits <= job.retries else JobState.FAILED


def _close(job: JobProgress, event: Event, outcome: Outcome, exit_code: int | None = None) -> None:
    """End the running attempt, if there is one."""
    job.transferring = False
    if not job.attempts or job.attempts[-1].ended_at is not None:
        return
    last = job.attempts[-1]
    last.ended_at, last.outcome, last.exit_code = event.at, outcome, exit_code
    last.sent_bytes, last.received_bytes = event_log.transferred(event.text)
