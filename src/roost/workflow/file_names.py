"""pure: what logical file names can be."""

import re

PLAIN = re.compile(r"(?!\.)[A-Za-z0-9._+@%:~-]+")  # nothing is wrong with such a name
# What would be cut in two by HTCondor's lists of files, by its submit language or by DAGMan's.
_NOT_IN_LFN = re.compile(r"[\x00-\x1f\x7f,;=\"'\\$*?]")


def wrong_lfn(lfn: str) -> str:
    """
    >>> wrong_lfn("a b/c.txt"), wrong_lfn("../x")
    ('', "the file name '../x' has to stay below the job's directory")
    """
    if found := _NOT_IN_LFN.search(lfn):
        return f"not supported yet: {found[0]!r} in the file name {lfn!r}"
    if lfn.startswith("/") or lfn.endswith("/") or any(part in ("", ".", "..") for part in lfn.split("/")):
        return f"the file name '{lfn}' has to stay below the job's directory"
    return ""
