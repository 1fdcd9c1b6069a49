"""shell (files): a raw disk image of this machine, as the blocks that EBS snapshots are made of.

In: a file, mostly holes. Out: which 512 KiB blocks hold something, each with its checksum. The file is read once to
know it and once to send it: a block that changed in between is refused by its checksum.
"""

import base64
import errno
import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from roost.errors import NotFoundError, UsageError

BLOCK_BYTES = 512 * 1024  # EBS User Guide, "EBS direct APIs concepts"
_GIB = 2**30
_LARGEST_GIB = 65536
_ZEROS = bytes(BLOCK_BYTES)
# What a file begins with that is a disk in another form.
_OTHER_FORMS = {b"QFI\xfb": "qcow2", b"KDMV": "vmdk", b"vhdxfile": "vhdx", b"conectix": "vpc"}
_COMPRESSED = {b"\x1f\x8b": "gunzip", b"\x28\xb5\x2f\xfd": "unzstd", b"\xfd7zXZ": "unxz"}
_BOOT_SIGNATURE = b"\x55\xaa"  # of an MBR, which a GPT has too; at the end of the first 512 bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Disk:
    path: Path
    volume_gib: int
    digests: Mapping[int, bytes]  # of each block that holds something: SHA-256
    is_partitioned: bool

    @property
    def digest(self) -> str:
        """Of all that is on it: the same disk is the same image."""
        words = (f"{index} {digest.hex()}\n".encode() for index, digest in sorted(self.digests.items()))
        return hashlib.sha256(b"".join((f"{self.volume_gib}\n".encode(), *words))).hexdigest()[:16]

    @property
    def used_mib(self) -> int:
        return len(self.digests) * BLOCK_BYTES // 2**20

    @property
    def checksum(self) -> str:
        """Of the blocks' checksums in order, as CompleteSnapshot has it (aggregation method LINEAR)."""
        return encoded(hashlib.sha256(b"".join(digest for _, digest in sorted(self.digests.items()))).digest())


def encoded(digest: bytes) -> str:
    """As the headers of the EBS direct APIs have it.

    >>> encoded(hashlib.sha256(b"").digest())
    '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    return base64.b64encode(digest).decode()


def measure(path: Path) -> Disk:
    """Raises NotFoundError, UsageError where it is no raw disk."""
    if not path.is_file():
        raise NotFoundError(f"there is no file {path}", "name a raw disk image")
    size = path.stat().st_size
    with path.open("rb") as file:
        first = file.read(512)
        _require_raw(path, first, size)
        digests = {}
        for index in _maybe_used(file.fileno(), size):
            data = _block(file.fileno(), index)
            if data != _ZEROS:
                digests[index] = hashlib.sha256(data).digest()
    return Disk(
        path=path, volume_gib=-(-size // _GIB), digests=digests, is_partitioned=first[510:512] == _BOOT_SIGNATURE
    )


def block(path: Path, index: int) -> bytes:
    """Its bytes; beyond the end of the file zeros."""
    with path.open("rb") as file:
        return _block(file.fileno(), index)


def _maybe_used(descriptor: int, size: int) -> Iterator[int]:
    """Blocks outside of the file's holes, in order (lseek(2), SEEK_DATA)."""
    at, done = 0, -1
    while at < size:
        try:
            begins = os.lseek(descriptor, at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole up to the end
                return
            raise
        ends = os.lseek(descriptor, begins, os.SEEK_HOLE)
        for index in range(max(done + 1, begins // BLOCK_BYTES), -(-ends // BLOCK_BYTES)):
            yield index
            done = index
        at = ends


def _block(descriptor: int, index: int) -> bytes:
    return os.pread(descriptor, BLOCK_BYTES, index * BLOCK_BYTES).ljust(BLOCK_BYTES, b"\0")


def _require_raw(path: Path, first: bytes, size: int) -> None:
    if not 0 < size <= _LARGEST_GIB * _GIB:
        raise UsageError(f"{path} has {size} bytes; a volume has 1 byte to {_LARGEST_GIB} GiB", "name a raw disk image")
    for magic, form in _OTHER_FORMS.items():
        if first.startswith(magic):
            raise UsageError(
                f"{path} is a disk in the form {form}, not a raw one",
                f"qemu-img convert -f {form} -O raw {path} {path.with_suffix('.raw')}",
            )
    for magic, tool in _COMPRESSED.items():
        if first.startswith(magic):
            raise UsageError(f"{path} is compressed", f"{tool} --keep {path}")
