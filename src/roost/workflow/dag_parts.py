"""pure: workflows that are parts of another one, in its DAG: each a job that is a DAGMan of its own.

Pegasus writes them so too, and its monitord follows only such jobs (not SUBDAG EXTERNAL): a job of the scheduler
universe whose name begins with `pegasus-plan`, in whose environment _CONDOR_DAGMAN_LOG names the part's directory
without its number (monitoring/workflow.py, has_subworkflow).
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from roost.workflow.executable import ExecutableWorkflow, JobKind, PlannedJob, stored_name

STARTER = "dagman.sh"
_ENDED = "(ExitSignal =?= 11 || (ExitCode =!= UNDEFINED && ExitCode >= 0 && ExitCode <= 2))"  # else it goes on
_GETENV = "CONDOR_CONFIG,_CONDOR_*,PATH,PYTHONPATH,PERL*,PEGASUS_*,TZ,HOME,USER,LANG,LC_ALL"  # as condor_submit_dag

# Starts DAGMan in its directory. Each try of a job has an output of its own (see `dag`), here as well.
STARTER_TEXT = """\
#!/bin/sh
log=$1 dag=$2 && shift 2
count='/^    DAG Node: /{n[$3]++} END{for (job in n) print "VARS " job " tried=\\"" n[job] "\\""}'
if [ ! -e "$dag.lock" ] && [ -e "$log" ]; then awk "$count" "$log" >tries.inc || exit 1; fi
exec condor_dagman "$@"
"""


def part_lines(executable: ExecutableWorkflow, job: PlannedJob, common: Mapping[str, str]) -> str:
    """The description and the node. `common`: what jobs have in common for Pegasus' tools."""
    submit = executable.paths.submit
    directory = executable.paths.part(job.part).submit
    dag = part_dag(job)
    arguments = (
        f"{PurePosixPath(dag).stem}.log {dag} -p 0 -f -l . -Notification never -Debug 3 -Lockfile {dag}.lock"
        f" -Dag {dag} -AllowVersionMismatch -AutoRescue 1 -DoRescueFrom 0"
    )
    commands = {
        "universe": "scheduler",
        "executable": str(submit / STARTER),
        "transfer_executable": "false",
        "should_transfer_files": "NO",  # or its output goes to a file that a transfer would bring to its place
        "arguments": arguments,
        "initialdir": str(directory),
        "task": "$(tried:0) + $(RETRY)",
        "output": str(submit / "$(JOB).out.$INT(task,%03d)"),
        "error": str(submit / "$(JOB).err.$INT(task,%03d)"),
        "log": str(submit / executable.log),
        "getenv": _GETENV,
        "environment": f'"{_environment(executable, job, directory)}"',
        "notification": "NEVER",
        "remove_kill_sig": "SIGUSR1",
        "on_exit_remove": _ENDED,
        "My.OtherJobRemoveRequirements": '"DAGManJobId =?= $(cluster)"',
        **common,
        "My.pegasus_wf_dax_job_id": f'"{job.task.id}"',
        "My.pegasus_wf_dag_job_id": f'"{job.name}"',
        "My.pegasus_job_class": str(int(job.kind)),
        "My.pegasus_site": '"local"',
        "My.DAGNodeRetry": "$(RETRY)",
    }
    lines = [f"  {key} = {value}" for key, value in commands.items()]
    description = "\n".join([f"SUBMIT-DESCRIPTION {job.name}.sub {{", *lines, "}", ""])
    return f"{description}JOB {job.name} {job.name}.sub\nPRIORITY {job.name} {job.priority}\n"


def part_dag(job: PlannedJob) -> str:
    """The name of its DAG's file."""
    return f"{job.stem}-0.dag"


def part_for_monitord(executable: ExecutableWorkflow, job: PlannedJob, common: Mapping[str, str]) -> str:
    """What monitord looks for in the file of that description."""
    numbered = executable.paths.part(job.part).submit
    directory = numbered.with_name(numbered.name.removesuffix(".000"))
    own = {"My.pegasus_job_class": str(int(job.kind)), "My.pegasus_wf_dax_job_id": f'"{job.task.id}"'}
    about = {**common, **own, "My.pegasus_site": '"local"', "My.pegasus_cluster_size": "1"}
    lines = [f"{key.replace('My.', '+')} = {value}" for key, value in about.items()]
    fixed = [
        "executable = condor_dagman",
        "universe = scheduler",
        f"output = {job.name}.out",
        f"error = {job.name}.err",
        f'environment = "{_environment(executable, job, directory)}"',
    ]
    return "\n".join([*fixed, *lines, ""])


def sums_for(job: PlannedJob, executable: ExecutableWorkflow) -> tuple[list[str], dict[str, list[str]]]:
    """Of a job that takes files of other workflows: (the files of checksums that it needs, how names of such files
    begin: the only files that those tell of). A directory ends with a slash: what is in it is sent."""
    files: dict[str, None] = {}
    only: dict[str, list[str]] = {}
    given = executable.around.given
    makers = {one.name: one for one in executable.jobs if one.kind.is_workflow} if executable.has_parts else {}
    parts = [makers[name] for name in executable.parents.get(job.name, ()) if name in makers]
    made = {output.lfn: one for one in parts for output in one.outputs}
    for lfn in job.inputs:
        if (maker := made.get(lfn)) is not None:
            if maker.kind is JobKind.PEGASUS_WORKFLOW:
                files[f"{executable.paths.from_scratch(executable.sums_of_file(maker, lfn))}/"] = None
                only.setdefault(f"{executable.around.prefix}{maker.part}.", []).append(stored_name(lfn))
        elif (known := given.get(lfn)) is not None and known.sums is not None:
            place = executable.paths.from_scratch(known.sums)
            files[f"{place}/" if known.sums.suffix == ".sums" else place] = None
            only.setdefault(known.sums_begin, []).append(stored_name(lfn))
    return list(files), only


def _environment(executable: ExecutableWorkflow, job: PlannedJob, directory: PurePosixPath) -> str:
    settings = {
        "_CONDOR_DAGMAN_LOG": str(directory / f"{part_dag(job)}.dagman.out"),
        "_CONDOR_MAX_DAGMAN_LOG": "0",
        "_CONDOR_DAGMAN_CONFIG_FILE": str(directory / "dagman.config"),
        "PEGASUS_WF_UUID": executable.uuid,
        "PEGASUS_WF_LABEL": executable.name,
        "PEGASUS_DAG_JOB_ID": job.name,
        "PEGASUS_SITE": "local",
    }
    return " ".join(f"{key}={value}" for key, value in settings.items())
