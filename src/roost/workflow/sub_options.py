"""pure: the arguments of a task that is a workflow: options of pegasus-plan -> how it is wanted to be planned."""

import re
from collections.abc import Sequence

from roost.errors import UsageError
from roost.workflow.abstract import SubOptions
from roost.workflow.clustering import wanted
from roost.workflow.plan_options import CLEANUP, ELSEWHERE, NO_CLEANUP, cleanup, of_properties, parser, that_count

_ELSEWHERE = {
    **ELSEWHERE,
    "dir": "the submit directory is a part of the run's",
    "output_dir": "results are in the run's output/",
    "conf": "the properties are those of the whole workflow",
    "reuse": "say it with roost run --reuse RUN",
    "output_map": "files go where the workflow around it takes them from, and to the run's output/",
}
_BASENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def sub_options(argv: Sequence[str]) -> tuple[SubOptions, tuple[str, ...]]:
    """(options of a sub-workflow, what cannot be made of the arguments of its job, in sentences).

    >>> sub_options(["--output-sites", "local", "--cleanup", "inplace", "--force"])[0]
    SubOptions(basename='', force=True, cleanup='inplace', cluster=None, notes=())
    >>> sub_options(["--bananas"])[1]
    ("'--bananas' is no option of pegasus-plan",)
    """
    try:
        found, unknown = parser().parse_known_args(that_count(argv))
    except ValueError as error:
        return SubOptions(), (f"the options of pegasus-plan are not understood: {error}",)
    extra = [*unknown, *([found.workflow] if found.workflow else [])]
    wrong = [f"'{word}' is no option of pegasus-plan" for word in extra]
    if found.cleanup and not found.nocleanup and cleanup(found) is None:
        wrong.append(f"--cleanup cannot be '{found.cleanup}': {', '.join((*NO_CLEANUP, *CLEANUP))}")
    if found.basename and not _BASENAME.fullmatch(found.basename):
        wrong.append(f"--basename cannot be '{found.basename}': letters, digits, '.', '_' and '-' only")
    try:
        wanted(found.cluster or "")
    except UsageError as error:
        wrong.append(error.message)
    given = {option: getattr(found, option) for option in _ELSEWHERE}
    notes = [f"{option}={given[option]}: {said}" for option, said in _ELSEWHERE.items() if said and given[option]]
    notes += of_properties(argv)
    options = SubOptions(
        basename=found.basename or "",
        force=found.force,
        cleanup=cleanup(found),
        cluster=found.cluster,
        notes=tuple(notes),
    )
    return options, tuple(wrong)
