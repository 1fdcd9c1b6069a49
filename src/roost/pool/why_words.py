"""pure: evidence in a line, and what to type about an instance: shared by the rules of `why`."""

import re

from roost.boot.roles import Role
from roost.pool.evidence import InstanceEvidence

_WORDS = 200  # of a line of evidence


def console_lines(evidence: InstanceEvidence, pattern: str) -> tuple[str, ...]:
    found = [line for line in evidence.console.splitlines() if re.search(pattern, line)]
    return tuple(f"console: {short(line)}" for line in found)


def last_lines(evidence: InstanceEvidence) -> tuple[str, ...]:
    lines = [line for line in evidence.console.splitlines() if line.strip()]
    return tuple(f"console: {short(line)}" for line in lines[-2:]) or ("console: empty",)


def ssh_lines(evidence: InstanceEvidence) -> tuple[str, ...]:
    return (f"ssh: {short(evidence.unreachable)}",) if evidence.unreachable else ()


def inside_command(evidence: InstanceEvidence, command: str) -> str:
    if not evidence.instance.is_usable:
        return f"roost up {evidence.pool}   (this one has ended)"
    return f"roost ssh {evidence.pool} --on {evidence.instance.id} -- {command}"


def manager_command(evidence: InstanceEvidence, command: str) -> str:
    return command if evidence.is_submitted_elsewhere else f"roost ssh {evidence.pool} -- {command}"


def replacing(evidence: InstanceEvidence) -> str:
    """How to get another one in its place: one that can be reached can end itself."""
    if not evidence.instance.is_usable:
        return f"roost up {evidence.pool}"
    if evidence.inside is None or evidence.instance.role is Role.ACCESS_POINT:
        return f"roost down {evidence.pool}, and roost up again"
    return inside_command(evidence, "sudo poweroff") + f"; roost up {evidence.pool}"


def short(line: str) -> str:
    plain = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", line)
    said = " ".join(plain.split())
    return said if len(said) <= _WORDS else said[: _WORDS - 3] + "..."
