"""How long until a pool of two shares a GlusterFS: `roost up` of it against `roost up` of the plain pool.

Both in one run, in the order A B B A, so that the machine's mood is shared fairly; images are built before. Prints the
medians and their ratio as a Markdown table.

    python bench/shared_pool.py --rounds 2
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src"
SHARED = {"plain": "none", "gluster": "gluster"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="each round measures A B B A")
    rounds = parser.parse_args().rounds
    measured: dict[str, list[float]] = {name: [] for name in SHARED}
    with tempfile.TemporaryDirectory() as directory:
        for name, shared in SHARED.items():
            text = f"name: bench-{name}\nworkers: {{count: 2}}\nnetwork: {{mode: outbound}}\nshared: {shared}\n"
            Path(directory, f"{name}.yml").write_text(text)
            up_s(name, directory)  # builds the image
        for name in ["plain", "gluster", "gluster", "plain"] * rounds:
            measured[name].append(up_s(name, directory))
            print(f"{name} {measured[name][-1]:.1f} s, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    print(table(measured["plain"], measured["gluster"]))
    return 0


def up_s(name: str, directory: str) -> float:
    """Seconds of the whole command; the pool is taken down again."""
    started_at = time.monotonic()
    try:
        roost("up", f"{name}.yml", directory=directory)
        return time.monotonic() - started_at
    finally:
        roost("down", f"bench-{name}", "--yes", directory=directory)


def roost(*arguments: str, directory: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    command = [sys.executable, "-m", "roost", *arguments]
    subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True)


def table(plain: list[float], gluster: list[float]) -> str:
    """
    >>> print(table([10.0], [15.0]).splitlines()[-1])
    | `roost up` of two execution points | 10.0 | 15.0 | 1.5 |
    """
    of_plain, of_gluster = statistics.median(plain), statistics.median(gluster)
    return "\n".join(
        [
            f"| seconds, medians of {len(plain)} | plain | GlusterFS | ratio |",
            "|---|---|---|---|",
            f"| `roost up` of two execution points | {of_plain:.1f} | {of_gluster:.1f} | {of_gluster / of_plain:.1f} |",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
