"""pure: pegasus.properties of Pegasus 2 to 4 -> the lines of one for Pegasus 5, and the catalogs that it names.

Names as in Pegasus' user guide, "Configuration", and in `Pegasus.api.properties`.
"""

import difflib
import fnmatch
import re
from collections.abc import Iterator
from dataclasses import dataclass

from roost.workflow.old import profiles as profile
from roost.workflow.old.findings import Findings

CATALOGS = ("site", "transformation", "replica")
FILES = {"site": "sites.yml", "transformation": "transformations.yml", "replica": "replicas.yml"}
# What Pegasus 4 did when nothing was said; Pegasus 5 and a pool without a file system of its own do condorio.
_OLD_DEFAULT, _TODAY = "sharedfs", "condorio"

_RENAMED = {
    "pegasus.monitord.output": "pegasus.catalog.workflow.url",
    "pegasus.dashboard.output": "pegasus.catalog.master.url",
    "pegasus.cluster.job.aggregator": "pegasus.clusterer.job.aggregator",
    "pegasus.dir.create": "pegasus.dir.create.strategy",
}
_GONE = {
    "pegasus.catalog.*.rls.*": "the replica location service is no more",
    "pegasus.catalog.*.url": "the replica location service is no more",
    "pegasus.rls.*": "the replica location service is no more",
    "pegasus.rc.*": "the replica location service is no more",
    "pegasus.transfer.*.thirdparty*": "no third-party transfers are needed: HTCondor moves the files",
    "pegasus.catalog.db.*": "each catalog names its database: pegasus.catalog.replica.db.*",
    "pegasus.catalog.provenance*": "the provenance is in the workflow's database: pegasus.catalog.workflow.url",
    "pegasus.catalog.work*": "the work catalog is in the workflow's database: pegasus.catalog.workflow.url",
    "pegasus.file.cleanup.impl": "there is one cleanup tool",
    "pegasus.dir.create.impl": "there is one transfer tool",
    "pegasus.transfer.throttle.*": "HTCondor limits its transfers itself",
    "pegasus.transfer.mode.*": "symbolic links are pegasus.transfer.links now",
    "pegasus.transfer.refiner": "there is one way to add transfers",
    "pegasus.transfer.*.impl": "there is one transfer tool",
    "pegasus.transfer.force": "there is one transfer tool",
    "pegasus.transfer.single.quote": "there is one transfer tool",
    "pegasus.gridstart*": "there is one way to start a job",
    "pegasus.exitcode.*": "pegasus-exitcode looks at every job; pegasus::exitcode.failuremsg is a profile now",
    "pegasus.partition*": "large workflows are split by sub-workflows now",
    "pegasus.schema.*": "Pegasus 5 reads YAML",
    "pegasus.parser.*": "Pegasus 5 reads YAML",
    "pegasus.user.properties": "properties are in pegasus.properties beside the workflow, or named by --conf",
    "pegasus.properties": "properties are in pegasus.properties beside the workflow, or named by --conf",
    "pegasus.home*": "Pegasus knows where it is",
    "pegasus.condor.logs.symlink": "HTCondor's log is in the submit directory now",
    "pegasus.remote.scheduler.*": "jobs go to the pool itself, not to a batch system",
    "pegasus.auth.gridftp.*": "no grid proxy is needed on EC2",
    "pegasus.wings.*": "Wings is no longer connected to Pegasus",
    "pegasus.catalog.transformation.mapper": "a transformation is sent along when it is stageable",
    "pegasus.dir.storage": "results go where --output-dir says",
    "pegasus.execute.*.filesystem.local": "pegasus.data.configuration says this now",
    "pegasus.log.metrics.file": "the planner writes its metrics into the submit directory",
    "pegasus.job.priority*": "the planner gives priorities by itself",
    "vds.*": "the names of Pegasus' predecessor VDS are not read any more",
    "wrangler.*": "nothing reads it any more",
}
_KNOWN = (
    *("pegasus.mode", "pegasus.data.configuration", "pegasus.data.reuse.scope", "pegasus.metrics.app*"),
    *("pegasus.catalog.master.url", "pegasus.catalog.workflow.url", "pegasus.catalog.workflow.amqp.*"),
    *("pegasus.catalog.replica.db.*", "pegasus.catalog.replica.cache.asrc", "pegasus.catalog.replica.dax.asrc"),
    *("pegasus.catalog.replica.chunk.size", "pegasus.catalog.replica.output*", "pegasus.catalog.*.timeout"),
    *("pegasus.catalog.replica.directory*", "pegasus.catalog.replica.file.*", "pegasus.catalog.site.repo.*"),
    *("pegasus.clusterer.job.aggregator*", "pegasus.clusterer.label.key", "pegasus.clusterer.preference"),
    *("pegasus.clusterer.allow.single", "pegasus.code.generator", "pegasus.condor.arguments.quote"),
    *("pegasus.condor.concurrency.limits", "pegasus.condor.dag.checker.jobs", "pegasus.credential.encrypt"),
    *("pegasus.dir.create.strategy", "pegasus.dir.exec", "pegasus.dir.staging.mapper", "pegasus.dir.storage.deep"),
    *("pegasus.dir.storage.mapper*", "pegasus.dir.submit.*", "pegasus.dir.useTimestamp", "pegasus.estimator"),
    *("pegasus.file.cleanup.clusters.*", "pegasus.file.cleanup.constraint.*", "pegasus.file.cleanup.scope"),
    *("pegasus.file.cleanup.strategy", "pegasus.integrity.checking", "pegasus.log.*", "pegasus.monitord.*"),
    *("pegasus.register", "pegasus.register.deep", "pegasus.selector.*", "pegasus.transfer.arguments"),
    *("pegasus.transfer.bypass.input.staging", "pegasus.transfer.container.onhost", "pegasus.transfer.threads"),
    *("pegasus.transfer.disable.chmod*", "pegasus.transfer.links", "pegasus.transfer.lite.arguments"),
    *("pegasus.transfer.*.remote.sites", "pegasus.transfer.*.priority", "pegasus.transfer.staging.delimiter"),
    *("pegasus.transfer.setup.source.base.url", "pegasus.transfer.worker.package*", "pegasus.workflow.root.uuid"),
    *("pegasus.aws.*",),
)
_TYPING_ERROR = 0.9  # so like a known name that no other can be meant
_PROFILES = ("condor", "dagman", "env", "globus", "hints", "selector")
_SEPARATOR = re.compile(r"(?<!\\)\s*[=:]\s*|(?<!\\)\s+")
_CONFIGURATIONS = {
    **{"sharedfs": "sharedfs", "nonsharedfs": "nonsharedfs", "condorio": "condorio"},
    **{"condor": "condorio", "s3": "nonsharedfs"},  # their names in Pegasus 4.0
}
_KINDS = {  # of each catalog, those that are read from files today
    "site": ("xml", "xml2", "xml3", "xml4", "text", "yaml"),
    "transformation": ("file", "text", "singleread", "multipleread", "yaml"),
    "replica": ("file", "simplefile", "regex", "yaml"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    line: int
    key: str
    value: str


def entries(text: str) -> Iterator[Entry]:
    """
    >>> [(e.line, e.key, e.value) for e in entries("# c\\na.b = 1\\nc \\\\\\n  d\\n")]
    [(2, 'a.b', '1'), (3, 'c', 'd')]
    """
    held, first = "", 0
    for number, line in enumerate(text.splitlines(), start=1):
        if not held and (not line.strip() or line.lstrip()[0] in "#!"):
            continue
        first = first if held else number
        held += line.strip()
        if held.endswith("\\") and not held.endswith("\\\\"):
            held = held[:-1]
            continue
        words = _SEPARATOR.split(held, maxsplit=1)
        yield Entry(line=first, key=words[0], value=words[1].strip() if len(words) > 1 else "")
        held = ""


def named_files(text: str) -> Iterator[tuple[int, str]]:
    """(line, file) of the catalogs that the properties name; as they stand there."""
    for entry in entries(text):
        if entry.value and entry.key in {f"pegasus.catalog.{catalog}.file" for catalog in CATALOGS}:
            yield entry.line, entry.value


def read(text: str, findings: Findings, imported: frozenset[str]) -> tuple[str, ...]:
    """The lines of the new file. `imported` are the catalogs that are written, under the names in `FILES`."""
    of_profiles: dict[str, str] = {}
    lines: dict[str, str] = {}
    at: dict[str, str] = {}
    configuration = ""
    for entry in entries(text):
        if entry.key in at:
            findings.note(entry.line, f"'{entry.key}' is there twice: this one counts, not {at[entry.key]}")
        at[entry.key] = findings.at(entry.line)
        if entry.key == "pegasus.data.configuration":
            configuration = _configuration(findings, entry)
        elif entry.key == "pegasus.execute.*.filesystem.local" and entry.value.lower() == "true":
            findings.note(entry.line, f"'{entry.key}' is written as pegasus.data.configuration = nonsharedfs")
            configuration = configuration or "nonsharedfs"
        elif (catalog := entry.key.removeprefix("pegasus.catalog.").removesuffix(".file")) in CATALOGS:
            lines.update(_catalog(findings, entry, catalog, imported))
        elif entry.key.partition(".")[0] in _PROFILES or _is_profile(entry.key):
            of_profiles.update(_profile(findings, entry))
        else:
            lines.update(_line(findings, entry))
    if not configuration:
        said = f"no data configuration is named: {_TODAY} is written (Pegasus 4's default was {_OLD_DEFAULT})"
        findings.note(1, said)
        configuration = _TODAY
    every = {"pegasus.data.configuration": configuration, **lines, **of_profiles}
    return tuple(f"{key} = {value}" for key, value in every.items())


def _configuration(findings: Findings, entry: Entry) -> str:
    value = entry.value.lower()
    if not findings.choice(entry.line, "'pegasus.data.configuration'", value, _CONFIGURATIONS):
        return _TODAY
    if _CONFIGURATIONS[value] != value:
        findings.note(entry.line, f"the data configuration '{entry.value}' is called {_CONFIGURATIONS[value]} now")
    if value == "sharedfs":
        findings.note(entry.line, "sharedfs needs `shared:` in pool.yml; without one, condorio does the same work")
    return _CONFIGURATIONS[value]


def _catalog(findings: Findings, entry: Entry, catalog: str, imported: frozenset[str]) -> dict[str, str]:
    """The kind goes without saying: Pegasus 5 reads YAML. The file is the imported one."""
    name = f"pegasus.catalog.{catalog}"
    if entry.key == name and entry.value.lower() not in _KINDS[catalog]:
        if entry.value.lower() in ("jdbcrc", "directory"):
            return {entry.key: entry.value}
        findings.note(
            entry.line, f"the {catalog} catalog of the kind '{entry.value}' is left out: Pegasus 5 reads YAML"
        )
        return {}
    if catalog not in imported:
        return {}
    return {f"{name}.file": FILES[catalog]}


def _is_profile(key: str) -> bool:
    """A profile of the namespace pegasus, which properties may say for all jobs; `pegasus.` is in front of both."""
    return key.startswith("pegasus.") and key.removeprefix("pegasus.") in profile.PEGASUS_KEYS


def _profile(findings: Findings, entry: Entry) -> dict[str, str]:
    namespace, _, key = entry.key.partition(".")
    found: profile.Gathered = {}
    profile.add(found, findings, entry.line, namespace, key, entry.value)
    return {f"{space}.{name}": value for space, keys in found.items() for name, value in keys.items()}


def _line(findings: Findings, entry: Entry) -> dict[str, str]:
    if entry.key in _RENAMED:
        findings.note(entry.line, f"'{entry.key}' is called {_RENAMED[entry.key]} now")
        return {_RENAMED[entry.key]: entry.value}
    if any(fnmatch.fnmatchcase(entry.key, known) for known in _KNOWN):
        return {entry.key: entry.value}
    if why := next((why for gone, why in _GONE.items() if fnmatch.fnmatchcase(entry.key, gone)), ""):
        findings.note(entry.line, f"'{entry.key}' is left out: {why}")
        return {}
    if near := difflib.get_close_matches(entry.key, (*_KNOWN, *_RENAMED), n=1, cutoff=_TYPING_ERROR):
        findings.wrong(entry.line, f"unknown property '{entry.key}'; did you mean '{near[0]}'?")
        return {}
    findings.note(entry.line, f"'{entry.key}' is left out: Pegasus has no such property")
    return {}
