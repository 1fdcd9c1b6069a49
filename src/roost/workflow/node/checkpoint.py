"""What the tasks of a job go on from when the job is tried again: one file that travels both ways.

Part of the job wrapper (invoke.py), standard library only. The file is there at the first try as well, and empty then.
"""

import shutil
import sys
import tarfile  # takes as long to import as the rest of the wrapper: not where nobody needs it
from pathlib import Path
from typing import Any

from roost.workflow.node.sandbox import OUTPUTS

LAST = ".roost-whole"  # the last name in the file: without it, it was cut short on its way


def restore(asked: dict[str, Any], top: Path, work: Path, *, is_shared: bool) -> None:
    """What an earlier try has kept; else what the user gave for the first one.

    In a directory that jobs share, what a try has written lies there still, and is newer than both.
    """
    for lfn, first in asked["files"].items():
        (work / lfn).parent.mkdir(parents=True, exist_ok=True)
        if first and not (is_shared and (work / lfn).exists()):
            shutil.move(top / first, work / lfn)
    if is_shared:
        return
    kept = top / asked["file"]
    if kept.stat().st_size == 0:  # nobody has tried it
        return
    try:
        with tarfile.open(kept) as tar:
            members = tar.getmembers()
            if not members or members[-1].name != LAST:
                raise tarfile.ReadError("cut short")
            tar.extraction_filter = getattr(tarfile, "data_filter", None)  # as older Python has it
            tar.extractall(work, members[:-1])
    except tarfile.ReadError as error:
        print(f"roost: what the last try kept did not come home whole ({error}): begun anew", file=sys.stderr)


def keep(asked: dict[str, Any], top: Path, work: Path) -> None:
    """What the tasks wrote goes home, all of it; where that cannot be, what is there from before stays."""
    found = [lfn for lfn in asked["files"] if (work / lfn).exists()]
    if not found:
        return
    target = top / OUTPUTS / asked["file"]
    try:
        with tarfile.open(target, "w") as tar:
            for lfn in found:
                tar.add(work / lfn, arcname=lfn)
            tar.addfile(tarfile.TarInfo(LAST))
    except OSError as error:
        target.unlink()
        print(f"roost: what a next try would go on from cannot be kept: {error.strerror}", file=sys.stderr)
