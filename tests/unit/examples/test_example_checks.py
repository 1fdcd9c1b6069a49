"""The examples' checks say yes to what is right, and no to each thing that can be wrong."""

import gzip
import json
import runpy
import struct
import zlib
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[3] / "examples"
BANDS = ("i", "r", "g")


def program(*path: str) -> dict[str, Any]:
    return runpy.run_path(str(EXAMPLES.joinpath(*path)), run_name="read")


@dataclass(frozen=True)
class Mosaics:
    """What the workflow would bring back if it made no mistake and had no noise, and what it is a picture of."""

    truth: dict[str, Any]
    directory: Path

    @property
    def width(self) -> int:
        return int(self.truth["mosaic"]["width"])

    def image(self, band: str) -> Any:
        sky = program("montage", "tools", "observe")["sky"]
        return array("d", (50 + one for one in sky(self.truth, band, self.frame)))

    @property
    def frame(self) -> dict[str, Any]:
        return dict(self.truth["mosaic"])

    def write(self, band: str, image: Any) -> None:
        program("montage", "tools", "observe")["write_fits"](self.directory / f"mosaic-{band}.fits", image, self.frame)

    def write_corrections(self, band: str, wrong: float = 0.0) -> None:
        tiles = list(self.truth["tiles"])
        images = "".join(f" {number:>6} {f'p-{band}-{name}.fits':>20} \n" for number, name in enumerate(tiles))
        (self.directory / f"{band}-images.tbl").write_text(f"|{'cntr':>6}|{'fname':>20}|\n{images}")
        rows = ""
        for number, tile in enumerate(self.truth["tiles"].values()):
            rows += f" {number:>6} {tile['background'][band] - 50 + (wrong if number == 2 else 0):>14.5f} \n"
        (self.directory / f"{band}-corrections.tbl").write_text(f"|{'id':>6}|{'c':>14}|\n{rows}")

    def write_picture(self) -> None:
        bands = [self.image(band) for band in BANDS]
        lines = b""
        for row in reversed(range(self.width)):
            line = bytearray(b"\0")
            for column in range(self.width):
                line += bytes(int(min(255, max(0, band[row * self.width + column] - 50))) for band in bands)
            lines += line
        head = struct.pack(">IIBBBBB", self.width, self.width, 8, 2, 0, 0, 0)
        chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
        raw = b"".join(struct.pack(">I", len(body)) + kind + body + bytes(4) for kind, body in chunks)
        (self.directory / "mosaic.png").write_bytes(b"\x89PNG\r\n\x1a\n" + raw)

    def noes(self) -> list[str]:
        checks = program("montage", "check.py")["checks"](self.directory, self.truth)
        return [sentence for is_so, sentence in checks if not is_so]


@pytest.fixture
def mosaics(tmp_path: Path, pegasus_api: Any) -> Mosaics:
    assert pegasus_api.Workflow  # the script imports it
    script = program("montage", "workflow.py")
    found = Mosaics(script["truth"](script["Size"](tiles=2, pixels=200, stars=40, galaxies=2)), tmp_path)
    for band in BANDS:
        found.write(band, found.image(band))
        found.write_corrections(band)
    found.write_picture()
    return found


def test_right_mosaic_passes(mosaics: Mosaics) -> None:
    assert mosaics.noes() == []


def moved(_width: int, image: Any) -> Any:
    return array("d", [*image[1:], image[0]])


def stepped(width: int, image: Any) -> Any:
    """One tile's background was not taken away whole."""
    return array("d", (one + 5 * (at % width > width // 2) for at, one in enumerate(image)))


def dimmed(_width: int, image: Any) -> Any:
    return array("d", (50 + (one - 50) * 0.95 for one in image))


def holed(width: int, image: Any) -> Any:
    return array("d", (one if at % width > width // 2 else float("nan") for at, one in enumerate(image)))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (moved, "r: they are where they belong within 0.99"),
        (stepped, "r: without its stars the sky is flat within 5.0"),
        (dimmed, "r: they are as bright as wanted within 5.0"),
        (holed, "r: 4"),
    ],
)
def test_wrong_mosaic_fails(mosaics: Mosaics, damage: Callable[[int, Any], Any], sentence: str) -> None:
    mosaics.write("r", damage(mosaics.width, mosaics.image("r")))
    assert any(one.startswith(sentence) for one in mosaics.noes()), mosaics.noes()


def test_wrong_background_fails(mosaics: Mosaics) -> None:
    mosaics.write_corrections("g", wrong=4.0)
    assert mosaics.noes() == ["g: each tile's background is found again within 3.000 counts (at most 0.3)"]


def test_mosaic_of_another_size_fails(mosaics: Mosaics) -> None:
    mosaics.truth["mosaic"]["width"] += 1
    assert len(mosaics.noes()) >= len(BANDS)


def test_black_picture_fails(mosaics: Mosaics) -> None:
    raw = (mosaics.directory / "mosaic.png").read_bytes()
    at, size = raw.index(b"IDAT") - 4, struct.unpack(">I", raw[raw.index(b"IDAT") - 4 : raw.index(b"IDAT")])[0]
    black = zlib.compress(bytes(mosaics.width * (3 * mosaics.width + 1)))
    chunk = struct.pack(">I", len(black)) + b"IDAT" + black + bytes(4)
    (mosaics.directory / "mosaic.png").write_bytes(raw[:at] + chunk + raw[at + size + 12 :])
    assert mosaics.noes() == [f"the picture, {mosaics.width} x {mosaics.width}, shows 0 of the 10 brightest stars"]


CALLS = "##fileformat=VCFv4.2\n#CHROM\n" + "".join(f"chr1\t{place}\t.\tA\tC\t99\n" for place in range(95))
SAID = {"found": 95, "true": 100, "right": 95}


@pytest.mark.parametrize(
    ("calls", "counted", "said", "wrong"),
    [
        (CALLS, 95, SAID, 0),
        (CALLS + "chr2\t7\t.\tA\tC\t99\n", 95, SAID, 2),  # one more than was compared
        (CALLS.replace("\t99\n", "\t12\n"), 95, SAID, 1),
        (CALLS, 94, SAID, 1),
        (CALLS, 95, {**SAID, "right": 93}, 1),  # precision
        (CALLS, 95, {**SAID, "true": 120}, 1),  # recall
    ],
)
def test_variants(tmp_path: Path, calls: str, counted: int, said: dict[str, int], wrong: int) -> None:
    with gzip.open(tmp_path / "variants.vcf.gz", "wt") as target:
        target.write(calls)
    (tmp_path / "stats.txt").write_text(f"SN\t0\tnumber of samples:\t3\nSN\t0\tnumber of records:\t{counted}\n")
    (tmp_path / "accuracy.json").write_text(json.dumps(said))
    assert sum(not is_so for is_so, _ in program("variants", "check.py")["checks"](tmp_path)) == wrong


@pytest.mark.parametrize(("found", "is_so"), [("1 1000\n", True), ("1 999\n", False)])
def test_hello(tmp_path: Path, found: str, is_so: bool) -> None:
    (tmp_path / "range.txt").write_text(found)
    assert program("hello", "check.py")["check"](tmp_path)[0] is is_so
