"""pure: workflows that are parts of another one, in its DAG: each a job that is a DAGMan of its own.

Pegasus writes them so too, and its monitord follows only such jobs (not SUBDAG EXTERNAL): a job of the scheduler
universe whose name begins with `pegasus-plan`, in whose environment _CONDOR_DAGMAN_LOG names the part's directory
without its number (monitoring/workflow.py, has_subworkflow).
"""

from collections.abc import Mapping
from pathlib import PurePosixPath

from roost.workflow.executable import Deferred, ExecutableWorkflow, JobKind, PlannedJob, stored_name
from roost.workflow.tries import COUNT_TRIES

STARTER = "dagman.sh"
PLANNING = "plan.sh"
NOT_PLANNED = 65  # EX_DATAERR of sysexits.h
_ENDED = "(ExitSignal =?= 11 || (ExitCode =!= UNDEFINED && ExitCode >= 0 && ExitCode <= 2))"  # else it goes on
_GETENV = "CONDOR_CONFIG,_CONDOR_*,PATH,PYTHONPATH,PERL*,PEGASUS_*,TZ,HOME,USER,LANG,LC_ALL"  # as condor_submit_dag

# Starts DAGMan in its directory.
STARTER_TEXT = f"""\
#!/bin/sh
log=$1 dag=$2 && shift 2
{COUNT_TRIES}exec condor_dagman "$@"
"""

# Before a part's job begins whose file a task has made. What it says is kept; its last line tells of a failure.
PLANNING_TEXT = f"""\
#!/bin/sh
log=${{1#*=}} && shift
exec >"$log" 2>&1
for python in python3 python3.13 python3.12 python3.11; do
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && exec "$python" "$@"
done
echo "roost: it cannot be planned here: the access point has no Python of 3.11 or later"
exit {NOT_PLANNED}
"""


# A DAG of the user's, in a directory with the files of its job; what it makes goes to where others take it from.
DAG_STARTER, DAG_FILES = "subdag.sh", "files.tsv"
DAG_STARTER_TEXT = """\
#!/bin/sh
here=$1 dag=$2 && shift 2
tab=$(printf '\\t')
while IFS=$tab read -r way name place; do
  [ "$way" = in ] || continue
  mkdir -p -- "$(dirname -- "$name")" && { [ -e "$name" ] || ln -- "$place" "$name"; } || exit 1
done <"$here/files.tsv"
trap 'kill -USR1 "$child"' USR1
trap 'kill -TERM "$child"' TERM QUIT HUP
condor_dagman "$@" &
child=$!
wait "$child"
code=$?
while kill -0 "$child" 2>/dev/null; do wait "$child"; code=$?; done
if [ "$code" -ne 0 ]; then
  grep -E 'ERROR|failed with' "$here/$dag.dagman.out" | tail -n 15 >&2
  rescue=$(ls "$dag".rescue* 2>/dev/null | tail -n 1)
  echo "roost: the DAG $dag failed (exit code $code)${rescue:+; it goes on from $rescue}" >&2
  exit "$code"
fi
while IFS=$tab read -r way name place; do
  [ "$way" = out ] || continue
  [ -e "$name" ] || { echo "roost: the DAG $dag ended well (exit code 0) but did not make: $name" >&2; exit 74; }
  ln -f -- "$name" "$place" || exit 1
done <"$here/files.tsv"
"""


def part_lines(executable: ExecutableWorkflow, job: PlannedJob, common: Mapping[str, str]) -> str:
    """The description and the node. `common`: what jobs have in common for Pegasus' tools."""
    submit = executable.paths.submit
    directory = executable.paths.part(job.part).submit
    dag = part_dag(job)
    is_dag = job.kind is JobKind.CONDOR_WORKFLOW
    first = str(directory) if is_dag else f"{PurePosixPath(dag).stem}.log"
    arguments = (
        f"{first} {dag} -p 0 -f -l . -Notification never -Debug 3 -Lockfile {dag}.lock"
        f" -Dag {dag} -AllowVersionMismatch -AutoRescue 1 -DoRescueFrom 0"
    )
    commands = {
        "universe": "scheduler",
        "executable": str(submit / (DAG_STARTER if is_dag else STARTER)),
        "transfer_executable": "false",
        "should_transfer_files": "NO",  # or its output goes to a file that a transfer would bring to its place
        "arguments": arguments,
        "initialdir": str(executable.paths.part(job.part).scratch if is_dag else directory),
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
    node = f"{description}JOB {job.name} {job.name}.sub\nPRIORITY {job.name} {job.priority}\n"
    later = executable.deferred.get(job.name)
    return node if later is None else node + _planned_before(executable, job, later)


def _planned_before(executable: ExecutableWorkflow, job: PlannedJob, later: Deferred) -> str:
    """Pegasus' tools know the log by its option. What is wrong with a workflow stays wrong: that is not tried again."""
    log = executable.paths.submit / planning_log(job.name)
    words = f"-Dpegasus.log.*={log} {executable.paths.planner} {later.paths.submit} {later.file}"
    once = f"RETRY {job.name} {job.shape.retries} UNLESS-EXIT {NOT_PLANNED}\n" if job.shape.retries else ""
    return f"SCRIPT PRE {job.name} {executable.paths.submit / PLANNING} {words}\n{once}"


def planning_log(node: str) -> str:
    """Of a part that is planned before its job begins: in the submit directory of the workflow around it.

    >>> planning_log("inner_ID1/pegasus-plan_ID2")
    'pegasus-plan_ID2.pre.log'
    """
    return f"{node.rpartition('/')[2]}.pre.log"


def part_dag(job: PlannedJob) -> str:
    """The name of its DAG's file."""
    return job.stem if job.kind is JobKind.CONDOR_WORKFLOW else f"{job.stem}-0.dag"


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


def sums_for(
    job: PlannedJob, executable: ExecutableWorkflow, parts: Mapping[str, PlannedJob]
) -> tuple[list[str], dict[str, list[str]]]:
    """Of a job that takes files of other workflows: (the files of checksums that it needs, how names of such files
    begin: the only files that those tell of). A directory ends with a slash: what is in it is sent."""
    files: dict[str, None] = {}
    only: dict[str, list[str]] = {}
    given = executable.around.given
    above = [parts[name] for name in executable.parents.get(job.name, ()) if name in parts]
    made = {output.lfn: one for one in above for output in one.outputs}
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
