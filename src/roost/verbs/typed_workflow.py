"""shell (files): what was typed as WORKFLOW -> a workflow that can be read.

A script that uses Pegasus.api is run, and its workflow taken.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from roost.errors import RoostError, UsageError
from roost.verbs import not_a_workflow, run_directory
from roost.workflow.plan_options import Wanted

if TYPE_CHECKING:
    from roost.workflow.script import Taken


@dataclass(frozen=True, kw_only=True, slots=True)
class Typed:
    workflow: Path | None = None
    wanted: Wanted  # of its plan
    output_dir: Path | None = None  # where a script wants the results to be, besides runs/NAME/output

    def deliver(self, output: Path) -> Path | None:
        """Copy the results there. None where no place was named."""
        if self.output_dir is None:
            return None
        try:
            shutil.copytree(output, self.output_dir, dirs_exist_ok=True)
        except OSError as error:
            said = f"the results are in {output}, and could not be copied to {self.output_dir}: {error}"
            raise RoostError(said, f"cp -r {output}/. {self.output_dir}") from error
        return self.output_dir


def written(typed: Path, arguments: Sequence[str], wanted: Wanted, say: Callable[[str], None]) -> Typed:
    """The workflow's file, and what is `wanted` of its plan, by the command line or else by the script.

    Raises UsageError for one of an old Pegasus, and for a script that makes none.
    """
    from roost.workflow import script

    if not script.is_script(typed):
        not_a_workflow.refuse(typed)
        if arguments:
            raise UsageError(f"{typed} is no script: it takes no arguments", f"roost run {typed}")
        return Typed(workflow=typed, wanted=wanted)
    taken = script.take(typed, arguments)
    for note in taken.notes:
        say(note)
    both, said = wanted.over(replace(taken.wanted, reuse=tuple(_runs(taken, say))))
    for sentence in said:
        say(f"{taken.at}: {sentence}")
    return Typed(workflow=taken.workflow, wanted=both, output_dir=taken.output_dir)


def _runs(taken: "Taken", say: Callable[[str], None]) -> Iterator[str]:
    """The runs of Roost among the submit directories that a script wants to reuse."""
    for one in map(Path, taken.wanted.reuse):
        run = next((path for path in (one, one.parent) if run_directory.has_results(path)), None)
        if run is None:
            say(f"{taken.at}: reuse={one}: that is no run of Roost which has made something; nothing of it is reused")
        else:
            yield str(run)
