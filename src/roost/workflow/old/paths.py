"""pure: paths in old catalogs, said so that they are right wherever the new catalog lies."""

from pathlib import PurePath


def absolute(pfn: str, directory: PurePath) -> str:
    """A relative path begins where the old file is; URLs, absolute paths and those with variables are as they were.

    >>> absolute("input/f.a", PurePath("/p")), absolute("file:///f.a", PurePath("/p")), absolute("/f.a", PurePath("/p"))
    ('/p/input/f.a', 'file:///f.a', '/f.a')
    """
    if "://" in pfn or pfn.startswith(("/", "file:", "$")):
        return pfn
    return str(directory / pfn)
