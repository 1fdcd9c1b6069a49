#!/usr/bin/env python3
"""check.py RESULTS: is range.txt the smallest and the largest of input/numbers.txt?

examples/hello/check.py runs/NAME/output
"""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def check(results: Path) -> tuple[bool, str]:
    numbers = [int(word) for word in (HERE / "input" / "numbers.txt").read_text().split()]
    wanted = f"{min(numbers)} {max(numbers)}"
    found = (results / "range.txt").read_text().strip()
    return found == wanted, f"the range is {found}, of {wanted}"


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    is_so, sentence = check(Path(sys.argv[1]))
    print("yes " if is_so else "NO  ", sentence)
    return int(not is_so)


if __name__ == "__main__":
    sys.exit(main())
