"""shell (this instance): from user data and metadata to a machine of an HTCondor pool, at every boot.

Comes in: `instructions.json` (what the launch said) and the metadata service (who this instance is). Goes out: host
name, /etc/hosts, HTCondor's configuration and secrets, the lease, a guarded metadata service. Runs from cloud-init's
`bootcmd`, that is before systemd starts services: HTCondor's first start already finds all of it. Whatever fails is
said on the console, and then HTCondor does not start; the lease holds all the same.
"""

import json
import secrets
import shutil
import socket
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from roost.boot.condor_config import condor_config
from roost.boot.facts import POWER_OFF, Facts
from roost.boot.network import NoWayError, Way, way
from roost.boot.node.metadata import Metadata, MetadataError
from roost.boot.node.probe import reach
from roost.boot.node.system import (
    CONDOR_CONFIG,
    INSTRUCTIONS,
    LEASE,
    SHARED_CONFIG,
    SIGNING_KEYS,
    STATE,
    TOKENS,
    StepError,
    keep_running,
    power_off_in,
    run,
    write,
)
from roost.boot.node.timeline import TIMELINE, note
from roost.boot.node.watch import WAYS
from roost.boot.roles import Role
from roost.boot.settings import LEFT_FLAG, Instructions, NetworkMode, instructions_from_json

JOINING_TOKEN = TOKENS / "joining"
OWN_TOKEN = TOKENS / "own"
_INSTANCE_ID = STATE / "instance-id"
_WAY = STATE / "network.json"
_SIGNING_KEY = SIGNING_KEYS / "POOL"
_FAILED_S = 900

POWER_OFF_PROGRAM = f"""\
#!/bin/sh
# condor_master became this program, because nothing claimed the instance for so long, or because it was told to leave.
# systemd stopping HTCondor (a restart, a shutdown) is no reason to power off.
[ "$(systemctl show --property=ActiveState --value condor.service)" = deactivating ] && exit 0
touch {LEFT_FLAG}
# it powers off as soon as nobody is logged in
systemctl --quiet is-active roost-watch.service || exec systemctl poweroff
"""

# Root alone may ask for metadata: it holds the user data, and the credentials of the instance's role if it has one.
_METADATA_GUARD = """\
table inet roost {}
delete table inet roost
table inet roost {
    chain output {
        type filter hook output priority 0;
        ip daddr 169.254.169.254 meta skuid != 0 reject
        ip6 daddr fd00:ec2::254 meta skuid != 0 reject
    }
}
"""


def main() -> int:
    instructions = instructions_from_json(INSTRUCTIONS.read_text())
    try:
        contextualise(instructions)
    except (StepError, MetadataError, NoWayError, OSError) as error:
        with suppress(StepError):
            run("systemctl", "mask", "--runtime", "condor.service")
        with suppress(StepError):
            start_lease(instructions.settings.lease_s)
        with suppress(StepError):  # of no use; long enough for somebody to look
            power_off_in("roost-failed", instructions.settings.lost_s or _FAILED_S, "the boot failed")
        note("failed", reason=str(error))
        return 1
    return 0


def contextualise(instructions: Instructions) -> None:
    guard_metadata()
    metadata = Metadata()
    instance_id = metadata.get("instance-id")
    if forget_other_instance(instance_id):
        note("first boot", instance=instance_id)
    else:
        note("booted again", instance=instance_id)
    public_ip = metadata.find("public-ipv4")
    facts = Facts(
        instance_id=instance_id,
        instance_type=metadata.get("instance-type"),
        zone=metadata.get("placement/availability-zone"),
        private_ip=metadata.get("local-ipv4"),
        lease_ends_at=start_lease(instructions.settings.lease_s),
        public_ip=public_ip,
        way=way_in(instructions, public_ip) if instructions.role is Role.EXECUTION_POINT else None,
    )
    name_host(metadata.get("local-hostname"), facts.private_ip)
    name_central_manager(instructions)
    write(Path(POWER_OFF), POWER_OFF_PROGRAM, mode=0o755)
    write(CONDOR_CONFIG, condor_config(instructions, facts))
    SHARED_CONFIG.unlink(missing_ok=True)
    sharing = instructions.settings.sharing
    if sharing and sharing.kind == "s3":
        keep_running("roost-s3", "s3_keys", "Restart=always", "RestartSec=5")
    elif sharing:
        run(sys.executable, "-m", "roost.boot.node.shared", "hold")
    match instructions.role:
        case Role.ACCESS_POINT:
            make_signing_key()
            keep_running("roost-approver", "approve_tokens", "Restart=always", "RestartSec=1")
        case Role.EXECUTION_POINT:
            from roost.boot.execution_point import slot_users  # only there on one

            make_accounts(slot_users(instructions, facts))
            put_joining_token(instructions)
            requires = ("Requires=roost-shared.service",) if instructions.settings.sharing else ()
            keep_running("roost-joining", "own_token", "Restart=on-failure", "RestartSec=5", *requires)
    # After condor.service, so that it is stopped before it and HTCondor is still there.
    keep_running("roost-watch", "watch", *WAYS)
    note("configured", role=instructions.role)
    run("systemctl", "start", "--no-block", "condor.service")  # an image may have it disabled


def way_in(instructions: Instructions, public_ip: str) -> Way:
    """How this execution point is reached: found out at its first boot. Raises NoWayError where there is none.

    At later boots the access point may be the one that is starting again, which says nothing about the network.
    """
    joining = instructions.joining
    if joining is None:
        raise StepError("the user data of an execution point names no central manager")
    if _WAY.exists():
        told = json.loads(_WAY.read_text())
        return Way(mode=NetworkMode(told["mode"]), reason=told["reason"])
    found = way(instructions.settings.network.mode, reach(public_ip, joining))
    note("network", mode=found.mode, reason=found.reason)
    write(_WAY, json.dumps(asdict(found)))
    return found


def guard_metadata() -> None:
    """nftables where it is installed: systemd-networkd leaves it alone, while it may sweep a rule of `ip`."""
    if shutil.which("nft"):
        run("nft", "-f", "-", feed=_METADATA_GUARD)
        return
    rule = ("to", "169.254.169.254", "uidrange", "1-4294967294", "prohibit")
    with suppress(StepError):  # there is none at a first boot
        run("ip", "rule", "del", *rule)
    run("ip", "rule", "add", *rule)


def forget_other_instance(instance_id: str) -> bool:
    """True at an instance's first boot. An image baked from an instance holds that one's secrets: not ours to use."""
    if _INSTANCE_ID.exists() and _INSTANCE_ID.read_text() == instance_id:
        return False
    for path in (LEASE, OWN_TOKEN, JOINING_TOKEN, _SIGNING_KEY, STATE / "approved.json", _WAY, TIMELINE):
        path.unlink(missing_ok=True)
    write(_INSTANCE_ID, instance_id)
    return True


def start_lease(lease_s: int) -> int:
    """When this instance powers itself off, in seconds since the epoch: counted from its first boot."""
    now = int(time.time())
    ends_at = int(LEASE.read_text()) if LEASE.exists() else now + lease_s
    write(LEASE, str(ends_at))
    power_off_in("roost-lease", max(1, ends_at - now), "the lease ends")
    return ends_at


def name_host(full_name: str, private_ip: str) -> None:
    """The host's names resolve before condor_master starts: else each daemon retries for a minute."""
    short_name = full_name.partition(".")[0]
    if socket.gethostname() not in (full_name, short_name):
        with suppress(OSError):  # a container may not; its engine has named it
            socket.sethostname(short_name)
            write(Path("/etc/hostname"), short_name + "\n")
    names = list(dict.fromkeys([full_name, short_name, socket.gethostname()]))
    hosts = Path("/etc/hosts")
    # in place: a container's file is a mount, which cannot be replaced
    hosts.write_text(hosts_text(hosts.read_text() if hosts.exists() else "", private_ip, names))


def name_central_manager(instructions: Instructions) -> None:
    """HTCondor's commands ask for the name of its address: no resolver of the instance's need know that one."""
    joining = instructions.joining
    if joining and joining.host_name:
        with Path("/etc/hosts").open("a") as hosts:
            hosts.write(f"{joining.central_manager} {joining.host_name} # roost\n")


def hosts_text(old: str, address: str, names: list[str]) -> str:
    """/etc/hosts with one line of ours, first: HTCondor takes the first match.

    >>> hosts_text("127.0.0.1 localhost\\n10.0.0.9 old # roost\\n127.0.1.1 a\\n", "10.0.0.1", ["a.b", "a"])
    '10.0.0.1 a.b a # roost\\n127.0.0.1 localhost\\n'
    """
    kept = [
        line
        for line in old.splitlines()
        if not line.endswith("# roost") and not (line.startswith("127.0.1.1") and set(line.split()[1:]) & set(names))
    ]
    return "\n".join([f"{address} {' '.join(names)} # roost", *(kept or ["127.0.0.1 localhost"])]) + "\n"


def make_accounts(names: list[str]) -> None:
    """All in one call: useradd takes its time for each, and an instance may have a hundred processors."""
    if names:
        run("systemd-sysusers", "-", feed="".join(f'u {name} - "jobs in one slot of HTCondor"\n' for name in names))


def make_signing_key() -> None:
    """Made here and never leaves. Text: HTCondor reads a key up to its first NUL byte."""
    if not _SIGNING_KEY.exists():
        SIGNING_KEYS.mkdir(mode=0o700, exist_ok=True)
        write(_SIGNING_KEY, secrets.token_hex(32), mode=0o600)


def put_joining_token(instructions: Instructions) -> None:
    TOKENS.mkdir(mode=0o700, parents=True, exist_ok=True)
    if instructions.joining is None:
        raise StepError("the user data of an execution point names no central manager")
    if not OWN_TOKEN.exists():
        write(JOINING_TOKEN, instructions.joining.token + "\n", mode=0o600)


if __name__ == "__main__":
    sys.exit(main())
