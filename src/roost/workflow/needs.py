"""pure: what an abstract workflow needs from catalogs: transformations by name, inputs that nobody makes.

In: parsed YAML, right or wrong; `roost catalogs lint` says what is wrong with it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from roost.workflow.catalog_entries import tables

_CLUSTERINGS = {
    "label": frozenset({"label"}),
    "horizontal": frozenset({"clusters.size", "clusters.num", "clusters.maxruntime"}),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TransformationName:
    name: str
    namespace: str = ""
    version: str = ""

    @property
    def table(self) -> dict[str, str]:
        """As the keys of a catalog's entry."""
        parts = (("namespace", self.namespace), ("name", self.name), ("version", self.version))
        return {key: value for key, value in parts if value}

    def __str__(self) -> str:
        """
        >>> str(TransformationName(namespace="ns", name="sort", version="1.0"))
        'ns::sort:1.0'
        """
        before = f"{self.namespace}::" if self.namespace else ""
        return f"{before}{self.name}" + (f":{self.version}" if self.version else "")


@dataclass(frozen=True, kw_only=True, slots=True)
class Needs:
    transformations: tuple[TransformationName, ...] = ()
    inputs: tuple[str, ...] = ()


def needs(workflow: Any) -> Needs:
    """
    >>> job = {"name": "wc", "uses": [{"lfn": "a", "type": "input"}, {"lfn": "b", "type": "output"}]}
    >>> needs({"jobs": [job]})
    Needs(transformations=(TransformationName(name='wc', namespace='', version=''),), inputs=('a',))
    """
    jobs = list(tables(workflow.get("jobs") if isinstance(workflow, dict) else None))
    used: dict[str, None] = {}
    made: set[str] = set()
    for job in jobs:
        for use in tables(job.get("uses")):
            if use.get("type") == "input":
                used[str(use.get("lfn"))] = None
            else:
                made.add(str(use.get("lfn")))
        if job.get("stdin"):
            used[str(job["stdin"])] = None
        made |= {str(job[stream]) for stream in ("stdout", "stderr") if job.get(stream)}
    return Needs(
        transformations=tuple(dict.fromkeys(_name(job) for job in jobs if job.get("name"))),
        inputs=tuple(lfn for lfn in used if lfn not in made),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Outline:
    """A workflow of which somebody else judges the rest."""

    name: str
    tasks: int
    clusterings: tuple[str, ...]  # that its profiles ask for


def outline(workflow: Any, more_profiles: Iterable[Any] = ()) -> Outline:
    """`more_profiles`: those of its transformations and sites.

    >>> outline({"name": "w", "jobs": [{"profiles": {"pegasus": {"label": "a"}}}]})
    Outline(name='w', tasks=1, clusterings=('label',))
    """
    jobs = list(tables(workflow.get("jobs") if isinstance(workflow, dict) else None))
    keys: set[str] = set()
    for profiles in (*(job.get("profiles") for job in jobs), *more_profiles):
        below = profiles.get("pegasus") if isinstance(profiles, dict) else None
        keys |= {str(key) for key in below} if isinstance(below, dict) else set()
    name = workflow.get("name") if isinstance(workflow, dict) else None
    return Outline(name=str(name or "workflow"), tasks=len(jobs), clusterings=clusterings(keys))


def clusterings(keys: set[str]) -> tuple[str, ...]:
    """The clusterings that pegasus profiles of these names ask for; pegasus-plan does none of itself.

    >>> clusterings({"memory", "clusters.size"}), clusterings({"label"}), clusterings({"cores"})
    (('horizontal',), ('label',), ())
    """
    return tuple(name for name, asking in _CLUSTERINGS.items() if asking & keys)


def named(names: Iterable[str]) -> Needs:
    """Transformations of these names, of no namespace."""
    return Needs(transformations=tuple(TransformationName(name=name) for name in dict.fromkeys(names)))


def _name(job: dict[str, Any]) -> TransformationName:
    namespace, version = str(job.get("namespace") or ""), str(job.get("version") or "")
    return TransformationName(name=str(job["name"]), namespace=namespace, version=version)
