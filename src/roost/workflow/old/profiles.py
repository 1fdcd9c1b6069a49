"""pure: profiles of old -> profiles of Pegasus 5 on machines of EC2.

What asked a batch system behind a gatekeeper for something (namespace `globus`) is asked of HTCondor today; what told a
job where Globus, a proxy or Pegasus was on a grid site is left out. All of it is told.
"""

import re
from typing import NamedTuple

from roost.workflow.old.findings import Findings
from roost.workflow.old.parts import Profiles
from roost.yaml_lines import did_you_mean, nearest

NAMESPACES = ("env", "condor", "dagman", "pegasus", "globus", "hints", "selector", "stat")
Gathered = dict[str, dict[str, str]]  # profiles while they are read


class _Becomes(NamedTuple):
    key: str
    factor: int = 1
    why: str = ""


# globus::key -> pegasus::key. Pegasus' own Globus.java; RSL counts minutes and MB, Pegasus seconds and MB.
_RSL = {
    "count": _Becomes("cores"),
    "maxwalltime": _Becomes("runtime", 60, "minutes are seconds now"),
    "maxtime": _Becomes("runtime", 60, "minutes are seconds now"),
    "maxmemory": _Becomes("memory", 1, "MB"),
    "totalmemory": _Becomes("memory", 1, "MB"),
    "minmemory": _Becomes("memory", 1, "MB"),
}
# What a batch system was told: a pool on EC2 has no queues, accounts or nodes to choose.
_BATCH = ("queue", "project", "nodes", "ppn", "hostcount", "host_count", "xcount", "jobtype")
_BATCH_LOSES = "a pool has no batch system that it could be told to"
_RSL_OTHER = ("rsl", "maxcputime", "arch", "dryrun", "grammyjob", "condor", "condorsubmit", "nodetype", "email")

# Keys of the namespace pegasus of Pegasus 1 to 4 that have another name now.
_RENAMED = {
    "collapse": "clusters.size",
    "bundle": "clusters.num",
    "bundle.stagein": "stagein.clusters",
    "bundle.stageout": "stageout.clusters",
    "job.runtime": "runtime",
    "collapser": "job.aggregator",
    "gridstart.launcher.args": "gridstart.launcher.arguments",
}
_PEGASUS_GONE = {
    "transfer.proxy": "no grid proxy is needed on EC2",
    "chain.stagein": "transfers are bundled, not chained (stagein.clusters)",
    "workdir": "each job has a directory of its own",
    "create.dir": "each job has a directory of its own",
    "change_dir": "each job has a directory of its own",
}
PEGASUS_KEYS = (
    *("auxillary.local", "change.dir", "checkpoint.time", "cluster.arguments", "clusters.maxruntime", "clusters.num"),
    *("clusters.size", "condor.arguments.quote", "container.arguments", "container.launcher", "cores"),
    *("container.launcher.arguments", "data.configuration", "diskspace", "enable_for_data_reuse", "gpus"),
    *("exitcode.failuremsg", "exitcode.successmsg", "glite.arguments", "gridstart", "gridstart.arguments", "group"),
    *("gridstart.launcher", "gridstart.launcher.arguments", "gridstart.path", "job.aggregator", "label", "memory"),
    *("job.aggregator.arguments", "maxwalltime", "nosymlink", "pegasus_lite_env_source", "pmc_priority", "runtime"),
    *("pmc_request_cpus", "pmc_request_memory", "pmc_task_arguments", "relative.submit.dir", "stagein.clusters"),
    *("stagein.local.clusters", "stagein.remote.clusters", "stageout.clusters", "stageout.local.clusters", "style"),
    *("stageout.remote.clusters", "transfer.arguments", "transfer.lite.arguments", "transfer.lite.threads"),
    *("transfer.threads", "type", "wntmp", "ssh_private_key", "s3cfg", "irodsenvfile", "boto_config"),
)
_STYLES = {"condor": "", "glidein": "glide-ins were HTCondor pools too: 'condor' is the same, for a pool of one's own"}

_ENV_GONE = {
    "GLOBUS_LOCATION": "there is no Globus on the machines of a pool",
    "GLOBUS_TCP_PORT_RANGE": "there is no Globus on the machines of a pool",
    "X509_USER_PROXY": "no grid proxy is needed on EC2",
    "X509_CERT_DIR": "no grid proxy is needed on EC2",
    "PEGASUS_HOME": "it says where Pegasus was on the old machines; set it again if the new image has it",
    "VDS_HOME": "it says where Pegasus' predecessor was on the old machines",
}
_SEARCH_PATHS = ("LD_LIBRARY_PATH", "PATH", "PERL5LIB", "PYTHONPATH", "DYLD_LIBRARY_PATH", "SHLIB_PATH")

_CONDOR_GRID = (
    *("globusscheduler", "globusrsl", "globus_rsl", "grid_resource", "gridresource", "jobmanager_type"),
    *("remote_universe", "globus_resubmit", "globus_rematch", "x509userproxy", "nordugrid_rsl", "cream_attributes"),
    *("globus_xml", "keystore_file", "transfer_output", "transfer_error", "transfer_input"),
)
_CONDOR_PLANNED = ("should_transfer_files", "when_to_transfer_output", "transfer_executable", "copy_to_spool")
# condor_submit of 2011 added clauses of its own unless the requirements named these attributes; each is always true.
_ALWAYS_TRUE = re.compile(
    r"\s*\(?\s*(?:(Arch|OpSys)\s*==\s*\1|(?:Disk|Memory)\s*!=\s*0|FileSystemDomain\s*!=\s*\"\"|HasFileTransfer\s*=[?]=\s*"
    r"HasFileTransfer)\s*\)?\s*",
    re.IGNORECASE,
)
_ARCH_INTEL = re.compile(r"""(Arch\s*={1,2}\??=?\s*)"INTEL(?:32)?\"""", re.IGNORECASE)


def add(found: Gathered, findings: Findings, line: int, namespace: str, key: str, value: str) -> None:
    """Note one old profile in `found`, in today's words, or tell why it is left out."""
    namespace = namespace.lower()
    if not findings.choice(line, "a profile's namespace", namespace, NAMESPACES):
        return
    if not key:
        findings.wrong(line, f"a profile of the namespace '{namespace}' without a key")
        return
    match namespace:
        case "env":
            _add_env(found, findings, line, key, value)
        case "condor":
            _add_condor(found, findings, line, key, value)
        case "dagman":
            _put(found, "dagman", key.lower(), value)
        case "pegasus":
            _add_pegasus(found, findings, line, key, value)
        case "globus":
            _add_globus(found, findings, line, key.lower(), value)
        case "hints" | "selector":
            _add_hint(found, findings, line, namespace, key, value)
        case _:
            _gone(findings, line, namespace, key, value, "nothing reads it any more")


def finished(found: Gathered) -> Profiles:
    return {namespace: dict(keys) for namespace, keys in found.items() if keys}


def merged(*layers: Profiles) -> Profiles:
    """Later layers win."""
    found: Gathered = {}
    for layer in layers:
        for namespace, keys in layer.items():
            found.setdefault(namespace, {}).update(keys)
    return found


def _put(found: Gathered, namespace: str, key: str, value: str) -> None:
    found.setdefault(namespace, {})[key] = value


def _gone(findings: Findings, line: int, namespace: str, key: str, value: str, why: str) -> None:
    findings.note(line, f"the profile {namespace}::{key} = '{value}' is left out: {why}")


def _add_env(found: Gathered, findings: Findings, line: int, key: str, value: str) -> None:
    if key in _ENV_GONE:
        _gone(findings, line, "env", key, value, _ENV_GONE[key])
        return
    if key in _SEARCH_PATHS and "globus" in value.lower():
        rest = ":".join(part for part in value.split(":") if "globus" not in part.lower())
        if not rest:
            _gone(findings, line, "env", key, value, "there is no Globus on the machines of a pool")
            return
        findings.note(line, f"env::{key} is '{rest}' now: there is no Globus on the machines of a pool")
        value = rest
    _put(found, "env", key, value)


def _add_condor(found: Gathered, findings: Findings, line: int, key: str, value: str) -> None:
    lower = key.lower()
    if lower == "universe" and value.lower() not in ("vanilla", "local"):
        why = "a pool's jobs are vanilla" if value.lower() != "standard" else "HTCondor 9 removed this universe"
        _gone(findings, line, "condor", key, value, why)
    elif lower in _CONDOR_GRID:
        _gone(findings, line, "condor", key, value, "jobs go to the pool itself, not through a gateway")
    elif lower in _CONDOR_PLANNED:
        _gone(findings, line, "condor", key, value, "the planner says this for each job")
    elif lower == "requirements":
        _add_requirements(found, findings, line, key, value)
    else:
        _put(found, "condor", key if key.startswith("+") else lower, value)


def _add_requirements(found: Gathered, findings: Findings, line: int, key: str, value: str) -> None:
    kept = [clause for clause in value.split("&&") if not _ALWAYS_TRUE.fullmatch(clause)]
    if not kept:
        why = "each clause is always true; it kept HTCondor of that time from adding its own, which are wanted today"
        _gone(findings, line, "condor", key, value, why)
        return
    today = _ARCH_INTEL.sub(r'\1"X86_64"', value)
    if today != value:
        findings.note(
            line, 'requirements: Arch "INTEL" (32 bits) is written as "X86_64": EC2 has no other Intel machines'
        )
    _put(found, "condor", "requirements", today)


def _add_pegasus(found: Gathered, findings: Findings, line: int, key: str, value: str) -> None:
    lower = key.lower()
    if lower in _PEGASUS_GONE:
        _gone(findings, line, "pegasus", key, value, _PEGASUS_GONE[lower])
    elif lower in _RENAMED:
        findings.note(line, f"the profile pegasus::{key} is called {_RENAMED[lower]} now")
        _put(found, "pegasus", _RENAMED[lower], value)
    elif lower in _BATCH:
        _gone(findings, line, "pegasus", key, value, _BATCH_LOSES)
    elif lower == "style":
        _add_style(found, findings, line, value)
    elif lower in PEGASUS_KEYS:
        _put(found, "pegasus", lower, value)
    else:
        near = did_you_mean(key, PEGASUS_KEYS) if nearest(key, PEGASUS_KEYS) else ""
        _gone(findings, line, "pegasus", key, value, f"Pegasus has no such profile{near}")


def _add_style(found: Gathered, findings: Findings, line: int, value: str) -> None:
    if value.lower() not in _STYLES:
        _gone(findings, line, "pegasus", "style", value, "jobs go to the pool itself, not through a gateway")
        return
    if said := _STYLES[value.lower()]:
        findings.note(line, f"the style '{value}' is written as 'condor': {said}")
    _put(found, "pegasus", "style", "condor")


def _add_globus(found: Gathered, findings: Findings, line: int, key: str, value: str) -> None:
    if key not in _RSL:
        known = (*_RSL, *_BATCH, *_RSL_OTHER)
        why = _BATCH_LOSES if key in known else f"there is no GRAM any more{_near(key, known)}"
        _gone(findings, line, "globus", key, value, why)
        return
    today = _RSL[key]
    if not value.strip().isdigit():
        findings.wrong(line, f"globus::{key} cannot be '{value}': it has to be a whole number")
        return
    number = str(int(value) * today.factor)
    said = f" ({today.why})" if today.why else ""
    findings.note(line, f"the profile globus::{key} = {value} is written as pegasus::{today.key} = {number}{said}")
    found.setdefault("pegasus", {}).setdefault(today.key, number)


def _near(key: str, known: tuple[str, ...]) -> str:
    return did_you_mean(key, known) if nearest(key, known) else ""


def _add_hint(found: Gathered, findings: Findings, line: int, namespace: str, key: str, value: str) -> None:
    today = {"executionpool": "execution.site", "pfnhint": "pfn"}.get(key.lower(), key.lower())
    if today == "pfn" or (today == "execution.site" and value == "local"):
        if namespace == "hints":
            findings.note(line, f"the profile hints::{key} is called selector::{today} now")
        _put(found, "selector", today, value)
    else:
        why = "all jobs run on the one site of the pool" if today == "execution.site" else "there is one kind of job"
        _gone(findings, line, namespace, key, value, why)
