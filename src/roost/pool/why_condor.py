"""pure: why HTCondor on an instance does not run, or is not let in: one rule for each thing that can be seen."""

from collections.abc import Collection
from ipaddress import IPv4Address, IPv4Network

from roost.boot.roles import Role
from roost.cloud.model import CONDOR_PORT, SSH_PORT, Ingress
from roost.pool.evidence import Cause, InstanceEvidence, utc
from roost.pool.why_words import console_lines, inside_command, manager_command, replacing

CLOCK_OFF_S = 30.0  # more than a slow look can make of a right clock
_STALE_S = 120.0
_GETTING_THERE = ("active", "activating", "deactivating", "reloading")  # a restart under way


def masked(evidence: InstanceEvidence) -> Cause | None:
    unit = evidence.inside.unit if evidence.inside else {}
    lines = console_lines(evidence, r"condor\.service is masked")
    if unit.get("LoadState") != "masked" and not lines:
        return None
    there = [f"systemd: condor.service is {unit['LoadState']}, {unit.get('ActiveState')}"] if unit else []
    return Cause(
        likelihood=93,
        sentence="HTCondor does not start there: its service is masked, by the image or by its boot program",
        evidence=(*there, *lines[-1:]),
        remedy=inside_command(evidence, "sudo sh -c 'systemctl unmask condor; systemctl start condor'"),
    )


def unit_failed(evidence: InstanceEvidence) -> Cause | None:
    unit = evidence.inside.unit if evidence.inside else {}
    if unit.get("LoadState") == "not-found":
        return Cause(
            likelihood=93,
            sentence="HTCondor is not installed on its image",
            evidence=("systemd: condor.service is not found",),
            remedy="correct `image:` in pool.yml: it needs HTCondor 23.9 or newer",
        )
    if not unit or unit.get("LoadState") == "masked" or unit.get("ActiveState") in _GETTING_THERE:
        return None
    result = f"systemd: condor.service is {unit.get('ActiveState')}, {unit.get('Result')}, exit code "
    return Cause(
        likelihood=90,
        sentence="HTCondor does not run there",
        evidence=(result + unit.get("ExecMainStatus", "?"), *(evidence.inside.complaints if evidence.inside else ())),
        remedy=inside_command(evidence, "sudo systemctl restart condor"),
    )


def token_refused(evidence: InstanceEvidence) -> Cause | None:
    inside = evidence.inside
    if evidence.listed is not None or evidence.instance.role is Role.ACCESS_POINT:
        return None
    denied = [line for line in evidence.denials if "AUTHENTICATE" in line or "DENIED" in line]
    said = [line for line in (inside.complaints if inside else ()) if "AUTHENTICATE" in line or "DENIED" in line]
    lines = console_lines(evidence, r"AUTHENTICATE|DENIED")
    now_s = evidence.now.timestamp()
    mine = inside.tokens if inside else ()
    expired = [t for t in mine if t.expires_at_s is not None and t.expires_at_s < now_s]
    if inside is not None and not mine and not denied:
        sentence = "it has no token: nobody lets it into the pool"
    elif expired and len(expired) == len(mine):
        sentence = f"its token has expired, {utc(expired[-1].expires_at_s or 0)}"
    elif denied or said or lines:
        sentence = "the central manager does not accept its token: wrong, revoked or of another pool"
    else:
        return None
    held = [
        f"its token: for {t.subject or 'nobody'}, of {t.issuer or 'no pool'}, {_until(t.expires_at_s)}" for t in mine
    ]
    return Cause(
        likelihood=87,
        sentence=sentence,
        evidence=(
            *(held or ["condor_token_list: none"]),
            *(f"collector: {line}" for line in denied[-1:]),
            *said[-1:],
            *lines[-1:],
        ),
        remedy=f"{replacing(evidence)}   (a new instance gets a new token)",
    )


def group_closed(evidence: InstanceEvidence) -> Cause | None:
    if evidence.ingress is None or not evidence.instance.is_usable:
        return None
    missing = []
    if not evidence.is_submitted_elsewhere and not _lets_in(evidence.ingress, CONDOR_PORT, None):
        missing.append(f"port {CONDOR_PORT} from its members")
    if evidence.unreachable and evidence.own_address and not _lets_in(evidence.ingress, SSH_PORT, evidence.own_address):
        missing.append(f"port {SSH_PORT} from {evidence.own_address}, which is you")
    if not missing:
        return None
    there = sorted(f"{one.port} from {one.cidr or 'members'}" for one in evidence.ingress)
    return Cause(
        likelihood=89 if len(missing) > 1 or str(CONDOR_PORT) in missing[0] else 70,
        sentence=f"the pool's security group does not let in {' nor '.join(missing)}",
        evidence=(f"EC2: it lets in {', '.join(there) or 'nothing'}",),
        remedy=f"roost up {evidence.pool}   (puts the rules back)",
    )


def manager_unreachable(evidence: InstanceEvidence) -> Cause | None:
    inside = evidence.inside
    lines = console_lines(evidence, r"(?i)failed to connect|connect.*timed out|Can't connect")
    answer = inside.manager_answer if inside else None
    if inside is None or answer in (0, None):
        if inside is None and lines and evidence.listed is None:
            return Cause(
                likelihood=75,
                sentence="it does not reach the central manager",
                evidence=lines[-1:],
                remedy=manager_command(evidence, "systemctl status condor"),
            )
        return None
    how = (
        "refuses it: HTCondor does not run there" if answer == 1 else "does not answer: packets are dropped on the way"
    )
    return Cause(
        likelihood=92,
        sentence=f"it does not reach the central manager: port {CONDOR_PORT} of {inside.manager} {how}",
        evidence=(
            f"connecting from it to {inside.manager}: {'refused' if answer == 1 else 'nothing came back'}",
            *inside.complaints[-1:],
        ),
        remedy=manager_command(evidence, "systemctl status condor")
        if answer == 1
        else inside_command(evidence, "sudo nft list ruleset") + "   (and the VPC's network ACLs)",
    )


def clock_wrong(evidence: InstanceEvidence) -> Cause | None:
    measured = {
        "against this machine's": evidence.clock_ahead_s,
        "against the central manager's": evidence.listed.clock_ahead_s if evidence.listed else None,
    }
    wrong = {against: s for against, s in measured.items() if s is not None and abs(s) > CLOCK_OFF_S}
    if not wrong:
        return None
    manager = evidence.manager_clock_ahead_s
    if (
        manager is not None
        and evidence.clock_ahead_s is not None
        and abs(manager - evidence.clock_ahead_s) < CLOCK_OFF_S
    ):
        return Cause(
            likelihood=50,
            sentence=f"this machine's clock is {_offset(-evidence.clock_ahead_s)}, or those of the whole pool are not",
            evidence=tuple(f"clock {against}: {s:+.0f} s" for against, s in wrong.items()),
            remedy="timedatectl   (on this machine)",
        )
    return Cause(
        likelihood=85,
        sentence=f"its clock is {_offset(next(iter(wrong.values())))}: tokens, leases and logs go wrong by that",
        evidence=tuple(f"clock {against}: {s:+.0f} s" for against, s in wrong.items()),
        remedy=inside_command(evidence, "timedatectl") + f"   (or {replacing(evidence)})",
    )


def stale(evidence: InstanceEvidence) -> Cause | None:
    if evidence.listed is None or evidence.listed.heard_s_ago < _STALE_S:
        return None
    return Cause(
        likelihood=84,
        sentence="it was in the pool and has fallen silent",
        evidence=(f"collector: heard of it {evidence.listed.heard_s_ago:.0f} s ago",),
        remedy=inside_command(evidence, "sudo systemctl restart condor"),
    )


def not_joined(evidence: InstanceEvidence) -> Cause | None:
    """What its daemons complain of, where nothing else was found."""
    inside = evidence.inside
    if evidence.instance.role is Role.ACCESS_POINT or evidence.listed is not None or inside is None:
        return None
    return Cause(
        likelihood=20,
        sentence="it has not joined; "
        + ("its daemons complain" if inside.complaints else "its daemons do not complain"),
        evidence=(
            *(f"boot: {event}" for event in inside.events[-1:]),
            *(f"systemd: {unit} has failed" for unit in inside.failed_units[:3]),
            *inside.complaints[-3:],
        ),
        remedy=f"wait a minute and ask again; roost ssh {evidence.pool} --on {evidence.instance.id}",
    )


def _offset(seconds: float) -> str:
    size = abs(seconds)
    words = f"{size / 3600:.1f} h" if size >= 5400 else f"{size / 60:.0f} min" if size >= 90 else f"{size:.0f} s"
    return f"{words} {'ahead' if seconds > 0 else 'behind'}"


def _until(at_s: float | None) -> str:
    return "without an end" if at_s is None else f"valid until {utc(at_s)}"


def _lets_in(ingress: Collection[Ingress], port: int, address: str | None) -> bool:
    """An address, or a member (None)."""
    return any(
        one.port <= port <= (one.to_port or one.port)
        and (one.cidr is None if address is None else one.cidr is not None and _is_in(address, one.cidr))
        for one in ingress
    )


def _is_in(address: str, cidr: str) -> bool:
    return IPv4Address(address) in IPv4Network(cidr, strict=False)
