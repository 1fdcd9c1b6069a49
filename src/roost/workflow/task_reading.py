"""pure: the entries of an abstract workflow's `jobs` -> tasks, each looked at once, in the order of the file.

Paths into the document are made for mistakes alone: this is where the time for a workflow of 100,000 tasks goes.
"""

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from roost.workflow.abstract import Job, Output, SubKind, SubOptions, SubWorkflow, UseKind
from roost.workflow.catalogs import full_name
from roost.workflow.file_names import PLAIN, wrong_lfn
from roost.workflow.hooks import Hook, hooks
from roost.workflow.metadata import Metadata, metadata
from roost.workflow.mistakes import NO_EFFECT, Mistakes
from roost.workflow.profiles import Profiles, profiles
from roost.workflow.sub_options import sub_options
from roost.workflow.sub_profiles import dagman_limits
from roost.workflow.transformations import Kind, Transformation
from roost.yaml_lines import Document, Path, did_you_mean

_STREAMS = ("stdin", "stdout", "stderr")
_JOB = frozenset(
    {
        "type",
        "name",
        "namespace",
        "version",
        "id",
        "nodeLabel",
        "arguments",
        *_STREAMS,
        "uses",
        "profiles",
        "hooks",
        *NO_EFFECT,
    }
)
_USE = frozenset(
    {
        *("lfn", "type", "stageOut", "registerReplica", "bypass", "optional", "size"),
        *("forPlanning", "noSubWorkflow"),  # of files that come with a task: Roost sends each that is used
        *NO_EFFECT,
    }
)
_QUOTE = re.compile(r"['\"\\]")
_TYPES = ("job", *SubKind)
_SUB = frozenset({"type", "file", "id", "nodeLabel", "arguments", "uses", "profiles", "hooks", *NO_EFFECT})


@dataclass(kw_only=True, slots=True)
class Tasks:
    """The tasks so far."""

    mistakes: Mistakes
    document: Document
    known: Mapping[str, Transformation]
    shared: Profiles
    lines: Sequence[int] = ()  # of the tasks
    found: dict[str, Job] = field(default_factory=dict)  # by id
    numbers: dict[str, int] = field(default_factory=dict)  # id: its place in the document
    producers: dict[str, str] = field(default_factory=dict)  # lfn: id
    hooks: dict[str, tuple[Hook, ...]] = field(default_factory=dict)  # by id
    metadata: dict[str, Metadata] = field(default_factory=dict)  # by id
    checkpoints: dict[str, tuple[str, ...]] = field(default_factory=dict)  # by id
    optional: dict[str, tuple[str, ...]] = field(default_factory=dict)  # inputs, by id
    subs: dict[str, SubWorkflow] = field(default_factory=dict)  # by id
    _staged: dict[str, frozenset[str]] = field(default_factory=dict)  # transformation: names of what is sent along
    _asked: dict[str, Profiles] = field(default_factory=dict)
    _lfns: dict[str, str] = field(default_factory=dict)  # one string for each file, however often it is used

    def add(self, number: int, entry: Any) -> None:
        mistakes, document = self.mistakes, self.document
        path = ("jobs", number)
        if type(entry) is not dict or not entry.keys() <= _JOB or entry.get("type", "job") != "job":
            if isinstance(entry, dict) and entry.get("type", "job") in _TYPES[1:]:
                self._add_sub(number, entry)
                return
            entry = mistakes.table(document, path, entry, known=_JOB)
            if (kind := entry.get("type", "job")) != "job":
                said = f"'type' cannot be '{kind}'{did_you_mean(str(kind), _TYPES)}"
                mistakes.add(document, (*path, "type"), said)
        name, job_id = entry.get("name"), entry.get("id")
        if type(name) is not str or type(job_id) is not str or not name or not job_id:
            name = mistakes.word(document, path, entry, "name")
            job_id = mistakes.word(document, path, entry, "id")
        if is_twice := job_id in self.found:
            line = document.line(("jobs", self.numbers[job_id], "id"))
            said = f"the id '{job_id}' is there twice; it is also on line {line}"
            mistakes.add(document, (*path, "id"), said)
        if not name:
            return
        transformation = full_name(entry)
        if transformation not in self.known:
            said = f"unknown transformation '{transformation}'{did_you_mean(transformation, self.known)}"
            mistakes.add(document, (*path, "name"), said)
        # What else is wrong with it is told now; the graph is one of tasks that can be told apart.
        task = self._task(path, entry, job_id, transformation)
        if "hooks" in entry and (found := hooks(mistakes, document, (*path, "hooks"), entry["hooks"])):
            self.hooks[job_id] = found
        if "metadata" in entry:
            self.metadata[job_id] = metadata(mistakes, document, (*path, "metadata"), entry["metadata"])
        if not job_id or is_twice:
            return
        self._keep(number, task)

    def _keep(self, number: int, task: Job) -> None:
        mistakes, document, job_id = self.mistakes, self.document, task.id
        self.found[job_id] = task
        self.numbers[job_id] = number
        producers = self.producers
        for output in task.outputs:
            if (other := producers.setdefault(output.lfn, job_id)) is not job_id:
                said = f"'{output.lfn}' is made by two jobs: '{other}' ({self.found[other].at}) and '{job_id}'"
                mistakes.add(document, self.path_of(task, output.lfn), said)

    def _add_sub(self, number: int, entry: dict[str, Any]) -> None:
        """A task that is a workflow itself. What is in its file is looked at by who can read it."""
        mistakes, document, path = self.mistakes, self.document, ("jobs", number)
        entry = mistakes.table(document, path, entry, known=_SUB)
        kind = SubKind(entry["type"])
        file, job_id = (mistakes.word(document, path, entry, key) for key in ("file", "id"))
        if is_twice := job_id in self.found:
            line = document.line(("jobs", self.numbers[job_id], "id"))
            mistakes.add(document, (*path, "id"), f"the id '{job_id}' is there twice; it is also on line {line}")
        inputs, outputs, rare = self._uses(path, entry)
        if rare is not None:
            self._note_rare(job_id, rare)
        if said := wrong_lfn(file) if file else "":
            mistakes.add(document, (*path, "file"), said)
        elif file in outputs:
            mistakes.add(document, (*path, "file"), f"'{file}' is what describes it, and cannot be its output")
        inputs.setdefault(file)
        words = self._arguments(path, entry, inputs, outputs) if "arguments" in entry else ()
        options, wrong = sub_options(words) if kind is SubKind.PEGASUS else (SubOptions(), ())
        if kind is SubKind.CONDOR and words:
            wrong = ("a condorWorkflow takes no arguments: it is planned",)
        for said in wrong:
            mistakes.add(document, (*path, "arguments"), said)
        dagman, own = dagman_limits(mistakes, document, (*path, "profiles"), entry.get("profiles"))
        if "hooks" in entry and (found := hooks(mistakes, document, (*path, "hooks"), entry["hooks"])):
            self.hooks[job_id] = found
        if not job_id or not file or is_twice:
            return
        self.subs[job_id] = SubWorkflow(kind=kind, file=file, options=options, dagman=dagman)
        mine = (kind.transformation, words, tuple(inputs), tuple(outputs.values()), None, None, None, own)
        self._keep(number, Job(job_id, *mine, document.at(path)))

    def _task(self, path: tuple[str, int], entry: dict[str, Any], job_id: str, transformation: str) -> Job:
        inputs, outputs, rare = self._uses(path, entry)
        if rare is not None:
            self._note_rare(job_id, rare)
        streams: dict[str, str] = {}
        if not entry.keys().isdisjoint(_STREAMS):
            streams = self._streams(path, entry, inputs, outputs)
        staged = self._staged.get(transformation)
        if staged is None:
            staged = self._staged[transformation] = _names_of_staged(transformation, self.known)
        if staged and not (staged.isdisjoint(inputs) and staged.isdisjoint(outputs)):
            for lfn in sorted(staged & {*inputs, *outputs}):
                said = f"the file '{lfn}' and the executable of '{transformation}' would have one name in the job"
                self.mistakes.add(self.document, path, said)
        own = entry.get("profiles")
        return Job(
            job_id,
            transformation,
            self._arguments(path, entry, inputs, outputs) if "arguments" in entry else (),
            tuple(inputs),
            tuple(outputs.values()),
            streams.get("stdin"),
            streams.get("stdout"),
            streams.get("stderr"),
            self._profiles(path, own) if own else self.shared,
            f"{self.document.source}:{self.lines[path[1]]}" if self.lines else self.document.at(path),
        )

    def _profiles(self, path: Path, own: Any) -> Profiles:
        """Of one task; tasks that ask alike share an object, by which a planner knows them again."""
        said = repr(own)
        if (known := self._asked.get(said)) is None:
            before = self.mistakes.count
            known = profiles(self.mistakes, self.document, (*path, "profiles"), own).over(self.shared)
            if self.mistakes.count == before:
                self._asked[said] = known
        return known

    def _note_rare(self, job_id: str, rare: "_Rare") -> None:
        if rare.checkpoints:
            self.checkpoints[job_id] = tuple(rare.checkpoints)
        if rare.optional:
            self.optional[job_id] = tuple(rare.optional)

    def all_hooks(self) -> Mapping[str, tuple[Hook, ...]]:
        """By id: those of the task itself, and of its transformation."""
        if not any(one.hooks for one in self.known.values()):
            return self.hooks
        found = {
            task.id: (*self.hooks.get(task.id, ()), *(one.hooks if one else ()))
            for task in self.found.values()
            for one in (self.known.get(task.transformation),)  # a sub-workflow has none
        }
        return {job_id: hooks for job_id, hooks in found.items() if hooks}

    def all_metadata(self) -> Mapping[str, Metadata]:
        """By id: that of the task itself, before that of its transformation."""
        if not any(one.metadata for one in self.known.values()):
            return self.metadata
        found = {
            task.id: {**self.known[task.transformation].metadata, **self.metadata.get(task.id, {})}
            for task in self.found.values()
            if task.transformation in self.known
        }
        return {job_id: mine for job_id, mine in found.items() if mine}

    def _uses(
        self, path: tuple[str, int], entry: dict[str, Any]
    ) -> tuple[dict[str, None], dict[str, Output], "_Rare | None"]:
        inputs: dict[str, None] = {}
        outputs: dict[str, Output] = {}
        rare: _Rare | None = None
        uses = entry.get("uses")
        if uses is None:
            return inputs, outputs, None
        mistakes, document, lfns = self.mistakes, self.document, self._lfns
        listed = enumerate(uses) if type(uses) is list else mistakes.numbered(document, (*path, "uses"), uses)
        for number, use in listed:
            if type(use) is not dict or not use.keys() <= _USE:
                use = mistakes.table(document, (*path, "uses", number), use, known=_USE)
            lfn, kind = use.get("lfn"), use.get("type")
            if type(lfn) is not str or type(kind) is not str or not lfn:
                lfn = mistakes.word(document, (*path, "uses", number), use, "lfn")
                kind = mistakes.word(document, (*path, "uses", number), use, "type")
                if not lfn or not kind:
                    continue
            known = lfns.get(lfn)
            if known is None:
                if not PLAIN.fullmatch(lfn) and (said := wrong_lfn(lfn)):
                    mistakes.add(document, (*path, "uses", number, "lfn"), said)
                    continue
                known = lfns[lfn] = lfn
            if known in inputs or known in outputs or (rare is not None and known in rare.checkpoints):
                line = document.line((*path, "uses", _first_use(uses, lfn) or 0))
                said = f"the job uses '{lfn}' twice; it is also on line {line}"
                mistakes.add(document, (*path, "uses", number), said)
            elif kind == "output":
                outputs[known] = Output(known, bool(use.get("stageOut", True)), bool(use.get("optional")))
            elif kind == "input":
                inputs[known] = None
                if use.get("optional"):
                    rare = rare or _Rare([], [])
                    rare.optional.append(known)
            elif kind == "checkpoint":
                rare = rare or _Rare([], [])
                rare.checkpoints.append(known)
                if use.get("stageOut", True):  # when the task has ended, as a result
                    outputs[known] = Output(known, stage_out=True, optional=True)
            else:
                self._wrong_kind((*path, "uses", number, "type"), kind)
        return inputs, outputs, rare

    def _wrong_kind(self, path: Path, kind: str) -> None:
        if kind == "inout":
            said = "'type' cannot be 'inout': a file is written once. Make what comes out a file with another name"
            self.mistakes.add(self.document, path, said)
        elif kind != UseKind.NONE:
            said = f"'type' cannot be '{kind}'{did_you_mean(kind, list(UseKind))}"
            self.mistakes.add(self.document, path, said)

    def _streams(
        self, path: Path, entry: dict[str, Any], inputs: dict[str, None], outputs: dict[str, Output]
    ) -> dict[str, str]:
        """Files named as standard streams are used as well; they are added to `inputs` and `outputs`."""
        mistakes, document = self.mistakes, self.document
        streams: dict[str, str] = {}
        for stream in _STREAMS:
            if entry.get(stream) is None:
                continue
            if not (lfn := mistakes.word(document, path, entry, stream)):
                continue
            streams[stream] = lfn = self._lfns.setdefault(lfn, lfn)
            is_input = stream == "stdin"
            if said := wrong_lfn(lfn):
                mistakes.add(document, (*path, stream), said)
            elif lfn in (outputs if is_input else inputs):
                said = f"'{stream}' is '{lfn}', which the job uses as its {'output' if is_input else 'input'}"
                mistakes.add(document, (*path, stream), said)
            elif is_input:
                inputs.setdefault(lfn)
            else:
                outputs.setdefault(lfn, Output(lfn, stage_out=True))
        return streams

    def _arguments(
        self, path: Path, entry: dict[str, Any], inputs: dict[str, None], outputs: dict[str, Output]
    ) -> tuple[str, ...]:
        """The words of the command line. As in Pegasus a shell's quotes count; a file's name is one word as it is."""
        items = entry["arguments"]
        try:
            if (joined := " ".join(items)).split() == items and not _QUOTE.search(joined):
                return tuple(items)
        except TypeError:
            pass
        words: list[str] = []
        for number, item in self.mistakes.numbered(self.document, (*path, "arguments"), items):
            if isinstance(item, bool) or not isinstance(item, str | int | float):
                said = f"an argument cannot be {item!r}: write it in quotes"
                self.mistakes.add(self.document, (*path, "arguments", number), said)
            elif (word := str(item)) in inputs or word in outputs:
                words.append(word)
            else:
                try:
                    words += shlex.split(word) or [""] * (word == "")
                except ValueError as error:
                    said = f"an argument cannot be {item!r}: {str(error).lower()}"
                    self.mistakes.add(self.document, (*path, "arguments", number), said)
        return tuple(words)

    def path_of(self, task: Job, lfn: str) -> Path:
        """Where the document says that a task uses `lfn`."""
        number = self.numbers[task.id]
        uses = self.document.value["jobs"][number].get("uses") or []
        index = _first_use(uses, lfn)
        return ("jobs", number) if index is None else ("jobs", number, "uses", index)


class _Rare(NamedTuple):
    """Of the files of a task, those that few have."""

    checkpoints: list[str]
    optional: list[str]  # inputs


def _first_use(uses: list[Any], lfn: str) -> int | None:
    found = (index for index, use in enumerate(uses) if isinstance(use, dict) and str(use.get("lfn")) == lfn)
    return next(found, None)


def _names_of_staged(name: str, known: Mapping[str, Transformation]) -> frozenset[str]:
    needed = [known[one] for one in (name, *known[name].requires) if one in known] if name in known else []
    return frozenset(one.file_name for one in needed if one.kind is Kind.STAGEABLE)
