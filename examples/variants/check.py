#!/usr/bin/env python3
"""check.py RESULTS: do the three results belong together, and are the variants those that were put in?

    examples/variants/check.py runs/NAME/output

Counts for itself what accuracy.json and stats.txt say about variants.vcf.gz. Fails below the precision and the recall
that tools/accuracy asks for.
"""

from __future__ import annotations

import gzip
import json
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent


def checks(results: Path) -> Iterator[tuple[bool, str]]:
    asked = runpy.run_path(str(HERE / "tools" / "accuracy"), run_name="asked")
    said = json.loads((results / "accuracy.json").read_text())
    with gzip.open(results / "variants.vcf.gz", "rt") as lines:
        rows = [line.split("\t") for line in lines if not line.startswith("#")]
    places = {(row[0], row[1]) for row in rows}
    counted = re.search(r"^SN\t0\tnumber of records:\t(\d+)", (results / "stats.txt").read_text(), re.MULTILINE)
    yield len(places) == said["found"], f"{len(places)} places are in the VCF; {said['found']} were compared"
    yield counted is not None and int(counted[1]) == len(rows), f"{len(rows)} variants are in the VCF, as in stats.txt"
    doubtful = sum(float(row[5]) < 30 for row in rows)
    yield not doubtful, f"{doubtful} of them are doubtful (below a quality of 30)"
    precision, recall = said["right"] / max(1, said["found"]), said["right"] / max(1, said["true"])
    yield precision >= asked["PRECISION"], f"precision {precision:.3f} (at least {asked['PRECISION']})"
    yield recall >= asked["RECALL"], f"recall {recall:.3f} (at least {asked['RECALL']})"


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    verdict = 0
    for is_so, sentence in checks(Path(sys.argv[1])):
        print("yes " if is_so else "NO  ", sentence)
        verdict |= not is_so
    return verdict


if __name__ == "__main__":
    sys.exit(main())
