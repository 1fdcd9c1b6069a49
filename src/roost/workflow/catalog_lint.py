"""pure: what is wrong in a workflow's catalogs beyond their form: sites that do not exist, profiles in the wrong
namespace, files and executables that are not there, jobs that no slot is large enough for.

What `source.load` checks is not checked again: `roost catalogs lint` tells both.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote, urlsplit

from roost.workflow.abstract import EXECUTION_SITES
from roost.workflow.catalog_entries import Catalog
from roost.workflow.catalogs import LOCAL
from roost.workflow.image_check import merged_usr
from roost.workflow.mistakes import Mistakes
from roost.workflow.pool_catalogs import SlotFacts
from roost.workflow.treatments import DAGMAN_PROFILES, PEGASUS_PROFILES
from roost.yaml_lines import Document, Path, did_you_mean

# HTCondor's submit commands that people have put elsewhere; condor takes any key, so it has no list of its own.
_CONDOR_KEYS = (
    *("request_cpus", "request_memory", "request_disk", "request_gpus", "requirements", "rank", "universe"),
    *("concurrency_limits", "accounting_group", "accounting_group_user", "getenv", "periodic_hold", "periodic_remove"),
    *("periodic_release", "on_exit_hold", "on_exit_remove", "max_retries", "container_image", "docker_image"),
    *("stream_output", "stream_error", "notification", "notify_user", "transfer_input_files", "leave_in_queue"),
)
_KEYS = {
    "pegasus": frozenset(PEGASUS_PROFILES),
    "dagman": frozenset(DAGMAN_PROFILES),
    "condor": frozenset(_CONDOR_KEYS),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Checked:
    """A catalog, or the workflow: `value` at `path` of a document; relative paths in it start at `directory`."""

    catalog: Catalog | None  # None: the workflow
    document: Document
    path: Path
    value: Any
    directory: PurePath


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What there is."""

    is_file: Callable[[PurePath], bool]
    executables: frozenset[str] | None = None  # on the image; None: not known
    slots: SlotFacts | None = None  # of a pool that is up


def lint(mistakes: Mistakes, files: tuple[Checked, ...], world: World) -> None:
    """Notes in `mistakes` what is wrong; the caller finishes."""
    sites = {LOCAL, *EXECUTION_SITES}
    if world.executables is not None:
        world = replace(world, executables=frozenset(merged_usr(one) for one in world.executables))
    for file in files:
        if file.catalog is Catalog.SITES:
            sites |= {str(entry.get("name")) for _, entry in _entries(file, "sites")}
    for file in files:
        match file.catalog:
            case Catalog.SITES:
                entries = list(_entries(file, "sites"))
            case Catalog.TRANSFORMATIONS:
                entries = [*_entries(file, "transformations"), *_entries(file, "containers")]
                for path, entry in entries:
                    _transformation(mistakes, file, path, entry, sites, world)
            case Catalog.REPLICAS:
                entries = list(_entries(file, "replicas"))
                for path, entry in entries:
                    _replica(mistakes, file, path, entry, sites, world)
            case _:
                entries = [*_entries(file, "jobs"), (file.path, file.value if isinstance(file.value, dict) else {})]
                for path, entry in entries:
                    _job(mistakes, file, path, entry, sites, world.slots)
        for path, entry in entries:
            _profiles(mistakes, file.document, (*path, "profiles"), entry.get("profiles"))


def _entries(file: Checked, section: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    value = file.value.get(section) if isinstance(file.value, dict) else None
    yield from _tables((*file.path, section), value)


def _tables(path: Path, value: Any) -> Iterator[tuple[Path, dict[str, Any]]]:
    for number, entry in enumerate(value if isinstance(value, list) else []):
        if isinstance(entry, dict):
            yield (*path, number), entry


def _transformation(
    mistakes: Mistakes, file: Checked, path: Path, entry: Mapping[str, Any], sites: set[str], world: World
) -> None:
    for at, place in _tables((*path, "sites"), entry.get("sites")):
        _site(mistakes, file.document, (*at, "name"), place.get("name"), sites)
        _profiles(mistakes, file.document, (*at, "profiles"), place.get("profiles"))
        local = local_path(place.get("pfn"), file.directory)
        if local is None:
            continue
        is_here = place.get("type") == "stageable" and place.get("name") == LOCAL
        if is_here and not world.is_file(local):
            mistakes.add(file.document, (*at, "pfn"), f"the executable of '{entry.get('name')}' is not there: {local}")
        is_there = place.get("type") == "installed" and place.get("name") in EXECUTION_SITES
        if is_there and world.executables is not None and merged_usr(str(local)) not in world.executables:
            mistakes.add(file.document, (*at, "pfn"), f"{local} is not on the image")


def _replica(
    mistakes: Mistakes, file: Checked, path: Path, entry: Mapping[str, Any], sites: set[str], world: World
) -> None:
    for at, place in _tables((*path, "pfns"), entry.get("pfns")):
        _site(mistakes, file.document, (*at, "site"), place.get("site", LOCAL), sites)
        local = local_path(place.get("pfn"), file.directory)
        is_here = place.get("site", LOCAL) == LOCAL and not entry.get("regex")
        if is_here and local is not None and not world.is_file(local):
            mistakes.add(file.document, (*at, "pfn"), f"the file '{entry.get('lfn')}' is not there: {local}")


def _job(
    mistakes: Mistakes, file: Checked, path: Path, entry: Mapping[str, Any], sites: set[str], slots: SlotFacts | None
) -> None:
    profiles = entry.get("profiles")
    if not isinstance(profiles, dict):
        return
    for namespace, key in (("selector", "execution.site"), ("hints", "execution.site")):
        below = profiles.get(namespace)
        if isinstance(below, dict) and key in below:
            _site(mistakes, file.document, (*path, "profiles", namespace, key), below[key], sites)
    if slots is None:
        return
    asked = (
        ("pegasus", "cores", slots.cores, "cores"),
        ("condor", "request_cpus", slots.cores, "cores"),
        ("pegasus", "memory", slots.memory_mib, "MiB"),
        ("condor", "request_memory", slots.memory_mib, "MiB"),
    )
    for namespace, key, most, unit in asked:
        below = profiles.get(namespace)
        value = str(below.get(key)) if isinstance(below, dict) else ""
        if value.isdigit() and int(value) > most:
            said = f"asks for {value} {unit}, and the largest instance of the pool has {most}: it would never run"
            mistakes.add(file.document, (*path, "profiles", namespace, key), said)


def _site(mistakes: Mistakes, document: Document, path: Path, name: Any, sites: set[str]) -> None:
    if isinstance(name, str) and name not in sites:
        said = f"the site '{name}' is in no site catalog{did_you_mean(name, sorted(sites))}"
        mistakes.add(document, path, said)


def _profiles(mistakes: Mistakes, document: Document, path: Path, value: Any) -> None:
    """
    >>> from roost.yaml_lines import parse_yaml
    >>> document, mistakes = parse_yaml("profiles:\\n  pegasus: {retry: 3}\\n", "workflow.yml"), Mistakes()
    >>> _profiles(mistakes, document, ("profiles",), document.value["profiles"])
    >>> [said for _, _, said in mistakes.found]
    ["workflow.yml:2: 'retry' is a dagman profile, and here it is under 'pegasus'"]
    """
    for namespace, entries in value.items() if isinstance(value, dict) else ():
        for key in entries if isinstance(entries, dict) else ():
            if (meant := _meant(str(namespace), str(key))) is not None:
                said = f"'{key}' is a {meant} profile, and here it is under '{namespace}'"
                mistakes.add(document, (*path, str(namespace), str(key)), said)


def _meant(namespace: str, key: str) -> str | None:
    """The namespace that a key belongs to, where it is another one.

    >>> _meant("pegasus", "request_memory"), _meant("condor", "cores"), _meant("env", "memory")
    ('condor', 'pegasus', None)
    """
    if key in _KEYS.get(namespace, ()) or (namespace == "env" and "_" not in key and "." not in key):
        return None
    return next((one for one, keys in _KEYS.items() if one != namespace and key in keys), None)


def local_path(pfn: Any, directory: PurePath) -> PurePath | None:
    """The path that a physical file name means, where it is one of a file system.

    >>> str(local_path("file:///a%20b", PurePath("/x"))), str(local_path("in/f", PurePath("/x")))
    ('/a b', '/x/in/f')
    >>> local_path("https://example.org/f", PurePath("/x")) is None
    True
    """
    if not isinstance(pfn, str) or not pfn or "${" in pfn:
        return None
    scheme, _, rest = pfn.partition("://")
    if rest and scheme != "file":
        return None
    return directory / (unquote(urlsplit(pfn).path) if pfn.startswith("file:") else pfn)
