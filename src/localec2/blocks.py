"""shell (files): the blocks of snapshots that clients write one by one; each block is a file."""

import shutil
from pathlib import Path

BLOCK_BYTES = 512 * 1024  # "the size of a block within a snapshot is 524288 bytes" (EBS User Guide, direct APIs)


class Blocks:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def put(self, snapshot_id: str, index: int, data: bytes) -> None:
        place = self._directory / snapshot_id
        place.mkdir(parents=True, exist_ok=True)
        new = place / f".{index}"
        new.write_bytes(data)
        new.replace(place / str(index))

    def get(self, snapshot_id: str, index: int) -> bytes | None:
        try:
            return (self._directory / snapshot_id / str(index)).read_bytes()
        except FileNotFoundError:
            return None

    def indexes(self, snapshot_id: str) -> list[int]:
        """In order."""
        place = self._directory / snapshot_id
        return sorted(int(each.name) for each in place.iterdir() if each.name.isdigit()) if place.is_dir() else []

    def forget(self, snapshot_id: str) -> None:
        shutil.rmtree(self._directory / snapshot_id, ignore_errors=True)
