"""pure: (what is known of a pool, what a workflow needs) -> its catalogs.

The site of the execution points is Pegasus' user guide, "Deployment Scenarios", condorpool, in today's form of the
tutorial's `ec2`: HTCondor's vanilla universe, HTCondor's own file transfer (condorio), no directory of its own. With a
shared file system it has a scratch directory there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from roost.workflow.catalog_entries import Catalogs, Entry
from roost.workflow.catalogs import LOCAL
from roost.workflow.needs import Needs, TransformationName

KICKSTART = "pegasus-kickstart"
_ARCHITECTURES = {"x86_64": "x86_64", "arm64": "aarch64"}  # EC2's word: Pegasus'


@dataclass(frozen=True, kw_only=True, slots=True)
class SlotFacts:
    """What the collector says of a pool that is up."""

    instances: int
    cores: int  # of the largest instance
    memory_mib: int


@dataclass(frozen=True, kw_only=True, slots=True)
class PoolFacts:
    name: str
    home: PurePosixPath  # of runs, on the access point
    architecture: str = "x86_64"  # EC2's word
    requirements: str = ""  # which machines jobs may run on, where the pool has others too
    pegasus_home: str = ""  # on the image
    shared_at: str = ""  # the directory that all instances see
    slots: SlotFacts | None = None
    programs: Mapping[str, str] = field(default_factory=dict)  # on the image: name -> absolute path


@dataclass(frozen=True, kw_only=True, slots=True)
class Beside:
    """What lies beside the workflow: absolute paths here, by transformation and by lfn."""

    programs: Mapping[TransformationName, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)


def pool_catalogs(facts: PoolFacts, needs: Needs, beside: Beside, sites: tuple[str, ...] = ()) -> Catalogs:
    """`sites`: what the user calls the pool (default: ec2)."""
    names = sites or ("ec2",)
    return Catalogs(
        sites={LOCAL: _local(facts), **{name: _pool(name, facts) for name in names}},
        transformations=dict(_transformations(facts, needs, beside, names)),
        replicas={
            lfn: {"lfn": lfn, "pfns": [{"site": LOCAL, "pfn": file_url(beside.inputs[lfn])}]}
            for lfn in needs.inputs
            if lfn in beside.inputs
        },
        properties=properties(facts),
        note=_note(facts),
    )


def properties(facts: PoolFacts) -> dict[str, str]:
    found = {
        "pegasus.catalog.site.file": "sites.yml",
        "pegasus.catalog.transformation.file": "transformations.yml",
        "pegasus.catalog.replica.file": "replicas.yml",
        "pegasus.data.configuration": data_configuration(facts),
    }
    if facts.pegasus_home:  # else 18 MB travel with every job
        found["pegasus.transfer.worker.package"] = "false"
    return found


def data_configuration(facts: PoolFacts) -> str:
    """Without a shared directory HTCondor moves the files. On one, jobs run in it where Pegasus' programs are on the
    image; where they are not, PegasusLite brings them, and takes the files from there.

    >>> data_configuration(PoolFacts(name="a", home=PurePosixPath("/r"), shared_at="/shared"))
    'nonsharedfs'
    """
    if not facts.shared_at:
        return "condorio"
    return "sharedfs" if facts.pegasus_home else "nonsharedfs"


def file_url(path: str) -> str:
    """
    >>> file_url("/data/50% of a.txt")
    'file:///data/50%25 of a.txt'
    """
    return "file://" + path.replace("%", "%25").replace("#", "%23").replace("?", "%3F")


def pegasus_home(kickstart: str) -> str:
    """
    >>> pegasus_home("/opt/pegasus/bin/pegasus-kickstart"), pegasus_home("")
    ('/opt/pegasus', '')
    """
    return str(PurePosixPath(kickstart).parents[1]) if kickstart else ""


def _pool(name: str, facts: PoolFacts) -> Entry:
    condor: dict[str, Any] = {"universe": "vanilla"}
    if facts.requirements:
        condor["requirements"] = facts.requirements
    profiles: dict[str, Any] = {"pegasus": {"style": "condor"}, "condor": condor}
    directories = []
    if facts.shared_at:
        scratch = PurePosixPath(facts.shared_at) / "pegasus"
        directories = [_directory("sharedScratch", scratch, shared=True)]
        # the access point mounts it too: what a local job copies there is there
        profiles["pegasus"]["auxillary.local"] = "true"
    if facts.pegasus_home:
        profiles["env"] = {"PEGASUS_HOME": facts.pegasus_home}
    return {
        "name": name,
        "arch": _ARCHITECTURES.get(facts.architecture, facts.architecture),
        "os.type": "linux",
        "directories": directories,
        "profiles": profiles,
    }


def _note(facts: PoolFacts) -> str:
    """
    >>> slots = SlotFacts(instances=2, cores=4, memory_mib=7800)
    >>> _note(PoolFacts(name="galaxy", home=PurePosixPath("/r"), slots=slots))
    'The pool galaxy: 2 instances, of up to 4 cores and 7800 MiB.'
    """
    if facts.slots is None:
        return f"The pool {facts.name}, before it is up."
    of = facts.slots
    return f"The pool {facts.name}: {of.instances} instances, of up to {of.cores} cores and {of.memory_mib} MiB."


def _local(facts: PoolFacts) -> Entry:
    """The access point: where transfers, and the planner, run."""
    return {
        "name": LOCAL,
        "arch": _ARCHITECTURES.get(facts.architecture, facts.architecture),
        "os.type": "linux",
        "directories": [
            _directory("sharedScratch", facts.home / "scratch"),
            _directory("localStorage", facts.home / "output"),
        ],
    }


def _directory(kind: str, path: PurePosixPath, *, shared: bool = False) -> dict[str, Any]:
    return {
        "type": kind,
        "path": str(path),
        "sharedFileSystem": shared,
        "fileServers": [{"url": f"file://{path}", "operation": "all"}],
    }


def _transformations(facts: PoolFacts, needs: Needs, beside: Beside, names: tuple[str, ...]) -> list[tuple[str, Entry]]:
    """Those that are on the image; else those that lie beside the workflow and are sent along."""
    system = {"arch": _ARCHITECTURES.get(facts.architecture, facts.architecture), "os.type": "linux"}
    found: list[tuple[str, Entry]] = []
    for one in needs.transformations:
        if one.name in facts.programs:
            pfn = facts.programs[one.name]
            places = [{"name": name, "pfn": pfn, "type": "installed", **system} for name in names]
        elif one in beside.programs:
            places = [{"name": LOCAL, "pfn": file_url(beside.programs[one]), "type": "stageable", **system}]
        else:
            continue
        found.append((str(one), {**one.table, "sites": places}))
    return found
