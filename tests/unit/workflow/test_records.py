"""Invocation records: those that pegasus-kickstart 5.1.2 wrote, made ones, and broken ones."""

import json
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from roost.workflow import records
from roost.workflow.records import Cluster, fast_tree, read, slow_tree

DATA = Path(__file__).parent / "data"
REAL = sorted((DATA / "completed-run").rglob("*.out.000"))
STATISTICS = (DATA / "completed-run" / "statistics" / "jobs.txt").read_text()
ONE = (DATA / "completed-run" / "00" / "00" / "analyze_ID0000004.out.000").read_text()
FAILED = """\
- invocation: True
  version: 3.0
  start: 2026-11-20T12:05:50.457+00:00
  duration: 1.008
  transformation: "sort it"
  derivation: "ID2"
  resource: condorpool
  hostname: one
  mainjob:
    start: 2026-11-20T12:05:50.459+00:00
    duration: 1.006
    usage:
      utime: 0.372
      stime: 0.001
      maxrss: 4084
    status:
      raw: 768
      regular_exitcode: 3
  files:
    stderr:
      size: 8
      data: |2
          no such
        file
"""


def test_there_are_records() -> None:
    assert len(REAL) == 15


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_records_need_no_pyyaml_and_are_what_it_says(path: Path) -> None:
    text = path.read_text()
    fast = fast_tree(text)
    assert fast is not None
    assert records._invocation(fast) == records._invocation(slow_tree(text))


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_their_figures_are_those_of_pegasus_statistics(path: Path) -> None:
    (row,) = re.findall(rf"^{path.name.removesuffix('.out.000')} +(.*)$", STATISTICS, re.MULTILINE)
    cells = row.split()
    (found,) = read(path.read_text()).invocations
    assert (found.duration_s, round(found.cpu_s, 3)) == (float(cells[2]), float(cells[5]))
    assert (found.site, found.hostname, found.exit_code) == (cells[1], cells[-1], int(cells[-2]))


def test_what_a_record_says() -> None:
    (found,) = read(ONE).invocations
    assert (found.task_id, found.transformation, found.max_rss_kib) == ("ID0000004", "analyze", 3796)
    assert (found.made_files, found.made_bytes, found.checksums) == (1, 499, 1)
    assert found.started_at == pytest.approx(1795176373, abs=2)
    assert found.stdout == ""  # it ended well


def test_what_a_failed_task_printed() -> None:
    (found,) = read(FAILED).invocations
    assert (found.exit_code, found.stderr) == (3, "  no such\nfile\n")
    killed = FAILED.replace("regular_exitcode: 3", 'signalled_signal: 9\n      signalled_name: "SIGKILL"')
    assert read(killed).invocations[0].exit_code == 137


def test_a_clustered_job() -> None:
    text = (
        f'{ONE}[cluster-task id=1, start="2011-04-27T14:31:25.340-07:00", duration=0.521, status=0, app="/bin/true"]\n'
        f"{FAILED}"
        '[cluster-summary stat="fail", lines=2, tasks=2, submitted=2, succeeded=1, failed=1, extra=0, duration=2.014, '
        'start="2026-11-20T12:05:50.457+00:00", pid=7, app="pegasus-cluster"]\n'
        "what the job printed\n"
    )
    found = read(text)
    assert [one.task_id for one in found.invocations] == ["ID0000004", "ID2"]
    assert found.exit_code == 3
    assert found.cluster == Cluster(tasks=2, succeeded=1, failed=1, duration_s=2.014)
    assert found.unreadable == 0


MULTIPART = """\
---------------pegasus-multipart
- integrity_verification_attempts:
  - lfn: "f.a"
    pfn: "f.a"
    sha256: abc
    success: True
- integrity_summary:
    succeeded: 2
    failed: 1
    duration: 0.146
"""


def test_integrity_checks() -> None:
    found = read(f"{ONE}{MULTIPART}{MULTIPART}")
    assert (found.checks_passed, found.checks_failed, found.check_s) == (4, 2, 0.292)
    assert len(found.invocations) == 1


def test_bytes_that_pegasus_transfer_moved() -> None:
    (path,) = (path for path in REAL if path.name.startswith("stage_out"))
    assert read(path.read_text()).moved_bytes == 499


@pytest.mark.parametrize(
    ("text", "unreadable"),
    [
        ("", 0),
        ("no record at all\n- a list\n", 0),
        ("- invocation: True\n", 1),  # cut after a line
        (ONE[:500], 1),
        (ONE.replace("  mainjob:", "  mainjob: {"), 1),
        (ONE.replace("duration: 1.", "duration: soon"), 1),
        (f"{ONE[:300]}\x00{ONE[300:]}", 1),
    ],
)
def test_a_broken_record_is_counted(text: str, unreadable: int) -> None:
    found = read(text)
    assert (len(found.invocations), found.unreadable) == (0, unreadable)
    assert len(read(f"{text}\n{ONE}").invocations) == 1  # and the next one is read


NAMES = st.one_of(
    st.text("ab .:#'\"\\日é-", min_size=1, max_size=8),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=4),
)
PLAIN = st.from_regex(r"[A-Za-z0-9/._][A-Za-z0-9/._:#-]{0,8}", fullmatch=True)
QUOTED = st.builds(json.dumps, NAMES, ensure_ascii=st.booleans())
ODD = st.one_of(
    QUOTED, st.from_regex(r"[A-Za-z0-9/._:# -]{1,12}", fullmatch=True), st.sampled_from(["yes", "'a'", "[a]", ""])
)
SCALARS = st.one_of(PLAIN, PLAIN.map(json.dumps), PLAIN.map(json.dumps), QUOTED)
BOOLEANS = st.sampled_from(["True", "true", "False"])
NUMBERS = st.one_of(st.integers(0, 10**9).map(str), st.floats(0, 10**6).map(lambda n: f"{n:.3f}"), st.just("1e3"))


@st.composite
def made_records(draw: st.DrawFn) -> str:
    """As kickstart writes them, with anything for names, and now and then a line too many, too few or elsewhere."""
    files = "".join(
        f"    {draw(SCALARS)}:\n      size: {draw(NUMBERS)}\n      output: {draw(BOOLEANS)}\n"
        f"      sha256: {draw(PLAIN)}\n      checksum_timing: {draw(NUMBERS)}\n"
        for _ in range(draw(st.integers(0, 3)))
    )
    data = draw(st.text("a:#- \n日", max_size=20))
    block = "".join(f"        {line}\n" for line in data.split("\n"))
    stream = f"    stdout:\n      size: 3\n      data: |{draw(st.sampled_from(['', '2']))}\n{block}"
    lines = (
        f"- invocation: True\n  version: 3.0\n  start: 2026-11-20T12:05:50.457+00:00\n  duration: {draw(NUMBERS)}\n"
        f"  transformation: {draw(SCALARS)}\n  derivation: {draw(SCALARS)}\n  resource: {draw(SCALARS)}\n"
        f"  hostname: {draw(SCALARS)}\n  mainjob:\n    start: 2026-11-20T12:05:50.459+00:00\n"
        f"    duration: {draw(NUMBERS)}\n"
        f"    usage:\n      utime: {draw(NUMBERS)}\n      stime: {draw(NUMBERS)}\n      maxrss: {draw(NUMBERS)}\n"
        f"    status:\n      raw: 0\n      regular_exitcode: 0\n    executable:\n      file_name: {draw(SCALARS)}\n"
        f"    argument_vector:\n      - {draw(SCALARS)}\n      - {draw(SCALARS)}\n  files:\n{files}"
        f"{draw(st.sampled_from(['', stream]))}"
    ).splitlines(keepends=True)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 1, 2]))):
        at = draw(st.integers(1, len(lines) - 1))
        match draw(st.integers(0, 4)):
            case 0:
                del lines[at]
            case 1:
                lines[at] = f" {lines[at]}"
            case 2:
                lines.insert(draw(st.integers(1, len(lines))), lines[at])
            case 3:
                lines.insert(at, f"{' ' * draw(st.integers(0, 8))}{draw(NAMES)}: {draw(ODD)}\n")
            case _:
                lines[at] = lines[at].rstrip("\n") + draw(st.sampled_from(["\r\n", " \n", "  # said\n", "\u2028\n"]))
        if len(lines) < 2:
            break
    return "".join(lines)


@settings(deadline=None, max_examples=400)
@given(made_records())
def test_the_fast_path_says_what_pyyaml_says(record: str) -> None:
    """Wherever it says anything, and PyYAML reads the text at all."""
    fast = fast_tree(record)
    if fast is None:
        return
    try:
        slow = slow_tree(record)
        expected = records._invocation(slow)
    except (yaml.YAMLError, KeyError, ValueError, TypeError, AttributeError, IndexError):
        return
    assert records._invocation(fast) == expected


def test_the_fast_path_is_taken() -> None:
    """Names of all kinds do not send a record to PyYAML."""
    for name in ("a b", 'say \\"hi\\"', "日本", "<script>"):
        assert fast_tree(ONE.replace('"analyze"', f'"{name}"')) is not None
    assert fast_tree(FAILED) is None  # what it printed is wanted
