"""What a stream leaves in a directory: whole files, and nothing outside."""

import io
import tarfile
from pathlib import Path

import pytest

from roost.errors import RoostError
from roost.pool.tar_stream import extract, inside, write

CONTENT = b"0123456789" * 5000


def _archive(*names: str, content: bytes = CONTENT) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), 1_000_000_000, 0o755
            tar.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def _directory_archive(name: str) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w|", format=tarfile.GNU_FORMAT) as tar:
        member = tarfile.TarInfo(name)
        member.type = tarfile.DIRTYPE
        tar.addfile(member)
    return stream.getvalue()


def _files(directory: Path) -> dict[str, bytes]:
    return {str(p.relative_to(directory)): p.read_bytes() for p in directory.rglob("*") if p.is_file()}


def test_there_and_back(tmp_path: Path) -> None:
    (tmp_path / "from").mkdir()
    (tmp_path / "from/a b").write_bytes(CONTENT)
    stream = io.BytesIO()
    write({"out": tmp_path / "from"}, stream)
    extract(io.BytesIO(stream.getvalue()), tmp_path / "to")
    assert _files(tmp_path / "to") == {"out/a b": CONTENT}


def test_mode_and_time(tmp_path: Path) -> None:
    extract(io.BytesIO(_archive("x/run")), tmp_path)
    state = (tmp_path / "x/run").stat()
    assert (state.st_mode & 0o777, state.st_mtime) == (0o755, 1_000_000_000)


@pytest.mark.parametrize("before", [None, b"the old one"])
def test_a_cut_stream_leaves_no_part_of_a_file(tmp_path: Path, before: bytes | None) -> None:
    if before is not None:
        (tmp_path / "b").write_bytes(before)
    whole = _archive("a", "b")
    with pytest.raises(tarfile.ReadError):
        extract(io.BytesIO(whole[: len(_archive("a")) - 10240 + len(CONTENT) // 2]), tmp_path)
    assert _files(tmp_path) == {"a": CONTENT, **({} if before is None else {"b": before})}


def test_a_link_with_the_name_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "outside").write_bytes(b"precious")
    (tmp_path / "in").mkdir()
    (tmp_path / "in/a").symlink_to(tmp_path / "outside")
    extract(io.BytesIO(_archive("a")), tmp_path / "in")
    assert (tmp_path / "outside").read_bytes() == b"precious"
    assert not (tmp_path / "in/a").is_symlink()
    assert _files(tmp_path / "in") == {"a": CONTENT}


@pytest.mark.parametrize("archive", [_archive("out/a"), _archive("out/x/a"), _directory_archive("out/x")])
@pytest.mark.parametrize("is_there", [True, False])
def test_a_linked_directory_is_not_followed_out(tmp_path: Path, archive: bytes, is_there: bool) -> None:
    (tmp_path / "in").mkdir()
    if is_there:
        (tmp_path / "outside").mkdir()
    (tmp_path / "in/out").symlink_to(tmp_path / "outside")
    with pytest.raises(RoostError, match="leads out of"):
        extract(io.BytesIO(archive), tmp_path / "in")
    assert _files(tmp_path / "outside") == {}


def test_a_link_that_stays_inside_is_fine(tmp_path: Path) -> None:
    (tmp_path / "in/real").mkdir(parents=True)
    (tmp_path / "in/out").symlink_to("real")
    (tmp_path / "link").symlink_to("in")  # the directory asked for may be a link itself
    extract(io.BytesIO(_archive("out/a")), tmp_path / "link")
    assert (tmp_path / "in/real/a").read_bytes() == CONTENT


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x"])
def test_names_that_lead_out(name: str) -> None:
    with pytest.raises(RoostError, match="outside of the directory"):
        inside(name)
