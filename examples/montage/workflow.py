#!/usr/bin/env python3
"""A mosaic of a sky that never was, as a Pegasus 5 workflow: writes workflow.yml, its catalogs and its inputs here.

The sky (stars, galaxies) and the exposures' pointings and backgrounds are drawn from a seed and written down in
truth.json: the first tasks observe it, the others are Montage's, and check.py compares the mosaic with it.

    python workflow.py --tiles 3 --pixels 300
"""

import argparse
import json
import math
import random
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from Pegasus.api import (
    OS,
    Arch,
    File,
    Job,
    ReplicaCatalog,
    Site,
    SiteCatalog,
    Transformation,
    TransformationCatalog,
    Workflow,
)

HERE = Path(__file__).resolve().parent
BANDS = ("i", "r", "g")  # shown as red, green and blue
CENTRE = (83.8, -5.4)  # degrees
DEGREES = 1 / 3600  # a pixel
OVERLAP = 0.2  # of a tile with the next
TURN = 4.0  # degrees: how far exposures are turned
NOISE, SEEING = 2.0, 1.4
# Seconds that a task takes, at most about: what is short is put together, where Roost or Pegasus are told to.
OURS = {"observe": 1, "collect-fits": 1}
MONTAGE = {
    **{"mProject": 3, "mProjectPP": 1, "mImgtbl": 1, "mOverlaps": 1, "mDiff": 1, "mFitplane": 1},
    **{"mBgModel": 1, "mBackground": 1, "mAdd": 2, "mShrink": 1, "mViewer": 1},
}


@dataclass(frozen=True)
class Size:
    tiles: int = 3  # along each side
    pixels: int = 300  # along each side of a tile
    stars: int = 150
    galaxies: int = 12
    seed: int = 7
    shrink: int = 2  # the picture, against the mosaic
    exact: int = 0  # 1: mProject, which is exact and ten times slower, instead of mProjectPP

    @property
    def step(self) -> float:
        """Pixels from tile to tile."""
        return self.pixels * (1 - OVERLAP)

    @property
    def width(self) -> int:
        """Pixels along each side of the mosaic; turned tiles stick out."""
        return math.ceil((self.tiles - 1) * self.step + self.pixels * 1.1)

    @property
    def names(self) -> list[str]:
        return [f"{row}-{column}" for row in range(self.tiles) for column in range(self.tiles)]


def truth(size: Size) -> dict[str, Any]:
    """All that the workflow is to find again."""
    drawn = random.Random(size.seed)
    square = {"width": size.width, "height": size.width}
    return {
        "seed": size.seed,
        "degrees": DEGREES,
        "noise": NOISE,
        "seeing": SEEING,
        "tile_pixels": size.pixels,
        "mosaic": {"ra": CENTRE[0], "dec": CENTRE[1], "rotation": 0.0, "degrees": DEGREES, **square},
        "tiles": {name: _exposure(size, name, drawn) for name in size.names},
        "stars": [_star(size, drawn) for _ in range(size.stars)],
        "galaxies": [_galaxy(size, drawn) for _ in range(size.galaxies)],
    }


def _exposure(size: Size, name: str, drawn: random.Random) -> dict[str, Any]:
    row, column = (int(word) - (size.tiles - 1) / 2 for word in name.split("-"))
    ra, dec = _sky(column * size.step + drawn.uniform(-5, 5), row * size.step + drawn.uniform(-5, 5))
    background = {band: round(drawn.gauss(300, 50), 3) for band in BANDS}
    return {"ra": ra, "dec": dec, "rotation": round(drawn.uniform(-TURN, TURN), 3), "background": background}


def _star(size: Size, drawn: random.Random) -> dict[str, Any]:
    ra, dec = _anywhere(size, drawn)
    return {"ra": ra, "dec": dec, "flux": _colours(1000 * drawn.paretovariate(0.8), drawn.gauss(0, 0.35))}


def _galaxy(size: Size, drawn: random.Random) -> dict[str, Any]:
    """A red core in a blue disc."""
    ra, dec = _anywhere(size, drawn)
    radius, flux = drawn.uniform(5, 14), drawn.uniform(2e4, 1.2e5)
    parts = [(0.25, 0.25, 0.5), (0.6, 0.35, 0.1), (1.0, 0.4, -0.35)]  # of the radius, of the flux, colour
    return {
        "ra": ra,
        "dec": dec,
        "angle": round(drawn.uniform(0, 180), 2),
        "ratio": round(drawn.uniform(0.3, 1), 3),
        "parts": [{"size": round(radius * part, 3), "flux": _colours(flux * share, red)} for part, share, red in parts],
    }


def _colours(flux: float, red: float) -> dict[str, float]:
    return {
        band: round(min(flux, 3e5) * 10 ** (red * tilt), 1) for band, tilt in zip(BANDS, (0.5, 0, -0.5), strict=True)
    }


def _anywhere(size: Size, drawn: random.Random) -> tuple[float, float]:
    """A place in the mosaic, not at its very edge."""
    reach = ((size.tiles - 1) * size.step + size.pixels * 0.85) / 2
    return _sky(drawn.uniform(-reach, reach), drawn.uniform(-reach, reach))


def _sky(x: float, y: float) -> tuple[float, float]:
    """Degrees, for pixels from the mosaic's centre; the gnomonic projection backwards."""
    east, north = math.radians(-x * DEGREES), math.radians(y * DEGREES)
    dec0 = math.radians(CENTRE[1])
    below = math.cos(dec0) - north * math.sin(dec0)
    ra = math.degrees(math.atan2(east, below)) + CENTRE[0]
    dec = math.degrees(math.atan2(math.sin(dec0) + north * math.cos(dec0), math.hypot(east, below)))
    return round(ra, 8), round(dec, 8)


def header(size: Size) -> str:
    """The mosaic's frame, as Montage's template."""
    cards: list[tuple[str, object]] = [("SIMPLE", "T"), ("BITPIX", -64), ("NAXIS", 2)]
    cards += [("NAXIS1", size.width), ("NAXIS2", size.width), ("CTYPE1", "'RA---TAN'"), ("CTYPE2", "'DEC--TAN'")]
    cards += [("EQUINOX", 2000), ("CRVAL1", CENTRE[0]), ("CRVAL2", CENTRE[1])]
    cards += [("CRPIX1", (size.width + 1) / 2), ("CRPIX2", (size.width + 1) / 2)]
    cards += [("CDELT1", f"{-DEGREES:.12f}"), ("CDELT2", f"{DEGREES:.12f}"), ("CROTA2", 0)]
    return "".join(f"{name:<8}= {value}\n" for name, value in cards) + "END\n"


def overlaps(size: Size) -> list[tuple[str, str]]:
    """Neighbours, corners too: known from the pointings, before anything is observed."""
    return [
        (one, other)
        for one, other in combinations(size.names, 2)
        if all(abs(int(a) - int(b)) <= 1 for a, b in zip(one.split("-"), other.split("-"), strict=True))
    ]


class Mosaic:
    """Adds the tasks to a workflow, in the order in which they will run."""

    def __init__(self, size: Size) -> None:
        self.size = size
        self.workflow = Workflow("montage")
        self.truth, self.region = File("truth.json"), File("region.hdr")

    def add(self, name: str, *arguments: object, inputs: list[File], outputs: list[File], final: bool = False) -> Job:
        job = Job(name, _id=f"ID{len(self.workflow.jobs) + 1:07d}").add_args(*arguments)
        job.add_inputs(*inputs).add_outputs(*outputs, stage_out=final, register_replica=False)
        self.workflow.add_jobs(job)
        return job

    def picture(self) -> Workflow:
        channels: list[object] = []
        small = [self.band(band) for band in BANDS]
        for colour, image in zip(("-red", "-green", "-blue"), small, strict=True):
            channels += [colour, image, "0s", "99.97%", "log"]
        png = File("mosaic.png")
        self.add("mViewer", *channels, "-out", png, inputs=small, outputs=[png], final=True)
        return self.workflow

    def band(self, band: str) -> File:
        """The chain of one filter, from exposures to its shrunken mosaic."""
        projected = {tile: self.project(band, tile) for tile in self.size.names}
        images = self.table(f"{band}-images.tbl", [image for image, _ in projected.values()], final=True)
        overlapping = File(f"{band}-overlaps.tbl")
        self.add("mOverlaps", images, overlapping, inputs=[images], outputs=[overlapping])
        fits = [self.fit(projected, one, other) for one, other in overlaps(self.size)]
        planes, corrections = File(f"{band}-planes.tbl"), File(f"{band}-corrections.tbl")
        known = [images, overlapping]
        self.add("collect-fits", *known, planes, *fits, inputs=[*known, *fits], outputs=[planes])
        model = ["-l", images, planes, corrections]
        self.add("mBgModel", *model, inputs=[images, planes], outputs=[corrections], final=True)
        flat = [self.flatten(image, area, images, corrections) for image, area in projected.values()]
        flat_images = self.table(f"{band}-flat.tbl", [image for image, _ in flat])
        mosaic, covered = File(f"mosaic-{band}.fits"), File(f"mosaic-{band}_area.fits")
        inputs = [flat_images, self.region, *(file for pair in flat for file in pair)]
        job = self.add("mAdd", "-e", flat_images, self.region, mosaic, inputs=inputs, outputs=[mosaic], final=True)
        job.add_outputs(covered, stage_out=False, register_replica=False)
        small = File(f"small-{band}.fits")
        self.add("mShrink", mosaic, small, self.size.shrink, inputs=[mosaic], outputs=[small])
        return small

    def project(self, band: str, tile: str) -> tuple[File, File]:
        """An exposure, and what it covers, on the mosaic's grid."""
        raw = File(f"{band}-{tile}.fits")
        self.add("observe", self.truth, band, tile, raw, inputs=[self.truth], outputs=[raw])
        image, area = File(f"p-{band}-{tile}.fits"), File(f"p-{band}-{tile}_area.fits")
        program = "mProject" if self.size.exact else "mProjectPP"
        self.add(program, raw, image, self.region, inputs=[raw, self.region], outputs=[image, area])
        return image, area

    def table(self, name: str, images: list[File], *, final: bool = False) -> File:
        table = File(name)
        self.add("mImgtbl", ".", table, inputs=images, outputs=[table], final=final)
        return table

    def fit(self, projected: dict[str, tuple[File, File]], one: str, other: str) -> File:
        """The plane that is between two overlapping exposures."""
        (plus, plus_area), (minus, minus_area) = projected[one], projected[other]
        pair = f"{plus.lfn.removesuffix('.fits')}--{minus.lfn.removesuffix('.fits')}"
        difference, plane = File(f"{pair}.fits"), File(f"fit-{pair}.txt")
        inputs = [plus, plus_area, minus, minus_area, self.region]
        self.add("mDiff", plus, minus, difference, self.region, inputs=inputs, outputs=[difference])
        fit = self.add("mFitplane", "-l", difference, inputs=[difference], outputs=[])
        fit.set_stdout(plane, stage_out=False, register_replica=False)
        return plane

    def flatten(self, image: File, area: File, images: File, corrections: File) -> tuple[File, File]:
        flat, flat_area = (File(one.lfn.replace("p-", "flat-", 1)) for one in (image, area))
        inputs, outputs = [image, area, images, corrections], [flat, flat_area]
        self.add("mBackground", "-t", image, flat, images, corrections, inputs=inputs, outputs=outputs)
        return flat, flat_area


def transformations() -> TransformationCatalog:
    """Relative to the catalog's own directory where that is this one."""
    tools = Path("tools") if Path.cwd() == HERE else HERE / "tools"
    platform = {"arch": Arch.X86_64, "os_type": OS.LINUX}
    python = Transformation("python3", site="condorpool", pfn="/usr/bin/python3", is_stageable=False, **platform)
    catalog = TransformationCatalog().add_transformations(python)
    for name, runtime in OURS.items():
        ours = Transformation(name, site="local", pfn=str(tools / name), is_stageable=True, **platform)
        catalog.add_transformations(ours.add_requirement(python).add_pegasus_profile(runtime=runtime))
    for name, runtime in MONTAGE.items():
        theirs = Transformation(name, site="condorpool", pfn=f"/usr/bin/{name}", is_stageable=False, **platform)
        catalog.add_transformations(theirs.add_pegasus_profile(runtime=runtime))
    return catalog


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in vars(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    size = Size(**vars(parser.parse_args()))
    Path("truth.json").write_text(json.dumps(truth(size), indent=1) + "\n", encoding="utf-8")
    Path("region.hdr").write_text(header(size), encoding="utf-8")
    replicas = ReplicaCatalog()
    for name in ("truth.json", "region.hdr"):
        replicas.add_replica("local", name, str(name if Path.cwd() == HERE else Path(name).resolve()))
    replicas.write("replicas.yml")
    transformations().write("transformations.yml")
    site = Site("condorpool", arch=Arch.X86_64, os_type=OS.LINUX)
    site.add_pegasus_profile(style="condor").add_condor_profile(universe="vanilla")
    SiteCatalog().add_sites(site).write("sites.yml")
    Mosaic(size).picture().write("workflow.yml")


if __name__ == "__main__":
    main()
