#!/usr/bin/python3
"""What a run needs done on its access point: files of servers fetched, files that nobody needs removed.

Standard library only; a job of HTCondor's local universe, beside DAGMan. In: one argument, base64 of JSON:
`fetch`: [[URL, path, SHA-256 or empty], ...], `remove`: [path, ...]; and where the run's files are, which is where the
paths start that do not begin with `../` (default: the directory where jobs start). What s3:// URLs were signed as is in
../signed.json, for some hours.
Each can be done twice. Out, on stdout: a line for each file; on stderr: what went wrong, and `PegasusLite: exitcode N`.
"""

import base64
import hashlib
import json
import os
import re
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

TRIES = 3
TIMEOUT_S = 60.0  # without a byte
WRONG, UNREACHED = 65, 69  # EX_DATAERR and EX_UNAVAILABLE of sysexits.h
FINAL = (400, 401, 403, 404, 410)  # what a server says now, it says a minute later
SIGNED = Path("../signed.json")


def main(word: str, files: str = "") -> int:
    asked = json.loads(base64.b64decode(word))
    code = 0
    signed = json.loads(SIGNED.read_text()) if SIGNED.exists() else {}
    if files:
        os.umask(0)  # jobs run in accounts of their own
    for url, place, expected in asked["fetch"]:
        path = Path(place) if place.startswith("../") else Path(files, place)
        if path.exists():
            print(f"{place}: there already")
        elif url.startswith("s3://") and url not in signed:
            # of a workflow that was planned here, on the way
            print(f"roost: {url} was not signed: name it as an input of the outermost workflow", file=sys.stderr)
            code = UNREACHED
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            code = fetch(url, path, expected, signed.get(url, url)) or code
    for place in asked["remove"]:
        Path(files, place).unlink(missing_ok=True)
        print(f"{place}: removed")
    print(f"PegasusLite: exitcode {code}", file=sys.stderr)
    return code


def fetch(url: str, place: Path, expected: str, source: str) -> int:
    """Whole or not at all. The exit code."""
    shown = url if source != url else url.partition("?")[0]  # what is behind may be a signature
    part = place.with_name(f".{place.name[:200]}.part")
    for number in range(1, TRIES + 1):
        started_at = time.time()
        try:
            digest, size = download(source, part)
        except (OSError, ValueError) as error:  # URLError is an OSError
            part.unlink(missing_ok=True)
            said = f"roost: {shown} cannot be fetched: {why(error)}"
            status = error.code if isinstance(error, urllib.error.HTTPError) else 0
            if status in FINAL and status != 404 and source != url:
                said += "; if what was signed is too old by now, `roost run --resume` signs it anew"
            print(f"{said} (try {number} of {TRIES})", file=sys.stderr)
            if status in FINAL:
                break
            if number < TRIES:
                time.sleep(2.0**number)
            continue
        if expected and digest != expected:
            part.unlink()
            print(f"roost: {shown} has the SHA-256 {digest}, the catalog says {expected}", file=sys.stderr)
            return WRONG
        part.replace(place)
        print(f"{place}: {size} bytes from {shown} in {time.time() - started_at:.1f} s")
        return 0
    return UNREACHED


def why(error: Exception) -> str:
    """S3 says more in its answer than its status does: whether a signature has expired, or nobody may."""
    said = str(getattr(error, "reason", None) or error)
    if not isinstance(error, urllib.error.HTTPError):
        return said
    found = re.search(rb"<Code>([^<]*)</Code>(?:.*<Message>([^<]*)</Message>)?", error.read(4096), re.DOTALL)
    words = ": ".join(part.decode("utf-8", "replace") for part in found.groups() if part) if found else ""
    return f"{error.code} {said}" + (f" ({words})" if words else "")


def download(url: str, part: Path) -> "tuple[str, int]":
    """(SHA-256, bytes)."""
    digest, size = hashlib.sha256(), 0
    request = urllib.request.Request(url, headers={"User-Agent": "roost"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer, part.open("wb") as file:
        while block := answer.read(1 << 20):
            digest.update(block)
            size += len(block)
            file.write(block)
        announced = answer.headers.get("Content-Length") or ""
    if announced.isdigit() and int(announced) != size:
        raise OSError(f"{size} bytes came, {announced} were announced")
    return digest.hexdigest(), size


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
