"""pure: ExecutableWorkflow -> what Pegasus' monitord reads beside the DAG: braindump.yml and the static events.

monitord's schema is called Stampede. Without a job's line in the static events it drops the job.
"""

import json
import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from roost.workflow.abstract import SUB_TRANSFORMATIONS
from roost.workflow.dag import CHORES, VERSION, stamp
from roost.workflow.executable import ExecutableWorkflow, JobKind

_PLAIN = re.compile(r"[ !#-\[\]-~]*")
_KINDS = {
    JobKind.COMPUTE: "compute",
    JobKind.STAGE_IN: "stage-in-tx",
    JobKind.CLEANUP: "cleanup",
    JobKind.PEGASUS_WORKFLOW: "dax",
    JobKind.CONDOR_WORKFLOW: "dag",
}


def braindump(executable: ExecutableWorkflow) -> str:
    """What Pegasus' tools look up first. Keys they do not know make them fail: only theirs."""
    submit = executable.paths.submit
    about = {
        "user": "roost",
        "submit_hostname": "access-point",
        "root_wf_uuid": executable.root_uuid,
        "wf_uuid": executable.uuid,
        "dax": str(submit / "workflow.yml"),
        "dax_label": executable.name,
        "dax_index": "0",
        "dax_version": "5.0.4",
        "pegasus_wf_name": executable.stem,
        "timestamp": stamp(executable),
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
        "notify": f"{executable.stem}.notify",
    }
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in about.items())


def static_events(executable: ExecutableWorkflow) -> Iterator[str]:
    """Tasks, jobs and what is between them, as netlogger lines."""
    ts = executable.planned_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    def begins(event: str) -> str:
        return f"ts={ts} event={event} xwf.id={executable.uuid}"

    task_info, job_info, task_job = begins("task.info"), begins("job.info"), begins("wf.map.task_job")
    task_edge, job_edge = begins("task.edge"), begins("job.edge")
    tasks, arguments = {}, {}
    names = {name: _quoted(name) for name in (*executable.programs, *SUB_TRANSFORMATIONS)}
    for job in executable.jobs:
        for task in job.tasks:
            tasks[task.id] = identity = _quoted(task.id)
            arguments[task.id] = argv = _quoted(" ".join(task.arguments))
            yield (
                f'{task_info} task.id={identity} type="{job.kind}" type_desc="{_KINDS[job.kind]}"'
                f" transformation={names[task.transformation]} argv={argv}\n"
            )
    for child, parents in executable.task_parents.items():
        ends = f" child.task.id={tasks[child]}\n"
        yield "".join([f"{task_edge} parent.task.id={tasks[parent]}{ends}" for parent in parents])
    yield f'{begins("static.meta.start")}\n{begins("xwf.meta")} key="wf.api" value="roost"\n'
    for key, value in executable.metadata.items():
        yield f"{begins('xwf.meta')} key={_quoted(key)} value={_quoted(value)}\n"
    for one, identity in tasks.items() if executable.task_metadata else ():
        for key, value in executable.task_metadata.get(one, {}).items():
            yield f"{begins('task.meta')} task.id={identity} key={_quoted(key)} value={_quoted(value)}\n"
    yield f"{begins('static.meta.end')}\n"
    paths = {name: _quoted(program.path) for name, program in executable.programs.items()}
    for job in executable.jobs:
        name = job.name
        is_clustered = len(job.tasks) > 1
        program = _quoted(CHORES)
        if job.tasks:
            program = '"condor_dagman"' if job.kind.is_workflow else paths[job.tasks[0].transformation]
        argv = arguments[job.tasks[0].id] if len(job.tasks) == 1 else '""'
        yield (
            f'{job_info} job.id="{name}" submit_file="{name}.sub" type="{job.kind}" type_desc="{_KINDS[job.kind]}"'
            f' clustered="{int(is_clustered)}" max_retries="{job.shape.retries}" executable={program}'
            f' argv={argv} task_count="{len(job.tasks)}"\n'
        )
    for job in executable.jobs:
        for task in job.tasks:
            yield f'{task_job} job.id="{job.name}" task.id={tasks[task.id]}\n'
    for child, parents in executable.parents.items():
        ends = f'" child.job.id="{child}"\n'
        yield "".join([f'{job_edge} parent.job.id="{parent}{ends}' for parent in parents])


def _quoted(text: str) -> str:
    return f'"{text}"' if _PLAIN.fullmatch(text) else json.dumps(text)
