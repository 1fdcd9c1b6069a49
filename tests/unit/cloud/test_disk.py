"""A raw disk as blocks: holes and zeros are left out, the rest is there once."""

import hashlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roost.cloud.disk import BLOCK_BYTES, block, measure
from roost.errors import UsageError


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 8 * BLOCK_BYTES), st.binary(min_size=1, max_size=5000)), max_size=6),
    st.integers(1, 10 * BLOCK_BYTES),
)
def test_every_byte_is_in_a_block(tmp_path: Path, written: list[tuple[int, bytes]], size: int) -> None:
    path = tmp_path / "disk"
    with path.open("wb") as file:
        file.truncate(size)
        for at, data in written:
            file.seek(at)
            file.write(data)
    whole = path.read_bytes()
    if not whole.startswith((b"QFI", b"KDMV", b"\x1f\x8b", b"\x28\xb5", b"\xfd7z", b"vhdx", b"conec")):
        found = measure(path)
        padded = whole + bytes(-len(whole) % BLOCK_BYTES)
        cut = {at // BLOCK_BYTES: padded[at : at + BLOCK_BYTES] for at in range(0, len(padded), BLOCK_BYTES)}
        holding = {index: data for index, data in cut.items() if any(data)}
        assert found.digests == {index: hashlib.sha256(data).digest() for index, data in holding.items()}
        assert all(block(path, index) == data for index, data in holding.items())
        assert found.volume_gib == 1


def test_another_disk_has_another_digest(tmp_path: Path) -> None:
    disks = []
    for name, data in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        (tmp_path / name).write_bytes(data)
        disks.append(measure(tmp_path / name))
    assert disks[0].digest == disks[1].digest != disks[2].digest
    assert disks[0].checksum != disks[2].checksum


def test_a_partition_table_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(b"\0" * 510 + b"\x55\xaa" + b"\0" * 1000)
    assert measure(path).is_partitioned


@pytest.mark.parametrize(("begins", "said"), [(b"QFI\xfb", "qcow2"), (b"\x1f\x8b", "compressed"), (b"", "0 bytes")])
def test_no_raw_disk(tmp_path: Path, begins: bytes, said: str) -> None:
    (tmp_path / "disk").write_bytes(begins)
    with pytest.raises(UsageError, match=said):
        measure(tmp_path / "disk")
