"""pure: ExecutableWorkflow -> the texts of a submit directory: DAG, DAGMan's settings, what Pegasus' tools read.

One DAG file with inline submit descriptions (HTCondor >= 23.0): jobs that ask for the same share one, what differs is
in VARS. A thousand jobs are one file, not a thousand.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from roost.workflow.planner import ExecutableWorkflow, PlannedJob, stored_name

WRAPPER = "invoke.py"
OUTPUTS = "outputs"  # as in node/invoke.py
DAGMAN_CONFIG = "dagman.config"
TRIES = "tries.dag"  # how often each job was submitted by an earlier DAGMan of this run
HELD_S = 60  # a held job is removed after this, so that its DAG goes on or ends: a pool costs money while it waits
VERSION = "5.1.3"  # of the Pegasus whose formats these are

_Commands = tuple[tuple[str, str], ...]  # of a submit description

# DAGMan looks every 5 s and submits 100 jobs each time by default: 20 jobs a second, and 5 s for each level.
_DAGMAN_CONFIG = """\
DAGMAN_USER_LOG_SCAN_INTERVAL = 1
DAGMAN_MAX_SUBMITS_PER_INTERVAL = 1000
DAGMAN_VERBOSITY = 3
"""

# Each try has an output of its own, also after a rescue, where DAGMan counts retries from 0 again: the event log knows
# of them all. Where DAGMan died and left its lock, it counts on by itself.
_START = """\
cd "$1" && log=$2 dag=$3 && shift 3 || exit
count='/^    DAG Node: /{n[$3]++} END{for (job in n) print "VARS " job " tried=\\"" n[job] "\\""}'
if [ ! -e "$dag.lock" ] && [ -e "$log" ]; then awk "$count" "$log" >tries.dag || exit; fi
exec "$@" "$dag"
"""


def texts(executable: ExecutableWorkflow) -> Mapping[str, str]:
    """File name in the submit directory: text."""
    return {
        executable.dag: dag_text(executable),
        DAGMAN_CONFIG: _DAGMAN_CONFIG,
        "braindump.yml": _braindump(executable),
        f"{executable.name}-0.static.bp": "".join(f"{line}\n" for line in _static_bp(executable)),
        TRIES: "",
        **{name: _for_monitord(executable, dict(commands)) for commands, name in _shapes(executable).items()},
        f"{executable.name}-0.notify": "",
        "pegasus.properties": "pegasus.data.configuration = condorio\n",
    }


def submit_argv(executable: ExecutableWorkflow) -> list[str]:
    """The command that starts the DAG on the access point."""
    about = {
        "pegasus_wf_uuid": executable.uuid,
        "pegasus_root_wf_uuid": executable.uuid,
        "pegasus_wf_name": f"{executable.name}-0",
        "pegasus_wf_time": _stamp(executable),
        "pegasus_version": VERSION,
        "pegasus_wf_xformation": "pegasus::dagman",
    }
    ads = [word for key, value in about.items() for word in ("-append", f'+{key}="{value}"')]
    ads += ["-append", "+pegasus_job_class=11", "-append", "+pegasus_cluster_size=1"]
    names = [str(executable.paths.submit), executable.log, executable.dag]
    return ["sh", "-c", _START, "sh", *names, "condor_submit_dag", *ads]


def dag_text(executable: ExecutableWorkflow) -> str:
    shapes = _shapes(executable)
    bodies = [_description(executable, name, dict(commands)) for commands, name in shapes.items()]
    nodes = [line for job in executable.jobs for line in _node(job, shapes[_commands(executable, job)])]
    edges = [f"PARENT {parent} CHILD {child}" for parent, child in executable.edges]
    lines = [f"# {executable.name}, planned by Roost", f"CONFIG {DAGMAN_CONFIG}", "", *bodies, *nodes, "", *edges]
    return "\n".join([*lines, f"INCLUDE {TRIES}"]) + "\n"


def _shapes(executable: ExecutableWorkflow) -> dict[_Commands, str]:
    """What jobs ask for: the name of the submit description that they share."""
    found = dict.fromkeys(_commands(executable, job) for job in executable.jobs)
    return {commands: f"jobs{number}.sub" for number, commands in enumerate(found, start=1)}


def _commands(executable: ExecutableWorkflow, job: PlannedJob) -> _Commands:
    about = {"My.pegasus_wf_xformation": f'"{job.task.transformation}"'}
    return tuple({**job.commands, **about, "environment": _environment(executable, job.env)}.items())


def _for_monitord(executable: ExecutableWorkflow, commands: Mapping[str, str]) -> str:
    """What monitord looks for in the file that it takes a description's name for; DAGMan reads the description.

    Without a transformation its database refuses a job that left no invocation record.
    """
    ads = {**_ads(executable), **commands}
    lines = [f"{key.replace('My.', '+')} = {value}" for key, value in ads.items() if "pegasus_" in key]
    names = [f"{stream} = $(JOB).{ending}" for stream, ending in (("output", "out"), ("error", "err"))]
    return "\n".join([f"executable = {WRAPPER}", *names, *lines]) + "\n"


def _description(executable: ExecutableWorkflow, name: str, commands: Mapping[str, str]) -> str:
    submit = executable.paths.submit
    # A job that was held wrote nothing home; one that is removed counts as failed for DAGMan, which tries again.
    fixed = {
        "universe": "vanilla",
        "executable": str(submit / WRAPPER),
        "arguments": "$(invocation)",
        # Which try this is. A line that begins with TASK tells Pegasus' monitord that each try has an output of its
        # own, NODE.out.000 first, though there is no POST script to rename it (monitoring/workflow.py, PM-793).
        "task": "$(tried:0) + $(RETRY)",
        "output": str(submit / "$(JOB).out.$INT(task,%03d)"),
        "error": str(submit / "$(JOB).err.$INT(task,%03d)"),
        "log": str(submit / executable.log),
        "should_transfer_files": "YES",
        "when_to_transfer_output": "ON_EXIT",
        "transfer_input_files": "$(inputs)",
        # A directory that is always there, and empty when the task failed: the starter need not sleep a second to
        # tell new files from old, and no missing output puts the job on hold.
        "transfer_output_files": f"{OUTPUTS}/",
        "transfer_output_remaps": '"$(outputs)"',
        "ulog_execute_attrs": "RoostInstanceId",
        "submit_event_user_notes": f"pool:{executable.site}",
        "notification": "NEVER",
        "priority": "$(urgency)",
        "periodic_remove": f"(JobStatus == 5) && (time() - EnteredCurrentStatus > {HELD_S})",
        **_ads(executable),
        "My.pegasus_wf_dax_job_id": '"$(derivation)"',
        "My.pegasus_wf_dag_job_id": '"$(JOB)"',
        "My.DAGNodeRetry": "$(RETRY)",
    }
    lines = [f"  {key} = {value}" for key, value in {**fixed, **commands}.items()]
    return "\n".join([f"SUBMIT-DESCRIPTION {name} {{", *lines, "}", ""])


def _ads(executable: ExecutableWorkflow) -> dict[str, str]:
    """What all jobs of a workflow have in common for Pegasus' tools."""
    return {
        "My.pegasus_generator": '"Roost"',
        "My.pegasus_root_wf_uuid": f'"{executable.uuid}"',
        "My.pegasus_wf_uuid": f'"{executable.uuid}"',
        "My.pegasus_version": f'"{VERSION}"',
        "My.pegasus_wf_name": f'"{executable.name}-0"',
        "My.pegasus_wf_time": f'"{_stamp(executable)}"',
        "My.pegasus_job_class": "1",
        "My.pegasus_site": f'"{executable.site}"',
        "My.pegasus_cluster_size": "1",
    }


def _node(job: PlannedJob, description: str) -> Iterator[str]:
    variables = {
        "derivation": job.task.id,
        "urgency": str(job.priority),
        "inputs": ",".join(str(one.remote) for one in job.inputs),
        "outputs": ";".join(f"{stored_name(one.lfn)}={one.remote}" for one in job.outputs),
        "invocation": job.invocation,
    }
    yield f"JOB {job.name} {description}"
    yield f"VARS {job.name} " + " ".join(f'{key}="{_escaped(value)}"' for key, value in variables.items())
    yield f"PRIORITY {job.name} {job.priority}"
    if job.retries > 0:
        yield f"RETRY {job.name} {job.retries}"
    if job.category:
        yield f"CATEGORY {job.name} {job.category}"
    if job.abort_dag_on:
        yield f"ABORT-DAG-ON {job.name} {job.abort_dag_on}"


def _escaped(value: str) -> str:
    """As the value of a VARS line.

    >>> print(_escaped('say "hi"'))
    say \\"hi\\"
    """
    return value.replace("\\", "\\\\").replace('"', '\\"')


def _environment(executable: ExecutableWorkflow, env: Mapping[str, str]) -> str:
    """HTCondor's "new" syntax: the whole in double quotes, each setting in single ones; quotes are doubled."""
    fixed = {
        "PEGASUS_WF_UUID": executable.uuid,
        "PEGASUS_WF_LABEL": executable.name,
        "PEGASUS_DAG_JOB_ID": "$(JOB)",
        "PEGASUS_SITE": executable.site,
    }
    settings = [f"{key}={value}" for key, value in fixed.items()]
    for key, value in env.items():
        quoted = f"{key}={value}".replace("'", "''").replace('"', '""').replace("$", "$(DOLLAR)")
        settings.append(f"'{quoted}'")
    return f'"{" ".join(settings)}"'


def _stamp(executable: ExecutableWorkflow) -> str:
    return executable.planned_at.strftime("%Y%m%dT%H%M%S%z")


def _braindump(executable: ExecutableWorkflow) -> str:
    """What Pegasus' tools look up first. Keys they do not know make them fail: only theirs."""
    submit = executable.paths.submit
    about = {
        "user": "roost",
        "submit_hostname": "access-point",
        "root_wf_uuid": executable.uuid,
        "wf_uuid": executable.uuid,
        "dax": str(submit / "workflow.yml"),
        "dax_label": executable.name,
        "dax_index": "0",
        "dax_version": "5.0.4",
        "pegasus_wf_name": f"{executable.name}-0",
        "timestamp": _stamp(executable),
        "basedir": str(executable.paths.run),
        "submit_dir": str(submit),
        "planner": "roost",
        "planner_version": VERSION,
        "planner_arguments": '"roost run"',
        "jsd": "jobstate.log",
        "rundir": PurePosixPath(submit).name,
        "vogroup": "pegasus",
        "uses_pmc": "false",
        "properties": "pegasus.properties",
        "condor_log": executable.log,
        "dag": executable.dag,
        "type": "dag",
        "notify": f"{executable.name}-0.notify",
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in about.items())


def _static_bp(executable: ExecutableWorkflow) -> Iterator[str]:
    """Tasks, jobs and what is between them, as netlogger lines: without a job's line here monitord drops it."""
    stamp = executable.planned_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def line(event: str, **about: object) -> str:
        words = " ".join(f"{key.replace('__', '.')}={json.dumps(str(value))}" for key, value in about.items())
        return f"ts={stamp} event={event} xwf.id={executable.uuid} {words}".rstrip()

    tasks = {job.name: job.task for job in executable.jobs}
    for task in tasks.values():
        yield line(
            "task.info",
            task__id=task.id,
            type=1,
            type_desc="compute",
            transformation=task.transformation,
            argv=" ".join(task.arguments),
        )
    for parent, child in executable.edges:
        yield line("task.edge", parent__task__id=tasks[parent].id, child__task__id=tasks[child].id)
    yield line("static.meta.start")
    yield line("xwf.meta", key="wf.api", value="roost")
    yield line("static.meta.end")
    for job in executable.jobs:
        yield line(
            "job.info",
            job__id=job.name,
            submit_file=f"{job.name}.sub",
            type=1,
            type_desc="compute",
            clustered=0,
            max_retries=job.retries,
            executable=job.executable,
            argv=" ".join(job.task.arguments),
            task_count=1,
        )
    for job in executable.jobs:
        yield line("wf.map.task_job", job__id=job.name, task__id=job.task.id)
    for parent, child in executable.edges:
        yield line("job.edge", parent__job__id=parent, child__job__id=child)
