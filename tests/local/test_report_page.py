"""The report's page in a real browser: it is whole, it asks nobody for anything, it runs no script but its own."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from made_runs import Shape, receipt, write

ROOT = Path(__file__).parents[2]
REAL = ROOT / "tests" / "unit" / "workflow" / "data" / "completed-run"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.local,
    pytest.mark.skipif(BROWSER is None, reason="no browser on this machine: apt-get install chromium"),
]


@dataclass(kw_only=True)
class Tracker:
    """Whatever is asked of it is written down."""

    url: str
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def tracker() -> Iterator[Tracker]:
    found = Tracker(url="")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()


def browse(page: Path, *more: str) -> "subprocess.CompletedProcess[str]":
    """The page loaded; the document as it is then on stdout, what it says to the console on stderr."""
    argv = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
    argv += [f"--user-data-dir={page.parent / 'profile'}", "--enable-logging=stderr", "--virtual-time-budget=3000"]
    return subprocess.run(
        [*argv, *(more or ("--dump-dom",)), f"file://{page}"], capture_output=True, text=True, check=True, timeout=180
    )


def page_of(directory: Path, page: Path) -> str:
    argv = [sys.executable, "-m", "roost", "report", str(directory), "--html", str(page)]
    subprocess.run(argv, check=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "src")})
    return page.read_text()


def made(directory: Path, shape: Shape) -> Path:
    write(directory / "run" / "submit", shape)
    (directory / "run" / "receipt.json").write_text(receipt(shape, 600))
    return directory / "run"


def test_the_page_of_a_run_of_pegasus(tmp_path: Path) -> None:
    page_of(REAL, tmp_path / "page.html")
    seen = browse(tmp_path / "page.html")
    assert "CONSOLE" not in seen.stderr
    assert "<h1>diamond</h1>" in seen.stdout
    assert seen.stdout.count("<section") == 6
    assert "findrange_ID0000002 (findrange), done: 6.00 s" in seen.stdout  # a bar of the Gantt chart says


def test_text_of_a_workflow_is_text(tmp_path: Path, tracker: Tracker) -> None:
    evil = f'<img src="{tracker.url}/x" onerror="document.title=1"><script>document.title="owned"</script>'
    page_of(made(tmp_path, Shape(jobs=40, transformations=(evil, "</style></script>"), dead=1)), tmp_path / "page.html")
    seen = browse(tmp_path / "page.html")
    assert "CONSOLE" not in seen.stderr
    assert "<title>made: failed</title>" in seen.stdout
    assert "<img" not in seen.stdout
    assert seen.stdout.count("<script>") == 1
    assert tracker.asked == []


def test_nothing_foreign_would_be_loaded(tmp_path: Path, tracker: Tracker) -> None:
    """Were something not escaped: the page's own policy keeps it from being run, or fetched."""
    text = page_of(REAL, tmp_path / "page.html")
    foreign = (
        f'<img src="{tracker.url}/x"><script src="{tracker.url}/y"></script><script>document.title="owned"</script>'
    )
    (tmp_path / "page.html").write_text(text.replace("</main>", f"{foreign}</main>"))
    seen = browse(tmp_path / "page.html")
    assert "<title>diamond: done</title>" in seen.stdout
    assert tracker.asked == []
    without = text.replace("</main>", f"{foreign}</main>").replace("Content-Security-Policy", "Was-Policy")
    (tmp_path / "page.html").write_text(without)
    assert "<title>owned</title>" in browse(tmp_path / "page.html").stdout  # it is the policy that did it
    assert sorted(tracker.asked) == ["/x", "/y"]


def test_a_table_is_sorted_by_a_click(tmp_path: Path) -> None:
    text = page_of(made(tmp_path, Shape(jobs=200, dead=2)), tmp_path / "page.html")
    click = """
    <script>
      const table = document.querySelector('[aria-label="Transformations"] table');
      const names = () => [...table.tBodies[0].rows].map((row) => row.cells[0].textContent);
      const said = [];
      for (const column of [0, 0, 5]) {
        table.tHead.rows[0].cells[column].querySelector("button").click();
        said.push([names(), table.tHead.rows[0].cells[column].getAttribute("aria-sort")]);
      }
      document.title = JSON.stringify(said);
    </script></body>"""
    (tmp_path / "page.html").write_text(text.replace("</body>", click).replace("Content-Security-Policy", "Was-Policy"))
    found = re.search(r"<title>(.*?)</title>", browse(tmp_path / "page.html").stdout)
    assert found is not None
    up, down, by_time = json.loads(found[1])
    assert up == [["align", "call", "sort", "split"], "ascending"]
    assert down == [["split", "sort", "call", "align"], "descending"]
    assert by_time[1] == "descending"


@pytest.mark.parametrize("width", [1280, 420])
@pytest.mark.parametrize("jobs", [20, 3000])
def test_it_fits(tmp_path: Path, width: int, jobs: int) -> None:
    """Nothing is wider than the window, and something is drawn. A bar an attempt up to 1,000, lanes above."""
    shape = Shape(jobs=jobs, wide=30, transformations=("a_rather_long_name_of_a_transformation_" * 3, "日本語"), dead=1)
    text = page_of(made(tmp_path, shape), tmp_path / "page.html")
    assert ("more than 1,000 attempts" in text) == (jobs > 1000)
    assert len(text) < 600_000
    # A window of a headless browser is never narrower than 500 pixels, a frame is.
    told = """<script>
      const { scrollWidth, clientWidth } = document.documentElement;
      parent.postMessage(scrollWidth - clientWidth, "*");
    </script></body>"""
    (tmp_path / "framed.html").write_text(
        text.replace("</body>", told).replace("Content-Security-Policy", "Was-Policy")
    )
    listen = '<script>onmessage = (told) => { document.title = "too wide by " + told.data }</script>'
    frame = f'<iframe src="framed.html" style="border:0" width="{width}" height="900"></iframe>'
    (tmp_path / "frame.html").write_text(f"<!doctype html><title></title>{listen}{frame}")
    assert "<title>too wide by 0</title>" in browse(tmp_path / "frame.html").stdout
    size = ("--hide-scrollbars", f"--window-size={width},1000")
    picture = tmp_path / "page.png"
    browse(tmp_path / "page.html", *size, f"--screenshot={picture}")
    assert struct.unpack(">II", picture.read_bytes()[16:24]) == (width, 1000)
    assert picture.stat().st_size > 20_000  # a white page is smaller
