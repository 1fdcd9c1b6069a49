"""pure: (instructions, facts from the metadata) -> HTCondor's configuration text.

Travels to the instance with the node programs: standard library only. The text holds no secret.

What only an execution point has is `execution_point`'s. The manual's section on IDTOKENS explains the names here.

Not used: attaching slots directly to the schedd. It saves the wait for a negotiation, half a second here; but the
schedd wants DAEMON of whoever does it, which would let an execution point submit jobs.
"""

from dataclasses import dataclass

from roost.boot.facts import Facts
from roost.boot.network import PORT, private_network
from roost.boot.roles import Role
from roost.boot.settings import Instructions, Intervals, trust_domain

# Who has a claim's secret. The manual says that the shadow lets it in; HTCondor does so at the one address at which the
# schedd called the startd (shadow_v61_main.cpp, StartdPrincipal), and the starter may come from the other one.
CLAIM_HOLDER = "execute-side@matchsession"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How often daemons look around, in seconds: short where few look, longer where many would look at once."""

    negotiator_interval_s: int
    negotiator_min_interval_s: int
    negotiator_cycle_delay_s: int
    schedd_interval_s: int
    schedd_min_interval_s: int
    update_interval_s: int


# (up to this many execution points, pace). The collector gets workers / update_interval_s ads a second: at most 50.
PACES: tuple[tuple[float, Pace], ...] = (
    (
        20,
        Pace(
            negotiator_interval_s=1,
            negotiator_min_interval_s=1,
            negotiator_cycle_delay_s=1,
            schedd_interval_s=2,
            schedd_min_interval_s=1,
            update_interval_s=5,
        ),
    ),
    (
        100,
        Pace(
            negotiator_interval_s=5,
            negotiator_min_interval_s=2,
            negotiator_cycle_delay_s=2,
            schedd_interval_s=5,
            schedd_min_interval_s=1,
            update_interval_s=15,
        ),
    ),
    (
        1000,
        Pace(
            negotiator_interval_s=15,
            negotiator_min_interval_s=5,
            negotiator_cycle_delay_s=5,
            schedd_interval_s=15,
            schedd_min_interval_s=2,
            update_interval_s=60,
        ),
    ),
    (  # HTCondor's own figures: made for pools of any size
        float("inf"),
        Pace(
            negotiator_interval_s=60,
            negotiator_min_interval_s=5,
            negotiator_cycle_delay_s=20,
            schedd_interval_s=300,
            schedd_min_interval_s=5,
            update_interval_s=300,
        ),
    ),
)


def condor_config(instructions: Instructions, facts: Facts) -> str:
    """The whole of /etc/condor/config.d/50-roost.config."""
    match instructions.role:
        case Role.ACCESS_POINT:
            sections = [_pool(instructions, facts), _access_point(instructions, facts)]
        case Role.EXECUTION_POINT:
            # only there on an execution point: room in user data is scarce
            from roost.boot.execution_point import execution_point_config

            sections = [_pool(instructions, facts), execution_point_config(instructions, facts)]
    if instructions.settings.intervals is Intervals.ROOST:
        sections.append(_pace(instructions.role, pace(instructions.settings.workers)))
    if instructions.role is Role.EXECUTION_POINT and instructions.settings.condor_config.strip():
        sections.append(f"# condor_config of pool.yml, verbatim\n{instructions.settings.condor_config}")
    return "\n".join(section.rstrip("\n") + "\n" for section in sections)


def pace(workers: int) -> Pace:
    return next(pace for up_to, pace in PACES if workers <= up_to)


def joining_identity(domain: str) -> str:
    """Whom the joining token names."""
    return f"join@{domain}"


def own_identity(domain: str, instance_id: str) -> str:
    """Whom an execution point's own token names."""
    return f"ep-{instance_id}@{domain}"


def _pool(instructions: Instructions, facts: Facts) -> str:
    joining = instructions.joining
    central_manager = joining.central_manager if joining else facts.private_ip
    return f"""\
# Written by Roost at each boot, from the instance's user data and metadata: changes here are lost.
CONDOR_HOST = {central_manager}
COLLECTOR_HOST = $(CONDOR_HOST):{joining.port if joining else PORT}
TRUST_DOMAIN = {trust_domain(instructions)}
UID_DOMAIN = {trust_domain(instructions)}
COLLECTOR_NAME = {instructions.pool}
# a second of condor_master's start, for limits that a small pool does not reach
ENABLE_KERNEL_TUNING = False
# addresses come from the metadata, never from a resolver
NETWORK_INTERFACE = {facts.private_ip}
ENABLE_IPV6 = False

# signed tokens between machines, the file system inside one
use SECURITY:recommended_v9_0
SEC_DEFAULT_AUTHENTICATION_METHODS = FS, IDTOKENS
ALLOW_ADMINISTRATOR = root@$(UID_DOMAIN) condor@$(UID_DOMAIN)
ALLOW_DAEMON = condor@$(UID_DOMAIN)
ALLOW_NEGOTIATOR = condor@$(UID_DOMAIN)
ALLOW_WRITE = *@$(UID_DOMAIN)
ALLOW_CONFIG =

# Debian's build cannot delegate proxies: file transfer would fail where a job has one
DELEGATE_JOB_GSI_CREDENTIALS = False
"""


def _access_point(instructions: Instructions, facts: Facts) -> str:
    return f"""\
# access point and central manager; jobs never run here
DAEMON_LIST = MASTER COLLECTOR NEGOTIATOR SCHEDD
SCHEDD_NAME = ap@{trust_domain(instructions)}
# the private addresses of execution points in direct mode are for those of this zone
PRIVATE_NETWORK_NAME = {private_network(facts.zone)}
# what a token of an execution point may do, and nothing else
ALLOW_ADVERTISE_STARTD = condor@$(UID_DOMAIN) {joining_identity(trust_domain(instructions))} ep-*@$(UID_DOMAIN)
ALLOW_ADVERTISE_MASTER = $(ALLOW_ADVERTISE_STARTD)
# ... and only in its own name
COLLECTOR_REQUIREMENTS = {only_in_its_own_name("$(UID_DOMAIN)")}
# whoever holds a claim moves its files, from whichever of its addresses
ALLOW_WRITE_SHADOW = $(ALLOW_WRITE) {CLAIM_HOLDER}
"""


def only_in_its_own_name(trust_domain: str) -> str:
    """What an ad has to fulfil: one that says whose instance it is was sent with that instance's token.

    The joining token is the same for all instances of a launch: whoever holds it can say any name, for its minutes.
    """
    return (
        f'TARGET.RoostInstanceId is undefined || regexp("^(condor|join)@", TARGET.AuthenticatedIdentity)'
        f' || TARGET.AuthenticatedIdentity == strcat("ep-", TARGET.RoostInstanceId, "@{trust_domain}")'
    )


def _pace(role: Role, pace: Pace) -> str:
    # How an execution point is found out that is gone all at once: a dead connection is known 30 s after its last word
    # and five probes of 5 s; its jobs then wait for their lease, which starters renew, and which outlasts a reboot of
    # the access point. Its ad stays in the collector's list for a quarter of an hour: the negotiator, which prefers
    # machines that are partly used, would send all jobs after it.
    # A job of a tenth of a second took time too: where it went is read from its events.
    # A shadow that takes the next job itself often asks for its slot while the last job's starter is still ending: it
    # then sleeps for a whole second. A new shadow comes later than that, and takes 15 ms of the access point.
    match role:
        case Role.ACCESS_POINT:
            return f"""\
# HTCondor's intervals are made for thousands of machines; these for the pool's expected size
NEGOTIATOR_INTERVAL = {pace.negotiator_interval_s}
NEGOTIATOR_MIN_INTERVAL = {pace.negotiator_min_interval_s}
NEGOTIATOR_CYCLE_DELAY = {pace.negotiator_cycle_delay_s}
SCHEDD_INTERVAL = {pace.schedd_interval_s}
SCHEDD_MIN_INTERVAL = {pace.schedd_min_interval_s}
# a job that its policy holds or removes is dealt with at this pace
PERIODIC_EXPR_INTERVAL = {max(5, pace.schedd_interval_s)}
DAGMAN_USER_LOG_SCAN_INTERVAL = 1
DAGMAN_MAX_SUBMITS_PER_INTERVAL = 1000
DEFAULT_USERLOG_FORMAT_OPTIONS = ISO_DATE, SUB_SECOND
SHADOW_WORKLIFE = {0 if pace.update_interval_s < 60 else 3600}
TCP_KEEPALIVE_INTERVAL = 30
JOB_DEFAULT_LEASE_DURATION = {max(180, 5 * pace.update_interval_s)}
NEGOTIATOR_SLOT_CONSTRAINT = time() - LastHeardFrom < {max(20, 4 * pace.update_interval_s)}
"""
        case Role.EXECUTION_POINT:
            return f"""\
UPDATE_INTERVAL = {pace.update_interval_s}
STARTER_UPDATE_INTERVAL = {max(20, pace.update_interval_s)}
TCP_KEEPALIVE_INTERVAL = 30
# one queue: a claim need not be given back for the sake of others
CLAIM_WORKLIFE = -1
"""
        case Role.BUILDER:
            return ""
