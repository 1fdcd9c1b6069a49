"""pure: why an instance has ended, or its system has not come up: one rule for each thing that can be seen."""

import re
from dataclasses import dataclass

from roost.cloud.model import InstanceState
from roost.pool.evidence import Cause, InstanceEvidence
from roost.pool.why_words import console_lines, inside_command, last_lines, replacing, short, ssh_lines

_ASKED_FOR = 30  # an end that somebody wanted says nothing of what was wrong before
_BOOT_TAKES_S = 180.0  # longer than any image of Roost's needs to say its first word
_FULL_KIB = 20 * 1024
_SHORT_MIB = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class _Reason:
    pattern: str  # of EC2's StateReason
    sentence: str
    remedy: str


# EC2 User Guide, "Troubleshoot Amazon EC2 instance termination", and API reference, StateReason. The first that fits.
_REASONS = (
    _Reason(
        pattern=r"Server\.SpotInstanceTermination|Server\.SpotInstanceShutdown",
        sentence="EC2 took the spot instance back",
        remedy="roost up {pool}   (launches another one; on-demand instances are not taken back)",
    ),
    _Reason(
        pattern=r"Server\.InsufficientInstanceCapacity",
        sentence="EC2 had no capacity for its type when it was to start",
        remedy="name more types: `workers: {{type: [...]}}` in pool.yml, then roost up",
    ),
    _Reason(
        pattern=r"Server\.InternalError",
        sentence="EC2 failed: its host, or EC2's own service",
        remedy="roost up {pool}   (launches another one)",
    ),
    _Reason(
        pattern=r"Server\.ScheduledStop",
        sentence="EC2 retired its host as it had announced",
        remedy="roost up {pool}   (launches another one)",
    ),
    _Reason(
        pattern=r"Client\.VolumeLimitExceeded",
        sentence="the account's quota of EBS volumes is used up",
        remedy="raise the quota of EBS storage: aws service-quotas list-service-quotas --service-code ebs",
    ),
    _Reason(
        pattern=r"Client\.InternalError",
        sentence="its encrypted volume could not be opened: the account may not use the KMS key",
        remedy="aws kms describe-key --key-id alias/aws/ebs",
    ),
    _Reason(
        pattern=r"Client\.InvalidSnapshot\.NotFound",
        sentence="the snapshot of its image is gone",
        remedy="correct `image: {{id: ...}}` in pool.yml",
    ),
    _Reason(
        pattern=r"Client\.UserInitiatedShutdown",
        sentence="somebody terminated or stopped it through the EC2 API: `roost down`, or by hand",
        remedy="roost up {pool}   (launches another one)",
    ),
)


def ended(evidence: InstanceEvidence) -> Cause | None:
    instance = evidence.instance
    if instance.is_usable:
        return None
    shown = (f"EC2: {instance.state.value}, {instance.state_reason or 'no reason given'}",)
    itself = _own_end(evidence)
    if itself is not None:
        return itself
    for known in _REASONS:
        if re.search(known.pattern, instance.state_reason):
            remedy = known.remedy.format(pool=evidence.pool)
            likelihood = _ASKED_FOR if "UserInitiated" in known.pattern else 100
            return Cause(likelihood=likelihood, sentence=known.sentence, evidence=shown, remedy=remedy)
    return Cause(
        likelihood=60,
        sentence="it has ended",
        evidence=shown,
        remedy=f"roost up {evidence.pool}   (launches another one)",
    )


def _own_end(evidence: InstanceEvidence) -> Cause | None:
    """An instance that powered itself off: as it was told to, or not."""
    if "InstanceInitiatedShutdown" not in evidence.instance.state_reason:
        return None
    for words, sentence, remedy in (
        ("idle, powering off", "it had no job for so long as `idle:` says, and powered itself off", "a longer `idle:`"),
        ("the lease ends", "its lease ended, and it powered itself off", "a longer `lease:`"),
    ):
        lines = console_lines(evidence, re.escape(words))
        if lines:
            again = f"roost up {evidence.pool}   ({remedy} in pool.yml keeps it longer)"
            return Cause(likelihood=100, sentence=sentence, evidence=lines[-1:], remedy=again)
    return Cause(
        likelihood=90,
        sentence="it shut itself down: somebody typed poweroff there, or its system ended",
        evidence=(f"EC2: {evidence.instance.state_reason}", *last_lines(evidence)),
        remedy=f"roost up {evidence.pool}   (launches another one)",
    )


def panicked(evidence: InstanceEvidence) -> Cause | None:
    lines = console_lines(
        evidence, r"Kernel panic|Unable to mount root|emergency mode|No bootable device|dracut.*Could not boot"
    )
    if not lines:
        return None
    return Cause(
        likelihood=98,
        sentence="it never booted: its kernel or its root disk failed",
        evidence=lines[-2:],
        remedy=f"{replacing(evidence)}; if the next one does the same, its image is broken: `image:` in pool.yml",
    )


def silent(evidence: InstanceEvidence) -> Cause | None:
    """Running for long enough, and not a word of its system."""
    instance = evidence.instance
    age_s = (evidence.now - instance.launched_at).total_seconds()
    is_silent = not re.search(r"\broost: |cloud-init|systemd", evidence.console)
    if instance.state is not InstanceState.RUNNING or evidence.inside or not is_silent or panicked(evidence):
        return None
    return Cause(
        likelihood=92 if age_s > _BOOT_TAKES_S else 40,
        sentence="its system has not started: the console says nothing, and ssh gets no answer",
        evidence=(f"EC2: running since {age_s / 60:.0f} min", *last_lines(evidence), *ssh_lines(evidence)),
        remedy=f"wait a minute and ask again; if it stays so: {replacing(evidence)}",
    )


def boot_failed(evidence: InstanceEvidence) -> Cause | None:
    said = [event for event in (evidence.inside.events if evidence.inside else ()) if event.startswith("failed")]
    lines = console_lines(evidence, r"\broost: [\d.]+s failed")
    if not (said or lines) or _is_overcome(evidence):
        return None
    reason = (said or [re.sub(r".*?failed", "failed", lines[-1])])[-1].removeprefix("failed").strip()
    if "masked" in reason:
        return None  # `masked` says more
    return Cause(
        likelihood=91,
        sentence=f"its boot program failed: {short(reason.removeprefix('reason='))}",
        evidence=lines[-1:] or tuple(said[-1:]),
        remedy=f"roost logs {evidence.instance.id}; then {replacing(evidence)}",
    )


def _is_overcome(evidence: InstanceEvidence) -> bool:
    """What failed was tried again, and HTCondor started after that."""
    either = ("failed", "condor started")
    events = [event for event in (evidence.inside.events if evidence.inside else ()) if event.startswith(either)]
    lines = console_lines(evidence, rf"\broost: [\d.]+s ({'|'.join(either)})")
    sources = [said for said in (events, lines) if any("failed" in one for one in said)]
    return all("condor started" in said[-1] for said in sources)


def disk_full(evidence: InstanceEvidence) -> Cause | None:
    full = [d for d in (evidence.inside.disks if evidence.inside else ()) if d.free_kib < _FULL_KIB]
    lines = console_lines(evidence, "No space left on device")
    if not (full or lines):
        return None
    return Cause(
        likelihood=88,
        sentence="its disk is full",
        evidence=(*(f"df: {d.at} has {d.free_kib} KiB free of {d.size_kib}" for d in full), *lines[-1:]),
        remedy=inside_command(evidence, "sudo du -xh -d 2 /var /home"),
    )


def memory_short(evidence: InstanceEvidence) -> Cause | None:
    inside = evidence.inside
    free = inside.memory_free_mib if inside else None
    lines = console_lines(evidence, r"Out of memory|oom-kill")
    killed = inside.killed if inside else ()
    oom = inside is not None and inside.unit.get("Result") == "oom-kill"
    if not (lines or killed or oom or (free is not None and free < _SHORT_MIB)):
        return None
    measured = (f"free memory: {free} MiB",) if free is not None else ()
    return Cause(
        likelihood=86,
        sentence="it ran out of memory, and the kernel ended programs",
        evidence=(*measured, *killed[-2:], *lines[-2:]),
        remedy="say what the jobs need (`request_memory`), or a larger type: `workers: {type: ...}` in pool.yml",
    )


def cloud_init_failed(evidence: InstanceEvidence) -> Cause | None:
    inside = evidence.inside
    if inside is None or (inside.cloud_init != "error" and not inside.cloud_init_errors):
        return None
    return Cause(
        likelihood=80,
        sentence="cloud-init failed there",
        evidence=tuple(f"cloud-init: {short(each)}" for each in inside.cloud_init_errors[-3:]),
        remedy=inside_command(evidence, "cloud-init status --long"),
    )


def unreachable(evidence: InstanceEvidence) -> Cause | None:
    if evidence.instance.state is not InstanceState.RUNNING or not evidence.unreachable:
        return None
    return Cause(
        likelihood=45,
        sentence="ssh does not get in, so nobody could look inside",
        evidence=ssh_lines(evidence),
        remedy=f"roost logs {evidence.instance.id}; if your address has changed: roost up {evidence.pool}",
    )
