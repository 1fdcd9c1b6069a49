"""pure: the text of a job's output file -> Records: what each of its tasks did, as pegasus-kickstart wrote it.

Such a file holds, one below the other: invocation records (a YAML list item that begins `- invocation:`), the lines
`[cluster-task ...]` and `[cluster-summary ...]` of a clustered job, and, below `---------------pegasus-multipart`,
what PegasusLite's tools add (integrity checks, transfers). Anything else is text that a job printed, and left out.

Reading YAML costs two milliseconds a record, and there are 100,000 of them: of one that ended well and is written as
they all are, regular expressions find what is needed; any other goes to PyYAML. All scalars stay text in both (YAML 1.1
has its own ideas of `0o644`, `1e3` and `no`).
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from sys import intern
from typing import Any

import yaml

MULTIPART = "---------------pegasus-multipart"
_JOBS = ("setup", "prejob", "mainjob", "postjob", "cleanup")  # what one record can hold; the main one is always tried
_OF_A_FILE = ("size", "output", "sha256", "checksum_timing")
_STREAMS = frozenset({"stdin", "stdout", "stderr", "metadata"})

_BEGIN = "\n- invocation:"
# A record goes on while its lines are indented, or empty.
_END = re.compile(r"\n(?=[^ \n])")
# The block style that kickstart writes, a line at a time; data of stdout and stderr are the only text blocks.
_ESCAPE = r'\\(?:["\\bfnrt]|u(?![dD][89a-fA-F])[0-9a-fA-F]{4})'  # halves of a pair are JSON, not YAML
_KEY = rf"""(?:"(?:[^"\\\n]|{_ESCAPE})*"|[A-Za-z0-9_./][^\s:#"']*)"""
_QUOTED = rf'"(?:[^"\\\n]|{_ESCAPE})*"'
_PLAIN = r"""(?:[^\s"'#&*!|>%@`{}\[\],?:\-]|-(?=\d))(?:[^\n:#]|:(?=\S)|(?<![ ])#)*"""
# One line at a time, in a loop of ours: what possessive quantifiers do differs between Python 3.11's releases.
_FIRST = "- invocation: True\n"
_LINE = re.compile(rf"[ ]+(?:{_KEY}:(?:[ ]+(?:{_QUOTED}|{_PLAIN}))?|-[ ](?:{_QUOTED}|{_PLAIN}))[ ]*\n")
_DATA = re.compile(r"[ ]{6}data:[ ]\|2?\n(?:(?:[ ]{8}[^\n]*|[ ]{0,7})\n)*")
_ENDED_WELL = re.compile(r"^    status:\n      raw: 0\n      regular_exitcode: 0\n(?!      )", re.MULTILINE)
_AT_THE_TOP = re.compile(r"(?:^|\n)  (?=[^ \n])")
_FILE = re.compile(rf"^    ({_KEY}):\n(?=      \S)((?:      [^\n]*\n|[ ]{0, 5}\n)*)", re.MULTILINE)
_CLUSTER = re.compile(r"\[(?:cluster|seqexec)-summary ([^\]\n]*)\]")
_CLUSTER_PAIR = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,\]]+))')
# What pegasus-transfer says at the end of its log: decimal places are rounded, so is the sum.
_MOVED = re.compile(r"Stats: +(?:Total )?\d+ transfers, ([\d.]+) (B|KB|MB|GB|TB) transferred")
_UNITS = {"B": 1, "KB": 1024, "MB": 1024**2, "GB": 1024**3, "TB": 1024**4}

Tree = Mapping[str, Any]  # of YAML: text, lists and mappings of them


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One task, run once. Times are epoch seconds, or seconds."""

    task_id: str  # "null" for a job of the planner's
    transformation: str
    started_at: float
    duration_s: float
    cpu_s: float
    max_rss_kib: int
    exit_code: int  # 128 + signal for one that a signal ended
    hostname: str
    site: str
    checksums: int  # that were computed of its outputs
    checksum_s: float
    made_files: int  # outputs that kickstart looked at
    made_bytes: int
    stdout: str  # as much as kickstart kept; of one that ended well nothing
    stderr: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """What a clustered job says of itself."""

    tasks: int
    succeeded: int
    failed: int
    duration_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Records:
    """All that one output file says."""

    invocations: tuple[Invocation, ...] = ()
    cluster: Cluster | None = None
    checks_passed: int = 0  # of input files against their checksums
    checks_failed: int = 0
    check_s: float = 0.0
    moved_bytes: int = 0  # by pegasus-transfer; HTCondor's own transfers are in the event log
    unreadable: int = 0  # records that are no YAML, or lack what every record has

    @property
    def exit_code(self) -> int | None:
        """Of the first task that failed; None without any record."""
        codes = [one.exit_code for one in self.invocations]
        return next((code for code in codes if code), 0) if codes else None


def read(text: str) -> Records:
    """
    >>> read("nothing of ours").invocations
    ()
    """
    invocations: list[Invocation] = []
    unreadable = 0
    for record in _split(text):
        try:
            invocations.append(_invocation(tree(record)))
        except (KeyError, ValueError, TypeError, AttributeError, IndexError, yaml.YAMLError):
            unreadable += 1
    passed, failed, seconds = _checks(text) if MULTIPART in text else (0, 0, 0.0)
    return Records(
        invocations=tuple(invocations),
        cluster=_cluster(text),
        checks_passed=passed,
        checks_failed=failed,
        check_s=seconds,
        moved_bytes=_moved(text),
        unreadable=unreadable,
    )


def _split(text: str) -> Iterator[str]:
    lines = f"\n{text}"
    begin = lines.find(_BEGIN)
    while begin != -1:
        found = _END.search(lines, begin + 1)
        yield lines[begin + 1 : found.end() if found else len(lines)]
        begin = lines.find(_BEGIN, found.start()) if found else -1


def tree(record: str) -> Tree:
    """One record as YAML has it, with every scalar as text. Raises yaml.YAMLError for what is none."""
    fast = fast_tree(record)
    return fast if fast is not None else slow_tree(record)


def slow_tree(record: str) -> Tree:
    """By PyYAML, which decides what a record is; TypeError for one that is no list of one mapping."""
    (only,) = yaml.load(record, Loader=yaml.CBaseLoader)
    if not isinstance(only, dict):
        raise TypeError("an invocation record is a mapping")
    return only


def fast_tree(record: str) -> Tree | None:
    """What is needed of a record that ended well; None for one that only PyYAML can tell."""
    if not record.replace("\n", "").isprintable() or any(f"\n  {job}:" in record for job in _JOBS if job != "mainjob"):
        return None  # among what is not printable is what YAML takes for the end of a line
    if not _is_in_style(record):
        return None
    head, _, below = record.partition("\n  files:\n")
    if _AT_THE_TOP.search(below):
        return None
    try:
        main = _section(head + "\n", "  mainjob")
        if not _ENDED_WELL.search(main) or _section(main, "    status").count("\n") != 2:
            return None
        usage = _section(main, "    usage")
        found: dict[str, Any] = _values(head, "  ", ("transformation", "derivation", "hostname", "resource"))
        found["mainjob"] = {
            **_values(main, "    ", ("start", "duration")),
            "status": {"raw": "0", "regular_exitcode": "0"},
            "usage": _values(usage, "      ", ("utime", "stime", "maxrss")),
        }
        files = [(_text(file[1]), file[2]) for file in _FILE.finditer(below)]
        if len(dict(files)) < len(files):
            return None
        found["files"] = {
            name: _values(said, "      ", _OF_A_FILE, some=True)
            for name, said in files
            if "      output: " in said or "      sha256: " in said
        }
    except KeyError:
        return None
    return found


def _is_in_style(record: str) -> bool:
    at = len(_FIRST)
    while at < len(record):
        found = _DATA.match(record, at) or _LINE.match(record, at)
        if found is None:
            return False
        at = found.end()
    return record.startswith(_FIRST)


def _section(text: str, key: str) -> str:
    """The lines below a key that stands alone, indented by two more; KeyError where they are not, or twice."""
    lines = f"\n{text}"
    begin = lines.find(f"\n{key}:\n")
    if begin == -1 or lines.find(f"\n{key}:", begin + 1) != -1:
        raise KeyError(key)
    begin += len(key) + 3
    indent = " " * (len(key) - len(key.lstrip(" ")) + 2)
    if not lines.startswith(indent, begin) or lines[begin + len(indent)] == " ":
        raise KeyError(key)
    end = begin
    while lines.startswith(indent, end):
        end = lines.find("\n", end) + 1
    return lines[begin:end]


def _values(text: str, indent: str, keys: tuple[str, ...], *, some: bool = False) -> dict[str, str]:
    """The scalars of these keys; KeyError where one is missing (unless `some` will do) or is there twice."""
    found: dict[str, str] = {}
    lines = f"\n{text}"
    for key in keys:
        begin = f"\n{indent}{key}: "
        at = lines.find(begin)
        if at == -1:
            if some:
                continue
            raise KeyError(key)
        if lines.find(begin, at + 1) != -1:
            raise KeyError(f"{key} twice")
        found[key] = _text(lines[at + len(begin) : lines.find("\n", at + 1)])
    return found


def _text(scalar: str) -> str:
    scalar = scalar.strip(" ")
    return json.loads(scalar) if scalar.startswith('"') else scalar


def _invocation(given: Tree) -> Invocation:
    parts = [(name, given[name]) for name in _JOBS if isinstance(given.get(name), dict) and "status" in given[name]]
    main = given["mainjob"] if isinstance(given.get("mainjob"), dict) else parts[0][1]
    code = next((code for _, part in parts if (code := _exit_code(part["status"]))), 0)
    usage = main.get("usage") or {}
    files = given.get("files") or {}
    looked_at = [file for name, file in files.items() if isinstance(file, dict) and name not in _STREAMS]
    made = [file for file in looked_at if str(file.get("output", "")).lower() == "true"]
    return Invocation(
        task_id=given.get("derivation", ""),
        transformation=intern(given["transformation"]),
        started_at=datetime.fromisoformat(main.get("start") or given["start"]).timestamp(),
        duration_s=float(main.get("duration") or given["duration"]),
        cpu_s=float(usage.get("utime", 0)) + float(usage.get("stime", 0)),
        max_rss_kib=int(usage.get("maxrss", 0)),
        exit_code=code,
        hostname=intern(given.get("hostname", "")),
        site=intern(given.get("resource", "")),
        checksums=sum("sha256" in file for file in looked_at),
        checksum_s=sum(float(file.get("checksum_timing") or 0) for file in looked_at),
        made_files=len(made),
        made_bytes=sum(int(file.get("size") or 0) for file in made),
        stdout=_stream(files, "stdout") if code else "",
        stderr=_stream(files, "stderr") if code else "",
    )


def _exit_code(status: Tree) -> int:
    if "signalled_signal" in status:
        return 128 + int(status["signalled_signal"])
    if "regular_exitcode" in status:
        return int(status["regular_exitcode"])
    return 1 if int(status["raw"]) else 0


def _stream(files: Tree, name: str) -> str:
    stream = files.get(name)
    return str(stream.get("data", "")) if isinstance(stream, dict) else ""


def _cluster(text: str) -> Cluster | None:
    found = _CLUSTER.search(text)
    if found is None:
        return None
    said = {key: quoted or plain for key, quoted, plain in _CLUSTER_PAIR.findall(found[1])}
    try:
        return Cluster(
            tasks=int(said.get("tasks", said.get("submitted", 0))),
            succeeded=int(said.get("succeeded", 0)),
            failed=int(said.get("failed", 0)),
            duration_s=float(said.get("duration", 0)),
        )
    except ValueError:
        return None


def _checks(text: str) -> tuple[int, int, float]:
    """Files whose checksums were right, those that were not, and the seconds that it took."""
    passed, failed, seconds = 0, 0, 0.0
    for summary in _integrity(text):
        passed += int(summary.get("succeeded", 0))
        failed += int(summary.get("failed", 0))
        seconds += float(summary.get("duration", 0))
    return passed, failed, seconds


def _integrity(text: str) -> Iterator[dict[str, str]]:
    for found in re.finditer(r"^- integrity_summary:\n((?:[ ]+\w+: [\d.]+\n?)+)", text, re.MULTILINE):
        yield dict(re.findall(r"(\w+): ([\d.]+)", found[1]))


def _moved(text: str) -> int:
    return sum(round(float(number) * _UNITS[unit]) for number, unit in _MOVED.findall(text))
