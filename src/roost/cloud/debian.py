"""shell (HTTPS, Debian's archive): the version of a package that an installation would get today."""

import lzma
import urllib.request
from collections.abc import Iterator

_ARCHIVE = "http://deb.debian.org/debian"  # its index is compared with nothing here, and nothing of it is installed
_CHUNK_BYTES = 1 << 18


def version(package: str, suite: str) -> str | None:
    """None where the archive does not have it, or cannot be asked. Reads the index as far as needed."""
    url = f"{_ARCHIVE}/dists/{suite}/main/binary-amd64/Packages.xz"
    try:
        return _version(_lines(url), package)
    except (OSError, lzma.LZMAError):
        return None


def _version(lines: Iterator[str], package: str) -> str | None:
    """
    >>> _version(iter(["Package: a", "Version: 1", "", "Package: condor", "Version: 23.9.6-1"]), "condor")
    '23.9.6-1'
    """
    for line in lines:
        if line == f"Package: {package}":
            return next((each.removeprefix("Version: ") for each in lines if each.startswith("Version: ")), None)
    return None


def _lines(url: str) -> Iterator[str]:
    unpacked = lzma.LZMADecompressor()
    rest = b""
    with urllib.request.urlopen(url, timeout=20) as answer:
        while chunk := answer.read(_CHUNK_BYTES):
            *lines, rest = (rest + unpacked.decompress(chunk)).split(b"\n")
            yield from (line.decode(errors="replace") for line in lines)
