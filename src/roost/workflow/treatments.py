"""pure: what Roost's planner makes of each profile and property of Pegasus: the tables, and nothing else.

Pegasus' manual, "Configuration". What it honours does what it does there; what has no effect is told, once, with its
place; what is refused would change what is run, and is a mistake with its line. docs/pegasus-settings.md shows them.
"""

from collections.abc import Mapping
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import NamedTuple


class How(StrEnum):
    HONOURED = "honoured"
    NO_EFFECT = "no effect"
    REFUSED = "refused"


class Treatment(NamedTuple):
    how: How
    said: str  # how it is honoured, or why not

    def sentence(self, what: str) -> str:
        """
        >>> Treatment(How.REFUSED, "jobs run one by one").sentence("the property 'x'")
        "not supported yet: the property 'x': jobs run one by one"
        """
        if self.how is How.REFUSED:
            return f"not supported yet: {what}: {self.said}"
        return f"{what} has no effect: {self.said}"


def _all(how: How, said: str, *names: str) -> dict[str, Treatment]:
    return dict.fromkeys(names, Treatment(how, said))


SITES = ("condorpool", "ec2")  # both are the pool
_MOVES = "HTCondor moves the files of each job, and jobs on the access point fetch those of servers"
_OTHER_SCHEDULERS = "it is for schedulers other than HTCondor"
_MPI = "tasks of a job run one after another, not under MPI"
_ONE_SITE = "there is one site, the pool"
_OWN_DIRECTORY = "each job runs in a directory of its own"
_TOOL = "it is for a program of Pegasus that Roost does not run"
_PLACES = "a run's files are in runs/NAME here, and in one directory on the access point"
_LAUNCHER = "HTCondor starts the task, and nothing between them"
_EXPRESSION = "say a number"

PEGASUS_PROFILES: Mapping[str, Treatment] = {
    **_all(How.HONOURED, "request_cpus", "cores"),
    **_all(How.HONOURED, "request_memory, in MB", "memory"),
    **_all(How.HONOURED, "request_disk, in MB", "diskspace"),
    **_all(How.HONOURED, "request_gpus", "gpus"),
    **_all(How.HONOURED, "clustering and estimates; it ends nothing", "runtime"),
    **_all(How.HONOURED, "clustering", "clusters.num", "clusters.size", "clusters.maxruntime", "label"),
    **_all(How.HONOURED, "when the program is sent SIGTERM, and SIGKILL", "checkpoint.time", "maxwalltime"),
    **_all(How.HONOURED, "what it prints when it has failed, or has not", "exitcode.failuremsg", "exitcode.successmsg"),
    **_all(How.HONOURED, "condor; others are refused", "style"),
    **_all(How.HONOURED, "seqexec; others are refused", "job.aggregator"),
    **_all(How.HONOURED, "kickstart and pegasuslite; others are refused", "gridstart"),
    **_all(How.HONOURED, "condorio; others are said in pegasus.properties", "data.configuration"),
    **_all(
        *(How.NO_EFFECT, _MOVES, "stagein.clusters", "stagein.local.clusters", "stagein.remote.clusters"),
        *("stageout.clusters", "stageout.local.clusters", "stageout.remote.clusters", "chain.stagein", "nosymlink"),
        *("bundle.stagein", "transfer.proxy", "transfer.arguments", "transfer.threads", "transfer.lite.arguments"),
        *("transfer.lite.threads", "auxillary.local"),
    ),
    **_all(
        *(How.NO_EFFECT, _OTHER_SCHEDULERS, "nodes", "ppn", "queue", "project", "glite.arguments"),
        *("glite.arguments.expr", "queue.expr", "project.expr", "condor.arguments.quote", "ssh_private_key"),
    ),
    **_all(How.NO_EFFECT, _MPI, "pmc_request_memory", "pmc_request_cpus", "pmc_priority", "pmc_task_arguments"),
    **_all(How.NO_EFFECT, _ONE_SITE, "group", "tag", "boto_config"),
    **_all(How.NO_EFFECT, _OWN_DIRECTORY, "change.dir", "change_dir", "create.dir", "wntmp", "workdir"),
    **_all(How.NO_EFFECT, _PLACES, "relative.submit.dir"),
    **_all(How.NO_EFFECT, "reuse looks at all jobs", "enable_for_data_reuse"),
    **_all(How.NO_EFFECT, "Roost's own program wraps the task", "gridstart.path", "gridstart.arguments"),
    **_all(How.REFUSED, _LAUNCHER, "gridstart.launcher", "gridstart.launcher.arguments"),
    **_all(How.HONOURED, "options of `apptainer exec` or `podman run`", "container.arguments"),
    **_all(How.HONOURED, "what starts these", "container.launcher", "container.launcher.arguments"),
    **_all(How.REFUSED, "tasks of a job run one after another", "job.aggregator.arguments", "cluster.arguments"),
    **_all(How.REFUSED, "it is called job.aggregator", "collapser"),
    **_all(How.REFUSED, "it is called runtime", "job.runtime"),
    **_all(How.REFUSED, "say env profiles, or run the task by a script", "pegasus_lite_env_source"),
    **_all(How.REFUSED, _EXPRESSION, "cores.expr", "gpus.expr", "memory.expr", "diskspace.expr", "runtime.expr"),
}
_AS_PROPERTY = "it is of a whole workflow: say it in pegasus.properties, or of a sub-workflow's job"
_SCRIPTS = "jobs have no scripts on the access point; hooks run here, and a task can do what comes before or after"
DAGMAN_PROFILES: Mapping[str, Treatment] = {
    **_all(How.HONOURED, "DAGMan's RETRY", "retry"),
    **_all(How.HONOURED, "DAGMan's PRIORITY; by level where nobody says", "priority"),
    **_all(How.HONOURED, "DAGMan's CATEGORY", "category"),
    **_all(How.HONOURED, "DAGMan's ABORT-DAG-ON", "abort-dag-on"),
    **_all(How.HONOURED, "pegasus-exitcode and none: the job's exit code decides; others are refused", "post"),
    **_all(How.NO_EFFECT, "no job has a POST script", "post.scope"),
    **_all(How.REFUSED, _SCRIPTS, "pre", "pre.arguments", "post.arguments", "post.path", "post.path.*"),
    **_all(How.REFUSED, _AS_PROPERTY, "maxpre", "maxpost", "maxjobs", "maxidle", "*.maxjobs"),
}
SELECTOR_PROFILES: Mapping[str, Treatment] = {
    **_all(How.HONOURED, "condorpool and ec2; others are refused", "execution.site"),
    **_all(How.NO_EFFECT, "it is for GRAM", "grid.jobtype"),
    **_all(How.REFUSED, "the transformation catalog says where a program is", "pfn"),
}
# Others of HTCondor's submit commands go into the jobs' submit description as they are.
CONDOR_PROFILES: Mapping[str, Treatment] = {
    **_all(How.HONOURED, "vanilla, and container for tasks that have one; others are refused", "universe"),
    **_all(
        *(How.REFUSED, "Roost's planner sets it", "executable", "arguments", "input", "output", "error", "log"),
        *("queue", "transfer_executable", "transfer_input_files", "transfer_output_files", "transfer_output_remaps"),
        *("should_transfer_files", "when_to_transfer_output", "whentotransferoutput", "environment", "initialdir"),
        *("transfer_output", "transfer_error", "ulog_execute_attrs"),
    ),
    **_all(How.REFUSED, "jobs run in the pool", "grid_resource", "condor_collector", "cream_attributes"),
}
ENV_PROFILES: Mapping[str, Treatment] = {
    **_all(How.REFUSED, "say env profiles, or run the task by a script", "PEGASUS_LITE_ENV_SOURCE"),
}
GLOBUS_PROFILES: Mapping[str, Treatment] = _all(How.NO_EFFECT, "it is for GRAM; HTCondor runs the jobs", "*")
# "hints" is what Pegasus called selector before 5.0.
PROFILES: Mapping[str, Mapping[str, Treatment]] = {
    "pegasus": PEGASUS_PROFILES,
    "dagman": DAGMAN_PROFILES,
    "condor": CONDOR_PROFILES,
    "env": ENV_PROFILES,
    "selector": SELECTOR_PROFILES,
    "hints": SELECTOR_PROFILES,
    "globus": GLOBUS_PROFILES,
}
OPEN = ("condor", "env")  # a key that is not in the table is honoured as it is

# Profiles as properties (`condor.x`, `pegasus.x` ...) are not here; patterns are tried in this order.
PROPERTIES: Mapping[str, Treatment] = {
    **_all(How.HONOURED, "retries: 0 in development and debug", "pegasus.mode"),
    **_all(
        *(How.HONOURED, "where the catalog is", "pegasus.catalog.replica.file"),
        *("pegasus.catalog.transformation.file", "pegasus.catalog.site.file"),
    ),
    **_all(
        *(How.HONOURED, "YAML; others are refused", "pegasus.catalog.replica", "pegasus.catalog.transformation"),
        "pegasus.catalog.site",
    ),
    **_all(How.HONOURED, "nonsharedfs and sharedfs with `shared:` in pool.yml", "pegasus.data.configuration"),
    **_all(How.HONOURED, "inputs are symbolic links with nonsharedfs", "pegasus.transfer.links"),
    **_all(How.HONOURED, "Condor; others are refused", "pegasus.code.generator"),
    **_all(How.HONOURED, "seqexec; others are refused", "pegasus.clusterer.job.aggregator"),
    **_all(How.HONOURED, "true; false is refused", "pegasus.clusterer.job.aggregator.seqexec.firstjobfail"),
    **_all(How.HONOURED, "false; true is refused", "pegasus.clusterer.allow.single"),
    **_all(How.HONOURED, "clustering", "pegasus.clusterer.label.key", "pegasus.clusterer.preference"),
    **_all(How.HONOURED, "full and nosymlink; none is refused", "pegasus.integrity.checking"),
    **_all(How.HONOURED, "DAGMan's limits", "dagman.maxpre", "dagman.maxpost", "dagman.maxjobs", "dagman.maxidle"),
    **_all(How.HONOURED, "so many jobs of the category at once", "dagman.*.maxjobs"),
    **_all(How.HONOURED, "full; others are refused", "pegasus.data.reuse.scope"),
    **_all(How.HONOURED, "true; false is refused", "pegasus.parser.dax.data.dependencies"),
    **_all(How.REFUSED, "jobs run in the pool, not in AWS Batch", "pegasus.aws.*"),
    **_all(How.REFUSED, "it is called pegasus.clusters.num", "pegasus.cluster.num"),
    **_all(How.REFUSED, "each catalog is a YAML file", "pegasus.catalog.replica.db.*", "pegasus.catalog.*.db.*"),
    **_all(How.REFUSED, "say profiles in the site catalog", "pegasus.catalog.site.sites.*.profiles.*.*"),
    **_all(How.REFUSED, "tasks of a job run one after another", "pegasus.clusterer.job.aggregator.arguments"),
    **_all(How.REFUSED, "say `concurrency_limits` as a condor profile", "pegasus.condor.concurrency.limits"),
    **_all(How.REFUSED, "say `--reuse` and a replica catalog's path", "pegasus.catalog.replica.directory.*"),
    **_all(
        *(How.NO_EFFECT, _TOOL, "pegasus.clusterer.job.aggregator.seqexec.log"),
        *("pegasus.clusterer.job.aggregator.seqexec.*", "pegasus.monitord.*", "pegasus.dashboard.*"),
        *("pegasus.metrics.*", "pegasus.metrics.app", "pegasus.catalog.workflow.*", "pegasus.catalog.master.*"),
        *("pegasus.log.*", "pegasus.schema.*", "pegasus.home.*", "pegasus.stampede.*", "pegasus.planner.*"),
        *("pegasus.parser.*", "pegasus.catalog.*.timeout", "pegasus.catalog.replica.chunk.size", "pegasus.pmc.*"),
        *("pegasus.catalog.site.repo.*", "pegasus.catalog.transformation.mapper", "pegasus.condor.*"),
        *("pegasus.execute.*", "pegasus.worker.*", "pegasus.lite.*", "pegasus.wrapper.*", "pegasus.gridstart.*"),
        *("pegasus.dagman.*", "pegasus.job.*", "pegasus.exitcode.*", "pegasus.credential.*", "pegasus.integrity.*"),
    ),
    **_all(How.NO_EFFECT, _PLACES, "pegasus.dir.*", "pegasus.output.*"),
    **_all(How.NO_EFFECT, _MOVES, "pegasus.transfer.*", "pegasus.stagein.*", "pegasus.stageout.*", "pegasus.symlink*"),
    **_all(How.NO_EFFECT, _ONE_SITE, "pegasus.selector.*"),
    **_all(How.NO_EFFECT, "`roost run --cleanup inplace` says it", "pegasus.file.cleanup.*"),
    **_all(
        *(How.NO_EFFECT, "runs/NAME/replicas.yml is the catalog of a run's results", "pegasus.register"),
        *("pegasus.register.*", "pegasus.catalog.replica.output.*", "pegasus.catalog.replica.cache.asrc"),
        "pegasus.catalog.replica.dax.asrc",
    ),
    **_all(How.NO_EFFECT, "Roost's own program starts them", "pegasus.container.*"),
}


def of_profile(namespace: str, key: str) -> Treatment | None:
    """None: there is no such profile."""
    if (found := _looked_up(PROFILES[namespace], key)) is not None:
        return found
    return Treatment(How.HONOURED, "as it is") if namespace in OPEN else None


def of_property(key: str) -> Treatment | None:
    """Of one that is no profile. None: there is no such property.

    >>> of_property("pegasus.monitord.output").how, of_property("pegasus.nonsense")
    (<How.NO_EFFECT: 'no effect'>, None)
    """
    return _looked_up(PROPERTIES, key)


def names(table: Mapping[str, Treatment], how: How | None = None) -> tuple[str, ...]:
    """Those that are no patterns, for near names."""
    return tuple(name for name, one in table.items() if "*" not in name and how in (None, one.how))


def rows() -> list[tuple[str, str, str, str]]:
    """(where, name, how, said) of all, as the page for users shows them; `hints` is as `selector`."""
    tables = {**{f"profile, {name}": table for name, table in PROFILES.items() if name != "hints"}}
    tables["property"] = PROPERTIES
    return [(where, name, one.how.value, one.said) for where, table in tables.items() for name, one in table.items()]


def _looked_up(table: Mapping[str, Treatment], key: str) -> Treatment | None:
    if (found := table.get(key)) is not None:
        return found
    return next((one for name, one in table.items() if "*" in name and fnmatchcase(key, name)), None)
