"""pure: how a script wanted its workflow planned (the arguments of pegasus-plan) -> what Roost does about it.

Pegasus' manual page of pegasus-plan. What `roost run` has too is taken over, unless its own command line says something
else. What changes no result (how much is printed, whether what is there is planned again, where and under which names
job files are) goes without a word. All other options are told.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NoReturn

from roost.workflow.abstract import EXECUTION_SITES
from roost.workflow.catalogs import LOCAL

WORKFLOW = "workflow.yml"
PROPERTIES = "pegasus.properties"
_SITES = (*EXECUTION_SITES, LOCAL)

ELSEWHERE = {  # option: what takes its place
    "dir": "the submit directory is runs/NAME/submit",
    "relative_dir": "",
    "relative_submit_dir": "",
    "staging_site": "files go through the access point",
    "cache": "inputs are those of the replica catalog",
    "input_dir": "inputs are those of the replica catalog",
    "transformations_dir": "programs are those of the transformation catalog",
    "inherited_rc_files": "inputs are those of the replica catalog",
    "forward": "",
}
_FLAGS = ("--force-replan", "--submit", "-S", "--json", "--monitor", "--randomdir")
NO_CLEANUP = ("none", "leaf")  # the last directory goes with the access point
CLEANUP = ("inplace", "constraint")


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What can be asked of a plan, by a script as by the command line of `roost run`."""

    cluster: str | None = None  # None: nobody says
    reuse: tuple[str, ...] = ()  # runs
    force: bool = False
    cleanup: str | None = None  # none, inplace

    def over(self, script: "Wanted") -> tuple["Wanted", tuple[str, ...]]:
        """What is typed wins over what a script says; and what becomes of the script's, in words.

        >>> Wanted(cluster="none").over(Wanted(cluster="label", force=True))[1]
        ('force: taken over', 'cluster=label: not taken over, the command line says none')
        """
        forces = self.force or (script.force and not self.reuse)
        both = Wanted(
            cluster=script.cluster if self.cluster is None else self.cluster,
            reuse=self.reuse or script.reuse,
            force=forces,
            cleanup=script.cleanup if self.cleanup is None else self.cleanup,
        )
        asked = {
            f"cluster={script.cluster}": (script.cluster, both.cluster),
            f"reuse={','.join(script.reuse)}": (script.reuse, both.reuse),
            "force": (script.force, both.force),
            f"cleanup={script.cleanup}": (script.cleanup, both.cleanup),
        }
        taken = [word for word, (theirs, result) in asked.items() if theirs and theirs == result]
        said = [f"{', '.join(taken)}: taken over"] if taken else []
        for word, (theirs, result) in asked.items():
            if theirs and theirs != result:
                instead = "--reuse" if word == "force" else ",".join(result) if isinstance(result, tuple) else result
                said.append(f"{word}: not taken over, the command line says {instead}")
        return both, tuple(said)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    workflow: str  # as it was typed
    output_dir: str = ""  # where results are wanted
    wanted: Wanted = field(default_factory=Wanted)
    notes: tuple[str, ...]  # of what was asked for and is done in another way


def plan_options(argv: Sequence[str]) -> PlanOptions:
    """
    >>> found = plan_options(["--sites", "condorpool", "--output-sites", "local", "-C", "label", "--submit", "a.yml"])
    >>> found.workflow, found.wanted.cluster, found.notes
    ('a.yml', 'label', ())
    >>> plan_options(["--dir", "work"]).notes
    ('dir=work: the submit directory is runs/NAME/submit',)
    """
    try:
        found, unknown = parser().parse_known_args(that_count(argv))
    except ValueError as error:
        return PlanOptions(workflow=WORKFLOW, notes=(f"the options of pegasus-plan are not understood: {error}",))
    notes = [*_notes(found), *of_properties(argv)]
    notes += [f"{word}: not known" for word in unknown]
    wanted = Wanted(
        cluster=found.cluster,
        reuse=tuple(one for one in (found.reuse or "").split(",") if one),
        force=found.force,
        cleanup=cleanup(found),
    )
    return PlanOptions(
        workflow=found.dax or found.workflow or WORKFLOW,
        output_dir=found.output_dir or "",
        wanted=wanted,
        notes=tuple(notes),
    )


def cleanup(found: argparse.Namespace) -> str | None:
    """As `Wanted` has it; None too for what is no kind of it."""
    said = "none" if found.nocleanup else found.cleanup
    return "none" if said in NO_CLEANUP else "inplace" if said in CLEANUP else None


def of_properties(argv: Sequence[str]) -> list[str]:
    """What becomes of `-Dkey=value`, in words."""
    return [f"{word[2:]}: say it in {PROPERTIES}" for word in argv if word.startswith("-D")]


def that_count(argv: Sequence[str]) -> list[str]:
    """Without what stands alone and changes no result."""
    rest = [word for word in argv if not word.startswith(("-D", "-X", "-v", "-q", "--verbose", "--quiet"))]
    return [word for word in rest if word not in _FLAGS and not word.startswith("--randomdir=")]


def _notes(found: argparse.Namespace) -> Iterator[str]:
    for option, instead in ELSEWHERE.items():
        value = getattr(found, option)
        if value and instead:
            yield f"{option}={value}: {instead}"
    if found.cleanup == "constraint":
        yield "cleanup=constraint: files go as early as inplace has it, whatever room there is"
    elif found.cleanup and found.cleanup not in (*NO_CLEANUP, *CLEANUP):
        yield f"cleanup={found.cleanup}: not known"
    if found.conf and found.conf.rpartition("/")[2] != PROPERTIES:
        yield f"conf={found.conf}: properties are read from {PROPERTIES} beside the workflow"
    if found.sites and not set(found.sites.split(",")) <= set(_SITES):
        yield f"sites={found.sites}: jobs run on the pool, whose site is condorpool"
    if found.output_sites and found.output_sites != "local":
        yield f"output_sites={found.output_sites}: results come here (local)"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def parser() -> argparse.ArgumentParser:
    found = _Parser(add_help=False, allow_abbrev=False)
    found.add_argument("workflow", nargs="?")
    found.add_argument("-d", "--dax")
    found.add_argument("-C", "--cluster")
    found.add_argument("-c", "--cache")
    found.add_argument("-I", "--input-dir")
    found.add_argument("-O", "--output-dir")
    found.add_argument("-o", "--output-sites", "--output-site", "--output")
    found.add_argument("-s", "--sites")
    found.add_argument("-t", "--transformations-dir")
    found.add_argument("--staging-site", "--staging-sites")
    for option in ("--conf", "--dir", "--relative-dir", "--relative-submit-dir", "--inherited-rc-files", "--reuse"):
        found.add_argument(option)
    found.add_argument("--output-map")
    found.add_argument("--forward", action="append")
    found.add_argument("-b", "--basename")
    found.add_argument("-j", "--job-prefix")
    found.add_argument("--cleanup")
    found.add_argument("-n", "--nocleanup", action="store_true")
    found.add_argument("-f", "--force", action="store_true")
    return found
