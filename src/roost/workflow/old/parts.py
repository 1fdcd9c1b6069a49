"""pure: what an old project consists of, whatever format said it: the values from which Pegasus 5 YAML is written.

Strings are as the old files have them; `at` is a line of the file that they came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

Profiles = Mapping[str, Mapping[str, str]]  # namespace: key: value
NameParts = tuple[str, str, str]  # namespace, name, version; what is not given is empty


@dataclass(frozen=True, kw_only=True, slots=True)
class System:
    """What kind of machine; in the words of Pegasus 5."""

    arch: str = ""
    os: str = ""
    release: str = ""
    version: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Replica:
    lfn: str
    places: tuple[tuple[str, str], ...]  # (site, physical file name)
    metadata: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    is_regex: bool = False
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where a transformation is."""

    site: str
    pfn: str
    is_installed: bool
    system: System = System()
    container: str = ""
    profiles: Profiles = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Hook:
    """A command to call when something happens: `on` in the words of Pegasus 5."""

    on: str
    command: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Transformation:
    name: NameParts
    places: tuple[Place, ...] = ()
    requires: tuple[NameParts, ...] = ()
    profiles: Profiles = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Container:
    name: str
    kind: str
    image: str
    image_site: str = ""
    mounts: tuple[str, ...] = ()
    profiles: Profiles = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FileServer:
    url: str
    operation: str = "all"
    profiles: Profiles = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Directory:
    kind: str  # sharedScratch | sharedStorage | localScratch | localStorage
    path: str
    servers: tuple[FileServer, ...]
    free_size: str = ""
    total_size: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Grid:
    kind: str
    contact: str
    scheduler: str
    job_type: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    name: str
    system: System = System()
    directories: tuple[Directory, ...] = ()
    grids: tuple[Grid, ...] = ()
    profiles: Profiles = field(default_factory=dict)
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    lfn: str
    link: str  # input | output | inout | checkpoint
    stage_out: bool = True
    register: bool = True
    is_optional: bool = False
    size: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """A job, or a workflow inside of the workflow (then `file` is its logical file name)."""

    id: str
    kind: str = "job"  # job | pegasusWorkflow | condorWorkflow
    name: NameParts = ("", "", "")
    file: str = ""
    label: str = ""
    arguments: tuple[str, ...] = ()
    streams: Mapping[str, str] = field(default_factory=dict)  # stdin | stdout | stderr: logical file name
    uses: tuple[Use, ...] = ()
    executables: tuple[NameParts, ...] = ()  # other executables that it is said to use
    profiles: Profiles = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()
    at: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AbstractWorkflow:
    name: str
    jobs: tuple[Job, ...]
    children: Mapping[str, tuple[str, ...]]  # parent's id: children's ids
    replicas: tuple[Replica, ...] = ()
    transformations: tuple[Transformation, ...] = ()
    data_of: Mapping[NameParts, tuple[str, ...]] = field(default_factory=dict)  # files that a transformation needs
    metadata: Mapping[str, str] = field(default_factory=dict)
    hooks: tuple[Hook, ...] = ()


def name_text(name: NameParts) -> str:
    """As catalogs and jobs say it.

    >>> name_text(("diamond", "findrange", "2.0")), name_text(("", "sort", ""))
    ('diamond::findrange:2.0', 'sort')
    """
    namespace, word, version = name
    return (f"{namespace}::" if namespace else "") + word + (f":{version}" if version else "")
