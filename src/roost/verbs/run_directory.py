"""shell (files): the directory of a run on this machine, `runs/NAME`: what it is (run.json), its submit directory, its
results. One roost at a time holds it.

run.json says where the run is and what it was planned from. How far it has come it does not say: the access point does.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Self

from roost.errors import NotFoundError, UsageError
from roost.workflow.plan_options import Wanted
from roost.workflow.planning import Options
from roost.yaml_lines import did_you_mean

SCHEMA = "roost/run/1"
RUNS = Path("runs")
RECORD = "run.json"
MADE = "replicas.yml"  # a replica catalog of the results
_LOCK = ".lock"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")  # a directory here and on the access point


@dataclass(frozen=True, kw_only=True, slots=True)
class RunRecord:
    """What a later roost has to know to find a run again, and to plan the same jobs."""

    name: str
    workflow: str  # absolute path of its file on this machine
    uuid: str
    planned_at: datetime  # aware
    pool: str
    cloud: str
    region: str
    owns_pool: bool  # the pool is this run's alone, and goes when it ends ...
    keep: bool  # ... unless it is to be kept
    directory: str  # on the access point; "": nothing was sent yet
    data: str = ""  # its directory on what all instances see; "": HTCondor moves the files
    planner: str = "roost"  # or pegasus; auto: not decided yet
    cluster: str = "none"  # which tasks are one job: what `--cluster` said; "": nothing
    cores: int = 0  # of its execution points, when it began
    options: Options = field(default_factory=Options)  # of the plan
    submissions: int = 0  # how often it was sent: once, and once for each --resume
    # How long the files were, in bytes, when it was sent last: what is before belongs to earlier submissions.
    log_bytes: int = 0
    part_log_bytes: Mapping[str, int] = field(default_factory=dict)  # of workflows that are parts, by their prefix
    dagman_out_bytes: int = 0

    @property
    def remote(self) -> PurePosixPath:
        return PurePosixPath(self.directory)

    def to_json(self) -> str:
        values = {**asdict(self), "planned_at": self.planned_at.isoformat()}
        return json.dumps({"schema": SCHEMA, **values}, indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Raises ValueError for what is no record of a run."""
        values: Any = json.loads(text)
        if not isinstance(values, dict) or values.pop("schema", None) != SCHEMA:
            raise ValueError(f"no {SCHEMA}")
        try:
            planned_at = datetime.fromisoformat(values["planned_at"])
            return cls(**{**values, "planned_at": planned_at, "options": _options(values.get("options", {}))})
        except (KeyError, TypeError) as error:
            raise ValueError(str(error)) from error


def _options(values: dict[str, Any]) -> Options:
    return Options(**{**values, "reuse": tuple(values.get("reuse", ()))})


class RunDirectory:
    """`runs/NAME`, held by this process until `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: int | None = None

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def submit(self) -> Path:
        return self.path / "submit"

    @property
    def output(self) -> Path:
        return self.path / "output"

    @property
    def scratch(self) -> Path:
        """Intermediate files that a resumed run needs."""
        return self.path / "scratch"

    @property
    def results(self) -> list[Path]:
        return sorted(path for path in self.output.rglob("*") if path.is_file())

    @property
    def has_record(self) -> bool:
        return (self.path / RECORD).is_file()

    @property
    def record(self) -> RunRecord:
        """Raises UsageError where nothing can be made of it."""
        try:
            return RunRecord.from_json((self.path / RECORD).read_text())
        except FileNotFoundError as error:
            raise NotFoundError(
                f"{self.path} has no {RECORD}: nothing is known of that run", "roost run WORKFLOW"
            ) from error
        except (OSError, ValueError) as error:
            raise UsageError(f"{self.path / RECORD} cannot be read: {error}", "roost run WORKFLOW") from error

    def save(self, record: RunRecord) -> None:
        """Whole or not at all."""
        new = self.path / f".{RECORD}.new"
        new.write_text(record.to_json())
        new.replace(self.path / RECORD)

    def write(self, name: str, text: str) -> None:
        """One of its reports. That of an earlier submission is kept as `NAME-1`, `NAME-2`, ..."""
        target = self.path / name
        earlier = self.record.submissions - 1
        kept = target.with_name(f"{target.stem}-{earlier}{target.suffix}")
        if earlier > 0 and target.exists() and not kept.exists():
            target.replace(kept)
        target.write_text(text)

    def hold(self) -> None:
        """Raises UsageError while another roost holds it."""
        self._lock = os.open(self.path / _LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.release()
            raise UsageError(f"another roost is at work on the run {self.name}", "wait for it, or end it") from error

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


@contextmanager
def new(name: str) -> Iterator[RunDirectory]:
    """A directory that was not there; it goes again if nothing was written into it."""
    if not _NAME.fullmatch(name):
        raise UsageError(f"'{name}' cannot be the name of a run: letters, digits, dots, hyphens", "--name first-try")
    path = RUNS / name
    try:
        path.mkdir(parents=True)
    except FileExistsError as error:
        raise UsageError(
            f"there is a run {path} already", f"choose another --name; what is left of it: roost run --resume {name}"
        ) from error
    except OSError as error:
        raise UsageError(f"the directory {path} cannot be made: {error.strerror}", f"ls -ld {path.parent}") from error
    directory = RunDirectory(path)
    directory.hold()
    try:
        yield directory
    finally:
        if not directory.has_record:
            (path / _LOCK).unlink(missing_ok=True)
        with suppress(OSError):  # they hold something, but for a run that was refused before it began
            path.rmdir()
            path.parent.rmdir()
        directory.release()


@contextmanager
def existing(name: str) -> Iterator[RunDirectory]:
    """The one that NAME or runs/NAME means. Raises NotFoundError with the nearest name."""
    path = located(name)
    directory = RunDirectory(path)
    if not directory.has_record:
        names = [one.parent.name for one in sorted(RUNS.glob(f"*/{RECORD}"))]
        there_is = f"; there are {', '.join(names)}" if 0 < len(names) < 10 else ""
        raise NotFoundError(
            f"there is no run {path} here{did_you_mean(path.name, names)}{there_is}",
            "call roost in the directory where the run was started",
        )
    directory.hold()
    try:
        yield directory
    finally:
        directory.release()


def has_results(run: Path) -> bool:
    """Whether it is a run that has left a catalog of what it made."""
    return (run / RECORD).is_file() and (run / MADE).is_file()


def options(wanted: Wanted) -> Options:
    """The same with the catalogs of what the runs have made. Raises NotFoundError for a run that has left none."""
    catalogs = [located(name) / MADE for name in wanted.reuse]
    for catalog in catalogs:
        if not catalog.is_file():
            names = [one.parent.name for one in sorted(RUNS.glob(f"*/{MADE}"))]
            raise NotFoundError(
                f"nothing is known of what the run {catalog.parent} has made: there is no {catalog}"
                f"{did_you_mean(catalog.parent.name, names)}",
                "ls runs",
            )
    reused = tuple(str(one.absolute()) for one in catalogs)
    return Options(reuse=reused, force=wanted.force, cleanup=wanted.cleanup)


def default_name(workflow: str) -> str:
    """Of a run that was given none: its workflow's and the time."""
    return f"{word(workflow)}-{datetime.now().strftime('%Y%m%d-%H%M%S')}"


def word(name: str) -> str:
    """A workflow's name as one that a pool and a directory can have.

    >>> word("Variant Calling (small)")
    'variant-calling-small'
    """
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return plain if plain[:1].isalpha() else f"run-{plain}".rstrip("-")


def located(name: str) -> Path:
    """
    >>> located("first"), located("runs/first"), located("elsewhere/runs/first/")
    (PosixPath('runs/first'), PosixPath('runs/first'), PosixPath('elsewhere/runs/first'))
    """
    return Path(name) if os.sep in name else RUNS / name


def sent_again(
    record: RunRecord, directory: RunDirectory, *, log: str, dagman_out: str, logs: Mapping[str, str] | None = None
) -> RunRecord:
    """The record of the next submission: what its files hold so far is of earlier ones. `logs`: of parts."""

    def size(name: str) -> int:
        path = directory.submit / name
        return path.stat().st_size if path.exists() else 0

    return replace(
        record,
        submissions=record.submissions + 1,
        log_bytes=size(log),
        dagman_out_bytes=size(dagman_out),
        part_log_bytes={prefix: size(one) for prefix, one in (logs or {}).items()},
    )
