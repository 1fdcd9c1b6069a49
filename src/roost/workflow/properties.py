"""pure: the text of pegasus.properties -> what of it concerns Roost.

Pegasus' manual, "Configuration", and pegasus-plan's sources (Properties); what is made of each is said by the tables of
`treatments`. What has no effect is noted; what would change a result and cannot be had is a mistake, with its line.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from roost.workflow.mistakes import Mistakes
from roost.workflow.profiles import NAMESPACES, Profiles, judged
from roost.workflow.treatments import PEGASUS_PROFILES, PROFILES, PROPERTIES, How, names, of_property
from roost.yaml_lines import did_you_mean

CATALOGS = {  # section of a workflow: (file beside it, property that names another file)
    "replicaCatalog": ("replicas.yml", "pegasus.catalog.replica.file"),
    "transformationCatalog": ("transformations.yml", "pegasus.catalog.transformation.file"),
    "siteCatalog": ("sites.yml", "pegasus.catalog.site.file"),
}
CATALOG_FILES = tuple(named for _, named in CATALOGS.values())
# property: the values that say what Roost does anyway
_SAME = {
    "pegasus.catalog.replica": ("YAML",),
    "pegasus.catalog.transformation": ("YAML",),
    "pegasus.catalog.site": ("YAML",),
    "pegasus.code.generator": ("Condor",),
    "pegasus.clusterer.job.aggregator": ("seqexec",),
    "pegasus.clusterer.job.aggregator.seqexec.firstjobfail": ("true",),
    "pegasus.clusterer.allow.single": ("false",),
    "pegasus.integrity.checking": ("full", "nosymlink"),
    "pegasus.data.reuse.scope": ("full",),
    "pegasus.parser.dax.data.dependencies": ("true",),
}
_INSTEAD = {
    "pegasus.clusterer.job.aggregator": "a job's tasks run one after another (seqexec)",
    "pegasus.data.reuse.scope": "it is full; roost run --force makes everything",
}
DEFAULT_RETRIES = 1  # as pegasus.mode=production
_DATA, _LINKS = "pegasus.data.configuration", "pegasus.transfer.links"
LIMITS = {  # HTCondor's manual, "Configuration for DAGMan"
    "dagman.maxjobs": "DAGMAN_MAX_JOBS_SUBMITTED",
    "dagman.maxidle": "DAGMAN_MAX_JOBS_IDLE",
    "dagman.maxpre": "DAGMAN_MAX_PRE_SCRIPTS",
    "dagman.maxpost": "DAGMAN_MAX_POST_SCRIPTS",
}
_CATEGORY = re.compile(r"dagman\.([^.]+)\.maxjobs")


class Data(StrEnum):
    """Pegasus' data configurations: how a job's files get to it, and back."""

    CONDORIO = "condorio"  # HTCondor moves them, from the access point and back
    NONSHAREDFS = "nonsharedfs"  # the job takes them to a directory of its own, from one that all instances see
    SHAREDFS = "sharedfs"  # the job works in that directory


@dataclass(frozen=True, kw_only=True, slots=True)
class Properties:
    catalogs: Mapping[str, str] = field(default_factory=dict)  # property: file
    retries: int = DEFAULT_RETRIES
    label_key: str = "label"
    clusters_by_runtime: bool = False
    data: Data = Data.CONDORIO
    links_inputs: bool = False
    profiles: Profiles = field(default_factory=Profiles)  # of all tasks, where nothing else says something
    dagman: Mapping[str, str] = field(default_factory=dict)  # HTCondor's settings of the DAGMan of this run
    throttles: Mapping[str, int] = field(default_factory=dict)  # category: how many of its jobs at once


class Line(NamedTuple):
    number: int  # from 1
    key: str
    value: str


def property_lines(text: str) -> dict[str, Line]:
    """The lines of a Java properties file, as Pegasus' are written, by key; the last one of a key wins, as in Java.

    >>> property_lines("# a note\\npegasus.mode = development\\ndagman.retry: 2\\n")["dagman.retry"]
    Line(number=3, key='dagman.retry', value='2')
    """
    found = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and line.lstrip()[0] not in "#!":
            key, value = (*(word.strip() for word in re.split(r"[=:]", line, maxsplit=1)), "")[:2]
            found[key] = Line(number, key, value)
    return found


def read_properties(mistakes: Mistakes, text: str, source: str) -> Properties:
    """`source`: the name of the file, for sentences."""
    values = property_lines(text)

    def wrong(line: Line, said: str) -> None:
        mistakes.text(source, line.number, said)

    def number_of(line: Line) -> int | None:
        if line.value.isdigit():
            return int(line.value)
        wrong(line, f"'{line.key}' cannot be '{line.value}': it has to be a whole number")
        return None

    found: dict[str, dict[str, str]] = {namespace: {} for namespace in NAMESPACES}
    dagman: dict[str, str] = {}
    throttles: dict[str, int] = {}
    for line in values.values():
        if line.key in LIMITS:
            if (limit := number_of(line)) is not None:
                dagman[LIMITS[line.key]] = str(limit)
        elif category := _CATEGORY.fullmatch(line.key):
            if (limit := number_of(line)) is not None:
                throttles[category[1]] = limit
        elif line.key == "dagman.retry":
            number_of(line)
        elif line.key == _DATA:
            continue  # below
        elif line.key in _SAME:
            _require_same(line, wrong)
        elif (profile := _profile(line)) is not None:
            namespace, key = profile
            judgement = judged(namespace, key, line.value, label_key="label")
            if judgement.wrong:
                wrong(line, judgement.wrong)
            elif judgement.note:
                mistakes.note_text(source, line.number, judgement.note)
            elif namespace in found:
                found[namespace][key] = line.value
        elif (treatment := of_property(line.key)) is None:
            wrong(line, f"unknown property '{line.key}'{did_you_mean(line.key, names(PROPERTIES, How.HONOURED))}")
        elif treatment.how is How.REFUSED:
            wrong(line, treatment.sentence(f"the property '{line.key}'"))
        elif treatment.how is How.NO_EFFECT:
            mistakes.note_text(source, line.number, treatment.sentence(f"the property '{line.key}'"))

    def value_of(key: str, otherwise: str) -> str:
        return values[key].value if key in values else otherwise

    data = value_of(_DATA, Data.CONDORIO).lower()
    if data not in list(Data):
        said = f"'{_DATA}' cannot be '{values[_DATA].value}'{did_you_mean(data, list(Data))}"
        wrong(values[_DATA], said)
        data = Data.CONDORIO

    is_development = value_of("pegasus.mode", "production") in ("development", "debug")
    retries = value_of("dagman.retry", "0" if is_development else str(DEFAULT_RETRIES))
    return Properties(
        catalogs={key: values[key].value for key in CATALOG_FILES if key in values},
        retries=int(retries) if retries.isdigit() else DEFAULT_RETRIES,
        label_key=value_of("pegasus.clusterer.label.key", "label").lower(),
        clusters_by_runtime=value_of("pegasus.clusterer.preference", "").lower() == "runtime",
        data=Data(data),
        links_inputs=value_of(_LINKS, "").lower() == "true",
        profiles=Profiles(**found),
        dagman=dagman,
        throttles=throttles,
    )


def _profile(line: Line) -> tuple[str, str] | None:
    """Pegasus' user guide, "Profiles": a property `namespace.key` is a profile of everything.

    >>> _profile(Line(1, "condor.request_memory", "1")), _profile(Line(1, "pegasus.cores", "2"))
    (('condor', 'request_memory'), ('pegasus', 'cores'))
    >>> _profile(Line(1, "pegasus.dir.storage", "x")) is None
    True
    """
    namespace, _, key = line.key.partition(".")
    if not key or namespace not in PROFILES or (namespace == "pegasus" and key not in PEGASUS_PROFILES):
        return None
    return namespace, key if namespace == "env" else key.lower()


def _require_same(line: Line, wrong: Callable[[Line, str], None]) -> None:
    allowed = _SAME[line.key]
    if line.value.lower() in (one.lower() for one in allowed):
        return
    instead = _INSTEAD.get(line.key, f"it is {' or '.join(allowed)}")
    wrong(line, f"not supported yet: '{line.key}' cannot be '{line.value}'; {instead}")
