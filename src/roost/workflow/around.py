"""pure: what a workflow that is a part of another one knows of what is around it: files that come and go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath


@dataclass(frozen=True, kw_only=True, slots=True)
class Given:
    """A file that the workflow around a part gives it."""

    place: PurePosixPath
    sums: PurePosixPath | None = None  # a file of checksums, or a directory with such files; None: nobody has them
    sums_begin: str = ""  # how the names of those files begin
    sha256: str = ""  # where that is known beforehand
    link: str = ""  # of a file that is there wherever jobs run: its path


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A file that the workflow around a part takes from it: where it has to be, and its checksum."""

    place: PurePosixPath
    sums: PurePosixPath  # a directory


@dataclass(frozen=True, kw_only=True, slots=True)
class Around:
    """What a workflow that is a part of another has to know of what is around it. The outermost one has none."""

    path: tuple[str, ...] = ()  # names of parts, the outermost first
    root_uuid: str = ""
    stem: str = ""  # how the names of its files begin
    given: Mapping[str, Given] = field(default_factory=dict)  # by logical name
    wanted: Mapping[str, Wanted] = field(default_factory=dict)

    @property
    def prefix(self) -> str:
        """Of the names of files that are told apart by it among those of all workflows of a run."""
        return "".join(f"{name}." for name in self.path)
