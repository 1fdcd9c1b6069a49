#!/usr/bin/env python3
"""check.py RESULTS [TRUTH]: is this the sky of truth.json? Compares mosaics, corrections and picture with it.

    examples/montage/check.py runs/NAME/output

Prints a line a question; fails when one is answered no.
"""

from __future__ import annotations

import json
import math
import runpy
import statistics
import struct
import sys
import zlib
from array import array
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
BANDS = ("i", "r", "g")
BLOCK = 2880
CELL = 20  # pixels: the sky is compared as medians of such squares, in which noise is 1/16 of a pixel's
APERTURE = 6  # pixels: a star's light is within, at this seeing
BRIGHT = 5000.0  # a star's flux, to be measured
# What is wanted. Noise is 2 a pixel, the backgrounds differ by 50.
OFFSET, SEAM, PLACE, FLUX = 0.3, 2.5, 0.1, 0.02  # counts, counts, pixels, share

Check = tuple[bool, str]


def checks(results: Path, truth: dict[str, Any]) -> Iterator[Check]:
    for band in BANDS:
        yield from _band(results, truth, band)
    yield _picture(results / "mosaic.png", truth)


def _band(results: Path, truth: dict[str, Any], band: str) -> Iterator[Check]:
    width, mosaic = fits(results / f"mosaic-{band}.fits")
    asked = truth["mosaic"]["width"]
    yield width == asked and len(mosaic) == asked * asked, f"{band}: the mosaic is {width} pixels wide, of {asked}"
    if width != asked or len(mosaic) != asked * asked:
        return
    worst = offsets(truth, results, band)
    yield worst <= OFFSET, f"{band}: each tile's background is found again within {worst:.3f} counts (at most {OFFSET})"
    sky = runpy.run_path(str(HERE / "tools" / "observe"))
    wanted = sky["sky"](truth, band, truth["mosaic"])
    rest = cells(width, [one - other for one, other in zip(mosaic, wanted, strict=True)])
    level = statistics.median(rest)
    seam = max(abs(one - level) for one in rest)
    covered = len(rest) * CELL * CELL / (width * width)
    yield seam <= SEAM, f"{band}: without its stars the sky is flat within {seam:.2f} counts (at most {SEAM})"
    yield covered >= 0.7, f"{band}: {covered:.0%} of the mosaic is covered (at least 70%)"
    yield from _stars(truth, band, mosaic, sky["pixel"])


def offsets(truth: dict[str, Any], results: Path, band: str) -> float:
    """Counts: how much the corrected backgrounds of the tiles differ."""
    table = runpy.run_path(str(HERE / "tools" / "collect-fits"))["table"]
    tiles = {row["cntr"]: Path(row["fname"]).stem for row in table(results / f"{band}-images.tbl")}
    corrections = {tiles[row["id"]]: float(row["c"]) for row in table(results / f"{band}-corrections.tbl")}
    true = {f"p-{band}-{name}": tile["background"][band] for name, tile in truth["tiles"].items()}
    if set(corrections) != set(true):
        return math.inf
    left = [level - corrections[name] for name, level in true.items()]
    return float(max(abs(one - statistics.mean(left)) for one in left))


def cells(width: int, image: list[float]) -> list[float]:
    """The medians of the squares that are covered whole."""
    found = []
    for top in range(0, width - CELL + 1, CELL):
        for left in range(0, width - CELL + 1, CELL):
            cell = [one for y in range(top, top + CELL) for one in image[y * width + left : y * width + left + CELL]]
            if not any(map(math.isnan, cell)):
                found.append(statistics.median(cell))
    return found


def _stars(truth: dict[str, Any], band: str, mosaic: array[float], pixel: Any) -> Iterator[Check]:
    """Bright ones that stand alone: where they are, and how bright."""
    frame = truth["mosaic"]
    places = [pixel(frame, one["ra"], one["dec"]) for one in (*truth["stars"], *truth["galaxies"])]
    away, wrong = [], []
    for number, star in enumerate(truth["stars"]):
        x, y = places[number]
        alone = all(math.dist(places[number], one) > 4 * APERTURE for at, one in enumerate(places) if at != number)
        if star["flux"][band] < BRIGHT or not alone:
            continue
        measured = aperture(frame["width"], mosaic, x, y)
        if measured is not None:
            away.append(math.dist(measured[:2], (x, y)))
            wrong.append(abs(measured[2] / star["flux"][band] - 1))
    many = len(away)
    yield many >= 3, f"{band}: {many} bright stars stand alone (at least 3)"
    if many:
        yield max(away) <= PLACE, f"{band}: they are where they belong within {max(away):.3f} pixels (at most {PLACE})"
        yield (
            max(wrong) <= FLUX,
            f"{band}: they are as bright as wanted within {max(wrong):.2%} (at most {FLUX:.0%})",
        )


def aperture(width: int, image: array[float], x: float, y: float) -> tuple[float, float, float] | None:
    """Centre and flux of what is around a place, over the sky about it; None at the edge."""
    inner, ring = [], []
    reach = 2 * APERTURE
    for row in range(math.floor(y) - reach, math.ceil(y) + reach + 1):
        for column in range(math.floor(x) - reach, math.ceil(x) + reach + 1):
            if not (0 <= row < width and 0 <= column < width) or math.isnan(image[row * width + column]):
                return None
            away = math.dist((x, y), (column, row))
            if away <= APERTURE:
                inner.append((column, row, image[row * width + column]))
            elif APERTURE + 2 < away <= reach:
                ring.append(image[row * width + column])
    sky = statistics.median(ring)
    flux = sum(value - sky for _, _, value in inner)
    at_x = sum(column * (value - sky) for column, _, value in inner) / flux
    at_y = sum(row * (value - sky) for _, row, value in inner) / flux
    return at_x, at_y, flux


def _picture(path: Path, truth: dict[str, Any]) -> Check:
    """The brightest stars are among the brightest places of the PNG."""
    width, height, brightness = png(path.read_bytes())
    shrink = truth["mosaic"]["width"] / width
    pixel = runpy.run_path(str(HERE / "tools" / "observe"))["pixel"]
    typical = statistics.median(brightness)
    seen = 0
    brightest = sorted(truth["stars"], key=lambda star: -float(star["flux"]["r"]))[:10]
    for star in brightest:
        x, y = (round((at + 0.5) / shrink - 0.5) for at in pixel(truth["mosaic"], star["ra"], star["dec"]))
        around = [(x + dx, height - 1 - y + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
        light = max(brightness[row * width + column] for column, row in around)
        seen += light > typical + 255
    return seen == len(
        brightest
    ), f"the picture, {width} x {height}, shows {seen} of the {len(brightest)} brightest stars"


def fits(path: Path) -> tuple[int, array[float]]:
    """Width, and the pixels row by row."""
    raw = path.read_bytes()
    cards: dict[str, str] = {}
    at = 0
    while "END" not in cards:
        card = raw[at : at + 80].decode("ascii")
        cards[card[:8].strip()] = card[10:].split("/")[0].strip()
        at += 80
    start = -(-at // BLOCK) * BLOCK
    width, height = int(cards["NAXIS1"]), int(cards["NAXIS2"])
    numbers: array[float] = array({"-32": "f", "-64": "d"}[cards["BITPIX"]])
    numbers.frombytes(raw[start : start + width * height * abs(int(cards["BITPIX"])) // 8])
    if sys.byteorder == "little":
        numbers.byteswap()
    return width, numbers


def png(raw: bytes) -> tuple[int, int, list[int]]:
    """Width, height, and red + green + blue of each pixel from the top (PNG specification: 8 bits, no interlace)."""
    width, height, depth, kind = struct.unpack(">IIBB", raw[16:26])
    samples = {2: 3, 6: 4}[kind]
    if depth != 8:
        raise ValueError(f"{depth} bits a sample")
    packed, at = b"", 8
    while at < len(raw):
        (size,) = struct.unpack(">I", raw[at : at + 4])
        packed += raw[at + 8 : at + 8 + size] if raw[at + 4 : at + 8] == b"IDAT" else b""
        at += size + 12
    lines, stride = zlib.decompress(packed), width * samples
    above, found = bytearray(stride), []
    for row in range(height):
        how = lines[row * (stride + 1)]
        line = bytearray(lines[row * (stride + 1) + 1 : (row + 1) * (stride + 1)])
        for n in range(stride):
            left, up = line[n - samples] if n >= samples else 0, above[n]
            corner = above[n - samples] if n >= samples else 0
            line[n] = (line[n] + (0, left, up, (left + up) // 2, _nearest(left, up, corner))[how]) & 255
        found += [sum(line[n : n + 3]) for n in range(0, stride, samples)]
        above = line
    return width, height, found


def _nearest(left: int, up: int, corner: int) -> int:
    """PNG's Paeth predictor."""
    guess = left + up - corner
    return min((left, up, corner), key=lambda one: abs(guess - one))


def main() -> int:
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    truth = Path(sys.argv[2]) if len(sys.argv) == 3 else HERE / "truth.json"
    verdict = 0
    for is_so, sentence in checks(Path(sys.argv[1]), json.loads(truth.read_text())):
        print("yes " if is_so else "NO  ", sentence)
        verdict |= not is_so
    return verdict


if __name__ == "__main__":
    sys.exit(main())
