"""pure: the directories of a run on the access point, and of the workflows that are parts of it."""

import posixpath
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple


class Shared(NamedTuple):
    """The directory of a run's files on the file system that all instances see."""

    place: PurePosixPath
    how: str  # copy: jobs have inputs as copies, link: as symbolic links, here: jobs work in it


@dataclass(frozen=True, kw_only=True, slots=True)
class RunPaths:
    """The directories of a run on the access point, or of a workflow that is a part of one."""

    run: PurePosixPath
    shared: Shared | None = None
    submit_at: PurePosixPath | None = None  # of a part: within that of the workflow around it
    output_at: PurePosixPath | None = None  # of a part: the run's

    @property
    def submit(self) -> PurePosixPath:
        return self.submit_at or self.run / "submit"

    @property
    def executables(self) -> PurePosixPath:
        return self.run / "executables"

    @property
    def scratch(self) -> PurePosixPath:
        """Jobs' initial directory."""
        return self.run / "scratch"

    @property
    def files(self) -> PurePosixPath:
        """Inputs and what is made on the way."""
        return self.shared.place if self.shared else self.scratch

    @property
    def output(self) -> PurePosixPath:
        return self.output_at or self.run / "output"

    @property
    def own(self) -> tuple[PurePosixPath, ...]:
        """What belongs to no other workflow of the run."""
        return (self.submit, self.executables, self.scratch)

    @property
    def planner(self) -> PurePosixPath:
        """What plans parts whose files were made by tasks: one for all workflows of a run."""
        return self.output.parent / "submit" / "planner.pyz"

    def submit_of(self, part: "RunPaths") -> PurePosixPath:
        """Of a workflow that is a part of this one, or of this one itself, from this one's submit directory."""
        return part.submit.relative_to(self.submit)

    def part(self, name: str) -> "RunPaths":
        """Of a workflow that is a part of this one. The number is for Pegasus' monitord: Roost plans once."""
        return RunPaths(run=self.run / "parts" / name, submit_at=self.submit / f"{name}.000", output_at=self.output)

    def from_scratch(self, place: PurePosixPath) -> str:
        """
        >>> RunPaths(run=PurePosixPath("/r")).from_scratch(PurePosixPath("/r/output/x"))
        '../output/x'
        """
        return posixpath.relpath(place, self.scratch)
