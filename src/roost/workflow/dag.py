"""pure: ExecutableWorkflow -> the DAG that DAGMan runs, and the command that starts it.

One DAG file with inline submit descriptions (HTCondor >= 23.0): jobs that ask for the same share one, what differs is
in VARS. A thousand jobs are one file, not a thousand; it is written line by line, for there may be 100,000.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping

from roost.workflow.dag_parts import part_lines, sums_for
from roost.workflow.executable import CHECKPOINT, OUTPUT, SUMS, ExecutableWorkflow, PlannedJob, jobs_share, stored_name
from roost.workflow.invocation import LONG, chores, in_file, invocation
from roost.workflow.shapes import Shape
from roost.workflow.tries import COUNT_TRIES, TRIES
from roost.workflow.wrapper import WRAPPER

CHORES = "chores.py"
OUTPUTS = "outputs"  # as in node/sandbox.py
DAGMAN_CONFIG = "dagman.config"
HELD_S = 60  # a held job is removed after this, so that its DAG goes on or ends: a pool costs money while it waits
VERSION = "5.1.3"  # of the Pegasus whose formats these are

# DAGMan looks every 5 s and submits 100 jobs each time by default: 20 jobs a second, and 5 s for each level.
DAGMAN_SETTINGS = """\
DAGMAN_USER_LOG_SCAN_INTERVAL = 1
DAGMAN_MAX_SUBMITS_PER_INTERVAL = 1000
DAGMAN_VERBOSITY = 3
"""

_TRANSFERS = {
    "should_transfer_files": "YES",
    "when_to_transfer_output": "$(when:ON_EXIT)",
    "transfer_input_files": "$(inputs)",
    # A directory that is always there, and empty when the task failed: the starter need not sleep a second to
    # tell new files from old, and no missing output puts the job on hold.
    "transfer_output_files": f"{OUTPUTS}/",
    "transfer_output_remaps": '"$(outputs)"',
    "ulog_execute_attrs": "RoostInstanceId,TotalCpus",
}

_START = f"""\
cd "$1" && log=$2 dag=$3 && shift 3 || exit
{COUNT_TRIES}exec "$@" "$dag"
"""


def submit_argv(executable: ExecutableWorkflow) -> list[str]:
    """The command that starts the DAG on the access point."""
    about = {
        "pegasus_wf_uuid": executable.uuid,
        "pegasus_root_wf_uuid": executable.root_uuid,
        "pegasus_wf_name": f"{executable.name}-0",
        "pegasus_wf_time": stamp(executable),
        "pegasus_version": VERSION,
        "pegasus_wf_xformation": "pegasus::dagman",
    }
    ads = [word for key, value in about.items() for word in ("-append", f'+{key}="{value}"')]
    ads += ["-append", "+pegasus_job_class=11", "-append", "+pegasus_cluster_size=1"]
    names = [str(executable.paths.submit), executable.log, executable.dag]
    return ["sh", "-c", _START, "sh", *names, "condor_submit_dag", *ads]


def dag_lines(executable: ExecutableWorkflow, files: dict[str, str] | None = None) -> Iterator[str]:
    """The DAG, in pieces that end with lines.

    On the way `files` gets what has to lie beside it, by name: what jobs of many tasks are told.
    """
    files = {} if files is None else files
    descriptions = {id(shape): name for name, shape in shapes(executable).items()}
    retries = Counter(job.shape.retries for job in executable.jobs).most_common(1)[0][0]
    yield f"# {executable.name}, planned by Roost\nCONFIG {DAGMAN_CONFIG}\n\n"
    for name, shape in shapes(executable).items():
        yield _description(executable, name, shape)
    parts = {job.name: job for job in executable.jobs if job.kind.is_workflow}
    for category, at_once in executable.throttles.items():
        yield f"MAXJOBS {category} {at_once}\n"
    if retries:  # of every node; what a node says of itself comes later, and wins
        yield f"RETRY ALL_NODES {retries}\n\n"
    makers = {job.name: job for job in executable.jobs if job.tasks}  # each leaves its checksums
    shared = jobs_share(executable)
    for job in executable.jobs:
        if job.name in parts:
            yield part_lines(executable, job, ads(executable, job.shape))
            yield from _special(job, retries)
            continue
        yield _node(executable, job, descriptions[id(job.shape)], makers, files, shared, parts)
        shape = job.shape
        if shape.retries != retries or shape.category or shape.abort_dag_on:
            yield from _special(job, retries)
    yield "\n"
    for child, parents in executable.parents.items():
        yield f"PARENT {' '.join(parents)} CHILD {child}\n"
    yield f"INCLUDE {TRIES}\n"


def shapes(executable: ExecutableWorkflow) -> Mapping[str, Shape]:
    """What jobs ask for, by the name of the submit description that they share."""
    found = {id(job.shape): job.shape for job in executable.jobs if job.shape.universe != "scheduler"}
    return {f"jobs{number}.sub": shape for number, shape in enumerate(found.values(), start=1)}


def for_monitord(executable: ExecutableWorkflow, shape: Shape) -> str:
    """What monitord looks for in the file that it takes a description's name for; DAGMan reads the description.

    Without a transformation its database refuses a job that left no invocation record.
    """
    mine = {**ads(executable, shape), "My.pegasus_job_class": "1", "My.pegasus_cluster_size": "1"}
    lines = [f"{key.replace('My.', '+')} = {value}" for key, value in mine.items()]
    names = [f"{stream} = $(JOB).{ending}" for stream, ending in (("output", "out"), ("error", "err"))]
    return "\n".join([f"executable = {WRAPPER}", *names, *lines]) + "\n"


def _description(executable: ExecutableWorkflow, name: str, shape: Shape) -> str:
    submit, paths = executable.paths.submit, executable.paths
    on_access_point = shape.universe == "local"
    # A job that was held wrote nothing home; one that is removed counts as failed for DAGMan, which tries again.
    fixed = {
        "universe": shape.universe,
        "executable": str(submit / (CHORES if on_access_point else WRAPPER)),
        "arguments": f"$(invocation) {paths.files}" if on_access_point and paths.shared else "$(invocation)",
        "initialdir": str(paths.scratch),
        # Which try this is. A line that begins with TASK tells Pegasus' monitord that each try has an output of its
        # own, NODE.out.000 first, though there is no POST script to rename it (monitoring/workflow.py, PM-793).
        "task": "$(tried:0) + $(RETRY)",
        "output": str(submit / "$(JOB).out.$INT(task,%03d)"),
        "error": str(submit / "$(JOB).err.$INT(task,%03d)"),
        "log": str(submit / executable.log),
        # Without this its output goes to a file that a transfer, which there is not, would bring to its place.
        **({"should_transfer_files": "NO"} if on_access_point else _TRANSFERS),
        "submit_event_user_notes": f"pool:{executable.site}",
        "notification": "NEVER",
        "priority": "$(urgency)",
        "periodic_remove": f"(JobStatus == 5) && (time() - EnteredCurrentStatus > {HELD_S})",
        **ads(executable, shape),
        "My.pegasus_wf_dax_job_id": '"$(derivation:null)"',
        "My.pegasus_wf_dag_job_id": '"$(JOB)"',
        "My.pegasus_job_class": "$(class:1)",
        "My.pegasus_job_runtime": "$(runtime:0)",
        "My.pegasus_cluster_size": "$(size:1)",
        "My.DAGNodeRetry": "$(RETRY)",
    }
    commands = {**fixed, **shape.commands, "environment": _environment(executable, shape.env)}
    lines = [f"  {key} = {value}" for key, value in commands.items()]
    return "\n".join([f"SUBMIT-DESCRIPTION {name} {{", *lines, "}", "", ""])


def ads(executable: ExecutableWorkflow, shape: Shape) -> dict[str, str]:
    """What all jobs of a shape have in common for Pegasus' tools."""
    return {
        "My.pegasus_generator": '"Roost"',
        "My.pegasus_root_wf_uuid": f'"{executable.root_uuid}"',
        "My.pegasus_wf_uuid": f'"{executable.uuid}"',
        "My.pegasus_version": f'"{VERSION}"',
        "My.pegasus_wf_name": f'"{executable.name}-0"',
        "My.pegasus_wf_time": f'"{stamp(executable)}"',
        "My.pegasus_wf_xformation": f'"{_escaped(shape.transformation)}"',
        "My.pegasus_site": f'"{executable.site}"',
    }


def _node(
    executable: ExecutableWorkflow,
    job: PlannedJob,
    description: str,
    makers: Mapping[str, PlannedJob],
    files: dict[str, str],
    shared: Collection[str],
    parts: Mapping[str, PlannedJob],
) -> str:
    """Its name, and what it alone has. Nothing here needs quoting but the names of tasks."""
    if not job.tasks:
        return _chores_node(job, description)
    name, places, task = job.name, executable.places, job.tasks[0]
    inputs = [] if executable.paths.shared else [places[lfn] for lfn in job.inputs if lfn not in executable.links]
    inputs += [f"../executables/{one}" for one in job.sent]
    around = executable.around
    if around.path or parts:
        above = [makers[one] for one in executable.parents.get(name, ()) if one in makers and not makers[one].part]
        sums = [executable.paths.from_scratch(executable.sums_of(one)) for one in above]
        inputs += dict.fromkeys([*sums, *sums_for(job, executable, parts)[0]])
    else:
        inputs += [parent + SUMS for parent in executable.parents.get(name, ()) if parent in makers]
    # What stays in the directory where jobs start has its own name there; only what goes elsewhere is named.
    if around.path:
        taken = around.wanted
        mine = [one.lfn for one in job.outputs if one.stage_out or one.lfn in taken]
        remaps = [f"{stored_name(lfn)}={places[lfn]}" for lfn in mine]
        remaps.append(f"{name}{SUMS}={executable.paths.from_scratch(executable.sums_of(job))}")
    else:
        remaps = [f"{(stored := stored_name(one.lfn))}={OUTPUT}{stored}" for one in job.outputs if one.stage_out]
    word = invocation(job, executable, shared, parts)
    if len(word) > LONG:
        file, text, word = in_file(name, word)
        files[file] = text
        inputs.append(executable.paths.from_scratch(executable.paths.submit / file))
    if executable.containers and job.shape.universe != "container":
        known = (executable.containers.get(task.transformation) for task in job.tasks)
        inputs += dict.fromkeys(f"../executables/{one.image}" for one in known if one and one.is_sent)
    when = ""
    if name in executable.checkpoints:
        # HTCondor's manual, "Self-Checkpointing Applications": of a job that loses its slot, what lies in `outputs` is
        # kept in the schedd's spool, and goes to where it starts again in place of the input of that name.
        when = ' when="ON_EXIT_OR_EVICT"'
        first = executable.first_checkpoints
        inputs += [name + CHECKPOINT, *(first[lfn] for lfn in executable.checkpoints[name] if lfn in first)]
    runtime = f' runtime="{job.runtime}"' if job.runtime != "0" else ""
    size = f' size="{len(job.tasks)}"' if len(job.tasks) > 1 else ""
    return (
        f"JOB {name} {description}\n"
        f'VARS {name} derivation="{_escaped(task.id)}"{size}{runtime} urgency="{job.priority}"'
        f' inputs="{",".join(inputs)}" outputs="{";".join(remaps)}"{when}'
        f' invocation="{word}"\n'
        f"PRIORITY {name} {job.priority}\n"
    )


def _chores_node(job: PlannedJob, description: str) -> str:
    return (
        f"JOB {job.name} {description}\n"
        f'VARS {job.name} class="{job.kind}" urgency="{job.priority}" invocation="{chores(job)}"\n'
        f"PRIORITY {job.name} {job.priority}\n"
    )


def _special(job: PlannedJob, retries: int) -> Iterator[str]:
    shape = job.shape
    if shape.retries != retries:
        yield f"RETRY {job.name} {shape.retries}\n"
    if shape.category:
        yield f"CATEGORY {job.name} {shape.category}\n"
    if shape.abort_dag_on:
        yield f"ABORT-DAG-ON {job.name} {shape.abort_dag_on}\n"


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
        "PEGASUS_WF_TIME": executable.planned_at.isoformat(timespec="seconds"),
        "PEGASUS_DAG_JOB_ID": "$(JOB)",
        "PEGASUS_SITE": executable.site,
    }
    if shared := executable.paths.shared:
        fixed["ROOST_SCRATCH"] = f"{shared.how}:{shared.place}"
    settings = [f"{key}={value}" for key, value in fixed.items()]
    for key, value in env.items():
        quoted = f"{key}={value}".replace("'", "''").replace('"', '""').replace("$", "$(DOLLAR)")
        settings.append(f"'{quoted}'")
    return f'"{" ".join(settings)}"'


def stamp(executable: ExecutableWorkflow) -> str:
    return executable.planned_at.strftime("%Y%m%dT%H%M%S%z")
