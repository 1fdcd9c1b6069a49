"""pure: what a submit directory says was planned -> StaticPlan: tasks, jobs, which is in which, what waits for what.

Read are `*.static.bp`, as pegasus-plan and Roost write it (netlogger lines `ts=... event=job.info job.id="..." ...`),
and, where that is missing, the DAG file itself, which knows no tasks.
"""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_EVENT = re.compile(r"\bevent=(\S+)")
_PAIR = re.compile(r'([\w.]+)=(?:"((?:[^"\\]|\\.)*)"|(\S+))')
_ESCAPE = re.compile(r"\\(.)")
_STATED = re.compile(r' runtime="(\d+(?:\.\d+)?)"')
_UNPLANNED = "job"  # the kind of a job of which only the DAG tells
_SUBWORKFLOW = "dag"
_TASK_OF_NODE = re.compile(r"(.+)_(ID\w+)")
_VARS_TRANSFORMATION = re.compile(r'\btransformation="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticTask:
    """Of the abstract workflow."""

    id: str
    transformation: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticJob:
    """Of the DAG."""

    name: str
    kind: str  # compute, stage-in-tx, stage-out-tx, registration, create-dir, cleanup, dax, dag, ...
    retries: int = 0
    submit_file: str = ""  # below the submit directory; its records lie beside it
    transformation: str = ""  # of a job without tasks, or of which only the DAG tells


@dataclass(frozen=True, kw_only=True, slots=True)
class StaticPlan:
    jobs: tuple[StaticJob, ...]
    edges: tuple[tuple[str, str], ...]  # names of jobs
    tasks: dict[str, StaticTask] = field(default_factory=dict)  # by id
    task_edges: tuple[tuple[str, str], ...] = ()  # ids
    tasks_of: dict[str, tuple[str, ...]] = field(default_factory=dict)  # name of a job: ids, in their order
    uuid: str = ""

    def transformation(self, job: StaticJob) -> str:
        """Of a job; of a clustered one its tasks'."""
        names = dict.fromkeys(self.tasks[one].transformation for one in self.tasks_of.get(job.name, ()))
        return "+".join(names) or job.transformation or job.kind


def from_static_bp(lines: Iterable[str]) -> StaticPlan:
    """The plan in the lines of a `*.static.bp`; events that are unknown here are left out.

    >>> from_static_bp(['ts=0 event=job.info xwf.id=u job.id="a_ID1" type_desc="compute" max_retries="2"']).jobs
    (StaticJob(name='a_ID1', kind='compute', retries=2, submit_file='', transformation=''),)
    """
    jobs: list[StaticJob] = []
    edges: list[tuple[str, str]] = []
    tasks: dict[str, StaticTask] = {}
    task_edges: list[tuple[str, str]] = []
    tasks_of: dict[str, list[str]] = {}
    uuid = ""
    for line in lines:
        found = _EVENT.search(line)
        match found[1] if found else "":
            case "task.info":
                said = _pairs(line)
                uuid = uuid or said.get("xwf.id", "")
                tasks[said["task.id"]] = StaticTask(id=said["task.id"], transformation=said.get("transformation", ""))
            case "task.edge":
                said = _pairs(line)
                task_edges.append((said["parent.task.id"], said["child.task.id"]))
            case "job.info":
                said = _pairs(line)
                uuid = uuid or said.get("xwf.id", "")
                jobs.append(
                    StaticJob(
                        name=said["job.id"],
                        kind=said.get("type_desc", _UNPLANNED),
                        retries=int(said.get("max_retries") or 0),
                        submit_file=said.get("submit_file", ""),
                    )
                )
            case "wf.map.task_job":
                said = _pairs(line)
                tasks_of.setdefault(said["job.id"], []).append(said["task.id"])
            case "job.edge":
                said = _pairs(line)
                edges.append((said["parent.job.id"], said["child.job.id"]))
            case _:
                pass
    return StaticPlan(
        jobs=tuple(jobs),
        edges=tuple(edges),
        tasks=tasks,
        task_edges=tuple(task_edges),
        tasks_of={name: tuple(one for one in ids if one in tasks) for name, ids in tasks_of.items()},
        uuid=uuid,
    )


def from_dag(lines: Iterable[str]) -> StaticPlan:
    """The plan as far as a DAG file tells it: a job's transformation is what its VARS, or else its name, say.

    >>> plan = from_dag(["JOB a_ID1 x.sub", "JOB b y.sub", "RETRY a_ID1 3", "PARENT a_ID1 CHILD b"])
    >>> [(job.name, job.retries, job.transformation) for job in plan.jobs], plan.edges
    ([('a_ID1', 3, 'a'), ('b', 0, 'b')], (('a_ID1', 'b'),))
    """
    files: dict[str, tuple[str, str]] = {}
    retries: dict[str, int] = {}
    transformations: dict[str, str] = {}
    edges: list[tuple[str, str]] = []
    of_all = 0
    is_inside = False
    for line in lines:
        if is_inside:
            is_inside = line.strip() != "}"
            continue
        match line.split():
            case ["SUBMIT-DESCRIPTION", *rest] if rest and rest[-1] == "{":
                is_inside = True
            case ["JOB" | "FINAL" | "PROVISIONER" | "SERVICE", name, file, *rest]:
                files[name] = (_UNPLANNED, file if file.endswith(".sub") else "")
                is_inside = "{" in (file, *rest[-1:])
            case ["SUBDAG", "EXTERNAL", name, *_]:
                files[name] = (_SUBWORKFLOW, "")
            case ["RETRY", "ALL_NODES", times, *_] if times.isdigit():
                of_all = int(times)
            case ["RETRY", name, times, *_] if times.isdigit():
                retries[name] = int(times)
            case ["VARS", name, *_] if said := _VARS_TRANSFORMATION.search(line):
                transformations[name] = _unescaped(said[1])
            case ["PARENT", *rest] if "CHILD" in rest:
                at = rest.index("CHILD")
                edges += [(parent, child) for parent in rest[:at] for child in rest[at + 1 :]]
            case _:
                pass
    jobs = tuple(
        StaticJob(
            name=name,
            kind=kind,
            retries=retries.get(name, of_all),
            submit_file=file,
            transformation=transformations.get(name) or _of_name(name),
        )
        for name, (kind, file) in files.items()
    )
    return StaticPlan(jobs=jobs, edges=tuple(edges))


def stated_runtimes(dag_lines: Iterable[str]) -> dict[str, float]:
    """Seconds that each job is said to take (profile pegasus.runtime), where the DAG says it, as Roost's does.

    >>> stated_runtimes(['JOB a d', 'VARS a derivation="ID1" runtime="60" inputs=""', 'VARS b inputs=""'])
    {'a': 60.0}
    """
    found: dict[str, float] = {}
    for line in dag_lines:
        if line.startswith("VARS ") and (said := _STATED.search(line)):
            found[line.split(maxsplit=2)[1]] = float(said[1])
    return found


def _of_name(node: str) -> str:
    """Pegasus names a job `<transformation>_<id>`."""
    found = _TASK_OF_NODE.fullmatch(node)
    return found[1] if found else node


def _pairs(line: str) -> dict[str, str]:
    return {key: _unescaped(quoted) if quoted else plain for key, quoted, plain in _PAIR.findall(line)}


def _unescaped(text: str) -> str:
    if "\\u" in text:
        try:
            return str(json.loads(f'"{text}"'))  # as Roost writes them
        except json.JSONDecodeError:
            pass
    return _ESCAPE.sub(r"\1", text) if "\\" in text else text
