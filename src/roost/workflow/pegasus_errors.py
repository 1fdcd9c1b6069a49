"""pure: what pegasus-plan says when it refuses a workflow -> an error that says what to do.

The patterns are texts of Pegasus 5.1.2, each met by bringing the mistake about. What none of them knows is told in
Pegasus' own words, without the names of Java classes.
"""

import re
from dataclasses import dataclass

from roost.errors import NotFoundError, RoostError, UsageError
from roost.workflow.pegasus import PROGRAM

OUT_OF_MEMORY = 4  # its exit code, where Java still could say so

_WRITE = "roost catalogs lint --planner pegasus says what is missing; roost catalogs write what is known"
_INSTALL = "`image: {packages: [%s]}` in pool.yml, and roost image bake"
# ` [2] some.java.SomeException: what it says at edu.isi.Class.method(File.java:99)`; the last is the cause
_CAUSE = re.compile(
    r"^ \[\d+\]:?(?: (?:[\w$]+\.)+[\w$]+(?:Exception|Error))?:? (.*?)(?: at (?:[\w$.]+/)?[\w$.]+\([\w.]+:\d+\) ?)?$",
    re.MULTILINE | re.DOTALL,
)
_SCHEMA = re.compile(r"Error \d+:\{(\$[^:]*): (.*?)\}(?=,Error \d+:|$)", re.DOTALL)
_FILES = {"sites": "sites.yml", "transformations": "transformations.yml", "replicas": "replicas.yml"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    said: str  # a pattern; its groups go into `means` and `hint`
    means: str
    hint: str
    error: type[RoostError] = UsageError


_KNOWN = (
    _Known(
        said=r"ERROR: java not found",
        means="pegasus-plan needs Java, and the access point has none",
        hint=_INSTALL % "default-jre-headless",
        error=NotFoundError,
    ),
    _Known(
        said=r"Pegasus requires the Python3 GitPython module",
        means="pegasus-plan needs Python's GitPython, and the access point has none",
        hint=_INSTALL % "python3-git",
        error=NotFoundError,
    ),
    _Known(
        said=r"Pegasus requires the Python3 YAML module",
        means="pegasus-plan needs Python's PyYAML, and the access point has none",
        hint=_INSTALL % "python3-yaml",
        error=NotFoundError,
    ),
    _Known(
        said=r"UnsupportedClassVersionError",
        means="the access point's Java is too old for this Pegasus",
        hint=_INSTALL % "default-jre-headless",
        error=NotFoundError,
    ),
    _Known(
        said=r"Unable to find path to condor_submit_dag",
        means="pegasus-plan finds no condor_submit_dag on the access point's PATH",
        hint="HTCondor has to be installed where Pegasus plans: `roost ssh`, then `command -v condor_submit_dag`",
        error=NotFoundError,
    ),
    _Known(
        said=r"OutOfMemoryError",
        means="pegasus-plan ran out of memory",
        hint="a larger `access_point_type` in pool.yml: Java gets a third of its memory",
        error=RoostError,
    ),
    _Known(
        said=r"database is locked",
        means="another pegasus-plan holds ~/.pegasus/workflow.db on the access point",
        hint="run it again",
        error=RoostError,
    ),
    _Known(
        said=r'no entries for the transformation "([^"]+)" in the TC for sites \[([^\]]*)\]',
        means="the transformation '{0}' is in no transformation catalog for the site {1}",
        hint=_WRITE,
    ),
    _Known(
        said=r"could not map the job (\S+) with id (\S+)\s+to any of the execution sites \[([^\]]*)\]",
        means="the transformation '{0}' of {1} is in the catalog, and not for the site {2} and its system",
        hint=_WRITE,
    ),
    _Known(
        said=r"Transformation selection operation for job +(\S+) for site (\S+) unsuccessful",
        means="what '{0}' requires is installed at {1}, while '{0}' itself is sent along; pegasus-plan cannot do that",
        hint="remove what is installed from its `requires`: it need not be sent",
    ),
    _Known(
        said=r"Can't determine a location to transfer input file for lfn (\S+) for job (\S+)",
        means="'{0}' is an input of {1}, made by no job and in no replica catalog",
        hint=_WRITE,
    ),
    _Known(
        said=r"Unable to select a Physical Filename \(PFN\) for file with logical filename \(LFN\) as (\S+) for"
        r" transfer to destination site \(([^)]*)\).*?amongst \[([^\]]*)\]",
        means="'{0}' is at {2}, where nothing that runs at {1} can get it",
        hint="a replica at the site local is sent; one that the machines see themselves is at the site of the pool",
    ),
    _Known(
        said=r"Execution site (\S+) not loaded into site store. Loaded sites are \[([^\]]*)\]",
        means="the site '{0}' is not in sites.yml, which has {1}",
        hint=_WRITE,
    ),
    _Known(
        said=r"The output site \[([^\]]*)\] not loaded from the site catalog",
        means="the site '{0}', where results are to go, is not in sites.yml",
        hint=_WRITE,
    ),
    _Known(
        said=r"No class found corresponding to style (\S+)",
        means="there is no style '{0}'",
        hint="a pool's site has `pegasus: {style: condor}`",
    ),
    _Known(
        said=r"Invalid value (\S+) specified for property (\S+)",
        means="pegasus.properties: '{1}' cannot be '{0}'",
        hint="`roost catalogs diff` shows what it is for this pool",
    ),
    _Known(
        said=r"No matching partitioner found for clustering technique (\S+)",
        means="there is no clustering '{0}'",
        hint="valid: horizontal, label, whole",
    ),
    _Known(
        said=r"No enum constant (?:[\w.]+\.)?(\w+)\.(\S+)",
        means="'{1}' is no {0}",
        hint="roost catalogs lint --planner pegasus says in which line",
    ),
    _Known(
        said=r"Illegal key (\S+) for element (\S+)",
        means="'{0}' is no key of {1}",
        hint="roost catalogs lint --planner pegasus says in which line",
    ),
    _Known(
        said=r"has cycles",
        means="the workflow's jobs wait for each other",
        hint="roost catalogs lint --planner pegasus names them",
    ),
    _Known(
        said=r"Unable to find job in DAX with ID (\S+) listed as a child for job with ID (\S+)",
        means="'{0}', a child of '{1}', is no job of the workflow",
        hint="roost catalogs lint --planner pegasus says in which line",
    ),
    _Known(
        said=r"Output file (\S+) found for job (\S+) has already been associated as output for a previous job (\S+)",
        means="'{0}' is made by two jobs: {2} and {1}",
        hint="give one of them another name",
    ),
    _Known(
        said=r"File does not exist or with read bit set to false (\S+)",
        means="{0} is not there, or cannot be read",
        hint="`pegasus.catalog.*` in pegasus.properties names the catalogs",
    ),
    _Known(
        said=r"Source directory for worker package does not exist|Unable to find worker package at",
        means="pegasus-plan finds no worker package to send along",
        hint="where the image has Pegasus: `pegasus.transfer.worker.package = false`, and PEGASUS_HOME at the site",
    ),
    _Known(
        said=r"Unable to create +directory (\S+)|Cannot write to existing directory (\S+)",
        means="the directory {0} cannot be written on the access point",
        hint="roost ssh, then ls -ld it",
        error=RoostError,
    ),
    _Known(
        said=r"Command failed with non zero exit status (\S*condor_submit_dag)",
        means="condor_submit_dag refused the DAG that pegasus-plan made: {said}",
        hint="`roost ssh`, then `systemctl status condor`",
        error=RoostError,
    ),
)


def refusal(said: str, exit_code: int) -> RoostError:
    """What pegasus-plan printed when it ended with `exit_code`, as the error that says what to do."""
    if not said.strip():
        said = "OutOfMemoryError" if exit_code == OUT_OF_MEMORY else f"nothing, and ended with exit code {exit_code}"
    if schema := _schema_mistakes(said):
        return UsageError("\n".join(schema), "roost catalogs lint --planner pegasus says in which line")
    for known in _KNOWN:
        if found := re.search(known.said, said, re.DOTALL):
            groups = [group for group in found.groups() if group is not None]
            means = known.means.format(*groups, said="; ".join(_complaints(said)))
            return known.error(means if PROGRAM in means else f"{PROGRAM}: {means}", known.hint)
    causes = _causes(said)
    words = causes[-1] if causes else " / ".join(line.strip() for line in said.splitlines() if line.strip())[-500:]
    return RoostError(f"pegasus-plan refused the workflow: {words}", "`roost catalogs lint --planner pegasus`")


def _schema_mistakes(said: str) -> list[str]:
    """
    >>> _schema_mistakes(" [1] x.ScannerException: Error 1:{$.sites[0].bogus: is not defined} at a.B(B.java:1)")
    ['sites.yml: sites[0].bogus is not defined']
    """
    if "ScannerException: Error 1:{" not in said:
        return []
    text = re.sub(r" at [\w$.]+\([\w.]+:\d+\).*", "", said[said.index("Error 1:{") :], flags=re.DOTALL)
    found = []
    for path, what in _SCHEMA.findall(text.strip()):
        place = path.removeprefix("$.")
        file = next((name for section, name in _FILES.items() if place.startswith(section)), "a catalog")
        found.append(f"{file}: {place} {what}")
    return found


def _causes(said: str) -> list[str]:
    """
    >>> _causes("x: [FATAL ERROR]  \\n [1] java.lang.RuntimeException: outer at a.b.C.d(C.java:1)\\n"
    ...         " [2] java.io.IOException: inner at a.b.C.d(C.java:2) \\n")
    ['outer', 'inner']
    """
    _, _, fatal = said.partition("[FATAL ERROR]")
    parts = re.split(r"\n(?= \[\d+\])", fatal)
    found = (_CAUSE.match(part.rstrip()) for part in parts[1:])
    return [" ".join(one[1].split()) for one in found if one]


def _complaints(said: str) -> list[str]:
    """What the programs that it called complained of; not what it asks out of curiosity (condor_version)."""
    return [words.strip() for words in re.findall(r"\[ERROR\] +(?! |IOException while)(.*)", said)]
