"""shell (files): on an access point, before the job of a part: its file has been made, and it is planned once.

In: the part's submit directory with what it is planned from, and the file. Out: its submit directory, written; or an
exit code and sentences on standard output, the last of which begins with `roost: `.
"""

import os
import sys
from pathlib import Path, PurePosixPath

from roost.block_yaml import NotBlockStyle, parse_block_yaml
from roost.errors import RoostError
from roost.workflow.dag_parts import NOT_PLANNED
from roost.workflow.deferred import plan_deferred, sent_to
from roost.workflow.executable import ExecutableWorkflow
from roost.workflow.nesting import all_uploads
from roost.workflow.submit_dir import CONTEXT, RESULTS, write_all
from roost.yaml_lines import parse_yaml

PLANNED = "workflow.yml"  # what was planned: its presence says that the rest is there
_ROOT = PurePosixPath("/")


def main(directory: str, file: str) -> int:
    submit, described = Path(directory), Path(file)
    if (submit / PLANNED).exists():
        print(f"planned already: {submit}")
        return 0
    try:
        text = described.read_text(encoding="utf-8")
        context = (submit / CONTEXT).read_text(encoding="utf-8")
        executable = planned_again(context, text, described.name)
        _require_new_results(executable)
        _write(executable, context)
    except RoostError as error:
        print(f"{error.message}\nroost: {described.name} cannot be planned; {error.hint}")
        return NOT_PLANNED
    except (OSError, UnicodeDecodeError) as error:
        print(f"roost: {described.name} cannot be planned: {error}")
        return NOT_PLANNED
    for note in executable.notes:
        print(note)
    new = submit / f".{PLANNED}"
    new.write_text(text, encoding="utf-8")
    new.replace(submit / PLANNED)
    print(f"{described.name}: planned as {len(executable.jobs)} jobs")
    return 0


def planned_again(context: str, text: str, name: str) -> ExecutableWorkflow:
    """The plan of a part, from what was written down and its file's text."""
    try:
        return plan_deferred(context, parse_block_yaml(text, name))
    except NotBlockStyle:
        return plan_deferred(context, parse_yaml(text, name))


def _require_new_results(executable: ExecutableWorkflow) -> None:
    """Results of all workflows of a run lie together: each name is taken once, by whoever comes first."""
    taken = executable.paths.output.parent / RESULTS
    mine = "/".join(executable.around.path)
    for lfn, place in executable.results.items():
        if lfn in executable.around.wanted:
            continue  # known to be of this one
        claim = Path(taken) / place.name
        try:
            descriptor = os.open(claim, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        except FileExistsError:
            other = claim.read_text()
            if other != mine:
                raise RoostError(
                    f"the result '{lfn}' is made by {other or 'the workflow around it'} too, and results of all"
                    " workflows of a run lie together",
                    "give it another name",
                ) from None
            continue
        with os.fdopen(descriptor, "w") as made:
            made.write(mine)


def _write(executable: ExecutableWorkflow, context: str) -> None:
    write_all(executable, Path(_ROOT), _ROOT)
    there = sent_to(context)
    for upload in all_uploads(executable):
        target = Path(upload.remote)
        target.unlink(missing_ok=True)
        os.link(there[str(upload.local)], target)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
