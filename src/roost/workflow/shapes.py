"""pure: profiles -> what jobs ask for. Few jobs differ in that: those that ask alike share one Shape."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from roost.errors import UsageError
from roost.workflow.abstract import SUB_TRANSFORMATIONS, Job, Workflow
from roost.workflow.profiles import Profiles

KIB_PER_MIB = 1024
MIXED = "pegasus::seqexec"  # as Pegasus calls what runs tasks of several transformations one after another
_LARGEST = ("request_cpus", "request_memory", "request_disk", "request_gpus", "My.pegasus_cores")


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """What many jobs ask for alike: one submit description."""

    transformation: str
    universe: str = "vanilla"
    commands: Mapping[str, str]  # of the submit description: requests, and condor profiles
    env: Mapping[str, str]
    retries: int
    category: str
    abort_dag_on: str
    priority: int | None  # None: by its level


def of_chores(transformation: str, *, retries: int, category: str, priority: int) -> Shape:
    """Of jobs that the access point does for a run, beside DAGMan."""
    return Shape(
        transformation=transformation,
        universe="local",
        commands={},
        env={},
        retries=retries,
        category=category,
        abort_dag_on="",
        priority=priority,
    )


def of_workflow(task: Job, *, retries: int) -> Shape:
    """Of a task that is a workflow itself: what DAGMan is, beside the one that started it."""
    dagman = task.profiles.dagman
    return Shape(
        transformation=task.transformation,
        universe="scheduler",
        commands={},
        env=task.profiles.env,
        retries=int(dagman.get("retry", retries)),
        category=dagman.get("category", "subwf"),
        abort_dag_on=dagman.get("abort-dag-on", ""),
        priority=int(dagman["priority"]) if "priority" in dagman else None,
    )


class Asked(NamedTuple):
    """What one task asks for."""

    shape: Shape
    runtime: str  # expected, seconds; "0" when nobody says
    pegasus: Mapping[str, str]  # its profiles of that namespace


class Shapes:
    """What a job asks for, by its task's transformation and profiles."""

    def __init__(self, workflow: Workflow, of_site: Profiles) -> None:
        self._transformations = workflow.transformations
        self._of_site = workflow.site_profiles.over(of_site)
        self._retries = workflow.retries
        self._known: dict[tuple[str, int], Asked] = {}
        self._shapes: dict[tuple[object, ...], Shape] = {}

    def of(self, task: Job) -> Asked:
        key = (task.transformation, id(task.profiles))
        if (known := self._known.get(key)) is None:
            known = self._known[key] = self._new(task)
        return known

    def all_asked(self) -> Iterable[Asked]:
        """Of the tasks that were looked at so far."""
        return self._known.values()

    def of_all(self, tasks: Iterable[Job], *, apart: bool = False) -> tuple[Shape, str]:
        """(shape, expected run time) of one job that runs them one after another; they are not `at_odds`.

        As in Pegasus it asks for what the largest of them asks for; those that run `apart`, each in a directory of its
        own, together need the disk that each of them says it needs.
        """
        all_asked = [self.of(task) for task in tasks]
        runtime = f"{sum([float(asked.runtime) for asked in all_asked]):.10g}"
        several = list({id(asked.shape): asked.shape for asked in all_asked}.values())
        shape = several[0] if len(several) == 1 else self._shared(_combined(several))
        disk_mib = sum([int(asked.pegasus.get("diskspace", "0")) for asked in all_asked]) if apart else 0
        if disk_mib * KIB_PER_MIB > int(shape.commands["request_disk"]):
            commands = {**shape.commands, "request_disk": str(disk_mib * KIB_PER_MIB)}
            shape = self._shared(replace(shape, commands=commands))
        return shape, runtime

    def _new(self, task: Job) -> Asked:
        if task.transformation in SUB_TRANSFORMATIONS:
            shape = of_workflow(task, retries=self._retries)
            return Asked(self._shared(shape), task.profiles.pegasus.get("runtime", "0"), {})
        # Pegasus' user guide, "Profile Conflict Resolution": transformation, then site, then abstract workflow.
        transformation = self._transformations[task.transformation]
        profiles = transformation.profiles.over(self._of_site).over(task.profiles)
        dagman = profiles.dagman
        commands = _commands(profiles)
        universe = "vanilla"
        if (container := transformation.container) and profiles.condor.get("universe") == "container":
            universe = "container"
            commands["container_image"] = f"../executables/{container.image}" if container.is_sent else container.image
            if container.image.startswith("/"):  # it is there; else HTCondor would look for it on the access point
                commands["transfer_container"] = "False"
            if container.mounts:
                raise UsageError(
                    f"{container.at}: HTCondor's container universe mounts nothing for a job: the container"
                    f" '{container.name}' cannot have mounts in it",
                    "leave out the condor profile `universe: container`, and Roost's own program starts the container",
                )
        shape = Shape(
            transformation=task.transformation,
            universe=universe,
            commands=commands,
            env=profiles.env,
            retries=int(dagman.get("retry", self._retries)),
            category=dagman.get("category", ""),
            abort_dag_on=dagman.get("abort-dag-on", ""),
            priority=int(dagman["priority"]) if "priority" in dagman else None,
        )
        return Asked(self._shared(shape), profiles.pegasus.get("runtime", "0"), profiles.pegasus)

    def _shared(self, shape: Shape) -> Shape:
        key = (
            *(shape.transformation, shape.universe, tuple(shape.commands.items()), tuple(shape.env.items())),
            *(shape.retries, shape.category, shape.abort_dag_on, shape.priority),
        )
        return self._shapes.setdefault(key, shape)


def at_odds(one: Shape, other: Shape) -> str:
    """What keeps two tasks out of one job, as the name of a profile; empty when nothing does.

    Of requests the largest holds for both, and each task has its own environment.
    """
    for key in {**one.commands, **other.commands}:
        texts = {shape.commands.get(key, "0") for shape in (one, other)}
        if len(texts) == 2 and not (key in _LARGEST and all(text.isdigit() for text in texts)):
            return f"condor: {key}"
    if one.category != other.category:
        return "dagman: category"
    return "dagman: abort-dag-on" if one.abort_dag_on != other.abort_dag_on else ""


def _combined(shapes: list[Shape]) -> Shape:
    commands = dict(shapes[0].commands)
    for shape in shapes[1:]:
        for key in _LARGEST:
            if key in shape.commands:
                commands[key] = max(commands.get(key, "0"), shape.commands[key], key=int)
    first = shapes[0].env
    names = {shape.transformation for shape in shapes}
    return Shape(
        transformation=names.pop() if len(names) == 1 else MIXED,
        universe=shapes[0].universe,
        commands=commands,
        env={key: text for key, text in first.items() if all(one.env.get(key) == text for one in shapes)},
        retries=max(shape.retries for shape in shapes),
        category=shapes[0].category,
        abort_dag_on=shapes[0].abort_dag_on,
        priority=max((one.priority for one in shapes if one.priority is not None), default=None),
    )


def _commands(profiles: Profiles) -> dict[str, str]:
    asked = profiles.pegasus
    commands = {
        "request_cpus": asked.get("cores", "1"),
        "request_memory": asked.get("memory", "256"),  # MiB
        "request_disk": str(int(asked.get("diskspace", "512")) * KIB_PER_MIB),  # KiB
    }
    if "gpus" in asked:
        commands["request_gpus"] = asked["gpus"]
    commands["My.pegasus_cores"] = asked.get("cores", "1")
    return {**commands, **{key: value for key, value in profiles.condor.items() if key != "universe"}}
