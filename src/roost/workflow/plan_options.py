"""pure: how a script wanted its workflow planned (the arguments of pegasus-plan) -> what Roost does about it.

Pegasus' manual page of pegasus-plan. What changes no result (how much is printed, whether what is there
is planned again, where and under which names job files are) goes without a word.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NoReturn

from roost.workflow.abstract import EXECUTION_SITES
from roost.workflow.catalogs import LOCAL

WORKFLOW = "workflow.yml"
PROPERTIES = "pegasus.properties"
_SITES = (*EXECUTION_SITES, LOCAL)

_ELSEWHERE = {  # option: what takes its place
    "dir": "the submit directory is runs/NAME/submit",
    "relative_dir": "",
    "relative_submit_dir": "",
    "cluster": "say it again with roost run --cluster",
    "staging_site": "files go through the access point",
    "cache": "inputs are those of the replica catalog",
    "input_dir": "inputs are those of the replica catalog",
    "transformations_dir": "programs are those of the transformation catalog",
    "inherited_rc_files": "inputs are those of the replica catalog",
    "reuse": "say it again with roost run --reuse RUN",
    "forward": "",
}
_FLAGS = ("--force", "-f", "--force-replan", "--submit", "-S", "--json", "--monitor", "--randomdir", "--nocleanup")


@dataclass(frozen=True, kw_only=True, slots=True)
class PlanOptions:
    workflow: str  # as it was typed
    output_dir: str = ""  # where results are wanted
    notes: tuple[str, ...]  # of what was asked for and is done in another way


def plan_options(argv: Sequence[str]) -> PlanOptions:
    """
    >>> plan_options(["--sites", "condorpool", "--output-sites", "local", "-vv", "--submit", "flow.yml"])
    PlanOptions(workflow='flow.yml', output_dir='', notes=())
    >>> plan_options(["--dir", "work"]).notes
    ('dir=work: the submit directory is runs/NAME/submit',)
    """
    properties = [word for word in argv if word.startswith("-D")]
    rest = [word for word in argv if not word.startswith(("-D", "-X", "-v", "-q", "--verbose", "--quiet"))]
    rest = [word for word in rest if word not in _FLAGS and not word.startswith("--randomdir=")]
    try:
        found, unknown = _parser().parse_known_args(rest)
    except ValueError as error:
        return PlanOptions(workflow=WORKFLOW, notes=(f"the options of pegasus-plan are not understood: {error}",))
    notes = [*_notes(found), *(f"{word[2:]}: say it in {PROPERTIES}" for word in properties)]
    notes += [f"{word}: not known" for word in unknown]
    if {"--force", "-f"} & set(argv):
        notes.append("force: say it again with roost run --force")
    return PlanOptions(
        workflow=found.dax or found.workflow or WORKFLOW, output_dir=found.output_dir or "", notes=tuple(notes)
    )


def _notes(found: argparse.Namespace) -> Iterator[str]:
    for option, instead in _ELSEWHERE.items():
        value = getattr(found, option)
        if value and instead:
            yield f"{option}={value}: {instead}"
    if found.conf and found.conf.rpartition("/")[2] != PROPERTIES:
        yield f"conf={found.conf}: properties are read from {PROPERTIES} beside the workflow"
    if found.sites and not set(found.sites.split(",")) <= set(_SITES):
        yield f"sites={found.sites}: jobs run on the pool, whose site is condorpool"
    if found.output_sites and found.output_sites != "local":
        yield f"output_sites={found.output_sites}: results come here (local)"


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("workflow", nargs="?")
    parser.add_argument("-d", "--dax")
    parser.add_argument("-C", "--cluster")
    parser.add_argument("-c", "--cache")
    parser.add_argument("-I", "--input-dir")
    parser.add_argument("-O", "--output-dir")
    parser.add_argument("-o", "--output-sites", "--output-site", "--output")
    parser.add_argument("-s", "--sites")
    parser.add_argument("-t", "--transformations-dir")
    parser.add_argument("--staging-site")
    for option in ("--conf", "--dir", "--relative-dir", "--relative-submit-dir", "--inherited-rc-files", "--reuse"):
        parser.add_argument(option)
    parser.add_argument("--forward", action="append")
    parser.add_argument("-b", "--basename")
    parser.add_argument("-j", "--job-prefix")
    parser.add_argument("--cleanup")
    return parser
